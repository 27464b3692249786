/**
 * Server-Sent Events as bytes. Pure, and injection-proof by construction: event names are constants, ids are
 * `<branch>-<seq>`, and all that people wrote is inside JSON, which holds no raw line break.
 *
 * A frame is made once and written to every viewer: nothing here knows a viewer but `hello` and `bye`. Its
 * form is the part of the format that other people's clients agree on, which strangers.test.ts holds with the
 * clients themselves: `id:` is the last line, lines end in LF alone, `retry:` stands in a block with data, no
 * block is without data, and none is longer than limits.eventBytesMax.
 */
import { assert } from "../base/assert.ts";
import type { CommentEntry, Entry, RetractEntry } from "./entry.ts";
import type { VideoId } from "./interaction.ts";
import type { Lineage } from "./lineage.ts";
import type { By } from "./record.ts";
import { type Counts, countsJson } from "./totals.ts";

const encoder = new TextEncoder();
const idPattern = /^[a-z0-9-]{1,40}$/;

type EventName =
  | "hello"
  | "snapshot"
  | "likes"
  | "comment"
  | "viewers"
  | "state"
  | "held"
  | "retract"
  | "reset"
  | "beat"
  | "bye"
  | "admin"
  | "cluster";

/** One event. `json` must be the output of JSON.stringify or of the same form: without CR and LF. */
export function frame(event: EventName, json: string, id?: string): string {
  if (id === undefined) return `event: ${event}\ndata: ${json}\n\n`;
  assert(idPattern.test(id), "an event id is ours");
  // Last, for clients that take a place as soon as its line is read: cut before it, they ask for the event
  // again.
  return `event: ${event}\ndata: ${json}\nid: ${id}\n\n`;
}

/** Text to bytes, UTF-8. */
export function bytesOf(text: string): Uint8Array {
  return encoder.encode(text);
}

/** A time as it is told outside: whole ms, since clients in many languages read it into a whole number. */
export function stamp(ms: number): number {
  return Math.floor(ms);
}

/**
 * What `stamp` leaves out, in whole microseconds from 0 to 999: for whoever measures how long an event took.
 */
export function micros(ms: number): number {
  return Math.min(999, Math.round((ms - Math.floor(ms)) * 1000));
}

/** What a stream is, as its first event says. */
export interface Greeting {
  readonly connection: string;
  readonly node: string;
  readonly nowMs: number;
  /** The stream is never silent for longer. */
  readonly beatMs: number;
  /** The delay after which to reconnect. */
  readonly retryMs: number;
  /**
   * The id this stream was asked to resume at, if it is one of ours: some clients forget theirs over a stream
   * without any. A fresh stream has none before its snapshot: who is cut off in between needs all of that.
   */
  readonly place: string | undefined;
}

/** First event of a stream. */
export function helloFrame({ connection, node, nowMs, beatMs, retryMs, place }: Greeting): string {
  const json = JSON.stringify({ connection, node, now: stamp(nowMs), beat: beatMs, retry: retryMs });
  return `retry: ${retryMs}\n${frame("hello", json, place)}`;
}

/** What viewers see of one video. */
export interface Shown {
  readonly video: VideoId;
  readonly totals: Readonly<Counts>;
  readonly version: number;
}

export function likesFrame(shown: Shown, atMs: number, by: readonly By[]): string {
  // Built by hand where JSON.stringify would only walk a fixed shape: a video's id needs no escaping.
  const names = by.length === 0 ? "" : `,"by":${JSON.stringify(by)}`;
  return (
    `event: likes\ndata: {"video":"${shown.video}","totals":${countsJson(shown.totals)}` +
    `,"version":${shown.version},"at":${stamp(atMs)},"us":${micros(atMs)}${names}}\n\n`
  );
}

/** A comment as JSON, the same in frames, snapshots, listings and polls. */
export interface CommentJson {
  readonly video: VideoId;
  readonly id: string;
  readonly user?: string;
  readonly text: string;
  readonly at: number;
  /** Date of the picture that its writer saw, in the stream's own clock, Unix ms: as he said, not proven. */
  readonly mediaTime?: number;
  /** Of a comment that only moderators are shown yet: the audience sees it then at the earliest, Unix ms. */
  readonly visibleAt?: number;
}

