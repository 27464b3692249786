/**
 * The bus between processes of one machine, as those that have no ledger have it: a Unix domain socket to
 * the process that has (local-hub.ts).
 *
 * `localBus` returns at once and looks for the hub in the background, again and again; what was subscribed,
 * served, opened and watched is asked for anew on every connection, before anybody is told of it. A hub that
 * answers nothing for some seconds is taken to be away. What cannot be sent is refused now, not lost later. A
 * hub that begins anew has no rows: each row is put back by whoever wants it there. Held by local.test.ts.
 */
import type { Clock, Timer } from "../base/clock.ts";
import type { Prng } from "../base/prng.ts";
import { limits } from "../core/limits.ts";
import {
  type Bus,
  BusUnavailable,
  checkPattern,
  checkSubject,
  NobodyServes,
  type Position,
  type Receive,
  type Serve,
  type Subscription,
  type Table,
  type TableOptions,
} from "./bus.ts";
import { encodeFrame, type Frame, FrameRefused, type Kind } from "./frames.ts";
import { LocalTables } from "./local-tables.ts";
import { answers, greeting } from "./local-words.ts";
import { Pipe } from "./pipe.ts";

export interface LocalOptions {
  /** Where the hub's socket is. */
  readonly path: string;
  readonly clock: Clock;
  readonly prng: Prng;
}

interface Question {
  readonly resolve: (body: Uint8Array) => void;
  readonly reject: (why: Error) => void;
  timer: Timer | undefined;
}

interface Receiver {
  readonly receive: Receive;
  ended: boolean;
}

/** Looks for the hub at `path` until closed. */
export function localBus(options: LocalOptions): LocalBus {
  return new LocalBus(options);
}

export class LocalBus implements Bus {
  readonly #options: LocalOptions;
  readonly #listeners = new Set<(connected: boolean) => void>();
  /** By pattern. Lists are replaced, never changed, so a delivery may go on while they do. */
  readonly #receivers = new Map<string, readonly Receiver[]>();
  readonly #servers = new Map<number, { readonly subject: string; readonly serve: Serve }>();
  readonly #questions = new Map<number, Question>();
  readonly #tables: LocalTables;
  readonly #timer: Timer;
  /** Those who wait for a connection, or for the end. */
  #waiting: (() => void)[] = [];
  #pipe: Pipe | undefined;
  #again: Timer | undefined;
  #connected = false;
  #closed = false;
  #ids = 0;
  #refused = 0;
  /** Pings without an answer. */
  #pings = 0;

