/**
 * Admission: what is refused although it is well-formed, because taking it would break a bound.
 *
 * A comment goes to every viewer as itself, so its rate per video is bounded here, at the door, rather than
 * dropped on the way to some viewers. Likes merge, so they are bounded only by what waits for its commit.
 */
import { type CommentDraft, type Like, type Rejection, reject, type VideoId } from "../core/interaction.ts";
import { limits } from "../core/limits.ts";
import type { Ledger } from "../ledger/ledger.ts";

/** Videos whose comment rate is remembered before old ones are swept, at least. */
const sweepAtMin = 4096;

export class Admit {
  readonly #ledger: Ledger;
  readonly #perSecond: number;
  /** GCRA: when each video's allowance is whole again, Unix ms. A full second may come as a burst. */
  readonly #wholeMs = new Map<VideoId, number>();
  #sweepAt = sweepAtMin;

  constructor(ledger: Ledger, commentsPerSecond: number) {
    this.#ledger = ledger;
    this.#perSecond = commentsPerSecond;
  }

  /** Why `like` cannot be taken while `pending` others wait, or undefined. */
  like(like: Like, pending: number): Rejection | undefined {
    if (pending >= limits.pendingMax) return reject("busy", "too many likes are waiting to be stored", 1);
    if (like.key !== undefined && this.#ledger.keysFull()) {
      return reject("busy", "too many keys are remembered", 5);
    }
    if (like.unlike) return undefined;
    if (this.#ledger.likesFull()) return reject("busy", "too many viewers' likes are held", 60);
    if (this.#ledger.videosFull() && this.#ledger.totals(like.video).version === 0) {
      return reject("busy", "too many videos have likes", 60);
    }
    return undefined;
  }

  /** Why `draft` cannot be taken, or undefined: then it has used its part of the video's allowance. */
  comment(draft: CommentDraft, pending: number, nowMs: number): Rejection | undefined {
    if (pending >= limits.pendingMax) return reject("busy", "too many comments are waiting to be stored", 1);
    const costMs = 1000 / this.#perSecond;
    const wholeMs = Math.max(this.#wholeMs.get(draft.video) ?? 0, nowMs);
    // Half a comment's worth of slack: Unix ms with decimals are not exact enough for a third of a second.
    if (wholeMs + costMs - nowMs > 1000 + costMs / 2) {
      return reject("comment-rate", `this video takes at most ${this.#perSecond} comments a second`, 1);
    }
    this.#wholeMs.set(draft.video, wholeMs + costMs);
    if (this.#wholeMs.size >= this.#sweepAt) this.#sweep(nowMs);
    return undefined;
  }

  #sweep(nowMs: number): void {
    // A whole allowance says nothing: forgetting it changes no answer. What is left is at most a second old.
    for (const [video, wholeMs] of this.#wholeMs) if (wholeMs <= nowMs) this.#wholeMs.delete(video);
    // However many are left, the next sweep is paid for by as many comments.
    this.#sweepAt = Math.max(sweepAtMin, 2 * this.#wholeMs.size);
  }
}
