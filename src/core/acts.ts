/**
 * Acts: records of the log of likes that hold no likes, and say what becomes of those before them.
 *
 * A video is deleted: all its likes are gone, once for a key. A member is renamed, with one like per viewer:
 * the like stands, under a hash that tells nobody's name. Nodes of before pass over both. Held by
 * acts.test.ts.
 *
 * Layout, little-endian: u8 version (3: deleted, 4: renamed) · f64 atMs · text video · 2 or 4 × u32; a text
 * is u16 length + UTF-8.
 */
import { type Hash64, hash64 } from "./hash.ts";
import { isVideoId, type VideoId } from "./interaction.ts";

export interface Deleted {
  readonly type: "deleted";
  readonly video: VideoId;
  /** The hash of this deletion's key. */
  readonly key: Readonly<Hash64>;
}

export interface Renamed {
  readonly type: "renamed";
  readonly video: VideoId;
  /** A member (once.ts), and what it is called from here on. */
  readonly from: Readonly<Hash64>;
  readonly to: Readonly<Hash64>;
}

export type Act = Deleted | Renamed;

/** A record that is an act. */
export interface ActRecord {
  readonly atMs: number;
  readonly groups: readonly [];
  readonly act: Act;
}

const deletedVersion = 3;
const renamedVersion = 4;
const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { fatal: true });

/** The record that deletes `video` under `key`, which nothing else has. */
export function deletionOf(video: VideoId, key: string, atMs: number): ActRecord {
  const hash: Hash64 = { hi: 0, lo: 0 };
  // A key of a like holds no space: no viewer's key is this one.
  hash64(video, `deleted ${key}`, hash);
  return { atMs, groups: [], act: { type: "deleted", video, key: hash } };
}

/** The record that has the member `from` be called by a hash of `secret`, which nobody has. */
export function renamingOf(video: VideoId, from: Readonly<Hash64>, secret: string, atMs: number): ActRecord {
  const to: Hash64 = { hi: 0, lo: 0 };
  hash64(video, secret, to);
  return { atMs, groups: [], act: { type: "renamed", video, from: { ...from }, to } };
}

/** Whether a record of this version is an act. */
export function isActVersion(version: number): boolean {
  return version === deletedVersion || version === renamedVersion;
}

/** The bytes of an act. */
export function encodeAct(atMs: number, act: Act): Uint8Array {
  const { video } = act;
  const hashes = act.type === "deleted" ? [act.key] : [act.from, act.to];
  const bytes = new Uint8Array(11 + video.length + 8 * hashes.length);
  const view = new DataView(bytes.buffer);
  view.setUint8(0, act.type === "deleted" ? deletedVersion : renamedVersion);
  view.setFloat64(1, atMs, true);
  view.setUint16(9, video.length, true);
  encoder.encodeInto(video, bytes.subarray(11));
  let at = 11 + video.length;
  for (const { hi, lo } of hashes) {
    view.setUint32(at, hi, true);
    view.setUint32(at + 4, lo, true);
    at += 8;
  }
  return bytes;
}

/** The act in `bytes`; undefined when it is none. Throws RangeError or TypeError when it is cut. */
export function readAct(view: DataView, bytes: Uint8Array): Pick<ActRecord, "atMs" | "act"> | undefined {
  const atMs = view.getFloat64(1, true);
  const end = 11 + view.getUint16(9, true);
  const isDeletion = view.getUint8(0) === deletedVersion;
  if (!Number.isFinite(atMs) || bytes.length !== end + (isDeletion ? 8 : 16)) return undefined;
  const video = decoder.decode(bytes.subarray(11, end));
  if (!isVideoId(video)) return undefined;
  const hash = (at: number): Hash64 => ({ hi: view.getUint32(at, true), lo: view.getUint32(at + 4, true) });
  if (isDeletion) return { atMs, act: { type: "deleted", video, key: hash(end) } };
  return { atMs, act: { type: "renamed", video, from: hash(end), to: hash(end + 8) } };
}
