/** Who writes when: the leading edge, stretched laps, and turns that are fair and bounded. */

import { describe, expect, test } from "bun:test";
import type { VideoId } from "../core/interaction.ts";
import { limits } from "../core/limits.ts";
import { FakeViewer, v, w } from "../frontend/frontend-kit.ts";
import type { VideoState } from "../video/state.ts";
import { Connection } from "./connection.ts";
import { Viewer } from "./slot.ts";
import { bench } from "./supervisor-kit.ts";

const settle = () => new Promise<void>((resolve) => setImmediate(resolve));

/** Likes every 10 ms for a second; when each pass over the 1,100 viewers of `watch` began. */
function busy({ clock, like, times }: ReturnType<typeof bench>, watch: VideoState): number[] {
  for (let ms = 0; ms < 1_000; ms += 10) {
    like(watch);
    clock.advance(10);
  }
  return times(v).filter((_, i) => i % 1_100 === 0);
}

describe("viewers", () => {
  test("are placed where there is room, at most so many to a shard", () => {
    const { supervisor, join, watching } = bench();
    const watch = watching(v);
    join([watch], limits.connectionsPerShardMax * 2 + 1);
    const sizes = new Map<unknown, number>();
    for (const { shard } of supervisor.viewers()) sizes.set(shard, (sizes.get(shard) ?? 0) + 1);
    expect([...sizes.values()]).toEqual([limits.connectionsPerShardMax, limits.connectionsPerShardMax, 1]);
    expect([...supervisor.viewers()]).toHaveLength(limits.connectionsPerShardMax * 2 + 1);
  });
});

