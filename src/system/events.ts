/**
 * A viewer for tests: an open stream, parsed by a parser that is not ours, and events that can be waited
 * for. What it hears must have the shape that asyncapi.json gives it, to the last member.
 */
import { createParser } from "eventsource-parser";
import { eventSchemas } from "../http/event-schemas.ts";
import { mistakesIn } from "../http/schema.ts";
import { schemas } from "../http/schemas.ts";

export interface Heard {
  readonly event: string;
  readonly id: string | undefined;
  /** The parsed JSON. */
  readonly says: Record<string, unknown>;
}

export class Viewer {
  readonly heard: Heard[] = [];
  readonly retries: number[] = [];
  /** What was wrong with what it heard: then the stream counts as broken. */
  readonly mistakes: string[] = [];
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
      if (this.#ended)
        throw new Error([...this.mistakes, `ended after ${JSON.stringify(this.heard.slice(-5))}`].join("; "));
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
        this.mistakes.push(...mistakesOf(heard));
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
        if (this.mistakes.length > 0) throw new Error(this.mistakes.join("; "));
        for (const wake of this.#wake.splice(0)) wake();
      }
    } catch (error) {
      if (!this.#abort.signal.aborted) this.heard.push({ event: "broken", id: undefined, says: { error } });
    }
    this.#ended = true;
    for (const wake of this.#wake.splice(0)) wake();
  }
}

/** Where an event differs from what event-schemas.ts says of it. */
export function mistakesOf({ event, says }: Pick<Heard, "event" | "says">): string[] {
  const schema = eventSchemas[event];
  if (!schema) return [`event-schemas.ts knows no ${event}`];
  const mistakes = mistakesIn(says, schema, { known: schemas, strict: true });
  return mistakes.map((mistake) => `event-schemas.ts, ${event}: ${mistake}`);
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
