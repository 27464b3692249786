/** The real clock's timers; the virtual one is what most other tests run on. */
import { expect, test } from "bun:test";
import { systemClock } from "./clock.ts";

test("a timer is never early by more than half a millisecond, however long its turn is kept", async () => {
  const clock = systemClock();
  const early: number[] = [];
  for (let round = 0; round < 20; round++) {
    await Promise.all(
      Array.from({ length: 20 }, (_, i) => {
        const ms = 1 + i * 1.37;
        const dueMs = clock.now() + ms;
        return new Promise<void>((resolve) => {
          clock.after(ms, () => {
            early.push(dueMs - clock.now());
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
