import { expect, test } from "bun:test";
import { VirtualClock } from "../base/clock.ts";
import { Collector } from "./collect-garbage.ts";

test("memory is given back once, when nearly all of a large audience have left", () => {
  const clock = new VirtualClock();
  let viewers = 0;
  let times = 0;
  const collector = new Collector(clock, () => viewers, {
    ...{ beside: () => {}, giveBack: () => {} },
    atOnce: () => times++,
  });
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

test("what the arrival of an audience left is collected when most have come, its pages a while later", () => {
  const clock = new VirtualClock();
  let viewers = 0;
  const done: string[] = [];
  const collector = new Collector(clock, () => viewers, {
    beside: () => done.push(`beside at ${viewers}`),
    giveBack: () => done.push("back"),
    atOnce: () => {},
  });
  const at = (...counts: readonly number[]): string[] => {
    for (const count of counts) {
      viewers = count;
      clock.advance(2_500);
    }
    return done.splice(0);
  };
  // Few are not worth it, and while many come it waits.
  expect(at(999, 999, 999)).toEqual([]);
  expect(at(4_000, 8_000, 10_000)).toEqual([]);
  expect(at(10_100)).toEqual(["beside at 10100"]);
  expect(at(10_100, 10_100, 10_100)).toEqual(["back"]);
  // A few more are not worth it; a half more are, and as many who came after others left.
  expect(at(12_000, 12_000, 12_000)).toEqual([]);
  expect(at(15_000, 15_000, 15_000)).toEqual(["beside at 15000", "back"]);
  expect(at(5_000, 5_000, 15_000, 15_000, 15_000)).toEqual(["beside at 15000", "back"]);
  collector.close();
});