  constructor(options: LocalOptions) {
    this.#options = options;
    this.#tables = new LocalTables(options.clock, {
      send: (kind, parts) => this.#send(kind, parts),
      ask: (kind, parts) => this.#question(kind, parts, limits.requestMs),
      connected: () => this.#whenConnected(),
    });
    this.#timer = options.clock.every(limits.localPingMs, () => this.#ping());
    this.#dial();
  }

  /** Messages refused so far: there was no hub, or too much waited for it. */
  get refused(): number {
    return this.#refused;
  }

  connected(): boolean {
    return this.#connected;
  }

  onConnected(changed: (connected: boolean) => void): Subscription {
    const listener = (connected: boolean): void => changed(connected);
    this.#listeners.add(listener);
    return { end: () => this.#listeners.delete(listener) };
  }

  publish(subject: string, payload: Uint8Array, position?: Position): boolean {
    checkSubject(subject);
    if (this.#send("publish", { text: subject, position, body: payload })) return true;
    this.#refused++;
    return false;
  }

  subscribe(pattern: string, receive: Receive): Subscription {
    checkPattern(pattern);
    this.#assertOpen();
    const receiver: Receiver = { receive, ended: false };
    const before = this.#receivers.get(pattern);
    this.#receivers.set(pattern, [...(before ?? []), receiver]);
    if (!before) this.#send("subscribe", { text: pattern });
    return {
      end: () => {
        if (receiver.ended) return;
        receiver.ended = true;
        const rest = (this.#receivers.get(pattern) ?? []).filter((other) => other !== receiver);
        if (rest.length > 0) {
          this.#receivers.set(pattern, rest);
        } else if (this.#receivers.delete(pattern)) this.#send("unsubscribe", { text: pattern });
      },
    };
  }

  request(subject: string, payload: Uint8Array, timeoutMs: number): Promise<Uint8Array> {
    checkSubject(subject);
    return this.#question("ask", { text: subject, body: payload, more: timeoutMs }, timeoutMs);
  }

  serve(subject: string, serve: Serve): Subscription {
    checkSubject(subject);
    this.#assertOpen();
    const id = this.#id();
    this.#servers.set(id, { subject, serve });
    this.#send("serve", { id, text: subject });
    return {
      end: () => {
        if (this.#servers.delete(id)) this.#send("unserve", { id });
      },
    };
  }

  /** Waits for a connection when there is none. */
  async table(name: string, options: TableOptions = {}): Promise<Table> {
    checkSubject(name);
    this.#assertOpen();
    return this.#tables.open(name, options.leaseMs);
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.#timer.cancel();
    this.#again?.cancel();
    this.#listeners.clear();
    this.#receivers.clear();
    this.#servers.clear();
    this.#tables.close();
    this.#lost("closed");
    for (const resume of this.#waiting.splice(0)) resume();
  }

  /** Resolves when the hub has taken what was said before. Rejects with BusUnavailable. */
  async flush(): Promise<void> {
    await this.#question("ping", {}, limits.requestMs);
  }

  // ---- the connection

  #dial(): void {
    const { path } = this.#options;
    const opened: { pipe?: Pipe } = {};
    const closed = (): void => {
      if (opened.pipe && opened.pipe === this.#pipe) this.#lost("the hub is gone");
    };
    Bun.connect({
      unix: path,
      socket: {
        open: (socket) => {
          opened.pipe = new Pipe(socket, (frame) => this.#heard(frame));
          this.#pipe = opened.pipe;
          this.#pings = 0;
          opened.pipe.send(encodeFrame("hello", { text: greeting }));
          if (this.#closed) opened.pipe.end();
        },
        data: (_, bytes) => {
          if (opened.pipe?.arrived(bytes) === false) closed();
        },
        drain: () => opened.pipe?.drained(),
        close: closed,
        error: closed,
      },
    }).catch(() => this.#dialLater());
  }

  #dialLater(): void {
    if (this.#closed) return;
    const { clock, prng } = this.#options;
    const waitMs = prng.between(limits.localRetryMinMs, limits.localRetryMaxMs);
    this.#again = clock.after(waitMs, () => this.#dial());
  }

  /** All is asked for anew before anybody hears of the connection: what they then say comes after it. */
  #welcomed(): void {
    this.#connected = true;
    for (const pattern of this.#receivers.keys()) this.#send("subscribe", { text: pattern });
    for (const [id, { subject }] of this.#servers) this.#send("serve", { id, text: subject });
    this.#tables.reopen();
    for (const resume of this.#waiting.splice(0)) resume();
    for (const listener of [...this.#listeners]) listener(true);
  }

  #lost(why: string): void {
    const pipe = this.#pipe;
    this.#pipe = undefined;
    pipe?.end();
    const was = this.#connected;
    this.#connected = false;
    for (const question of [...this.#questions.values()]) question.reject(new BusUnavailable(why));
    this.#tables.lost();
    if (pipe) this.#dialLater();
    if (was) for (const listener of [...this.#listeners]) listener(false);
  }

  #ping(): void {
    if (!this.#pipe) return;
    if (this.#pings++ >= limits.localPingsMax) this.#lost("the hub does not answer");
    else this.#pipe.send(encodeFrame("ping"));
  }

  async #whenConnected(): Promise<void> {
    if (!this.#connected && !this.#closed) await new Promise<void>((resume) => this.#waiting.push(resume));
    this.#assertOpen();
  }

  #assertOpen(): void {
    if (this.#closed) throw new BusUnavailable("closed");
  }

  // ---- frames

  #heard(frame: Frame): void {
    this.#pings = 0;
    const { kind, id, text, body } = frame;
    switch (kind) {
      case "welcome":
        this.#welcomed();
        return;
      case "message":
        this.#deliver(frame);
        return;
      case "answer":
        this.#answered(frame);
        return;
      case "pong":
        this.#questions.get(id)?.resolve(body);
        return;
      case "call":
        void this.#serve(frame);
        return;
      case "row":
        this.#tables.row(id, text, frame.flag ? Buffer.from(body).toString() : undefined);
        return;
      case "synced":
        this.#tables.synced(id);
        return;
      default:
        throw new FrameRefused(`it said ${kind}`);
    }
  }

  #deliver({ text: subject, flag: wild, body, position }: Frame): void {
    const pattern = wild ? `${subject.slice(0, subject.lastIndexOf(".") + 1)}*` : subject;
    for (const receiver of this.#receivers.get(pattern) ?? []) {
      if (!receiver.ended) receiver.receive(body, subject, position);
    }
  }

  async #serve({ id, more: server, body }: Frame): Promise<void> {
    let reply: Uint8Array | undefined;
    try {
      reply = await this.#servers.get(server)?.serve(body);
    } catch {
      // The asker is told, as of one that is gone.
    }
    this.#send("reply", { id, flag: reply !== undefined, ...(reply && { body: reply }) });
  }

  #answered({ id, more, body }: Frame): void {
    const question = this.#questions.get(id);
    const how = answers[more];
    if (how === "done") question?.resolve(body);
    else if (how === "nobody") question?.reject(new NobodyServes("nobody serves"));
    else {
      const why = Buffer.from(body).toString();
      question?.reject(how === "refused" ? new Error(why) : new BusUnavailable(why));
    }
  }

  #question(kind: Kind, parts: Parameters<typeof encodeFrame>[1], timeoutMs: number): Promise<Uint8Array> {
    if (this.#questions.size >= limits.busRequestsMax) {
      return Promise.reject(new BusUnavailable("too many requests wait"));
    }
    const id = this.#id();
    return new Promise((resolve, reject) => {
      const settle = (): void => {
        this.#questions.delete(id);
        question.timer?.cancel();
      };
      const question: Question = {
        timer: undefined,
        resolve: (body) => {
          settle();
          resolve(body);
        },
        reject: (why) => {
          settle();
          reject(why);
        },
      };
      this.#questions.set(id, question);
      question.timer = this.#options.clock.after(timeoutMs, () =>
        question.reject(new BusUnavailable("no answer in time")),
      );
      if (!this.#send(kind, { ...parts, id })) question.reject(new BusUnavailable("the hub is away"));
    });
  }

  #send(kind: Kind, parts: Parameters<typeof encodeFrame>[1]): boolean {
    if (!this.#connected || !this.#pipe) return false;
    try {
      return this.#pipe.send(encodeFrame(kind, parts));
    } catch (error) {
      if (error instanceof FrameRefused) return false;
      throw error;
    }
  }

  #id(): number {
    this.#ids = (this.#ids + 1) >>> 0;
    return this.#ids;
  }
}
