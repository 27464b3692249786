import { expect, test } from "bun:test";
import { VirtualClock } from "../base/clock.ts";
import { Collector } from "./collect-garbage.ts";

test("memory is given back once, when nearly all of a large audience have left", () => {
  const clock = new VirtualClock();
  let viewers = 0;
  let times = 0;
  const collector = new Collector(
    clock,
    () => viewers,
    () => times++,
  );
  const at = (count: number): number => {
    viewers = count;
    clock.advance(10_000);
    return times;
  };
  expect([0, 999, 0].map(at)).toEqual([0, 0, 0]);
  expect([5_000, 2_000, 501].map(at)).toEqual([0, 0, 0]);
  expect([500, 400, 0].map(at)).toEqual([1, 1, 1]);
  expect([1_000, 100].map(at)).toEqual([1, 2]);
  viewers = 1_000;
  clock.advance(5_000);
  // Gone for one look only.
  viewers = 0;
  clock.advance(5_000);
  expect(at(1_000)).toBe(2);
  collector.close();
  expect([5_000, 0].map(at)).toEqual([2, 2]);
});
