/** How far a stream has been heard, and who waits until it tells what they wrote. */
import type { Clock, Timer } from "../base/clock.ts";

interface Waiting {
  readonly seq: number;
  readonly wake: (heard: boolean) => void;
}

export class Heard {
  readonly #clock: Pick<Clock, "after">;
  /** Of all before it nothing is to come. */
  #upTo = 0;
  #waiting: Waiting[] = [];

  constructor(clock: Pick<Clock, "after">) {
    this.#clock = clock;
  }

  /** The stream told what stands at `seq`. */
  tell(seq: number): void {
    this.#upTo = seq;
    if (this.#waiting.length === 0) return;
    const due = this.#waiting.filter((one) => one.seq <= seq);
    this.#waiting = this.#waiting.filter((one) => one.seq > seq);
    for (const { wake } of due) wake(true);
  }

  /** The stream may be another one: nobody hears what they wait for. */
  miss(): void {
    this.#upTo = 0;
    for (const { wake } of this.#waiting.splice(0)) wake(false);
  }

  /** Whether all up to `seq` was told, or is within `waitMs`. */
  async upTo(seq: number, waitMs: number): Promise<boolean> {
    if (this.#upTo >= seq) return true;
    const { promise, resolve } = Promise.withResolvers<boolean>();
    const timer: Timer = this.#clock.after(waitMs, () => resolve(false));
    this.#waiting.push({ seq, wake: resolve });
    const heard = await promise;
    timer.cancel();
    this.#waiting = this.#waiting.filter(({ wake }) => wake !== resolve);
    return heard;
  }
}
