/**
 * One write for all that is due, and whoever comes, goes, falls behind or watches several videos meanwhile:
 * every entry comes to everyone once and in order, totals never fall, and all end at the newest.
 */
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { VirtualClock } from "../base/clock.ts";
import { createMetrics } from "../base/metrics.ts";
import type { VideoId } from "../core/interaction.ts";
import { Lineage } from "../core/lineage.ts";
import type { State } from "../core/wire.ts";
import { VideoState } from "../video/state.ts";
import { Connection, type Written } from "./connection.ts";
import { laneNames } from "./lanes.ts";
import { Shard } from "./shard.ts";
import { type Slot, Viewer } from "./slot.ts";

const zero = { version: 0, counts: {} };

const videos = Array.from({ length: 12 }, (_, i) => `v${i}` as VideoId);

/** What one piece said. */
interface Piece {
  readonly totals: readonly (readonly [video: string, hearts: number])[];
  readonly ids: readonly number[];
}

/** A reader that takes everything or, for a while, nothing. */
class Reader extends Connection {
  readonly pieces: Piece[] = [];
  stalled = false;

  override get lagging(): boolean {
    return this.stalled;
  }

  override write(bytes: Uint8Array): Written {
    if (this.gone) return "gone";
    if (this.stalled) return "lagging";
    const text = new TextDecoder().decode(bytes);
    this.pieces.push({
      totals: [...text.matchAll(/"video":"(\w+)","totals":{"heart":(\d+)}/g)].map(
        ([, video = "", hearts]) => [video, Number(hearts)] as const,
      ),
      ids: [...text.matchAll(/event: comment\ndata: {"video":"\w+","id":"abcd-(\w+)"/g)].map(([, id = ""]) =>
        Number(id),
      ),
    });
    return "ok";
  }

  shown(video: string): number[] {
    return this.pieces.flatMap(({ totals }) => totals.filter(([of]) => of === video).map(([, n]) => n));
  }

  get ids(): number[] {
    return this.pieces.flatMap(({ ids }) => ids);
  }
}

/** A viewer, what it has been told to begin with, and the entries that it must be written. */
interface One {
  readonly viewer: Viewer;
  readonly reader: Reader;
  readonly from: Map<string, number>;
  readonly meant: number[];
  here: boolean;
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
    const watch = new VideoState(video, 1_000, 0);
    const page: State["page"] = { entries: [], floor: 0, head: 0, more: false };
    watch.begin(
      { log: "abcd", lineage: Lineage.begin("abcd"), region: "r", totals: zero, viewers: 0, page },
      0,
      () => 0,
    );
    return watch;
  });
  const readers: One[] = [];
  const join = (...wanted: readonly number[]): One => {
    const viewer = new Viewer(Reader, shard, 15_000, clock.elapsed());
    const reader = viewer.connection as Reader;
    reader.stream(undefined);
    shard.add(viewer);
    const one: One = { viewer, reader, from: new Map(), meant: [], here: true };
    readers.push(one);
    for (const index of wanted) watchMore(one, index);
    return one;
  };
  /** As joining at the newest does: what is there by now is shown as a snapshot, then what comes. */
  const watchMore = (one: One, index: number): void => {
    const watch = watches[index] as VideoState;
    if (one.viewer.slots.some((slot) => slot.watch === watch)) return;
    shard.replay(one.viewer, shard.join(one.viewer, watch), watch.history.tip);
    shard.serve(one.viewer, clock.elapsed());
    one.from.set(watch.video, watch.likes);
  };
  const mail = (watch: VideoState): void => {
    const slot = slots.get(watch);
    if (slot) shard.mail(slot);
  };
  const like = (index: number): void => {
    const watch = watches[index] as VideoState;
    const version = watch.version + 1;
    const times = { atMs: 0, durableMs: 0, tickedMs: 0 };
    const totals = { version, counts: { heart: version } };
    watch.tick({ video: watch.video, region: "r", totals, ...times, by: [] });
    mail(watch);
  };
  let seq = 0;
  const comment = (index: number, text = `t${seq + 1}`): void => {
    const watch = watches[index] as VideoState;
    const place = { video: watch.video, seq: ++seq, previous: watch.history.tip, user: undefined, atMs: 0 };
    watch.history.append({ type: "comment", text, ...place });
    for (const { viewer, meant, here } of readers)
      if (here && viewer.slots.some((slot) => slot.watch === watch)) meant.push(seq);
    mail(watch);
  };
  const leave = (one: One): void => {
    one.here = false;
    one.reader.end("client");
  };
  const stepAll = (): void => {
    for (const lane of laneNames) while (shard.waits(lane)) shard.step(lane, 512);
  };
  const sweep = (): void => {
    shard.serveBehind();
    stepAll();
  };
  const drain = (): void => {
    for (const { reader } of readers) reader.stalled = false;
    for (let turns = 0; turns < 5; turns++) {
      // As the pace does when a slot has passed and has more to show.
      for (const slot of slots.values()) if (slot.stateDue || slot.entriesDue) shard.mail(slot);
      sweep();
    }
  };
  const all = { shard, slots, clock, watches, readers, passed };
  return { ...all, join, watchMore, like, comment, leave, stepAll, sweep, drain };
}

