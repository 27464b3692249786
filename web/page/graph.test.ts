/** The timeline's bars and moments: nothing is lost in drawing, and nothing overlaps. */
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import type { Moment } from "../client/replay.ts";
import { barsOf, clockOf, placed } from "./graph.ts";

const from = 1_800_000_000_000;
const timeline = (likes: Record<string, number[]>, seconds: number, step: number) => ({
  ...{ from, to: from + seconds * 1000, step, before: {}, likes },
});

describe("bars", () => {
  test("whatever the points and the width: the sum of the bars is the sum of the points", () => {
    const points = fc.array(fc.integer({ min: 0, max: 1000 }), { minLength: 1, maxLength: 60 });
    fc.assert(
      fc.property(
        points,
        fc.integer({ min: 1, max: 90 }),
        fc.constantFrom(1, 10, 60),
        (heart, columns, step) => {
          const bars = barsOf(timeline({ heart, clap: [1] }, heart.length * step, step), columns);
          expect(bars.length).toBe(columns);
          const sum = heart.reduce((all, count) => all + count, 1);
          expect(Math.abs(bars.reduce((all, bar) => all + bar, 0) - sum)).toBeLessThan(1e-6 * (sum + 1));
        },
      ),
    );
  });

  test("stand where the points do; of nothing there are none", () => {
    expect(barsOf(timeline({ heart: [1, 0, 4, 0] }, 4, 1), 4)).toEqual([1, 0, 4, 0]);
    expect(barsOf(timeline({ heart: [1, 3, 4, 0] }, 4, 1), 2)).toEqual([4, 4]);
    expect(barsOf(timeline({}, 0, 1), 3)).toEqual([0, 0, 0]);
  });
});

test("moments stand apart, the strongest first served, in order of time", () => {
  const moment = (second: number, score: number) =>
    ({ start: 0, peak: from + second * 1000, end: 0, score, people: 1, likes: {}, comments: [] }) as Moment;
  const moments = [moment(10, 1), moment(12, 5), moment(50, 2), moment(400, 9), moment(99, 3)];
  expect(placed(moments, { from, to: from + 100_000 }, 0.05).map(({ place }) => place)).toEqual([
    0.12, 0.5, 0.99,
  ]);
});

test("a clock as films have it, in the reader's digits", () => {
  expect([0, 65.9, 3723, -1].map((seconds) => clockOf(seconds, "en"))).toEqual([
    "0:00",
    "1:05",
    "1:02:03",
    "0:00",
  ]);
  expect(clockOf(65, "ar-EG")).toBe("١:٠٥");
});
