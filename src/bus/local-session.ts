/**
 * One other process at the hub of the bus between processes of one machine (local-hub.ts): what it says is
 * done by a member of the hub's memory bus, and what that hears goes to it. Held by local.test.ts.
 */
import { limits } from "../core/limits.ts";
import {
  type Bus,
  BusUnavailable,
  NobodyServes,
  type Position,
  type Subscription,
  type Table,
} from "./bus.ts";
import { encodeFrame, type Frame, type Kind } from "./frames.ts";
import { answers, greeting } from "./local-words.ts";
import { Pipe, type PipeSocket } from "./pipe.ts";

/** Messages as frames, each put together once for all who get it. */
export class Frames {
  #payload: Uint8Array | undefined;
  #subject = "";
  #position: Position | undefined;
  #wild = false;
  #frame: Uint8Array = new Uint8Array(0);

  /** Members are given one message one after the other, so the last one is the one that is wanted again. */
  message(payload: Uint8Array, subject: string, position: Position | undefined, wild: boolean): Uint8Array {
    const isLast = payload === this.#payload && subject === this.#subject && position === this.#position;
    if (isLast && wild === this.#wild) return this.#frame;
    this.#frame = encodeFrame("message", { flag: wild, text: subject, position, body: payload });
    this.#payload = payload;
    this.#subject = subject;
    this.#position = position;
    this.#wild = wild;
    return this.#frame;
  }
}

interface Call {
  readonly resolve: (payload: Uint8Array) => void;
  readonly reject: (why: Error) => void;
}

/** One other process, and what it has asked for. */
export class Session {
  readonly pipe: Pipe;
  readonly #bus: Bus;
  readonly #frames: Frames;
  readonly #life: string;
  readonly #cut: (why: string) => void;
  /** By pattern. */
  readonly #subscriptions = new Map<string, Subscription>();
  readonly #servers = new Map<number, Subscription>();
  readonly #watches = new Map<number, Rows>();
  readonly #tables = new Map<number, Promise<Table>>();
  readonly #calls = new Map<number, Call>();
  #asks = 0;
  #callIds = 0;
  #greeted = false;

  constructor(socket: PipeSocket, bus: Bus, life: string, frames: Frames, cut: (why: string) => void) {
    this.pipe = new Pipe(socket, (frame) => this.#heard(frame));
    this.#bus = bus;
    this.#life = life;
    this.#frames = frames;
    this.#cut = cut;
  }

  /** It is gone: what it subscribed to, served and watched ends; its rows run out or stay. */
  close(): void {
    this.pipe.closed();
    for (const call of [...this.#calls.values()]) call.reject(new BusUnavailable("the server is gone"));
    this.#calls.clear();
    void this.#bus.close();
  }

  /** The socket has room again. */
  drained(): void {
    this.pipe.drained();
    for (const rows of this.#watches.values()) rows.tell();
  }

  #send(kind: Kind, parts: Parameters<typeof encodeFrame>[1]): void {
    this.#write(encodeFrame(kind, parts));
  }

  #write(frame: Uint8Array): void {
    if (this.pipe.send(frame)) return;
    if (this.pipe.waiting > 0) this.#cut("it does not read");
    this.pipe.end();
  }

  #heard(frame: Frame): void {
    try {
      this.#greeted ? this.#act(frame) : this.#greet(frame);
    } catch (error) {
      // A subject that is none, a table that was never opened: it is not one of us.
      this.#cut(error instanceof Error ? error.message : String(error));
      this.pipe.end();
    }
  }

  #greet({ kind, text }: Frame): void {
    if (kind !== "hello" || text !== greeting) throw new Error("it is not of this build");
    this.#greeted = true;
    this.#send("welcome", { text: this.#life });
  }

  #act(frame: Frame): void {
    const { kind, id, text, body } = frame;
    switch (kind) {
      case "publish":
        this.#bus.publish(text, body, frame.position);
        return;
      case "ask":
        this.#ask(frame);
        return;
      case "reply":
        this.#replied(frame);
        return;
      case "subscribe":
        this.#subscribe(text);
        return;
      case "unsubscribe":
        end(this.#subscriptions, text);
        return;
      case "serve":
        end(this.#servers, id);
        this.#servers.set(
          id,
          this.#bus.serve(text, (payload) => this.#call(id, payload)),
        );
        return;
      case "unserve":
        end(this.#servers, id);
        return;
      case "ping":
        this.#send("pong", { id });
        return;
      default:
        this.#table(frame);
    }
  }

  #table({ kind, id, more, text, body, flag }: Frame): void {
    switch (kind) {
      case "open":
        this.#answer(id, this.#opened(more, text, flag ? Buffer.from(body).readUInt32BE(0) : undefined));
        return;
      case "put":
        this.#answer(
          id,
          this.#of(more).then((table) => table.put(text, Buffer.from(body).toString())),
        );
        return;
      case "remove":
        this.#answer(
          id,
          this.#of(more).then((table) => table.remove(text)),
        );
        return;
      case "watch":
        void this.#of(more).then((table) => this.#watch(id, table), ignore);
        return;
      case "unwatch":
        end(this.#watches, id);
        return;
      default:
        throw new Error(`it said ${kind}`);
    }
  }

