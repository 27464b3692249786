/**
 * What a fold knows of videos that were deleted, in bytes beside those of its snapshot: nodes of before read
 * the snapshot as ever, and what they do not know of is only what was deleted.
 *
 * The highest version that was ever forgotten or deleted, and with one like per viewer whose each member is
 * (owners.ts), in the order in which the snapshot has them. Held by fold-delete.test.ts.
 *
 * Layout, little-endian: u8 version (1) · f64 highest version · u32 videos that had members without a number
 * · u32 videos · n × text · u32 members · n × u32 place of its video among those, from 1 on; 0: no number.
 */
import { isVideoId, type VideoId } from "../core/interaction.ts";
import { Reader, Writer } from "./bytes.ts";
import type { Fold } from "./fold.ts";
import { nobody } from "./owners.ts";

const version = 1;
const headBytes = 1 + 8 + 4 + 4 + 4;

/** What was read. */
export interface Lives {
  readonly floor: number;
  readonly videos: readonly VideoId[];
  readonly legacy: number;
  /** By place in the snapshot. */
  readonly owners: readonly number[];
}

/** The bytes of what `fold` knows, versions `raise` higher; undefined: nothing that its snapshot lacks. */
export function encodeLives({ idle, owners, members }: Fold, raise = 0): Uint8Array | undefined {
  if (idle.floor === 0 && !members) return undefined;
  let size = headBytes + 4 * (members?.size ?? 0);
  for (const video of owners.numbers.keys()) size += 2 + video.length;
  const writer = new Writer(size);
  writer.u8(version);
  writer.f64(idle.floor === 0 ? 0 : idle.floor + raise);
  const inOrder = [...owners.numbers].sort(([, a], [, b]) => a - b);
  writer.u32(inOrder.filter(([, number]) => number <= owners.legacy).length);
  writer.u32(inOrder.length);
  const places = new Map<number, number>([[nobody, 0]]);
  for (const [video, number] of inOrder) {
    writer.text(video);
    places.set(number, places.size);
  }
  const countAt = writer.u32(0);
  let count = 0;
  members?.each((_hi, _lo, owner) => {
    writer.u32(places.get(owner) ?? 0);
    count++;
  });
  return writer.bytes(countAt, count);
}

/** What stands in `bytes`; undefined when it is none. Throws RangeError or TypeError when it is cut. */
export function readLives(bytes: Uint8Array): Lives | undefined {
  const reader = new Reader(bytes);
  if (reader.u8() !== version) return undefined;
  const floor = reader.f64();
  const legacy = reader.u32();
  const count = reader.u32();
  const videos: VideoId[] = [];
  for (let left = count; left > 0; left--) {
    const video = reader.text();
    if (!isVideoId(video)) return undefined;
    videos.push(video);
  }
  const owners: number[] = [];
  for (let left = reader.u32(); left > 0; left--) owners.push(reader.u32());
  const isPlausible = Number.isSafeInteger(floor) && floor >= 0 && legacy <= count && reader.atEnd;
  return isPlausible && owners.every((owner) => owner <= count)
    ? { floor, videos, legacy, owners }
    : undefined;
}

/** Puts back into a new fold whose its members are; `lives` undefined: they carry no number. */
export function restoreOwners({ owners, members, idle, videos }: Fold, lives: Lives | undefined): void {
  if (lives) idle.forgot(lives.floor);
  if (!members) return;
  if (lives) {
    for (const [i, video] of lives.videos.entries()) owners.restore(video, i + 1);
    owners.legacy = lives.legacy;
  } else owners.adopt(videos.keys());
  members.legacy = owners.legacy;
}
