/**
 * Who has something open on this node, a stream or a waiting poll, and may have to leave before its end: when
 * somebody was banned, or keys were taken out, everybody is looked at again, and who would not be let in any
 * more is told so. So many a turn, so that nobody else waits; all within a second. Held by seats.test.ts.
 */
import type { Clock } from "../base/clock.ts";
import type { VideoId } from "../core/interaction.ts";
import type { Identity } from "../trust/identity.ts";

/** Why somebody has to leave: banned, or what was proven does not hold any more. */
export type Verdict = "banned" | "revoked";

export interface Seat {
  readonly who: Identity;
  readonly address: string | undefined;
  /** What is watched now. */
  videos(): readonly VideoId[];
  /** Ends it; it leaves the seats by itself. */
  end(verdict: Verdict): void;
}

/** Seats looked at in one turn of the event loop. */
const seatsPerTurn = 500;

export class Seats {
  readonly #clock: Pick<Clock, "soon">;
  readonly #seats = new Set<Seat>();
  #judge: ((seat: Seat) => Verdict | undefined) | undefined;
  #looking = false;
  #again = false;

  constructor(clock: Pick<Clock, "soon">) {
    this.#clock = clock;
  }

  get size(): number {
    return this.#seats.size;
  }

  /** `seat` is taken, until it is given back. */
  take(seat: Seat): void {
    this.#seats.add(seat);
  }

  leave(seat: Seat): void {
    this.#seats.delete(seat);
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
    // Who comes meanwhile has been asked at the door, and is met at the end of the walk.
    this.#look(this.#seats.values());
  }

  #look(seats: SetIterator<Seat>): void {
    for (let looked = 0; looked < seatsPerTurn; looked++) {
      const next = seats.next();
      if (next.done) {
        this.#looking = this.#again;
        if (this.#again) this.#clock.soon(() => this.#begin());
        return;
      }
      const verdict = this.#judge?.(next.value);
      if (verdict !== undefined) next.value.end(verdict);
    }
    this.#clock.soon(() => this.#look(seats));
  }
}
