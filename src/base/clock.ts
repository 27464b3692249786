/**
 * The only place where time enters, and the two kinds of it. Every part takes a `Clock`, so a whole cluster
 * can run in one process on a virtual one.
 *
 * *Elapsed* time orders and paces: it grows by what really passed and by nothing else, and means something in
 * this process only. *Date* is what the wall says: it decorates what leaves the process or was read from
 * outside, and an operator, NTP or a hypervisor may set it anywhere at any moment. Both are numbers of
 * milliseconds; the types keep one from being taken for the other, which clock.test.ts holds.
 */

declare const kind: unique symbol;
/** Monotonic milliseconds with decimals, from an origin that only this process knows. */
export type Elapsed = number & { readonly [kind]: "elapsed" };
/** Unix milliseconds with decimals, as the wall clock says: may fall, and may jump. */
export type UnixMs = number & { readonly [kind]: "date" };

/** The moment `ms` after `at`, or before it where `ms` is negative, in the same kind of time. */
export function later<T extends Elapsed | UnixMs>(at: T, ms: number): T {
  return (at + ms) as T;
}

/** Never: a moment before every other, in either kind of time. */
export const longAgo = Number.NEGATIVE_INFINITY as Elapsed & UnixMs;

/** A Unix time that came from outside: a log, a message, a token, a file. */
export function unixMs(ms: number): UnixMs {
  return ms as UnixMs;
}

/** A pending `after` or `every`; cancelling twice, or after it ran, does nothing. */
export interface Timer {
  cancel(): void;
}

export interface Clock {
  /** Monotonic: what to measure, pace and wait by. */
  elapsed(): Elapsed;
  /** The wall: what to show, and to compare with what others showed. */
  date(): UnixMs;
  /**
   * Processor time that this thread has used, in milliseconds: unlike `elapsed` it stands still while other
   * processes have the core. Absent where the runtime cannot tell.
   */
  readonly worked?: (() => number) | undefined;
  /** Runs once after `ms` milliseconds, at most half a one sooner. Timers never keep the process alive. */
  after(ms: number, run: () => void): Timer;
  /** Runs every `ms` milliseconds until cancelled. */
  every(ms: number, run: () => void): Timer;
  /** Runs on the next turn of the event loop, after pending I/O has had its say. */
  soon(run: () => void): void;
}

/** How far a date that grows by elapsed time may stray from the wall, which has no decimals, in ms. */
const strayMaxMs = 2;

/**
 * The wall with the decimals of the monotonic clock, as exact as the runtime took the wall at its start so
 * that processes of one machine agree; and back at the wall, to the millisecond, as soon as that was set.
 */
function systemDate(): () => UnixMs {
  let offsetMs = performance.timeOrigin;
  return () => {
    const elapsedMs = performance.now();
    const wallMs = Date.now();
    if (Math.abs(wallMs - (elapsedMs + offsetMs)) > strayMaxMs) offsetMs = wallMs - elapsedMs;
    return (elapsedMs + offsetMs) as UnixMs;
  };
}

/** What a timer may be early, in ms: setting another one for less takes longer. */
const earlyMaxMs = 0.5;

/** The real clock; `worked` is the runtime's own, if it has one. */
export function systemClock(worked?: () => number): Clock {
  const elapsed = (): Elapsed => performance.now() as Elapsed;
  return {
    elapsed,
    date: systemDate(),
    worked,
    after(ms, run) {
      const dueMs = elapsed() + ms;
      let handle: NodeJS.Timeout;
      // Runtimes drop the fraction, and Node counts from when its loop last looked: some 2 ms early together.
      const wait = (leftMs: number): void => {
        handle = setTimeout(() => {
          const leftMs = dueMs - elapsed();
          if (leftMs > earlyMaxMs) wait(leftMs);
          else run();
        }, leftMs);
        handle.unref();
      };
      wait(ms);
      return { cancel: () => clearTimeout(handle) };
    },
    every(ms, run) {
      const handle = setInterval(run, ms);
      handle.unref();
      return { cancel: () => clearInterval(handle) };
    },
    soon(run) {
      setImmediate(run);
    },
  };
}

interface Due {
  atMs: number;
  order: number;
  run: () => void;
  everyMs: number | undefined;
}

/** Where virtual elapsed time begins: far from any date, so that a test sees one taken for the other. */
const virtualOriginMs = 5_000_000;

/** A clock that moves only when told to, with a wall that can be set: for tests and for the simulation. */
export class VirtualClock implements Clock {
  #nowMs = virtualOriginMs;
  /** What the wall shows beyond elapsed time. */
  #wallMs: number;
  #order = 0;
  #due: Due[] = [];

  /** `startMs` is the date it begins with. */
  constructor(startMs = 1_700_000_000_000) {
    this.#wallMs = startMs - virtualOriginMs;
  }

  elapsed(): Elapsed {
    return this.#nowMs as Elapsed;
  }

  date(): UnixMs {
    return (this.#nowMs + this.#wallMs) as UnixMs;
  }

  /** Sets the wall by `ms`, forwards or back; elapsed time and timers go on as they were. */
  setWall(ms: number): void {
    this.#wallMs += ms;
  }

  after(ms: number, run: () => void): Timer {
    return this.#add(ms, run, undefined);
  }

  every(ms: number, run: () => void): Timer {
    return this.#add(ms, run, Math.max(ms, 1));
  }

  soon(run: () => void): void {
    this.#add(0, run, undefined);
  }

  /** Moves time forward by `ms`, running all that falls due, in order of time, then of creation. */
  advance(ms: number): void {
    const untilMs = this.#nowMs + ms;
    for (;;) {
      let next: Due | undefined;
      for (const due of this.#due) {
        if (due.atMs > untilMs) continue;
        if (!next || due.atMs < next.atMs || (due.atMs === next.atMs && due.order < next.order)) next = due;
      }
      if (!next) break;
      this.#nowMs = Math.max(this.#nowMs, next.atMs);
      if (next.everyMs === undefined) this.#due.splice(this.#due.indexOf(next), 1);
      else next.atMs += next.everyMs;
      next.run();
    }
    // One of those may have moved time itself.
    this.#nowMs = Math.max(this.#nowMs, untilMs);
  }

  /** When the next timer falls due; undefined when none is set. */
  next(): Elapsed | undefined {
    let atMs: number | undefined;
    for (const due of this.#due) if (atMs === undefined || due.atMs < atMs) atMs = due.atMs;
    return atMs as Elapsed | undefined;
  }

  /** As `advance`, in steps of `stepMs`, letting promises settle between them. */
  async run(ms: number, stepMs = 1): Promise<void> {
    for (let doneMs = 0; doneMs < ms; doneMs += stepMs) {
      this.advance(Math.min(stepMs, ms - doneMs));
      await new Promise<void>((resolve) => setImmediate(resolve));
    }
  }

  /** What `promise` comes to, while time passes in steps of `stepMs`. */
  async during<T>(promise: Promise<T>, stepMs = 5): Promise<T> {
    let open = true;
    const settled = promise.finally(() => {
      open = false;
    });
    while (open) await this.run(stepMs, stepMs);
    return settled;
  }

  #add(ms: number, run: () => void, everyMs: number | undefined): Timer {
    const due: Due = { atMs: this.#nowMs + Math.max(ms, 0), order: this.#order++, run, everyMs };
    this.#due.push(due);
    return {
      cancel: () => {
        const index = this.#due.indexOf(due);
        if (index >= 0) this.#due.splice(index, 1);
      },
    };
  }
}
