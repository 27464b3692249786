/**
 * A worker's side of the conversation with its parent (workers.ts): settings come in, its address and its
 * metrics go out, and whoever asks it for metrics gets those of all workers.
 *
 * The channel between the two lives exactly as long as the parent: when it closes there is nobody left to
 * start, stop or add up anything, and the worker leaves too (system/workers.test.ts).
 */
import type { Clock } from "../base/clock.ts";
import { textOf } from "../base/metrics.ts";
import type { Serving } from "./serve.ts";
import type { Order, Start, Word } from "./workers.ts";

/** How often viewers are counted, and those who wait to be let in, in ms. */
const countMs = 250;

/** The channel, as the process has it. */
export interface ParentChannel {
  /** Does nothing once the parent is gone. */
  tell(word: Word): void;
  onOrder(heard: (order: Order) => void): void;
  onGone(gone: () => void): void;
}

export class Parent {
  /** What to serve. */
  readonly start: Promise<Start>;
  /** Resolves when there is no parent any more. */
  readonly gone: Promise<string>;
  readonly #channel: ParentChannel;
  readonly #clock: Clock;
  readonly #asked = new Map<number, (text: string) => void>();
  #serving: Serving | undefined;
  #asks = 0;
  #isGone = false;

  constructor(channel: ParentChannel, clock: Clock) {
    this.#clock = clock;
    this.#channel = channel;
    const start = Promise.withResolvers<Start>();
    const gone = Promise.withResolvers<string>();
    this.start = start.promise;
    this.gone = gone.promise;
    channel.onOrder((order) => {
      if (order.kind === "start") start.resolve(order);
      else if (order.kind === "read") void this.#read(order.ask);
      else if (order.kind === "steer") this.#serving?.steer(order.place);
      else if (order.kind === "shed") this.#serving?.shed(order.viewers);
      else this.#asked.get(order.ask)?.(order.text);
    });
    channel.onGone(() => {
      this.#isGone = true;
      gone.resolve("the parent is gone");
      void this.#ownMetrics().then((text) => {
        for (const resolve of this.#asked.values()) resolve(text);
      });
    });
  }

  /** Tells the parent that this worker serves, as soon as it does. */
  serve(serving: Serving): void {
    this.#serving = serving;
    serving.listening.then(
      () => {
        this.#channel.tell({ kind: "listening", url: serving.url });
        this.#count(serving);
      },
      // It fails, and the process ends for it.
      () => {},
    );
  }

  /** The metrics of all workers as text; of this one alone when the parent is gone. */
  async allMetrics(): Promise<string> {
    if (this.#isGone) return this.#ownMetrics();
    const ask = ++this.#asks;
    const text = await new Promise<string>((resolve) => {
      this.#asked.set(ask, resolve);
      this.#channel.tell({ kind: "metrics", ask });
    });
    this.#asked.delete(ask);
    return text;
  }

  /** Tells how many viewers there are, whenever that has changed, and while some wait. */
  #count(serving: Serving): void {
    let told = 0;
    this.#clock.every(countMs, () => {
      const viewers = serving.connections();
      const waiting = serving.waiting();
      if (viewers !== told || waiting > 0) this.#channel.tell({ kind: "viewers", viewers, waiting });
      told = viewers;
    });
  }

  async #read(ask: number): Promise<void> {
    const readings = await this.#serving?.readings();
    if (readings) this.#channel.tell({ kind: "readings", ask, readings });
  }

  async #ownMetrics(): Promise<string> {
    const readings = await this.#serving?.readings();
    return textOf(readings ? [readings] : []);
  }
}
