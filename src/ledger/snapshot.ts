/**
 * A snapshot of a fold in bytes: who reads it and the log behind it goes on as one who folded the whole log.
 *
 * Totals need all of the log and are small; keys need only the last window, and are many. Both are here, so
 * that a log may end where a snapshot was taken; and so is, with one like per viewer, who likes what. Not
 * here: timelines and what was deleted, whose bytes stand beside these so that nodes of before read them as
 * ever (timeline-bytes.ts, lives.ts), and where snapshots are kept.
 *
 * Layout, little-endian: u8 version (1) · f64 log time · u16 kinds · texts · u32 videos · per video: text ·
 * f64 version · u16 n · n × (u16 kind, f64 count) · u32 keys · n × (u32 hi, u32 lo, u32 age in ms); a text
 * is u16 length + UTF-8. With one like per viewer the version is 2, and behind it all: u32 n · n × (u32 hi,
 * u32 lo). Once idle videos are forgotten (idle.ts) the version is 3, and behind it all: f64 since when · f64
 * latest change · f64 highest version forgotten · u32 n · n × f64 changes of the last n videos, which stand
 * in that order. Once videos have left memory (away.ts) there is a u8 4 before it all, and behind it all: u32
 * n · n × blob of ids (id-set.ts) · u32 n · n × text, those of them that are back · f64 by how much versions
 * have jumped.
 */
import type { Clock } from "../base/clock.ts";
import { isVideoId, type VideoId } from "../core/interaction.ts";
import { emptyCounts, type Totals } from "../core/totals.ts";
import type { Away } from "./away.ts";
import { Reader, Writer } from "./bytes.ts";
import { Fold, type FoldOptions } from "./fold.ts";
import { IdSet } from "./id-set.ts";
import type { Idle } from "./idle.ts";
import { encodeLives, type Lives, readLives, restoreOwners } from "./lives.ts";
import type { Members } from "./members.ts";
import { nobody } from "./owners.ts";
import { encodeTimelines, readTimelines } from "./timeline-bytes.ts";

const snapshotVersion = 1;
const onceVersion = 2;
const idleVersion = 3;
const awayVersion = 4;
const headBytes = 1 + 8 + 2;
const videoBytes = 2 + 8 + 2;
const countBytes = 2 + 8;
const keyBytes = 12;
const memberBytes = 8;
const idleHeadBytes = 3 * 8 + 4;
/** Videos, keys or members that are read on one turn. */
const sliceMax = 10_000;

/** The bytes of `fold` as it is now, versions `raise` higher. */
export function encodeFold(fold: Fold, raise = 0): Uint8Array {
  const kinds = new Map<string, number>();
  let size = headBytes + 4 + 4 + keyBytes * fold.keys.size;
  if (fold.members) size += 4 + memberBytes * fold.members.size;
  if (fold.idle.begun) size += idleHeadBytes;
  size += awayBytes(fold.away);
  for (const [video, { counts }] of fold.videos) {
    size += videoBytes + video.length;
    if (fold.idle.changedMs(video) !== undefined) size += 8;
    for (const kind in counts) {
      size += countBytes;
      if (kinds.has(kind)) continue;
      kinds.set(kind, kinds.size);
      size += 2 + 3 * kind.length;
    }
  }
  const writer = new Writer(size);
  if (fold.away.ids.size > 0) writer.u8(awayVersion);
  writer.u8(versionOf(fold));
  writer.f64(fold.logMs);
  writer.u16(kinds.size);
  for (const kind of kinds.keys()) writer.text(kind);
  writer.u32(fold.videos.size);
  for (const [video, { version, counts }] of inOrder(fold)) {
    writer.text(video);
    writer.f64(version + raise);
    const present = Object.keys(counts);
    writer.u16(present.length);
    for (const kind of present) {
      writer.u16(kinds.get(kind) as number);
      writer.f64(counts[kind] as number);
    }
  }
  const countAt = writer.u32(0);
  let count = 0;
  fold.keys.each(fold.logMs, (hi, lo, seenMs) => {
    writer.u32(hi);
    writer.u32(lo);
    writer.u32(Math.floor(fold.logMs) - seenMs);
    count++;
  });
  if (fold.members) writeMembers(writer, fold.members);
  writer.bytes(countAt, count);
  if (fold.idle.begun) writeIdle(writer, fold.idle, raise);
  if (fold.away.ids.size > 0) writeAway(writer, fold.away, raise);
  return writer.written;
}

