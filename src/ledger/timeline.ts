/**
 * One video's reactions in its own time: what of its totals came in which second.
 *
 * Seconds are kept for hours, then only tens of seconds, then minutes, and what is older yet, or from before
 * there was a timeline, is only a number without a place (`before`). Each like is in exactly one of them, so
 * their sum is the totals, to the like. What ages is a block (timeline-block.ts), by log time since it was
 * written to first: no wall clock, and no media time, makes a block old. Held by timeline.test.ts.
 */
import { Few } from "../base/few.ts";
import { limits } from "../core/limits.ts";
import type { Skew } from "./skew.ts";
import { Block, slotsPerBlock } from "./timeline-block.ts";

/** Seconds of a slot, tier by tier. */
export const tierSteps = [1, 10, 60] as const;
const lastTier = tierSteps.length - 1;
/** Open blocks of a video: those who are behind react to the one before. */
const openMax = 2;

/** Log time after which a block's counts are merged, or forgotten, tier by tier, in ms. */
export type Ages = readonly [fineMs: number, middleMs: number, keepMs: number];

/** A stretch of whole steps: seconds behind 1970. */
export interface Stretch {
  readonly fromS: number;
  readonly toS: number;
  readonly stepS: number;
}

export class Timeline {
  /** Counts by series that have no place any more, or never had one. */
  readonly before = new Few<number, number>();
  /** By index. */
  readonly #tiers: readonly Few<number, Block>[] = tierSteps.map(() => new Few<number, Block>());
  /** Written to last comes last. */
  #open: Block[] = [];
  #weight = 0;
  /** Of its last reaction. */
  logMs: number;
  skew: Skew | undefined;
  /** Blocks that are no more since this was last written down, where anybody writes it down. */
  gone: Pick<Block, "tier" | "index">[] | undefined;

  constructor(logMs: number) {
    this.logMs = logMs;
  }

  /** What its blocks weigh, in bytes. */
  get weight(): number {
    return this.#weight;
  }

  get open(): boolean {
    return this.#open.length > 0;
  }

