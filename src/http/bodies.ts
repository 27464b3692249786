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

/** Told instead of bytes when a body took too long. */
export const late = Symbol("late");

/** What reading a body came to: what was read, or `late`, or undefined where it broke off. */
export type Read<T> = T | typeof late | undefined;

/** How often it is looked who is late, in ms. */
const lookMs = 500;

/** A body on its way: its room, and its place between those that began before and after it. */
export interface Body {
  readonly bytes: number;
  /** Whose bytes they are; undefined: nobody's. */
  readonly name: string | undefined;
  readonly beganAt: Elapsed;
  /** Undefined when it is no longer on its way. */
  end: ((read: typeof late) => void) | undefined;
  before: Body | undefined;
  after: Body | undefined;
}

export class Bodies {
  readonly #clock: Pick<Clock, "elapsed" | "every">;
  /** The ones that began first and last. */
  #first: Body | undefined;
  #last: Body | undefined;
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

  /** Why no `bytes` of `payer` can be on their way now, or undefined. */
  refuses(payer: Payer | undefined, bytes: number): Rejection | undefined {
    const name = nameOf(payer);
    if (name !== undefined && (this.#each.get(name) ?? 0) + bytes > limits.bodiesOfOneBytesMax) {
      return reject("work-rate", "so many bytes of yours are on their way that no more are taken now", 1);
    }
    if (this.#all + bytes > limits.bodiesBytesMax) {
      return reject("busy", "so many bytes are on their way that no more are taken now", 1);
    }
    return undefined;
  }

  /**
   * Reserves `bytes` of `payer` as long as `reading` takes, and no longer than a body may take, and resolves
   * with what `use` makes of it.
   */
  read<T, R>(
    payer: Payer | undefined,
    bytes: number,
    reading: Promise<T>,
    use: (read: Read<T>) => R,
  ): Promise<R> {
    return new Promise((resolve, reject) => {
      const end = (read: Read<T>): void => {
        if (!body.end) return;
        body.end = undefined;
        this.#leave(body);
        try {
          resolve(use(read));
        } catch (error) {
          reject(error);
        }
      };
      const name = nameOf(payer);
      const beganAt = this.#clock.elapsed();
      const body: Body = { bytes, name, beganAt, end, before: this.#last, after: undefined };
      this.#enter(body);
      reading.then(end, () => end(undefined));
    });
  }

  #enter(body: Body): void {
    const { before, name, bytes } = body;
    if (before) before.after = body;
    else this.#first = body;
    this.#last = body;
    this.#all += bytes;
    if (name !== undefined) this.#each.set(name, (this.#each.get(name) ?? 0) + bytes);
    this.#timer ??= this.#clock.every(lookMs, () => this.#look());
  }

  #leave({ before, after, name, bytes }: Body): void {
    if (before) before.after = after;
    else this.#first = after;
    if (after) after.before = before;
    else this.#last = before;
    this.#all -= bytes;
    if (name === undefined) return;
    const left = (this.#each.get(name) ?? bytes) - bytes;
    if (left > 0) this.#each.set(name, left);
    else this.#each.delete(name);
  }

  #look(): void {
    const before = this.#clock.elapsed() - limits.bodyMs;
    for (let body = this.#first; body && body.beganAt <= before; body = this.#first) body.end?.(late);
    if (this.#first) return;
    this.#timer?.cancel();
    this.#timer = undefined;
  }
}

function nameOf(payer: Payer | undefined): string | undefined {
  return payer && `${payer.by} ${payer.purses[0]?.name}`;
}
