/** Log time follows elapsed time alone, and the log's last. */
import { describe, expect, test } from "bun:test";
import { VirtualClock } from "../base/clock.ts";
import { limits } from "../core/limits.ts";
import { bounded, first, LogTime } from "./log-time.ts";

/** A log whose last record was folded just now. */
function begun(clock: VirtualClock, lastMs: number): LogTime {
  const time = new LogTime(clock);
  time.folded(lastMs);
  return time;
}

const aheadMs = limits.keyWindowMs + 1;

describe("log time", () => {
  test("grows by elapsed time, wherever the wall is set", () => {
    const clock = new VirtualClock();
    const time = begun(clock, 1_000);
    for (const step of [3 * 60_000, -3_600_000, 0]) {
      const before = time.now();
      clock.setWall(step);
      clock.advance(500);
      expect(time.now() - before).toBe(500);
    }
  });

  test("is pulled forward by a record of a faster writer, and never back", () => {
    const clock = new VirtualClock();
    const time = begun(clock, 1_000);
    time.folded(5_000);
    expect(time.now()).toBe(5_000);
    clock.advance(100);
    time.folded(5_010);
    expect(time.now()).toBe(5_100);
  });

  test("loses nothing to records that come back late, however many", () => {
    const clock = new VirtualClock();
    const time = begun(clock, 0);
    for (let i = 0; i < 1_000; i++) {
      const stampMs = time.now();
      clock.advance(10);
      time.folded(stampMs);
    }
    expect(time.now()).toBe(10_000);
  });

  test("waits for the log one window ahead of it, and goes on from there", () => {
    const clock = new VirtualClock();
    const time = begun(clock, 1_000);
    clock.advance(10 * limits.keyWindowMs);
    expect(time.now()).toBe(1_000 + aheadMs);
    time.folded(1_000 + aheadMs);
    clock.advance(50);
    expect(time.now()).toBe(1_000 + aheadMs + 50);
  });
});

test("a log that holds nothing begins at the date, and one that holds something at its last", () => {
  const clock = new VirtualClock();
  const time = new LogTime(clock);
  expect(time.now()).toBe(clock.date());
  expect(time.stamp()).toBeUndefined();
  clock.setWall(3_600_000);
  time.folded(1_000);
  clock.advance(5);
  expect(time.now()).toBe(1_005);
  expect(time.stamp()).toBe(1_005);
});

describe("a stamp", () => {
  test("of an honest writer is taken as it is, and never as a step back", () => {
    expect(bounded(1_500, 1_000)).toBe(1_500);
    expect(bounded(900, 1_000)).toBe(1_000);
    expect(bounded(1_000 + aheadMs, 1_000)).toBe(1_000 + aheadMs);
  });

  test("of a log's first record may be any date, and no nonsense", () => {
    expect(first(1_000, 5_000)).toBe(1_000);
    expect(first(9_000, 5_000)).toBe(9_000);
    expect(first(1e300, 5_000)).toBe(5_000 + aheadMs);
    for (const wrong of [Number.NaN, Number.POSITIVE_INFINITY, -1, 0])
      expect(first(wrong, 5_000)).toBe(5_000);
  });

  test("that is nonsense forgets one window at most", () => {
    for (const wrong of [Number.NaN, Number.POSITIVE_INFINITY]) expect(bounded(wrong, 1_000)).toBe(1_000);
    expect(bounded(1e300, 1_000)).toBe(1_000 + aheadMs);
    expect(bounded(-1e300, 1_000)).toBe(1_000);
  });
});
