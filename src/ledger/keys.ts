/**
 * The key window: which idempotency keys appeared in the log within the last `windowMs` of log time.
 *
 * The ring says in what order keys appeared (to forget the oldest), the table says where in the ring a key
 * last appeared (to find it). Whether a key is new depends only on the appearances within the window, so
 * whoever reads the last `windowMs` of a log knows exactly what one who read all of it knows: that is what
 * lets a node start from a snapshot and a tail. A repeat therefore counts as an appearance too.
 *
 * No object per key: 16 bytes in the ring, about 8 in the table. The ring is made of chunks, and the table
 * of `partCount` parts that grow one by one, so nothing is ever copied whole. A slot says beside a place in
 * the ring some bits of the key that is there, so a stranger is nearly always told without a look: with a
 * million keys each look is a wait for memory. Of what a key stands for there
 * is a tag, where that is known, so that one that is used again for something else can be told. Not here:
 * hashing.
 */
import { assert } from "../base/assert.ts";
import { limits } from "../core/limits.ts";

export interface KeyWindowOptions {
  /** Secret of this process: without it nobody can choose keys that crowd one part of the table. */
  readonly seed: number;
  /** How long a key is remembered after its last appearance, in whole milliseconds of log time. */
  readonly windowMs?: number;
  /** Appearances from which the window is full; an eighth more fit, then the oldest is forgotten early. */
  readonly keysMax?: number;
}

const chunkShift = 14;
const chunkKeys = 1 << chunkShift;
const chunkMask = chunkKeys - 1;
/** A ring entry: hi, lo, the low 32 bits of its log time in ms, and the tag of what the key stands for. */
const entryWords = 4;
const partBits = 8;
const partShift = 32 - partBits;
const partCount = 1 << partBits;
const slotsMin = 32;
/**
 * A part grows when this many 1024ths of it are taken, and one more for each part before it: so they take
 * turns.
 */
const loadMin = 440;
/** Expired keys that one new millisecond, and one key, pay for forgetting: no step is ever long. */
const forgetPerMs = 1024;
const forgetPerKey = 2;

export class KeyWindow {
  readonly #windowMs: number;
  readonly #keysMax: number;
  readonly #ringMax: number;
  readonly #seedHi: number;
  readonly #seedLo: number;
  readonly #chunks: (Uint32Array | undefined)[];
  readonly #positionMask: number;
  /** Bits of a slot that are a ring position + 1; the others are the mark of the key. */
  readonly #placeMask: number;
  #spare: Uint32Array | undefined;
  /** Ring position of the oldest appearance, and how many there are. */
  #head = 0;
  #size = 0;
  /** Ring position + 1 of each key's last appearance, with a mark of the key above; 0 is a free slot. */
  #parts: Int32Array[] = [];
  #counts: number[] = [];
  #lastMs = 0;

