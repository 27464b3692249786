/** Only so many works at once: further ones wait for their turn, in order. turns.test.ts holds it. */
export class Turns {
  #free: number;
  #waiting: (() => void)[] = [];

  /** `most` at least 1. */
  constructor(most: number) {
    this.#free = most;
  }

  /** Does `work` when it is its turn; settles as that does. How long it may wait is up to `work`. */
  async take<T>(work: () => Promise<T>): Promise<T> {
    if (this.#free > 0) this.#free--;
    else await new Promise<void>((resolve) => this.#waiting.push(resolve));
    try {
      return await work();
    } finally {
      // The turn is handed on: nobody who comes now takes it first.
      const next = this.#waiting.shift();
      if (next) next();
      else this.#free++;
    }
  }
}
