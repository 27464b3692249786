/**
 * How many watched when: sampled as nodes tell it, by each dispatcher for itself, in memory.
 *
 * A video has so many samples at most; when they are as many, every second one is dropped, and they are taken
 * half as often. So an hour and a month take the same room, and the month is coarser. What a dispatcher did
 * not hear, before it started or while it was away, it does not know. Held by viewer-samples.test.ts.
 */
import type { VideoId } from "../core/interaction.ts";
import { limits } from "../core/limits.ts";

interface Samples {
  everyMs: number;
  times: number[];
  counts: number[];
}

export class ViewerSamples {
  /** Heard of longest ago first. */
  readonly #videos = new Map<VideoId, Samples>();

  /** `count` watch `video` at `atMs`, in the stream's clock; asked for only if a sample is due. */
  note(video: VideoId, atMs: number, count: () => number): void {
    let samples = this.#videos.get(video);
    const lastMs = samples?.times.at(-1) ?? Number.NEGATIVE_INFINITY;
    // A clock that was set back begins again where it is now.
    if (samples && atMs >= lastMs && atMs - lastMs < samples.everyMs) return;
    samples ??= { everyMs: limits.viewerSampleMs, times: [], counts: [] };
    this.#videos.delete(video);
    this.#videos.set(video, samples);
    samples.times.push(atMs);
    samples.counts.push(count());
    if (samples.times.length >= limits.viewerSamplesMax) thin(samples);
    for (const quietest of this.#videos.keys()) {
      if (this.#videos.size <= limits.sampledVideosMax) break;
      this.#videos.delete(quietest);
    }
  }

  /** Knows nothing more of `video`. */
  forget(video: VideoId): void {
    this.#videos.delete(video);
  }

  /** How many watched at the end of each step; null where that is not known. */
  read(video: VideoId, fromMs: number, stepMs: number, points: number): (number | null)[] {
    const read = new Array<number | null>(points).fill(null);
    const samples = this.#videos.get(video);
    for (const [i, atMs] of samples?.times.entries() ?? []) {
      const at = Math.floor((atMs - fromMs) / stepMs);
      const held = Math.max(1, Math.ceil((samples?.everyMs ?? 0) / stepMs));
      // A sample stands for the time until the next one is due.
      for (let k = Math.max(0, at); k < Math.min(points, at + held); k++)
        read[k] = samples?.counts[i] ?? null;
    }
    return read;
  }
}

function thin(samples: Samples): void {
  const isKept = (_: number, i: number): boolean => i % 2 === 1;
  samples.times = samples.times.filter(isKept);
  samples.counts = samples.counts.filter(isKept);
  samples.everyMs *= 2;
}
