/**
 * Farewell: ending many streams, a bit of them a turn, each in its own way and in an order that is nobody's.
 *
 * A stream that is ended takes with it what it held; ten thousand at once would keep the loop for as long as
 * a walk over as many viewers, and longer (farewell.test.ts).
 */
import type { Clock } from "../base/clock.ts";
import type { Prng } from "../base/prng.ts";
import { Sweep } from "../base/sweep.ts";

/** Streams ended on one turn. */
const turnMax = 128;
/** How often some are ended while a farewell is spread over time, in ms. */
const stepMs = 50;

export class Farewell<T> {
  readonly #clock: Clock;
  readonly #prng: Prng;
  readonly #sweep: Sweep<T>;

  /** `end` ends one stream. */
  constructor(clock: Clock, prng: Prng, end: (one: T) => void) {
    this.#clock = clock;
    this.#prng = prng;
    const act = (one: T): boolean => {
      end(one);
      return true;
    };
    this.#sweep = new Sweep({ clock, turnMax, act });
  }

  /** Ends all of them, spread evenly over `overMs`. Resolves when that is done. */
  async all(leaving: T[], overMs: number): Promise<void> {
    const prng = this.#prng;
    for (let i = leaving.length - 1; i > 0; i--) {
      const j = prng.between(0, i);
      [leaving[i], leaving[j]] = [leaving[j] as T, leaving[i] as T];
    }
    const steps = Math.max(1, Math.min(leaving.length, Math.floor(overMs / stepMs)));
    for (let step = 0; step < steps; step++) {
      const from = Math.floor((leaving.length * step) / steps);
      const to = Math.floor((leaving.length * (step + 1)) / steps);
      this.#sweep.start(leaving.slice(from, to));
      if (step + 1 < steps) await new Promise<void>((resolve) => this.#clock.after(overMs / steps, resolve));
    }
    await this.#sweep.idle();
  }
}
