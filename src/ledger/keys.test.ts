import { expect, test } from "bun:test";
import fc from "fast-check";
import { seededPrng } from "../base/prng.ts";
import { KeyWindow } from "./keys.ts";

/** What the window means, in the plainest words: when each key last appeared. */
class Model {
  readonly #seenMs = new Map<string, number>();
  #lastMs = 0;

  constructor(readonly windowMs: number) {}

  add(hi: number, lo: number, logMs: number): boolean {
    this.#lastMs = Math.max(this.#lastMs, Math.floor(logMs));
    const seenMs = this.#seenMs.get(`${hi}:${lo}`);
    this.#seenMs.set(`${hi}:${lo}`, this.#lastMs);
    return seenMs === undefined || this.#lastMs - seenMs > this.windowMs;
  }
}

// Few different halves: keys repeat often, and share one half more often still.
const half = fc.constantFrom(0, 1, 2, 3, 7, 64, 128, 0x7fffffff, 0x80000000, 0xfffffffe, 0xffffffff);
const step = fc.record({
  hi: half,
  lo: half,
  // Mostly forward, sometimes still, sometimes back, sometimes past the whole window.
  forwardMs: fc.oneof(fc.integer({ min: 0, max: 30 }), fc.constantFrom(-5, 0.4, 99, 100, 101, 250)),
});
const starts = fc.constantFrom(0, 1_700_000_000_000, 2 ** 32 - 50, 7 * 2 ** 32 - 120, 2 ** 31 - 10);

function play(
  steps: readonly { hi: number; lo: number; forwardMs: number }[],
  startMs: number,
  each: (hi: number, lo: number, logMs: number) => void,
): void {
  let logMs = startMs;
  for (const { hi, lo, forwardMs } of steps) {
    logMs = Math.max(0, logMs + forwardMs);
    each(hi, lo, logMs);
  }
}

test("tells repeats within the window as a map of last appearances does", () => {
  fc.assert(
    fc.property(
      fc.array(step, { maxLength: 400 }),
      starts,
      fc.double({ min: 0, max: 1 }),
      (steps, startMs, seed) => {
        const window = new KeyWindow({ seed, windowMs: 100, keysMax: 1000 });
        const model = new Model(100);
        play(steps, startMs, (hi, lo, logMs) => {
          const seen = window.has(hi, lo, Math.max(logMs, window.lastMs));
          expect(window.add(hi, lo, logMs)).toBe(!seen);
          expect(!seen).toBe(model.add(hi, lo, logMs));
        });
      },
    ),
    { numRuns: 500 },
  );
});

test("whoever reads only the last window of a log goes on as one who read all of it", () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 300 }), fc.array(step, { maxLength: 100 }), (early, late) => {
      const whole = new KeyWindow({ seed: 0.3, windowMs: 100, keysMax: 1000 });
      const tail = new KeyWindow({ seed: 0.9, windowMs: 100, keysMax: 1000 });
      const log: [number, number, number][] = [];
      let lastMs = 0;
      play(early, 5_000, (hi, lo, logMs) => {
        lastMs = Math.max(lastMs, logMs);
        whole.add(hi, lo, lastMs);
        log.push([hi, lo, lastMs]);
      });
      for (const [hi, lo, logMs] of log) if (logMs >= lastMs - 101) tail.add(hi, lo, logMs);
      play(late, lastMs, (hi, lo, logMs) => expect(tail.add(hi, lo, logMs)).toBe(whole.add(hi, lo, logMs)));
    }),
    { numRuns: 300 },
  );
});

test("a copy made by `each` goes on as the window does", () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 300 }), fc.array(step, { maxLength: 100 }), (early, late) => {
      const window = new KeyWindow({ seed: 0.3, windowMs: 100, keysMax: 1000 });
      play(early, 5_000, (hi, lo, logMs) => window.add(hi, lo, logMs));
      const copy = new KeyWindow({ seed: 0.6, windowMs: 100, keysMax: 1000 });
      window.each(window.lastMs, (hi, lo, logMs) => copy.add(hi, lo, logMs));
      play(late, Math.max(5_000, window.lastMs), (hi, lo, logMs) => {
        expect(copy.add(hi, lo, logMs)).toBe(window.add(hi, lo, logMs));
      });
    }),
    { numRuns: 300 },
  );
});

test("goes on as the map does when thousands of keys come, repeat and expire side by side", () => {
  const prng = seededPrng(11);
  const window = new KeyWindow({ seed: 0.5, windowMs: 1_000, keysMax: 100_000 });
  const model = new Model(1_000);
  // Few different halves, so that many keys share one, and parts of the table are dense.
  const half = () => Math.imul(prng.between(0, 150), 0x9e3779b1) >>> 0;
  let logMs = 50_000;
  let repeats = 0;
  for (let i = 0; i < 300_000; i++) {
    // The load comes in waves, so that tables grow and shrink.
    if (prng.next() < (i % 100_000 < 50_000 ? 0.05 : 0.9)) logMs += prng.between(1, 2);
    const [hi, lo] = [half(), half()];
    const fresh = model.add(hi, lo, logMs);
    if (!fresh) repeats++;
    if (window.add(hi, lo, logMs) !== fresh) throw new Error(`key ${i} at ${logMs}: expected ${fresh}`);
  }
  expect(repeats).toBeGreaterThan(50_000);
  expect(repeats).toBeLessThan(250_000);
});