  *blocks(): Generator<Block> {
    for (const tier of this.#tiers) yield* tier.values();
  }

  /** All that it holds, by series, with and without a place. A start asks each of a million. */
  sum(visit: (series: number, count: number) => void): void {
    const { before } = this;
    for (let i = 0; i < before.size; i++) visit(before.keyAt(i), before.valueAt(i));
    for (const tier of this.#tiers) {
      for (let i = 0; i < tier.size; i++) tier.valueAt(i).each((series, _, count) => visit(series, count));
    }
  }

  /** Puts back what was written down. */
  restore(block: Block): void {
    this.#tiers[block.tier]?.set(block.index, block);
    this.#weight += block.weight;
  }

  /** Adds `count` to a series in the second `atS`. True when a block was begun for it: it is time to age. */
  add(series: number, atS: number, count: number, logMs: number): boolean {
    const index = Math.floor(atS / slotsPerBlock);
    const slot = atS - index * slotsPerBlock;
    const newest = this.#open[this.#open.length - 1];
    if (newest?.index === index) {
      this.#put(newest, series, slot, count);
      return false;
    }
    const isNew = !this.#tiers[0]?.has(index);
    this.#put(this.#written(index, logMs), series, slot, count);
    return isNew;
  }

  /** Merges what is old by now, and the oldest there is while all of it weighs too much. */
  age(
    ages: Ages,
    logMs: number,
    seriesName: (series: number) => string,
    bytesMax: number = limits.timelineOfOneBytesMax,
  ): void {
    for (const [tier, blocks] of this.#tiers.entries()) {
      const oldMs = logMs - (ages[tier] as number) - slotsPerBlock * 1000 * (tierSteps[tier] as number);
      for (const block of [...blocks.values()]) if (block.bornMs < oldMs) this.#merge(block, seriesName);
    }
    while (this.#weight > bytesMax) {
      const tier = this.#tiers.find((blocks) => blocks.size > openMax) ?? this.#tiers[lastTier];
      const oldest = tier && [...tier.values()].sort((a, b) => a.index - b.index)[0];
      if (!oldest) return;
      this.#merge(oldest, seriesName);
    }
  }

  /** Holds it in as little memory as it can be held in. */
  seal(): void {
    for (const block of this.#open) block.seal();
    this.#open = [];
  }

  /** The first second that holds something, and the one behind the last; undefined when none does. */
  bounds(): { readonly fromS: number; readonly toS: number } | undefined {
    let [fromS, toS] = [Number.POSITIVE_INFINITY, 0];
    for (const [tier, blocks] of this.#tiers.entries()) {
      const step = tierSteps[tier] as number;
      const ordered = [...blocks.values()].sort((a, b) => a.index - b.index);
      for (const block of new Set([ordered[0], ordered.at(-1)])) {
        block?.each((_, slot) => {
          const atS = (block.index * slotsPerBlock + slot) * step;
          fromS = Math.min(fromS, atS);
          toS = Math.max(toS, atS + step);
        });
      }
    }
    return toS === 0 ? undefined : { fromS, toS };
  }

  /** From which second on it is kept in which steps, coarsest first. */
  resolution(): { readonly fromS: number; readonly stepS: number }[] {
    const kept = [...this.#tiers.entries()].flatMap(([tier, blocks]) => {
      const stepS = tierSteps[tier] as number;
      const index = Math.min(...blocks.keys());
      return blocks.size === 0 ? [] : [{ fromS: index * slotsPerBlock * stepS, stepS }];
    });
    return kept.reverse();
  }

  /**
   * Counts by series, step by step; none of a series that has none. What is kept in longer steps than asked
   * for is spread evenly over them.
   */
  read({ fromS, toS, stepS }: Stretch): Map<number, number[]> {
    const points = Math.max(0, Math.ceil((toS - fromS) / stepS));
    const read = new Map<number, number[]>();
    this.each(fromS, toS, (series, atS, widthS, count) => {
      let counts = read.get(series);
      if (!counts) {
        counts = new Array<number>(points).fill(0);
        read.set(series, counts);
      }
      const parts = Math.ceil(widthS / stepS);
      for (let i = 0; i < parts; i++) {
        const at = Math.floor((atS + i * stepS - fromS) / stepS);
        if (at < 0 || at >= points) continue;
        const part = Math.floor(((i + 1) * count) / parts) - Math.floor((i * count) / parts);
        counts[at] = (counts[at] as number) + part;
      }
    });
    return read;
  }

  /** Every count that is not 0 of [atS, atS + widthS) where that meets the stretch, in no order. */
  each(
    fromS: number,
    toS: number,
    visit: (series: number, atS: number, widthS: number, count: number) => void,
  ): void {
    for (const [tier, blocks] of this.#tiers.entries()) {
      const step = tierSteps[tier] as number;
      for (const block of blocks.values()) {
        const blockS = block.index * slotsPerBlock * step;
        if (blockS >= toS || blockS + slotsPerBlock * step <= fromS) continue;
        block.each((series, slot, count) => {
          const atS = blockS + slot * step;
          if (atS < toS && atS + step > fromS) visit(series, atS, step, count);
        });
      }
    }
  }

  /** The block of seconds `index`, open, which others are sealed for. */
  #written(index: number, logMs: number): Block {
    const seconds = this.#tiers[0] as Few<number, Block>;
    let block = seconds.get(index);
    if (!block) {
      block = new Block(0, index, logMs);
      seconds.set(index, block);
      this.#weight += block.weight;
    }
    const open = this.#open.filter((other) => other !== block);
    while (open.length >= openMax) open.shift()?.seal();
    this.#open = [...open, block];
    return block;
  }

  #put(block: Block, series: number, slot: number, count: number): void {
    const before = block.weight;
    block.add(series, slot, count);
    this.#weight += block.weight - before;
  }

  /** Moves what a block holds into longer steps, or out of time. */
  #merge(block: Block, seriesName: (series: number) => string): void {
    this.#tiers[block.tier]?.delete(block.index);
    this.#open = this.#open.filter((other) => other !== block);
    this.#weight -= block.weight;
    this.gone?.push(block);
    const step = tierSteps[block.tier] as number;
    const upper = tierSteps[block.tier + 1];
    const touched = new Set<Block>();
    block.each((series, slot, count) => {
      if (upper === undefined) {
        this.#forget(series, seriesName(series), count);
        return;
      }
      const atS = (block.index * slotsPerBlock + slot) * step;
      const merged = this.#upper(block, Math.floor(atS / upper / slotsPerBlock));
      touched.add(merged);
      this.#put(merged, series, Math.floor(atS / upper) % slotsPerBlock, count);
    });
    for (const merged of touched) merged.seal();
  }

  #upper({ tier, bornMs }: Block, index: number): Block {
    const blocks = this.#tiers[tier + 1] as Few<number, Block>;
    let block = blocks.get(index);
    if (!block) {
      block = new Block(tier + 1, index, bornMs);
      blocks.set(index, block);
      this.#weight += block.weight;
    }
    block.bornMs = Math.max(block.bornMs, bornMs);
    return block;
  }

  #forget(series: number, name: string, count: number): void {
    if (name === peopleSeries) return;
    this.before.set(series, (this.before.get(series) ?? 0) + count);
  }
}

/** The series of people, beside those of kinds. */
export const peopleSeries = "*";

/** The series of likes of a kind that were taken back. */
export function unlikesSeries(kind: string): string {
  return `-${kind}`;
}
