/**
 * An open-loop schedule: when things are due is drawn beforehand and never waits for answers, so a slow
 * server meets the same load as a fast one (no coordinated omission).
 *
 * `poisson` draws the moments as a crowd of strangers makes them, `even` spaces exactly. Both have exactly
 * rate × duration of them, so that two runs compare: a Poisson process of which the count is known is that
 * many moments drawn evenly from the time (order statistics, drawn here one after the other).
 */
import type { Prng } from "../base/prng.ts";

export type Arrivals = "poisson" | "even";

export class Schedule {
  readonly #prng: Prng;
  readonly #arrivals: Arrivals;
  readonly #gapMs: number;
  readonly #untilMs: number;
  #left: number;
  /** When the next one is due; Infinity once the schedule is over. */
  nextMs: number;

  /** From `startMs` for `durationMs`, `perSecond` on average; a rate of 0 is an empty schedule. */
  constructor(perSecond: number, startMs: number, durationMs: number, arrivals: Arrivals, prng: Prng) {
    this.#prng = prng;
    this.#arrivals = arrivals;
    this.#gapMs = 1000 / perSecond;
    this.#untilMs = startMs + durationMs;
    this.#left = Math.round((perSecond * durationMs) / 1000);
    this.nextMs = arrivals === "even" ? startMs - this.#gapMs / 2 : startMs;
    this.#advance();
  }

  /** Takes what is due by `nowMs`: its due time, or undefined when nothing is. */
  take(nowMs: number): number | undefined {
    if (this.nextMs > nowMs) return undefined;
    const dueMs = this.nextMs;
    this.#advance();
    return dueMs;
  }

  #advance(): void {
    if (this.#left === 0) {
      this.nextMs = Number.POSITIVE_INFINITY;
      return;
    }
    // Of k moments still to come, the earliest lies this share of the remaining time ahead.
    const share = 1 - (1 - this.#prng.next()) ** (1 / this.#left);
    this.nextMs += this.#arrivals === "even" ? this.#gapMs : (this.#untilMs - this.nextMs) * share;
    this.#left--;
  }
}
