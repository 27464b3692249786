/** Folders put back from a copy, and of earlier programs: no id names two comments, no hole is silent. */
import { Database } from "bun:sqlite";
import { afterAll, beforeAll, expect, test } from "bun:test";
import { cpSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { VirtualClock } from "../base/clock.ts";
import { parseId } from "../core/entry.ts";
import type { VideoId } from "../core/interaction.ts";
import { limits } from "../core/limits.ts";
import { draft, like, record } from "./contract-bench.ts";
import type { Ledger } from "./ledger.ts";
import { openSqliteLedger } from "./sqlite.ts";

const v = "v" as VideoId;
let root = "";
let folders = 0;

beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), "ovation-lineage-"));
});
afterAll(() => rmSync(root, { recursive: true, force: true }));

const folder = (): string => join(root, `${folders++}`);
const open = (path: string, clock = new VirtualClock()): Promise<Ledger> =>
  openSqliteLedger({ path, clock, commentHistory: 50 });

/** Says `texts`; the ids they were given. */
async function say(ledger: Ledger, ...texts: string[]): Promise<string[]> {
  const placed = await ledger.append({ likes: [], comments: texts.map((text) => draft("v", text)) });
  return placed.map(({ seq }) => ledger.lineage().idOf(seq));
}

const continues = (ledger: Ledger, id: string): boolean =>
  ledger.lineage().continues(parseId(id) as NonNullable<ReturnType<typeof parseId>>);

test("a folder put back gives no id twice, and continues no place of what was lost", async () => {
  const path = folder();
  const first = await open(path);
  const kept = await say(first, "1", "2", "3", "4", "5");
  await first.close();
  const copy = folder();
  cpSync(path, copy, { recursive: true });
  const second = await open(path);
  const lost = await say(second, "6", "7", "8");
  await second.close();
  rmSync(path, { recursive: true });
  cpSync(copy, path, { recursive: true });
  const third = await open(path);
  const anew = await say(third, "six", "seven", "eight", "nine");
  expect(new Set([...kept, ...lost, ...anew]).size).toBe(12);
  expect(kept.map((id) => continues(third, id))).toEqual(kept.map(() => true));
  expect(lost.map((id) => continues(third, id))).toEqual([false, false, false]);
  expect(anew.map((id) => continues(third, id))).toEqual(anew.map(() => true));
  await third.close();
});

test("a folder copied while it was written to, as after a loss of power, gives no id twice", async () => {
  const path = folder();
  const ledger = await open(path);
  await say(ledger, "1", "2");
  const copy = folder();
  mkdirSync(copy);
  cpSync(path, copy, { recursive: true });
  const lost = await say(ledger, "3");
  const back = await open(copy);
  const [anew] = await say(back, "three");
  expect(anew).not.toBe(lost[0] as string);
  expect(continues(back, lost[0] as string)).toBe(false);
  await back.close();
  await ledger.close();
});

test("starts without a comment between them do not use branches up", async () => {
  const path = folder();
  const first = await open(path);
  const before = first.lineage().idOf(0);
  await first.close();
  for (let i = 0; i < 5; i++) await (await open(path)).close();
  const ledger = await open(path);
  // The first one, which whoever saw the empty log goes on from, and the newest.
  expect(ledger.lineage().branches).toHaveLength(2);
  expect(continues(ledger, before)).toBe(true);
  await say(ledger, "1");
  await ledger.close();
  const again = await open(path);
  expect(again.lineage().branches).toHaveLength(3);
  await again.close();
});

