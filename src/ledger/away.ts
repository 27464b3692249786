/**
 * Videos of a fold that are closed and have left memory: their ids, and the few that were read back to be
 * told of.
 *
 * Only ids stay, packed (id-set.ts); totals and timelines are where the ledger keeps them. A video that is
 * away is closed, and nothing else says so any more. One that is liked all the same, as what was under way
 * when it left still counts, is back in memory and stays closed. Held by away.test.ts.
 */
import type { VideoId } from "../core/interaction.ts";
import { limits } from "../core/limits.ts";
import type { Totals } from "../core/totals.ts";
import { IdSet } from "./id-set.ts";
import type { Timeline } from "./timeline.ts";

/** What a video that is away has come to. */
export interface Kept {
  readonly totals: Totals;
  readonly timeline: Timeline | undefined;
}

export class Away {
  /** By how much versions have jumped since the log began: those written down before lack it. */
  raised = 0;
  #ids = new IdSet();
  /** Of them, those that are in memory again. */
  readonly #back = new Set<VideoId>();
  /** Read longest ago first. */
  readonly #warm = new Map<VideoId, Kept>();

  get ids(): IdSet {
    return this.#ids;
  }

  /** Closed, and in memory again. */
  get back(): ReadonlySet<VideoId> {
    return this.#back;
  }

  /** How many are not in memory. */
  get size(): number {
    return this.#ids.size - this.#back.size;
  }

  /** Puts back what was written down. */
  restore(ids: IdSet, back: Iterable<VideoId>, raised: number): void {
    this.#ids = ids;
    this.raised = raised;
    for (const video of back) this.#back.add(video);
  }

  /** Whether `video` is not in memory, of which it is known that the fold does not hold it. */
  has(video: VideoId): boolean {
    return this.#ids.size > 0 && !this.#back.has(video) && this.#ids.has(video);
  }

  /** Those that are not in memory, in order: behind `after`, which begin with `search`. */
  *from(after: VideoId | undefined, search: string): Generator<VideoId> {
    for (const video of this.#ids.from(after, search)) if (!this.#back.has(video)) yield video;
  }

  /** It has left memory. */
  put(video: VideoId): void {
    this.#ids.add(video);
    this.#back.delete(video);
  }

  /** It is in memory again, opened or as closed as before. */
  takeBack(video: VideoId, opened: boolean): void {
    this.#warm.delete(video);
    if (!opened) this.#back.add(video);
    else if (this.#ids.delete(video)) this.#back.delete(video);
  }

  /** Has what was read of a video told for a while; the one read longest ago makes room. */
  warm(video: VideoId, kept: Kept): void {
    this.#warm.delete(video);
    this.#warm.set(video, kept);
    for (const oldest of this.#warm.keys()) {
      if (this.#warm.size <= limits.awayWarmMax) break;
      this.#warm.delete(oldest);
    }
  }

  /** What was read of it, while that is held. */
  read(video: VideoId): Kept | undefined {
    return this.#warm.get(video);
  }
}
