/**
 * How full the log is, told before it is: numbers for the metrics, and a line in the log at the half and at
 * nine tenths of what a part of it may hold. Held by fullness.test.ts.
 */
import type { Log } from "../base/log.ts";
import type { Metrics } from "../base/metrics.ts";
import type { Holding } from "../ledger/ledger.ts";

/** Shares at which a line is written, lowest first; written again only once it was a tenth below. */
const shares = [0.5, 0.9] as const;
const backShare = 0.1;

const remedies = {
  videos:
    "close videos that are over (PUT /v1/admin/videos/ID): they leave memory, the longest unused first; or " +
    "raise --videos-max, name the videos there are (--videos), spread them over more --partitions",
  likes: "raise --likes-max",
} as const;

export class Fullness {
  readonly #metrics: Metrics;
  readonly #log: Log;
  /** By part and what it holds: how many of `shares` were told. */
  readonly #told = new Map<string, number>();

  constructor(metrics: Metrics, log: Log) {
    this.#metrics = metrics;
    this.#log = log;
  }

  /** Tells of what the parts of the log hold now. */
  look(holdings: readonly Holding[]): void {
    const m = this.#metrics;
    for (const { stream, videos, videosMax, away, forgotten, likes, likesMax } of holdings) {
      m.ledgerVideos.set({ stream }, videos);
      m.ledgerVideosLimit.set({ stream }, videosMax);
      m.ledgerForgotten.set({ stream }, forgotten);
      m.ledgerAway.set({ stream }, away);
      this.#warn(stream, "videos", videos, videosMax);
      if (likes === undefined || likesMax === undefined) continue;
      m.ledgerViewerLikes.set({ stream }, likes);
      m.ledgerViewerLikesLimit.set({ stream }, likesMax);
      this.#warn(stream, "likes", likes, likesMax);
    }
  }

  #warn(stream: string, what: keyof typeof remedies, held: number, most: number): void {
    const name = `${stream} ${what}`;
    const before = this.#told.get(name) ?? 0;
    const reached = shares.filter((share) => held >= share * most).length;
    if (reached > before) {
      const remedy = remedies[what];
      this.#log.warn("log is filling up", { stream, holds: what, held, most, remedy });
      this.#told.set(name, reached);
      return;
    }
    const left = shares.filter((share) => held >= (share - backShare) * most).length;
    if (left < before) this.#told.set(name, left);
  }
}
