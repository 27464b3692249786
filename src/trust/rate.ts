/**
 * So many a second for each of very many: GCRA (ITU-T I.371), one number per key. Held by rate.test.ts.
 *
 * The number is when the key's allowance is whole again. A whole allowance says nothing, so keys that were
 * quiet are forgotten without changing an answer; beyond `keysMax` the quietest are forgotten early, which
 * errs on the side of letting in. A library with a timer per key would cost more than what it limits.
 */
import { type Elapsed, later } from "../base/clock.ts";
import { Generations } from "./generations.ts";

export class Rate {
  readonly #costMs: number;
  readonly #burstMs: number;
  readonly #wholeAt: Generations<Elapsed>;

  /** `perSecond` in the long run, `burst` at once. */
  constructor(perSecond: number, burst: number, keysMax: number) {
    this.#costMs = 1000 / perSecond;
    this.#burstMs = burst * this.#costMs;
    this.#wholeAt = new Generations(keysMax, Math.max(1_000, this.#burstMs));
  }

  /** Takes `count` from `key`'s allowance, all or nothing: 0 when taken, else the ms after which they fit. */
  take(key: string, count: number, now: Elapsed): number {
    const after = this.#after(key, count, now);
    const waitMs = this.#lateBy(after, now);
    if (waitMs === 0) this.#wholeAt.set(key, after, now);
    return waitMs;
  }

  /** The ms after which `count` fit into `key`'s allowance; 0: they do now. */
  wait(key: string, count: number, now: Elapsed): number {
    return this.#lateBy(this.#after(key, count, now), now);
  }

  /** Takes `count` out of `key`'s allowance, whether or not they fit. */
  spend(key: string, count: number, now: Elapsed): void {
    this.#wholeAt.set(key, this.#after(key, count, now), now);
  }

  /** Keys remembered now. */
  get size(): number {
    return this.#wholeAt.size;
  }

  #lateBy(after: Elapsed, now: Elapsed): number {
    // A tenth of one is slack for decimals of milliseconds that are not exact.
    return Math.max(0, after - now - this.#burstMs - this.#costMs / 10);
  }

  /** When `key`'s allowance is whole again, if `count` are taken at `now`. */
  #after(key: string, count: number, now: Elapsed): Elapsed {
    const wholeAt = this.#wholeAt.get(key, now);
    return later(wholeAt !== undefined && wholeAt > now ? wholeAt : now, count * this.#costMs);
  }
}
