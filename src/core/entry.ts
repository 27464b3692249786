/**
 * Entries: what stands in a video's order of comments, and the ids viewers see.
 *
 * A removal is an entry like a comment, so it travels, is replayed and is ordered like one. `seq` comes from
 * one sequence for all videos of a region, so a single id resumes a stream of several videos; `previous`
 * links the entries of one video, so a missing one is noticed.
 *
 * A removal of the place 0, at which nothing ever stood, removes all that stands before it: the video was
 * deleted. Nothing links back over it.
 */

import type { VideoId } from "./interaction.ts";
import { limits } from "./limits.ts";

/** A place in the order of comments: a comment, or the removal of one. */
export type Entry = CommentEntry | RetractEntry;

interface Place {
  readonly video: VideoId;
  /** Its place in the one sequence of this region: grows, with holes. */
  readonly seq: number;
  /** The place before it on this video, 0 for the first. */
  readonly previous: number;
}

export interface CommentEntry extends Place {
  readonly type: "comment";
  readonly text: string;
  readonly user: string | undefined;
  /** When it was accepted, Unix ms. */
  readonly atMs: number;
  /** How long after that only moderators may see it, in ms; without it nobody has to wait. */
  readonly holdMs?: number;
  /** Date of the picture that its writer saw, in the stream's own clock, Unix ms; absent: not known. */
  readonly mediaMs?: number;
}

export interface RetractEntry extends Place {
  readonly type: "retract";
  /** The seq of the comment that was removed; 0: all before this. */
  readonly target: number;
}

/** Whether `entry` removes all that stands before it. */
export function isClearing(
  entry: Pick<CommentEntry, "type"> | Pick<RetractEntry, "type" | "target">,
): boolean {
  return entry.type === "retract" && entry.target === 0;
}

/** `entries`, in order, from the last on that removes all before it. */
export function sinceCleared(entries: readonly Entry[]): readonly Entry[] {
  const at = entries.findLastIndex(isClearing);
  return at <= 0 ? entries : entries.slice(at);
}

/** A stretch of one video's entries, oldest first, without holes. */
export interface Page {
  /** Entries in order; a retracted comment is left out, its removal stays. */
  readonly entries: readonly Entry[];
  /** Every entry with a greater seq, up to the last one here, is here: what is older is not told. */
  readonly floor: number;
  /**
   * Highest seq of any video, read before the entries were: nothing of this video up to it can be missing
   * here.
   */
  readonly head: number;
  /** True when newer entries than the last one here exist: the page was cut by a bound. */
  readonly more: boolean;
}

/** How long `entry` is held, in ms: a removal never is. */
export function holdOf(entry: Entry): number {
  return entry.type === "comment" ? (entry.holdMs ?? 0) : 0;
}

/**
 * How long `entry` is still to be held at `nowMs` by its own stamp, in ms: never longer than its whole hold,
 * however clocks differ.
 */
export function holdLeft(entry: Entry, nowMs: number): number {
  const holdMs = holdOf(entry);
  return holdMs === 0 ? 0 : Math.max(0, Math.min(holdMs, (entry as CommentEntry).atMs + holdMs - nowMs));
}

/**
 * How many of `entries`, in order, the audience may see at `nowMs`: those before the first that is held. What
 * stands behind that one waits too, since entries are shown in order.
 */
export function shownCount(entries: readonly Entry[], nowMs: number): number {
  const held = entries.findIndex((entry) => holdLeft(entry, nowMs) > 0);
  return held < 0 ? entries.length : held;
}

/** A place that was given out: see lineage.ts for what it means in the log there is now. */
export interface EventId {
  readonly branch: string;
  readonly seq: number;
}

const idPattern = /^([a-z0-9]{4,16})-(0|[1-9][0-9]{0,15})$/;

/** The id of a place, as viewers see it. */
export function formatId(branch: string, seq: number): string {
  return `${branch}-${seq}`;
}

/** The id in `text`; undefined for anything that is not one of ours. Very long texts are not looked at. */
export function parseId(text: string): EventId | undefined {
  if (text.length > limits.eventIdCharsMax) return undefined;
  const match = idPattern.exec(text);
  if (!match) return undefined;
  const seq = Number(match[2]);
  return Number.isSafeInteger(seq) ? { branch: match[1] as string, seq } : undefined;
}
