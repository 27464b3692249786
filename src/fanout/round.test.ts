/** Many small slots at once: whoever comes, goes or falls behind meanwhile, all end at the newest. */

import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { VirtualClock } from "../base/clock.ts";
import { createMetrics } from "../base/metrics.ts";
import type { VideoId } from "../core/interaction.ts";
import { limits } from "../core/limits.ts";
import { Lineage } from "../core/lineage.ts";
import type { State } from "../core/wire.ts";
import { VideoState } from "../video/state.ts";
import { Connection, type Written } from "./connection.ts";
import { isWorthRound } from "./round.ts";
import { Shard } from "./shard.ts";
import type { Slot, Viewer } from "./slot.ts";

const videos = Array.from({ length: 12 }, (_, i) => `v${i}` as VideoId);

/** A reader that takes everything or, for a while, nothing; it knows the totals it was shown, by video. */
class Reader extends Connection {
  readonly shown = new Map<string, number[]>();
  stalled = false;

  override get lagging(): boolean {
    return this.stalled;
  }

  override write(bytes: Uint8Array): Written {
    if (this.gone) return "gone";
    if (this.stalled) return "lagging";
    for (const [, video = "", hearts] of new TextDecoder()
      .decode(bytes)
      .matchAll(/"video":"(\w+)","totals":{"heart":(\d+)}/g)) {
      this.shown.set(video, [...(this.shown.get(video) ?? []), Number(hearts)]);
    }
    return "ok";
  }
}

function bench() {
  const clock = new VirtualClock();
  const passed: string[] = [];
  const slots = new Map<VideoState, Slot>();
  const shard = new Shard(clock, createMetrics(), {
    left: () => {},
    opened: (slot) => slots.set(slot.watch, slot),
    closed: (slot) => slots.delete(slot.watch),
    passed: (slot) => passed.push(slot.watch.video),
  });
  const watches = videos.map((video) => {
    const watch = new VideoState(video, 10, 0);
    const page: State["page"] = { entries: [], floor: 0, head: 0, more: false };
    const totals = { version: 0, counts: {} };
    const lineage = Lineage.begin("abcd");
    watch.begin({ log: "abcd", lineage, region: "r", totals, viewers: 0, page }, 0);
    return watch;
  });
  const readers: { viewer: Viewer; reader: Reader; from: Map<string, number>; here: boolean }[] = [];
  const join = (...wanted: readonly number[]) => {
    const reader = new Reader(`n.${readers.length}`, shard, 15_000, clock.now());
    const viewer: Viewer = {
      ...{ connection: reader, shard, order: 0, watches: [], slots: [], seen: undefined, lag: undefined },
    };
    reader.stream(undefined);
    shard.add(viewer);
    const one = { viewer, reader, from: new Map<string, number>(), here: true };
    readers.push(one);
    for (const index of wanted) watchMore(one, index);
    return one;
  };
  /** As joining does: the newest state as a snapshot, then what comes. */
  const watchMore = (one: (typeof readers)[0], index: number): void => {
    const watch = watches[index] as VideoState;
    if (one.viewer.slots.some((slot) => slot.watch === watch)) return;
    shard.join(one.viewer, watch);
    one.from.set(watch.video, watch.likes);
  };
  const like = (index: number): void => {
    const watch = watches[index] as VideoState;
    const version = watch.version + 1;
    const times = { atMs: 0, durableMs: 0, tickedMs: 0 };
    const totals = { version, counts: { heart: version } };
    watch.tick({ video: watch.video, region: "r", totals, ...times, by: [] });
    const slot = slots.get(watch);
    if (slot) shard.passes.mail(slot);
  };
  const leave = (one: (typeof readers)[0]): void => {
    one.here = false;
    one.reader.end("client");
  };
  const drain = (): void => {
    for (const { reader } of readers) reader.stalled = false;
    for (let turns = 0; turns < 20; turns++) {
      // As the supervisor does when a slot has passed and is behind again.
      for (const watch of watches) {
        const slot = slots.get(watch);
        if (slot && slot.version < watch.version) shard.passes.mail(slot);
      }
      while (shard.passes.smallWait) shard.passes.stepSmall(512);
      shard.sweepBehind(clock.now());
    }
  };
  return { shard, slots, clock, watches, readers, passed, join, watchMore, like, leave, drain };
}

const last = (one: { reader: Reader; from: Map<string, number> }, video: string): number =>
  one.reader.shown.get(video)?.at(-1) ?? one.from.get(video) ?? 0;

