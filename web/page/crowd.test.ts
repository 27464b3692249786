/** The slider's scale: logarithmic, monotone, and its own inverse. */
import { expect, test } from "bun:test";
import { fansAt, stepOf } from "./crowd.ts";

test("from nobody to the most, never backwards, and back to the same place", () => {
  expect(fansAt(0)).toBe(0);
  expect(fansAt(1)).toBe(1);
  expect(fansAt(100, 20_000)).toBe(20_000);
  let before = -1;
  for (let step = 0; step <= 100; step++) {
    const fans = fansAt(step, 20_000);
    expect(fans).toBeGreaterThanOrEqual(before);
    before = fans;
    if (fans > 100) expect(Math.abs(stepOf(fans, 20_000) - step)).toBeLessThanOrEqual(1);
  }
  expect(stepOf(0)).toBe(0);
  expect(stepOf(1_000_000)).toBe(100);
});
