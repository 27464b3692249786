/**
 * How often a process writes to its viewers, and how much: what fanout/pace.ts and dispatcher/ticks.ts do, as
 * arithmetic. Held by model.test.ts, and beside real processes by `npm run bench:plan`.
 */
import { limits } from "../core/limits.ts";
import { windowOf } from "../fanout/pace.ts";
import { beatBytes, type Coefficients, commentTickMs } from "./coefficients.ts";

/** The viewers of one process, evenly over their videos; rates are a second's of one video. */
export interface Crowd {
  readonly viewers: number;
  /** Requests with likes, and comments. */
  readonly likes: number;
  readonly comments: number;
  /** Whose dispatchers tick each for itself, of the likes that came there. */
  readonly regions: number;
}

export interface Pace {
  /** New totals are written at most once in this time, ms: the tick, or more where the core is full. */
  readonly windowMs: number;
  /** A second, to one viewer: ticks, and writes to its socket, each with what is due by then. */
  readonly ticks: number;
  readonly writes: number;
  /** Processor time of one write, in microseconds. */
  readonly writeUs: number;
  /** Bytes a second to one viewer, without what the network adds. */
  readonly bytes: number;
}

/** Silence after which a beat is due, in seconds, as shipped. */
const beatS = 15;
/** A viewer that heard nothing for so long (s) answers so many of the next frames at once: fanout/pace.ts. */
const silenceS = 0.2;
const quickAcks = 16;
/** Halvings of the distance to a window that fits the work it makes. */
const steps = 40;

/** The pace at which a process writes to `crowd` with this `--tick`. */
export function paceOf(crowd: Crowd, tickMs: number, costs: Coefficients): Pace {
  let windowMs = tickMs;
  let at = paceIn(windowMs, crowd, tickMs, costs);
  for (let step = 0; step < steps; step++) {
    const wanted = Math.max(tickMs, windowOf(workOf(at, crowd.viewers), tickMs));
    windowMs = (windowMs + wanted) / 2;
    at = paceIn(windowMs, crowd, tickMs, costs);
  }
  return at;
}

/** Milliseconds of work in one window: a video that is quiet in it has no part in that. */
function workOf({ ticks, windowMs, writeUs }: Pace, viewers: number): number {
  return (viewers * Math.min(1, (ticks * windowMs) / 1_000) * writeUs) / 1_000;
}

function paceIn(windowMs: number, crowd: Crowd, tickMs: number, costs: Coefficients): Pace {
  const { viewers, likes, comments } = crowd;
  // Ticks of several regions are written as they come, together only where the core is full.
  const regions = windowMs > tickMs ? 1 : crowd.regions;
  const ticks = regions * ticksPerS(likes / regions, windowMs);
  const quick = quickShare(likes + comments, windowMs);
  const writeUs = costs.writeUs + quick * (costs.slowWriteUs - costs.writeUs);
  const busy = Math.min(1, (viewers * ticks * writeUs) / 1e6);
  // Who talks during a lap goes along with the next ticks if these are due by its end, else apart.
  const along = windowMs > tickMs ? 1 : busy ** 2;
  const lapMs = (viewers * writeUs) / 1_000;
  const talkMs = Math.max(commentTickMs, windowOf(lapMs, Math.min(tickMs, commentTickMs)));
  const writes = ticks + ticksPerS(comments, likes > 0 ? commentTickMs : talkMs) * (1 - along);
  const names = namesIn(((likes / regions) * windowMs) / 1_000);
  const beats = Math.exp(-writes * beatS) / beatS;
  const bytes =
    ticks * (costs.frameBytes + names * costs.nameBytes) + comments * costs.commentBytes + beats * beatBytes;
  return { windowMs, ticks, writes: writes + beats, writeUs, bytes };
}

/**
 * Ticks a second of a video with so many likes, which come as a crowd's do (Poisson): one with the first
 * like, the next after `everyMs` if there was another meanwhile, else with the next like.
 */
export function ticksPerS(likes: number, everyMs: number): number {
  const everyS = everyMs / 1_000;
  return likes === 0 ? 0 : 1 / (everyS + Math.exp(-likes * everyS) / likes);
}

/** The part of writes that is answered at once: those within `quickAcks` behind a silence. */
function quickShare(perS: number, windowMs: number): number {
  const silent = windowMs >= silenceS * 1_000 ? 1 : Math.exp(-perS * silenceS);
  return 1 - (1 - silent) ** quickAcks;
}

/** Names in a tick of `mean` likes on average, one at least, all of them with a name; a frame holds a few. */
function namesIn(mean: number): number {
  let chance = Math.exp(-mean);
  const none = chance;
  if (none > 0.999_999) return 1;
  let names: number = limits.bySizeMax;
  for (let count = 0; count < limits.bySizeMax; count++) {
    names -= chance * (limits.bySizeMax - count);
    chance *= mean / (count + 1);
  }
  return names / (1 - none);
}