describe("a round", () => {
  test("visits viewers in the order in which they came, in parts of about the budget", () => {
    const { shard, readers, join, like, passed } = bench();
    for (let i = 0; i < 48; i++) join(i % 12);
    for (let i = 0; i < 12; i++) like(i);
    expect(shard.passes.stepSmall(20)).toBe(20);
    expect(readers.map(({ reader }) => reader.shown.size)).toEqual([
      ...new Array(20).fill(1),
      ...new Array(28).fill(0),
    ]);
    expect(passed).toEqual([]);
    expect(shard.passes.smallWait).toBe(true);
    expect(shard.passes.stepSmall(20) + shard.passes.stepSmall(20)).toBe(28);
    expect(passed.toSorted()).toEqual([...videos].sort());
    expect(shard.passes.smallWait).toBe(false);
  });

  test("is not made for few slots, nor for few of many viewers", () => {
    const slots = (count: number, viewers: number): Slot[] =>
      Array.from({ length: count }, () => ({ count: viewers }) as Slot);
    expect(isWorthRound(slots(4, 32), 100)).toBe(false);
    expect(isWorthRound(slots(10, 1), limits.connectionsPerShardMax)).toBe(false);
    expect(isWorthRound(slots(100, 10), limits.connectionsPerShardMax)).toBe(true);
  });

  test("leaves out a slot that is half written already", () => {
    const { shard, readers, join, like } = bench();
    for (let i = 0; i < 30; i++) join(0);
    like(0);
    expect(shard.passes.stepSmall(10)).toBe(10);
    for (let i = 1; i < 12; i++) join(i);
    for (let i = 1; i < 12; i++) join(i);
    for (let i = 1; i < 12; i++) like(i);
    while (shard.passes.smallWait) shard.passes.stepSmall(7);
    for (const { reader } of readers) expect([...reader.shown.values()]).toEqual([[1]]);
  });

  test("leaves a slot that was begun anew in the middle of it to the next pass", () => {
    const { shard, slots, clock, watches, readers, join, like, drain } = bench();
    for (let i = 0; i < 24; i++) join(i % 12);
    for (let i = 0; i < 12; i++) like(i);
    shard.passes.stepSmall(5);
    const [watch] = watches as [VideoState];
    shard.restart(slots.get(watch) as Slot, "history", clock.now());
    drain();
    like(0);
    drain();
    for (const one of readers.filter((_, i) => i % 12 === 0)) expect(last(one, videos[0] as string)).toBe(2);
  });

  const step = fc.oneof(
    { weight: 6, arbitrary: fc.record({ do: fc.constant("like" as const), video: fc.nat(11) }) },
    { weight: 1, arbitrary: fc.record({ do: fc.constant("likeAll" as const) }) },
    {
      weight: 4,
      arbitrary: fc.record({ do: fc.constant("step" as const), budget: fc.integer({ min: 1, max: 30 }) }),
    },
    {
      weight: 2,
      arbitrary: fc.record({
        do: fc.constant("join" as const),
        videos: fc.uniqueArray(fc.nat(11), { maxLength: 3 }),
      }),
    },
    {
      weight: 1,
      arbitrary: fc.record({ do: fc.constant("more" as const), pick: fc.nat(), video: fc.nat(11) }),
    },
    {
      weight: 1,
      arbitrary: fc.record({ do: fc.constant("less" as const), pick: fc.nat(), video: fc.nat(11) }),
    },
    { weight: 1, arbitrary: fc.record({ do: fc.constant("leave" as const), pick: fc.nat() }) },
    { weight: 1, arbitrary: fc.record({ do: fc.constant("stall" as const), pick: fc.nat() }) },
    { weight: 1, arbitrary: fc.record({ do: fc.constant("restart" as const), video: fc.nat(11) }) },
    { weight: 1, arbitrary: fc.record({ do: fc.constant("sweep" as const) }) },
  );

  test("whatever happens meanwhile: totals never fall, and all end at the newest", () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 150 }), (steps) => {
        const { shard, slots, clock, watches, readers, join, watchMore, like, leave, drain } = bench();
        for (let i = 0; i < 24; i++) join(i % 12);
        const picked = (pick: number) => {
          const here = readers.filter((one) => one.here);
          return here[pick % Math.max(1, here.length)];
        };
        for (const one of steps) {
          if (one.do === "like") like(one.video);
          else if (one.do === "likeAll") for (let i = 0; i < 12; i++) like(i);
          else if (one.do === "step") shard.passes.stepSmall(one.budget);
          else if (one.do === "join") join(...one.videos);
          else if (one.do === "sweep") shard.sweepBehind(clock.now());
          else if (one.do === "restart") {
            const slot = slots.get(watches[one.video] as VideoState);
            if (slot) shard.restart(slot, "history", clock.now());
          } else {
            const who = picked(one.pick);
            if (!who) continue;
            if (one.do === "leave") leave(who);
            else if (one.do === "stall") who.reader.stalled = !who.reader.stalled;
            else if (one.do === "more") watchMore(who, one.video);
            else if (shard.leave(who.viewer, videos[one.video] as VideoId)) {
              who.reader.shown.delete(videos[one.video] as string);
            }
          }
        }
        drain();
        for (const one of readers) {
          for (const seen of one.reader.shown.values()) {
            expect(seen).toEqual(seen.toSorted((a, b) => a - b));
          }
          if (!one.here) continue;
          for (const slot of one.viewer.slots) {
            expect([slot.watch.video, last(one, slot.watch.video)]).toEqual([
              slot.watch.video,
              slot.watch.likes,
            ]);
          }
        }
      }),
      { numRuns: 600 },
    );
  });
});