export function commentJson(lineage: Lineage, entry: CommentEntry): CommentJson {
  const id = lineage.idOf(entry.seq);
  const { video, user, text, mediaMs } = entry;
  const said = { text, at: stamp(entry.atMs), ...(mediaMs !== undefined && { mediaTime: stamp(mediaMs) }) };
  return user === undefined ? { video, id, ...said } : { video, id, user, ...said };
}

/**
 * The frame of an entry: `comment`, or `retract`. Both carry the id at which a stream resumes behind them.
 */
export function entryFrame(lineage: Lineage, entry: Entry): string {
  const id = lineage.idOf(entry.seq);
  if (entry.type === "comment") {
    const json = JSON.stringify({ ...commentJson(lineage, entry), us: micros(entry.atMs) });
    return frame("comment", json, id);
  }
  return frame("retract", JSON.stringify({ video: entry.video, id: lineage.idOf(entry.target) }), id);
}

/** A comment that is held until `visibleMs`, as JSON, for moderators. */
export function heldJson(lineage: Lineage, entry: CommentEntry, visibleMs: number): CommentJson {
  return { ...commentJson(lineage, entry), visibleAt: stamp(visibleMs) };
}

/** The frame of a held comment, for moderators. Without an id: a stream resumes where its audience stands. */
export function heldFrame(lineage: Lineage, entry: CommentEntry, visibleMs: number): string {
  return frame("held", JSON.stringify(heldJson(lineage, entry, visibleMs)));
}

/** The frame of a removal that goes before its turn; its entry follows in order, and says so once more. */
export function earlyRetractFrame(lineage: Lineage, { video, target }: RetractEntry): string {
  return frame("retract", JSON.stringify({ video, id: lineage.idOf(target) }));
}

export function snapshotFrame(
  shown: Shown,
  viewers: number,
  comments: readonly CommentJson[],
  id: string | undefined,
  closed = false,
): string {
  const { video, totals, version } = shown;
  const state = closed ? { state: "closed" } : {};
  return frame("snapshot", JSON.stringify({ video, totals, viewers, comments, version, ...state }), id);
}

/** A video was closed, or opened again. */
export function stateFrame(video: VideoId, closed: boolean): string {
  return frame("state", JSON.stringify({ video, state: closed ? "closed" : "open" }));
}

export function viewersFrame(video: VideoId, viewers: number): string {
  return frame("viewers", JSON.stringify({ video, viewers }));
}

/**
 * Why a place cannot be continued: the data of `reset`, and a label of its metric. docs/http.md tells each.
 */
export const resetReasons = ["unknown-id", "epoch", "history", "future", "unavailable", "deleted"] as const;
export type ResetReason = (typeof resetReasons)[number];

export function resetFrame(video: VideoId, reason: ResetReason): string {
  return frame("reset", JSON.stringify({ video, reason }));
}

export function beatFrame(nowMs: number, stale: boolean): string {
  return frame("beat", stale ? `{"now":${stamp(nowMs)},"stale":true}` : `{"now":${stamp(nowMs)}}`);
}

/** Why a stream ends, as `bye` says; docs/http.md tells each. */
export const byeReasons = [
  "drain",
  "starting",
  "age",
  "spread",
  "share",
  "limit",
  "busy",
  "expired",
  "revoked",
  "banned",
] as const;
export type ByeReason = (typeof byeReasons)[number];

/** Where whoever gets no stream hears of the same meanwhile: http/live.ts. */
export interface PollOffer {
  /** Relative to the stream's own URL; of several videos with `{video}` in place of each. */
  readonly url: string;
  /** By video, where each has another. */
  readonly urls?: Readonly<Record<VideoId, string>>;
  readonly everyMs: number;
}

/**
 * Last event of a stream. The `retry` field makes browsers wait as long as the data says; `place` is that of
 * a stream that holds nothing else, see Greeting.
 */
export function byeFrame(reason: ByeReason, retryMs: number, place?: string, poll?: PollOffer): string {
  const json = JSON.stringify({ reason, retry: retryMs, ...(poll && { poll }) });
  return `retry: ${retryMs}\n${frame("bye", json, place)}`;
}
