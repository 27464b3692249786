/**
 * Idle videos: which totals a full fold may forget, and in what order.
 *
 * Anybody can make up ids, and a like of each is one more video to hold. So from the moment on at which a
 * fold holds half of the videos it may hold, it notes when each video with few likes was last changed, and
 * forgets those that have been so for long, oldest first, as long as it holds more than that half. Nothing
 * of this looks at a clock: what is forgotten, and when, follows from the records and their log times alone,
 * so it is the same on every node and after every restart (idle.test.ts).
 *
 * A video that comes back begins behind the highest version that was ever forgotten: whoever still holds its
 * totals of before takes the new ones for newer. Not here: totals.
 */
import { hash32 } from "../core/hash.ts";
import type { VideoId } from "../core/interaction.ts";

/** Least time between two changes as noted here, in ms of log time: their order is in their times. */
const stepMs = 2 ** -10;
/** Videos that were there before anything was noted are ordered in so many parts: none is long to sort. */
const partCount = 4096;

/** What is written down besides the videos. */
export interface IdleMark {
  /** Log time from which on changes are noted. */
  readonly beganMs: number;
  /** The latest change. */
  readonly lastMs: number;
  /** The highest version that was forgotten. */
  readonly floor: number;
}

export class Idle {
  /** When videos with few likes were last changed, in that order; undefined while nothing is noted. */
  #changed: Map<VideoId, number> | undefined;
  #beganMs = 0;
  #lastMs = 0;
  #floor = 0;

  /** Whether changes are noted. */
  get begun(): boolean {
    return this.#changed !== undefined;
  }

  /** Log time at which that began; 0 before. */
  get beganMs(): number {
    return this.#beganMs;
  }

  /** The latest time noted. */
  get lastMs(): number {
    return this.#lastMs;
  }

  /** The highest version that was forgotten. */
  get floor(): number {
    return this.#floor;
  }

  /**
   * Begins to note changes at `logMs`: `few` are the videos with few likes, which all count as changed now.
   * In one turn, once in the life of a log: some 0.2 s for half a million.
   */
  begin(few: Iterable<VideoId>, logMs: number): void {
    const parts = Array.from({ length: partCount }, (): VideoId[] => []);
    for (const video of few) (parts[hash32(video) % partCount] as VideoId[]).push(video);
    const changed = new Map<VideoId, number>();
    for (const part of parts) for (const video of part.sort()) changed.set(video, logMs);
    this.#changed = changed;
    this.#beganMs = logMs;
    this.#lastMs = Math.max(this.#lastMs, logMs);
  }

  /** Goes on from what was written down: `later` are changes after the beginning, in their order. */
  resume(from: IdleMark, few: Iterable<VideoId>, later: Iterable<readonly [VideoId, number]>): void {
    this.begin(few, from.beganMs);
    this.#lastMs = Math.max(this.#lastMs, from.lastMs);
    this.#floor = from.floor;
    for (const [video, ms] of later) this.#changed?.set(video, ms);
  }

  /** When `video` was last changed, if it has few likes and was changed since the beginning. */
  changedMs(video: VideoId): number | undefined {
    const ms = this.#changed?.get(video);
    return ms === this.#beganMs ? undefined : ms;
  }

  /** All that was noted, in its order. */
  entries(): Iterable<readonly [VideoId, number]> {
    return this.#changed ?? [];
  }

  /** `video` was changed at `logMs`, and has few likes or more. */
  note(video: VideoId, few: boolean, logMs: number): void {
    const changed = this.#changed;
    if (!changed) return;
    changed.delete(video);
    if (!few) return;
    this.#lastMs = Math.max(logMs, this.#lastMs + stepMs);
    changed.set(video, this.#lastMs);
  }

  /** Whether the video longest without a change was changed before `beforeMs`. */
  due(beforeMs: number): boolean {
    for (const ms of this.#changed?.values() ?? []) return ms < beforeMs;
    return false;
  }

  /** Takes out at most `most` videos that were changed before `beforeMs`, oldest first. */
  *take(beforeMs: number, most: number): Iterable<VideoId> {
    let left = most;
    for (const [video, ms] of this.#changed ?? []) {
      if (ms >= beforeMs || left-- <= 0) return;
      this.#changed?.delete(video);
      yield video;
    }
  }

  /** Totals of `version` were forgotten. */
  forgot(version: number): void {
    this.#floor = Math.max(this.#floor, version);
  }
}
