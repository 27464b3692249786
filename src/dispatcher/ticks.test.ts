import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { VirtualClock } from "../base/clock.ts";
import type { VideoId } from "../core/interaction.ts";
import { limits } from "../core/limits.ts";
import type { Change } from "../ledger/ledger.ts";
import { Ticks } from "./ticks.ts";

interface Told {
  readonly video: string;
  readonly ms: number;
  readonly echo: boolean;
  readonly atMs: number;
  readonly by: readonly string[];
}

/** `costMs`: how long it takes to publish one. */
function bench(windowMs: number, costMs = 0) {
  const clock = new VirtualClock(0);
  const begun = clock.elapsed();
  /** Since the bench was made. */
  const ran = (): number => clock.elapsed() - begun;
  const told: Told[] = [];
  const ticks = new Ticks(windowMs, clock, (mark, echo) => {
    const by = mark.by.map(({ user }) => user);
    told.push({ video: mark.video, ms: ran(), echo, atMs: mark.atMs, by });
    if (costMs > 0) clock.advance(costMs);
  });
  const change = (video: string, atMs: number = clock.date(), users: readonly string[] = []): Change => ({
    video: video as VideoId,
    totals: { version: 1, counts: {} },
    before: {},
    added: 1,
    removed: 0,
    atMs,
    durableMs: atMs + 1,
    by: users.map((user) => ({ user, kind: "heart", count: 1 })),
  });
  const changed = (...videos: string[]) => ticks.changed(videos.map((video) => change(video)));
  const times = (video: string, echo = false) =>
    told.filter((one) => one.video === video && one.echo === echo).map(({ ms }) => ms);
  return { clock, ran, ticks, told, change, changed, times };
}