/** What `writeAway` takes, and the byte before it all. */
function awayBytes({ ids, back }: Away): number {
  let size = 1 + 4 + 4 + 8;
  for (const page of ids.pages()) size += 4 + page.length;
  for (const video of back) size += 2 + video.length;
  return size;
}

function writeAway(writer: Writer, { ids, back, raised }: Away, raise: number): void {
  const pages = ids.pages();
  writer.u32(pages.length);
  for (const page of pages) writer.blob(page);
  writer.u32(back.size);
  for (const video of back) writer.text(video);
  writer.f64(raised + raise);
}

/** In one turn: a million take some 0.1 s. */
function readAway(reader: Reader, { away }: Fold): boolean {
  const ids = IdSet.read(Array.from({ length: reader.u32() }, () => reader.blob()));
  const back = Array.from({ length: reader.u32() }, () => reader.text() as VideoId);
  const raised = reader.f64();
  if (!ids || !back.every((video) => ids.has(video)) || !Number.isSafeInteger(raised)) return false;
  away.restore(ids, back, raised);
  return true;
}

function versionOf({ members, idle }: Fold): number {
  if (members) return onceVersion;
  return idle.begun ? idleVersion : snapshotVersion;
}

/** All videos, those last that may be forgotten and were changed since that is noted, in that order. */
function* inOrder({ videos, idle }: Fold): Iterable<readonly [VideoId, Totals]> {
  for (const held of videos) if (idle.changedMs(held[0]) === undefined) yield held;
  for (const [video] of idle.entries()) {
    const totals = videos.get(video);
    if (totals) yield [video, totals];
  }
}

function writeIdle(writer: Writer, idle: Idle, raise: number): void {
  const { beganMs, lastMs, floor } = idle.mark;
  writer.f64(beganMs);
  writer.f64(lastMs);
  writer.f64(floor + raise);
  const countAt = writer.u32(0);
  let count = 0;
  for (const [, ms] of idle.entries()) {
    writer.f64(ms);
    count++;
  }
  writer.bytes(countAt, count);
}

function writeMembers(writer: Writer, members: Members): void {
  const countAt = writer.u32(0);
  let count = 0;
  members.each((hi, lo) => {
    writer.u32(hi);
    writer.u32(lo);
    count++;
  });
  writer.bytes(countAt, count);
}

/** What a snapshot is: the fold's bytes, those of its timelines, and those of what was deleted. */
export interface FoldBytes {
  readonly fold: Uint8Array;
  readonly timelines?: Uint8Array | undefined;
  readonly lives?: Uint8Array | undefined;
}

/** All of `fold` as it is now, versions `raise` higher. */
export function encodeWhole(fold: Fold, raise = 0): FoldBytes {
  const timelines = fold.timelines && encodeTimelines(fold.timelines);
  return { fold: encodeFold(fold, raise), timelines, lives: encodeLives(fold, raise) };
}

/**
 * The fold in `bytes`, or undefined when they are not a snapshot: it may have been written by others.
 * Timelines beside them that are none are left out: then reactions have no place in time.
 */
export function decodeFold(bytes: Uint8Array, options: FoldOptions): Fold | undefined {
  return decodeWhole({ fold: bytes }, options);
}

/** As `decodeFold`, with what stands beside. */
export function decodeWhole(bytes: FoldBytes, options: FoldOptions): Fold | undefined {
  const reading = readSafely(bytes, options);
  for (;;) {
    const slice = reading.next();
    if (slice.done) return slice.value;
  }
}

