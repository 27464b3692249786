/** What a look through a log found, whichever kind of log it is: sqlite-verify.ts and streams-verify.ts. */
import { type Counts, emptyCounts, likesOf } from "../core/totals.ts";
import type { Fold } from "./fold.ts";
import { nobody } from "./owners.ts";

/** What was looked at, and what is wrong with it. */
export interface Verdict {
  readonly videos: number;
  readonly likes: number;
  readonly comments: number;
  readonly records: number;
  /** Damage ended the reading: nothing was counted. */
  readonly unread?: boolean;
  /** One line each, at most `wrongMax`; none: it holds together. */
  readonly wrong: readonly string[];
}

export const wrongMax = 50;
/** Enough for any log: who verifies need not know how many likes it may hold. */
export const onceMax = 50_000_000;

/** Lines, bounded. */
export class Wrong {
  readonly lines: string[] = [];

  say(line: string): void {
    if (this.lines.length < wrongMax) this.lines.push(line);
    else if (this.lines.length === wrongMax) this.lines.push("and more");
  }
}

/** The likes of all videos. */
export function likesIn({ videos }: Pick<Fold, "videos">): number {
  let likes = 0;
  for (const { counts } of videos.values()) likes += likesOf(counts);
  return likes;
}

/** With one like per viewer each like that is counted, `sum` in all, is somebody's, and no other. */
export function checkMembers({ members, owners }: Fold, sum: number, wrong: Wrong): void {
  if (!members) return;
  // What a deletion that was not written down yet has left.
  while (members.stale) members.sweep();
  const legacy = [...owners.numbers.values()].filter((number) => number <= owners.legacy).length;
  let unknown = 0;
  // Of a deleted video, likes that carry no number stay for ever: nobody can tell that they were its.
  members.each((_hi, _lo, owner) => {
    if (owner === nobody && legacy < owners.legacy) unknown++;
  });
  if (sum <= members.size && sum >= members.size - unknown) return;
  wrong.say(`${sum} likes are counted, and ${members.size} viewers' likes are there`);
}

/** Where totals that are written down are not what all of the log comes to, of videos that neither lacks. */
export function* differences(written: Fold, whole: Fold): Iterable<string> {
  for (const video of new Set([...written.videos.keys(), ...whole.videos.keys()])) {
    if (written.lacks(video) || whole.lacks(video)) continue;
    yield* countsApart(video, written.totals(video).counts, whole.totals(video).counts);
  }
}

/** Where what `what` has is not what its log says, kind by kind. */
export function* countsApart(what: string, is: Counts, be: Counts): Iterable<string> {
  for (const kind of Object.keys({ ...emptyCounts(), ...is, ...be })) {
    if ((is[kind] ?? 0) === (be[kind] ?? 0)) continue;
    yield `${what} has ${is[kind] ?? 0} of ${kind}, and its log says ${be[kind] ?? 0}`;
  }
}
