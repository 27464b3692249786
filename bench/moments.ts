/**
 * `npm run moments`: matches with known goals (match.ts), before crowds of several sizes, through the door's
 * count of people, the records of the log, the fold and its timeline; which of their goals are found as
 * moments, and what is found that was none. Printed: recall (of goals), precision (moments that a goal or a
 * chance explains), whether each accepted like is in the timeline, and what an hour of it weighs.
 *
 * `--seeds=1,2,3` and `--viewers=20,500,10000` choose the matches. Ends with 1 when a sum is not exact.
 */
import { VirtualClock } from "../src/base/clock.ts";
import type { Kind, Like, VideoId } from "../src/core/interaction.ts";
import { decodeRecord, encodeRecord, RecordBuilder } from "../src/core/record.ts";
import { likesOf } from "../src/core/totals.ts";
import { encodeWhose } from "../src/core/whose.ts";
import { momentsOf } from "../src/dispatcher/times.ts";
import { Fold } from "../src/ledger/fold.ts";
import { timelineDefault } from "../src/ledger/timelines.ts";
import { payerAt } from "../src/trust/payer.ts";
import { People } from "../src/trust/people.ts";
import { judged, type Match, matchOf } from "./match.ts";

const video = "match" as VideoId;
const startMs = 1_700_000_000_000;

const numbers = (name: string, fallback: readonly number[]): readonly number[] => {
  const given = process.argv.find((word) => word.startsWith(`--${name}=`))?.slice(name.length + 3);
  return given === undefined ? fallback : given.split(",").map(Number);
};

/** Folds the taps of a match, a record for each second in which some came. */
function folded({ taps }: Match): { readonly fold: Fold; readonly accepted: number } {
  const clock = new VirtualClock(startMs);
  const fold = new Fold({ seed: 0.5, timeline: timelineDefault });
  const people = new People();
  const builder = new RecordBuilder();
  let accepted = 0;
  let second = 0;
  const flush = (): void => {
    if (builder.empty) return;
    const record = builder.take();
    const read = decodeRecord(encodeRecord(record), encodeWhose(record));
    if (read) fold.apply(read, record.atMs, record.atMs);
  };
  for (const { viewer, cameS, saysS, kind, count } of taps) {
    if (Math.floor(cameS) !== second) {
      flush();
      second = Math.floor(cameS);
      clock.advance(startMs + second * 1000 - clock.date());
    }
    const like: Like = {
      ...{ video, kind: kind as Kind, count, user: undefined, key: undefined },
      ...(saysS !== undefined && { mediaMs: startMs + saysS * 1000 }),
    };
    const payer = payerAt(`10.${viewer >> 16}.${(viewer >> 8) & 255}.${viewer & 255}`);
    builder.add(people.mark(like, payer, clock.elapsed()), startMs + cameS * 1000);
    accepted += count;
    if (builder.full) flush();
  }
  flush();
  return { fold, accepted };
}

let exact = true;
const sums = { goals: 0, found: 0, moments: 0, explained: 0 };
for (const viewers of numbers("viewers", [20, 100, 1_000, 10_000])) {
  for (const seed of numbers("seeds", [1, 2, 3, 4, 5])) {
    const match = matchOf(seed, viewers);
    const { fold, accepted } = folded(match);
    const view = fold.timeline(video);
    if (!view) throw new Error("no timeline");
    const moments = momentsOf(view).map(({ startMs: from, peakMs: peak }) => ({
      startS: (from - startMs) / 1000,
      peakS: (peak - startMs) / 1000,
    }));
    const { goals, goalsFound, explained, unexplained } = judged(match, moments);
    const total = likesOf(fold.totals(video).counts);
    const spots = view.spots(0, Number.MAX_SAFE_INTEGER);
    const placed = spots.reduce((sum, { likes }) => sum + likesOf(likes), 0);
    const isExact = accepted === total && placed === total && Object.keys(view.before).length === 0;
    exact &&= isExact;
    const blocks = [...(fold.timelines?.videos.get(video)?.blocks() ?? [])];
    const bytes = blocks.reduce((sum, block) => sum + 100 + block.bytes().length, 0);
    const perHour = Math.round((bytes / match.seconds) * 3.6);
    console.log(
      `${String(viewers).padStart(6)} viewers, seed ${seed}: ${accepted} likes accepted, in time ` +
        `${isExact ? "to the like" : `${total} and ${placed}: WRONG`}; ${goalsFound} of ${goals} goals, ` +
        `${explained} of ${moments.length} moments explained; ${perHour} KB an hour`,
    );
    for (const moment of unexplained) console.log(`        unexplained: ${JSON.stringify(moment)}`);
    sums.goals += goals;
    sums.found += goalsFound;
    sums.moments += moments.length;
    sums.explained += explained;
  }
}
const share = (part: number, of: number): string => (of === 0 ? "-" : (part / of).toFixed(3));
console.log(
  `recall ${share(sums.found, sums.goals)} (${sums.found} of ${sums.goals} goals), ` +
    `precision ${share(sums.explained, sums.moments)} (${sums.explained} of ${sums.moments} moments)`,
);
if (!exact) process.exit(1);
