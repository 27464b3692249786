/** Media times on their way in: believed by the video's median, kept beside the server's, relayed whole. */
import { describe, expect, test } from "bun:test";
import { VirtualClock } from "../base/clock.ts";
import { createMetrics } from "../base/metrics.ts";
import { type CommentDraft, type Kind, kindSet, type Like, type VideoId } from "../core/interaction.ts";
import type { LikeRecord } from "../core/record.ts";
import { type IngestRequest, relayed } from "../core/relayed.ts";
import { encodeJson } from "../core/wire.ts";
import { openMemoryLedger } from "../ledger/memory.ts";
import { Admit } from "./admit.ts";
import { Batch } from "./batch.ts";
import { DispatcherIngest } from "./ingest.ts";

const v = "v" as VideoId;
const startMs = 1_700_000_000_000;

function bench() {
  const clock = new VirtualClock(startMs);
  const ledger = openMemoryLedger({ clock, commentHistory: 50 });
  const written: LikeRecord[] = [];
  const append = ledger.append.bind(ledger);
  ledger.append = (work) => {
    written.push(...work.likes);
    return append(work);
  };
  const metrics = createMetrics();
  const batch = new Batch(ledger, clock, metrics);
  const kinds = kindSet(["heart"]);
  const ingest = new DispatcherIngest({
    batch,
    admit: new Admit(ledger, 100),
    ledger,
    clock,
    metrics,
    kinds,
  });
  const like = async (behindMs: number | undefined, over: Partial<Like> = {}): Promise<void> => {
    const one = { video: v, kind: "heart" as Kind, count: 1, user: undefined, key: undefined };
    const seen = behindMs === undefined ? {} : { mediaMs: clock.date() - behindMs };
    expect(await clock.during(ingest.like({ ...one, ...seen, ...over }))).toBeUndefined();
  };
  const comment = async (text: string, over: Partial<CommentDraft> = {}) => {
    const draft = { video: v, text, user: undefined, key: undefined, atMs: clock.date(), ...over };
    await clock.during(ingest.comment(draft));
    const { entries } = await ledger.entries(v, undefined, 1);
    return entries[0];
  };
  const ignored = async () => (await metrics.mediaTimesIgnored.get()).values[0]?.value ?? 0;
  const heart = (fromS: number, toS: number) =>
    ledger.timeline(v)?.read({ fromS, toS, stepS: 1 }).likes.heart ?? [];
  return { clock, ledger, ingest, like, comment, ignored, heart, written };
}

describe("a media time", () => {
  test("is kept where it is near the video's median, whatever the wall says of it", async () => {
    const { like, ledger, ignored, clock } = bench();
    // A relay that dates late after an outage before it: honest pictures are old by ten minutes.
    for (let i = 0; i < 40; i++) {
      await like(600_000 + 100 * i);
      await clock.run(300, 100);
    }
    expect(Math.abs((ledger.timeline(v)?.skewMs ?? 0) - 602_000)).toBeLessThan(2_500);
    // The first, of whom there was no second yet.
    expect(await ignored()).toBeLessThanOrEqual(2);
    await like(600_000 + 121_000);
    expect(await ignored()).toBeLessThanOrEqual(2);
    await like(600_000 + 130_000);
    await like(600_000 - 15_000);
    expect(await ignored()).toBeGreaterThanOrEqual(2);
  });

  test("that is far off counts where it would be without, and a liar writes no more of it", async () => {
    const { like, ledger, clock, heart, ignored, written } = bench();
    for (let i = 0; i < 20; i++) {
      await like(5_000);
      await clock.run(500, 100);
    }
    const nowS = Math.floor((clock.date() - 5_000) / 1000);
    const before = heart(nowS - 2, nowS + 3).reduce((a, b) => a + b, 0);
    await like(-9e6);
    for (let i = 0; i < 50; i++) await like(8e6 + i * 1_000, { again: true });
    expect(await ignored()).toBe(51);
    const said = written.slice(-51).flatMap(({ groups }) => groups.map(({ mediaS }) => mediaS));
    expect(said.filter((mediaS) => mediaS !== undefined)).toHaveLength(1);
    expect(heart(nowS - 2, nowS + 3).reduce((a, b) => a + b, 0) - before).toBe(51);
    expect(ledger.timeline(v)?.spots(0, 1e12).length).toBeLessThan(20);
  });
});

describe("a comment", () => {
  test("carries what its writer saw beside when it came; who does not say so gets the median", async () => {
    const { like, comment, clock } = bench();
    expect(await comment("nobody knows")).not.toHaveProperty("mediaMs");
    for (let i = 0; i < 9; i++) await like(7_500);
    const atMs = clock.date();
    expect(await comment("seen", { mediaMs: atMs - 9_000, atMs })).toMatchObject({
      atMs,
      mediaMs: atMs - 9_000,
    });
    const silent = await comment("silent", { atMs });
    expect(Math.abs(((silent as { mediaMs?: number }).mediaMs ?? 0) - (atMs - 7_500))).toBeLessThanOrEqual(
      500,
    );
    const liar = await comment("a lie", { atMs, mediaMs: 1 });
    expect(Math.abs(((liar as { mediaMs?: number }).mediaMs ?? 0) - (atMs - 7_500))).toBeLessThanOrEqual(500);
  });
});

test("relayed, likes say what they said; a node of before is sent likes as it knows them", async () => {
  const { clock, ingest, ledger } = bench();
  const one: Like = { video: v, kind: "heart" as Kind, count: 1, user: undefined, key: undefined };
  const likes: Like[] = [
    { ...one, mediaMs: startMs - 4_000 },
    one,
    { ...one, again: true },
    { ...one, mediaMs: startMs - 4_000, again: true },
  ];
  const comments = [
    { video: v, text: "hi", user: undefined, key: undefined, atMs: 0, mediaMs: startMs - 3_000 },
  ];
  const request: IngestRequest = relayed({ likes, comments });
  expect(request.likes).toEqual([one, one, one, one]);
  expect(relayed({ likes: [one], comments: [] })).toEqual({ likes: [one], comments: [] });
  expect(await clock.during(ingest.serve(encodeJson(request)))).toBeDefined();
  const read = ledger.timeline(v)?.read({ fromS: startMs / 1000 - 5, toS: startMs / 1000 + 1, stepS: 1 });
  expect(read?.likes.heart).toEqual([0, 2, 0, 0, 0, 2]);
  expect(read?.people).toEqual([0, 1, 0, 0, 0, 1]);
  const { entries } = await ledger.entries(v, undefined, 1);
  expect(entries[0]).toMatchObject({ text: "hi", mediaMs: startMs - 3_000 });
  // What says something else beside them is no reason to lose them.
  for (const whose of [7, [1, 2], [[null]], [["x", 1]], [[-1, 5]], Array(99).fill([1, 1])]) {
    const odd = encodeJson({ likes: [one], comments: [], whose });
    expect(await clock.during(ingest.serve(odd))).toBeDefined();
  }
  expect(ledger.totals(v).counts.heart).toBe(10);
});
