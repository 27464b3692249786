/** Lanes of the log: one that hangs, fails or is full takes nothing from the likes and comments of others. */
import { describe, expect, test } from "bun:test";
import { VirtualClock } from "../base/clock.ts";
import { createMetrics } from "../base/metrics.ts";
import { type Kind, kindSet, type Like, type VideoId } from "../core/interaction.ts";
import { limits } from "../core/limits.ts";
import { type Batch as Appended, LedgerUnavailable, type Placed } from "../ledger/ledger.ts";
import { openMemoryLedger } from "../ledger/memory.ts";
import { Admit } from "./admit.ts";
import { Batch } from "./batch.ts";
import { FakeLedger } from "./fake-ledger.ts";
import { DispatcherIngest } from "./ingest.ts";

const lost = "video0" as VideoId;
const whole = "video1" as VideoId;
const like = (video: VideoId, key?: string, viewer?: string): Like => ({
  video,
  kind: "heart" as Kind,
  count: 1,
  user: undefined,
  key,
  ...(viewer !== undefined && { viewer }),
});
const draft = { video: whole, text: "x", user: undefined, key: undefined, atMs: 0 };

/** A ledger of two lanes of likes and one of comments; appends of the lost video hang, until `refuse`. */
class HalfLedger extends FakeLedger {
  override readonly commentLane: number = 2;
  hanging: ((error: Error) => void)[] = [];
  override append(batch: Appended): Promise<readonly Placed[]> {
    const videos = new Set(batch.likes.flatMap(({ groups }) => groups.map(({ video }) => video)));
    const lanes = new Set([...videos].map(this.laneOf));
    if (batch.comments.length > 0) lanes.add(this.commentLane);
    expect(lanes.size).toBe(1);
    if (!videos.has(lost)) return super.append(batch);
    return new Promise((_, reject) => this.hanging.push(reject));
  }
  refuse(): void {
    for (const reject of this.hanging.splice(0)) reject(new LedgerUnavailable("away"));
  }
}

function bench() {
  const clock = new VirtualClock();
  const ledger = new HalfLedger();
  const metrics = createMetrics();
  const batch = new Batch(ledger, clock, metrics);
  const admit = new Admit(ledger, 1_000);
  const kinds = kindSet(["heart"]);
  const ingest = new DispatcherIngest({ batch, admit, ledger, clock, metrics, kinds });
  return { clock, ledger, batch, ingest };
}

describe("while one lane hangs", () => {
  test("likes of the others and comments are taken within a batch's time", async () => {
    const { clock, batch, ledger } = bench();
    const hanging: unknown[] = [];
    // More than may be under way, so that one more batch waits behind them.
    for (let i = 0; i < 40; i++) {
      void batch.like(like(lost), 0).then((outcome) => hanging.push(outcome));
      let taken: unknown;
      let placed: unknown;
      void batch.like(like(whole), 0).then((outcome) => {
        taken = outcome;
      });
      void batch.comment(draft).then((outcome) => {
        placed = outcome;
      });
      await clock.run(limits.batchMs, 1);
      expect(taken).toEqual([]);
      expect(placed).toMatchObject({ repeated: false });
    }
    expect(hanging).toEqual([]);
    expect(batch.pending).toBe(40);
    ledger.refuse();
    await clock.run(1, 1);
    expect(hanging).toHaveLength(40);
    await batch.drained();
  });

  test("what waits in it fills no other", async () => {
    const { clock, ingest, ledger } = bench();
    const waiting = Array.from({ length: limits.pendingMax + 1 }, () => ingest.like(like(lost)));
    expect(await waiting.at(-1)).toMatchObject({ rejected: "busy" });
    const [taken, placed] = [ingest.like(like(whole)), ingest.comment(draft)];
    await clock.run(limits.batchMs, 1);
    expect(await taken).toBeUndefined();
    expect(await placed).toBe("fake-1");
    ledger.refuse();
    await clock.run(1, 1);
    expect(await waiting[0]).toMatchObject({ rejected: "unavailable" });
  });

  test("items of one request are each answered for their own lane", async () => {
    const { clock, ingest, ledger } = bench();
    const verdicts = ingest.likes([like(whole), like(lost), like(whole), like(lost)]);
    await clock.run(limits.batchMs, 1);
    ledger.refuse();
    expect((await verdicts).map((verdict) => verdict?.rejected)).toEqual([
      undefined,
      "unavailable",
      undefined,
      "unavailable",
    ]);
  });
});

test("a repeat that needs no room is answered as taken, and not written again", async () => {
  const { ledger, ingest } = bench();
  ledger.says = "counted";
  expect(await ingest.like(like(whole, "k"))).toBeUndefined();
  expect(await ingest.likes([like(whole, "k")])).toEqual([undefined]);
  expect(ledger.batches).toEqual([]);
});

test("with one like per viewer and no room, a keyed repeat and a like that stands are taken", async () => {
  const clock = new VirtualClock();
  const ledger = openMemoryLedger({ clock, commentHistory: 20, onceMax: 1 });
  const admit = new Admit(ledger, 500);
  const batch = new Batch(ledger, clock, createMetrics());
  const first = like(whole, "k1", "ada");
  expect(admit.like(first, 0)).toBeUndefined();
  const taken = batch.like(first, clock.date());
  await clock.run(20, 1);
  await taken;
  expect(admit.like(first, 0)).toBeUndefined();
  expect(admit.like(like(whole, "k2", "ada"), 0)).toBeUndefined();
  expect(admit.like({ ...like(whole, "k2", "bob"), unlike: true }, 0)).toBeUndefined();
  expect(admit.like(like(whole, "k2", "bob"), 0)).toMatchObject({ rejected: "busy" });
});
