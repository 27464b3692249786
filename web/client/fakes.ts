/**
 * What the client's tests put in place of the browser: a clock that moves by hand, an `EventSource`
 * that says what the test says, a network that answers what the test answers, and a lock manager.
 *
 * They are fakes because the things themselves (an hour of silence, a browser that gives up, a frozen
 * tab) cannot be had on demand; the same client meets the real ones in the page's browser tests.
 */
import type { Air } from "./locks.ts";
import type { Channel, Said } from "./tabs.ts";
import type { Heard, Outside, Source } from "./types.ts";

export class FakeSource implements Source {
  readyState = 0;
  onerror: ((event: never) => void) | null = null;
  readonly listeners = new Map<string, (event: Heard) => void>();
  constructor(readonly url: string) {}
  addEventListener(name: string, listener: (event: Heard) => void): void {
    this.listeners.set(name, listener);
  }
  close(): void {
    this.readyState = 2;
  }
  say(name: string, body: object, lastEventId = ""): void {
    this.readyState = 1;
    this.listeners.get(name)?.({ data: JSON.stringify(body), lastEventId });
  }
  fail(readyState: 0 | 2): void {
    this.readyState = readyState;
    this.onerror?.(undefined as never);
  }
  /** The query of the URL it was opened with. */
  query(): URLSearchParams {
    return new URL(this.url).searchParams;
  }
}

export type Call = { url: string; method: string; headers: Record<string, string>; body: string };

export class FakeOutside implements Outside {
  nowMs = 1_000_000;
  isOnline = true;
  chance = 0.5;
  readonly sources: FakeSource[] = [];
  readonly calls: Call[] = [];
  answer: (call: Call) => Response | Promise<Response> = () => new Response("{}");
  #timers: { at: number; run: () => void }[] = [];

  now(): number {
    return this.nowMs;
  }
  after(ms: number, run: () => void): () => void {
    const timer = { at: this.nowMs + ms, run };
    this.#timers.push(timer);
    return () => {
      this.#timers = this.#timers.filter((other) => other !== timer);
    };
  }
  random(): number {
    return this.chance;
  }
  open(url: string): Source {
    const source = new FakeSource(url);
    this.sources.push(source);
    return source;
  }
  async fetch(url: string, init: RequestInit = {}): Promise<Response> {
    const headers = Object.fromEntries(new Headers(init.headers));
    const call = { url, method: init.method ?? "GET", headers, body: String(init.body ?? "") };
    this.calls.push(call);
    return this.answer(call);
  }
  online(): boolean {
    return this.isOnline;
  }

  get source(): FakeSource {
    return this.sources.at(-1) as FakeSource;
  }
  /** Lets every promise that can settle do so. */
  async settle(): Promise<void> {
    for (let turn = 0; turn < 30; turn++) await Promise.resolve();
  }
  /** Moves the clock, running what falls due in order. */
  async pass(ms: number): Promise<void> {
    const until = this.nowMs + ms;
    await this.settle();
    for (;;) {
      const next = this.#timers.filter((timer) => timer.at <= until).sort((a, b) => a.at - b.at)[0];
      if (!next) break;
      this.#timers = this.#timers.filter((other) => other !== next);
      this.nowMs = Math.max(this.nowMs, next.at);
      next.run();
      await this.settle();
    }
    this.nowMs = until;
  }
}

interface FakeChannel extends Channel, Air {
  postMessage(said: unknown): void;
  hear(event: MessageEvent<Said>): void;
}

/** Tabs of one origin: what one says the others hear, a microtask later. */
export class FakeAir {
  readonly channels = new Set<FakeChannel>();
  /** Channels of tabs the browser has frozen: they neither speak nor hear. */
  readonly frozen = new Set<Channel>();
  open(): Channel & Air {
    const listeners: ((event: MessageEvent) => void)[] = [];
    const channel: FakeChannel = {
      onmessage: null,
      addEventListener: (_, listener) => void listeners.push(listener),
      hear(event) {
        channel.onmessage?.(event);
        for (const listener of listeners) listener(event);
      },
      postMessage: (said) => {
        if (!this.channels.has(channel)) throw new DOMException("closed", "InvalidStateError");
        if (this.frozen.has(channel)) return;
        const copy = structuredClone(said);
        for (const other of this.channels) {
          if (other === channel || this.frozen.has(other)) continue;
          queueMicrotask(() => other.hear({ data: copy } as MessageEvent<Said>));
        }
      },
      close: () => {
        this.channels.delete(channel);
      },
    };
    this.channels.add(channel);
    return channel;
  }
}

type Waiting = { run: () => unknown; done: (value: unknown) => void; failed: (reason: unknown) => void };

/** One exclusive lock with a queue and `steal`, as the Web Locks API has it. */
export class FakeLocks {
  #held: Waiting | undefined;
  #queue: Waiting[] = [];
  request(_name: string, options: { steal?: boolean }, run: () => unknown): Promise<unknown> {
    return new Promise((done, failed) => {
      const waiting = { run, done, failed };
      if (options.steal) {
        this.#held?.failed(new DOMException("stolen", "AbortError"));
        this.#held = undefined;
        this.#queue.unshift(waiting);
      } else this.#queue.push(waiting);
      queueMicrotask(() => this.#next());
    });
  }
  #next(): void {
    if (this.#held) return;
    const waiting = this.#queue.shift();
    if (!waiting) return;
    this.#held = waiting;
    void Promise.resolve(waiting.run()).then((value) => {
      if (this.#held !== waiting) return;
      this.#held = undefined;
      waiting.done(value);
      this.#next();
    });
  }
}
