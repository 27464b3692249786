/**
 * A set of 64-bit hashes: who likes what, where each viewer likes once.
 *
 * The key window (keys.ts) forgets by age and so needs an order; this forgets only when told, so a table
 * alone is enough. No object per member: 8 bytes a slot, about 16 a member. The table is made of parts that
 * grow one by one, so nothing is ever copied whole. A free slot is two zeros, and the one hash that is two
 * zeros is taken for its neighbour.
 */

const partShift = 24;
const partCount = 1 << (32 - partShift);
const slotsMin = 8;
/** A part grows when this many 1024ths of it are taken, and one more for each part before it: in turns. */
const loadMin = 600;

export class Members {
  /** From so many on it is full. */
  readonly max: number;
  readonly #seedHi: number;
  readonly #seedLo: number;
  /** Two words a slot: hi, lo. */
  readonly #parts = Array.from({ length: partCount }, () => new Uint32Array(2 * slotsMin));
  readonly #counts = new Array<number>(partCount).fill(0);
  #size = 0;

  /**
   * Full from `max` members on; it still takes what was under way then. `seed`, in [0, 1): a secret of this
   * process, so that nobody can choose members that crowd one part of the table.
   */
  constructor(max: number, seed: number) {
    this.max = max;
    this.#seedHi = Math.floor(seed * 0x1_0000_0000) | 0;
    this.#seedLo = Math.imul(this.#seedHi ^ 0x2545f491, 0x9e3779b1);
  }

  get size(): number {
    return this.#size;
  }

  get full(): boolean {
    return this.#size >= this.max;
  }

  has(hi: number, lo: number): boolean {
    const low = named(hi, lo);
    const mix = this.#mix(hi, low);
    const table = this.#parts[mix >>> partShift] as Uint32Array;
    return !isFree(table, find(table, mix, hi, low));
  }

  /** Puts a member in; false when it was in. */
  add(hi: number, lo: number): boolean {
    const low = named(hi, lo);
    const mix = this.#mix(hi, low);
    const part = mix >>> partShift;
    const table = this.#parts[part] as Uint32Array;
    const at = find(table, mix, hi, low);
    if (!isFree(table, at)) return false;
    table[at] = hi;
    table[at + 1] = low;
    this.#size++;
    const count = (this.#counts[part] as number) + 1;
    this.#counts[part] = count;
    if (count * 2048 > table.length * (loadMin + part)) this.#resize(part, table.length * 2);
    return true;
  }

  /** Takes a member out; false when it was not in. */
  remove(hi: number, lo: number): boolean {
    const low = named(hi, lo);
    const mix = this.#mix(hi, low);
    const part = mix >>> partShift;
    const table = this.#parts[part] as Uint32Array;
    const at = find(table, mix, hi, low);
    if (isFree(table, at)) return false;
    this.#free(table, at);
    this.#size--;
    const count = (this.#counts[part] as number) - 1;
    this.#counts[part] = count;
    if (table.length > 2 * slotsMin && count * 16 < table.length) this.#resize(part, table.length / 2);
    return true;
  }

  /** Every member, in no order that means anything; none may be put in or taken out meanwhile. */
  each(visit: (hi: number, lo: number) => void): void {
    for (const table of this.#parts) {
      for (let at = 0; at < table.length; at += 2) {
        if (!isFree(table, at)) visit(table[at] as number, table[at + 1] as number);
      }
    }
  }

  #mix(hi: number, lo: number): number {
    let mix = Math.imul(lo ^ this.#seedLo, 0x9e3779b1) ^ Math.imul(hi ^ this.#seedHi, 0x85ebca77);
    mix = Math.imul(mix ^ (mix >>> 15), 0x2c1b3c6d);
    return (mix ^ (mix >>> 13)) >>> 0;
  }

  /**
   * Linear probing without tombstones: what stands behind the hole moves up if its own place is not passed.
   */
  #free(table: Uint32Array, at: number): void {
    const mask = table.length - 1;
    let hole = at;
    for (let next = (hole + 2) & mask; !isFree(table, next); next = (next + 2) & mask) {
      const home = (2 * this.#mix(table[next] as number, table[next + 1] as number)) & mask;
      if (((next - home) & mask) < ((next - hole) & mask)) continue;
      table[hole] = table[next] as number;
      table[hole + 1] = table[next + 1] as number;
      hole = next;
    }
    table[hole] = 0;
    table[hole + 1] = 0;
  }

  #resize(part: number, words: number): void {
    const before = this.#parts[part] as Uint32Array;
    const resized = new Uint32Array(words);
    for (let at = 0; at < before.length; at += 2) {
      if (isFree(before, at)) continue;
      const [hi, lo] = [before[at] as number, before[at + 1] as number];
      const place = find(resized, this.#mix(hi, lo), hi, lo);
      resized[place] = hi;
      resized[place + 1] = lo;
    }
    this.#parts[part] = resized;
  }
}

/** The low half under which a hash is held. */
function named(hi: number, lo: number): number {
  return hi === 0 && lo === 0 ? 1 : lo;
}

function isFree(table: Uint32Array, at: number): boolean {
  return table[at] === 0 && table[at + 1] === 0;
}

/** Where a member stands in `table`, or the free slot where it would. */
function find(table: Uint32Array, mix: number, hi: number, lo: number): number {
  const mask = table.length - 1;
  let at = (2 * mix) & mask;
  while (!(table[at] === hi && table[at + 1] === lo) && !isFree(table, at)) at = (at + 2) & mask;
  return at;
}
