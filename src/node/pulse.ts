/**
 * Whether what a node would do for publishers can be done: asked again and again, rather than believed.
 *
 * A connection that stands says little: a permission may be missing, so that requests go out and no answer
 * comes back; every dispatcher may be gone; the log may take nothing. So each node makes the request that
 * publishing through it would make: a frontend asks a dispatcher, whichever is next, a dispatcher asks itself
 * by way of the network. Two failures in a row make it not ready, one answer makes it ready again.
 * pulse.test.ts holds it.
 */
import type { Clock, Timer } from "../base/clock.ts";
import { BusUnavailable } from "../bus/bus.ts";
import { limits } from "../core/limits.ts";

export interface PulseParts {
  /** Why publishing is in vain, as a dispatcher says; empty when it is not. Rejects with BusUnavailable. */
  readonly ask: () => Promise<readonly string[]>;
  /** While messages do not travel nothing is asked: that is another reason. */
  readonly connected: () => boolean;
  readonly clock: Clock;
  /** What it is called when nobody answers. */
  readonly unanswered: string;
  /** Whether all is taken to be well until the first answer. */
  readonly trusting: boolean;
}

export class Pulse {
  readonly #parts: PulseParts;
  #failures: number;
  #reasons: readonly string[];
  #timer: Timer | undefined;
  #closed = false;

  /** Asks at once, then every limits.pulseMs until closed. */
  constructor(parts: PulseParts) {
    this.#parts = parts;
    this.#failures = parts.trusting ? 0 : limits.pulseFailuresMax;
    this.#reasons = [parts.unanswered];
    void this.#beat();
  }

  /** Why publishing through this node is in vain; empty when it is not. */
  reasons(): readonly string[] {
    return this.#failures >= limits.pulseFailuresMax ? this.#reasons : [];
  }

  close(): void {
    this.#closed = true;
    this.#timer?.cancel();
  }

  async #beat(): Promise<void> {
    const { connected, clock } = this.#parts;
    if (connected()) {
      const reasons = await this.#asked();
      this.#failures = reasons.length === 0 ? 0 : this.#failures + 1;
      this.#reasons = reasons;
    }
    if (this.#closed) return;
    const waitMs = this.#failures === 0 ? limits.pulseMs : limits.pulseAgainMs;
    this.#timer = clock.after(waitMs, () => void this.#beat());
  }

  async #asked(): Promise<readonly string[]> {
    try {
      return await this.#parts.ask();
    } catch (error) {
      if (!(error instanceof BusUnavailable)) throw error;
      return [this.#parts.unanswered];
    }
  }
}
