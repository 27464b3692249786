import { describe, expect, test } from "bun:test";
import { seededPrng } from "../base/prng.ts";
import { limits } from "../core/limits.ts";
import { Skew } from "./skew.ts";

const believed = { behindMs: 120_000, aheadMs: 10_000 };

describe("the skew of a video", () => {
  test("is the median of what viewers saw, and follows a step once half of them show it", () => {
    const skew = new Skew();
    const prng = seededPrng(1);
    let logMs = 0;
    const say = (count: number, around: number): void => {
      for (let i = 0; i < count; i++, logMs += 100) skew.take(around + prng.between(-2_000, 2_000), 1, logMs);
    };
    say(1_000, 8_000);
    expect(Math.abs(skew.medianMs - 8_000)).toBeLessThan(1_000);
    // An outage before the packager: its dates lie back by its length for good.
    say(1_000, 608_000);
    expect(Math.abs(skew.medianMs - 608_000)).toBeLessThan(1_000);
    // A relay that dates late: honest media times lie in the future.
    say(1_000, -3_500);
    expect(Math.abs(skew.medianMs + 3_500)).toBeLessThan(1_000);
  });

  test("is not moved out of what is honest by a minority that lies, whatever it says", () => {
    for (const lie of [-1e12, 1e12, 3_600_000, -3_600_000]) {
      const skew = new Skew();
      const prng = seededPrng(2);
      for (let i = 0; i < 1_000; i++) {
        const isLie = i % 5 < 2;
        skew.take(isLie ? lie : prng.between(2_000, 30_000), 1, i * 200);
        if (i < limits.mediaSamplesMax) continue;
        expect(skew.medianMs).toBeGreaterThanOrEqual(0);
        expect(skew.medianMs).toBeLessThanOrEqual(30_000);
      }
      expect(skew.believes(1e9 - 20_000, 1e9, believed)).toBe(true);
      expect(skew.believes(1e9 - lie, 1e9, believed)).toBe(false);
    }
  });

  test("of one second is of its first samples: a flood in one does not outweigh the minute before", () => {
    const skew = new Skew();
    for (let i = 0; i < 60; i++) skew.take(5_000, 1, i * 1_000);
    skew.take(999_000, 1_000_000, 60_500);
    skew.take(999_000, 1_000_000, 60_900);
    expect(skew.medianMs).toBe(5_000);
  });

  test("begins where nobody is believed who is far off, until a second one says so", () => {
    const skew = new Skew();
    expect([skew.known, skew.medianMs]).toEqual([false, 0]);
    skew.take(600_000, 1, 1);
    expect([skew.known, skew.medianMs]).toEqual([true, 0]);
    expect(skew.believes(0, 600_000, believed)).toBe(false);
    skew.take(601_000, 1, 2);
    expect(skew.medianMs).toBe(600_000);
    expect(skew.believes(0, 600_000, believed)).toBe(true);
  });

  test("is the same after it was told as numbers", () => {
    const skew = new Skew();
    const prng = seededPrng(3);
    for (let i = 0; i < 200; i++) {
      skew.take(prng.between(-1e6, 1e6), 1 + (i % 3), i * 250);
      const again = Skew.of(skew.flat());
      expect(again.medianMs).toBe(skew.medianMs);
      expect(again.flat()).toEqual(skew.flat());
    }
  });
});