describe("likes", () => {
  test("go out on the leading edge; what comes during a pass goes right after it", () => {
    const { clock, join, watching, like, times } = bench();
    const watch = watching(v);
    join([watch], 3);
    like(watch);
    like(watch);
    clock.advance(0);
    expect(times(v)).toEqual([0, 0, 0]);
    clock.advance(10);
    like(watch);
    clock.advance(0);
    expect(times(v)).toEqual([0, 0, 0, 10, 10, 10]);
  });

  test("are stretched by themselves when a pass takes more than seven eighths of its window", () => {
    const tried = bench({ tickMs: 50, turnMs: 24 });
    const { clock, join, watching, times } = tried;
    const watch = watching(v);
    // Five turns of 256 writes: 120 ms, which leaves an eighth free of 137 ms.
    join([watch], 1_100);
    const starts = busy(tried, watch);
    expect(starts.length).toBeGreaterThan(3);
    starts.slice(1).forEach((ms, i) => {
      expect(ms - (starts[i] as number)).toBeGreaterThanOrEqual(137);
      expect(ms - (starts[i] as number)).toBeLessThanOrEqual(138 + 40);
    });
    clock.advance(1_000);
    expect(times(v).length % 1_100).toBe(0);
  });

  test("are not stretched for the time that other processes had the core", () => {
    const tried = bench({ tickMs: 50, turnMs: 24, workShare: 0.5 });
    const { join, watching } = tried;
    const watch = watching(v);
    join([watch], 1_100);
    const starts = busy(tried, watch);
    expect(starts.length).toBeGreaterThan(6);
    // 60 ms of work in 120 ms: a window of 69 ms is over by then.
    starts.slice(1).forEach((ms, i) => {
      expect(ms - (starts[i] as number)).toBeLessThanOrEqual(131);
    });
  });

  test("are stretched less where that keeps viewers from waiting for a fifth of a second", () => {
    for (const [passMs, windowMs] of [
      [30, 30],
      [60, 68],
      [120, 137],
      [141, 160],
      [180, 186.25],
      [240, 246.25],
    ] as const) {
      const tried = bench({ tickMs: 50, turnMs: passMs / 5 });
      const watch = tried.watching(v);
      tried.join([watch], 1_100);
      const starts = busy(tried, watch);
      starts.slice(1).forEach((ms, i) => {
        expect(ms - (starts[i] as number)).toBeGreaterThanOrEqual(windowMs);
        expect(ms - (starts[i] as number)).toBeLessThanOrEqual(windowMs + 11);
      });
    }
  });

  test("of window 0 come to all viewers in the same order, pass by pass", () => {
    const { clock, join, watching, like, writes } = bench({ tickMs: 0, turnMs: 2.5 });
    const watch = watching(v);
    join([watch], 3 * limits.connectionsPerShardMax);
    for (let ms = 0; ms < 500; ms += 5) {
      like(watch);
      clock.advance(5);
    }
    const shown = new Map<number, number[]>();
    for (const { who, ms } of writes) shown.set(who, [...(shown.get(who) ?? []), ms]);
    expect(shown.size).toBe(3 * limits.connectionsPerShardMax);
    for (const times of shown.values()) {
      const gaps = times.slice(1).map((ms, i) => ms - (times[i] as number));
      // A pass takes twelve turns.
      expect(Math.min(...gaps)).toBeGreaterThanOrEqual(25);
      expect(Math.max(...gaps)).toBeLessThanOrEqual(40);
    }
  });

  test("of window 0 follow each other without pause", () => {
    const tried = bench({ tickMs: 0, turnMs: 24 });
    const { join, watching } = tried;
    const watch = watching(v);
    join([watch], 1_100);
    const starts = busy(tried, watch);
    starts.slice(1).forEach((ms, i) => {
      expect(ms - (starts[i] as number)).toBeLessThanOrEqual(131);
    });
  });

  test("of a quiet video do not wait for a pass over a large audience", () => {
    const { clock, join, watching, like, times } = bench({ turnMs: 5 });
    const [loud, quiet] = [watching(v), watching(w)];
    join([loud], 5_000);
    join([quiet], 2);
    like(loud);
    clock.advance(1);
    like(quiet);
    clock.advance(6);
    expect(times(w)).toHaveLength(2);
    expect(times(v).length).toBeLessThan(2_000);
    clock.advance(200);
    expect(times(v)).toHaveLength(5_000);
    expect(Math.max(...times(w))).toBeLessThanOrEqual(6);
  });

  test("of a large audience go on though small videos never rest", () => {
    const { clock, join, watching, like, times } = bench({ turnMs: 5, tickMs: 0 });
    const loud = watching(v);
    join([loud], 2_000);
    const small = Array.from({ length: 600 }, (_, i) => watching(`s${i}` as VideoId));
    for (const watch of small) join([watch]);
    like(loud);
    for (let ms = 0; ms < 200; ms += 5) {
      for (const watch of small) like(watch);
      clock.advance(5);
    }
    expect(times(v)).toHaveLength(2_000);
    expect(times("s599").length).toBeGreaterThan(5);
  });

  test.each([35, 5])("of more small videos than there is time for come to all in turn: %d ms", (everyMs) => {
    const { clock, join, watching, like, times } = bench({ turnMs: 2.5, tickMs: 0 });
    const small = Array.from({ length: 512 }, (_, i) => watching(`s${i}` as VideoId));
    for (const watch of small) join([watch]);
    for (const watch of small) join([watch], 7);
    // All of them once, four full shards, take 16 turns of 2.5 ms.
    for (let ms = 0; ms < 600; ms += everyMs) {
      for (const watch of small) like(watch);
      clock.advance(everyMs);
    }
    for (const { video } of small) {
      const shown = times(video).filter((_, i) => i % 8 === 0);
      const gaps = shown.slice(1).map((ms, i) => ms - (shown[i] as number));
      expect(gaps.length).toBeGreaterThan(8);
      expect(Math.min(...gaps)).toBeGreaterThanOrEqual(35);
      expect(Math.max(...gaps)).toBeLessThanOrEqual(75);
    }
  });

  test("are written to each viewer of a pass once, whoever changes shards' order meanwhile", () => {
    const { clock, join, watching, like, writes } = bench({ turnMs: 1 });
    const watches = Array.from({ length: 5 }, (_, i) => watching(`v${i}` as VideoId));
    for (const watch of watches) join([watch], 700);
    for (const watch of watches) like(watch);
    clock.advance(100);
    for (const watch of watches) {
      expect(writes.filter(({ video }) => video === watch.video)).toHaveLength(700);
    }
  });
});

