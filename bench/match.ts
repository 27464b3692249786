/**
 * A match and its crowd, made up from a seed: what happens on the pitch, and who reacts to it when, with the
 * picture that each of them saw. For moments.ts, which folds it by itself, and match-run.ts, which plays it
 * to real nodes; time is compressed, as nobody waits for it.
 *
 * Viewers are 2 to 30 s behind, most of them around 8; four of five say which picture they see, one of
 * twenty of those lies. They chatter all the time, more towards the end and little at half-time. A goal makes
 * half of them tap within seconds, a chance one in eight. One viewer taps all the time, as fast as may be.
 */
import { type Prng, seededPrng } from "../src/base/prng.ts";

export interface Happening {
  /** Seconds of the recording. */
  readonly atS: number;
  readonly what: "goal" | "chance";
}

export interface Tap {
  readonly viewer: number;
  /** When it came to the server, and the picture it is about: seconds of the recording. */
  readonly cameS: number;
  readonly sawS: number;
  /** What the viewer says to have seen, in seconds of the recording; undefined: nothing. */
  readonly saysS: number | undefined;
  readonly kind: string;
  readonly count: number;
}

/** A comment. */
export interface Remark {
  readonly viewer: number;
  readonly cameS: number;
  readonly sawS: number;
  readonly text: string;
}

export interface Match {
  readonly seconds: number;
  readonly happenings: readonly Happening[];
  /** In the order in which they came, as the comments. */
  readonly taps: readonly Tap[];
  readonly remarks: readonly Remark[];
}

const minutes = { half: 45, pause: 15 };
const kinds = ["heart", "clap", "laugh", "wow", "fire"];
/** Seconds between a viewer's own taps, while nothing happens. */
const chatterS = 150;
const reacting = { goal: 0.5, chance: 0.125 };
const lieS = 7_000;
/** Seconds between two comments of anybody, and how many a goal has. */
const remarkS = 20;
const remarksOfGoal = 12;
/** Seconds by which a moment may begin before what it is about, and its peak be behind it. */
const earlyS = 5;
const lateS = 20;

/** The match of `seed` before so many viewers. */
export function matchOf(seed: number, viewers: number): Match {
  const prng = seededPrng(seed);
  const seconds = 60 * (2 * minutes.half + minutes.pause);
  const happenings = happeningsOf(prng);
  const taps: Tap[] = [];
  for (let viewer = 0; viewer < viewers; viewer++) tapsOf(viewer, prng, { seconds, happenings }, taps);
  for (let cameS = 10; cameS < seconds; cameS += 0.5) {
    const sawS = cameS - 5;
    taps.push({ viewer: viewers, cameS, sawS, saysS: sawS, kind: "heart", count: 50 });
  }
  taps.sort((a, b) => a.cameS - b.cameS);
  return { seconds, happenings, taps, remarks: remarksOf(prng, viewers, seconds, happenings) };
}

/** A moment as it was found: seconds of the recording. */
export interface Found {
  readonly startS: number;
  readonly peakS: number;
}

/** How many goals are among the moments `found`, how many of them something explains, and the others. */
export function judged({ happenings }: Pick<Match, "happenings">, found: readonly Found[]) {
  const tells = ({ atS }: Happening, { startS, peakS }: Found): boolean =>
    startS >= atS - earlyS && peakS <= atS + lateS;
  const goals = happenings.filter(({ what }) => what === "goal");
  const unexplained = found.filter((moment) => !happenings.some((happening) => tells(happening, moment)));
  return {
    goals: goals.length,
    goalsFound: goals.filter((goal) => found.some((moment) => tells(goal, moment))).length,
    moments: found.length,
    explained: found.length - unexplained.length,
    unexplained,
  };
}

function remarksOf(prng: Prng, viewers: number, seconds: number, happenings: readonly Happening[]): Remark[] {
  const remarks: Remark[] = [];
  const say = (sawS: number, text: string): void => {
    const behindS = Math.min(30, 2 + 6 * exponential(prng));
    remarks.push({ viewer: prng.between(0, viewers - 1), cameS: sawS + behindS, sawS, text });
  };
  for (let atS = remarkS; atS < seconds; atS += remarkS) say(atS, `second ${atS} --> well`);
  for (const { atS, what } of happenings) {
    if (what === "chance") continue;
    for (let n = 0; n < remarksOfGoal; n++)
      say(atS + 1 + 3 * exponential(prng), `GOAL of ${atS} ${"!".repeat(n + 1)}`);
  }
  return remarks.sort((a, b) => a.cameS - b.cameS);
}

/** Goals and chances, at least three minutes apart, none of them in the pause or right after kick-off. */
function happeningsOf(prng: Prng): Happening[] {
  const happenings: Happening[] = [];
  const wanted = { goal: prng.between(2, 6), chance: prng.between(2, 5) };
  for (const what of ["goal", "chance"] as const) {
    for (let left = wanted[what]; left > 0; ) {
      const atS = prng.between(240, 60 * (2 * minutes.half + minutes.pause) - 120);
      const minute = atS / 60;
      const isPause = minute > minutes.half - 1 && minute < minutes.half + minutes.pause + 4;
      if (isPause || happenings.some((other) => Math.abs(other.atS - atS) < 180)) continue;
      happenings.push({ atS, what });
      left--;
    }
  }
  return happenings.sort((a, b) => a.atS - b.atS);
}

/** How lively the crowd is, by itself: it comes back from the pause over some minutes. */
function mood(atS: number): number {
  const minute = atS / 60;
  const back = minutes.half + minutes.pause;
  const pause = minute < minutes.half ? 0 : Math.min(1, Math.max(0, (back + 2 - minute) / 4));
  return (0.7 + minute / 100) * (1 - 0.7 * pause);
}

function tapsOf(
  viewer: number,
  prng: Prng,
  { seconds, happenings }: Pick<Match, "seconds" | "happenings">,
  taps: Tap[],
): void {
  const behindS = Math.min(30, 2 + 6 * exponential(prng));
  const speaks = prng.next() < 0.8;
  const lies = speaks && prng.next() < 0.05;
  const kind = kinds[prng.between(0, kinds.length - 1)] as string;
  const tap = (sawS: number, count: number, of = kind): void => {
    const saysS = lies ? sawS + prng.between(-lieS, lieS) : sawS;
    taps.push({ viewer, cameS: sawS + behindS, sawS, saysS: speaks ? saysS : undefined, kind: of, count });
  };
  for (
    let atS = chatterS * exponential(prng);
    atS < seconds;
    atS += (chatterS * exponential(prng)) / mood(atS)
  ) {
    tap(atS, prng.between(1, 3));
  }
  for (const { atS, what } of happenings) {
    if (prng.next() >= reacting[what]) continue;
    // It takes a second to believe it, and then they go on for a while.
    let sawS = atS + 1 + 2 * exponential(prng);
    for (let taps = prng.between(1, 5); taps > 0; taps--, sawS += 0.5 + exponential(prng)) {
      tap(sawS, prng.between(1, 6), what === "goal" ? "fire" : "wow");
    }
  }
}

/** Of mean 1. */
function exponential(prng: Prng): number {
  return -Math.log(1 - prng.next());
}
