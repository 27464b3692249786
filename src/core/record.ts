/**
 * The record: what one commit writes into the log of likes, the same bytes in SQLite and in JetStream.
 *
 * A record merges at most ten milliseconds of likes into one group per video, kind and second of the
 * pictures that viewers saw. Likes without a key are only a sum; likes with one keep its 8-byte hash beside
 * their count, because the fold drops a hash it has seen within the window. So a record's size follows the
 * keys, not the taps. What was seen stands beside the bytes (whose.ts).
 *
 * Layout, little-endian: u8 version (1) · f64 atMs · u16 groups, then per group: text video · text kind · f64
 * loose · u32 n · n × (u32 hi, u32 lo, u8 count) · u8 m · m × (text user, u16 count); a text is u16 length +
 * UTF-8. With one like per viewer the version is 2, and in place of loose and keys stand u32 n · n changes
 * (once.ts). A record of version 3 or 4 holds no likes and says what becomes of those before it (acts.ts).
 */
import { assert } from "../base/assert.ts";
import { type Act, encodeAct, isActVersion, readAct } from "./acts.ts";
import { type Hash64, hash64 } from "./hash.ts";
import { isKind, isVideoId, type Kind, type Like, type VideoId } from "./interaction.ts";
import { limits } from "./limits.ts";
import { Changes, changesSize, hashMember, readChanges, writeChanges } from "./once.ts";
import { readWhose } from "./whose.ts";

/** Who liked: a decoration of a tick, never counted. */
export interface By {
  readonly user: string;
  readonly kind: string;
  readonly count: number;
}

export interface LikeGroup {
  readonly video: VideoId;
  readonly kind: Kind;
  /** Sum of the likes without a key. */
  loose: number;
  /** Key hashes and their counts, in order of arrival. */
  readonly hi: number[];
  readonly lo: number[];
  readonly counts: number[];
  readonly by: By[];
  /** With one like per viewer: all there is of likes in this group. */
  readonly once?: Changes;
  /** The second of the pictures that was seen, Unix seconds; undefined: nobody said so. */
  readonly mediaS?: number;
  /** How many of its likes were somebody's first for a while; undefined: nobody said so. See whose.ts. */
  people?: number;
}

export interface LikeRecord {
  /** When the oldest like was accepted, Unix ms. */
  readonly atMs: number;
  readonly groups: readonly LikeGroup[];
  /** What becomes of likes before it; then it has no groups. */
  readonly act?: Act;
}

/** Collects likes into a record: filled, taken, filled again. */
export class RecordBuilder {
  /** By kind, and by kind and second where a like says what was seen. */
  #groups = new Map<VideoId, Map<string, LikeGroup>>();
  #groupCount = 0;
  /** Keys, and changes of one like per viewer. */
  #keys = 0;
  #atMs = 0;
  readonly #hash: Hash64 = { hi: 0, lo: 0 };
  readonly #member: Hash64 = { hi: 0, lo: 0 };

  get empty(): boolean {
    return this.#groupCount === 0;
  }

  /** True when the next like belongs into another record. */
  get full(): boolean {
    return this.#keys >= limits.recordKeysMax || this.#groupCount >= recordGroupsMax;
  }

