/**
 * Timelines as bytes: all of a fold's, for its snapshot, or one video's head and one block, for a table.
 *
 * In a snapshot they stand beside the bytes of the fold. Nodes of before neither write nor read them: who
 * begins with a snapshot of theirs has every reaction up to there without its place in time, and counts on.
 * Held by timeline-bytes.test.ts.
 *
 * Layout, little-endian: u8 version (1) · u16 series · texts · u32 videos · per video: text · head · u16 n ·
 * n × (u8 tier, u32 index, blob). A head is f64 log time · u16 n · n × (u8 series, f64 count) · u16 n · n ×
 * f64 of the skew; a block's blob is f64 log time of its birth and its sealed bytes.
 */
import { isVideoId, type VideoId } from "../core/interaction.ts";
import type { Totals } from "../core/totals.ts";
import { Reader, Writer } from "./bytes.ts";
import { Skew } from "./skew.ts";
import { Timeline, tierSteps } from "./timeline.ts";
import { Block } from "./timeline-block.ts";
import type { Timelines } from "./timelines.ts";

const version = 1;
/** Blocks that are read on one turn. */
const sliceMax = 500;
const seriesMax = 255;

/** The bytes of all timelines as they are now. */
export function encodeTimelines(timelines: Pick<Timelines, "names" | "videos">): Uint8Array {
  const { names, videos } = timelines;
  let size = 1 + 2 + 4;
  for (const name of names) size += 2 + name.length;
  const parts: { video: VideoId; head: Uint8Array; blocks: EncodedBlocks }[] = [];
  for (const [video, timeline] of videos) {
    const head = encodeHead(timeline);
    const blocks = encodedBlocks(timeline);
    size += 2 + video.length + 4 + head.length + sizeOfBlocks(blocks);
    parts.push({ video, head, blocks });
  }
  const writer = new Writer(size);
  writer.u8(version);
  writer.u16(names.length);
  for (const name of names) writer.text(name);
  writer.u32(parts.length);
  for (const { video, head, blocks } of parts) {
    writer.text(video);
    writer.blob(head);
    writeBlocks(writer, blocks);
  }
  return writer.written;
}

/** The blocks of a timeline beside their bytes. */
type EncodedBlocks = readonly (readonly [Block, Uint8Array])[];

export function encodedBlocks(timeline: Pick<Timeline, "blocks">): EncodedBlocks {
  return [...timeline.blocks()].map((block) => [block, encodeBlock(block)] as const);
}

/** Bytes that `writeBlocks` writes. */
export function sizeOfBlocks(blocks: EncodedBlocks): number {
  return blocks.reduce((size, [, bytes]) => size + 1 + 4 + 4 + bytes.length, 2);
}

/** u16 n · n × (u8 tier, u32 index, blob). */
export function writeBlocks(writer: Writer, blocks: EncodedBlocks): void {
  writer.u16(blocks.length);
  for (const [{ tier, index }, bytes] of blocks) {
    writer.u8(tier);
    writer.u32(index);
    writer.blob(bytes);
  }
}

/**
 * Puts the timelines in `bytes` into empty ones, and makes them agree with the totals; gives the turn back
 * now and then. Unless it `reconciles`, they are left as they are. Puts back as many as can be read, should
 * `bytes` be cut or be something else.
 */
export function* readTimelines(
  bytes: Uint8Array,
  timelines: Timelines,
  totals: ReadonlyMap<VideoId, Totals>,
  reconciles = true,
): Generator<undefined, void> {
  const reader = new Reader(bytes);
  try {
    if (reader.u8() !== version) return;
    for (let left = reader.u16(); left > 0; left--) timelines.series(reader.text());
    let read = 0;
    for (let left = reader.u32(); left > 0; left--) {
      const video = reader.text();
      const timeline = decodeHead(reader.blob());
      for (let blocks = reader.u16(); blocks > 0; blocks--) {
        const [tier, index] = [reader.u8(), reader.u32()];
        const block = decodeBlock(tier, index, reader.blob());
        if (timeline && block && known(block, timelines)) timeline.restore(block);
        if (++read % sliceMax === 0) yield;
      }
      const counts = isVideoId(video) ? totals.get(video)?.counts : undefined;
      if (!timeline || !counts) continue;
      timelines.restore(video as VideoId, timeline);
      if (reconciles) timelines.reconcile(timeline, counts);
    }
  } catch (error) {
    if (!(error instanceof RangeError || error instanceof TypeError)) throw error;
    // What is cut, or bad UTF-8: the totals hold all the same, without their place in time.
  }
}

/** What stands at the head of a timeline. */
export function encodeHead({ logMs, before, skew }: Timeline): Uint8Array {
  const flat = skew?.flat() ?? [];
  const writer = new Writer(8 + 2 + 9 * before.size + 2 + 8 * flat.length);
  writer.f64(logMs);
  writer.u16(before.size);
  for (const [series, count] of before) {
    writer.u8(series);
    writer.f64(count);
  }
  writer.u16(flat.length);
  for (const value of flat) writer.f64(value);
  return writer.written;
}

/** The timeline of such a head, without blocks; undefined when it is none. */
export function decodeHead(bytes: Uint8Array): Timeline | undefined {
  try {
    return readHead(bytes);
  } catch {
    // RangeError of what is cut: not a head, whatever it is.
    return undefined;
  }
}

function readHead(bytes: Uint8Array): Timeline | undefined {
  const reader = new Reader(bytes);
  const logMs = reader.f64();
  const timeline = new Timeline(Number.isFinite(logMs) ? logMs : 0);
  for (let left = reader.u16(); left > 0; left--) {
    const [series, count] = [reader.u8(), reader.f64()];
    if (!Number.isSafeInteger(count) || series >= seriesMax) return undefined;
    timeline.before.set(series, count);
  }
  const flat = Array.from({ length: reader.u16() }, () => reader.f64());
  if (flat.some((value) => !Number.isFinite(value)) || !reader.atEnd) return undefined;
  if (flat.length > 0) timeline.skew = Skew.of(flat);
  return timeline;
}

/** A block beside its tier and its index. */
export function encodeBlock(block: Block): Uint8Array {
  const sealed = block.bytes();
  const bytes = new Uint8Array(8 + sealed.length);
  new DataView(bytes.buffer).setFloat64(0, block.bornMs, true);
  bytes.set(sealed, 8);
  return bytes;
}

const born = new Uint8Array(8);
const bornView = new DataView(born.buffer);

/** The block of these bytes; undefined when they are none. */
export function decodeBlock(tier: number, index: number, bytes: Uint8Array): Block | undefined {
  if (tier >= tierSteps.length || bytes.length < 8) return undefined;
  // A copy: who asks such small bytes for their buffer has one made for them, and keeps both.
  for (let at = 0; at < 8; at++) born[at] = bytes[at] as number;
  const bornMs = bornView.getFloat64(0, true);
  return Number.isFinite(bornMs) ? Block.of(tier, index, bornMs, bytes.slice(8)) : undefined;
}

/** Whether each of its series has a name. */
function known(block: Block, { names }: Timelines): boolean {
  let highest = -1;
  block.each((series) => {
    highest = Math.max(highest, series);
  });
  return highest < names.length;
}
