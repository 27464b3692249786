/**
 * Admission: what is refused although it is well-formed, because taking it would break a bound.
 *
 * A comment goes to every viewer as itself, so its rate per video is bounded here, at the door, rather than
 * dropped on the way to some viewers. Likes merge, so they are bounded only by what waits for its commit, and
 * by what their lane of the log has room for.
 */
import { type Elapsed, later, longAgo } from "../base/clock.ts";
import { type CommentDraft, type Like, type Rejection, reject, type VideoId } from "../core/interaction.ts";
import { limits } from "../core/limits.ts";
import type { Ledger, Space } from "../ledger/ledger.ts";

/** Videos whose comment rate is remembered before old ones are swept, at least. */
const sweepAtMin = 4096;

const shortages: Readonly<Record<Exclude<Space, "room" | "counted">, Rejection>> = {
  keys: reject("busy", "too many keys are remembered", 5),
  viewers: reject("busy", "too many viewers' likes are held", 60),
  videos: reject("busy", "too many videos have likes", 60),
};

export class Admit {
  readonly #ledger: Ledger;
  readonly #perSecond: number;
  /** GCRA: when each video's allowance is whole again. A full second may come as a burst. */
  readonly #whole = new Map<VideoId, Elapsed>();
  #sweepAt = sweepAtMin;

  constructor(ledger: Ledger, commentsPerSecond: number) {
    this.#ledger = ledger;
    this.#perSecond = commentsPerSecond;
  }

  /**
   * Why `like` cannot be taken while `pending` others wait in its lane; undefined when it can; "counted" when
   * it is a repeat that needs no taking, as what it repeats is in the log.
   */
  like(like: Like, pending: number): Rejection | "counted" | undefined {
    if (pending >= limits.pendingMax) return reject("busy", "too many likes are waiting to be stored", 1);
    const room = this.#ledger.room(like);
    if (room === "room") return undefined;
    return room === "counted" ? room : shortages[room];
  }

  /** Why `draft` cannot be taken, or undefined: then it has used its part of the video's allowance. */
  comment(draft: CommentDraft, pending: number, now: Elapsed): Rejection | undefined {
    if (pending >= limits.pendingMax) return reject("busy", "too many comments are waiting to be stored", 1);
    const costMs = 1000 / this.#perSecond;
    const held = this.#whole.get(draft.video) ?? longAgo;
    const whole = held > now ? held : now;
    // Half a comment's worth of slack: milliseconds with decimals are not exact enough for a third of one.
    if (whole + costMs - now > 1000 + costMs / 2) {
      return reject("comment-rate", `this video takes at most ${this.#perSecond} comments a second`, 1);
    }
    this.#whole.set(draft.video, later(whole, costMs));
    if (this.#whole.size >= this.#sweepAt) this.#sweep(now);
    return undefined;
  }

  #sweep(now: Elapsed): void {
    // A whole allowance says nothing: forgetting it changes no answer. What is left is at most a second old.
    for (const [video, whole] of this.#whole) if (whole <= now) this.#whole.delete(video);
    // However many are left, the next sweep is paid for by as many comments.
    this.#sweepAt = Math.max(sweepAtMin, 2 * this.#whole.size);
  }
}
