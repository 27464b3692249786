/**
 * A block of a timeline: so many counts in a row of each series, in little memory.
 *
 * The block that is written to is open, an array per series; all others are sealed, which is also how they
 * are stored. Sealed, a count takes as many bytes as it has sevens of bits and a stretch of nothing takes two
 * in all, so that a busy hour of five kinds takes some 40 KB. timeline.test.ts holds that and that a block is
 * the same after it was sealed.
 *
 * Sealed layout, per series: u8 series, then numbers until there are `slotsPerBlock`: n > 0 is a count, 0 is
 * followed by how many slots in a row hold nothing. A number is base 128, low digits first, as in LEB128.
 */

/** Counts of a series in one block: five minutes of seconds, 50 of tens, five hours of minutes. */
export const slotsPerBlock = 300;
/** What a block takes beside its counts, in bytes, as the bounds of a timeline count it. */
export const blockBytes = 64;
/** What a count that is not 0 takes, in bytes, as they count it: two, and often two for the gap before it. */
export const cellBytes = 4;

/** Of a series that is open: a quarter of the memory, until one of them is more than that holds. */
type Counts = Uint16Array | Float64Array;
const smallMax = 65_535;

function put(open: Map<number, Counts>, series: number, slot: number, count: number): void {
  let counts = open.get(series);
  if (!counts || (count > smallMax && counts instanceof Uint16Array)) {
    const held = counts ?? [];
    counts = count > smallMax ? new Float64Array(slotsPerBlock) : new Uint16Array(slotsPerBlock);
    counts.set(held);
    open.set(series, counts);
  }
  counts[slot] = count;
}

export class Block {
  /** 0: seconds, 1: tens of seconds, 2: minutes. */
  readonly tier: number;
  /** Its first slot is `index * slotsPerBlock` of its tier's steps behind 1970. */
  readonly index: number;
  /** Log time when it was begun, or the newest of what went into it was, in ms. */
  bornMs: number;
  /** Whether it has changed since it was written down. */
  dirty = true;
  #cells = 0;
  #open: Map<number, Counts> | undefined;
  #sealed: Uint8Array | undefined;

  constructor(tier: number, index: number, bornMs: number) {
    this.tier = tier;
    this.index = index;
    this.bornMs = bornMs;
  }

  /** The block of these sealed bytes; undefined when they are none. */
  static of(tier: number, index: number, bornMs: number, sealed: Uint8Array): Block | undefined {
    const block = new Block(tier, index, bornMs);
    block.#sealed = sealed;
    try {
      block.#cells = 0;
      walk(sealed, () => block.#cells++);
    } catch {
      // RangeError of what ends too soon or counts too many: not a block, whatever it is.
      return undefined;
    }
    block.dirty = false;
    return block;
  }

  /** Counts that are not 0. */
  get cells(): number {
    return this.#cells;
  }

  /** What it weighs among the bounds of a timeline, in bytes: the same however it is held now. */
  get weight(): number {
    return blockBytes + cellBytes * this.#cells;
  }

  /** Adds `count`, more than 0, to a series, at a slot of this block. */
  add(series: number, slot: number, count: number): void {
    const open = this.#opened();
    const before = open.get(series)?.[slot] ?? 0;
    if (before === 0) this.#cells++;
    put(open, series, slot, before + count);
    this.dirty = true;
  }

  /** Every count that is not 0. */
  each(visit: (series: number, slot: number, count: number) => void): void {
    if (this.#sealed) {
      walk(this.#sealed, visit);
      return;
    }
    for (const [series, counts] of this.#open ?? []) {
      for (let slot = 0; slot < slotsPerBlock; slot++) {
        const count = counts[slot] as number;
        if (count > 0) visit(series, slot, count);
      }
    }
  }

  /** Its sealed bytes, not to be changed. */
  bytes(): Uint8Array {
    return this.#sealed ?? sealed(this.#open ?? new Map());
  }

  /** Holds it in as little memory as it can be held in. */
  seal(): void {
    this.#sealed = this.bytes();
    this.#open = undefined;
  }

  #opened(): Map<number, Counts> {
    if (this.#open) return this.#open;
    const open = new Map<number, Counts>();
    this.each((series, slot, count) => put(open, series, slot, count));
    this.#sealed = undefined;
    this.#open = open;
    return open;
  }
}

/** What a count takes sealed at most, in bytes: 2^53 has eight sevens of bits. */
const countBytesMax = 8;
const seriesBytesMax = 1 + slotsPerBlock * countBytesMax;
/** Where blocks are sealed, one at a time: it grows with the series of one, at most 255. */
let room = new Uint8Array(4 * seriesBytesMax);

function sealed(open: ReadonlyMap<number, Counts>): Uint8Array {
  if (room.length < open.size * seriesBytesMax) room = new Uint8Array(open.size * seriesBytesMax);
  const bytes = room;
  let at = 0;
  for (const [series, counts] of open) {
    bytes[at++] = series;
    for (let slot = 0; slot < slotsPerBlock; ) {
      let value = counts[slot++] as number;
      if (value === 0) {
        const from = slot - 1;
        while (slot < slotsPerBlock && counts[slot] === 0) slot++;
        bytes[at++] = 0;
        value = slot - from;
      }
      for (; value >= 128; value = Math.floor(value / 128)) bytes[at++] = 128 + (value % 128);
      bytes[at++] = value;
    }
  }
  return bytes.slice(0, at);
}

/** Visits what sealed bytes hold. Throws RangeError when they hold something else. */
function walk(bytes: Uint8Array, visit: (series: number, slot: number, count: number) => void): void {
  let at = 0;
  const next = (): number => {
    let value = 0;
    for (let unit = 1; ; unit *= 128) {
      const byte = bytes[at++];
      if (byte === undefined || unit > 2 ** 49) throw new RangeError("cut");
      value += (byte & 127) * unit;
      if (byte < 128) return value;
    }
  };
  while (at < bytes.length) {
    const series = bytes[at++] as number;
    for (let slot = 0; slot < slotsPerBlock; ) {
      const count = next();
      if (count > 0) visit(series, slot++, count);
      else {
        const gap = next();
        if (gap === 0 || slot + gap > slotsPerBlock) throw new RangeError("not a gap");
        slot += gap;
      }
    }
  }
}
