import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { seededPrng } from "../base/prng.ts";
import { Latency } from "./latency.ts";
import { type Arrivals, Schedule } from "./schedule.ts";

function moments(perSecond: number, durationMs: number, arrivals: Arrivals, seed: number): number[] {
  const schedule = new Schedule(perSecond, 1000, durationMs, arrivals, seededPrng(seed));
  const taken: number[] = [];
  for (let at = schedule.take(Infinity); at !== undefined && at < Infinity; at = schedule.take(Infinity))
    taken.push(at);
  return taken;
}

describe("schedule", () => {
  test("has exactly rate × duration moments, in order, within its time", () => {
    const rate = fc.oneof(fc.nat(500), fc.constantFrom(0.5, 2.5));
    const arrivals = fc.constantFrom<Arrivals>("poisson", "even");
    fc.assert(
      fc.property(rate, fc.integer({ min: 1, max: 5000 }), arrivals, fc.nat(), (perSecond, ms, how, seed) => {
        const taken = moments(perSecond, ms, how, seed);
        expect(taken.length).toBe(Math.round((perSecond * ms) / 1000));
        expect(taken).toEqual([...taken].sort((a, b) => a - b));
        expect(taken.every((at) => at >= 1000 && at <= 1000 + ms + 1000 / perSecond)).toBe(true);
      }),
    );
  });

  test("gaps of a crowd are exponential, even gaps are equal", () => {
    const gaps = (taken: number[]): number[] => taken.slice(1).map((at, index) => at - (taken[index] ?? 0));
    const crowd = gaps(moments(1000, 20_000, "poisson", 7));
    // Of an exponential distribution with mean 1 ms, 1/e of the gaps are longer than 1 ms.
    expect(crowd.filter((gap) => gap > 1).length / crowd.length).toBeCloseTo(Math.exp(-1), 1);
    for (const gap of gaps(moments(1000, 100, "even", 7))) expect(gap).toBeCloseTo(1, 6);
  });

  test("gives out nothing before it is due", () => {
    const schedule = new Schedule(10, 1000, 1000, "even", seededPrng(1));
    expect(schedule.take(1049)).toBeUndefined();
    expect(schedule.take(1051)).toBeCloseTo(1050, 6);
    expect(schedule.take(1051)).toBeUndefined();
  });
});

describe("latency", () => {
  test("percentiles are those of the sorted values, also after a trip between processes", () => {
    const value = fc.double({ min: 0.001, max: 60_000, noNaN: true });
    fc.assert(
      fc.property(fc.array(value, { minLength: 1, maxLength: 200 }), fc.nat(200), (values, at) => {
        const parts = [Latency.empty(), Latency.empty()];
        values.forEach((ms, index) => {
          parts[index < at ? 0 : 1]?.record(ms);
        });
        const all = Latency.empty();
        for (const part of parts) all.add(Latency.decode(part.encode()));
        const sorted = [...values].sort((a, b) => a - b);
        const { count, p50, p99, max } = all.percentiles();
        expect(count).toBe(values.length);
        for (const [got, percent] of [
          [p50, 50],
          [p99, 99],
          [max, 100],
        ] as const) {
          const exact = sorted[Math.max(0, Math.ceil((percent / 100) * sorted.length) - 1)] ?? 0;
          expect(Math.abs(got - exact)).toBeLessThanOrEqual(0.001 + exact * 0.002);
        }
      }),
      { numRuns: 50 },
    );
  });

  test("has no percentiles without values, and clips what no clock can say", () => {
    expect(Latency.empty().percentiles()).toEqual({ count: 0, p50: 0, p90: 0, p99: 0, p999: 0, max: 0 });
    const latency = Latency.empty();
    latency.record(-3);
    latency.record(1e9);
    expect(latency.percentiles().count).toBe(2);
    expect(latency.at(1)).toBeCloseTo(0.001, 6);
  });
});
