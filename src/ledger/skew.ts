/**
 * How far the dates of a video's pictures lie behind the server's clock: a running median, and which media
 * times are to be believed.
 *
 * A media time is in the clock of whoever dated the pictures. A relay dates them seconds late, and after an
 * outage in front of it they lie back by its length for good, so honest ones may lie in the future or far in
 * the past; what they have in common is their distance from the server's time. Its median over the last
 * reactions follows such a step as soon as half of them show it, and whoever lies does not move it as long as
 * more are honest (breakdown point one half: Rousseeuw and Croux, 1993). Each caller counts once in a while
 * (http/whose.ts), however often it reacts. Pure, by log time: the same on every node. Held by skew.test.ts.
 */
import { insert, remove } from "../base/sorted.ts";
import { limits } from "../core/limits.ts";

/** How far from the median a media time may lie, in ms. */
export interface Believed {
  /** Older pictures than those most see: a viewer who is behind. */
  readonly behindMs: number;
  /** Newer ones. */
  readonly aheadMs: number;
}

/** As many samples as these are made up by zeros: a first viewer alone says little. */
const samplesMin = 3;

export class Skew {
  /** Server time less media time, in ms, oldest first. */
  readonly #samples: number[] = [];
  /** Log time of each, in ms. */
  readonly #times: number[] = [];
  #sorted: number[] = [];
  /** The second of log time that samples were taken in last, and how many were. */
  #second = 0;
  #taken = 0;

  /** The skew of what these numbers tell (`flat`). */
  static of(flat: readonly number[]): Skew {
    const skew = new Skew();
    const [second = 0, taken = 0, ...pairs] = flat;
    skew.#second = second;
    skew.#taken = taken;
    for (let i = 0; i + 1 < Math.min(pairs.length, 2 * limits.mediaSamplesMax); i += 2) {
      skew.#samples.push(pairs[i] as number);
      skew.#times.push(pairs[i + 1] as number);
    }
    skew.#sorted = [...skew.#samples].sort((a, b) => a - b);
    return skew;
  }

  /** All there is of it, as numbers. */
  flat(): number[] {
    const pairs = this.#samples.flatMap((sample, i) => [sample, this.#times[i] as number]);
    return [this.#second, this.#taken, ...pairs];
  }

  /** Whether anybody said what they saw. */
  get known(): boolean {
    return this.#samples.length > 0;
  }

  /** The median of server time less media time, in ms; 0 while too few have said what they saw. */
  get medianMs(): number {
    const sorted = this.#sorted;
    const missing = samplesMin - sorted.length;
    if (missing <= 0) return sorted[sorted.length >> 1] as number;
    const made = [...sorted, ...new Array<number>(missing).fill(0)].sort((a, b) => a - b);
    return made[samplesMin >> 1] as number;
  }

  /** Takes `count` samples of `skewMs` at `logMs`; beyond so many in a second they say nothing new. */
  take(skewMs: number, count: number, logMs: number): void {
    const second = Math.floor(logMs / 1000);
    if (second !== this.#second) this.#taken = 0;
    this.#second = second;
    const most = Math.min(count, limits.mediaSamplesPerSecond - this.#taken);
    for (let i = 0; i < most; i++) this.#push(skewMs, logMs);
    this.#taken += Math.max(0, most);
  }

  /** Whether a picture of `mediaMs` can be what somebody saw at `serverMs`. */
  believes(mediaMs: number, serverMs: number, { behindMs, aheadMs }: Believed): boolean {
    const awayMs = serverMs - mediaMs - this.medianMs;
    return awayMs <= behindMs && awayMs >= -aheadMs;
  }

  #push(skewMs: number, logMs: number): void {
    this.#samples.push(skewMs);
    this.#times.push(logMs);
    insert(this.#sorted, skewMs);
    const isOld = (): boolean => logMs - (this.#times[0] as number) > limits.mediaSampleMs;
    while (
      this.#samples.length > limits.mediaSamplesMax ||
      (this.#samples.length > limits.mediaSamplesKept && isOld())
    ) {
      this.#times.shift();
      remove(this.#sorted, this.#samples.shift() as number);
    }
  }
}
