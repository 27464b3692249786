/**
 * When a video's totals are published: mark on the event, deliver on the tick.
 *
 * Leading edge first: the first change after quiet is published at once, then at most once per window. A
 * window that passes without change ends the video's turn with one echo a second later, which heals a tick
 * that the bus lost. All videos share one window, so they cool down in the order they ticked: two queues and
 * two timers serve any number of videos.
 *
 * Publishing takes at most a tenth of the time: what ticked in a burst that took long, because a thousand
 * videos changed at once, cools down for longer than the window. A quiet video still ticks at once.
 */
import { type Clock, type Elapsed, later, longAgo, type Timer } from "../base/clock.ts";
import type { VideoId } from "../core/interaction.ts";
import { limits } from "../core/limits.ts";
import type { By } from "../core/record.ts";
import type { Change } from "../ledger/ledger.ts";

/** What a tick of a video will say. */
export interface Mark {
  readonly video: VideoId;
  /** The oldest change since the last tick. */
  atMs: number;
  durableMs: number;
  by: By[];
  dirty: boolean;
  /** Counts ticks, so that entries of the queues can tell whether they are still meant. */
  ticks: number;
  cooling: boolean;
}

/** Rest for each unit of time that a burst of ticks took, and the longest rest, in ms. */
const restPerBurst = 9;
const restMaxMs = 250;

interface Turn {
  readonly mark: Mark;
  readonly ticks: number;
  readonly due: Elapsed;
}

export class Ticks {
  readonly #windowMs: number;
  readonly #clock: Clock;
  readonly #publish: (mark: Mark, echo: boolean) => void;
  readonly #marks = new Map<VideoId, Mark>();
  readonly #cooling: Lane;
  readonly #echoing: Lane;
  /** When publishing will have taken a tenth of the time again. */
  #free: Elapsed = longAgo;
  /** What ticked in the burst under way. */
  #burst: Mark[] = [];

  /** `publish` sends the current totals of the mark's video; `windowMs` 0 publishes every change at once. */
  constructor(windowMs: number, clock: Clock, publish: (mark: Mark, echo: boolean) => void) {
    this.#windowMs = windowMs;
    this.#clock = clock;
    this.#publish = publish;
    this.#cooling = new Lane(
      clock,
      (turn) => this.#cooled(turn),
      (start) => this.#endBurst(start),
    );
    this.#echoing = new Lane(clock, (turn) => this.#echoed(turn));
  }

  /** Videos that changed a moment ago. */
  get size(): number {
    return this.#marks.size;
  }

  /** Takes changes that were just folded; what is not cooling down is published before this returns. */
  changed(changes: readonly Change[]): void {
    const start = this.#clock.elapsed();
    for (const change of changes) {
      let mark = this.#marks.get(change.video);
      if (!mark) {
        mark = { video: change.video, atMs: 0, durableMs: 0, by: [], dirty: false, ticks: 0, cooling: false };
        this.#marks.set(change.video, mark);
      }
      if (!mark.dirty) {
        mark.dirty = true;
        mark.atMs = change.atMs;
        mark.durableMs = change.durableMs;
        mark.by = [];
      }
      for (const by of change.by) if (mark.by.length < limits.bySizeMax) mark.by.push(by);
      if (!mark.cooling) this.#tick(mark);
    }
    this.#endBurst(start);
  }

  /** Ends all timers. */
  close(): void {
    this.#cooling.close();
    this.#echoing.close();
  }

  #tick(mark: Mark): void {
    mark.dirty = false;
    mark.ticks++;
    this.#publish(mark, false);
    // Within one burst it ticks once; what comes on top waits for the end of it.
    mark.cooling = true;
    this.#burst.push(mark);
  }

  /** What ticked since `start` cools down from now on. */
  #endBurst(start: Elapsed): void {
    if (this.#burst.length === 0) return;
    const now = this.#clock.elapsed();
    const begun = this.#free > start ? this.#free : start;
    const restMs = Math.min(begun + (now - start) * (1 + restPerBurst) - now, restMaxMs);
    this.#free = later(now, restMs);
    // Less than a timer can tell apart is no rest.
    const windowMs = restMs < 1 ? this.#windowMs : Math.max(restMs, this.#windowMs);
    for (const mark of this.#burst) {
      mark.cooling = windowMs > 0 || mark.dirty;
      if (mark.cooling) this.#cooling.add(mark, later(now, windowMs));
      else this.#echoing.add(mark, later(now, limits.echoMs));
    }
    this.#burst = [];
  }

  #cooled({ mark, ticks }: Turn): void {
    if (mark.ticks !== ticks) return;
    mark.cooling = false;
    if (mark.dirty) this.#tick(mark);
    else this.#echoing.add(mark, later(this.#clock.elapsed(), limits.echoMs));
  }

  #echoed({ mark, ticks }: Turn): void {
    if (mark.ticks !== ticks || mark.cooling || mark.dirty) return;
    this.#marks.delete(mark.video);
    this.#publish(mark, true);
  }
}

/** Turns in the order they were added in: none comes before an earlier one, whenever it was due. */
class Lane {
  readonly #clock: Clock;
  readonly #run: (turn: Turn) => void;
  readonly #ran: ((start: Elapsed) => void) | undefined;
  #turns: Turn[] = [];
  #head = 0;
  #timer: Timer | undefined;

  /** `ran` is called when all turns that were due together have run, with the time when they began. */
  constructor(clock: Clock, run: (turn: Turn) => void, ran?: (start: Elapsed) => void) {
    this.#clock = clock;
    this.#run = run;
    this.#ran = ran;
  }

  add(mark: Mark, due: Elapsed): void {
    this.#turns.push({ mark, ticks: mark.ticks, due });
    this.#arm();
  }

  close(): void {
    this.#timer?.cancel();
    this.#turns = [];
    this.#head = 0;
  }

  #arm(): void {
    const next = this.#turns[this.#head];
    if (this.#timer || !next) return;
    this.#timer = this.#clock.after(Math.max(0, next.due - this.#clock.elapsed()), () => this.#fire());
  }

  #fire(): void {
    this.#timer = undefined;
    const now = this.#clock.elapsed();
    // Turns added while we run are due later: only those that were here are looked at.
    const end = this.#turns.length;
    while (this.#head < end) {
      const turn = this.#turns[this.#head] as Turn;
      // Timers may fire a fraction early; a fraction of a millisecond is not worth another one.
      if (turn.due - now > 0.5) break;
      this.#head++;
      this.#run(turn);
    }
    this.#ran?.(now);
    if (this.#head > 1024 && this.#head * 2 > this.#turns.length) {
      this.#turns = this.#turns.slice(this.#head);
      this.#head = 0;
    }
    this.#arm();
  }
}
