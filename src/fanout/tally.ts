/** What was written, counted beside the writes and told to the metrics now and then, as they cost much. */
import type { Metrics } from "../base/metrics.ts";
import type { Showing, Slot } from "./slot.ts";

/** Kinds of frames that the fan-out writes; each is a label of `ovation_frames_total`. */
export type FrameKind = "likes" | "comment" | "snapshot" | "reset" | "retract" | "state" | "beat";

export class Tally {
  readonly #metrics: Metrics;
  readonly #frames: Record<FrameKind, number> = {
    ...{ likes: 0, comment: 0, snapshot: 0, reset: 0, retract: 0, state: 0, beat: 0 },
  };
  #bytes = 0;
  #likes = 0;
  #skipped = 0;

  constructor(metrics: Metrics) {
    this.#metrics = metrics;
  }

  frames(kind: FrameKind, count: number): void {
    this.#frames[kind] += count;
  }

  bytes(count: number): void {
    this.#bytes += count;
  }

  /** What `slot` was showing was written to so many of its viewers. */
  shown({ bytes, entries, state, likes, writes }: Showing, slot: Slot): void {
    this.#bytes += writes * bytes.length;
    this.#frames.comment += writes * entries;
    if (!state) return;
    this.#frames.likes += writes;
    this.likes(writes * (slot.likes - likes));
  }

  /** Likes that were shown to a viewer who had not been shown them. */
  likes(count: number): void {
    this.#likes += Math.max(0, count);
  }

  /** A state that was not written, as the reader is behind. */
  skipped(): void {
    this.#skipped++;
  }

  /** Moves what was counted since the last call into the metrics. */
  tell(): void {
    const metrics = this.#metrics;
    for (const event of Object.keys(this.#frames) as FrameKind[]) {
      if (this.#frames[event] > 0) metrics.frames.inc({ event }, this.#frames[event]);
      this.#frames[event] = 0;
    }
    if (this.#bytes > 0) metrics.bytes.inc(this.#bytes);
    if (this.#likes > 0) metrics.likesDelivered.inc(this.#likes);
    if (this.#skipped > 0) metrics.skipped.inc(this.#skipped);
    this.#bytes = 0;
    this.#likes = 0;
    this.#skipped = 0;
  }
}
