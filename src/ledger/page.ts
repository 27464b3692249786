/**
 * Pages: a stretch of one video's entries, cut by number and bytes, that says truly where it begins and ends.
 *
 * `after` continues what a reader has (oldest first, may be cut at its end), `newest` starts a reader off
 * (newest first, may be cut at its beginning): page.test.ts. Not here: where entries are kept.
 */
import type { Entry, Page } from "../core/entry.ts";
import { limits } from "../core/limits.ts";

/** A page always makes progress: one entry is far smaller than its bound. */
const entryOverheadBytes = 160;

/** Bytes an entry takes between nodes, from above. */
export function entryBytes(entry: Entry): number {
  if (entry.type === "retract") return entryOverheadBytes;
  // A UTF-16 unit takes at most 3 bytes of UTF-8, and the two characters JSON escapes take 2.
  return entryOverheadBytes + 3 * (entry.text.length + (entry.user?.length ?? 0));
}

/**
 * The page behind `after`: `following` are the video's entries with a greater seq, oldest first, read only
 * as needed.
 */
export function pageAfter(
  after: number,
  place: { readonly floor: number; readonly head: number },
  limit: number,
  following: Iterable<Entry>,
): Page {
  const { taken, cut } = take(limit, following);
  return { entries: taken, floor: Math.max(after, place.floor), head: place.head, more: cut !== undefined };
}

/**
 * The page of the newest entries: `newestFirst` are all the video's entries, newest first, read only as
 * needed.
 */
export function pageNewest(
  place: { readonly floor: number; readonly head: number },
  limit: number,
  newestFirst: Iterable<Entry>,
): Page {
  const { taken, cut } = take(limit, newestFirst);
  return { entries: taken.reverse(), floor: cut?.seq ?? place.floor, head: place.head, more: false };
}

function take(limit: number, entries: Iterable<Entry>): { taken: Entry[]; cut: Entry | undefined } {
  const taken: Entry[] = [];
  let bytes = 0;
  for (const entry of entries) {
    bytes += entryBytes(entry);
    if (taken.length >= limit || bytes > limits.pageBytesMax) return { taken, cut: entry };
    taken.push(entry);
  }
  return { taken, cut: undefined };
}
