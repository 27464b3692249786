/** Closed videos of a SQLite ledger that have left memory: over deaths at any point, and versions. */
import { Database } from "bun:sqlite";
import { afterAll, beforeAll, expect, test } from "bun:test";
import { copyFileSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { VirtualClock } from "../base/clock.ts";
import { seededPrng } from "../base/prng.ts";
import type { VideoId } from "../core/interaction.ts";
import { draft, inTime, like, record } from "./contract-bench.ts";
import type { AwayVideos, Ledger } from "./ledger.ts";
import { openSqliteLedger } from "./sqlite.ts";
import { verifySqlite } from "./sqlite-verify.ts";

let root = "";
let folders = 0;
beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), "ovation-away-"));
});
afterAll(() => rmSync(root, { recursive: true, force: true }));

const startMs = 1_700_000_000_000;
const folder = (): string => join(root, `${folders++}`);
const awayOf = (ledger: Ledger): AwayVideos => ledger.away as AwayVideos;
const id = (n: number): VideoId => `v${n}` as VideoId;

function open(path: string, clock: VirtualClock): Promise<Ledger> {
  return openSqliteLedger({ path, clock, commentHistory: 12 });
}

/** The folder as it lies there now: what a kill -9 leaves. */
function afterDeath(path: string): string {
  const copy = folder();
  mkdirSync(copy);
  for (const name of readdirSync(path)) copyFileSync(join(path, name), join(copy, name));
  return copy;
}

async function all(ledger: Ledger, count: number) {
  const told: { counts: object; isClosed: boolean; sum: object }[] = [];
  for (let n = 0; n < count; n++) {
    const { counts } = await ledger.current(id(n));
    const isClosed = awayOf(ledger).isClosed(id(n));
    told.push({ counts: { ...counts }, isClosed, sum: inTime(ledger, id(n)).sum });
  }
  return told;
}

test("is exact whenever it dies: likes, closing, opening and what came late", async () => {
  const seed = Date.now() % 100_000;
  const prng = seededPrng(seed);
  const path = folder();
  const clock = new VirtualClock();
  const ledger = await open(path, clock);
  const likes = new Array<number>(12).fill(0);
  const closed = new Set<VideoId>();
  let leaving: Promise<boolean>[] = [];
  for (let step = 0; step < 300; step++) {
    const n = prng.between(0, likes.length - 1);
    const what = prng.between(0, 5);
    if (what < 3) {
      const two = record([like(id(n)), like(id(n))], startMs + 100 * step);
      await ledger.append({ likes: [two], comments: [] });
      likes[n] = (likes[n] as number) + 2;
    } else if (what === 3) {
      leaving.push(awayOf(ledger).put(id(n)));
    } else if (what === 4) {
      clock.advance(1_000);
      await Promise.all(leaving);
      leaving = [];
      if (await awayOf(ledger).open(id(n))) closed.delete(id(n));
    }
    if (step % 30 !== 0) continue;
    const died = await open(afterDeath(path), clock);
    const wanted = likes.map((heart) => (heart === 0 ? {} : { heart }));
    const counts = (await all(died, likes.length)).map((one) => one.counts);
    expect([seed, ...counts]).toEqual([seed, ...wanted]);
    for (let i = 0; i < likes.length; i++) expect({ ...inTime(died, id(i)).sum }).toEqual(wanted[i] as never);
    await died.close();
  }
  clock.advance(1_000);
  await Promise.all(leaving);
  const before = await all(ledger, likes.length);
  await ledger.close();
  const again = await open(path, clock);
  expect(await all(again, likes.length)).toEqual(before);
  await again.close();
  expect(verifySqlite(join(path, "ovation.sqlite")).wrong).toEqual([]);
});

/** A folder with two videos, of which the first is away. */
async function oneAway(clock: VirtualClock): Promise<string> {
  const path = folder();
  const ledger = await open(path, clock);
  await ledger.append({ likes: [record([like("v0", "a"), like("v1", "a")], startMs)], comments: [] });
  const left = awayOf(ledger).put(id(0));
  clock.advance(1_000);
  await left;
  await ledger.close();
  return path;
}

test("a program of before has all of them in memory, and what it counts is there afterwards", async () => {
  const clock = new VirtualClock();
  const path = await oneAway(clock);
  const db = new Database(join(path, "ovation.sqlite"));
  const rows = db.query<{ video: string; version: number }, []>("SELECT video, version FROM totals").all();
  expect(rows).toEqual([
    { video: "v0", version: 1 },
    { video: "v1", version: 1 },
  ]);
  db.run("UPDATE totals SET count = 7, version = 2 WHERE video = 'v0'");
  db.close();
  const ledger = await open(path, clock);
  expect((await ledger.current(id(0))).counts).toEqual({ heart: 7 });
  expect(inTime(ledger, "v0")).toMatchObject({ before: { heart: 6 }, placed: { heart: 1 } });
  expect(awayOf(ledger).isClosed(id(0))).toBe(true);
  await ledger.close();
});

test("a folder without a table of them gets one", async () => {
  const clock = new VirtualClock();
  const path = await oneAway(clock);
  const db = new Database(join(path, "ovation.sqlite"));
  db.run("DROP TABLE away");
  db.close();
  expect(() => verifySqlite(join(path, "ovation.sqlite"))).toThrow("start it once");
  const ledger = await open(path, clock);
  expect(ledger.totals(id(0)).counts).toEqual({ heart: 1 });
  expect(awayOf(ledger).isClosed(id(0))).toBe(false);
  await ledger.close();
});

test("who asks for ids that nobody knows asks no disk, and holds no more for it", async () => {
  const clock = new VirtualClock();
  const ledger = await open(await oneAway(clock), clock);
  await ledger.close();
  // A closed ledger throws for whatever wants its database.
  for (let n = 100; n < 1_100; n++) expect((await ledger.current(id(n))).version).toBe(0);
  expect(ledger.current(id(0))).rejects.toThrow("closed");
});

test("who asks for many of them has no more than so many held", async () => {
  const clock = new VirtualClock();
  const ledger = await open(folder(), clock);
  const many = Array.from({ length: 600 }, (_, n) => like(`v${n}`));
  await ledger.append({ likes: [record(many, startMs)], comments: [] });
  const left = many.map(({ video }) => awayOf(ledger).put(video));
  clock.advance(1_000);
  await Promise.all(left);
  for (const { video } of many) expect((await ledger.current(video)).counts).toEqual({ heart: 1 });
  // Held are those asked for last.
  const held = many.filter(({ video }) => ledger.totals(video).version > 0);
  expect(held).toHaveLength(256);
  expect(ledger.holdings()[0]).toMatchObject({ videos: 0, away: 600 });
  await ledger.close();
});

test("one that is deleted while it is about to leave does not leave", async () => {
  for (const isLiked of [true, false]) {
    const clock = new VirtualClock();
    const ledger = await openSqliteLedger({ path: ":memory:", clock, commentHistory: 5 });
    const likes = isLiked ? [record([like("v", "a")])] : [];
    await ledger.append({ likes, comments: [draft("v", "said")] });
    const left = ledger.away?.put("v" as VideoId);
    expect(await ledger.deletions.delete("v" as VideoId)).toBe(true);
    clock.advance(2_000);
    await left;
    expect(ledger.away?.isClosed("v" as VideoId)).toBe(false);
    await ledger.close();
  }
});
