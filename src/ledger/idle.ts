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
  /** All videos that are held, and whether one is and has few likes. */
  readonly #videos: ReadonlyMap<VideoId, unknown>;
  readonly #isFew: (video: VideoId) => boolean;
  /** When videos with few likes were last changed, in that order; undefined while nothing is noted. */
  #changed: Map<VideoId, number> | undefined;
  /** Videos that were there when that began, in parts, next one last; undefined until one of them is due. */
  #early: VideoId[][] | undefined;
  #beganMs = 0;
  #lastMs = 0;
  #floor = 0;

  constructor(videos: ReadonlyMap<VideoId, unknown>, isFew: (video: VideoId) => boolean) {
    this.#videos = videos;
    this.#isFew = isFew;
  }

  /** Whether changes are noted. */
  get begun(): boolean {
    return this.#changed !== undefined;
  }

  /** The highest version that was forgotten. */
  get floor(): number {
    return this.#floor;
  }

  /** What is to be written down besides the videos. */
  get mark(): IdleMark {
    return { beganMs: this.#beganMs, lastMs: this.#lastMs, floor: this.#floor };
  }

  /** Begins to note changes at `logMs`: all videos that are there count as changed now. */
  begin(logMs: number): void {
    this.#changed = new Map();
    this.#beganMs = logMs;
    this.#lastMs = Math.max(this.#lastMs, logMs);
  }

  /** Goes on from what was written down: `later` are changes after the beginning, in their order. */
  resume({ beganMs, lastMs, floor }: IdleMark, later: Iterable<readonly [VideoId, number]>): void {
    this.begin(beganMs);
    this.#lastMs = lastMs;
    this.#floor = floor;
    for (const [video, ms] of later) this.#changed?.set(video, ms);
  }

  /** When `video` was last changed, if it has few likes and was changed since the beginning. */
  changedMs(video: VideoId): number | undefined {
    return this.#changed?.get(video);
  }

  /** Videos with few likes that were changed since the beginning, and when, in that order. */
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

  /** Whether there is a video with few likes that was last changed before `beforeMs`. */
  due(beforeMs: number): boolean {
    if (this.#nextEarly(beforeMs) !== undefined) return true;
    for (const ms of this.#changed?.values() ?? []) return ms < beforeMs;
    return false;
  }

  /** Takes out at most `most` of those, oldest first. */
  *take(beforeMs: number, most: number): Iterable<VideoId> {
    let left = most;
    for (; left > 0; left--) {
      const video = this.#nextEarly(beforeMs);
      if (video === undefined) break;
      this.#early?.at(-1)?.pop();
      yield video;
    }
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

  /** Of those that were there in the beginning, and not changed since, the next one; it stays. */
  #nextEarly(beforeMs: number): VideoId | undefined {
    if (!this.#changed || this.#beganMs >= beforeMs) return undefined;
    this.#early ??= this.#inParts();
    for (let part = this.#early.at(-1); part; part = this.#early.at(-1)) {
      for (let video = part.at(-1); video !== undefined; video = part.at(-1)) {
        if (this.#isFew(video) && !this.#changed.has(video)) return video;
        part.pop();
      }
      this.#early.pop();
      this.#early.at(-1)?.sort();
    }
    return undefined;
  }

  /** In one turn, once in the life of a log and after a start: some 0.1 s for half a million. */
  #inParts(): VideoId[][] {
    const parts = Array.from({ length: partCount }, (): VideoId[] => []);
    for (const video of this.#videos.keys()) {
      if (!this.#changed?.has(video)) parts[hash32(video) % partCount]?.push(video);
    }
    parts.at(-1)?.sort();
    return parts;
  }
}
