/** What follows from `--beat`: how long a stream may be silent, and when its reader counts as gone. */
import { limits } from "./limits.ts";

/** All times in ms. */
export interface Beats {
  /** A stream is never silent for longer: the setting. */
  readonly everyMs: number;
  /** How often streams are looked at for beats that are due. */
  readonly sweepMs: number;
  /**
   * Silence after which a beat is due: each stream draws its own from this range, so that they do not align.
   */
  readonly fromMs: number;
  readonly toMs: number;
  /** A connection without a byte in either direction for this long is closed. */
  readonly idleMs: number;
  /**
   * One whose machine acknowledges nothing for this long is closed: it hangs in the air, or its link does.
   */
  readonly unansweredMs: number;
}

/** `everyMs` is within limits.beatMinMs and beatMaxMs. */
export function beatsOf(everyMs: number): Beats {
  const sweepMs = Math.min(limits.beatSweepMs, everyMs / 8);
  const toMs = everyMs - sweepMs;
  return {
    everyMs,
    sweepMs,
    fromMs: Math.floor(toMs * 0.7),
    toMs,
    idleMs: limits.idleBeats * everyMs,
    unansweredMs: Math.max(limits.unansweredMinMs, (limits.idleBeats / 2) * everyMs),
  };
}
