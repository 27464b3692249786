/**
 * A node's own clock on the one clock of a simulation: dead with its node, and with a wall of its own that is
 * somewhat wrong, runs too fast or too slow, and is set now and then, as walls of machines are. Elapsed time
 * is the simulation's: no two machines of ours compare theirs.
 */
import {
  type Clock,
  type Elapsed,
  type Timer,
  type UnixMs,
  unixMs,
  type VirtualClock,
} from "../../base/clock.ts";

export class NodeClock implements Clock {
  readonly #clock: VirtualClock;
  readonly #timers = new Set<Timer>();
  readonly #driftPerMs: number;
  readonly #startAt: Elapsed;
  #wrongMs: number;
  #dead = false;
  /** What was done since the last turn, in ms: the next one comes that much later. */
  #spentMs = 0;

  /** The wall begins `wrongMs` ahead, and gains or loses `driftPerMs` ms with each that passes. */
  constructor(clock: VirtualClock, wrongMs: number, driftPerMs = 0) {
    this.#clock = clock;
    this.#startAt = clock.elapsed();
    this.#wrongMs = wrongMs;
    this.#driftPerMs = driftPerMs;
  }

  /** Timers set now. */
  get timers(): number {
    return this.#timers.size;
  }

  elapsed(): Elapsed {
    return this.#clock.elapsed();
  }

  date(): UnixMs {
    const livedMs = this.#clock.elapsed() - this.#startAt;
    return unixMs(this.#clock.date() + this.#wrongMs + livedMs * this.#driftPerMs);
  }

  /** Somebody sets the wall by `ms`, forwards or back. */
  setWall(ms: number): void {
    this.#wrongMs += ms;
  }

  after(ms: number, run: () => void): Timer {
    if (this.#dead) return { cancel: () => {} };
    const timer = this.#clock.after(ms, () => {
      this.#timers.delete(timer);
      run();
    });
    return this.#kept(timer);
  }

  every(ms: number, run: () => void): Timer {
    return this.#dead ? { cancel: () => {} } : this.#kept(this.#clock.every(ms, run));
  }

  soon(run: () => void): void {
    this.after(this.#spentMs, run);
    this.#spentMs = 0;
  }

  /** Something took `ms` of this node's core. */
  spend(ms: number): void {
    this.#spentMs += ms;
  }

  /** Nothing of this node runs any more. */
  kill(): void {
    this.#dead = true;
    for (const timer of this.#timers) timer.cancel();
    this.#timers.clear();
  }

  #kept(timer: Timer): Timer {
    this.#timers.add(timer);
    return {
      cancel: () => {
        this.#timers.delete(timer);
        timer.cancel();
      },
    };
  }
}

/** Lets `ms` pass, from one timer to the next, with promises settled after each. */
export async function pass(clock: VirtualClock, ms: number): Promise<void> {
  const untilAt = clock.elapsed() + ms;
  for (let next = clock.next(); next !== undefined && next <= untilAt; next = clock.next()) {
    clock.advance(Math.max(0, next - clock.elapsed()));
    await new Promise<void>((resolve) => setImmediate(resolve));
  }
  clock.advance(untilAt - clock.elapsed());
}
