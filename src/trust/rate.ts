/**
 * So many a second for each of very many: GCRA (ITU-T I.371), one number per key.
 *
 * The number is when the key's allowance is whole again. A whole allowance says nothing, so keys that were
 * quiet are forgotten without changing an answer; beyond `keysMax` the quietest are forgotten early, which
 * errs on the side of letting in. A library with a timer per key would cost more than what it limits.
 */
import { Generations } from "./generations.ts";

export class Rate {
  readonly #costMs: number;
  readonly #burstMs: number;
  readonly #wholeMs: Generations<number>;

  /** `perSecond` in the long run, `burst` at once. */
  constructor(perSecond: number, burst: number, keysMax: number) {
    this.#costMs = 1000 / perSecond;
    this.#burstMs = burst * this.#costMs;
    this.#wholeMs = new Generations(keysMax, Math.max(1_000, this.#burstMs));
  }

  /** Takes `count` from `key`'s allowance, all or nothing: 0 when taken, else the ms after which they fit. */
  take(key: string, count: number, nowMs: number): number {
    const wholeMs = Math.max(this.#wholeMs.get(key, nowMs) ?? 0, nowMs) + count * this.#costMs;
    // A tenth of one is slack for decimals of milliseconds that are not exact.
    const waitMs = wholeMs - nowMs - this.#burstMs - this.#costMs / 10;
    if (waitMs > 0) return waitMs;
    this.#wholeMs.set(key, wholeMs, nowMs);
    return 0;
  }

  /** Keys remembered now. */
  get size(): number {
    return this.#wholeMs.size;
  }
}
