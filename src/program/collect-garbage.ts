/**
 * Gives memory back when an audience has come, and when it has gone.
 *
 * A collector frees what is garbage, but hands pages back to the system only when it is told to. Once a large
 * audience has come, a quarter of what each viewer takes is left from its arrival, in heap and allocator: it
 * is collected beside the work, and the pages given back a while later. When nine in ten have left, little is
 * left to look through, and all is stopped for it at once (collect-garbage.test.ts).
 */
import type { Clock, Timer } from "../base/clock.ts";

/** What the runtime does. */
export interface Collecting {
  /** Frees what is garbage, beside the work. */
  beside(): void;
  /** Gives pages that are free back to the system. */
  giveBack(): void;
  /** Frees what is garbage and gives the pages back, at once. */
  atOnce(): void;
}

/** How often it looks, in ms. */
const everyMs = 2_500;
/** So many looks in a row find them gone first: the last have let go of what they held by then. */
const looksMin = 4;
/** Viewers from which their coming and leaving is worth it, and the share of them that may still be here. */
const viewersMin = 1_000;
const shareMax = 0.1;
/** Growth of an audience from which it is worth it again, and what it may still grow between looks. */
const growthMin = 1.25;
const settledGrowth = 1.02;

export class Collector {
  readonly #viewers: () => number;
  readonly #runtime: Collecting;
  readonly #timer: Timer;
  /** Viewers at most since memory was given back last. */
  #most = 0;
  /** Looks in a row that found them gone. */
  #looks = 0;
  /** Viewers when what their arrival left was collected, and at the last look. */
  #settled = 0;
  #before = 0;
  #givesBack = false;

  constructor(clock: Clock, viewers: () => number, runtime: Collecting) {
    this.#viewers = viewers;
    this.#runtime = runtime;
    this.#timer = clock.every(everyMs, () => this.#look());
  }

  close(): void {
    this.#timer.cancel();
  }

  #look(): void {
    const now = this.#viewers();
    if (this.#givesBack) this.#runtime.giveBack();
    this.#givesBack = this.#hasCome(now);
    if (this.#givesBack) this.#runtime.beside();
    if (this.#hasLeft(now)) this.#runtime.atOnce();
  }

  /** Whether an audience has come since the last time, and the most of it is here. */
  #hasCome(now: number): boolean {
    const comes = now > settledGrowth * this.#before;
    this.#before = now;
    this.#settled = Math.min(this.#settled, now);
    if (comes || now < viewersMin || now < growthMin * this.#settled) return false;
    this.#settled = now;
    return true;
  }

  #hasLeft(now: number): boolean {
    this.#most = Math.max(this.#most, now);
    const haveLeft = this.#most >= viewersMin && now <= this.#most * shareMax;
    this.#looks = haveLeft ? this.#looks + 1 : 0;
    if (this.#looks < looksMin) return false;
    this.#most = now;
    this.#looks = 0;
    return true;
  }
}
