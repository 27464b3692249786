import { describe, expect, test } from "bun:test";
import { type Prng, seededPrng } from "../base/prng.ts";
import { peaksOf } from "./moments.ts";

/** A number of people drawn by chance around `mean`, as independent people come (Knuth's method). */
function poisson(prng: Prng, mean: number): number {
  if (mean > 50) {
    // By the normal distribution, which is near enough.
    let twelve = 0;
    for (let i = 0; i < 12; i++) twelve += prng.next();
    return Math.max(0, Math.round(mean + Math.sqrt(mean) * (twelve - 6)));
  }
  const limit = Math.exp(-mean);
  let count = 0;
  for (let product = prng.next(); product > limit; product *= prng.next()) count++;
  return count;
}

/** People per second around what `rate` says of each. */
function audience(seed: number, seconds: number, rate: (second: number) => number): number[] {
  const prng = seededPrng(seed);
  return Array.from({ length: seconds }, (_, second) => poisson(prng, rate(second)));
}

/** What a goal adds to what is usual: a jump, and a fall over some seconds. */
const goal = (second: number, at: number): number => (second < at ? 0 : Math.exp(-(second - at) / 6));

describe("moments", () => {
  test.each([3, 30, 300, 30_000])(
    "of an audience of which %d a second react are its goals, and nothing else",
    (usual) => {
      for (let seed = 1; seed <= 5; seed++) {
        const people = audience(
          seed,
          3_600,
          (second) => usual * (1 + 8 * goal(second, 900) + 8 * goal(second, 2_500)),
        );
        const found = peaksOf(people);
        expect(found.map(({ peak }) => Math.round(peak / 20))).toEqual([45, 125]);
        for (const { start, peak, end } of found) {
          expect(start).toBeLessThanOrEqual(peak);
          expect(end - start).toBeLessThan(60);
        }
      }
    },
  );

  test("a slow rise is none, and does not hide one", () => {
    for (let seed = 1; seed <= 5; seed++) {
      const rising = audience(seed, 3_600, (second) => 20 + second / 2);
      expect(peaksOf(rising)).toEqual([]);
      const scored = audience(seed, 3_600, (second) => (20 + second / 2) * (1 + 6 * goal(second, 3_000)));
      expect(peaksOf(scored).map(({ peak }) => Math.round(peak / 20))).toEqual([150]);
    }
  });

  test("a crowd that comes back from a pause is none", () => {
    for (let seed = 1; seed <= 5; seed++) {
      expect(peaksOf(audience(seed, 1_800, (second) => (second < 900 ? 3 : 30)))).toEqual([]);
    }
  });

  test("of twenty viewers are when most of them react, and their chatter is none", () => {
    for (let seed = 1; seed <= 10; seed++) {
      // Each of twenty somewhere within two minutes, and twelve of them at once.
      const people = audience(seed, 3_600, () => 20 / 120);
      expect(peaksOf(people)).toEqual([]);
      for (let i = 0; i < 12; i++) people[1_800 + (i % 4)] = (people[1_800 + (i % 4)] as number) + 1;
      expect(peaksOf(people)).toHaveLength(1);
    }
  });

  test("one viewer's burst is none: whoever taps all the time is one of the people once in a while", () => {
    const people = audience(3, 1_800, () => 0.2).map((count, second) => count + (second % 10 === 0 ? 1 : 0));
    expect(peaksOf(people)).toEqual([]);
  });

  test("close to each other are one, and nothing can be said before anything is usual", () => {
    const people = audience(4, 1_200, (second) => 30 * (1 + 8 * goal(second, 600) + 8 * goal(second, 634)));
    expect(peaksOf(people)).toHaveLength(1);
    expect(peaksOf([500, 500, 500, 9_000, 500])).toEqual([]);
    expect(peaksOf([])).toEqual([]);
  });

  test("are found in steps of ten seconds too", () => {
    const people = audience(5, 400, (step) => 300 * (1 + 6 * (step === 200 ? 1 : 0)));
    expect(peaksOf(people, 10)).toMatchObject([{ start: 200, peak: 200, end: 201 }]);
  });
});
