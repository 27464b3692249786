/**
 * Regions that a node hears of: for `ovation_regions`, which falls when the way to one is cut, since only
 * ticks cross regions. Names come from the network, so they are few and forgotten. Held by regions.test.ts.
 */
import { type Elapsed, longAgo } from "../base/clock.ts";

/** Beyond, a new one is not counted: a peer may say any name. */
const regionsMax = 64;
/** A region of which no tick came for so long is not counted, in ms. */
const silentMs = 60_000;

export class Regions {
  readonly #heardAt = new Map<string, Elapsed>();
  #last = "";
  #lastAt: Elapsed = longAgo;

  /** A tick of `region` came. Cheap for the next one of the same in the same millisecond. */
  hear(region: string, now: Elapsed): void {
    if (region === this.#last && now === this.#lastAt) return;
    this.#last = region;
    this.#lastAt = now;
    const isKnown = this.#heardAt.has(region);
    if (isKnown || this.#heardAt.size < regionsMax || this.count(now) < regionsMax) {
      this.#heardAt.set(region, now);
    }
  }

  /** How many were heard lately. */
  count(now: Elapsed): number {
    for (const [region, at] of this.#heardAt) if (now - at > silentMs) this.#heardAt.delete(region);
    return this.#heardAt.size;
  }
}