/** A file as the program before lineages wrote it: its schema 1, with two comments, a like and a key each. */
function writeEarlier(path: string, epoch: string): void {
  mkdirSync(path);
  const db = new Database(join(path, "ovation.sqlite"), { create: true });
  db.run(`PRAGMA journal_mode = WAL;
    CREATE TABLE meta (name TEXT PRIMARY KEY, value NOT NULL) WITHOUT ROWID;
    CREATE TABLE log (seq INTEGER PRIMARY KEY, at REAL NOT NULL, record BLOB NOT NULL);
    CREATE TABLE totals (
      video TEXT NOT NULL, kind TEXT NOT NULL, count INTEGER NOT NULL, version INTEGER NOT NULL,
      PRIMARY KEY (video, kind)
    ) WITHOUT ROWID;
    CREATE TABLE entries (
      seq INTEGER PRIMARY KEY, video TEXT NOT NULL, previous INTEGER NOT NULL, nth INTEGER NOT NULL,
      target INTEGER, text TEXT, user TEXT, at REAL NOT NULL, hold INTEGER NOT NULL DEFAULT 0
    );
    CREATE INDEX entries_of_video ON entries (video);
    CREATE TABLE comment_keys (
      seq INTEGER PRIMARY KEY, hi INTEGER NOT NULL, lo INTEGER NOT NULL, at REAL NOT NULL
    );
    CREATE INDEX comment_keys_by_hash ON comment_keys (hi, lo);
    CREATE TABLE members (hi INTEGER, lo INTEGER, PRIMARY KEY (hi, lo)) WITHOUT ROWID;
    INSERT INTO totals VALUES ('v', 'heart', 7, 3);
    INSERT INTO entries VALUES (1, 'v', 0, 1, NULL, 'one', 'Ann', 1700000000000, 0);
    INSERT INTO entries VALUES (2, 'v', 1, 2, NULL, 'two', NULL, 1700000000001, 0);`);
  db.run("INSERT INTO meta VALUES ('schema', 1), ('epoch', ?1), ('likes', 'many'), ('upTo', 3)", [epoch]);
  db.close();
}

test("a folder of the program before lineages opens as it is, and its ids resume", async () => {
  const path = folder();
  writeEarlier(path, "earlier1");
  const ledger = await open(path);
  expect(ledger.epoch).toBe("earlier1");
  expect(ledger.totals(v)).toEqual({ version: 3, counts: { heart: 7 } });
  const { entries } = await ledger.entries(v, 0, 10);
  expect(entries.map(({ seq }) => ledger.lineage().idOf(seq))).toEqual(["earlier1-1", "earlier1-2"]);
  expect([0, 1, 2, 3].map((seq) => continues(ledger, `earlier1-${seq}`))).toEqual([true, true, true, false]);
  const [next] = await say(ledger, "three");
  expect(next).toEndWith("-3");
  expect(next).not.toStartWith("earlier1");
  await ledger.close();
  // The program before would give such ids out twice: it finds a schema that it does not know.
  const db = new Database(join(path, "ovation.sqlite"));
  expect(db.query("SELECT value FROM meta WHERE name = 'schema'").get()).toEqual({ value: 2 });
  db.close();
});

test("a wall set forward or back moves no key out of its window", async () => {
  for (const setMs of [3 * 60_000, 3_600_000, -3_600_000]) {
    const path = folder();
    const clock = new VirtualClock();
    let ledger = await open(path, clock);
    const repeat = () =>
      ledger.append({ likes: [record([like("v", "a")])], comments: [draft("v", "x", "a")] });
    await repeat();
    clock.setWall(setMs);
    clock.advance(10_000);
    expect(await repeat()).toMatchObject([{ repeated: true }]);
    await ledger.close();
    ledger = await open(path, clock);
    clock.advance(limits.keyWindowMs - 11_000);
    expect(await repeat()).toMatchObject([{ repeated: true }]);
    expect(ledger.totals(v).counts).toEqual({ heart: 1 });
    clock.advance(2_000);
    expect(await repeat()).toMatchObject([{ repeated: false }]);
    clock.advance(limits.keyWindowMs + 1_000);
    expect(await repeat()).toMatchObject([{ repeated: false }]);
    expect(ledger.totals(v).counts).toEqual({ heart: 2 });
    await ledger.close();
  }
});

test("a ledger that outlives a loss of power takes and keeps the same", async () => {
  const path = folder();
  const options = { path, clock: new VirtualClock(), commentHistory: 50 };
  const ledger = await openSqliteLedger({ ...options, durability: "power" });
  await say(ledger, "1");
  await ledger.close();
  const again = await openSqliteLedger({ ...options, durability: "process" });
  expect((await again.entries(v, 0, 10)).entries).toHaveLength(1);
  await again.close();
});