describe("ticks", () => {
  test("begin on the leading edge, before the fold returns", () => {
    const { changed, told } = bench(50);
    changed("v", "w");
    expect(told.map(({ video, ms }) => [video, ms])).toEqual([
      ["v", 0],
      ["w", 0],
    ]);
  });

  test("of very many videos at once take a tenth of the time, and no quiet one waits", () => {
    const many = Array.from({ length: 100 }, (_, i) => `v${i}`);
    for (const windowMs of [0, 50]) {
      const { clock, ran, changed, told, times } = bench(windowMs, 0.1);
      for (let ms = 0; ms < 1_000; ms += 5) {
        changed(...many);
        clock.advance(5);
      }
      const published = told.filter(({ echo }) => !echo).length;
      expect(published * 0.1).toBeLessThanOrEqual(0.11 * ran());
      expect(published * 0.1).toBeGreaterThan(0.08 * ran());
      changed("quiet");
      expect(times("quiet")).toHaveLength(1);
    }
  });

  test("of commits that follow each other share that tenth", () => {
    const { clock, ran, changed, told } = bench(0, 0.1);
    for (let ms = 0; ms < 1_000; ms += 5) {
      for (let part = 0; part < 4; part++) changed(...Array.from({ length: 25 }, (_, i) => `v${part}.${i}`));
      clock.advance(5);
    }
    const published = told.filter(({ echo }) => !echo).length;
    expect(published * 0.1).toBeLessThanOrEqual(0.11 * ran());
    expect(published * 0.1).toBeGreaterThan(0.08 * ran());
  });

  test("of window 0 say a change that comes while they are published", () => {
    const { clock, ticks, change, told } = bench(0);
    ticks.changed([change("v"), change("v", 7)]);
    clock.advance(0);
    expect(told.map(({ atMs }) => atMs)).toEqual([0, 7]);
  });

  test("come once per window after that, and never for nothing", () => {
    const { clock, changed, times } = bench(50);
    for (let ms = 0; ms < 200; ms++) {
      changed("v");
      clock.advance(1);
    }
    expect(times("v")).toEqual([0, 50, 100, 150, 200]);
    clock.advance(900);
    expect(times("v")).toEqual([0, 50, 100, 150, 200]);
  });

  test("end with one echo a second after the last window, then the video is forgotten", () => {
    const { clock, ticks, changed, times } = bench(50);
    changed("v");
    clock.advance(49 + limits.echoMs);
    expect(times("v", true)).toEqual([]);
    expect(ticks.size).toBe(1);
    clock.advance(1);
    expect(times("v", true)).toEqual([50 + limits.echoMs]);
    expect(ticks.size).toBe(0);
    clock.advance(60_000);
    expect(times("v", true)).toHaveLength(1);
    expect(clock.next()).toBeUndefined();
  });

  test("that come before the echo are on the leading edge again, and put it off", () => {
    const { clock, changed, times } = bench(50);
    changed("v");
    clock.advance(1_000);
    changed("v");
    expect(times("v")).toEqual([0, 1_000]);
    clock.advance(1_049);
    expect(times("v", true)).toEqual([]);
    clock.advance(1);
    expect(times("v", true)).toEqual([2_050]);
  });

  test("say when the oldest like they tell of was accepted, and a few of the names", () => {
    const { clock, ticks, told, change } = bench(50);
    ticks.changed([change("v", 7, ["a"])]);
    clock.advance(10);
    ticks.changed([change("v", 9, ["b", "c"])]);
    clock.advance(10);
    ticks.changed([change("v", 11, ["d", "e", "f", "g"])]);
    clock.advance(30);
    expect(told.map(({ atMs, by }) => [atMs, by])).toEqual([
      [7, ["a"]],
      [9, ["b", "c", "d", "e", "f"]],
    ]);
  });

  test("of window 0 tell every change at once, and echo once", () => {
    const { clock, changed, times } = bench(0);
    changed("v");
    changed("v");
    clock.advance(3);
    changed("v");
    expect(times("v")).toEqual([0, 0, 3]);
    clock.advance(5_000);
    expect(times("v", true)).toEqual([3 + limits.echoMs]);
  });

  test("of many videos share two timers, and a quiet video does not wait for loud ones", () => {
    const { clock, changed, times } = bench(50);
    for (let i = 0; i < 500; i++) changed(`loud${i}`);
    for (let ms = 0; ms < 100; ms++) {
      for (let i = 0; i < 500; i++) changed(`loud${i}`);
      if (ms === 60) changed("quiet");
      clock.advance(1);
    }
    expect(times("quiet")).toEqual([60]);
    for (let i = 0; i < 500; i++) expect(times(`loud${i}`)).toEqual([0, 50, 100]);
  });

  test("whatever changes when: each is told within a window, windows are kept, the echo is last", () => {
    const steps = fc.array(
      fc.record({ gapMs: fc.integer({ min: 0, max: 700 }), video: fc.constantFrom("a", "b", "c") }),
      { maxLength: 60 },
    );
    fc.assert(
      fc.property(steps, fc.constantFrom(0, 1, 20, 50, 1_500), (changes, windowMs) => {
        const { clock, ran, ticks, told, changed, times } = bench(windowMs);
        const lastMs = new Map<string, number>();
        for (const { gapMs, video } of changes) {
          clock.advance(gapMs);
          const changedMs = ran();
          changed(video);
          lastMs.set(video, changedMs);
        }
        clock.advance(windowMs + limits.echoMs + windowMs);
        for (const [video, ms] of lastMs) {
          const all = times(video);
          expect(all.at(-1)).toBeGreaterThanOrEqual(ms);
          expect(all.at(-1)).toBeLessThanOrEqual(ms + windowMs);
          all.slice(1).forEach((at, i) => {
            expect(at - (all[i] as number)).toBeGreaterThanOrEqual(windowMs);
          });
          expect(told.filter((one) => one.video === video).at(-1)?.echo).toBe(true);
        }
        expect(ticks.size).toBe(0);
        expect(clock.next()).toBeUndefined();
      }),
      { numRuns: 200 },
    );
  });

  test("are over when closed", () => {
    const { clock, ticks, changed, told } = bench(50);
    changed("v");
    changed("v");
    ticks.close();
    clock.advance(10_000);
    expect(told).toHaveLength(1);
    expect(clock.next()).toBeUndefined();
  });
});
