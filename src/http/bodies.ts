/**
 * Bodies on their way in, of the whole node: how many bytes of them may be there at once, of all callers and
 * of each, and how long one may take. A client that sends a byte now and then is cut, over HTTP/2 too, where
 * no silence of the connection tells it from a busy one. Held by bodies.test.ts and system/slowloris.test.ts.
 *
 * What is reserved is what a body may come to: its length where it is announced, else the most it may have.
 */
import type { Clock, Elapsed, Timer } from "../base/clock.ts";
import { type Rejection, reject } from "../core/interaction.ts";
import { limits } from "../core/limits.ts";
import type { Payer } from "../trust/payer.ts";

/** A body that is being read. */
interface Reading {
  readonly beganAt: Elapsed;
  readonly late: () => void;
}

/** Told instead of bytes when a body took too long. */
export const late = Symbol("late");

/** How often it is looked who is late, in ms. */
const lookMs = 500;

export class Bodies {
  readonly #clock: Pick<Clock, "elapsed" | "every">;
  /** In the order in which they began. */
  readonly #reading = new Set<Reading>();
  /** Bytes reserved, by the smallest purse of whoever sends them. */
  readonly #each = new Map<string, number>();
  #all = 0;
  #timer: Timer | undefined;

  constructor(clock: Pick<Clock, "elapsed" | "every">) {
    this.#clock = clock;
  }

  /** Bytes reserved now. */
  get bytes(): number {
    return this.#all;
  }

  /** Reserves `bytes` for a body of `payer`, until `done`; or why not now. */
  reserve(payer: Payer | undefined, bytes: number): Rejection | { readonly done: () => void } {
    const name = payer && `${payer.by} ${payer.purses[0]?.name}`;
    const each = name === undefined ? 0 : (this.#each.get(name) ?? 0);
    if (name !== undefined && each + bytes > limits.bodiesOfOneBytesMax) {
      return reject("work-rate", "so many bytes of yours are on their way that no more are taken now", 1);
    }
    if (this.#all + bytes > limits.bodiesBytesMax) {
      return reject("busy", "so many bytes are on their way that no more are taken now", 1);
    }
    this.#all += bytes;
    if (name !== undefined) this.#each.set(name, each + bytes);
    const done = (): void => {
      this.#all -= bytes;
      if (name === undefined) return;
      const left = (this.#each.get(name) ?? bytes) - bytes;
      if (left > 0) this.#each.set(name, left);
      else this.#each.delete(name);
    };
    return { done };
  }

  /** What `reading` comes to, or `late` when that takes longer than a body may take. */
  inTime<T>(reading: Promise<T>): Promise<T | typeof late> {
    return new Promise((resolve, reject) => {
      const one: Reading = { beganAt: this.#clock.elapsed(), late: () => resolve(late) };
      this.#reading.add(one);
      this.#timer ??= this.#clock.every(lookMs, () => this.#look());
      const read = (bytes: T): void => {
        this.#reading.delete(one);
        resolve(bytes);
      };
      const failed = (error: unknown): void => {
        this.#reading.delete(one);
        reject(error);
      };
      reading.then(read, failed);
    });
  }

  #look(): void {
    const before = this.#clock.elapsed() - limits.bodyMs;
    for (const one of this.#reading) {
      if (one.beganAt > before) break;
      this.#reading.delete(one);
      one.late();
    }
    if (this.#reading.size > 0) return;
    this.#timer?.cancel();
    this.#timer = undefined;
  }
}
