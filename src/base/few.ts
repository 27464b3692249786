/** A list of nothing, one for all who hold nothing yet: what comes is put there by `added` only. */
export const none: never[] = [];

/**
 * A map of few pairs, nearly always one, of which there are as many as there are videos: an array of keys and
 * values in turn, looked through from the front. A `Map` is 400 bytes for its first pair. few.test.ts holds
 * that it answers as a Map.
 */
export class Few<K, V> {
  #pairs: (K | V)[] = none;

  get size(): number {
    return this.#pairs.length / 2;
  }

  get(key: K): V | undefined {
    const at = this.#at(key);
    return at < 0 ? undefined : (this.#pairs[at + 1] as V);
  }

  has(key: K): boolean {
    return this.#at(key) >= 0;
  }

  set(key: K, value: V): void {
    const at = this.#at(key);
    if (at >= 0) this.#pairs[at + 1] = value;
    else if (this.#pairs.length === 0) this.#pairs = [key, value];
    else this.#pairs.push(key, value);
  }

  /** Of the pair at `index`, counted in the order in which keys were set first: without an iterator. */
  keyAt(index: number): K {
    return this.#pairs[2 * index] as K;
  }

  valueAt(index: number): V {
    return this.#pairs[2 * index + 1] as V;
  }

  /** False when it was not there. */
  delete(key: K): boolean {
    const at = this.#at(key);
    if (at < 0) return false;
    this.#pairs = this.#pairs.toSpliced(at, 2);
    return true;
  }

  clear(): void {
    this.#pairs = none;
  }

  /** In the order in which keys were set first; what is set or deleted meanwhile is not seen. */
  *[Symbol.iterator](): IterableIterator<[K, V]> {
    const pairs = this.#pairs;
    const { length } = pairs;
    for (let at = 0; at < length; at += 2) yield [pairs[at] as K, pairs[at + 1] as V];
  }

  *keys(): IterableIterator<K> {
    for (const [key] of this) yield key;
  }

  *values(): IterableIterator<V> {
    for (const [, value] of this) yield value;
  }

  #at(key: K): number {
    for (let at = 0; at < this.#pairs.length; at += 2) if (this.#pairs[at] === key) return at;
    return -1;
  }
}

/** `list` with `one` behind it: the same list, or a new one in place of `none`. */
export function added<T>(list: T[], one: T): T[] {
  if (list.length === 0) return [one];
  list.push(one);
  return list;
}
