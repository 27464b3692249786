/**
 * Asks dispatchers: one that can be heard, by name and in turn; when none can, whoever serves.
 *
 * The distinction it rests on: "nobody serves" means that nothing was handed over, so another one is asked;
 * no answer means that it may have been, so the caller is told. A queue group alone would go on giving
 * every second request to a dispatcher that hangs, for minutes.
 */
import type { Clock, Timer } from "../base/clock.ts";
import { type Bus, NobodyServes, type Subscription } from "../bus/bus.ts";
import { limits } from "../core/limits.ts";
import { Peers } from "../core/peers.ts";
import { decodeAlive, subjects } from "../core/wire.ts";

/** What is asked with: a bus, or this. */
export type Requester = Pick<Bus, "request">;

export class Asker implements Requester {
  readonly #bus: Bus;
  readonly #peers = new Peers(() => {});
  readonly #subscription: Subscription;
  readonly #timer: Timer;
  #turn = 0;

  constructor(bus: Bus, clock: Clock) {
    this.#bus = bus;
    this.#subscription = bus.subscribe(subjects.allAlive, (payload, subject) => {
      const said = decodeAlive(payload, subject);
      if (said?.leaving) this.#peers.leave(said.node);
      else if (said) this.#peers.hear(said.node);
    });
    this.#timer = clock.every(limits.aliveEveryMs, () => {
      if (bus.connected()) this.#peers.beat();
    });
  }

  /** As Bus.request, to whichever dispatcher. */
  async request(subject: string, payload: Uint8Array, timeoutMs: number): Promise<Uint8Array> {
    for (let { heard } = this.#peers; heard.length > 0; { heard } = this.#peers) {
      const node = heard[this.#turn++ % heard.length] as string;
      try {
        return await this.#bus.request(subjects.at(subject, node), payload, timeoutMs);
      } catch (error) {
        if (!(error instanceof NobodyServes)) throw error;
        this.#peers.leave(node);
      }
    }
    return this.#bus.request(subject, payload, timeoutMs);
  }

  close(): void {
    this.#subscription.end();
    this.#timer.cancel();
  }
}