describe("a slot's turn", () => {
  test("writes comments and totals to each viewer in one piece, the same bytes for all", () => {
    const { readers, join, like, comment, stepAll } = bench();
    for (let i = 0; i < 5; i++) join(0);
    for (const { reader } of readers) reader.pieces.length = 0;
    comment(0);
    like(0);
    comment(0);
    like(0);
    stepAll();
    for (const { reader } of readers) {
      expect(reader.pieces).toEqual([{ ids: [1, 2], totals: [["v0", 2]] }]);
    }
  });

  test("writes what is due of all its videos to who watches several, in order of the ids", () => {
    const { join, like, comment, stepAll } = bench();
    const { reader } = join(0, 1, 2);
    reader.pieces.length = 0;
    for (const index of [1, 0, 2, 1]) comment(index);
    like(2);
    like(0);
    stepAll();
    expect(reader.pieces.map(({ ids }) => ids)).toEqual([[1, 2, 3, 4]]);
    expect(reader.pieces[0]?.totals.toSorted()).toEqual([
      ["v0", 1],
      ["v2", 1],
    ]);
  });

  test("carries so many bytes of comments and leaves the rest to the next one", () => {
    const { readers, join, comment, stepAll, slots, shard } = bench();
    join(0);
    join(0);
    const long = "x".repeat(40_000);
    for (let i = 0; i < 20; i++) comment(0, long);
    stepAll();
    for (const slot of slots.values()) shard.mail(slot);
    for (let turns = 0; turns < 5; turns++) {
      stepAll();
      for (const slot of slots.values()) if (slot.entriesDue) shard.mail(slot);
    }
    for (const { reader } of readers) {
      expect(reader.ids).toEqual(Array.from({ length: 20 }, (_, i) => i + 1));
      expect(reader.pieces.map(({ ids }) => ids.length).filter((count) => count > 0)).toEqual([6, 6, 6, 2]);
    }
  });

  test("brings who resumed to where the others stand, also while comments never rest", () => {
    const { shard, readers, join, comment, stepAll } = bench();
    for (let i = 0; i < 10; i++) join(0);
    comment(0);
    shard.step("small", 3);
    comment(0);
    const resumed = join(0).viewer;
    stepAll();
    comment(0);
    shard.step("small", 3);
    comment(0);
    stepAll();
    expect(resumed.own).toBeUndefined();
    comment(0);
    stepAll();
    const ids = readers.map(({ reader }) => reader.ids);
    expect(ids).toEqual([...Array(10).fill([1, 2, 3, 4, 5]), [3, 4, 5]]);
  });

  test("does not show a comment that was removed after its walk began", () => {
    const { shard, slots, watches, readers, join, comment, stepAll } = bench();
    for (let i = 0; i < 10; i++) join(0);
    comment(0);
    shard.step("small", 3);
    const [watch] = watches as [VideoState];
    watch.history.remove(1);
    shard.tellAll(slots.get(watch) as Slot, "retract", new Uint8Array(1));
    stepAll();
    expect(readers.map(({ reader }) => reader.ids.length)).toEqual([1, 1, 1, 0, 0, 0, 0, 0, 0, 0]);
  });
});