  constructor(options: KeyWindowOptions) {
    this.#windowMs = options.windowMs ?? limits.keyWindowMs;
    this.#keysMax = options.keysMax ?? limits.keysMax;
    this.#ringMax = this.#keysMax + Math.ceil(this.#keysMax / 8);
    assert(this.#windowMs < 2 ** 31, "ages are compared in 32 bits");
    this.#seedHi = Math.floor(options.seed * 0x1_0000_0000) | 0;
    this.#seedLo = Math.imul(this.#seedHi ^ 0x2545f491, 0x9e3779b1);
    let chunks = 1;
    while (chunks * chunkKeys < this.#ringMax + chunkKeys) chunks *= 2;
    this.#chunks = new Array<Uint32Array | undefined>(chunks).fill(undefined);
    this.#positionMask = chunks * chunkKeys - 1;
    this.#placeMask = 2 * chunks * chunkKeys - 1;
    this.#clear();
  }

  /** Appearances held, expired ones that were not yet forgotten among them. */
  get size(): number {
    return this.#size;
  }

  /** Log time of the newest appearance, in whole milliseconds. */
  get lastMs(): number {
    return this.#lastMs;
  }

  /** True when there is no room for a key that appears at `logMs`. */
  full(logMs: number): boolean {
    if (this.#size < this.#keysMax) return false;
    const headMs = this.#absoluteMs(this.#word(this.#head, 2));
    return logMs - headMs <= this.#windowMs;
  }

  /**
   * Notes that a key appeared at `logMs` (log time that falls is taken as the last one), for what `tag` says,
   * 32 bits; 0: that is not known. False when it had appeared within the window: a repeat, which stands for
   * what the first one stood for.
   */
  add(hi: number, lo: number, logMs: number, tag = 0): boolean {
    const wholeMs = Math.floor(logMs);
    if (wholeMs > this.#lastMs) this.#advance(wholeMs);
    else this.#forget(forgetPerKey);
    if (this.#size >= this.#ringMax) this.#forgetOldest();
    const ms = this.#lastMs >>> 0;
    const mix = this.#mix(hi, lo);
    const part = mix >>> partShift;
    const table = this.#parts[part] as Int32Array;
    const mask = table.length - 1;
    let slot = mix & mask;
    const mark = this.#mark(mix);
    for (let held = table[slot] as number; held !== 0; held = table[slot] as number) {
      const position = this.#stands(held, mark, hi, lo);
      if (position >= 0) {
        const seenMs = this.#word(position, 2);
        if (seenMs === ms) return false;
        const isNew = (ms - seenMs) >>> 0 > this.#windowMs;
        table[slot] = mark | (this.#push(hi, lo, ms, isNew ? tag : this.#word(position, 3)) + 1);
        return isNew;
      }
      slot = (slot + 1) & mask;
    }
    table[slot] = mark | (this.#push(hi, lo, ms, tag) + 1);
    const count = (this.#counts[part] as number) + 1;
    this.#counts[part] = count;
    if (count * 1024 > table.length * (loadMin + part)) this.#resize(part, table.length * 2);
    return true;
  }

  /** Whether a key that appears at `logMs` would be a repeat. */
  has(hi: number, lo: number, logMs: number): boolean {
    return this.tag(hi, lo, logMs) !== undefined;
  }

  /** The tag of what a key stands for that is repeated at `logMs`, 0 if not known; undefined: it is none. */
  tag(hi: number, lo: number, logMs: number): number | undefined {
    const mix = this.#mix(hi, lo);
    const table = this.#parts[mix >>> partShift] as Int32Array;
    const mask = table.length - 1;
    const mark = this.#mark(mix);
    for (let slot = mix & mask; table[slot] !== 0; slot = (slot + 1) & mask) {
      const position = this.#stands(table[slot] as number, mark, hi, lo);
      if (position < 0) continue;
      const ageMs = Math.floor(logMs) - this.#absoluteMs(this.#word(position, 2));
      return ageMs <= this.#windowMs ? this.#word(position, 3) : undefined;
    }
    return undefined;
  }

  /**
   * Every appearance that is within the window at `logMs`, oldest first, with its log time in whole
   * milliseconds: adding them in this order to a new window gives an equal one.
   */
  each(logMs: number, visit: (hi: number, lo: number, seenMs: number) => void): void {
    for (let i = 0; i < this.#size; i++) {
      const position = (this.#head + i) & this.#positionMask;
      const seenMs = this.#absoluteMs(this.#word(position, 2));
      if (Math.floor(logMs) - seenMs > this.#windowMs) continue;
      visit(this.#word(position, 0), this.#word(position, 1), seenMs);
    }
  }

  /** What a slot says of its key beside its place: bits of its mix that choose neither part nor slot. */
  #mark(mix: number): number {
    return (mix << partBits) & ~this.#placeMask;
  }

  /** The ring position of a slot, if it is that of this key; else -1. */
  #stands(held: number, mark: number, hi: number, lo: number): number {
    if (((held ^ mark) & ~this.#placeMask) !== 0) return -1;
    const position = (held & this.#placeMask) - 1;
    return this.#word(position, 0) === hi && this.#word(position, 1) === lo ? position : -1;
  }

  /** The mix of the key that a slot tells of. */
  #home(held: number): number {
    const position = (held & this.#placeMask) - 1;
    return this.#mix(this.#word(position, 0), this.#word(position, 1));
  }

  #word(position: number, word: number): number {
    const chunk = this.#chunks[position >>> chunkShift] as Uint32Array;
    return chunk[(position & chunkMask) * entryWords + word] as number;
  }

  /** A ring time back in full: it lies at most 2^32 ms before the last one, see `#advance`. */
  #absoluteMs(ms: number): number {
    return this.#lastMs - (((this.#lastMs >>> 0) - ms) >>> 0);
  }

  #mix(hi: number, lo: number): number {
    let mix = Math.imul(lo ^ this.#seedLo, 0x9e3779b1) ^ Math.imul(hi ^ this.#seedHi, 0x85ebca77);
    mix = Math.imul(mix ^ (mix >>> 15), 0x2c1b3c6d);
    return (mix ^ (mix >>> 13)) >>> 0;
  }

  #advance(wholeMs: number): void {
    // After silence nothing is within the window. Otherwise a new millisecond comes at least once per
    // window and forgets forgetPerMs keys, so that none stays until its 32 bits of time (49 days) come
    // round again.
    if (wholeMs - this.#lastMs > this.#windowMs) this.#clear();
    this.#lastMs = wholeMs;
    this.#forget(forgetPerMs);
  }

  #clear(): void {
    this.#chunks.fill(undefined);
    this.#head = 0;
    this.#size = 0;
    this.#parts = Array.from({ length: partCount }, () => new Int32Array(slotsMin));
    this.#counts = new Array<number>(partCount).fill(0);
  }

  #push(hi: number, lo: number, ms: number, tag: number): number {
    const position = (this.#head + this.#size) & this.#positionMask;
    let chunk = this.#chunks[position >>> chunkShift];
    if (!chunk) {
      chunk = this.#spare ?? new Uint32Array(chunkKeys * entryWords);
      this.#spare = undefined;
      this.#chunks[position >>> chunkShift] = chunk;
    }
    const at = (position & chunkMask) * entryWords;
    chunk[at] = hi;
    chunk[at + 1] = lo;
    chunk[at + 2] = ms;
    chunk[at + 3] = tag;
    this.#size++;
    return position;
  }

  /** Forgets at most `most` expired appearances. */
  #forget(most: number): void {
    for (let i = 0; i < most && this.#size > 0; i++) {
      const ageMs = ((this.#lastMs >>> 0) - this.#word(this.#head, 2)) >>> 0;
      if (ageMs <= this.#windowMs) return;
      this.#forgetOldest();
    }
  }

  #forgetOldest(): void {
    const position = this.#head;
    const mix = this.#mix(this.#word(position, 0), this.#word(position, 1));
    const part = mix >>> partShift;
    const table = this.#parts[part] as Int32Array;
    const mask = table.length - 1;
    for (let slot = mix & mask; table[slot] !== 0; slot = (slot + 1) & mask) {
      // Only a key's last appearance stands in the table; an earlier one is found nowhere and just leaves
      // the ring.
      if (((table[slot] as number) & this.#placeMask) !== position + 1) continue;
      this.#free(table, slot);
      const count = (this.#counts[part] as number) - 1;
      this.#counts[part] = count;
      if (table.length > slotsMin && count * 16 < table.length) this.#resize(part, table.length / 2);
      break;
    }
    this.#size--;
    this.#head = (position + 1) & this.#positionMask;
    if (this.#head >>> chunkShift !== position >>> chunkShift) {
      this.#spare = this.#chunks[position >>> chunkShift];
      this.#chunks[position >>> chunkShift] = undefined;
    }
  }

  /**
   * Linear probing without tombstones: what stands behind the hole moves up if its own place is not passed.
   */
  #free(table: Int32Array, slot: number): void {
    const mask = table.length - 1;
    let hole = slot;
    for (let next = (hole + 1) & mask; table[next] !== 0; next = (next + 1) & mask) {
      const held = table[next] as number;
      const home = this.#home(held) & mask;
      if (((next - home) & mask) < ((next - hole) & mask)) continue;
      table[hole] = held;
      hole = next;
    }
    table[hole] = 0;
  }

  #resize(part: number, slots: number): void {
    const resized = new Int32Array(slots);
    const mask = slots - 1;
    const table = this.#parts[part] as Int32Array;
    // Counted: the iterator of an array of numbers costs as much as all the rest of a key.
    for (let i = 0; i < table.length; i++) {
      const held = table[i] as number;
      if (held === 0) continue;
      let slot = this.#home(held) & mask;
      while (resized[slot] !== 0) slot = (slot + 1) & mask;
      resized[slot] = held;
    }
    this.#parts[part] = resized;
  }
}
