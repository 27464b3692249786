/**
 * What every ledger promises, as one suite that each implementation runs: likes, opening and closing here,
 * comments in contract-comments.ts, the bench they all work at in contract-bench.ts.
 *
 * An append that resolved is durable, but its change may be announced later, since a ledger over a network
 * folds when the log comes back to it. So nothing here reads `totals` before it heard of them.
 */
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import fc from "fast-check";
import type { Kind, VideoId } from "../core/interaction.ts";
import { limits } from "../core/limits.ts";
import type { LikeRecord } from "../core/record.ts";
import { describeAway } from "./contract-away.ts";
import { Bench, draft, like, type Opened, record, type Skip } from "./contract-bench.ts";
import { describeComments } from "./contract-comments.ts";
import { describeCounts } from "./contract-counts.ts";
import { describeDeletions } from "./contract-delete.ts";
import { describeTime } from "./contract-time.ts";
import { LedgerUnavailable } from "./ledger.ts";

export function describeLedger(
  name: string,
  open: () => Promise<Opened>,
  options: { readonly skip: readonly Skip[] },
): void {
  describe(name, () => {
    const bench = new Bench();
    beforeEach(async () => bench.start(await open()));
    afterEach(async () => {
      bench.expectInTime();
      await bench.opened.close();
    });
    describe("likes", () => describeLikes(bench, options.skip));
    describe("time", () => describeTime(bench, options.skip));
    describe("closed videos that leave memory", () => describeAway(bench, options.skip));
    describe("comments", () => describeComments(bench, options.skip));
    describe("comments in their time", () => describeCounts(bench, options.skip));
    describe("deletions", () => describeDeletions(bench, options.skip));
    describe("opening and closing", () => describeLife(bench, open, options.skip));
  });
}

