/** Comments in their time in a SQLite file: as files of before come in, and what others wrote meanwhile. */
import { Database } from "bun:sqlite";
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { VirtualClock } from "../base/clock.ts";
import type { VideoId } from "../core/interaction.ts";
import { limits } from "../core/limits.ts";
import { draft } from "./contract-bench.ts";
import { saidWhen } from "./contract-counts.ts";
import type { Ledger } from "./ledger.ts";
import { openSqliteLedger, type SqliteOptions } from "./sqlite.ts";
import { verifySqlite } from "./sqlite-verify.ts";

const startMs = 1_700_000_000_000;
const history = 10;
let root = "";
let folders = 0;
beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), "ovation-counts-"));
});
afterAll(() => rmSync(root, { recursive: true, force: true }));

function directory() {
  const path = join(root, `${folders++}`);
  const file = join(path, "ovation.sqlite");
  const clock = new VirtualClock(startMs);
  const open = (over: Partial<SqliteOptions> = {}): Promise<Ledger> =>
    openSqliteLedger({ path, clock, commentHistory: history, ...over });
  const change = (...statements: string[]): void => {
    const db = new Database(file);
    for (const statement of statements) db.run(statement);
    db.close();
  };
  return { file, clock, open, change };
}

/** Each in a second of its own, from `fromS` on. */
async function say(ledger: Ledger, video: string, count: number, fromS: number): Promise<number[]> {
  const drafts = Array.from({ length: count }, (_, i) => ({
    ...draft(video, `${fromS + i}`),
    atMs: startMs + 1000 * (fromS + i),
  }));
  return (await ledger.append({ likes: [], comments: drafts })).map(({ seq }) => seq);
}

/** As a file was left by a program that counts none. */
const uncounted = [
  "DROP TABLE comment_counts",
  "DROP TABLE comment_blocks",
  "DELETE FROM meta WHERE name = 'commentsCounted'",
];

describe("a file of a program that counted none", () => {
  test("has those counted that are left, says from when, and has no gap from there on", async () => {
    const { open, change, file } = directory();
    const before = await open();
    await say(before, "whole", 4, 0);
    await say(before, "cut", 25, 0);
    const [, second] = await say(before, "removed", 3, 0);
    await before.retract("removed" as VideoId, second as number);
    await say(before, "deleted", 25, 0);
    await before.deletions.delete("deleted" as VideoId);
    await say(before, "deleted", 2, 50);
    await before.close();
    change(...uncounted);
    let ledger = await open();
    for (let start = 0; start < 2; start++) {
      expect(await saidWhen(ledger, "whole")).toMatchObject({ sum: 4, fromMs: undefined });
      expect(await saidWhen(ledger, "cut")).toMatchObject({ sum: 10, fromMs: startMs + 15_000 });
      expect(await saidWhen(ledger, "removed")).toMatchObject({ sum: 2, fromMs: undefined });
      expect(await saidWhen(ledger, "deleted")).toMatchObject({ sum: 2, fromMs: undefined });
      await ledger.close();
      ledger = await open();
    }
    await say(ledger, "whole", 30, 10);
    await say(ledger, "cut", 30, 100);
    expect(await saidWhen(ledger, "whole")).toMatchObject({ sum: 34, fromMs: undefined });
    expect(await saidWhen(ledger, "cut")).toMatchObject({ sum: 40, fromMs: startMs + 15_000 });
    await ledger.close();
    expect(verifySqlite(file).wrong).toEqual([]);
  });

  test("that went on for a while is gone on behind, or begun anew where it let go of some", async () => {
    const { open, change, file } = directory();
    const before = await open();
    for (const video of ["few", "many", "gone"]) await say(before, video, 15, 0);
    await before.close();
    const other = await open({ timeline: "off" });
    expect(await other.comments("few" as VideoId)).toEqual({ counts: undefined, upTo: 0 });
    await say(other, "few", 5, 20);
    await say(other, "many", 25, 20);
    await other.deletions.delete("gone" as VideoId);
    await say(other, "gone", 1, 20);
    await other.close();
    // It let go of nobody's head, and nothing but comments.
    change("DELETE FROM log");
    const ledger = await open();
    expect(await saidWhen(ledger, "few")).toMatchObject({ sum: 20, fromMs: undefined });
    expect(await saidWhen(ledger, "many")).toMatchObject({ sum: 10, fromMs: startMs + 35_000 });
    expect(await saidWhen(ledger, "gone")).toMatchObject({ sum: 1, fromMs: undefined });
    await ledger.close();
    expect(verifySqlite(file).wrong).toEqual([]);
  });
});

test("of more videos than are held in memory all are told, and what has aged is gone", async () => {
  const { open, clock, file } = directory();
  const ledger = await open();
  const count = limits.fileCountsHeldMax + 20;
  for (let round = 0; round < 3; round++) {
    const atMs = startMs + 600_000 * round;
    const comments = Array.from({ length: count }, (_, i) => ({ ...draft(`v${i}`, `${round}`), atMs }));
    await ledger.append({ likes: [], comments });
    clock.advance(4 * 3_600_000);
  }
  for (const i of [0, 1, count - 1]) expect((await saidWhen(ledger, `v${i}`)).sum).toBe(3);
  await ledger.close();
  const db = new Database(file);
  const tiers = db.query("SELECT tier, count(*) AS n FROM comment_blocks GROUP BY tier ORDER BY tier").all();
  db.close();
  expect(tiers).toEqual([
    { tier: 0, n: count },
    { tier: 1, n: count },
  ]);
});

test("verifying a file finds comments that are there and not counted, and what is damaged", async () => {
  const { open, change, file } = directory();
  const ledger = await open();
  await say(ledger, "v", 5, 0);
  await say(ledger, "w", 5, 0);
  await ledger.close();
  expect(verifySqlite(file).wrong).toEqual([]);
  change(
    "DELETE FROM comment_blocks WHERE video = 'v'",
    "UPDATE comment_counts SET head = x'00' WHERE video = 'w'",
  );
  expect(verifySqlite(file).wrong).toEqual([
    "the comments of w in their time are damaged",
    "v has 5 comments, and 0 in their time",
  ]);
});

test("of a deleted video nothing stays in the file, and the next by its name begins anew", async () => {
  const { open, file } = directory();
  const before = await open();
  for (const atS of [0, 1_000, 2_000]) await say(before, "v", 2, atS);
  await before.deletions.delete("v" as VideoId);
  await say(before, "v", 1, 9_000);
  await before.close();
  const ledger = await open();
  expect((await saidWhen(ledger, "v")).sum).toBe(1);
  await ledger.close();
  const db = new Database(file, { readonly: true });
  expect(db.query("SELECT count(*) AS blocks FROM comment_blocks").get()).toEqual({ blocks: 1 });
  db.close();
});
