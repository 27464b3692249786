/**
 * Admission: what is refused although it is well-formed, because taking it would break a bound.
 *
 * A comment goes to every viewer as itself, so its rate per video is bounded here, at the door, rather than
 * dropped on the way to some viewers. Likes merge, so they are bounded only by what waits for its commit, and
 * by what their lane of the log has room for.
 */
import type { Elapsed } from "../base/clock.ts";
import { type CommentDraft, type Like, type Rejection, reject } from "../core/interaction.ts";
import { limits } from "../core/limits.ts";
import type { Ledger, Space } from "../ledger/ledger.ts";
import { Rate } from "../trust/rate.ts";

/** Videos whose comment rate is remembered, in each of two generations. Beyond: see rate.ts. */
const videosMax = 100_000;

const shortages: Readonly<Record<Exclude<Space, "room" | "counted">, Rejection>> = {
  other: reject("key-used", "this key was used for another like: it would not be counted"),
  keys: reject("busy", "too many keys are remembered", 5),
  viewers: reject("busy", "too many viewers' likes are held", 60),
  videos: reject("busy", "too many videos have likes", 5),
};

/** Of a video that moderation has left to the ledger. */
const closed = reject("closed", "this video is closed");

export class Admit {
  /** Is told when a like found no room for its video. */
  full: () => void = () => {};
  readonly #ledger: Ledger;
  readonly #perSecond: number;
  /** By video. A full second may come as a burst. */
  readonly #comments: Rate;

  constructor(ledger: Ledger, commentsPerSecond: number) {
    this.#ledger = ledger;
    this.#perSecond = commentsPerSecond;
    this.#comments = new Rate(commentsPerSecond, commentsPerSecond, videosMax);
  }

  /**
   * Why `like` cannot be taken while `pending` others wait in its lane; undefined when it can; "counted" when
   * it is a repeat that needs no taking, as what it repeats is in the log.
   */
  like(like: Like, pending: number): Rejection | "counted" | undefined {
    if (pending >= limits.pendingMax) return reject("busy", "too many likes are waiting to be stored", 1);
    if (this.#ledger.away?.isClosed(like.video)) return closed;
    const room = this.#ledger.room(like);
    if (room === "room") return undefined;
    if (room === "videos") this.full();
    return room === "counted" ? room : shortages[room];
  }

  /** Why `draft` cannot be taken, or undefined: then it has used its part of the video's allowance. */
  comment(draft: CommentDraft, pending: number, now: Elapsed): Rejection | undefined {
    if (pending >= limits.pendingMax) return reject("busy", "too many comments are waiting to be stored", 1);
    if (this.#ledger.away?.isClosed(draft.video)) return closed;
    if (this.#comments.take(draft.video, 1, now) === 0) return undefined;
    return reject("comment-rate", `this video takes at most ${this.#perSecond} comments a second`, 1);
  }
}
