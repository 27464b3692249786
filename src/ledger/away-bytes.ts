/**
 * One video that has left memory, as bytes: what a shared ledger keeps of it in a message of its own.
 *
 * It says where in which branch of the log it was taken, so that who has not folded so far yet counts nothing
 * of it twice. Series are numbers in blocks: their names stand beside them, as each dispatcher may have its
 * own numbers. Held by away-bytes.test.ts.
 *
 * Layout, little-endian: u8 version (1) · f64 place · text branch · f64 by how much versions had jumped · f64
 * version · u16 n · n × (text kind, f64 count) · a blob of its timeline (timeline-bytes.ts), empty for none.
 */
import { isVideoId, type VideoId } from "../core/interaction.ts";
import { emptyCounts } from "../core/totals.ts";
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
}

const version = 1;

/** `video` as `fold` has it at `place`. */
export function encodeStowed(fold: Fold, video: VideoId, { branch, upTo }: Place): Uint8Array {
  const totals = fold.totals(video);
  const timeline = fold.timelines?.videos.get(video);
  const names = fold.timelines?.names ?? [];
  const times = timeline
    ? encodeTimelines({ names, videos: new Map([[video, timeline]]) })
    : new Uint8Array(0);
  const kinds = Object.keys(totals.counts);
  const size = 1 + 8 + 2 + branch.length + 8 + 8 + 2 + kinds.length * (2 + 8 + 3 * 32) + 4 + times.length;
  const writer = new Writer(size);
  writer.u8(version);
  writer.f64(upTo);
  writer.text(branch);
  writer.f64(fold.away.raised);
  writer.f64(totals.version);
  writer.u16(kinds.length);
  for (const kind of kinds) {
    writer.text(kind);
    writer.f64(totals.counts[kind] as number);
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

function readStowed(reader: Reader, video: VideoId, fold: Fold): Stowed | undefined {
  if (reader.u8() !== version || !isVideoId(video)) return undefined;
  const [upTo, branch, raised, told] = [reader.f64(), reader.text(), reader.f64(), reader.f64()];
  const counts = emptyCounts();
  for (let left = reader.u16(); left > 0; left--) counts[reader.text()] = reader.f64();
  const times = reader.blob();
  const isWhole = [upTo, raised, told, ...Object.values(counts)].every(
    (n) => Number.isSafeInteger(n) && n >= 0,
  );
  if (!isWhole || !reader.atEnd) return undefined;
  // Versions have jumped since: it is told with one that is no lower than any told of it.
  const totals = { version: told === 0 ? 0 : told + Math.max(0, fold.away.raised - raised), counts };
  return {
    upTo,
    branch,
    raised,
    totals,
    timeline: fold.timelines && timelineOf(times, video, fold.timelines),
  };
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
