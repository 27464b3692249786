/**
 * A viewer for tests: an open stream, parsed by a parser that is not ours, and events that can be waited
 * for.
 */
import { createParser } from "eventsource-parser";

export interface Heard {
  readonly event: string;
  readonly id: string | undefined;
  /** The parsed JSON. */
  readonly says: Record<string, unknown>;
}

export class Viewer {
  readonly heard: Heard[] = [];
  readonly retries: number[] = [];
  /** Is told of each event as it comes. */
  onHeard: (heard: Heard) => void = () => {};
  readonly #abort = new AbortController();
  #ended = false;
  #wake: (() => void)[] = [];

  /** Opens `url`; resolves when the answer's head is there. */
  static async open(url: string, headers: Readonly<Record<string, string>> = {}): Promise<Viewer> {
    const viewer = new Viewer();
    const response = await fetch(url, { headers, signal: viewer.#abort.signal });
    if (response.status !== 200 || !response.body)
      throw new Error(`${response.status} ${await response.text()}`);
    void viewer.#read(response.body);
    return viewer;
  }

  get ended(): boolean {
    return this.#ended;
  }

  get connection(): string {
    return String(this.heard[0]?.says.connection);
  }

  named(event: string): Heard[] {
    return this.heard.filter((heard) => heard.event === event);
  }

  /** The first event that `matches`, now or later. Rejects when the stream ends before. */
  async until(matches: (heard: Heard) => boolean): Promise<Heard> {
    for (let from = 0; ; ) {
      for (; from < this.heard.length; from++) {
        const heard = this.heard[from] as Heard;
        if (matches(heard)) return heard;
      }
      if (this.#ended) throw new Error(`ended after ${JSON.stringify(this.heard.slice(-5))}`);
      await this.#more();
    }
  }

  async untilEnd(): Promise<void> {
    while (!this.#ended) await this.#more();
  }

  close(): void {
    this.#abort.abort();
  }

  #more(): Promise<void> {
    return new Promise((resolve) => this.#wake.push(resolve));
  }

  async #read(body: ReadableStream<Uint8Array>): Promise<void> {
    const parser = createParser({
      onEvent: ({ event, id, data }) => {
        const says = JSON.parse(data) as Record<string, unknown>;
        const heard = { event: event ?? "message", id, says };
        this.heard.push(heard);
        this.onHeard(heard);
      },
      onRetry: (ms) => this.retries.push(ms),
      onError: (error) => {
        throw error;
      },
    });
    const decoder = new TextDecoder("utf-8", { fatal: true });
    try {
      for await (const chunk of body) {
        parser.feed(decoder.decode(chunk, { stream: true }));
        for (const wake of this.#wake.splice(0)) wake();
      }
    } catch (error) {
      if (!this.#abort.signal.aborted) this.heard.push({ event: "broken", id: undefined, says: { error } });
    }
    this.#ended = true;
    for (const wake of this.#wake.splice(0)) wake();
  }
}

/** POSTs JSON; the answer's status and parsed body. */
export async function post(
  url: string,
  body: object,
  headers: Readonly<Record<string, string>> = {},
): Promise<{ status: number; says: Record<string, unknown> | undefined }> {
  const response = await fetch(url, {
    method: "POST",
    headers: { "content-type": "application/json", ...headers },
    body: JSON.stringify(body),
  });
  const text = await response.text();
  return {
    status: response.status,
    says: text === "" ? undefined : (JSON.parse(text) as Record<string, unknown>),
  };
}
