/**
 * How many comments a person can be shown, and what becomes of the rest. Pure.
 *
 * Everything that comes is *counted*, what fits is *shown*. Above a readable pace the newest of each moment
 * are shown and the notice says how many there were; nothing queues up behind, so the list is always about
 * now. While the reader has scrolled away, comments are held instead. Held by stage.test.ts.
 */

/** Rows that may be added per flush; with a flush every 120 ms about 33 a second. */
export const FLUSH_MS = 120;
export const ROWS_PER_FLUSH = 4;
/** Rows held while the reader is elsewhere; beyond, the oldest of them go. */
export const HELD_MAX = 200;
/** The notice stays this long after the last row that did not fit. */
export const NOTICE_MS = 3000;

export interface Flow<T> {
  /** A comment came. */
  push(item: T): void;
  /** What to show now. `away`: the reader reads older ones, so hold. */
  flush(nowMs: number, away: boolean): readonly T[];
  /** The reader is back: everything held, in order. */
  release(): readonly T[];
  drop(match: (item: T) => boolean): void;
  /** How many the reader has not seen. */
  held(): number;
  /** Shown and come within the last seconds, while some did not fit; undefined when all do. */
  notice(nowMs: number): { shown: number; of: number } | undefined;
}

export function createFlow<T>(): Flow<T> {
  let waiting: T[] = [];
  let held: T[] = [];
  let heldCount = 0;
  let shedMs = Number.NEGATIVE_INFINITY;
  let recent: { ms: number; shown: number; of: number }[] = [];

  return {
    push(item) {
      waiting.push(item);
      // A page in the background flushes once a second at most: keep what a flush could ever show.
      if (waiting.length > HELD_MAX * 5) waiting.splice(0, waiting.length - HELD_MAX);
    },
    flush(nowMs, away) {
      const came = waiting;
      waiting = [];
      if (away) {
        heldCount += came.length;
        held = [...held, ...came].slice(-HELD_MAX);
        return [];
      }
      const shown = came.slice(-ROWS_PER_FLUSH);
      if (shown.length < came.length) shedMs = nowMs;
      recent.push({ ms: nowMs, shown: shown.length, of: came.length });
      recent = recent.filter((flush) => nowMs - flush.ms < NOTICE_MS);
      return shown;
    },
    release() {
      const all = held;
      held = [];
      heldCount = 0;
      return all;
    },
    drop(match) {
      waiting = waiting.filter((item) => !match(item));
      const kept = held.filter((item) => !match(item));
      heldCount -= held.length - kept.length;
      held = kept;
    },
    held: () => heldCount,
    notice(nowMs) {
      if (nowMs - shedMs >= NOTICE_MS) return;
      let shown = 0;
      let of = 0;
      for (const flush of recent) {
        shown += flush.shown;
        of += flush.of;
      }
      return { shown, of };
    },
  };
}
