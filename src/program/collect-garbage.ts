/**
 * Gives memory back when an audience has gone.
 *
 * A collector frees what is garbage, but hands pages back to the system only when it is told to stop
 * everything for it. While viewers are here that would be felt; when nine in ten have left, little is left to
 * look through, and what they held (5 KB each) is worth more (collect-garbage.test.ts).
 */
import type { Clock, Timer } from "../base/clock.ts";

/** How often it looks, in ms. */
const everyMs = 5_000;
/** It is done on the second look in a row, when the last of them have let go of what they held. */
const looksMin = 2;
/** Viewers from which their leaving is worth it, and the share of them that may still be here. */
const viewersMin = 1_000;
const shareMax = 0.1;

export class Collector {
  readonly #viewers: () => number;
  readonly #collect: () => void;
  readonly #timer: Timer;
  /** Viewers at most since memory was given back last. */
  #most = 0;
  /** Looks in a row that found them gone. */
  #looks = 0;

  /** `collect` gives back what nobody uses, at once. */
  constructor(clock: Clock, viewers: () => number, collect: () => void) {
    this.#viewers = viewers;
    this.#collect = collect;
    this.#timer = clock.every(everyMs, () => this.#look());
  }

  close(): void {
    this.#timer.cancel();
  }

  #look(): void {
    const now = this.#viewers();
    this.#most = Math.max(this.#most, now);
    const haveLeft = this.#most >= viewersMin && now <= this.#most * shareMax;
    this.#looks = haveLeft ? this.#looks + 1 : 0;
    if (this.#looks < looksMin) return;
    this.#most = now;
    this.#looks = 0;
    this.#collect();
  }
}