function describeLikes(bench: Bench, skip: readonly Skip[]): void {
  const v = "v" as VideoId;
  test("are counted, with or without a key, and announced once, in order", async () => {
    await bench.likes(record([like("v"), like("v", "a"), like("v", "b", { count: 50 })], 123.25));
    await bench.likes(record([like("v")]), record([like("w", "a", { kind: "clap" })]));
    await bench.total("v", 53);
    await bench.total("w", 1);
    expect(bench.ledger.totals(v)).toEqual({ version: 2, counts: { heart: 53 } });
    const ofV = bench.changes.filter((change) => change.video === "v");
    expect(ofV.map((change) => [change.totals.version, change.added])).toEqual([
      [1, 52],
      [2, 1],
    ]);
    expect(ofV[0]?.atMs).toBe(123.25);
    expect(ofV[0]?.durableMs).toBeGreaterThan(123.25);
    expect(bench.changes).toHaveLength(3);
    expect([...bench.ledger.videos()].sort()).toEqual(["v", "w"] as VideoId[]);
  });

  test("that were answered are in the totals that are asked for, at once", async () => {
    for (let i = 1; i <= 20; i++) {
      await bench.likes(record([like("v", `k${i}`)]));
      expect((await bench.ledger.current(v)).counts).toEqual({ heart: i });
    }
    expect(await bench.ledger.current("nobody" as VideoId)).toEqual({ version: 0, counts: {} });
  });

  test("have a lane that is theirs for good, and comments one too", async () => {
    const lanes = Array.from({ length: 100 }, (_, i) => bench.ledger.laneOf(`v${i}` as VideoId));
    expect(Array.from({ length: 100 }, (_, i) => bench.ledger.laneOf(`v${i}` as VideoId))).toEqual(lanes);
    for (const lane of [...lanes, bench.ledger.commentLane]) {
      expect(Number.isSafeInteger(lane) && lane >= 0 && lane < 1_000).toBe(true);
    }
  });

  test("of a video nobody liked are none", () => {
    expect(bench.ledger.totals("nobody" as VideoId)).toEqual({ version: 0, counts: {} });
  });

  test("of several kinds make one change of their video", async () => {
    await bench.likes(
      record([like("v"), like("v", "k", { kind: "clap" }), like("v", "l", { kind: "constructor" })]),
    );
    await bench.total("v", 3);
    expect(bench.changes).toHaveLength(1);
    expect(bench.ledger.totals(v)).toEqual({ version: 1, counts: { heart: 1, clap: 1, constructor: 1 } });
  });

  test("with a repeated key count once: in a record, a batch, over batches, whatever the kind", async () => {
    await bench.likes(
      record([like("v", "a"), like("v", "a"), like("v", "a", { kind: "clap" })]),
      record([like("v", "a")]),
    );
    await bench.likes(record([like("v", "a", { count: 9 }), like("v", "b")]));
    await bench.likes(record([like("w", "a")]));
    await bench.total("v", 2);
    await bench.total("w", 1);
    expect(bench.ledger.totals(v).counts).toEqual({ heart: 2 });
  });

  test("under a key that stands for another like are known as such, by whoever folded it", async () => {
    await bench.likes(record([like("v", "a", { count: 2 })]));
    await bench.total("v", 2);
    expect(bench.ledger.room(like("v", "a", { count: 2 }))).toBe("room");
    expect(bench.ledger.room(like("v", "a", { count: 3 }))).toBe("other");
    expect(bench.ledger.room(like("v", "a", { count: 2, kind: "clap" }))).toBe("other");
  });

  test("that are all repeats change nothing and are not announced", async () => {
    await bench.likes(record([like("v", "a")]));
    await bench.likes(record([like("v", "a")]));
    await bench.likes(record([like("v")]));
    await bench.total("v", 2);
    expect(bench.changes.map((change) => change.totals.version)).toEqual([1, 2]);
  });

  test("leave totals handed out earlier as they were", async () => {
    await bench.likes(record([like("v")]));
    await bench.total("v", 1);
    const before = bench.ledger.totals(v);
    await bench.likes(record([like("v")]));
    await bench.total("v", 2);
    expect(before).toEqual({ version: 1, counts: { heart: 1 } });
    expect(bench.changes[0]?.totals).toEqual(before);
  });

  test("carry the first names, and none of a group that only repeats", async () => {
    const named = Array.from({ length: 9 }, (_, i) => like("v", `k${i}`, { user: `u${i}`, count: i + 1 }));
    await bench.likes(record(named));
    await bench.likes(
      record([like("v", "k0", { user: "again" }), like("v", undefined, { kind: "clap", user: "new" })]),
    );
    await bench.total("v", 46);
    const [first, second] = bench.changes;
    expect(first?.by).toHaveLength(limits.bySizeMax);
    expect(first?.by[1]).toEqual({ user: "u1", kind: "heart", count: 2 });
    expect(second?.by).toEqual([{ user: "new", kind: "clap", count: 1 }]);
  });

  test("are exact far beyond 32 bits", async () => {
    const many = (loose: number): LikeRecord => {
      return {
        atMs: 1,
        groups: [{ video: v, kind: "heart" as Kind, loose, hi: [], lo: [], counts: [], by: [] }],
      };
    };
    await bench.likes(many(2 ** 33 + 1));
    await bench.likes(many(2 ** 50));
    await bench.likes(many(1));
    await bench.total("v", 2 ** 50 + 2 ** 33 + 2);
    await bench.reopen();
    await bench.total("v", 2 ** 50 + 2 ** 33 + 2);
  });

  test.skipIf(skip.includes("advance"))(
    "may repeat a key once its window has passed since its last use",
    async () => {
      const advance = (ms: number) => bench.opened.advance?.(ms);
      await bench.likes(record([like("v", "a")]));
      advance(limits.keyWindowMs);
      await bench.likes(record([like("v", "a")]));
      advance(limits.keyWindowMs + 2);
      await bench.likes(record([like("v", "a")]));
      await bench.total("v", 2);
      expect(bench.ledger.room(like("v", "other"))).toBe("room");
    },
  );

  test("total the distinct keys and the likes without one, however split, repeated and mixed", async () => {
    let round = 0;
    const one = fc.record({
      video: fc.constantFrom("x", "y"),
      key: fc.option(fc.integer({ min: 0, max: 12 })),
    });
    const batches = fc.array(fc.array(fc.array(one, { minLength: 1, maxLength: 8 }), { maxLength: 3 }), {
      maxLength: 6,
    });
    await fc.assert(
      fc.asyncProperty(batches, async (batches) => {
        round++;
        const expected = new Map<string, Set<unknown>>([
          ["x", new Set()],
          ["y", new Set()],
        ]);
        for (const batch of batches) {
          const records = batch.map((likes) =>
            record(
              likes.map(({ video, key }) => like(`${video}${round}`, key === null ? undefined : `${key}`)),
            ),
          );
          for (const { video, key } of batch.flat()) expected.get(video)?.add(key ?? {});
          await bench.likes(...records);
        }
        for (const [video, likes] of expected) await bench.total(`${video}${round}`, likes.size);
      }),
      { numRuns: 40 },
    );
  });
}

