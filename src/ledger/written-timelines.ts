/**
 * What a SQLite ledger writes down of its timelines, in the same transaction as its totals: the head of each
 * video that changed, and those of its blocks that did.
 *
 * Series are numbers in blocks and names in `meta`; names are only ever added. What a transaction that failed
 * should have written is written by the next one: nothing is taken for written before `done`.
 */
import type { VideoId } from "../core/interaction.ts";
import type { Counts, Totals } from "../core/totals.ts";
import { decodeJson } from "../core/wire.ts";
import type { Statements } from "./schema.ts";
import type { Timeline } from "./timeline.ts";
import { decodeBlock, decodeHead, encodeBlock, encodeHead } from "./timeline-bytes.ts";
import type { Timelines } from "./timelines.ts";

export const namesKey = "timelineSeries";

export class WrittenTimelines {
  readonly #statements: Statements;
  readonly #timelines: Timelines;
  #namesWritten = 0;

  constructor(statements: Statements, timelines: Timelines) {
    this.#statements = statements;
    this.#timelines = timelines;
  }

  /**
   * Puts what was written into new timelines, and makes them agree with the totals there are; `isAll`: with
   * those of videos that have left memory.
   */
  read(totals: ReadonlyMap<VideoId, Totals>, isAll: boolean): void {
    const s = this.#statements;
    const timelines = this.#timelines;
    const known = decodeJson(new TextEncoder().encode(String(s.metaGet.get(namesKey)?.value)))?.names;
    for (const name of Array.isArray(known) ? known : []) timelines.series(String(name));
    this.#namesWritten = timelines.names.length;
    // One walk over all blocks beside one over all heads: a question per video takes as long as the rest.
    const blocks = s.blocksAll.iterate()[Symbol.iterator]();
    let next = blocks.next().value;
    for (const { video, head } of isAll ? s.timelinesAll.iterate() : s.timelinesHere.iterate()) {
      const counts = totals.get(video)?.counts;
      const timeline = counts && decodeHead(head);
      for (; next && next.video <= video; next = blocks.next().value) {
        if (next.video === video && timeline) putBack(timeline, next);
      }
      if (!timeline) continue;
      timelines.reconcile(timeline, counts);
      timelines.restore(video, timeline);
    }
    // Those of videos that have left memory may be left: a walk that is not ended would hold the file.
    blocks.return?.();
    timelines.trackGone();
  }

  /** What was written of a video that has left memory. */
  kept(video: VideoId, counts: Counts): Timeline | undefined {
    const row = this.#statements.timelineOf.get(video);
    return row ? this.#read(video, row.head, counts) : undefined;
  }

  #read(video: VideoId, head: Uint8Array, counts: Counts): Timeline | undefined {
    const timeline = decodeHead(head);
    if (!timeline) return undefined;
    for (const row of this.#statements.blocksOf.iterate(video)) putBack(timeline, row);
    this.#timelines.reconcile(timeline, counts);
    return timeline;
  }

  /** Writes down what has changed of `videos`. */
  write(videos: Iterable<VideoId>): void {
    const s = this.#statements;
    const { names, gone = [], videos: all } = this.#timelines;
    if (names.length > this.#namesWritten) s.metaPut.run(namesKey, JSON.stringify({ names }));
    for (const video of gone) {
      s.timelineDrop.run(video);
      s.blocksDrop.run(video);
    }
    for (const video of videos) {
      const timeline = all.get(video);
      if (!timeline) continue;
      s.timelinePut.run(video, encodeHead(timeline));
      for (const { tier, index } of timeline.gone ?? []) s.blockDrop.run(video, tier, index);
      for (const block of timeline.blocks()) {
        if (block.dirty) s.blockPut.run(video, block.tier, block.index, encodeBlock(block));
      }
    }
  }

  /** What was written of `videos` is durable. */
  done(videos: Iterable<VideoId>): void {
    this.#namesWritten = this.#timelines.names.length;
    if (this.#timelines.gone) this.#timelines.gone = [];
    for (const video of videos) {
      const timeline = this.#timelines.videos.get(video);
      if (!timeline) continue;
      if (timeline.gone) timeline.gone = [];
      for (const block of timeline.blocks()) block.dirty = false;
    }
  }
}

function putBack(timeline: Timeline, row: { tier: number; place: number; block: Uint8Array }): void {
  const block = decodeBlock(row.tier, row.place, row.block);
  if (block) timeline.restore(block);
}
