/**
 * Asks dispatchers: one that can be heard, by name and in turn; when none can, whoever serves.
 *
 * "Nobody serves" means that nothing was handed over, so another one is asked; no answer means that it may
 * have been, so the caller is told. A queue group alone would go on giving every second request to a
 * dispatcher that hangs, for minutes. Held by asker.test.ts.
 */
import type { Clock, Timer } from "../base/clock.ts";
import { type Bus, BusUnavailable, NobodyServes, type Subscription } from "../bus/bus.ts";
import { type Rejection, reject } from "../core/interaction.ts";
import { limits } from "../core/limits.ts";
import { decodeHealth } from "../core/nodes.ts";
import { Peers } from "../core/peers.ts";
import { decodeAlive, encodeJson, subjects } from "../core/wire.ts";

/** What is asked with: a bus, or this. */
export type Requester = Pick<Bus, "request">;

/**
 * Asks, and reads the reply; a rejection when nobody can be asked, or what comes is none. For reads, which
 * may be repeated: what is published knows more of its fate (relay.ts).
 */
export async function askFor<T>(
  bus: Requester,
  subject: string,
  payload: Uint8Array,
  decode: (reply: Uint8Array) => T | undefined,
): Promise<T | Rejection> {
  try {
    const reply = await bus.request(subject, payload, limits.requestMs);
    return decode(reply) ?? reject("unavailable", "the log gave no answer", 1);
  } catch (error) {
    if (error instanceof BusUnavailable) return reject("unavailable", "the log cannot be reached", 1);
    throw error;
  }
}

export class Asker implements Requester {
  readonly #bus: Bus;
  readonly #peers = new Peers(() => {});
  readonly #subscription: Subscription;
  readonly #timer: Timer;
  #turn = 0;
  #healthTurn = 0;

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

  /**
   * Why the next dispatcher cannot be of use to publishers, as it says itself; empty when it can. One of
   * before says nothing about itself, but that it can be heard. Rejects with BusUnavailable.
   */
  async health(): Promise<readonly string[]> {
    const { heard } = this.#peers;
    const node = heard[this.#healthTurn++ % Math.max(1, heard.length)];
    const subject = node === undefined ? subjects.health : subjects.at(subjects.health, node);
    try {
      const reasons = decodeHealth(await this.#bus.request(subject, encodeJson({}), limits.requestMs));
      if (reasons) return reasons;
      throw new BusUnavailable("an answer that is not a dispatcher's");
    } catch (error) {
      if (error instanceof NobodyServes && node !== undefined) return [];
      throw error;
    }
  }

  close(): void {
    this.#subscription.end();
    this.#timer.cancel();
  }
}