/** As `decodeFold`, a slice a turn of the event loop: a snapshot may hold millions of keys. */
export async function decodeFoldInTurns(
  bytes: FoldBytes,
  options: FoldOptions,
  clock: Pick<Clock, "soon">,
): Promise<Fold | undefined> {
  const reading = readSafely(bytes, options);
  for (;;) {
    const slice = reading.next();
    if (slice.done) return slice.value;
    await new Promise<void>((resolve) => clock.soon(resolve));
  }
}

type Reading = Generator<undefined, Fold | undefined>;

function* readSafely({ fold: bytes, timelines, lives }: FoldBytes, options: FoldOptions): Reading {
  try {
    const told = lives && lives.length > 0 ? readLives(lives) : undefined;
    const fold = yield* readFold(new Reader(bytes), options, told);
    if (fold?.timelines && timelines) yield* readTimelines(timelines, fold.timelines, fold.videos);
    return fold;
  } catch {
    // RangeError of a cut snapshot or TypeError of bad UTF-8: not a snapshot, whatever it is.
    return undefined;
  }
}

/** Gives the turn back after every so many videos, keys or members. */
function* readFold(reader: Reader, options: FoldOptions, lives: Lives | undefined): Reading {
  const outer = reader.u8();
  const format = outer === awayVersion ? reader.u8() : outer;
  const once = options.onceMax !== undefined;
  if (once ? format !== onceVersion : format !== snapshotVersion && format !== idleVersion) return undefined;
  const logMs = reader.f64();
  if (!Number.isFinite(logMs) || logMs < 0) return undefined;
  const fold = new Fold(options);
  const kinds = Array.from({ length: reader.u16() }, () => reader.text());
  for (let left = reader.u32(); left > 0; left--) {
    if (left % sliceMax === 0) yield;
    const video = reader.text();
    const version = reader.f64();
    const counts = emptyCounts();
    for (let n = reader.u16(); n > 0; n--) {
      const kind = kinds[reader.u16()];
      const count = reader.f64();
      if (kind === undefined || !Number.isSafeInteger(count) || count < 0) return undefined;
      counts[kind] = count;
    }
    if (!isVideoId(video) || !Number.isSafeInteger(version) || version < 1) return undefined;
    fold.restore(video as VideoId, { version, counts });
  }
  const lastMs = Math.floor(logMs);
  for (let left = reader.u32(); left > 0; left--) {
    if (left % sliceMax === 0) yield;
    fold.keys.add(reader.u32(), reader.u32(), lastMs - reader.u32());
  }
  const { members } = fold;
  for (let left = members ? reader.u32() : 0, i = 0; left > 0; left--, i++) {
    if (left % sliceMax === 0) yield;
    members?.add(reader.u32(), reader.u32(), lives?.owners[i] ?? nobody);
  }
  restoreOwners(fold, lives);
  if (format === idleVersion && !readIdle(reader, fold)) return undefined;
  if (outer === awayVersion && !readAway(reader, fold)) return undefined;
  if (!reader.atEnd) return undefined;
  fold.resume(logMs);
  return fold;
}

/** In one turn, as it is rare: a fold that is more than half full of videos. */
function readIdle(reader: Reader, fold: Fold): boolean {
  const from = { beganMs: reader.f64(), lastMs: reader.f64(), floor: reader.f64() };
  const changes = Array.from({ length: reader.u32() }, () => reader.f64());
  const videos = [...fold.videos.keys()].slice(Math.max(0, fold.videos.size - changes.length));
  const isPlausible = [from.beganMs, from.lastMs, ...changes].every((ms) => Number.isFinite(ms) && ms >= 0);
  if (!isPlausible || !Number.isSafeInteger(from.floor) || changes.length > videos.length) return false;
  fold.idle.resume(
    from,
    videos.map((video, i) => [video, changes[i] ?? 0] as const),
  );
  return true;
}
