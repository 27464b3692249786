/** Percentiles out of buckets. */
import { describe, expect, test } from "bun:test";
import { Histogram, Registry } from "prom-client";
import { bucketsOf, growthOf, percentiles } from "./readings.ts";

describe("percentiles", () => {
  test("lie where the values do, within their bucket, and only count what came since", async () => {
    const registers = [new Registry()];
    const buckets = [0.01, 0.02, 0.05, 0.1, 1];
    const histogram = new Histogram({ name: "h", help: "h", labelNames: ["hop"], registers, buckets });
    for (let i = 0; i < 1_000; i++) histogram.observe({ hop: "a" }, 0.9);
    const before = await bucketsOf(histogram, "hop");
    for (let i = 0; i < 100; i++) histogram.observe({ hop: "a" }, i < 90 ? 0.015 : 0.03);
    const after = await bucketsOf(histogram, "hop");
    const { p50, p90, p99 } = percentiles(growthOf(after.get("a"), before.get("a")), 1000);
    expect([p50 > 10 && p50 < 20, p90 <= 20, p99 > 20 && p99 < 50]).toEqual([true, true, true]);
  });

  test("of nothing are 0; beyond the last bound, that bound", () => {
    expect(percentiles(new Map(), 1)).toEqual({ p50: 0, p90: 0, p99: 0 });
    expect(
      percentiles(
        new Map([
          [1, 0],
          [Number.POSITIVE_INFINITY, 5],
        ]),
        1,
      ),
    ).toEqual({ p50: 1, p90: 1, p99: 1 });
  });
});
