/**
 * A bounded memory in two generations: what is used stays, what is not used is forgotten, and nothing needs a
 * timer or a walk.
 *
 * Everything goes into the young one. When that is full or old it becomes the old one, and the old one is
 * dropped; a hit in the old one moves to the young. So at most 2 × `max` items are held, and an item is
 * forgotten between `keepMs` and 2 × `keepMs` after it was last used, or sooner when more than `max` others
 * came.
 */
export class Generations<T> {
  readonly #max: number;
  readonly #keepMs: number;
  #young = new Map<string, T>();
  #old = new Map<string, T>();
  #bornMs = 0;

  constructor(max: number, keepMs: number) {
    this.#max = max;
    this.#keepMs = keepMs;
  }

  get size(): number {
    return this.#young.size + this.#old.size;
  }

  get(key: string, nowMs: number): T | undefined {
    if (nowMs - this.#bornMs >= this.#keepMs) this.#turn(nowMs);
    const young = this.#young.get(key);
    if (young !== undefined) return young;
    const old = this.#old.get(key);
    if (old !== undefined) {
      this.#old.delete(key);
      this.set(key, old, nowMs);
    }
    return old;
  }

  set(key: string, item: T, nowMs: number): void {
    if (this.#young.size >= this.#max && !this.#young.has(key)) this.#turn(nowMs);
    this.#young.set(key, item);
  }

  delete(key: string): void {
    this.#young.delete(key);
    this.#old.delete(key);
  }

  clear(): void {
    this.#young.clear();
    this.#old.clear();
  }

  #turn(nowMs: number): void {
    this.#old = this.#young;
    this.#young = new Map();
    this.#bornMs = nowMs;
  }
}
