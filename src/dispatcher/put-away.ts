/**
 * Which closed videos leave memory, and when: those that nobody has watched or asked for in a while, longest
 * unused first; and, when memory is nearly full of videos, whichever nobody watches.
 *
 * What leaves is still told, only later by a look at where the ledger keeps it, and is the ledger's to know
 * as closed from then on. Of several dispatchers the one that owns a video has it leave for all. Held by
 * put-away.test.ts.
 */
import { type Clock, type Elapsed, later, type Timer } from "../base/clock.ts";
import type { Log } from "../base/log.ts";
import type { VideoId } from "../core/interaction.ts";
import { limits } from "../core/limits.ts";
import { type Ledger, LedgerUnavailable } from "../ledger/ledger.ts";

export interface PutAwayParts {
  readonly ledger: Pick<Ledger, "away" | "holdings">;
  readonly clock: Clock;
  readonly log: Log;
  /** How long nobody may have watched or asked for one, in ms. */
  readonly afterMs: number;
  readonly watched: (video: VideoId) => boolean;
  readonly owns: (video: VideoId) => boolean;
}

/** How often those that may leave are looked at, in ms. */
const everyMs = 1_000;
/** Share of its bound from which on a part of the ledger is nearly full of videos. */
const fullShare = 0.9;
/** Closed ones that wait to leave, from which on they do not wait for long: each is a row of moderation. */
const manyClosed = 50_000;
/** The least they wait even then, in ms: by then no like is under way any more. */
const leastMs = limits.storeMs;

export class PutAway {
  /** Is told of each that has left memory: the ledger knows it as closed. */
  left: (video: VideoId) => void = () => {};
  readonly #parts: PutAwayParts;
  /** Closed ones in memory, and since when nobody used them, longest first. */
  readonly #closed = new Map<VideoId, Elapsed>();
  readonly #timer: Timer;
  #looking = false;
  #ended = false;

  constructor(parts: PutAwayParts) {
    this.#parts = parts;
    this.#timer = parts.clock.every(everyMs, () => void this.look());
  }

  /** `video` was closed, or is not to be put away any more. */
  turn(video: VideoId, isClosed: boolean): void {
    this.#closed.delete(video);
    if (isClosed) this.#closed.set(video, this.#parts.clock.elapsed());
  }

  /** Somebody asked for `video`. */
  used(video: VideoId): void {
    if (this.#closed.has(video)) this.turn(video, true);
  }

  /** Puts away what may leave now, limits.awayTurnMax at most; at once, when somebody found no room. */
  async look(): Promise<void> {
    const { ledger, log } = this.#parts;
    if (this.#looking || this.#ended || !ledger.away) return;
    this.#looking = true;
    try {
      for (const video of ledger.away.back()) if (!this.#closed.has(video)) this.turn(video, true);
      const due = this.#due();
      for (let at = 0; at < due.length && !this.#ended; at += limits.awayAtOnceMax) {
        await Promise.all(due.slice(at, at + limits.awayAtOnceMax).map((video) => this.#put(video)));
      }
    } catch (error) {
      if (!(error instanceof LedgerUnavailable)) throw error;
      log.debug("closed videos stay in memory for now", { reason: error.message });
    } finally {
      this.#looking = false;
    }
  }

  close(): void {
    this.#ended = true;
    this.#timer.cancel();
  }

  #due(): VideoId[] {
    const { clock, ledger, afterMs, watched, owns } = this.#parts;
    const now = clock.elapsed();
    const isFull = ledger.holdings().some(({ videos, videosMax }) => videos >= fullShare * videosMax);
    const waitMs = isFull || this.#closed.size >= manyClosed ? Math.min(leastMs, afterMs) : afterMs;
    const looked: VideoId[] = [];
    for (const [video, since] of this.#closed) {
      if (looked.length >= limits.awayTurnMax || later(since, waitMs) > now) break;
      looked.push(video);
    }
    // Those that stay come behind all others.
    return looked.filter((video) => {
      if (owns(video) && !watched(video)) return true;
      this.turn(video, true);
      return false;
    });
  }

  async #put(video: VideoId): Promise<void> {
    const { away } = this.#parts.ledger;
    if (!this.#closed.has(video)) return;
    if (!(await away?.put(video))) return void this.used(video);
    // It may have been opened meanwhile.
    if (!this.#closed.delete(video)) await away?.open(video);
    else this.left(video);
  }
}
