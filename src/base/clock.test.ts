/** The real clock's timers; the virtual one is what most other tests run on. */
import { expect, test } from "bun:test";
import { type Elapsed, later, systemClock, type UnixMs, VirtualClock } from "./clock.ts";

test("a timer is never early by more than half a millisecond, however long its turn is kept", async () => {
  const clock = systemClock();
  const early: number[] = [];
  for (let round = 0; round < 20; round++) {
    await Promise.all(
      Array.from({ length: 20 }, (_, i) => {
        const ms = 1 + i * 1.37;
        const dueAt = clock.elapsed() + ms;
        return new Promise<void>((resolve) => {
          clock.after(ms, () => {
            early.push(dueAt - clock.elapsed());
            resolve();
          });
        });
      }),
    );
  }
  expect(early).toHaveLength(400);
  expect(Math.max(...early)).toBeLessThanOrEqual(0.51);
});

test("a timer that was cancelled does not run", async () => {
  const clock = systemClock();
  let ran = 0;
  const timers = Array.from({ length: 100 }, (_, i) => clock.after(1 + i / 100, () => ran++));
  for (const timer of timers) timer.cancel();
  await new Promise<void>((resolve) => clock.after(5, resolve));
  expect(ran).toBe(0);
});

test("a wall that is set moves dates and nothing else", () => {
  const clock = new VirtualClock();
  const [date, elapsed] = [clock.date(), clock.elapsed()];
  let ran = 0;
  clock.every(1_000, () => ran++);
  for (const ms of [-3_600_000, 300_000, -60_000]) {
    clock.setWall(ms);
    clock.advance(2_000);
  }
  expect(ran).toBe(6);
  expect(clock.elapsed() - elapsed).toBe(6_000);
  expect(clock.date() - date).toBe(6_000 - 3_600_000 + 300_000 - 60_000);
});

test("the date is the wall's at once, and timers go on, whatever the wall is set to", async () => {
  const real = Date.now;
  let setMs = 0;
  Date.now = () => real() + setMs;
  try {
    const clock = systemClock();
    for (const ms of [-3_600_000, 300_000, 0]) {
      setMs = ms;
      expect(Math.abs(clock.date() - Date.now())).toBeLessThanOrEqual(2.1);
      const before = clock.elapsed();
      await new Promise<void>((resolve) => clock.after(5, resolve));
      expect(clock.elapsed()).toBeGreaterThan(before);
    }
  } finally {
    Date.now = real;
  }
});

test("the compiler keeps the two kinds of time apart", () => {
  const clock = new VirtualClock();
  const since = (at: Elapsed): number => clock.elapsed() - at;
  const shown = (at: UnixMs): number => Math.floor(at);
  expect(since(later(clock.elapsed(), -5))).toBe(5);
  // @ts-expect-error a date is not elapsed time
  since(clock.date());
  // @ts-expect-error elapsed time is no date
  shown(clock.elapsed());
  // @ts-expect-error and a plain number is neither
  since(5);
});
