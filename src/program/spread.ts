/**
 * Keeps viewers spread evenly over the workers that hold them.
 *
 * The kernel gives each new connection to one of those that listen, by chance, which is even enough; but the
 * viewers of a worker that died come back to all, and the one that takes its place begins with none. So
 * everybody who comes anew is steered to it until it has its share. Where that cannot be done, or did not
 * help, a worker that holds too many sends those beyond its share away, a few at a time, to come back
 * anywhere. spread.test.ts holds it, system/workers-local.test.ts with real connections.
 */
import { type Clock, type Elapsed, later, type Timer } from "../base/clock.ts";
import type { Log } from "../base/log.ts";

/** What a worker is told. */
export type SpreadOrder =
  /** All new connections go to the listener that came in this place, counted from 0; to all without one. */
  | { readonly kind: "steer"; readonly place?: number }
  /** Send so many viewers away. */
  | { readonly kind: "shed"; readonly viewers: number };

export interface SpreadParts {
  /** How many hold viewers when all are there. */
  readonly count: number;
  readonly clock: Clock;
  readonly log: Log;
  readonly tell: (worker: string, order: SpreadOrder) => void;
}

const lookMs = 1_000;
/** A new worker has its share when it holds this part of it. */
const shareMin = 0.95;
/** Longest that all are steered to one, in ms: those who lost their stream are back by then. */
const steerMs = 15_000;
/** A worker holds too many at this multiple of its share, and so many more than its share. */
const shareMax = 1.1;
const surplusMin = 50;
/** Looks in a row that must find so, and the pause until what was done about it can be seen, in ms. */
const looksMin = 3;
const pauseMs = 15_000;
/** How often in a row that is tried: viewers behind a proxy may come back to where they were. */
const triesMax = 5;

interface Member {
  viewers: number;
  looks: number;
  tries: number;
  waitsUntil: Elapsed;
}

export class Spread {
  readonly #parts: SpreadParts;
  readonly #members = new Map<string, Member>();
  /** To whom all are steered, and until when at most. */
  #steered: { readonly worker: string; readonly until: Elapsed } | undefined;
  readonly #timer: Timer;

  constructor(parts: SpreadParts) {
    this.#parts = parts;
    this.#timer = parts.clock.every(lookMs, () => this.#look());
  }

  /** `worker` listens: as the last of all, if it takes the place of another. */
  came(worker: string, again: boolean): void {
    const { count, clock, tell } = this.#parts;
    const now = clock.elapsed();
    this.#members.set(worker, { viewers: 0, looks: 0, tries: 0, waitsUntil: now });
    if (!again || count < 2 || this.#members.size < count) return;
    // Listeners of a port stand in the order they came in, and the last one takes the place of one that goes.
    tell(worker, { kind: "steer", place: count - 1 });
    this.#steered = { worker, until: later(now, steerMs) };
  }

  /** `worker` has ended; where the others stand is not known any more. */
  went(worker: string): void {
    this.#members.delete(worker);
    this.#endSteering();
  }

  /** `worker` holds so many. */
  holds(worker: string, viewers: number): void {
    const member = this.#members.get(worker);
    if (member) member.viewers = viewers;
  }

  close(): void {
    this.#timer.cancel();
  }

  #look(): void {
    const { count, clock } = this.#parts;
    const now = clock.elapsed();
    let all = 0;
    for (const { viewers } of this.#members.values()) all += viewers;
    const share = all / count;
    const steered = this.#steered;
    if (steered) {
      const has = this.#members.get(steered.worker)?.viewers ?? 0;
      const isDone = share > 0 && has >= shareMin * share;
      if (isDone || now >= steered.until) this.#endSteering();
      return;
    }
    if (this.#members.size < count) return;
    for (const [worker, member] of this.#members) this.#shed(worker, member, share, now);
  }

  #shed(worker: string, member: Member, share: number, now: Elapsed): void {
    const surplus = Math.floor(member.viewers - share);
    if (member.viewers <= shareMax * share || surplus < surplusMin) {
      member.looks = 0;
      member.tries = 0;
      return;
    }
    if (now < member.waitsUntil || ++member.looks < looksMin || member.tries >= triesMax) return;
    member.looks = 0;
    member.tries++;
    member.waitsUntil = later(now, pauseMs);
    this.#parts.log.info("a worker holds too many viewers", { worker, viewers: member.viewers, surplus });
    this.#parts.tell(worker, { kind: "shed", viewers: surplus });
  }

  #endSteering(): void {
    const worker = this.#steered?.worker;
    this.#steered = undefined;
    // Any of them can end it for all.
    const [other] = this.#members.keys();
    const by = worker !== undefined && this.#members.has(worker) ? worker : other;
    if (worker !== undefined && by !== undefined) this.#parts.tell(by, { kind: "steer" });
  }
}
