/**
 * `npm run match`: a match of 90 minutes (match.ts) before an audience of real viewers, at real processes: a
 * node alone, then a cluster over NATS. In the middle of it each role is killed with -9 in turn, at what
 * happens on the pitch.
 *
 * Then every accepted like stands in the totals, in what every viewer shows and in the timeline, on every
 * node, before and after those who folded the log have gone and folded it anew; `ovation verify` finds the
 * folder of the node in order; the recording loads as a track in Chromium, with all of it. Printed beside: of
 * the goals that are known, how many are found as moments, and how many moments are none. Ends with 1 when
 * a sum differs; `--viewers=10000 --seconds=150 --seed=1`, and `--only=node` or `--only=cluster`.
 */

import { type Match, matchOf } from "./match.ts";
import { Crowd, type Played, video } from "./match-crowd.ts";
import { cluster, nodeAlone, type Place } from "./match-place.ts";
import { found, placed, sumOf, type Told, toldBy, tracked } from "./match-told.ts";

const option = (name: string, fallback: string): string =>
  process.argv.find((word) => word.startsWith(`--${name}=`))?.slice(name.length + 3) ?? fallback;
const viewers = Number(option("viewers", "10000"));
const seconds = Number(option("seconds", "150"));
const match = matchOf(Number(option("seed", "1")), viewers);
/** Those who are behind have seen it, and react: seconds of the match. */
const heightS = 10;

let wrong = 0;
function hold(what: string, isSo: boolean): void {
  if (isSo) return;
  wrong++;
  console.log(`  WRONG: ${what}`);
}

/** When each of the place's processes dies: evenly over the match, each at what happens next. */
function deathsOf({ mortals }: Place, { happenings, seconds: length }: Match): number[] {
  return mortals.map((_, index) => {
    const leastS = ((index + 0.5) * length) / mortals.length;
    const next = happenings.find(({ atS }) => atS >= leastS && atS < leastS + length / (2 * mortals.length));
    return next ? next.atS + heightS : leastS;
  });
}

async function played(place: Place, startMs: number): Promise<Played & { deaths: readonly string[] }> {
  const crowd = new Crowd(place.doors, viewers);
  try {
    await crowd.come();
    const deaths: string[] = [];
    const dying: Promise<void>[] = [];
    const times = deathsOf(place, match);
    const at = (second: number): void => {
      const mortal = place.mortals[dying.length];
      if (!mortal || second < (times[dying.length] ?? 0)) return;
      deaths.push(`${mortal.role} in minute ${Math.floor(second / 60)}`);
      // A failure is told when all is over; until then nobody waits for it.
      const death = mortal.die();
      death.catch(() => {});
      dying.push(death);
    };
    const told = await crowd.play(match, startMs, seconds, at);
    await Promise.all(dying);
    return { ...told, deaths };
  } finally {
    await crowd.end();
  }
}

function holdPlayed({ publishers, settled, finals }: Played): void {
  const unknown = publishers.unknownLikes + publishers.unknownComments;
  const unsent = publishers.refused + publishers.skipped;
  hold(`${unknown} of unknown fate`, unknown === 0);
  hold(`${unsent} refused, or not sent`, unsent === 0);
  hold(`${settled.lost} likes lost, ${settled.doubled} too many`, settled.lost + settled.doubled === 0);
  for (const { check, tally } of finals) {
    const { wrongTotals, away, commentsLost, commentsDoubled } = check;
    hold(`viewers: ${JSON.stringify(check)}`, wrongTotals + away + commentsLost + commentsDoubled === 0);
    hold(`${tally.counts.fell} totals fell`, tally.counts.fell === 0);
  }
  hold(
    "an audience process ended early",
    finals.reduce((sum, { check }) => sum + check.viewers, 0) === viewers,
  );
}

function holdTold({ timeline }: Told, { publishers }: Played, node: string): void {
  const accepted = publishers.acceptedLikes;
  hold(`${node}: totals ${sumOf(timeline.totals)} of ${accepted}`, sumOf(timeline.totals) === accepted);
  hold(`${node}: ${placed(timeline)} of ${accepted} in their seconds`, placed(timeline) === accepted);
  hold(`${node}: likes without a place`, sumOf(timeline.before) === 0);
  hold(
    `${node}: ${sumOf(timeline.comments)} comments`,
    sumOf(timeline.comments) === publishers.acceptedComments,
  );
}

async function run(open: () => Promise<Place>): Promise<void> {
  const place = await open();
  try {
    const startMs = Date.now();
    const outcome = await played(place, startMs);
    const { publishers, finals, deaths } = outcome;
    holdPlayed(outcome);
    const told = await Promise.all(place.nodes.map(toldBy));
    for (const [i, one] of told.entries()) holdTold(one, outcome, place.nodes[i] ?? "");
    const wrongLog = await place.anew();
    hold(wrongLog ?? "", wrongLog === undefined);
    const again = await Promise.all(place.nodes.map(toldBy));
    const texts = new Set([...told, ...again].map(({ text }) => text));
    hold(`${texts.size} different timelines or moments`, texts.size === 1);
    const [first] = told as [Told];
    const track = await tracked(place.doors[0] ?? "", first.timeline.from);
    hold(`the track has ${track.likes} likes`, track.likes === publishers.acceptedLikes);
    hold(`the track has ${track.comments} comments`, track.comments === publishers.acceptedComments);
    const { goals, goalsFound, moments, explained } = found(match, startMs, first);
    const cut = finals.reduce((sum, { tally }) => sum + tally.counts.cuts + tally.counts.byes, 0);
    const { acceptedLikes, acceptedComments, sent, retries } = publishers;
    console.log(
      `${place.name}: ${viewers} viewers; ${acceptedLikes} likes, ${acceptedComments} comments accepted, ` +
        `in ${sent} requests, of which ${retries} repeat others; ` +
        `killed: ${deaths.join(", ")}; ${cut} streams cut\n` +
        `  in the totals, in the timelines of ${place.nodes.length} nodes, in the track of Chromium: ` +
        `${wrong === 0 ? "to the like" : "see above"}\n` +
        `  ${goalsFound} of ${goals} goals found, ${explained} of ${moments} moments explained`,
    );
  } finally {
    await place.end();
  }
}

const only = option("only", "");
console.log(`${video} of ${match.seconds} s in ${seconds} s: ${JSON.stringify(match.happenings)}`);
if (only !== "cluster") await run(nodeAlone);
if (only !== "node") await run(cluster);
process.exit(wrong === 0 ? 0 : 1);
