import { describe, expect, test } from "bun:test";
import { median, medians, percentilesOf, round } from "./stats.ts";

describe("statistics", () => {
  test("the median of odd, even and no values", () => {
    expect([median([3, 1, 2]), median([4, 1, 3, 2]), median([])]).toEqual([2, 2.5, 0]);
  });

  test("percentiles are values that occurred", () => {
    const values = Array.from({ length: 1000 }, (_, index) => 1000 - index);
    expect(percentilesOf(values)).toEqual({
      count: 1000,
      p50: 500,
      p90: 900,
      p99: 990,
      p999: 999,
      max: 1000,
    });
    expect(percentilesOf([7])).toEqual({ count: 1, p50: 7, p90: 7, p99: 7, p999: 7, max: 7 });
    expect(percentilesOf([]).max).toBe(0);
  });

  test("medians by name, three digits, whole numbers whole", () => {
    expect(
      medians([
        { a: 1, b: 10.126 },
        { a: 2, b: 10.125 },
        { a: 3, b: 123_456.7 },
      ]),
    ).toEqual({ a: 2, b: 10.1 });
    expect([round(0), round(123_456.7), round(0.012_345)]).toEqual([0, 123_457, 0.0123]);
  });
});
