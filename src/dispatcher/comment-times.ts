/**
 * When each comment of a video's history belongs: read once, then only what is new of it.
 *
 * A comment's place in the order is when it came, its place in the video is what its writer saw, so whoever
 * looks for those of one minute has to look at all of them. Their times are held for the videos asked for
 * last, their texts are read when they are wanted. Held by times.test.ts.
 */
import type { Clock } from "../base/clock.ts";
import { type CommentEntry, type Entry, isClearing } from "../core/entry.ts";
import type { VideoId } from "../core/interaction.ts";
import { limits } from "../core/limits.ts";
import type { Lineage } from "../core/lineage.ts";
import { dateOf } from "../ledger/comment-counts.ts";
import type { Ledger } from "../ledger/ledger.ts";

/** A comment and when it belongs, Unix ms in the stream's clock. */
export interface Dated {
  readonly seq: number;
  readonly atMs: number;
}

interface Known {
  readonly lineage: Lineage;
  /** In the order of the video. */
  comments: Dated[];
  /** The same, no more of them at one moment than a page can hold. */
  apart: readonly Dated[];
  /** Behind it nothing has been read yet. */
  last: number;
  /** Whether comments before the first of these have been forgotten. */
  cut: boolean;
  /** The place at which all before were removed; 0: none were. */
  cleared: number;
}

/** What is left of a video's comments. */
export type Left = Readonly<Pick<Known, "apart" | "last" | "cut" | "cleared">>;

/** `comments`, in order, those too many for their millisecond moved into the ones behind it. */
function spread(comments: readonly Dated[]): readonly Dated[] {
  let atMs = -1;
  let together = 0;
  let isAsItWas = true;
  const apart = comments.map((one) => {
    if (one.atMs > atMs) [atMs, together] = [one.atMs, 0];
    else if (together === limits.commentsTogetherMax) [atMs, together] = [atMs + 1, 0];
    together++;
    if (one.atMs === atMs) return one;
    isAsItWas = false;
    return { seq: one.seq, atMs };
  });
  return isAsItWas ? comments : apart;
}

/** The first place in `comments`, which are in order, that is not before `atMs`. */
export function placeOf(comments: readonly Dated[], atMs: number): number {
  let low = 0;
  let high = comments.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((comments[middle] as Dated).atMs < atMs) low = middle + 1;
    else high = middle;
  }
  return low;
}

export class CommentTimes {
  readonly #ledger: Ledger;
  readonly #clock: Pick<Clock, "soon">;
  /** Asked for longest ago first. */
  readonly #known = new Map<VideoId, Known>();
  readonly #reading = new Map<VideoId, Promise<Known>>();

  constructor(ledger: Ledger, clock: Pick<Clock, "soon">) {
    this.#ledger = ledger;
    this.#clock = clock;
  }

  /** All comments of a video that are left. `skewMs`: for those that do not say what was seen. */
  async of(video: VideoId, skewMs: number): Promise<Left> {
    let reading = this.#reading.get(video);
    if (!reading) {
      reading = this.#read(video, skewMs).finally(() => this.#reading.delete(video));
      this.#reading.set(video, reading);
    }
    return reading;
  }

  /** The comments `wanted`, as they are now: those that were removed, or are gone, are not there. */
  async texts(video: VideoId, wanted: readonly Dated[]): Promise<Map<number, CommentEntry>> {
    const found = new Map<number, CommentEntry>();
    const seqs = wanted.map(({ seq }) => seq).sort((a, b) => a - b);
    const left = new Set(seqs);
    for (let next = 0; next < seqs.length; ) {
      const after = (seqs[next] as number) - 1;
      const { entries } = await this.#ledger.entries(video, after, limits.pageEntriesMax);
      const read = entries.at(-1)?.seq ?? Number.POSITIVE_INFINITY;
      for (const entry of entries) {
        if (entry.type === "comment" && left.has(entry.seq)) found.set(entry.seq, entry);
        if (entry.type === "retract") found.delete(entry.target);
      }
      while (next < seqs.length && (seqs[next] as number) <= read) next++;
    }
    return found;
  }

  async #read(video: VideoId, skewMs: number): Promise<Known> {
    const lineage = this.#ledger.lineage();
    let known = this.#known.get(video);
    if (known?.lineage !== lineage) {
      known = { lineage, comments: [], apart: [], last: 0, cut: false, cleared: 0 };
    }
    const before = known.last;
    for (;;) {
      const page = await this.#ledger.entries(video, known.last, limits.pageEntriesMax);
      if (page.floor > known.last) known.cut = true;
      take(known, page.entries, skewMs);
      if (!page.more || page.entries.length === 0) break;
      // A ledger may answer at once: of a long history each page has a turn of its own.
      await new Promise<void>((resolve) => this.#clock.soon(resolve));
    }
    // Nearly in order as they came, which a sort by stretches makes use of.
    if (known.last !== before) {
      known.comments.sort((a, b) => a.atMs - b.atMs || a.seq - b.seq);
      known.apart = spread(known.comments);
    }
    this.#known.delete(video);
    this.#known.set(video, known);
    let held = 0;
    for (const { comments } of this.#known.values()) held += comments.length;
    for (const [quietest, { comments }] of this.#known) {
      if (held <= limits.commentTimesMax || quietest === video) break;
      held -= comments.length;
      this.#known.delete(quietest);
    }
    return known;
  }
}

function take(known: Known, entries: readonly Entry[], skewMs: number): void {
  const removed = new Set<number>();
  for (const entry of entries) {
    if (isClearing(entry)) [known.comments, known.cleared, known.cut] = [[], entry.seq, false];
    else if (entry.type === "retract") removed.add(entry.target);
    else known.comments.push({ seq: entry.seq, atMs: dateOf(entry, skewMs) });
    known.last = entry.seq;
  }
  if (removed.size > 0) known.comments = known.comments.filter(({ seq }) => !removed.has(seq));
}
