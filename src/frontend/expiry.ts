/**
 * The terms streams are open on: until when, and how old they may get.
 *
 * A permission ends at a date, which whoever gave it chose; age is time that really passed, whatever the wall
 * is set to. Each kind has one wheel for all streams instead of a timer each: a stream stands in the slot of
 * the half second in which it ends, and twice a second the slots that are due are emptied. A stream without
 * terms costs nothing here.
 */
import type { Clock, Timer } from "../base/clock.ts";
import { Sweep } from "../base/sweep.ts";
import type { Connection } from "../fanout/connection.ts";

/** How often the wheels are looked at, in ms: a stream outlives its end by at most this. */
const turnMs = 500;
/** Streams ended on one turn of the event loop. */
const endsMax = 128;

/** Why a stream's time has come: its permission has ended, or it has lived long enough. */
export type Why = "expired" | "age";

export class Expiry {
  readonly #permissions: Wheel;
  readonly #ages: Wheel;
  readonly #clock: Clock;
  readonly #over: Sweep<Connection>;
  readonly #timer: Timer;

  /** `expired` is called within `turnMs` after a stream's time has come, and a while later if many end. */
  constructor(clock: Clock, expired: (connection: Connection, why: Why) => void) {
    this.#clock = clock;
    this.#permissions = new Wheel(clock.date());
    this.#ages = new Wheel(clock.elapsed());
    const why = new Map<Connection, Why>();
    this.#over = new Sweep({
      ...{ clock, turnMax: endsMax },
      act: (connection) => {
        expired(connection, why.get(connection) ?? "expired");
        why.delete(connection);
        return true;
      },
    });
    this.#timer = clock.every(turnMs, () => {
      for (const connection of this.#permissions.due(clock.date())) why.set(connection, "expired");
      for (const connection of this.#ages.due(clock.elapsed())) why.set(connection, "age");
      this.#over.start(why.keys());
    });
  }

  /** `connection` lasts no longer than until `untilMs`, Unix ms, if given. */
  until(connection: Connection, untilMs: number | undefined): void {
    if (untilMs !== undefined) this.#permissions.put(connection, untilMs);
  }

  /** `connection` lasts for `forMs` from now at most. */
  age(connection: Connection, forMs: number): void {
    this.#ages.put(connection, this.#clock.elapsed() + forMs);
  }

  /** `connection` has ended, whoever ended it. */
  left(connection: Connection): void {
    this.#permissions.take(connection);
    this.#ages.take(connection);
    this.#over.delete(connection);
  }

  close(): void {
    this.#timer.cancel();
    this.#over.close();
  }
}

/** Streams by the half second in which they end, in one kind of time. */
class Wheel {
  readonly #slots = new Map<number, Set<Connection>>();
  /** When each ends, and where it stands therefore. */
  readonly #ends = new Map<Connection, { readonly atMs: number; readonly slot: number }>();
  #lookedAt: number;

  constructor(nowMs: number) {
    this.#lookedAt = Math.floor(nowMs / turnMs);
  }

  /** `connection` ends at `atMs`, unless it ends sooner already. */
  put(connection: Connection, atMs: number): void {
    if ((this.#ends.get(connection)?.atMs ?? Number.POSITIVE_INFINITY) <= atMs) return;
    this.take(connection);
    const slot = Math.max(Math.ceil(atMs / turnMs), this.#lookedAt + 1);
    this.#ends.set(connection, { atMs, slot });
    const there = this.#slots.get(slot);
    if (there) there.add(connection);
    else this.#slots.set(slot, new Set([connection]));
  }

  take(connection: Connection): void {
    const end = this.#ends.get(connection);
    if (!end) return;
    this.#ends.delete(connection);
    const there = this.#slots.get(end.slot);
    there?.delete(connection);
    if (there?.size === 0) this.#slots.delete(end.slot);
  }

  /** Takes out all whose time has come by `nowMs`. */
  due(nowMs: number): Connection[] {
    const now = Math.floor(nowMs / turnMs);
    // After a long sleep there may be more seconds behind us than streams; the wall may have been set back.
    const slots =
      now - this.#lookedAt > this.#slots.size
        ? [...this.#slots.keys()].filter((slot) => slot <= now)
        : Array.from({ length: Math.max(0, now - this.#lookedAt) }, (_, i) => this.#lookedAt + 1 + i);
    this.#lookedAt = now;
    const due = slots.flatMap((slot) => [...(this.#slots.get(slot) ?? [])]);
    for (const connection of due) this.take(connection);
    return due;
  }
}
