/**
 * Rows that a bucket has lost, written again a few at a time.
 *
 * Whoever holds such a row may try, many nodes at once: each write says what must stand there now, nothing
 * or the message it takes the place of, so the first wins and no newer row is overwritten. What cannot be
 * written now stays and is tried again. nats-restore.test.ts holds it.
 */
import type { Timer } from "../base/clock.ts";
import { limits } from "../core/limits.ts";
import { BusUnavailable } from "./bus.ts";
import { ApiError, type JetStream } from "./nats-jetstream.ts";

const lastHeader = "Nats-Expected-Last-Subject-Sequence";
const wrongLast = 10_071;
const encoder = new TextEncoder();

interface Lost {
  readonly value: string;
  /** The message that must be the newest of its key, 0: none; undefined: whatever is. */
  readonly last: number | undefined;
}

export class Restorer {
  readonly #jetstream: JetStream;
  readonly #prefix: string;
  readonly #written: (key: string, seq: number) => void;
  readonly #lost = new Map<string, Lost>();
  #timer: Timer | undefined;
  #writing = false;
  #closed = false;

  /** `prefix` stands before each key; `written` is told of each row that was put back. */
  constructor(jetstream: JetStream, prefix: string, written: (key: string, seq: number) => void) {
    this.#jetstream = jetstream;
    this.#prefix = prefix;
    this.#written = written;
  }

  /** Rows not written yet. */
  get size(): number {
    return this.#lost.size;
  }

  /** Writes a row again, soon, unless another than `last` is the newest message of its key by then. */
  add(key: string, value: string, last: number | undefined): void {
    this.#lost.set(key, { value, last });
    this.#later();
  }

  /** The row has another value, or is no more: nothing is to be restored. */
  drop(key: string): void {
    this.#lost.delete(key);
  }

  close(): void {
    this.#closed = true;
    this.#timer?.cancel();
    this.#lost.clear();
  }

  #later(): void {
    if (this.#timer || this.#writing || this.#closed || this.#lost.size === 0) return;
    this.#timer = this.#jetstream.parts.clock.after(limits.tableRestoreEveryMs, () => {
      this.#timer = undefined;
      void this.#turn();
    });
  }

  async #turn(): Promise<void> {
    this.#writing = true;
    const now: [string, Lost][] = [];
    for (const entry of this.#lost) if (now.push(entry) === limits.tableRestoreMax) break;
    await Promise.all(now.map(([key, lost]) => this.#write(key, lost)));
    this.#writing = false;
    this.#later();
  }

  async #write(key: string, lost: Lost): Promise<void> {
    const { value, last } = lost;
    const head = last === undefined ? undefined : { [lastHeader]: `${last}` };
    try {
      const payload = encoder.encode(value);
      const { seq } = await this.#jetstream.append(this.#prefix + key, payload, limits.requestMs, head);
      this.#written(key, seq);
    } catch (error) {
      if (!(error instanceof BusUnavailable)) throw error;
      if (!(error instanceof ApiError) || error.errorCode !== wrongLast) return;
    }
    if (this.#lost.get(key) === lost) this.#lost.delete(key);
  }
}
