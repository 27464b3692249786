/**
 * What a SQLite ledger writes down of its timelines, in the same transaction as its totals: the head of each
 * video that changed, and those of its blocks that did.
 *
 * Series are numbers in blocks and names in `meta`; names are only ever added. What a transaction that failed
 * should have written is written by the next one: nothing is taken for written before `done`.
 */
import type { VideoId } from "../core/interaction.ts";
import type { Totals } from "../core/totals.ts";
import { decodeJson } from "../core/wire.ts";
import type { Statements } from "./schema.ts";
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

  /** Puts what was written into new timelines, and makes them agree with the totals there are. */
  read(totals: ReadonlyMap<VideoId, Totals>): void {
    const s = this.#statements;
    const timelines = this.#timelines;
    const known = decodeJson(new TextEncoder().encode(String(s.metaGet.get(namesKey)?.value)))?.names;
    for (const name of Array.isArray(known) ? known : []) timelines.series(String(name));
    this.#namesWritten = timelines.names.length;
    for (const { video, head } of s.timelinesAll.all()) {
      const counts = totals.get(video)?.counts;
      const timeline = counts && decodeHead(head);
      if (!timeline) continue;
      for (const { tier, place, block: bytes } of s.blocksOf.iterate(video)) {
        const block = decodeBlock(tier, place, bytes);
        if (block) timeline.restore(block);
      }
      timelines.restore(video, timeline);
      timelines.reconcile(video, counts);
    }
    timelines.trackGone();
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