function describeLife(bench: Bench, open: () => Promise<Opened>, skip: readonly Skip[]): void {
  test("has an epoch of its own", async () => {
    const other = await open();
    expect(bench.ledger.epoch).toMatch(/^[a-z0-9]{4,16}$/);
    expect(other.ledger.epoch).not.toBe(bench.ledger.epoch);
    await other.close();
  });

  test("is ready until closed, then refuses", async () => {
    await bench.likes(record([like("v")]));
    expect(bench.ledger.ready()).toBe(true);
    expect(bench.ledger.troubles()).toEqual([]);
    await bench.ledger.close();
    await bench.ledger.close();
    expect(bench.ledger.ready()).toBe(false);
    expect(bench.ledger.troubles()).toHaveLength(1);
    await expect(bench.likes(record([like("v")]))).rejects.toBeInstanceOf(LedgerUnavailable);
    await expect(bench.comments(draft("v", "late"))).rejects.toBeInstanceOf(LedgerUnavailable);
    await expect(bench.retract("v", 1)).rejects.toBeInstanceOf(LedgerUnavailable);
    await expect(bench.page("v", 0)).rejects.toBeInstanceOf(LedgerUnavailable);
  });

  test("takes an empty batch", async () => {
    expect(await bench.ledger.append({ likes: [], comments: [] })).toEqual([]);
  });

  test.skipIf(skip.includes("reopen"))("opened again, goes on where it stopped", async () => {
    await bench.likes(record([like("v", "a"), like("v"), like("w", "a", { kind: "clap", count: 7 })]));
    const [first] = await bench.comments(draft("v", "hello", "key"), draft("w", "there"));
    await bench.total("v", 2);
    await bench.total("w", 7);
    const { epoch } = bench.ledger;
    const totals = bench.ledger.totals("v" as VideoId);
    await bench.reopen();
    expect(bench.ledger.epoch).toBe(epoch);
    await bench.total("v", 2);
    expect(bench.ledger.totals("v" as VideoId)).toEqual(totals);
    expect((await bench.page("v", 0)).entries.map((entry) => entry.seq)).toEqual([first as number]);
    await bench.likes(record([like("v", "a"), like("v", "b")]));
    await bench.total("v", 3);
    expect(await bench.ledger.append({ likes: [], comments: [draft("v", "hello", "key")] })).toEqual([
      { seq: first as number, repeated: true },
    ]);
    expect(bench.ledger.totals("v" as VideoId).version).toBe(totals.version + 1);
  });

  test("answers appends made at once, each with its own places", async () => {
    const appends = Array.from({ length: 30 }, (_, i) =>
      bench.ledger.append({ likes: [record([like("v", `k${i % 20}`)])], comments: [draft("v", `c${i}`)] }),
    );
    const seqs = (await Promise.all(appends)).flat().map(({ seq }) => seq);
    expect(new Set(seqs).size).toBe(30);
    await bench.total("v", 20);
    const { head } = await bench.page("v", undefined);
    expect(head).toBe(Math.max(...seqs));
    expect(bench.ledger.head()).toBe(head);
  });
}
