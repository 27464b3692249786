/** Timelines in a SQLite file: as files of before come in, and what of them is written down. */
import { Database } from "bun:sqlite";
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { VirtualClock } from "../base/clock.ts";
import { limits } from "../core/limits.ts";
import { expectInTime, inTime, like, once, record } from "./contract-bench.ts";
import { openSqliteLedger, type SqliteOptions } from "./sqlite.ts";

const startMs = 1_700_000_000_000;
const hour = 3_600_000;
let root = "";
let folders = 0;
beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), "ovation-timeline-"));
});
afterAll(() => rmSync(root, { recursive: true, force: true }));

/** A directory, opened on one clock as often as it is wanted. */
function directory(more: Partial<SqliteOptions> = {}) {
  const path = join(root, `${folders++}`);
  const clock = new VirtualClock(startMs);
  const open = (over: Partial<SqliteOptions> = {}) => {
    return openSqliteLedger({ path, clock, commentHistory: 10, ...more, ...over });
  };
  const change = (...statements: string[]): void => {
    const db = new Database(join(path, "ovation.sqlite"));
    for (const statement of statements) db.run(statement);
    db.close();
  };
  const count = (text: string): number => {
    const db = new Database(join(path, "ovation.sqlite"));
    const { n } = db.query<{ n: number }, []>(text).get() as { n: number };
    db.close();
    return n;
  };
  return { path, clock, open, change, count };
}

const likes = (atMs: number, ...given: Parameters<typeof record>[0]) => ({
  likes: [record(given, atMs)],
  comments: [],
});

describe("a directory made before there were timelines", () => {
  test.each(["many", "once"] as const)(
    "opens, with --like-mode=%s: its likes are before all time, new ones are in it",
    async (mode) => {
      const { open, change, clock } = directory(mode === "once" ? { onceMax: 100 } : {});
      const one = (n: number) =>
        mode === "once" ? once("v", `viewer ${n}`) : like("v", `k${n}`, { count: 3 });
      const first = await open();
      await first.append(likes(startMs, one(1), one(2)));
      await first.append({
        likes: [],
        comments: [{ video: one(1).video, text: "hi", user: undefined, key: "c", atMs: 1 }],
      });
      await first.close();
      change(
        "DROP TABLE timelines",
        "DROP TABLE timeline_blocks",
        "ALTER TABLE log DROP COLUMN whose",
        "ALTER TABLE entries DROP COLUMN media",
        "DELETE FROM meta WHERE name = 'timelineSeries'",
      );
      const again = await open();
      const old = mode === "once" ? 2 : 6;
      expect(inTime(again, "v")).toEqual({ before: { heart: old }, placed: {}, sum: { heart: old } });
      // A repeat of before is known, and is no news to the timeline.
      await again.append(likes(startMs + 5_000, one(1), one(3)));
      const added = mode === "once" ? 1 : 3;
      expect(inTime(again, "v")).toMatchObject({ before: { heart: old }, placed: { heart: added } });
      expectInTime(again, ["v"]);
      expect((await again.entries(one(1).video, undefined, 10)).entries).toMatchObject([{ text: "hi" }]);
      clock.advance(2_000);
      await again.close();
      const third = await open();
      expect(inTime(third, "v")).toMatchObject({ before: { heart: old }, placed: { heart: added } });
      await third.close();
    },
  );
});

test("likes counted meanwhile by a program that knows no timelines are before all time", async () => {
  const { open, change } = directory();
  const first = await open();
  await first.append(likes(startMs, like("v", "a", { count: 5 })));
  await first.close();
  change("UPDATE totals SET count = count + 7, version = version + 1");
  const again = await open();
  expect(inTime(again, "v")).toEqual({ before: { heart: 7 }, placed: { heart: 5 }, sum: { heart: 12 } });
  await again.close();
});

test("switched off it costs nothing and tells nothing, and on again it goes on", async () => {
  const { open } = directory();
  const first = await open();
  await first.append(likes(startMs, like("v", "a")));
  await first.close();
  const off = await open({ timeline: "off" });
  await off.append(likes(startMs + 1_000, like("v", "b", { count: 4 })));
  expect(off.timeline(like("v").video)).toBeUndefined();
  await off.close();
  const again = await open();
  expect(inTime(again, "v")).toEqual({ before: { heart: 4 }, placed: { heart: 1 }, sum: { heart: 5 } });
  await again.close();
});

test("what was merged into longer steps, and out of time, is not in the file any more", async () => {
  const { open, clock, count } = directory();
  const ledger = await open();
  for (const atMs of [0, 0.5 * hour, 3 * hour, 30 * hour, 800 * hour]) {
    clock.advance(startMs + atMs - clock.date());
    await ledger.append(likes(startMs + atMs, like("v", undefined, { count: 2 })));
    clock.advance(1_500);
    expectInTime(ledger, ["v"]);
  }
  await ledger.close();
  expect(count("SELECT count(*) AS n FROM timeline_blocks")).toBe(1);
  const again = await open();
  expect(inTime(again, "v")).toEqual({ before: { heart: 8 }, placed: { heart: 2 }, sum: { heart: 10 } });
  await again.close();
});

test("videos whose timeline had to go are not in the file any more, and keep their likes", async () => {
  const ages = [2 * hour, 24 * hour, 720 * hour] as const;
  const small = { ages, bytesMax: 2_000, behindMs: 1, aheadMs: 1 };
  const { open, clock, count } = directory({ timeline: small });
  const ledger = await open();
  for (let i = 0; i < 60; i++) {
    await ledger.append(likes(startMs + i, like(`v${i}`, "a", { count: 3 })));
    clock.advance(1_100);
  }
  await ledger.close();
  expect(count("SELECT count(*) AS n FROM timelines")).toBeLessThan(30);
  expect(count("SELECT count(DISTINCT video) AS n FROM timeline_blocks")).toBe(
    count("SELECT count(*) AS n FROM timelines"),
  );
  const again = await open();
  expectInTime(
    again,
    Array.from({ length: 60 }, (_, i) => `v${i}`),
  );
  expect(inTime(again, "v0").before).toEqual({ heart: 3 });
  expect(inTime(again, "v59").before).toEqual({});
  await again.close();
});

test("a block that is damaged costs its likes their place, and nothing else", async () => {
  const { open, change } = directory();
  const first = await open();
  await first.append(likes(startMs, like("v", "a", { count: 9 })));
  await first.close();
  for (const damaged of ["x'00'", "x'ffffffffffffffffffffffff'", "zeroblob(4000)", "x''"]) {
    change(`UPDATE timeline_blocks SET block = ${damaged}`);
    const again = await open();
    expect(again.totals(like("v").video).counts).toEqual({ heart: 9 });
    expectInTime(again, ["v"]);
    await again.close();
  }
  change("UPDATE timelines SET head = x'0102'");
  const again = await open();
  expectInTime(again, ["v"]);
  await again.close();
  expect(limits.timelineOfOneBytesMax).toBeLessThan(limits.timelinesBytesMax);
});
