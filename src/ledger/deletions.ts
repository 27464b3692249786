/**
 * What every ledger promises about deletions: contract-delete.ts is the one suite of it.
 *
 * A deletion is an entry of the log, so from one moment on, on every node, the video is one that nobody liked
 * and nobody wrote on, and a later like begins it anew. What it had still lies on a disk then; it is taken
 * out piece by piece, whenever there is time, and what is left to be done outlives whoever does it: a task.
 */
import type { Entry } from "../core/entry.ts";
import type { VideoId } from "../core/interaction.ts";

/** Entries that one scan looks at, at most. */
export const scanMax = 1_000;

/** A stretch of the entries of all videos, in the order of their places. */
export interface Scan {
  readonly entries: readonly Entry[];
  /** All up to this place were looked at; the place that was asked from: there are no more. */
  readonly last: number;
}

export interface Deletions {
  /**
   * Deletes `video`, durably: its likes, its timeline, its comments; false when it has none. From here on it
   * is a video that nobody liked, and its comments begin anew behind a removal of all (core/entry.ts). What
   * was there is left to `sweep`, which is noted as the task `deletionTask`. A like of before that is
   * repeated within its window counts nothing. Rejects with LedgerUnavailable: then it may have been done, or
   * will be, and may be asked for again.
   */
  delete(video: VideoId): Promise<boolean>;
  /** Takes out a piece of what is left of a deleted video; true when nothing is. Rejects likewise. */
  sweep(video: VideoId): Promise<boolean>;
  /**
   * Has what `viewer` likes of `video`, where each likes once, be called by a name that nobody has: it stays
   * counted, and nothing tells whose it is. False when there is none. Rejects likewise.
   */
  rename(video: VideoId, kind: string, viewer: string): Promise<boolean>;
  /**
   * Entries of all videos behind the place `after`, at most `limit` of them, or scanMax. Rejects likewise.
   */
  scan(after: number, limit: number): Promise<Scan>;
  /** What is under way and must outlive whoever does it, by name. Rejects likewise. */
  tasks(): Promise<ReadonlyMap<string, string>>;
  /** Notes a task, durably, or that it is done. Names are `^[A-Za-z0-9_-]{1,80}$`. Rejects likewise. */
  setTask(name: string, value: string | undefined): Promise<void>;
}

/** The task of sweeping what is left of `video`. */
export function deletionTask(video: VideoId): string {
  return `v-${video}`;
}

/** The video that a task is about; undefined: it is about something else. */
export function deletedBy(task: string): VideoId | undefined {
  return task.startsWith("v-") ? (task.slice(2) as VideoId) : undefined;
}
