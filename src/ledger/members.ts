/**
 * A set of 64-bit hashes: who likes what, where each viewer likes once.
 *
 * The key window (keys.ts) forgets by age and so needs an order; this forgets only when told, so a table
 * alone is enough. No object per member: 12 bytes a slot, about 24 a member. The table is made of parts that
 * grow one by one, so nothing is ever copied whole. A free slot is two zeros, and the one hash that is two
 * zeros is taken for its neighbour.
 *
 * Each member has an owner, the number of its video (owners.ts). One whose owner was retired is in for
 * nobody, and is swept out part by part.
 */
import { nobody } from "./owners.ts";

const partShift = 24;
const partCount = 1 << (32 - partShift);
const slotsMin = 8;
/** Words a slot: hi, lo, owner. */
const slotWords = 3;
/** A part grows when this many 1024ths of it are taken, and one more for each part before it: in turns. */
const loadMin = 600;

export class Members {
  /** From so many on it is full. */
  readonly max: number;
  readonly #seedHi: number;
  readonly #seedLo: number;
  /** Owners up to this number own what carries none. */
  legacy = 0;
  readonly #parts = Array.from({ length: partCount }, () => new Uint32Array(slotWords * slotsMin));
  readonly #retired = new Set<number>();
  /** The part that is swept next, and how many are left to be. */
  #sweepAt = 0;
  #sweepLeft = 0;
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

  /** Whether it is in as one of `owner`. */
  has(hi: number, lo: number, owner: number = nobody): boolean {
    const held = this.ownerOf(hi, lo);
    return held !== undefined && this.#owns(owner, held);
  }

  /** Whose it is; undefined when it is in for nobody. */
  ownerOf(hi: number, lo: number): number | undefined {
    const low = named(hi, lo);
    const mix = this.#mix(hi, low);
    const table = this.#parts[mix >>> partShift] as Uint32Array;
    const at = find(table, mix, hi, low);
    const owner = table[at + 2] as number;
    return isFree(table, at) || this.#retired.has(owner) ? undefined : owner;
  }

  /** What `owner` had is in for nobody from now on, and waits to be swept out. */
  retire(owner: number): void {
    this.#retired.add(owner);
    this.#sweepLeft = partCount;
  }

  /** Whether some are in for nobody. */
  get stale(): boolean {
    return this.#sweepLeft > 0;
  }

  /** Takes out what is in for nobody, of one part. */
  sweep(): void {
    if (this.#sweepLeft === 0) return;
    const table = this.#parts[this.#sweepAt] as Uint32Array;
    const gone: number[] = [];
    for (let at = 0; at < table.length; at += slotWords) {
      if (!isFree(table, at) && this.#retired.has(table[at + 2] as number)) {
        gone.push(table[at] as number, table[at + 1] as number);
      }
    }
    for (let i = 0; i < gone.length; i += 2) this.remove(gone[i] as number, gone[i + 1] as number);
    this.#sweepAt = (this.#sweepAt + 1) % partCount;
    if (--this.#sweepLeft === 0) this.#retired.clear();
  }

  #owns(owner: number, held: number): boolean {
    return held === owner || (held === nobody && owner <= this.legacy);
  }

  /** Puts in a member of `owner`; false when it was in as such. */
  add(hi: number, lo: number, owner: number = nobody): boolean {
    const low = named(hi, lo);
    const mix = this.#mix(hi, low);
    const part = mix >>> partShift;
    const table = this.#parts[part] as Uint32Array;
    const at = find(table, mix, hi, low);
    if (!isFree(table, at)) {
      if (this.#owns(owner, table[at + 2] as number)) return false;
      table[at + 2] = owner;
      return true;
    }
    table[at] = hi;
    table[at + 1] = low;
    table[at + 2] = owner;
    this.#size++;
    const count = (this.#counts[part] as number) + 1;
    this.#counts[part] = count;
    if (count * slotWords * 1024 > table.length * (loadMin + part)) this.#resize(part, table.length * 2);
    return true;
  }

  /** Takes a member of `owner` out, or of whomever; false when it was not in as such. */
  remove(hi: number, lo: number, owner?: number): boolean {
    const low = named(hi, lo);
    const mix = this.#mix(hi, low);
    const part = mix >>> partShift;
    const table = this.#parts[part] as Uint32Array;
    const at = find(table, mix, hi, low);
    if (isFree(table, at)) return false;
    if (owner !== undefined && !this.#owns(owner, table[at + 2] as number)) return false;
    this.#free(table, at);
    this.#size--;
    const count = (this.#counts[part] as number) - 1;
    this.#counts[part] = count;
    if (table.length > slotWords * slotsMin && count * slotWords * 8 < table.length)
      this.#resize(part, table.length / 2);
    return true;
  }

  /** Every member, in no order that means anything; none may be put in or taken out meanwhile. */
  each(visit: (hi: number, lo: number, owner: number) => void): void {
    for (const table of this.#parts) {
      for (let at = 0; at < table.length; at += slotWords) {
        const owner = table[at + 2] as number;
        if (isFree(table, at) || this.#retired.has(owner)) continue;
        visit(table[at] as number, table[at + 1] as number, owner);
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
    const slots = table.length / slotWords;
    const mask = slots - 1;
    let hole = at / slotWords;
    for (let next = (hole + 1) & mask; !isFree(table, next * slotWords); next = (next + 1) & mask) {
      const from = next * slotWords;
      const home = this.#mix(table[from] as number, table[from + 1] as number) & mask;
      if (((next - home) & mask) < ((next - hole) & mask)) continue;
      table.copyWithin(hole * slotWords, from, from + slotWords);
      hole = next;
    }
    table.fill(0, hole * slotWords, (hole + 1) * slotWords);
  }

  #resize(part: number, words: number): void {
    const before = this.#parts[part] as Uint32Array;
    const resized = new Uint32Array(words);
    for (let at = 0; at < before.length; at += slotWords) {
      if (isFree(before, at)) continue;
      const [hi, lo] = [before[at] as number, before[at + 1] as number];
      const place = find(resized, this.#mix(hi, lo), hi, lo);
      resized[place] = hi;
      resized[place + 1] = lo;
      resized[place + 2] = before[at + 2] as number;
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
  const mask = table.length / slotWords - 1;
  let slot = mix & mask;
  for (let at = slot * slotWords; !isFree(table, at); at = slot * slotWords) {
    if (table[at] === hi && table[at + 1] === lo) break;
    slot = (slot + 1) & mask;
  }
  return slot * slotWords;
}
