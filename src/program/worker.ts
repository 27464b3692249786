/**
 * A worker's side of the conversation with its parent (workers.ts): settings come in, its address and its
 * metrics go out, and whoever asks it for metrics gets those of all workers.
 *
 * The channel between the two lives exactly as long as the parent: when it closes there is nobody left to
 * start, stop or add up anything, and the worker leaves too (system/workers.test.ts).
 */
import { textOf } from "../base/metrics.ts";
import type { Settings } from "../settings/config.ts";
import type { Serving } from "./serve.ts";
import type { Order, Word } from "./workers.ts";

/** The channel, as the process has it. */
export interface ParentChannel {
  /** Does nothing once the parent is gone. */
  tell(word: Word): void;
  onOrder(heard: (order: Order) => void): void;
  onGone(gone: () => void): void;
}

export class Parent {
  /** What to serve. */
  readonly settings: Promise<Settings>;
  /** Resolves when there is no parent any more. */
  readonly gone: Promise<string>;
  readonly #channel: ParentChannel;
  readonly #asked = new Map<number, (text: string) => void>();
  #serving: Serving | undefined;
  #asks = 0;
  #isGone = false;

  constructor(channel: ParentChannel) {
    this.#channel = channel;
    const settings = Promise.withResolvers<Settings>();
    const gone = Promise.withResolvers<string>();
    this.settings = settings.promise;
    this.gone = gone.promise;
    channel.onOrder((order) => {
      if (order.kind === "start") settings.resolve(order.settings);
      else if (order.kind === "read") void this.#read(order.ask);
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

  /** Tells the parent that this worker serves. */
  serve(serving: Serving): void {
    this.#serving = serving;
    this.#channel.tell({ kind: "listening", url: serving.url });
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

  async #read(ask: number): Promise<void> {
    const readings = await this.#serving?.readings();
    if (readings) this.#channel.tell({ kind: "readings", ask, readings });
  }

  async #ownMetrics(): Promise<string> {
    const readings = await this.#serving?.readings();
    return textOf(readings ? [readings] : []);
  }
}
