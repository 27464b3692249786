/**
 * Who has something open on this node, a stream or a waiting poll, and may have to leave before its end: when
 * somebody was banned, or keys were taken out, everybody is looked at again, and who would not be let in any
 * more is told so. So many a turn, so that nobody else waits; all within a second. Held by seats.test.ts.
 *
 * Here it is also known how much one caller keeps: an allowance of work says how fast videos may be taken up,
 * and would let a patient one have them all.
 */
import { type Clock, type Elapsed, longAgo } from "../base/clock.ts";
import { type Listed, Roster } from "../base/roster.ts";
import { type Rejection, reject, type VideoId } from "../core/interaction.ts";
import { limits } from "../core/limits.ts";
import type { Identity } from "../trust/identity.ts";
import type { Payer } from "../trust/payer.ts";

/** Why somebody has to leave: banned, or what was proven does not hold any more. */
export type Verdict = "banned" | "revoked";

export interface Seat extends Listed {
  readonly who: Identity;
  readonly address: string | undefined;
  /** Whose it counts as; undefined: nobody's. */
  readonly payer: Payer | undefined;
  /** What is watched now. */
  videos(): readonly VideoId[];
  /** Ends it; it leaves the seats by itself. */
  end(verdict: Verdict): void;
}

/** Seats looked at in one turn of the event loop. */
const seatsPerTurn = 500;
/** How long a count of what somebody watches is believed, in ms: to count is to ask all of their seats. */
const countedMs = 1_000;
/** The networks of one site may together watch as much as this many. */
const depthMax = 4;

/** The seats of one purse, where there are several: most have one, which then stands for itself. */
class Party {
  readonly seats: Set<Seat>;
  watches = 0;
  countedAt: Elapsed = longAgo;

  constructor(one: Seat, two: Seat) {
    this.seats = new Set([one, two]);
  }
}

export class Seats {
  readonly #clock: Pick<Clock, "soon" | "elapsed">;
  readonly #parties = new Map<string, Seat | Party>();
  readonly #seats = new Roster<Seat>();
  /** Those who came while the others were looked at. */
  readonly #late: Seat[] = [];
  #judge: ((seat: Seat) => Verdict | undefined) | undefined;
  #looking = false;
  #again = false;

  constructor(clock: Pick<Clock, "soon" | "elapsed">) {
    this.#clock = clock;
  }

  get size(): number {
    return this.#seats.size;
  }

  /** `seat` is taken, until it is given back. */
  take(seat: Seat): void {
    this.#seats.add(seat);
    if (this.#looking) this.#late.push(seat);
    for (const { name } of seat.payer?.purses ?? []) {
      const there = this.#parties.get(name);
      if (there instanceof Party) there.seats.add(seat);
      else this.#parties.set(name, there === undefined ? seat : new Party(there, seat));
    }
  }

  leave(seat: Seat): void {
    this.#seats.delete(seat);
    for (const { name } of seat.payer?.purses ?? []) {
      const there = this.#parties.get(name);
      if (there instanceof Party) there.seats.delete(seat);
      if (there === seat || (there instanceof Party && there.seats.size === 0)) this.#parties.delete(name);
    }
  }

  /** Why `payer` may not watch `more` videos now, or undefined. */
  over(payer: Payer | undefined, more: number): Rejection | undefined {
    for (const { name, depth } of payer?.purses ?? []) {
      const most = limits.watchesOfOneMax * Math.min(depth, depthMax);
      if (this.#watches(name) + more <= most) continue;
      return reject("stream-rate", `an address or viewer watches at most ${most} videos here`, 10);
    }
    return undefined;
  }

  #watches(name: string): number {
    const party = this.#parties.get(name);
    if (!party) return 0;
    if (!(party instanceof Party)) return party.videos().length;
    const now = this.#clock.elapsed();
    if (now - party.countedAt >= countedMs) {
      party.countedAt = now;
      party.watches = 0;
      for (const seat of party.seats) party.watches += seat.videos().length;
    }
    return party.watches;
  }

  /** Looks at everybody again, soon; `judge` says who has to leave. */
  review(judge: (seat: Seat) => Verdict | undefined): void {
    this.#judge = judge;
    this.#again = true;
    if (this.#looking) return;
    this.#looking = true;
    this.#clock.soon(() => this.#begin());
  }

  #begin(): void {
    this.#again = false;
    this.#late.length = 0;
    this.#look(this.#seats.size);
  }

  /** Looks at the seats below `left`, from the last: whoever leaves is replaced by one from above. */
  #look(left: number): void {
    let next = Math.min(left, this.#seats.size);
    const until = Math.max(0, next - seatsPerTurn);
    while (next > until) {
      const seat = this.#seats.all[--next];
      const verdict = seat && this.#judge?.(seat);
      if (seat && verdict !== undefined) seat.end(verdict);
    }
    this.#clock.soon(() => (next > 0 ? this.#look(next) : this.#lookAtLate()));
  }

  /** Who comes meanwhile has been asked at the door; perhaps by the rule before. */
  #lookAtLate(): void {
    for (const seat of this.#late.splice(0, seatsPerTurn)) {
      const verdict = seat.at < 0 ? undefined : this.#judge?.(seat);
      if (verdict !== undefined) seat.end(verdict);
    }
    if (this.#late.length > 0) {
      this.#clock.soon(() => this.#lookAtLate());
      return;
    }
    this.#looking = this.#again;
    if (this.#again) this.#clock.soon(() => this.#begin());
  }
}
