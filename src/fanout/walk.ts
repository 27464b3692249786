/**
 * A walk: something on its way along a list of viewers, left in the middle and resumed.
 *
 * What is due to the viewers of a video, a round over many small videos, beats, and serving those who are
 * behind are all walks: whoever steps one says how much it may do, so that no turn of the event loop grows
 * with the audience. The list is a copy: who comes later is not on it, and who leaves is let out, so that
 * nobody is skipped or served twice (walk.test.ts).
 */
import type { Elapsed } from "../base/clock.ts";

/** Does what the walk is for, for one of its list. Returns what that cost, in writes. */
export type Visit<T> = (one: T, nowMs: Elapsed) => number;

export class Walk<T> {
  readonly #list: (T | undefined)[];
  readonly #visit: Visit<T>;
  #next = 0;

  /** Takes `list` over: it must be nobody else's. */
  constructor(list: T[], visit: Visit<T>) {
    this.#list = list;
    this.#visit = visit;
  }

  /** Whether all have been visited. */
  get over(): boolean {
    return this.#next >= this.#list.length;
  }

  /** Whether `one` is on the list and has not been visited. */
  awaits(one: T): boolean {
    return this.#list.indexOf(one, this.#next) >= 0;
  }

  /** Lets `one` out: it is not visited any more. */
  without(one: T): void {
    const index = this.#list.indexOf(one, this.#next);
    if (index >= 0) this.#list[index] = undefined;
  }

  /** Visits the next ones until that has cost `budget` writes. Returns what it cost, a write more at most. */
  step(budget: number, nowMs: Elapsed): number {
    const list = this.#list;
    let used = 0;
    while (used < budget && this.#next < list.length) {
      // Counted as visited before it is: what happens to it from now on is no business of this walk.
      const one = list[this.#next++];
      if (one !== undefined) used += this.#visit(one, nowMs);
    }
    return used;
  }
}