describe("turns", () => {
  test("do a bounded number of writes and give the loop back", () => {
    const { clock, join, watching, like, comment, writes, turns } = bench();
    const watch = watching(v);
    join([watch], 3_000);
    like(watch);
    clock.advance(0);
    expect(writes).toHaveLength(3_000);
    expect(turns()).toBe(Math.ceil(3_000 / limits.stepWritesMax));
    const before = turns();
    comment(watch);
    clock.advance(1);
    // Comments are cut as likes are.
    expect(turns() - before).toBe(Math.ceil(3_000 / limits.stepWritesMax));
    expect(turns()).toBeLessThan(30);
  });

  test("are bounded for what concerns all viewers too: a new beginning, a removal, stale", () => {
    const { clock, supervisor, join, watching, setStale, writes, turns } = bench();
    const watch = watching(v);
    join([watch], 3_000);
    const happens = [
      () => supervisor.restart(watch, "history"),
      () => supervisor.tellAll(watch, "retract", new Uint8Array(3)),
      () => setStale(true),
    ];
    for (const happen of happens) {
      const before = { turns: turns(), writes: writes.length };
      happen();
      expect(writes.length).toBe(before.writes);
      clock.advance(1_001);
      expect(writes.length - before.writes).toBe(3_000);
      expect(turns() - before.turns).toBeGreaterThanOrEqual(Math.ceil(3_000 / limits.stepWritesMax));
    }
  });

  test("give every shard's comments their share", () => {
    const { clock, join, watching, comment, times } = bench({ turnMs: 10 });
    const many = Array.from({ length: 3 }, (_, i) => watching(`v${i}` as VideoId));
    for (const watch of many) join([watch], limits.connectionsPerShardMax);
    for (let ms = 0; ms < 600; ms += 10) {
      for (const watch of many) comment(watch);
      clock.advance(10);
    }
    const shares = many.map(({ video }) => times(video).length);
    expect(Math.min(...shares)).toBeGreaterThan(Math.max(...shares) / 2);
  });
});

describe("comments", () => {
  test("go out after quiet at once, then once per window", () => {
    const { clock, join, watching, comment, times } = bench();
    const watch = watching(v);
    join([watch]);
    for (let ms = 0; ms < 100; ms++) {
      comment(watch);
      clock.advance(1);
    }
    clock.advance(30);
    const gaps = times(v).map((ms, i, all) => (i === 0 ? ms : ms - (all[i - 1] as number)));
    expect(gaps[0]).toBeLessThanOrEqual(1);
    for (const gap of gaps.slice(1)) expect(gap).toBeGreaterThanOrEqual(20);
    expect(times(v).length).toBeLessThanOrEqual(7);
  });

  test("of a video nobody watches any more disturb nobody", () => {
    const { clock, watching, comment, writes } = bench();
    comment(watching(v));
    clock.advance(100);
    expect(writes).toEqual([]);
  });
});

describe("beats", () => {
  test("say that the bus is away when that lasts, and not when it was back soon", async () => {
    const { clock, supervisor, watching, setStale } = bench();
    const shard = supervisor.place(undefined);
    const viewer = new Viewer(Connection, shard, 15_000, clock.elapsed());
    const { connection } = viewer;
    const watch = watching(v);
    viewer.watches = [watch];
    shard.add(viewer);
    const reader = new FakeViewer(connection.stream(undefined));
    setStale(true);
    clock.advance(500);
    setStale(false);
    clock.advance(2_000);
    await settle();
    expect(reader.of("beat")).toEqual([]);
    setStale(true);
    clock.advance(1_100);
    setStale(false);
    clock.advance(1_100);
    await settle();
    expect(reader.of("beat").map(({ data }) => data.stale)).toEqual([true, undefined]);
  });
});

test("a closed supervisor leaves no timer", () => {
  const { clock, supervisor, watching, join, like, comment, setStale } = bench();
  const watch = watching(v);
  join([watch], 100);
  like(watch);
  comment(watch);
  setStale(true);
  supervisor.close();
  clock.advance(5_000);
  expect(clock.next()).toBeUndefined();
});
