/**
 * The fold: records of the log, in order, become totals. Pure: the same records at the same log times give
 * the same totals and versions, on every node and after every restart.
 *
 * The distinction it rests on: a like without a key is counted where it stands; a like with one is counted
 * unless its key appeared within the window. Both go through here only after they are durable, so the fold
 * never refuses: what does not fit is refused at the door, which asks `keys.full` and `full` first.
 */
import type { VideoId } from "../core/interaction.ts";
import { limits } from "../core/limits.ts";
import type { By, LikeGroup, LikeRecord } from "../core/record.ts";
import { addCounts, emptyCounts, noTotals, type Totals } from "../core/totals.ts";
import { KeyWindow, type KeyWindowOptions } from "./keys.ts";
import type { Change } from "./ledger.ts";

export interface FoldOptions extends KeyWindowOptions {
  /** Videos from which the fold is full; what was under way then still comes in. */
  readonly videosMax?: number;
}

/** What one record adds to one video. */
interface Sum {
  readonly video: VideoId;
  readonly kinds: { kind: string; count: number }[];
  added: number;
  by: By[];
}

export class Fold {
  readonly keys: KeyWindow;
  readonly #videosMax: number;
  readonly #totals = new Map<VideoId, Totals>();
  #logMs = 0;

  constructor(options: FoldOptions) {
    this.keys = new KeyWindow(options);
    this.#videosMax = options.videosMax ?? limits.videosMax;
  }

  /** Log time of the last record, Unix ms; never falls. */
  get logMs(): number {
    return this.#logMs;
  }

  /** True when no further video should be let in. */
  get full(): boolean {
    return this.#totals.size >= this.#videosMax;
  }

  get videos(): ReadonlyMap<VideoId, Totals> {
    return this.#totals;
  }

  totals(video: VideoId): Totals {
    return this.#totals.get(video) ?? noTotals;
  }

  /**
   * Folds the next record of the log, which stands there since `logMs` and was known to be durable at
   * `durableMs`.
   */
  apply(record: LikeRecord, logMs: number, durableMs: number): Change[] {
    this.#logMs = Math.max(this.#logMs, logMs);
    const changes: Change[] = [];
    for (const sum of this.#sums(record)) {
      const before = this.totals(sum.video);
      const counts = emptyCounts();
      addCounts(counts, before.counts);
      for (const { kind, count } of sum.kinds) counts[kind] = (counts[kind] ?? 0) + count;
      const totals = { version: before.version + 1, counts };
      this.#totals.set(sum.video, totals);
      const { video, added, by } = sum;
      changes.push({ video, totals, before: before.counts, added, atMs: record.atMs, durableMs, by });
    }
    return changes;
  }

  /** Notes the keys of a record that the restored totals already hold. */
  remember(record: LikeRecord, logMs: number): void {
    this.#logMs = Math.max(this.#logMs, logMs);
    for (const group of record.groups) this.#count(group);
  }

  /** Puts back what a snapshot told, before any record is applied. */
  restore(video: VideoId, totals: Totals): void {
    this.#totals.set(video, totals);
  }

  /** Puts log time where a snapshot was taken. */
  resume(logMs: number): void {
    this.#logMs = Math.max(this.#logMs, logMs);
  }

  #sums(record: LikeRecord): Iterable<Sum> {
    const sums = new Map<VideoId, Sum>();
    for (const group of record.groups) {
      const count = this.#count(group);
      if (count === 0) continue;
      let sum = sums.get(group.video);
      if (!sum) {
        sum = { video: group.video, kinds: [], added: 0, by: [] };
        sums.set(group.video, sum);
      }
      sum.kinds.push({ kind: group.kind, count });
      sum.added += count;
      const room = limits.bySizeMax - sum.by.length;
      if (room > 0) sum.by.push(...group.by.slice(0, room));
    }
    return sums.values();
  }

  /** Likes of a group that are not repeats. */
  #count(group: LikeGroup): number {
    let count = group.loose;
    const { hi, lo, counts } = group;
    for (let i = 0; i < hi.length; i++) {
      if (this.keys.add(hi[i] as number, lo[i] as number, this.#logMs)) count += counts[i] as number;
    }
    return count;
  }
}
