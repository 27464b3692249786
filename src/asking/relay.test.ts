import { describe, expect, test } from "bun:test";
import { VirtualClock } from "../base/clock.ts";
import { createMetrics } from "../base/metrics.ts";
import { memoryHub } from "../bus/memory.ts";
import { laneOf } from "../core/hash.ts";
import type { CommentDraft, Kind, Like, VideoId } from "../core/interaction.ts";
import { limits } from "../core/limits.ts";
import { decodeJson, encodeJson, subjects } from "../core/wire.ts";
import { v } from "../frontend/frontend-kit.ts";
import { Relay } from "./relay.ts";

const like = (count = 1, key?: string): Like => ({
  video: v,
  kind: "heart" as Kind,
  count,
  user: undefined,
  key,
});
const draft = (text: string): CommentDraft => ({ video: v, text, user: undefined, key: undefined, atMs: 0 });
interface Asked {
  readonly likes: readonly Like[];
  readonly comments: readonly CommentDraft[];
  readonly retract?: unknown;
}

function bench() {
  const clock = new VirtualClock();
  const hub = memoryHub({ clock });
  const bus = hub.connect();
  const dispatcher = hub.connect();
  const asked: Asked[] = [];
  const bytes: number[] = [];
  /** What the dispatcher answers. */
  const serving = {
    answer: ({ likes, comments }: Asked): object => ({
      likes: likes.map(() => null),
      comments: comments.map((_, i) => `abcd-${i + 1}`),
    }),
  };
  dispatcher.serve(subjects.ingest, async (payload) => {
    bytes.push(payload.length);
    const request = decodeJson(payload) as unknown as Asked;
    asked.push(request);
    return encodeJson(serving.answer(request));
  });
  const relay = new Relay(bus, clock, createMetrics());
  return { clock, bus, dispatcher, relay, asked, bytes, serving };
}

describe("a relay", () => {
  test("sends lanes of the log apart once it knows of them: one that hangs delays no other", async () => {
    const { clock, relay, asked, serving } = bench();
    const videos = Array.from({ length: 20 }, (_, i) => `v${i}` as VideoId);
    const of = (lane: number): Like => ({
      ...like(),
      video: videos.find((id) => laneOf(id, 2) === lane) as VideoId,
    });
    const verdicts = ({ likes, comments }: Asked) => ({
      likes: likes.map(() => null),
      comments: comments.map((_, i) => `abcd-${i + 1}`),
      lanes: 2,
    });
    serving.answer = verdicts;
    const both = [relay.like(of(0)), relay.like(of(1))];
    await clock.run(20, 1);
    expect(await Promise.all(both)).toEqual([undefined, undefined]);
    expect(asked).toHaveLength(1);
    serving.answer = (request) => {
      if (request.likes.some(({ video }) => laneOf(video, 2) === 0)) throw new Error("hangs");
      return verdicts(request);
    };
    const told = [relay.like(of(0)), relay.like(of(1)), relay.comment(draft("a"))];
    await clock.run(20, 1);
    expect(asked).toHaveLength(4);
    expect(await told[1]).toBeUndefined();
    expect(await told[2]).toBe("abcd-1");
    expect(await told[0]).toMatchObject({ rejected: "unavailable" });
  });

  test("sends what comes within five milliseconds together, and gives each its own verdict", async () => {
    const { clock, relay, asked, serving } = bench();
    const busy = { rejected: "busy", message: "m" };
    serving.answer = () => ({ likes: [null, busy], comments: ["abcd-7"] });
    const verdicts = [relay.like(like(3, "k")), relay.like(like(2)), relay.comment(draft("a"))];
    await clock.run(limits.relayMs - 1);
    expect(asked).toEqual([]);
    await clock.run(1);
    expect(asked).toHaveLength(1);
    expect(asked[0]?.likes.map(({ count, key }) => [count, key])).toEqual([
      [3, "k"],
      [2, undefined],
    ]);
    expect(await Promise.all(verdicts)).toEqual([undefined, busy, "abcd-7"] as never);
  });

  test("sends no request that NATS would not carry", async () => {
    const { clock, relay, asked, bytes } = bench();
    const verdicts = [
      ...Array.from({ length: 2_000 }, (_, i) => relay.like({ ...like(1, `k${i}`), user: "ü".repeat(64) })),
      ...Array.from({ length: 600 }, () => relay.comment(draft("\u{1f600}".repeat(500)))),
    ];
    await clock.run(limits.relayMs + 1);
    await Promise.all(verdicts);
    expect(asked.length).toBeGreaterThan(4);
    expect(Math.max(...bytes)).toBeLessThan(768 * 1024);
    for (const { likes, comments } of asked) {
      expect(likes.length + comments.length).toBeLessThanOrEqual(limits.relayItemsMax);
    }
  });

  test("says that it knows nothing when nobody answers, and promises nothing", async () => {
    const { clock, bus, dispatcher, relay } = bench();
    for (const away of [() => bus.cut(), () => bus.heal(), () => dispatcher.close()]) {
      await away();
      const verdicts = [relay.like(like()), relay.comment(draft("a")), relay.retract(v, "abcd-1")];
      await clock.run(limits.requestMs + 100, 10);
      if (bus.connected() && dispatcher.connected()) continue;
      for (const verdict of verdicts) expect(await verdict).toMatchObject({ rejected: "unavailable" });
    }
  });

  test.each([
    {},
    { likes: [], comments: [] },
    { likes: [null, null], comments: [] },
    { likes: [true], comments: [] },
    { likes: [{ rejected: "made-up", message: "m" }], comments: [] },
  ])("believes no verdict that is none: %j", async (answer) => {
    const { clock, relay, serving } = bench();
    serving.answer = () => answer;
    const verdict = relay.like(like());
    await clock.run(10);
    expect(await verdict).toMatchObject({ rejected: "unavailable" });
  });

  test("refuses what would make too many wait", async () => {
    const { clock, relay, dispatcher } = bench();
    await dispatcher.close();
    const verdicts = Array.from({ length: limits.pendingMax }, () => relay.like(like()));
    expect(await relay.like(like())).toMatchObject({ rejected: "busy" });
    expect(await relay.comment(draft("a"))).toMatchObject({ rejected: "busy" });
    await clock.run(limits.requestMs, 10);
    await Promise.all(verdicts);
    const again = relay.like(like());
    await clock.run(limits.requestMs, 10);
    expect(await again).toMatchObject({ rejected: "unavailable" });
  });

  test("asks for removals, and passes on the answer", async () => {
    const { clock, relay, asked, serving } = bench();
    serving.answer = () => ({ likes: [], comments: [], retracted: true });
    const removed = relay.retract(v, "abcd-5");
    await clock.run(1);
    expect(await removed).toBe(true);
    expect(asked[0]?.retract).toEqual({ video: v, id: "abcd-5" });
  });
});
