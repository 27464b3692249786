/** Comments and likes to very many: in one write, at one pace, and nobody waits for them. */
import { describe, expect, test } from "bun:test";
import { v, w } from "../frontend/frontend-kit.ts";
import { bench } from "./supervisor-kit.ts";

describe("comments to ten thousand viewers, twenty a second, beside fifty likes a second", () => {
  /** Eight seconds of it; a like of a quiet video of twenty viewers each 100 ms. */
  const crowd = () => {
    // 7.5 µs a write, as measured.
    const all = bench({ writeMs: 0.0075 });
    const [loud, quiet] = [all.watching(v), all.watching(w)];
    all.join([loud], 10_000);
    all.join([quiet], 20);
    const liked: number[] = [];
    for (let ms = 0; ms < 8_000; ms += 10) {
      if (ms % 20 === 0) all.like(loud);
      if (ms % 50 === 0) all.comment(loud);
      if (ms % 100 === 0) liked.push(ms);
      if (ms % 100 === 0) all.like(quiet);
      all.clock.advance(10);
    }
    all.clock.advance(1_000);
    return { ...all, liked };
  };

  test("keep no quiet video waiting: each of its likes is shown within two of its windows", () => {
    const { times, liked } = crowd();
    const shown = times(w);
    expect(shown).toHaveLength(20 * liked.length);
    for (const [i, ms] of liked.entries()) {
      expect(Math.max(...shown.slice(20 * i, 20 * (i + 1))) - ms).toBeLessThanOrEqual(100);
    }
  });

  test("go out with the likes in one write, and neither kind waits for longer than two laps", () => {
    const { writes } = crowd();
    const one = writes.filter(({ video, who }) => video === v && who === 9_000);
    const gaps = one.slice(1).map(({ ms }, i) => ms - (one[i]?.ms ?? 0));
    // A lap of 75 ms of work, and an eighth of the time free.
    expect(Math.max(...gaps)).toBeLessThan(200);
    expect(one.length).toBeLessThan(8_000 / 75);
    expect(one.length).toBeGreaterThan(8_000 / 100);
  });
});

test("what comes in the middle of a lap, last of all, goes right after it", () => {
  const { clock, join, watching, like, comment, times } = bench({ turnMs: 5 });
  const watch = watching(v);
  join([watch], 1_100);
  for (const come of [like, comment]) {
    const before = times(v).length;
    like(watch);
    clock.advance(6);
    come(watch);
    clock.advance(1_000);
    expect(times(v).length - before).toBeGreaterThan(1_100);
    // The first turn had begun before it came; all of those are written once more.
    expect(times(v).slice(before).length).toBeLessThanOrEqual(2 * 1_100);
  }
});

test("what comes while the last is on its way to many follows behind it, though nothing else happens", () => {
  const { clock, watching, join, like, writes } = bench({ turnMs: 5 });
  const watch = watching(v);
  join([watch], 1_100);
  like(watch);
  clock.advance(6);
  expect(writes.length).toBeGreaterThan(0);
  expect(writes.length).toBeLessThan(1_100);
  like(watch);
  clock.advance(2_000);
  expect(writes).toHaveLength(2_200);
});
