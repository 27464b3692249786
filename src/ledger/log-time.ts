/**
 * Log time: the time of a log of likes, by which its keys are forgotten.
 *
 * It goes on where the log's last record left it, by this process' elapsed time, and by nothing a person, NTP
 * or a hypervisor can set: no wall clock of any machine makes a key be forgotten early. Each writer stamps
 * what it appends with its own log time, and whoever folds takes the highest stamp so far, so all who share a
 * log have one time, as fast as the fastest of them. While nobody runs it stands still, which only remembers
 * keys for longer. log-time.test.ts and jetstream-time.test.ts hold that.
 *
 * It runs at most one window ahead of the last record: by then every key is forgotten, so more would say
 * nothing, and a stamp that says more is known to be broken (`bounded`).
 */
import type { Clock } from "../base/clock.ts";
import { limits } from "../core/limits.ts";

/** How far log time may be ahead of the last record, in ms: one window, and the least more. */
const aheadMaxMs = limits.keyWindowMs + 1;

/**
 * The log time of a record that a writer stamped, after records up to `lastMs`. What is no time at all, or
 * lies further ahead than any honest writer's, forgets one window of keys and no more: taken as it is, one
 * flipped bit would stop the log's time for ever, and no key would be forgotten any more.
 */
export function bounded(stampMs: number, lastMs: number): number {
  if (!Number.isFinite(stampMs)) return lastMs;
  return Math.min(Math.max(stampMs, lastMs), lastMs + aheadMaxMs);
}

/**
 * The log time of a log's first record, which arrived at `atMs`, Unix ms: no later than a window behind that.
 */
export function first(stampMs: number, atMs: number): number {
  return Number.isFinite(stampMs) && stampMs > 0 ? Math.min(stampMs, atMs + aheadMaxMs) : atMs;
}

export class LogTime {
  readonly #clock: Clock;
  /** Log time less elapsed time: only ever rises, as far as the log allows. */
  #offsetMs = 0;
  /** Log time of the last record; undefined while there is none. */
  #lastMs: number | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Log time now, in milliseconds. A log that holds nothing may begin at any; it begins at the date. */
  now(): number {
    if (this.#lastMs === undefined) return this.#clock.date();
    return Math.min(this.#clock.elapsed() + this.#offsetMs, this.#lastMs + aheadMaxMs);
  }

  /**
   * What goes with a record that is written now; undefined while the log is known to hold nothing. Several
   * writers may find it so at once, each with a wall of its own: then the first record's arrival is its time.
   */
  stamp(): number | undefined {
    return this.#lastMs === undefined ? undefined : Math.floor(this.now());
  }

  /** A record of log time `logMs` has been folded just now. */
  folded(logMs: number): void {
    // A clock that was held back by the bound goes on from where it was held.
    const nowMs = this.#lastMs === undefined ? logMs : Math.max(this.now(), logMs);
    this.#lastMs = Math.max(this.#lastMs ?? logMs, logMs);
    this.#offsetMs = nowMs - this.#clock.elapsed();
  }
}
