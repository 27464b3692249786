/**
 * The terms some streams are open on: until when, and who is to be told when they end.
 *
 * One wheel for all of them instead of a timer each: a stream stands in the slot of the second in which it
 * ends, and twice a second the slots that are due are emptied. A stream without terms costs nothing here.
 */
import type { Clock, Timer } from "../base/clock.ts";
import type { Connection } from "../fanout/connection.ts";

/** How often the wheel is looked at, in ms: a stream outlives its end by at most this. */
const turnMs = 500;

/** Why a stream's time has come: its permission has ended, or it has lived long enough. */
export type Why = "expired" | "age";

interface Term {
  untilMs: number | undefined;
  why: Why;
  /** Where it stands in the wheel. */
  slot: number;
  readonly ended: (() => void) | undefined;
}

export class Expiry {
  readonly #clock: Clock;
  readonly #expired: (connection: Connection, why: Why) => void;
  readonly #terms = new Map<Connection, Term>();
  /** By the whole half second in which they end. */
  readonly #slots = new Map<number, Set<Connection>>();
  readonly #timer: Timer;
  #lookedAt: number;

  /** `expired` is called within `turnMs` after a stream's time has come. */
  constructor(clock: Clock, expired: (connection: Connection, why: Why) => void) {
    this.#clock = clock;
    this.#expired = expired;
    this.#lookedAt = Math.floor(clock.date() / turnMs);
    this.#timer = clock.every(turnMs, () => this.#turn());
  }

  /** `connection` lasts until `untilMs`, Unix ms, if given; `ended` is called once when it has ended. */
  set(connection: Connection, untilMs: number | undefined, ended: (() => void) | undefined): void {
    if (untilMs === undefined && ended === undefined) return;
    this.#terms.set(connection, { untilMs: undefined, why: "expired", slot: 0, ended });
    this.shorten(connection, untilMs);
  }

  /** `connection` lasts no longer than `untilMs`, for the reason `why`. */
  shorten(connection: Connection, untilMs: number | undefined, why: Why = "expired"): void {
    if (untilMs === undefined) return;
    const term = this.#terms.get(connection) ?? { untilMs: undefined, why, slot: 0, ended: undefined };
    if (term.untilMs !== undefined && term.untilMs <= untilMs) return;
    this.#take(connection, term.slot);
    this.#terms.set(connection, term);
    term.untilMs = untilMs;
    term.why = why;
    term.slot = Math.max(Math.ceil(untilMs / turnMs), this.#lookedAt + 1);
    const there = this.#slots.get(term.slot);
    if (there) there.add(connection);
    else this.#slots.set(term.slot, new Set([connection]));
  }

  /** `connection` has ended, whoever ended it. */
  left(connection: Connection): void {
    const term = this.#terms.get(connection);
    if (!term) return;
    this.#terms.delete(connection);
    this.#take(connection, term.slot);
    term.ended?.();
  }

  close(): void {
    this.#timer.cancel();
  }

  #take(connection: Connection, slot: number): void {
    const there = this.#slots.get(slot);
    there?.delete(connection);
    if (there?.size === 0) this.#slots.delete(slot);
  }

  #turn(): void {
    const now = Math.floor(this.#clock.date() / turnMs);
    // After a long sleep there may be more seconds behind us than streams.
    const due =
      now - this.#lookedAt > this.#slots.size
        ? [...this.#slots.keys()].filter((slot) => slot <= now)
        : Array.from({ length: now - this.#lookedAt }, (_, i) => this.#lookedAt + 1 + i);
    this.#lookedAt = now;
    for (const slot of due) {
      const there = this.#slots.get(slot);
      this.#slots.delete(slot);
      for (const connection of there ?? [])
        this.#expired(connection, this.#terms.get(connection)?.why ?? "expired");
    }
  }
}
