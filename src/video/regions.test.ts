import { expect, test } from "bun:test";
import { VirtualClock } from "../base/clock.ts";
import { Regions } from "./regions.ts";

test("regions are counted while they are heard, and never more than a few", () => {
  const clock = new VirtualClock();
  const regions = new Regions();
  expect(regions.count(clock.elapsed())).toBe(0);
  for (const region of ["eu", "us", "eu", "eu"]) regions.hear(region, clock.elapsed());
  expect(regions.count(clock.elapsed())).toBe(2);
  clock.advance(50_000);
  regions.hear("eu", clock.elapsed());
  clock.advance(20_000);
  expect(regions.count(clock.elapsed())).toBe(1);
  for (let i = 0; i < 1_000; i++) regions.hear(`made up ${i}`, clock.elapsed());
  expect(regions.count(clock.elapsed())).toBe(64);
  clock.advance(61_000);
  regions.hear("us", clock.elapsed());
  expect(regions.count(clock.elapsed())).toBe(1);
});
