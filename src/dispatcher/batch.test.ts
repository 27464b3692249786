import { describe, expect, test } from "bun:test";
import { VirtualClock } from "../base/clock.ts";
import { createMetrics } from "../base/metrics.ts";
import type { CommentDraft, Kind, Like, VideoId } from "../core/interaction.ts";
import { limits } from "../core/limits.ts";
import { decodeRecord, encodeRecord } from "../core/record.ts";
import { encodeWhose } from "../core/whose.ts";
import { Batch } from "./batch.ts";
import { FakeLedger } from "./fake-ledger.ts";

const like = (key?: string): Like => ({
  video: "v" as VideoId,
  kind: "heart" as Kind,
  count: 1,
  user: undefined,
  key,
});
const draft = (text: string): CommentDraft => ({
  video: "v" as VideoId,
  text,
  user: undefined,
  key: undefined,
  atMs: 0,
});

function bench() {
  const clock = new VirtualClock();
  const ledger = new FakeLedger();
  return { clock, ledger, batch: new Batch(ledger, clock, createMetrics()) };
}
/** Lets promises settle without time passing. */
const settle = () => new Promise<void>((resolve) => setImmediate(resolve));
const likesIn = (ledger: FakeLedger, at: number): number => {
  const [record] = ledger.batches[at]?.likes ?? [];
  return record?.groups.reduce((sum, group) => sum + group.loose + group.hi.length, 0) ?? 0;
};

