/** The dispatcher where each viewer likes once: bounds, nodes of the other mode, and what is counted. */
import { describe, expect, test } from "bun:test";
import { VirtualClock } from "../base/clock.ts";
import { createMetrics } from "../base/metrics.ts";
import { type Kind, kindSet, type Like, type VideoId } from "../core/interaction.ts";
import { decodeIngestReply } from "../core/relayed.ts";
import { likesOf } from "../core/totals.ts";
import { encodeJson } from "../core/wire.ts";
import { openMemoryLedger } from "../ledger/memory.ts";
import { Admit } from "./admit.ts";
import { Batch } from "./batch.ts";
import { DispatcherIngest } from "./ingest.ts";

const v = "v" as VideoId;

function bench(onceMax: number | undefined) {
  const clock = new VirtualClock();
  const ledger = openMemoryLedger({ clock, commentHistory: 50, onceMax });
  const metrics = createMetrics();
  const batch = new Batch(ledger, clock, metrics);
  const kinds = kindSet(["heart"]);
  const admit = new Admit(ledger, 100);
  const ingest = new DispatcherIngest({ batch, admit, ledger, clock, metrics, kinds });
  const passing = <T>(promise: Promise<T>): Promise<T> => clock.during(promise);
  const total = (): number => likesOf(ledger.totals(v).counts);
  /** What a relayed request of these likes is answered. */
  const relayed = async (...likes: object[]) => {
    const reply = await passing(ingest.serve(encodeJson({ likes, comments: [] })));
    return decodeIngestReply(reply as Uint8Array, likes.length, 0)?.likes.map(
      (told) => told?.rejected ?? null,
    );
  };
  return { ingest, passing, total, relayed, metrics };
}

function like(viewer: string, unlike = false): Like {
  return { video: v, kind: "heart" as Kind, count: 1, user: undefined, key: undefined, viewer, unlike };
}

describe("the ingest where each viewer likes once", () => {
  test("counts a viewer once, and takes back what is there", async () => {
    const { ingest, passing, total, metrics } = bench(10);
    expect(await passing(ingest.likes([like("a"), like("b"), like("a")]))).toEqual([
      undefined,
      undefined,
      undefined,
    ]);
    expect(total()).toBe(2);
    expect(await passing(ingest.likes([like("a", true), like("c", true)]))).toEqual([undefined, undefined]);
    expect(total()).toBe(1);
    // Un-likes are no likes made durable.
    expect((await metrics.likesAccepted.get()).values[0]?.value).toBe(3);
  });

  test("at its bound refuses likes with a time to come back, loses nothing, and takes un-likes", async () => {
    const { ingest, passing, total } = bench(2);
    await passing(ingest.likes([like("a"), like("b")]));
    expect(await passing(ingest.like(like("c")))).toMatchObject({ rejected: "busy", retryAfterS: 60 });
    expect(total()).toBe(2);
    expect(await passing(ingest.like(like("a", true)))).toBeUndefined();
    expect(await passing(ingest.like(like("c")))).toBeUndefined();
    expect(total()).toBe(2);
  });

  test("parses again what a frontend relays, viewer and all", async () => {
    const { relayed, total } = bench(10);
    const item = { video: "v", kind: "heart", count: 1 };
    expect(
      await relayed(
        { ...item, viewer: "a" },
        { ...item, viewer: "a", unlike: true },
        { ...item, viewer: "b", unlike: false },
        { ...item, viewer: "c", count: 2 },
        { ...item, viewer: "\n" },
      ),
    ).toEqual([null, null, null, "count-not-one", "bad-viewer"]);
    expect(total()).toBe(1);
  });

  test("takes no like of a frontend of the other mode, either way", async () => {
    const item = { video: "v", kind: "heart", count: 1, user: "ada" };
    const set = bench(10);
    expect(await set.relayed(item)).toEqual(["like-mode"]);
    expect(set.total()).toBe(0);
    const many = bench(undefined);
    expect(await many.relayed({ ...item, viewer: "ada", unlike: false }, item)).toEqual(["like-mode", null]);
    expect(many.total()).toBe(1);
  });
});
