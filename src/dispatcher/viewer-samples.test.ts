import { expect, test } from "bun:test";
import type { VideoId } from "../core/interaction.ts";
import { limits } from "../core/limits.ts";
import { ViewerSamples } from "./viewer-samples.ts";

const v = "v" as VideoId;
const every = limits.viewerSampleMs;

test("viewers are counted once in a while, however often they are heard of", () => {
  const samples = new ViewerSamples();
  let counted = 0;
  for (let ms = 0; ms < 10 * every; ms += 500) {
    samples.note(v, ms, () => ++counted);
  }
  expect(counted).toBe(10);
  expect(samples.read(v, 0, every, 11)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, null]);
  expect(samples.read(v, 2 * every, every / 2, 4)).toEqual([3, 3, 4, 4]);
  expect(samples.read("w" as VideoId, 0, every, 2)).toEqual([null, null]);
});

test("of a week they take no more room than of an hour", () => {
  const samples = new ViewerSamples();
  const hours = 24 * 7;
  for (let ms = 0; ms < hours * 3_600_000; ms += every) samples.note(v, ms, () => Math.floor(ms / 3_600_000));
  const hourly = samples.read(v, 0, 3_600_000, hours);
  expect(hourly).toHaveLength(hours);
  // By the half hour or so: each hour is known, and told as it was or as the one before.
  for (const [hour, count] of hourly.entries()) expect(Math.abs((count ?? -9) - hour)).toBeLessThanOrEqual(1);
});

test("of more videos than it may hold the quietest is forgotten", () => {
  const samples = new ViewerSamples();
  const videos = Array.from({ length: limits.sampledVideosMax + 1 }, (_, i) => `v${i}` as VideoId);
  for (const video of videos) samples.note(video, 0, () => 1);
  expect(samples.read(videos[0] as VideoId, 0, 1_000, 1)).toEqual([null]);
  expect(samples.read(videos[1] as VideoId, 0, 1_000, 1)).toEqual([1]);
});

test("a clock that is set back begins again where it is", () => {
  const samples = new ViewerSamples();
  samples.note(v, 1e12, () => 7);
  samples.note(v, 5_000, () => 8);
  expect(samples.read(v, 0, 10_000, 1)).toEqual([8]);
});