  #subscribe(pattern: string): void {
    end(this.#subscriptions, pattern);
    const wild = pattern.endsWith("*");
    const subscription = this.#bus.subscribe(pattern, (payload, subject, position) =>
      this.#write(this.#frames.message(payload, subject, position, wild)),
    );
    this.#subscriptions.set(pattern, subscription);
  }

  #ask({ id, more, text, body }: Frame): void {
    if (this.#asks >= limits.busRequestsMax) {
      this.#answer(id, Promise.reject(new BusUnavailable("too many requests wait")));
      return;
    }
    this.#asks++;
    this.#answer(
      id,
      this.#bus.request(text, body, more).finally(() => {
        this.#asks--;
      }),
    );
  }

  #answer(id: number, outcome: Promise<unknown>): void {
    const say = (how: (typeof answers)[number], body?: Uint8Array): void =>
      this.#send("answer", { id, more: answers.indexOf(how), ...(body && { body }) });
    outcome.then(
      (body) => {
        if (!(body instanceof Uint8Array)) say("done");
        // Half of the room is for what nobody asked for: too long an answer can be asked for again.
        else if (this.pipe.waiting + body.length <= limits.localWaitingBytesMax / 2) say("done", body);
        else say("unavailable", Buffer.from("too much waits to be read"));
      },
      (error: unknown) => {
        const how = error instanceof NobodyServes ? "nobody" : "unavailable";
        const why = Buffer.from(error instanceof Error ? error.message : "");
        say(error instanceof BusUnavailable ? how : "refused", why);
      },
    );
  }

  /** Asks this process, which serves. */
  #call(server: number, payload: Uint8Array): Promise<Uint8Array> {
    this.#callIds = (this.#callIds + 1) >>> 0;
    const id = this.#callIds;
    return new Promise((resolve, reject) => {
      this.#calls.set(id, { resolve, reject });
      this.#send("call", { id, more: server, body: payload });
    });
  }

  #replied({ id, flag, body }: Frame): void {
    const call = this.#calls.get(id);
    this.#calls.delete(id);
    if (flag) call?.resolve(body);
    else call?.reject(new BusUnavailable("the server failed"));
  }

  async #opened(id: number, name: string, leaseMs: number | undefined): Promise<void> {
    const table = this.#bus.table(name, leaseMs === undefined ? {} : { leaseMs });
    this.#tables.set(id, table);
    await table;
  }

  #of(id: number): Promise<Table> {
    return this.#tables.get(id) ?? Promise.reject(new BusUnavailable("no such table"));
  }

  /** It may have been closed while the table was opened. */
  #watch(id: number, table: Table): void {
    if (!this.#bus.connected()) return;
    end(this.#watches, id);
    this.#watches.set(id, new Rows(id, table, this.pipe));
  }
}

/** What one watch of a process is still to be told: a row that changes again meanwhile is told once. */
class Rows implements Subscription {
  readonly #id: number;
  readonly #pipe: Pipe;
  readonly #watch: Subscription;
  readonly #due = new Map<string, string | undefined>();
  #synced = false;
  #told = false;

  constructor(id: number, table: Table, pipe: Pipe) {
    this.#id = id;
    this.#pipe = pipe;
    const changed = (key: string, value: string | undefined): void => {
      this.#due.set(key, value);
      this.tell();
    };
    this.#watch = table.watch(changed, () => {
      this.#synced = true;
      this.tell();
    });
  }

  /** Tells as much as there is room for: a table may be larger than what may wait. */
  tell(): void {
    const id = this.#id;
    for (const [key, value] of this.#due) {
      if (!this.#pipe.roomy) return;
      this.#due.delete(key);
      const body = Buffer.from(value ?? "");
      this.#pipe.send(encodeFrame("row", { id, text: key, flag: value !== undefined, body }));
    }
    if (this.#synced && !this.#told) this.#told = this.#pipe.send(encodeFrame("synced", { id }));
  }

  end(): void {
    this.#watch.end();
  }
}

function end<K>(all: Map<K, Subscription>, key: K): void {
  all.get(key)?.end();
  all.delete(key);
}

/** A table that could not be opened has been answered with why. */
function ignore(): void {}
