/**
 * A node's own clock on the one clock of a simulation: somewhat wrong, as clocks of machines are, and dead
 * with its node.
 */
import {
  type Clock,
  type Elapsed,
  later,
  type Timer,
  type UnixMs,
  type VirtualClock,
} from "../../base/clock.ts";

export class NodeClock implements Clock {
  readonly #clock: VirtualClock;
  readonly #skewMs: number;
  readonly #timers = new Set<Timer>();
  #dead = false;

  constructor(clock: VirtualClock, skewMs: number) {
    this.#clock = clock;
    this.#skewMs = skewMs;
  }

  /** Timers set now. */
  get timers(): number {
    return this.#timers.size;
  }

  now(): number {
    return this.#clock.now() + this.#skewMs;
  }

  elapsed(): Elapsed {
    return this.#clock.elapsed();
  }

  date(): UnixMs {
    return later(this.#clock.date(), this.#skewMs);
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
    this.after(0, run);
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
  const untilMs = clock.now() + ms;
  for (let next = clock.next(); next !== undefined && next <= untilMs; next = clock.next()) {
    clock.advance(Math.max(0, next - clock.now()));
    await new Promise<void>((resolve) => setImmediate(resolve));
  }
  clock.advance(untilMs - clock.now());
}
