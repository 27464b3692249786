/**
 * The lock of tabs.ts where a browser has none: pages of plain http, but for localhost, have no Web Locks.
 * Fetched only there. Without it each tab would have a connection of its own, and the seventh would wait for
 * one for ever.
 *
 * Whoever wants the lock asks the other tabs and takes it when none of them says within `ANSWER_MS` that it has
 * it. Of two that ask at once, or both hold it, the one of the smaller number keeps it, unless the other took it
 * away, as from a tab that was frozen. One that crashed says nothing; tabs.ts takes over from whoever is silent.
 * A moment with two holders costs a connection, and nothing that is shown. Held by tabs.test.ts, over both kinds
 * of lock.
 */
import type { Outside } from "./types.ts";

const ANSWER_MS = 300;
/** Whoever has it says so now and then: one that was frozen learns that it was taken away. */
const SIGN_MS = 10_000;

type Said = { t: "ask" | "first" | "held" | "free"; n: number; steal: boolean };

/** What is needed of a `BroadcastChannel`; tabs.ts has its `onmessage`. */
export interface Air {
  postMessage(said: unknown): void;
  addEventListener(type: "message", listener: (event: MessageEvent) => void): void;
}

interface Wish {
  readonly run: () => unknown;
  readonly done: (value: unknown) => void;
  readonly failed: (reason: unknown) => void;
}

class Lock {
  readonly #air: Air;
  readonly #outside: Outside;
  /** Which of two is first. */
  readonly #n: number;
  #wish: Wish | undefined;
  #held: Wish | undefined;
  /** The one that is held was taken away from another tab. */
  #taken = false;
  #stopAsking: (() => void) | undefined;
  #stopSigns: (() => void) | undefined;

  constructor(air: Air, outside: Outside) {
    this.#air = air;
    this.#outside = outside;
    this.#n = outside.random();
    air.addEventListener("message", ({ data }) => this.#hear(data as Said));
  }

  request(steal: boolean, run: () => unknown): Promise<unknown> {
    return new Promise((done, failed) => {
      this.#wish = { run, done, failed };
      if (steal) this.#take(true);
      else this.#ask();
    });
  }

  #say(t: Said["t"]): void {
    try {
      this.#air.postMessage({ t, n: this.#n, steal: this.#taken });
    } catch {
      // Closed while it still waited for an answer: what it would take is given back at once.
    }
  }

  #ask(): void {
    this.#stopAsking?.();
    this.#say("ask");
    this.#stopAsking = this.#outside.after(ANSWER_MS, () => this.#take(false));
  }

  #take(steal: boolean): void {
    this.#stopAsking?.();
    this.#stopAsking = undefined;
    const wish = this.#wish;
    if (!wish) return;
    this.#wish = undefined;
    this.#held = wish;
    this.#taken = steal;
    this.#sign();
    void Promise.resolve(wish.run()).then((value) => {
      if (this.#held !== wish) return;
      this.#let();
      this.#say("free");
      wish.done(value);
    });
  }

  #sign(): void {
    this.#say("held");
    this.#stopSigns = this.#outside.after(SIGN_MS, () => this.#sign());
  }

  #let(): void {
    this.#held = undefined;
    this.#stopSigns?.();
  }

  #hear({ t, n, steal }: Said): void {
    const isFirst = this.#n < n;
    if (t === "free" && this.#wish) this.#ask();
    if (t === "ask" && this.#held) this.#say("held");
    else if (t === "ask" && this.#stopAsking && isFirst) this.#say("first");
    if (t === "held" || (t === "first" && !isFirst)) {
      this.#stopAsking?.();
      this.#stopAsking = undefined;
    }
    const lost = this.#held;
    if (t !== "held" || !lost) return;
    if (!steal && isFirst) this.#say("held");
    else {
      this.#let();
      lost.failed(new DOMException("another tab has it", "AbortError"));
    }
  }
}

const locks = new WeakMap<Air, Lock>();

/** As `navigator.locks.request`, for whoever shares `air`; `options.steal` takes the lock from its holder. */
export function request(
  air: Air,
  outside: Outside,
  options: LockOptions,
  run: () => unknown,
): Promise<unknown> {
  const lock = locks.get(air) ?? new Lock(air, outside);
  locks.set(air, lock);
  return lock.request(!!options.steal, run);
}