  /** Merges one like, accepted at `atMs`. */
  add(like: Like, atMs: number): void {
    if (this.#groupCount === 0) this.#atMs = atMs;
    const group = this.#group(like);
    if (!like.again && !like.unlike) group.people = (group.people ?? 0) + 1;
    if (like.viewer !== undefined) {
      this.#change(group, like, like.viewer);
    } else if (like.key === undefined) {
      group.loose += like.count;
    } else {
      hash64(like.video, like.key, this.#hash);
      group.hi.push(this.#hash.hi);
      group.lo.push(this.#hash.lo);
      group.counts.push(like.count);
      this.#keys++;
    }
    if (like.user !== undefined && !like.unlike && group.by.length < limits.bySizeMax) {
      group.by.push({ user: like.user, kind: like.kind, count: like.count });
    }
  }

  /** The record of all added since the last `take`; at least one like must have been added. */
  take(): LikeRecord {
    assert(this.#groupCount > 0, "a record holds at least one like");
    const groups: LikeGroup[] = [];
    for (const kinds of this.#groups.values()) for (const group of kinds.values()) groups.push(group);
    const record = { atMs: this.#atMs, groups };
    this.#groups = new Map();
    this.#groupCount = 0;
    this.#keys = 0;
    return record;
  }

  #change({ once }: LikeGroup, { video, kind, key, unlike }: Like, viewer: string): void {
    assert(once, "a record holds likes of one mode only");
    hashMember(video, kind, viewer, this.#member);
    if (key !== undefined) hash64(video, key, this.#hash);
    once.push(this.#member, unlike === true, key === undefined ? undefined : this.#hash);
    this.#keys++;
  }

  #group({ video, kind, viewer, mediaMs }: Like): LikeGroup {
    let kinds = this.#groups.get(video);
    if (!kinds) {
      kinds = new Map();
      this.#groups.set(video, kinds);
    }
    const mediaS = mediaMs === undefined ? undefined : Math.floor(mediaMs / 1000);
    const name = mediaS === undefined ? kind : `${kind}@${mediaS}`;
    let group = kinds.get(name);
    if (!group) {
      group = { video, kind, loose: 0, hi: [], lo: [], counts: [], by: [], people: 0 };
      if (viewer !== undefined) group = { ...group, once: new Changes() };
      if (mediaS !== undefined) group = { ...group, mediaS };
      kinds.set(name, group);
      this.#groupCount++;
    }
    return group;
  }
}

/** Groups of one record: with `bySizeMax` long names each they stay under NATS' 1 MB. */
const recordGroupsMax = 400;
const recordVersion = 1;
const onceVersion = 2;
/** UTF-16 units of a user name: a code point takes at most two. */
const userUnitsMax = 2 * limits.userCharsMax;
const encoder = new TextEncoder();
// A name may begin with U+FEFF, which is not ours to take away.
const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** The bytes of `record`. */
export function encodeRecord(record: LikeRecord): Uint8Array {
  if (record.act) return encodeAct(record.atMs, record.act);
  let size = 11;
  for (const g of record.groups) {
    size += 2 + g.video.length + 2 + g.kind.length + 8 + 4 + 9 * g.hi.length + 1;
    if (g.once) size += changesSize(g.once);
    for (const by of g.by) size += 4 + 3 * by.user.length;
  }
  const bytes = new Uint8Array(size);
  const view = new DataView(bytes.buffer);
  view.setUint8(0, record.groups[0]?.once ? onceVersion : recordVersion);
  view.setFloat64(1, record.atMs, true);
  view.setUint16(9, record.groups.length, true);
  let at = 11;
  const text = (value: string): void => {
    const { written } = encoder.encodeInto(value, bytes.subarray(at + 2));
    view.setUint16(at, written, true);
    at += 2 + written;
  };
  /** Ids and kinds are ASCII by their patterns: cheaper letter by letter than by a call into the runtime. */
  const ascii = (value: string): void => {
    view.setUint16(at, value.length, true);
    at += 2;
    for (let i = 0; i < value.length; i++) bytes[at++] = value.charCodeAt(i);
  };
  for (const g of record.groups) {
    ascii(g.video);
    ascii(g.kind);
    if (g.once) {
      view.setUint32(at, g.once.length, true);
      at = writeChanges(view, at + 4, g.once);
    } else at = writeKeys(view, at, g);
    view.setUint8(at++, g.by.length);
    for (const by of g.by) {
      text(by.user);
      view.setUint16(at, by.count, true);
      at += 2;
    }
  }
  return bytes.subarray(0, at);
}

function writeKeys(view: DataView, at: number, g: LikeGroup): number {
  view.setFloat64(at, g.loose, true);
  view.setUint32(at + 8, g.hi.length, true);
  let end = at + 12;
  for (let i = 0; i < g.hi.length; i++, end += 9) {
    view.setUint32(end, g.hi[i] as number, true);
    view.setUint32(end + 4, g.lo[i] as number, true);
    view.setUint8(end + 8, g.counts[i] as number);
  }
  return end;
}

/**
 * The record in `bytes`, or undefined when they are not one: a log may be written by others. `whose`: what
 * was written beside them.
 */
export function decodeRecord(bytes: Uint8Array, whose?: string): LikeRecord | undefined {
  try {
    return readRecord(bytes, whose);
  } catch {
    // RangeError of a cut record or TypeError of bad UTF-8: not a record, whatever it is.
    return undefined;
  }
}

function readRecord(bytes: Uint8Array, whose: string | undefined): LikeRecord | undefined {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const version = view.getUint8(0);
  if (isActVersion(version)) {
    const read = readAct(view, bytes);
    return read && { ...read, groups: [] };
  }
  if (version !== recordVersion && version !== onceVersion) return undefined;
  const atMs = view.getFloat64(1, true);
  const count = view.getUint16(9, true);
  if (!Number.isFinite(atMs) || count === 0) return undefined;
  let at = 11;
  const text = (): string => {
    const length = view.getUint16(at, true);
    if (at + 2 + length > bytes.length) throw new RangeError("cut");
    const value = decoder.decode(bytes.subarray(at + 2, at + 2 + length));
    at += 2 + length;
    return value;
  };
  const groups: LikeGroup[] = [];
  for (let g = 0; g < count; g++) {
    const video = text();
    const kind = text();
    if (!isVideoId(video) || !isKind(kind)) return undefined;
    const read = (version === onceVersion ? readOnce : readKeys)(view, at, video, kind);
    if (read === undefined) return undefined;
    const { group } = read;
    at = read.end;
    const names = view.getUint8(at++);
    if (names > limits.bySizeMax) return undefined;
    for (let i = 0; i < names; i++) {
      const user = text();
      if (user.length > userUnitsMax) return undefined;
      group.by.push({ user, kind, count: view.getUint16(at, true) });
      at += 2;
    }
    groups.push(group);
  }
  if (at !== bytes.length) return undefined;
  return { atMs, groups: whose === undefined ? groups : readWhose(atMs, groups, whose) };
}

interface ReadGroup {
  readonly group: LikeGroup;
  readonly end: number;
}

function readKeys(view: DataView, from: number, video: VideoId, kind: Kind): ReadGroup | undefined {
  const loose = view.getFloat64(from, true);
  const keys = view.getUint32(from + 8, true);
  let at = from + 12;
  if (!Number.isSafeInteger(loose) || loose < 0 || at + 9 * keys > view.byteLength) return undefined;
  const group: LikeGroup = { video, kind, loose, hi: [], lo: [], counts: [], by: [] };
  for (let i = 0; i < keys; i++, at += 9) {
    const likes = view.getUint8(at + 8);
    if (likes < 1 || likes > limits.likeCountMax) return undefined;
    group.hi.push(view.getUint32(at, true));
    group.lo.push(view.getUint32(at + 4, true));
    group.counts.push(likes);
  }
  return { group, end: at };
}

function readOnce(view: DataView, from: number, video: VideoId, kind: Kind): ReadGroup | undefined {
  const read = readChanges(view, from + 4, view.getUint32(from, true));
  if (read === undefined) return undefined;
  const none = { loose: 0, hi: [], lo: [], counts: [], by: [] };
  return { group: { video, kind, ...none, once: read.changes }, end: read.end };
}
