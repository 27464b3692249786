/**
 * What every viewer of this process was shown, against what the publishers know was accepted.
 *
 * Pure: it reads viewers and counts. A viewer that has not caught up yet and one that never will look the
 * same here; whoever asks repeats the question until the answer is clean or time is up (worker.ts).
 */
import { type State, sameTotals, sumOf, type Totals } from "./events.ts";
import type { Places } from "./places.ts";
import type { Viewer } from "./viewer.ts";

/** What is true of one video at the end of a run. */
export interface Truth {
  readonly totals: Totals;
  /** Ids of accepted comments, in no particular order. */
  readonly comments: readonly string[];
}

/** What the viewers of one process show. Stalled viewers are not asked. */
export interface Check {
  readonly viewers: number;
  /** Viewers without a stream at this moment. */
  readonly away: number;
  /** Viewers whose totals differ from the truth. */
  readonly wrongTotals: number;
  /** Likes that those viewers together show too few, and too many. */
  readonly likesBelow: number;
  readonly likesAbove: number;
  /** Accepted comments that some viewer was never shown, counted per viewer. */
  readonly commentsLost: number;
  /** The same where a `reset` had told the viewer that it would miss some. */
  readonly commentsReset: number;
  /** Comments that stand under two ids, counted once per process. */
  readonly commentsDoubled: number;
  readonly examples: readonly string[];
}

/** True when nothing is missing and nothing is too much. */
export function isClean(check: Check): boolean {
  return check.away === 0 && check.wrongTotals === 0 && check.commentsLost === 0;
}

/** Checks every viewer against the truth of its video. */
export function checkViewers(viewers: readonly Viewer[], truths: ReadonlyMap<string, Truth>): Check {
  const sums = { viewers: 0, away: 0, wrongTotals: 0, likesBelow: 0, likesAbove: 0, lost: 0, reset: 0 };
  const examples: string[] = [];
  const owed = new Map<Places, Owed>();
  const right = new Map<State, boolean>();
  for (const viewer of viewers) {
    const truth = truths.get(viewer.channel.video);
    if (viewer.stalls || !truth) continue;
    sums.viewers++;
    if (viewer.phase !== "open") sums.away++;
    if (!isRight(viewer.state, truth, right)) {
      sums.wrongTotals++;
      const off = (viewer.state?.sum ?? 0) - sumOf(truth.totals);
      if (off < 0) sums.likesBelow -= off;
      else sums.likesAbove += off;
      example(examples, viewer, `shows ${JSON.stringify(viewer.state?.totals ?? {})}`);
    }
    const places = viewer.channel.places;
    let debt = owed.get(places);
    if (!debt) {
      debt = owedFor(places, truth.comments);
      owed.set(places, debt);
    }
    const holes = missedBy(viewer, debt);
    sums.lost += holes + (viewer.resets === 0 ? debt.unseen : 0);
    if (viewer.resets > 0) sums.reset += debt.unseen;
    if (holes + debt.unseen > 0) example(examples, viewer, `misses ${holes + debt.unseen} comments`);
  }
  let doubled = 0;
  for (const places of owed.keys()) doubled += places.doubled;
  const { lost, reset, ...rest } = sums;
  return { ...rest, commentsLost: lost, commentsReset: reset, commentsDoubled: doubled, examples };
}

/** Whether `state` shows the true totals. Most viewers share one state: `known` keeps its answer. */
function isRight(state: State | undefined, truth: Truth, known: Map<State, boolean>): boolean {
  if (!state) return sumOf(truth.totals) === 0;
  let right = known.get(state);
  if (right === undefined) {
    right = sameTotals(state.totals, truth.totals);
    known.set(state, right);
  }
  return right;
}

function example(examples: string[], viewer: Viewer, what: string): void {
  if (examples.length < 3) examples.push(`viewer ${viewer.index} of ${viewer.channel.video} ${what}`);
}

/** Accepted comments of one video as places: those nobody here ever saw, and the others in order. */
interface Owed {
  readonly unseen: number;
  readonly places: readonly number[];
  readonly set: ReadonlySet<number>;
}

function owedFor(places: Places, comments: readonly string[]): Owed {
  const known: number[] = [];
  let unseen = 0;
  for (const comment of comments) {
    const place = places.known(comment);
    if (place === undefined) unseen++;
    else known.push(place);
  }
  known.sort((a, b) => a - b);
  return { unseen, places: known, set: new Set(known) };
}

/** Comments owed that others here saw and this viewer did not. */
function missedBy(viewer: Viewer, owed: Owed): number {
  const { next, missing } = viewer.reading;
  let holes = 0;
  // Most viewers have seen all: then the last one owed lies below `next` and this loop ends at once.
  for (let at = owed.places.length - 1; at >= 0 && (owed.places[at] ?? 0) >= next; at--) holes++;
  if (missing) for (const place of missing) if (owed.set.has(place)) holes++;
  return holes;
}