describe("a round", () => {
  test("visits viewers in the order in which they came, in parts of about the budget", () => {
    const { shard, readers, join, like, passed } = bench();
    for (let i = 0; i < 48; i++) join(i % 12);
    for (const { reader } of readers) reader.pieces.length = 0;
    for (let i = 0; i < 12; i++) like(i);
    expect(shard.step("small", 20)).toBe(20);
    expect(readers.map(({ reader }) => reader.pieces.length)).toEqual([
      ...new Array(20).fill(1),
      ...new Array(28).fill(0),
    ]);
    expect(passed).toEqual([]);
    expect(shard.waits("small")).toBe(true);
    expect(shard.step("small", 20) + shard.step("small", 20)).toBe(28);
    expect(passed.toSorted()).toEqual([...videos].sort());
    expect(shard.waits("small")).toBe(false);
  });

  test("is not made for few slots, nor for few of many viewers: their own viewers are walked", () => {
    const { shard, join, like, readers } = bench();
    for (let i = 0; i < 20; i++) join(0);
    for (let i = 1; i < 12; i++) join(i);
    for (const { reader } of readers) reader.pieces.length = 0;
    like(11);
    like(0);
    shard.step("small", 1);
    expect(readers.at(-1)?.reader.pieces).toHaveLength(1);
    while (shard.waits("small")) shard.step("small", 100);
    for (let i = 11; i > 3; i--) like(i);
    shard.step("small", 1);
    expect(readers.at(-1)?.reader.pieces).toHaveLength(2);
  });

  test("leaves out a slot that is half written already", () => {
    const { shard, readers, join, like } = bench();
    for (let i = 0; i < 30; i++) join(0);
    like(0);
    expect(shard.step("small", 10)).toBe(10);
    for (let i = 1; i < 12; i++) join(i);
    for (let i = 1; i < 12; i++) join(i);
    for (let i = 1; i < 12; i++) like(i);
    while (shard.waits("small")) shard.step("small", 7);
    for (const { viewer, reader } of readers) {
      expect(reader.shown(viewer.slots[0]?.watch.video ?? "").filter((n) => n > 0)).toEqual([1]);
    }
  });

  test("leaves a slot that was begun anew in the middle of it to the next walk", () => {
    const { shard, slots, watches, readers, join, like, drain } = bench();
    for (let i = 0; i < 24; i++) join(i % 12);
    for (let i = 0; i < 12; i++) like(i);
    shard.step("small", 5);
    const [watch] = watches as [VideoState];
    shard.restart(slots.get(watch) as Slot, "history");
    drain();
    like(0);
    drain();
    for (const { reader } of readers.filter((_, i) => i % 12 === 0))
      expect(reader.shown("v0").at(-1)).toBe(2);
  });
});

const step = fc.oneof(
  { weight: 6, arbitrary: fc.record({ do: fc.constant("like" as const), video: fc.nat(11) }) },
  { weight: 6, arbitrary: fc.record({ do: fc.constant("comment" as const), video: fc.nat(11) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("likeAll" as const) }) },
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constant("step" as const),
      budget: fc.integer({ min: 1, max: 30 }),
      lane: fc.constantFrom("small" as const, "small" as const, "aside" as const),
    }),
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
  { weight: 1, arbitrary: fc.record({ do: fc.constant("sweep" as const) }) },
);
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

function play(steps: readonly Step[], few: boolean) {
  const all = bench();
  const { shard, readers, join, watchMore, like, comment, leave, drain } = all;
  const at = (video: number): number => (few ? video % 2 : video);
  for (let i = 0; i < 24; i++) join(at(i % 12));
  const picked = (pick: number) => {
    const here = readers.filter((one) => one.here);
    return here[pick % Math.max(1, here.length)];
  };
  for (const one of steps) {
    if (one.do === "like") like(at(one.video));
    else if (one.do === "comment") comment(at(one.video));
    else if (one.do === "likeAll") for (let i = 0; i < 12; i++) like(i);
    else if (one.do === "step") shard.step(one.lane, one.budget);
    else if (one.do === "join") join(...new Set(one.videos.map(at)));
    else if (one.do === "sweep") shard.serveBehind();
    else {
      const who = picked(one.pick);
      if (!who) continue;
      if (one.do === "leave") leave(who);
      else if (one.do === "stall") who.reader.stalled = !who.reader.stalled;
      else if (one.do === "more") watchMore(who, at(one.video));
      else if (one.video % 4 === 0 && shard.leave(who.viewer, videos[at(one.video)] as VideoId)) {
        // What it was still to be told of this video is not told any more.
        who.meant.length = 0;
        who.here = false;
      }
    }
  }
  drain();
  return all;
}

describe("whatever happens meanwhile", () => {
  test.each([false, true])(
    "all entries come once and in order, and all end at the newest; few: %p",
    (few) => {
      fc.assert(
        fc.property(fc.array(step, { maxLength: 150, size: "max" }), (steps) => {
          const { readers } = play(steps, few);
          for (const one of readers) {
            const { viewer, reader, from, meant } = one;
            for (const video of videos) {
              expect(reader.shown(video)).toEqual(reader.shown(video).toSorted((a, b) => a - b));
            }
            expect(reader.ids).toEqual(reader.ids.toSorted((a, b) => a - b));
            expect(new Set(reader.ids).size).toBe(reader.ids.length);
            if (!one.here) continue;
            expect(reader.ids).toEqual(meant);
            expect(viewer.own?.behind ?? false).toBe(false);
            for (const { watch } of viewer.slots) {
              expect([watch.video, reader.shown(watch.video).at(-1) ?? from.get(watch.video)]).toEqual([
                watch.video,
                watch.likes,
              ]);
            }
          }
        }),
        { numRuns: 600 },
      );
    },
  );
});
