/**
 * How many comments of a video came when: counted once each, and kept when the comment itself is not.
 *
 * A comment counts from when it was accepted, whatever becomes of it: one that is removed, or older than the
 * history reaches, has been said all the same. Only with their video they go. Seconds become tens and minutes
 * with age, as those of likes do (timeline.ts), and in the end a number without a place. Held by
 * comment-counts.test.ts.
 *
 * Layout, little-endian: a head is f64 from when on all are counted, NaN: from the first · the head of a
 * timeline (timeline-bytes.ts). In one piece: u8 version (1) · text branches · f64 place · blob head · u16 n
 * · n × (u8 tier, u32 index, blob).
 */
import { type CommentEntry, type Entry, isClearing, type RetractEntry } from "../core/entry.ts";
import { limits } from "../core/limits.ts";
import { Reader, Writer } from "./bytes.ts";
import { type Ages, type Stretch, Timeline } from "./timeline.ts";
import {
  decodeBlock,
  decodeHead,
  encodedBlocks,
  encodeHead,
  sizeOfBlocks,
  writeBlocks,
} from "./timeline-bytes.ts";

/** What a ledger tells of a video's comments at one moment. */
export interface Counted {
  /** Undefined: none has been counted, and all there are stand behind `upTo`. */
  readonly counts: CommentCounts | undefined;
  /** Those up to this place are counted, those behind it are not; a removal of all behind it is of these. */
  readonly upTo: number;
}

export const nothingCounted: Counted = { counts: undefined, upTo: 0 };

/** There is but one. */
const series = 0;
/** Seconds behind 1970 that a block can be told of. */
const secondMax = 300 * 2 ** 30;
const version = 1;

/** When a comment belongs: what its writer saw, which all have that came since that is known at all. */
export function dateOf({ mediaMs, atMs }: Pick<CommentEntry, "mediaMs" | "atMs">, skewMs: number): number {
  return Math.max(0, Math.floor(mediaMs ?? atMs - skewMs));
}

export class CommentCounts {
  readonly timeline: Timeline;
  /** From when on all are counted, Unix ms; undefined: from the first. */
  readonly fromMs: number | undefined;

  constructor(fromMs?: number, timeline: Timeline = new Timeline(0)) {
    this.fromMs = fromMs;
    this.timeline = timeline;
  }

  /** Counts one that belongs to `dateMs`, at `logMs`, by which it ages; true: more than its block changed. */
  add(dateMs: number, logMs: number, ages: Ages): boolean {
    const { timeline } = this;
    const atS = Math.floor(dateMs / 1000);
    timeline.logMs = Math.max(timeline.logMs, logMs);
    if (!(atS >= 0 && atS < secondMax)) {
      timeline.before.set(series, this.before + 1);
      return true;
    }
    if (!timeline.add(series, atS, 1, timeline.logMs)) return false;
    timeline.age(ages, timeline.logMs, () => "", limits.commentCountsBytesMax);
    return true;
  }

  /** Those without a place in time. */
  get before(): number {
    return this.timeline.before.get(series) ?? 0;
  }

  /** All of them. */
  get sum(): number {
    let sum = 0;
    this.timeline.sum((_, count) => {
      sum += count;
    });
    return sum;
  }

  /** Those of a stretch, step by step. */
  read(stretch: Stretch): readonly number[] {
    const points = Math.max(0, Math.ceil((stretch.toS - stretch.fromS) / stretch.stepS));
    return this.timeline.read(stretch).get(series) ?? new Array<number>(points).fill(0);
  }
}

/** An entry, as far as it is counted. */
export type CountedEntry =
  | Pick<CommentEntry, "type" | "seq" | "atMs" | "mediaMs">
  | Pick<RetractEntry, "type" | "seq" | "target">;

export function strippedOf(entry: Entry): CountedEntry {
  if (entry.type === "retract") return { type: "retract", seq: entry.seq, target: entry.target };
  const { seq, atMs, mediaMs } = entry;
  return { type: "comment", seq, atMs, ...(mediaMs !== undefined && { mediaMs }) };
}

/** When entries are counted, and how; `gap`: the first of them follow some that were let go uncounted. */
export interface Counting {
  readonly logMs: number;
  readonly skewMs: number;
  readonly ages: Ages;
  readonly gap: boolean;
}

/** What was counted with these entries, which stand behind it in order; the counts are changed in place. */
export function withEntries(
  counted: Counted,
  entries: readonly CountedEntry[],
  { logMs, skewMs, ages, gap }: Counting,
): Counted {
  let { counts, upTo } = counted;
  let isBehindGap = gap;
  for (const entry of entries) {
    upTo = entry.seq;
    if (entry.type === "comment") {
      const dateMs = dateOf(entry, skewMs);
      if (isBehindGap || !counts) counts = new CommentCounts(isBehindGap ? dateMs : undefined);
      isBehindGap = false;
      counts.add(dateMs, logMs, ages);
    } else if (isClearing(entry)) {
      counts = undefined;
      isBehindGap = false;
    }
  }
  return { counts, upTo };
}

/** The head of `counts`. */
export function encodeCountsHead({ fromMs = Number.NaN, timeline }: CommentCounts): Uint8Array {
  const head = encodeHead(timeline);
  const bytes = new Uint8Array(8 + head.length);
  new DataView(bytes.buffer).setFloat64(0, fromMs, true);
  bytes.set(head, 8);
  return bytes;
}

/** The counts of such a head, without blocks; undefined when it is none. */
export function decodeCountsHead(bytes: Uint8Array): CommentCounts | undefined {
  if (bytes.length < 8) return undefined;
  const fromMs = new DataView(bytes.buffer, bytes.byteOffset).getFloat64(0, true);
  const timeline = decodeHead(bytes.slice(8));
  return timeline && new CommentCounts(Number.isNaN(fromMs) ? undefined : fromMs, timeline);
}

/** Counts in one piece, and how far they go. */
export interface KeptCounts {
  readonly counts: CommentCounts;
  readonly upTo: number;
  /** Names of the newest branches of the log that `upTo` is a place of, oldest first. */
  readonly branches: readonly string[];
}

export function encodeCounts({ counts, upTo, branches }: KeptCounts): Uint8Array {
  const head = encodeCountsHead(counts);
  const names = branches.join(" ");
  const blocks = encodedBlocks(counts.timeline);
  const writer = new Writer(1 + 2 + names.length + 8 + 4 + head.length + sizeOfBlocks(blocks));
  writer.u8(version);
  writer.text(names);
  writer.f64(upTo);
  writer.blob(head);
  writeBlocks(writer, blocks);
  return writer.written;
}

/** What stands in `bytes`; undefined when it is none: a stream may be written by others. */
export function decodeCounts(bytes: Uint8Array): KeptCounts | undefined {
  try {
    return readCounts(new Reader(bytes));
  } catch {
    // RangeError of what is cut or TypeError of bad UTF-8: none of ours, whatever it is.
    return undefined;
  }
}

function readCounts(reader: Reader): KeptCounts | undefined {
  if (reader.u8() !== version) return undefined;
  const branches = reader.text().split(" ");
  const upTo = reader.f64();
  const counts = decodeCountsHead(reader.blob());
  if (!counts || !Number.isSafeInteger(upTo) || upTo < 0) return undefined;
  for (let left = reader.u16(); left > 0; left--) {
    const block = decodeBlock(reader.u8(), reader.u32(), reader.blob());
    if (!block) return undefined;
    counts.timeline.restore(block);
  }
  return reader.atEnd ? { counts, upTo, branches } : undefined;
}
