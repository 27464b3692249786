/**
 * A stream of a server that may be anybody's: its events, and its bytes as they came, since the form of an
 * event is part of the protocol. It reads line ends and fields as the standard says, whatever the server made
 * of them; what is not as our protocol has it is kept in `mistakes`.
 */
import type { Clock } from "../base/clock.ts";

/** Bytes of a stream that are kept; beyond, it is left: a check never needs so many. */
const bytesMax = 8 * 1024 * 1024;

export interface Block {
  /** As it came, without the empty line behind it. */
  readonly raw: string;
  readonly event: string;
  readonly id: string | undefined;
  readonly retry: string | undefined;
  readonly data: string | undefined;
  /** The parsed data; empty when it is no object. */
  readonly says: Readonly<Record<string, unknown>>;
  /** When it came, by `clock.elapsed()`. */
  readonly atMs: number;
}

/** What was asked for, which decides what may come. */
export interface Asked {
  readonly videos: readonly string[];
  /** The place it was to go on at. */
  readonly place: string | undefined;
}

export class Stream {
  readonly asked: Asked;
  readonly response: Response;
  readonly blocks: Block[] = [];
  /** Whether the server, not we, ended it. */
  endedByServer = false;
  /** Whether any line of it ended in anything but LF. */
  hasReturns = false;
  readonly #clock: Clock;
  readonly #abort: AbortController;
  readonly #openedMs: number;
  #ended = false;
  #waiting = new Set<() => void>();

  constructor(clock: Clock, response: Response, asked: Asked, abort: AbortController) {
    this.#clock = clock;
    this.response = response;
    this.asked = asked;
    this.#abort = abort;
    this.#openedMs = clock.elapsed();
    void this.#read();
  }

  named(event: string): readonly Block[] {
    return this.blocks.filter((block) => block.event === event);
  }

  /** The longest it was silent so far, in ms. */
  silence(): number {
    const times = [this.#openedMs, ...this.blocks.map(({ atMs }) => atMs), this.#clock.elapsed()];
    return Math.max(...times.slice(1).map((at, i) => at - (times[i] ?? at)));
  }

  /** The first block that `matches`, now or within `withinMs`; undefined when none came. */
  async until(matches: (block: Block) => boolean, withinMs: number): Promise<Block | undefined> {
    const deadline = this.#clock.elapsed() + withinMs;
    for (let from = 0; ; ) {
      for (; from < this.blocks.length; from++) {
        const block = this.blocks[from] as Block;
        if (matches(block)) return block;
      }
      const leftMs = deadline - this.#clock.elapsed();
      if (this.#ended || leftMs <= 0) return undefined;
      await this.#more(leftMs);
    }
  }

  /** Resolves when it has ended, or after `withinMs`. */
  async untilEnd(withinMs: number): Promise<boolean> {
    await this.until(() => false, withinMs);
    return this.#ended;
  }

  close(): void {
    this.#abort.abort();
  }

  #more(withinMs: number): Promise<void> {
    return new Promise((resolve) => {
      const wake = () => {
        timer.cancel();
        this.#waiting.delete(wake);
        resolve();
      };
      const timer = this.#clock.after(withinMs, wake);
      this.#waiting.add(wake);
    });
  }

  async #read(): Promise<void> {
    const decoder = new TextDecoder();
    let rest = "";
    let bytes = 0;
    try {
      for await (const chunk of this.response.body ?? []) {
        bytes += chunk.length;
        if (bytes > bytesMax) this.#abort.abort();
        rest += decoder.decode(chunk, { stream: true });
        rest = this.#takeBlocks(rest);
        this.#wakeAll();
      }
      this.endedByServer = !this.#abort.signal.aborted;
    } catch {
      this.endedByServer = !this.#abort.signal.aborted;
    }
    this.#ended = true;
    this.#wakeAll();
  }

  /** Takes all whole blocks out of `text`; answers what is left. */
  #takeBlocks(text: string): string {
    if (text.includes("\r")) this.hasReturns = true;
    // A return at the end may be half of a line's end.
    const whole = text.replace(/\r\n|\r(?!$)/g, "\n");
    const parts = whole.split("\n\n");
    const rest = parts.pop() ?? "";
    for (const raw of parts) if (raw !== "") this.blocks.push(blockOf(raw, this.#clock.elapsed()));
    return rest;
  }

  #wakeAll(): void {
    for (const wake of [...this.#waiting]) wake();
  }
}

/** Reads one block as a browser does. */
export function blockOf(raw: string, atMs: number): Block {
  const fields = new Map<string, string>();
  for (const line of raw.split("\n")) {
    const colon = line.indexOf(":");
    const name = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? "" : line.slice(colon + 1).replace(/^ /, "");
    const before = name === "data" ? fields.get(name) : undefined;
    if (name !== "") fields.set(name, before === undefined ? value : `${before}\n${value}`);
  }
  const data = fields.get("data");
  return {
    raw,
    event: fields.get("event") ?? "message",
    id: fields.get("id"),
    retry: fields.get("retry"),
    data,
    says: objectIn(data ?? ""),
    atMs,
  };
}

function objectIn(text: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null && !Array.isArray(value) ? { ...value } : {};
  } catch {
    return {};
  }
}