test("many keys: each is new once, repeated once, and new again after the window", () => {
  const window = new KeyWindow({ seed: 0.5, windowMs: 1_000, keysMax: 400_000 });
  const keys = new Uint32Array(300_000 * 2);
  const prng = seededPrng(7);
  for (let i = 0; i < keys.length; i++) keys[i] = Math.floor(prng.next() * 2 ** 32);
  const addAll = (fromMs: number): number => {
    let fresh = 0;
    for (let i = 0; i < keys.length; i += 2) {
      if (window.add(keys[i] as number, keys[i + 1] as number, fromMs + Math.floor(i / 1_000))) fresh++;
    }
    return fresh;
  };
  expect(addAll(10_000)).toBe(300_000);
  expect(addAll(10_700)).toBe(0);
  expect(addAll(12_400)).toBe(300_000);
  // Time goes on with few keys: what expired leaves, and the tables shrink without losing any.
  for (let ms = 14_100; ms < 15_000; ms++) window.add(1, ms, ms);
  expect(window.size).toBe(900);
  for (let ms = 14_100; ms < 15_000; ms++) expect(window.add(1, ms, 15_000)).toBe(false);
});

test("full at its bound, and has room again when the oldest key is too old", () => {
  const window = new KeyWindow({ seed: 0.5, windowMs: 100, keysMax: 10 });
  for (let i = 0; i < 9; i++) window.add(0, i, 1_000);
  expect(window.full(1_000)).toBe(false);
  window.add(0, 9, 1_050);
  expect(window.full(1_050)).toBe(true);
  expect(window.full(1_100)).toBe(true);
  expect(window.full(1_101)).toBe(false);
});

test("beyond its bound an eighth more fits, then the oldest key is forgotten", () => {
  const window = new KeyWindow({ seed: 0.5, windowMs: 100, keysMax: 16 });
  for (let i = 0; i < 18; i++) expect(window.add(0, i, 1_000 + i)).toBe(true);
  expect(window.size).toBe(18);
  expect(window.add(0, 17, 1_017)).toBe(false);
  expect(window.add(0, 1, 1_018)).toBe(false);
  // Key 0 left for the second appearance of key 17, which is one with the first; key 1 stands at the end now.
  expect(window.add(0, 0, 1_019)).toBe(true);
  expect(window.size).toBe(18);
});

test("under a load that never pauses it holds what is in the window and hardly more", () => {
  const window = new KeyWindow({ seed: 0.5, windowMs: 100, keysMax: 100_000 });
  let largest = 0;
  for (let i = 0; i < 20_000; i++) {
    window.add(1, i, 1_000 + Math.floor(i / 10));
    largest = Math.max(largest, window.size);
  }
  // Ten keys in each of 101 milliseconds.
  expect(largest).toBeLessThanOrEqual(1_020);
});

test("`each` tells what is in the window, though more is not forgotten yet", () => {
  const window = new KeyWindow({ seed: 0.5, windowMs: 100, keysMax: 100_000 });
  for (let i = 0; i < 5_000; i++) window.add(1, i, 1_000);
  window.add(2, 0, 1_050);
  window.add(2, 1, 1_101);
  expect(window.size).toBeGreaterThan(2);
  const told: number[][] = [];
  window.each(1_101, (...one) => told.push(one));
  expect(told).toEqual([
    [2, 0, 1_050],
    [2, 1, 1_101],
  ]);
});

test("a long silence empties it at once, a burst that expires is forgotten in small steps", () => {
  const window = new KeyWindow({ seed: 0.5, windowMs: 100, keysMax: 100_000 });
  for (let i = 0; i < 50_000; i++) window.add(1, i, 1_000);
  window.add(2, 0, 1_050);
  window.add(2, 1, 1_120);
  expect(window.size).toBeGreaterThan(40_000);
  expect(window.add(1, 49_999, 1_120)).toBe(true);
  window.add(3, 0, 2_000);
  expect(window.size).toBe(1);
});

test("a key stands for what its first appearance was for, as long as it is repeated", () => {
  const window = new KeyWindow({ seed: 0.5, windowMs: 100, keysMax: 1_000 });
  window.add(1, 1, 1_000, 7);
  for (const atMs of [1_000, 1_090, 1_180]) {
    expect(window.add(1, 1, atMs, 9)).toBe(false);
    expect(window.tag(1, 1, atMs)).toBe(7);
  }
  expect(window.add(1, 1, 1_281, 9)).toBe(true);
  expect(window.tag(1, 1, 1_281)).toBe(9);
});