describe("a batch", () => {
  test("goes on the same turn when the ledger is idle, with all that came on that turn", async () => {
    const { clock, ledger, batch } = bench();
    const outcome = batch.like(like(), 5);
    expect(batch.like(like("k"), 6)).toBe(outcome);
    expect(ledger.batches).toHaveLength(0);
    clock.advance(0);
    expect(await outcome).toEqual([]);
    expect(ledger.batches).toHaveLength(1);
    expect(likesIn(ledger, 0)).toBe(2);
    expect(ledger.batches[0]?.likes[0]?.atMs).toBe(5);
    expect(batch.pending).toBe(0);
  });

  test("of a ledger that commits on our turn is spaced out, by ten milliseconds at most", async () => {
    const { clock, ledger, batch } = bench();
    for (const [costMs, restMs] of [
      [0.5, 4.5],
      [1, 9],
      [40, 10],
    ] as const) {
      clock.advance(1_000);
      ledger.onAppend = () => clock.advance(costMs);
      const before = ledger.batches.length;
      const first = batch.like(like(), 0);
      clock.advance(0);
      await first;
      ledger.onAppend = () => {};
      const committedMs = clock.elapsed();
      const second = batch.like(like(), 0);
      clock.advance(restMs - 0.1);
      expect(ledger.batches).toHaveLength(before + 1);
      clock.advance(0.2);
      expect(ledger.batches).toHaveLength(before + 2);
      await second;
      expect(clock.elapsed() - committedMs).toBeLessThanOrEqual(limits.batchMs + 0.2);
    }
  });

  test("collects for ten milliseconds while another is on its way, and never longer", async () => {
    const { clock, ledger, batch } = bench();
    ledger.answers = false;
    batch.like(like(), 0);
    clock.advance(0);
    for (let round = 1; round <= 6; round++) {
      const startMs = clock.elapsed();
      while (ledger.batches.length === round) {
        batch.like(like(), 0);
        clock.advance(1);
        await settle();
      }
      expect(clock.elapsed() - startMs).toBeLessThanOrEqual(limits.batchMs + 1);
      expect(likesIn(ledger, round)).toBe(limits.batchMs);
    }
  });

  test("goes as soon as the only one on its way is answered", async () => {
    const { clock, ledger, batch } = bench();
    ledger.answers = false;
    batch.like(like(), 0);
    clock.advance(0);
    batch.like(like(), 0);
    clock.advance(1);
    batch.like(like(), 0);
    expect(ledger.batches).toHaveLength(1);
    ledger.settle();
    await settle();
    clock.advance(0);
    expect(likesIn(ledger, 1)).toBe(2);
    // The time it was given before is over, and belongs to none of those that come later.
    batch.like(like(), 0);
    clock.advance(limits.batchMs - 1.5);
    expect(ledger.batches).toHaveLength(2);
  });

  test("waits and grows when eight are on their way, and goes when one is answered", async () => {
    const { clock, ledger, batch } = bench();
    ledger.answers = false;
    for (let i = 0; i < 8; i++) {
      batch.like(like(), 0);
      clock.advance(limits.batchMs);
    }
    expect(ledger.waiting).toBe(8);
    for (let i = 0; i < 100; i++) {
      batch.like(like(), 0);
      clock.advance(limits.batchMs);
    }
    expect(ledger.waiting).toBe(8);
    expect(batch.pending).toBe(108);
    ledger.settle();
    await settle();
    clock.advance(limits.batchMs);
    expect(likesIn(ledger, 8)).toBe(100);
    for (let i = 0; i < 8; i++) ledger.settle();
    await settle();
    expect(batch.pending).toBe(0);
  });

  test("gives each comment its own place", async () => {
    const { clock, batch } = bench();
    const places = ["a", "b", "c"].map((text) => batch.comment(draft(text)));
    clock.advance(0);
    expect(await Promise.all(places)).toEqual([1, 2, 3].map((seq) => ({ seq, repeated: false })));
  });

  test("that the ledger does not take is refused to all of it, and the next one is not", async () => {
    const { clock, ledger, batch } = bench();
    ledger.answers = false;
    const [liked, placed] = [batch.like(like(), 0), batch.comment(draft("a"))];
    clock.advance(0);
    ledger.fail();
    expect(await liked).toMatchObject({ rejected: "unavailable", retryAfterS: 1 });
    expect(await placed).toMatchObject({ rejected: "unavailable" });
    expect(batch.pending).toBe(0);
    ledger.answers = true;
    const next = batch.like(like(), 0);
    clock.advance(limits.batchMs);
    expect(await next).toEqual([]);
  });

  test("of any size is cut into records that NATS carries", async () => {
    const { clock, ledger, batch } = bench();
    const keys = limits.recordKeysMax + 5;
    for (let i = 0; i < keys; i++) batch.like(like(`k${i}`), i);
    clock.advance(0);
    await settle();
    const records = ledger.batches[0]?.likes ?? [];
    expect(records.map((record) => record.groups[0]?.hi.length)).toEqual([limits.recordKeysMax, 5]);
    for (const record of records) {
      const bytes = encodeRecord(record);
      expect(bytes.length).toBeLessThan(1024 * 1024);
      expect(decodeRecord(bytes, encodeWhose(record))).toEqual(record);
    }
  });

  test("is drained when nothing waits", async () => {
    const { clock, ledger, batch } = bench();
    await batch.drained();
    ledger.answers = false;
    batch.like(like(), 0);
    let drained = false;
    const done = batch.drained().then(() => {
      drained = true;
    });
    clock.advance(0);
    batch.like(like(), 0);
    clock.advance(limits.batchMs);
    ledger.settle();
    await settle();
    expect(drained).toBe(false);
    ledger.fail();
    await done;
    expect(batch.pending).toBe(0);
  });
});

describe("a ledger that hangs", () => {
  test("refuses what waited behind its commits together with the first of them", async () => {
    const { clock, ledger, batch } = bench();
    ledger.answers = false;
    while (ledger.waiting < 8) {
      void batch.like(like(), 0);
      clock.advance(limits.batchMs);
    }
    const behind = batch.like(like(), 0);
    clock.advance(60_000);
    expect(ledger.batches).toHaveLength(8);
    ledger.fail();
    expect(await behind).toMatchObject({ rejected: "unavailable" });
    expect(batch.pending).toBe(7);
    clock.advance(60_000);
    expect(ledger.batches).toHaveLength(8);
    // The next one finds a free place and is tried.
    const next = batch.like(like(), 0);
    clock.advance(limits.batchMs);
    while (ledger.waiting > 0) ledger.settle();
    expect(await next).toEqual([]);
    await batch.drained();
  });
});
