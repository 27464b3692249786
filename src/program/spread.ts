/**
 * Keeps viewers spread evenly over the workers that hold them.
 *
 * The kernel gives each new connection to one of those that listen, by chance, which is even enough; but the
 * viewers of a worker that died come back to all, and the one that takes its place begins with none. So
 * everybody who comes anew is steered to it until it has its share, as far as it keeps up with them. Who
 * holds too many all the same, when no more come, sends those beyond its share away, a few at a time, to come
 * back to it or, where nobody is known to have room, anywhere. spread.test.ts holds it,
 * system/workers-local.test.ts with real connections.
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
/** Connections that may wait for the one that all are steered to: a quarter of a usual queue. */
const waitingMax = 1_024;
/** So few, and all are steered to it again. */
const waitingFew = 128;
/** A worker holds too many at this multiple of its share, and so many more than its share. */
const shareMax = 1.1;
const surplusMin = 50;
/** Looks in a row at which few had come or left, in parts of all, and what is done about it waits for. */
const changeMax = 0.005;
const looksMin = 3;
/** The pause until what was done can be seen, in ms. */
const pauseMs = 15_000;
/** How often in a row that is tried: viewers behind a proxy may come back to where they were. */
const triesMax = 5;

interface Member {
  viewers: number;
  tries: number;
  waitsUntil: Elapsed;
}

export class Spread {
  readonly #parts: SpreadParts;
  readonly #members = new Map<string, Member>();
  /** The one whose listener is known to be the last of all. */
  #newest: string | undefined;
  /** Viewers of all at the last look, and looks since which they have changed little. */
  #all = 0;
  #still = 0;
  /** To whom all are steered, and until when at most. */
  #steered: { readonly worker: string; readonly until: Elapsed; paused: boolean } | undefined;
  readonly #timer: Timer;

  constructor(parts: SpreadParts) {
    this.#parts = parts;
    this.#timer = parts.clock.every(lookMs, () => this.#look());
  }

  /** `worker` listens: as the last of all, if it takes the place of another. */
  came(worker: string, again: boolean): void {
    const { count, clock } = this.#parts;
    this.#members.set(worker, { viewers: 0, tries: 0, waitsUntil: clock.elapsed() });
    if (!again || count < 2 || this.#members.size < count) return;
    this.#newest = worker;
    this.#steer(worker);
  }

  /** `worker` has ended; where the others stand is not known any more. */
  went(worker: string): void {
    this.#members.delete(worker);
    this.#newest = undefined;
    this.#endSteering();
  }

  /** `worker` holds so many, and so many wait to be let in. */
  holds(worker: string, viewers: number, waiting: number): void {
    const member = this.#members.get(worker);
    if (member) member.viewers = viewers;
    const steered = this.#steered;
    if (steered?.worker !== worker) return;
    // Who finds its queue full is not heard by the kernel, and tries again after a second, three, seven.
    if (!steered.paused && waiting > waitingMax) this.#tellSteer(worker, undefined);
    else if (steered.paused && waiting < waitingFew) this.#tellSteer(worker, this.#parts.count - 1);
    else return;
    steered.paused = !steered.paused;
  }

  close(): void {
    this.#timer.cancel();
  }

  #look(): void {
    const { count, clock } = this.#parts;
    const now = clock.elapsed();
    let all = 0;
    for (const { viewers } of this.#members.values()) all += viewers;
    this.#still = Math.abs(all - this.#all) > this.#all * changeMax ? 0 : this.#still + 1;
    this.#all = all;
    const share = all / count;
    const steered = this.#steered;
    const isDone = steered && share > 0 && !this.#hasRoom(steered.worker, share);
    if (steered && (isDone || now >= steered.until)) this.#endSteering();
    if (this.#members.size < count) return;
    for (const [worker, member] of this.#members) this.#shed(worker, member, share, now);
  }

  #shed(worker: string, member: Member, share: number, now: Elapsed): void {
    const surplus = Math.floor(member.viewers - share);
    if (member.viewers <= shareMax * share || surplus < surplusMin) {
      member.tries = 0;
      return;
    }
    if (now < member.waitsUntil || this.#still < looksMin || member.tries >= triesMax) return;
    member.tries++;
    member.waitsUntil = later(now, pauseMs);
    this.#parts.log.info("a worker holds too many viewers", { worker, viewers: member.viewers, surplus });
    const newest = this.#newest;
    if (newest !== undefined && this.#hasRoom(newest, share)) this.#steer(newest);
    this.#parts.tell(worker, { kind: "shed", viewers: surplus });
  }

  #hasRoom(worker: string, share: number): boolean {
    return (this.#members.get(worker)?.viewers ?? 0) < shareMin * share;
  }

  /** Listeners of a port stand in the order they came in; the last one takes the place of one that goes. */
  #steer(worker: string): void {
    const { count, clock } = this.#parts;
    const before = this.#steered?.worker === worker ? this.#steered : undefined;
    if (!before) this.#tellSteer(worker, count - 1);
    this.#steered = { worker, until: later(clock.elapsed(), steerMs), paused: before?.paused ?? false };
  }

  #tellSteer(by: string, place: number | undefined): void {
    this.#parts.tell(by, { kind: "steer", ...(place !== undefined && { place }) });
  }

  #endSteering(): void {
    const worker = this.#steered?.worker;
    this.#steered = undefined;
    // Any of them can end it for all.
    const [other] = this.#members.keys();
    const by = worker !== undefined && this.#members.has(worker) ? worker : other;
    if (worker !== undefined && by !== undefined) this.#tellSteer(by, undefined);
  }
}
