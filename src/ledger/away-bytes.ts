/**
 * One video that has left memory, as bytes: what a shared ledger keeps of it in a message of its own.
 *
 * It says where in which branch of the log it was taken, so that who has not folded so far yet counts nothing
 * of it twice. Series are numbers in blocks: their names stand beside them, as each dispatcher may have its
 * own numbers. Held by away-bytes.test.ts.
 *
 * It also says the highest version that was deleted or forgotten by then: the video may have been deleted,
 * and liked anew, between where that one is and here.
 *
 * Layout, little-endian: u8 version (1) · f64 place · text branch · f64 by how much versions had jumped · f64
 * highest version deleted · f64 version · u16 n · n × (text kind, f64 count) · a blob of its timeline
 * (timeline-bytes.ts), empty for none.
 */
import type { VideoId } from "../core/interaction.ts";
import { type Counts, emptyCounts } from "../core/totals.ts";
import type { Kept } from "./away.ts";
import { Reader, Writer } from "./bytes.ts";
import type { Fold } from "./fold.ts";
import { Timeline } from "./timeline.ts";
import { Block } from "./timeline-block.ts";
import { encodeTimelines, readTimelines } from "./timeline-bytes.ts";
import { Timelines, timelineDefault } from "./timelines.ts";

/** Where in the log it was as it is here. */
export interface Place {
  readonly branch: string;
  readonly upTo: number;
}

export interface Stowed extends Place, Kept {
  /** By how much versions had jumped then. */
  readonly raised: number;
  /** The highest version that was deleted or forgotten then, as versions are now. */
  readonly floor: number;
}

const version = 1;

/** What the bytes say, as it was then. */
interface Written extends Place {
  readonly raised: number;
  readonly floor: number;
  readonly version: number;
  readonly counts: Counts;
  readonly times: Uint8Array;
}

/** `video` as `fold` has it at `place`. */
export function encodeStowed(fold: Fold, video: VideoId, place: Place): Uint8Array {
  const totals = fold.totals(video);
  const timeline = fold.timelines?.videos.get(video);
  const names = fold.timelines?.names ?? [];
  const times = timeline
    ? encodeTimelines({ names, videos: new Map([[video, timeline]]) })
    : new Uint8Array(0);
  return encode({ ...place, ...totals, raised: fold.away.raised, floor: fold.idle.floor, times });
}

/**
 * The same bytes without what it came to: a deleted video keeps its version, which whoever folds the log from
 * before its deletion has to know.
 */
export function emptied(bytes: Uint8Array): Uint8Array | undefined {
  try {
    return encode({ ...read(new Reader(bytes)), counts: emptyCounts(), times: new Uint8Array(0) });
  } catch {
    return undefined;
  }
}

function encode({ upTo, branch, raised, floor, version: told, counts, times }: Written): Uint8Array {
  const kinds = Object.keys(counts);
  const size = 1 + 8 + 2 + branch.length + 8 + 8 + 8 + 2 + kinds.length * (2 + 8 + 3 * 32) + 4 + times.length;
  const writer = new Writer(size);
  writer.u8(version);
  writer.f64(upTo);
  writer.text(branch);
  writer.f64(raised);
  writer.f64(floor);
  writer.f64(told);
  writer.u16(kinds.length);
  for (const kind of kinds) {
    writer.text(kind);
    writer.f64(counts[kind] as number);
  }
  writer.blob(times);
  return writer.written;
}

/** What `encodeStowed` gave of `video`, for `fold`; undefined for anything else. */
export function decodeStowed(bytes: Uint8Array, video: VideoId, fold: Fold): Stowed | undefined {
  try {
    return readStowed(new Reader(bytes), video, fold);
  } catch {
    // RangeError of what is cut or TypeError of bad UTF-8: not such bytes, whatever they are.
    return undefined;
  }
}

function readStowed(reader: Reader, video: VideoId, fold: Fold): Stowed {
  const { upTo, branch, raised, floor, version: told, counts, times } = read(reader);
  // Versions have jumped since: it is told with one that is no lower than any told of it.
  const now = (then: number): number => (then === 0 ? 0 : then + Math.max(0, fold.away.raised - raised));
  const totals = { version: now(told), counts };
  const timeline = fold.timelines && timelineOf(times, video, fold.timelines);
  return { upTo, branch, raised, floor: now(floor), totals, timeline };
}

/** Throws RangeError for what is none. */
function read(reader: Reader): Written {
  if (reader.u8() !== version) throw new RangeError("of another version");
  const [upTo, branch, raised] = [reader.f64(), reader.text(), reader.f64()];
  const [floor, told] = [reader.f64(), reader.f64()];
  const counts = emptyCounts();
  for (let left = reader.u16(); left > 0; left--) counts[reader.text()] = reader.f64();
  const times = reader.blob();
  const all = [upTo, raised, floor, told, ...Object.values(counts)];
  if (!all.every((n) => Number.isSafeInteger(n) && n >= 0) || !reader.atEnd) throw new RangeError("cut");
  return { upTo, branch, raised, floor, version: told, counts, times };
}

function timelineOf(bytes: Uint8Array, video: VideoId, into: Timelines): Timeline | undefined {
  if (bytes.length === 0) return undefined;
  const own = new Timelines(timelineDefault);
  const nothing = new Map([[video, { version: 1, counts: emptyCounts() }]]);
  for (const _ of readTimelines(bytes, own, nothing, false));
  const timeline = own.videos.get(video);
  return timeline && renamed(timeline, own.names, into);
}

/** `timeline` with the numbers that its series have in `into`. */
function renamed(timeline: Timeline, names: readonly string[], into: Timelines): Timeline {
  const numbers = names.map((name) => into.series(name));
  if (numbers.every((number, i) => number === i)) return timeline;
  const same = new Timeline(timeline.logMs);
  same.skew = timeline.skew;
  for (const [series, count] of timeline.before) {
    const number = numbers[series];
    if (number !== undefined) same.before.set(number, count);
  }
  for (const block of timeline.blocks()) {
    const copy = new Block(block.tier, block.index, block.bornMs);
    block.each((series, slot, count) => {
      const number = numbers[series];
      if (number !== undefined) copy.add(number, slot, count);
    });
    copy.seal();
    same.restore(copy);
  }
  return same;
}
