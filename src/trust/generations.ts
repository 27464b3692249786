/**
 * A bounded memory in two generations: what is used stays, what is not used is forgotten, and nothing needs a
 * timer or a walk. Held by rate.test.ts.
 *
 * Everything goes into the young one. When that is full or old it becomes the old one, and the old one is
 * dropped; a hit in the old one moves to the young. So at most 2 × `max` is held, and an item is forgotten
 * between `keepMs` and 2 × `keepMs` after it was last used, or sooner when more than `max` of others came.
 */
import { type Elapsed, longAgo } from "../base/clock.ts";

export class Generations<T> {
  readonly #max: number;
  readonly #keepMs: number;
  readonly #weightOf: (item: T) => number;
  #young = new Map<string, T>();
  #old = new Map<string, T>();
  #youngWeight = 0;
  #bornAt: Elapsed = longAgo;

  /** `max` is of items, or of what `weightOf` makes of each: it must say the same of an item every time. */
  constructor(max: number, keepMs: number, weightOf: (item: T) => number = () => 1) {
    this.#max = max;
    this.#keepMs = keepMs;
    this.#weightOf = weightOf;
  }

  get size(): number {
    return this.#young.size + this.#old.size;
  }

  get(key: string, now: Elapsed): T | undefined {
    if (now - this.#bornAt >= this.#keepMs) this.#turn(now);
    const young = this.#young.get(key);
    if (young !== undefined) return young;
    const old = this.#old.get(key);
    if (old !== undefined) {
      this.#old.delete(key);
      this.set(key, old, now);
    }
    return old;
  }

  set(key: string, item: T, now: Elapsed): void {
    const before = this.#young.get(key);
    const weight = this.#weightOf(item) - (before === undefined ? 0 : this.#weightOf(before));
    if (this.#young.size > 0 && this.#youngWeight + weight > this.#max) {
      this.#turn(now);
      this.#youngWeight = this.#weightOf(item);
    } else this.#youngWeight += weight;
    this.#young.set(key, item);
  }

  delete(key: string): void {
    const young = this.#young.get(key);
    if (young !== undefined) this.#youngWeight -= this.#weightOf(young);
    this.#young.delete(key);
    this.#old.delete(key);
  }

  clear(): void {
    this.#young.clear();
    this.#old.clear();
    this.#youngWeight = 0;
  }

  #turn(now: Elapsed): void {
    this.#old = this.#young;
    this.#young = new Map();
    this.#youngWeight = 0;
    this.#bornAt = now;
  }
}
