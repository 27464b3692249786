/**
 * Moments: where many people at once began to react, measured by what the video's own audience does
 * otherwise.
 *
 * Method: how many people began within a few seconds, against what was usual in the minutes before. Both the
 * robust z (distance from the median in MADs: Iglewicz and Hoaglin, How to Detect and Handle Outliers, 1993)
 * and that of counts that come by chance (the signed root of the Poisson deviance: McCullagh and Nelder,
 * Generalized Linear Models, 2.4) must be high, and so against the minutes behind it as far as they are
 * known; the lowest of these is the score. So a slow rise moves the median along, a crowd that comes back
 * from a pause is no peak, twenty viewers need many of them, and two million need more than their noise; and
 * as it counts people (trust/people.ts), one viewer's taps are one, however many. Pure. Held by
 * moments.test.ts, and by `npm run moments`, which prints precision and recall.
 */
import { insert, remove } from "../base/sorted.ts";

/** A peak, in steps of the series it was found in. */
export interface Peak {
  readonly start: number;
  readonly peak: number;
  /** Behind its last step. */
  readonly end: number;
  /** How far its peak stood out, in spreads. */
  readonly score: number;
  /** People in it. */
  readonly people: number;
}

/** Seconds in which those belong together who began to react. */
const windowS = 5;
/** Seconds before, whose median is what is usual. */
const usualS = 180;
/** Seconds, and steps, at least that something can be said to be usual of. */
const usualMinS = 60;
const usualStepsMin = 18;
const scoreMin = 4.5;
/** Seconds behind a step that may be the end of the same peak. */
const peakS = 30;
/** What is below it is no part of a peak. */
const edgeScore = 2;
/** Of the counts before, those that count for a mean: the highest may be an earlier peak. */
const trimmedShare = 0.9;
/** Seconds between two peaks, at least: closer ones are one. */
const apartS = 15;
/** What is expected of an audience that never does anything. */
const usualMin = 0.3;
/** What makes the MAD of a normal distribution its deviation. */
const madScale = 1.4826;

/** The peaks in `people` per step of `stepS` seconds, in order. */
export function peaksOf(people: readonly number[], stepS = 1): Peak[] {
  const scores = scoresOf(people, stepS);
  const peaks: Peak[] = [];
  for (let i = 0; i < scores.length; i++) {
    if ((scores[i] as number) < scoreMin) continue;
    let start = i;
    while (start > 0 && (scores[start - 1] as number) >= edgeScore) start--;
    let end = i;
    let peak = i;
    for (; end < scores.length && (scores[end] as number) >= edgeScore; end++) {
      if ((scores[end] as number) > (scores[peak] as number)) peak = end;
    }
    const last = peaks.at(-1);
    if (last && (start - last.end) * stepS < apartS) {
      peaks.pop();
      start = last.start;
      if (last.score >= (scores[peak] as number)) peak = last.peak;
    }
    const score = Math.round(10 * (scores[peak] as number)) / 10;
    peaks.push({ start, peak, end, score, people: sum(people, start, end) });
    i = end;
  }
  return peaks;
}

/**
 * How far each step stands out of what was usual before it, and of what is usual behind it as far as that is
 * known; 0 where nothing can be said.
 */
function scoresOf(people: readonly number[], stepS: number): number[] {
  const half = Math.floor(windowS / stepS / 2);
  const together = people.map((_, i) => sum(people, i - half, i + half + 1));
  // What belongs to the peak itself is no part of what is usual around it.
  const before = scoresAgainst(together, { stepS, gap: 2 * half + 1 });
  const behind = scoresAgainst(together.toReversed(), { stepS, gap: Math.ceil(peakS / stepS) }).reverse();
  return before.map((score, i) => Math.min(score ?? 0, behind[i] ?? score ?? 0));
}

/** As `scoresOf`, of what stands so many steps before it and further; undefined where nothing can be said. */
function scoresAgainst(
  together: readonly number[],
  { stepS, gap }: { readonly stepS: number; readonly gap: number },
): (number | undefined)[] {
  const fewest = Math.max(usualStepsMin, Math.round(usualMinS / stepS));
  const steps = Math.max(fewest, Math.round(usualS / stepS));
  const sorted: number[] = [];
  return together.map((count, i) => {
    const enters = i - gap;
    if (enters >= 0) insert(sorted, together[enters] as number);
    if (enters - steps >= 0) remove(sorted, together[enters - steps] as number);
    if (sorted.length < fewest) return undefined;
    const middle = sorted[sorted.length >> 1] as number;
    const robust = (count - middle) / Math.max(madScale * deviation(sorted, middle), 1);
    if (robust < edgeScore) return 0;
    const kept = Math.ceil(trimmedShare * sorted.length);
    const usual = Math.max(middle, sum(sorted, 0, kept) / kept);
    return Math.min(robust, byChance(count, Math.max(usual, usualMin)));
  });
}

/** How many deviations of a normal distribution are as rare as `count` where `mean` is expected. */
function byChance(count: number, mean: number): number {
  return count <= mean ? 0 : Math.sqrt(2 * (count * Math.log(count / mean) - (count - mean)));
}

/** The median distance from `middle` in what is sorted. */
function deviation(sorted: readonly number[], middle: number): number {
  let above = sorted.length >> 1;
  let below = above - 1;
  let nearest = 0;
  for (let left = (sorted.length >> 1) + 1; left > 0; left--) {
    const up = above < sorted.length ? (sorted[above] as number) - middle : Number.POSITIVE_INFINITY;
    const down = below >= 0 ? middle - (sorted[below] as number) : Number.POSITIVE_INFINITY;
    nearest = Math.min(up, down);
    if (up <= down) above++;
    else below--;
  }
  return nearest;
}

function sum(counts: readonly number[], from: number, to: number): number {
  let all = 0;
  for (let i = Math.max(0, from); i < Math.min(counts.length, to); i++) all += counts[i] as number;
  return all;
}
