/**
 * Comments in their time, in a SQLite ledger: each is counted in the transaction that it is written in, so
 * there is never one without the other, however a process ends (sqlite.kill.test.ts).
 *
 * How far all are counted stands in `meta`. A program that counts none, of before or with timelines off, may
 * have written behind that: what it wrote is counted at the start, and where the history has let go of some
 * by then, a video is counted from what is left of it on, and says so (sqlite-counts.test.ts).
 */
import { type CommentEntry, type Entry, isClearing } from "../core/entry.ts";
import type { VideoId } from "../core/interaction.ts";
import { limits } from "../core/limits.ts";
import {
  CommentCounts,
  type Counted,
  dateOf,
  decodeCountsHead,
  encodeCountsHead,
  nothingCounted,
} from "./comment-counts.ts";
import type { CountedRow } from "./counts-schema.ts";
import type { Fold } from "./fold.ts";
import type { Statements } from "./schema.ts";
import type { Ages } from "./timeline.ts";
import { decodeBlock, encodeBlock } from "./timeline-bytes.ts";

/** Of `meta`: the place up to which all are counted. */
export const countedKey = "commentsCounted";

export interface SqliteCountsParts {
  readonly statements: Statements;
  /** As those of likes; undefined: nothing is counted. */
  readonly ages: Ages | undefined;
  /** Knows the median delay of a video's viewers. */
  readonly fold: Pick<Fold, "timeline">;
}

export class SqliteCounts {
  readonly #parts: SqliteCountsParts;
  /** Used longest ago first. */
  readonly #held = new Map<VideoId, { readonly counts: CommentCounts; readonly bytes: number }>();
  /** What those weighed when each was used last. */
  #heldBytes = 0;
  /** What the transaction under way has changed, and of which of them more than a block. */
  readonly #changed = new Map<VideoId, CommentCounts>();
  readonly #heads = new Set<VideoId>();
  /** Up to here all are counted; undefined: it is to be looked up. */
  #upTo: number | undefined;
  /** Whether the transaction under way has written an entry. */
  #isNew = false;

  constructor(parts: SqliteCountsParts) {
    this.#parts = parts;
  }

  /** Counts an entry that the transaction under way writes, at `logMs`, which only those of comments need. */
  note(entry: Entry, logMs = 0): void {
    if (isClearing(entry)) this.#clear(entry.video);
    else if (entry.type === "comment") this.#count(entry, logMs);
    this.#upTo = entry.seq;
    this.#isNew = true;
  }

  /** Writes down what `note` counted, inside its transaction. */
  write(): void {
    const { statements: s, ages } = this.#parts;
    if (!ages || !this.#isNew) return;
    this.#isNew = false;
    for (const [video, counts] of this.#changed) this.#put(video, counts);
    this.#changed.clear();
    this.#heads.clear();
    s.metaPut.run(countedKey, this.#place());
  }

  /** The transaction has failed: what it counted is not. */
  undo(): void {
    this.#changed.clear();
    this.#heads.clear();
    this.#held.clear();
    this.#heldBytes = 0;
    this.#upTo = undefined;
    this.#isNew = false;
  }

  /** As Ledger.comments. */
  read(video: VideoId): Counted {
    if (!this.#parts.ages) return nothingCounted;
    return { counts: this.#of(video) ?? new CommentCounts(), upTo: this.#place() };
  }

  /** Counts what was written and not counted, at `logMs`, inside a transaction. */
  catchUp(logMs: number): void {
    let last: CountedRow | undefined;
    let gap = false;
    const [counted, ages] = [this.#place(), this.#parts.ages];
    if (!ages) return;
    for (const row of this.#parts.statements.uncounted.iterate(counted)) {
      const { seq, video, target, previous, at, media } = row;
      if (video !== last?.video) {
        this.write();
        // It follows one that nobody counted and nobody has.
        gap = previous > counted;
      }
      last = row;
      this.#upTo = Math.max(this.#place(), seq);
      this.#isNew = true;
      if (target === 0) this.#clear(video);
      if (target !== null) {
        gap &&= target !== 0;
        continue;
      }
      const comment = { atMs: at, ...(media !== null && { mediaMs: media }) };
      const dateMs = dateOf(comment, this.#skewOf(video));
      if (gap) this.#beginAt(video, dateMs);
      gap = false;
      this.#add(video, dateMs, logMs, ages);
    }
    this.write();
  }

  #count(entry: CommentEntry, logMs: number): void {
    const { ages } = this.#parts;
    const { video } = entry;
    if (ages) this.#add(video, dateOf(entry, this.#skewOf(video)), logMs, ages);
  }

  #skewOf(video: VideoId): number {
    return this.#parts.fold.timeline(video)?.skewMs ?? 0;
  }

  #add(video: VideoId, dateMs: number, logMs: number, ages: Ages): void {
    const counts = this.#changed.get(video) ?? this.#of(video) ?? this.#begin(video, undefined);
    if (counts.add(dateMs, logMs, ages)) this.#heads.add(video);
    this.#changed.set(video, counts);
  }

  /** What was counted before is not all there was: it is told no more. */
  #beginAt(video: VideoId, fromMs: number): void {
    this.#clear(video);
    this.#changed.set(video, this.#begin(video, fromMs));
  }

  #begin(video: VideoId, fromMs: number | undefined): CommentCounts {
    const counts = new CommentCounts(fromMs);
    counts.timeline.gone = [];
    this.#hold(video, counts);
    return counts;
  }

  #clear(video: VideoId): void {
    const { statements: s } = this.#parts;
    this.#changed.delete(video);
    this.#heads.delete(video);
    this.#release(video);
    s.countsDrop.run(video);
    s.countBlocksDrop.run(video);
  }

  #put(video: VideoId, counts: CommentCounts): void {
    const { statements: s } = this.#parts;
    const { timeline } = counts;
    if (this.#heads.has(video)) s.countsPut.run(video, encodeCountsHead(counts));
    for (const { tier, index } of timeline.gone ?? []) s.countBlockDrop.run(video, tier, index);
    timeline.gone = [];
    for (const block of timeline.blocks()) {
      if (!block.dirty) continue;
      s.countBlockPut.run(video, block.tier, block.index, encodeBlock(block));
      block.dirty = false;
    }
  }

  #of(video: VideoId): CommentCounts | undefined {
    const { statements: s } = this.#parts;
    const held = this.#held.get(video)?.counts;
    const row = held ? null : s.countsOf.get(video);
    const counts = held ?? (row ? decodeCountsHead(row.head) : undefined);
    if (!counts) return undefined;
    if (!held) {
      counts.timeline.gone = [];
      for (const { tier, place, block: bytes } of s.countBlocksOf.iterate(video)) {
        const block = decodeBlock(tier, place, bytes);
        if (block) counts.timeline.restore(block);
      }
    }
    this.#hold(video, counts);
    return counts;
  }

  #hold(video: VideoId, counts: CommentCounts): void {
    this.#release(video);
    const bytes = counts.timeline.weight;
    this.#held.set(video, { counts, bytes });
    this.#heldBytes += bytes;
    for (const quietest of this.#held.keys()) {
      const fits = this.#heldBytes <= limits.fileCountsHeldBytesMax;
      if (fits && this.#held.size <= limits.fileCountsHeldMax) break;
      this.#release(quietest);
    }
  }

  #release(video: VideoId): void {
    this.#heldBytes -= this.#held.get(video)?.bytes ?? 0;
    this.#held.delete(video);
  }

  #place(): number {
    this.#upTo ??= Number(this.#parts.statements.metaGet.get(countedKey)?.value ?? 0);
    return this.#upTo;
  }
}
