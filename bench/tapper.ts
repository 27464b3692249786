/**
 * One process that posts likes as fast as it is told to, for next to nothing: requests are made once and only
 * their keys are written anew, answers are looked at as far as status and length.
 *
 * Closed loop (`perS` 0): every connection posts again as soon as it is answered, which finds the most a
 * server takes. Open loop: requests fall due at an even pace whatever the server does, and latency counts
 * from when they were due, so a server that stalls cannot hide it. Whether likes arrived is for the caller to
 * compare with the totals.
 */
import { Sockets } from "./epoll.ts";
import { serveOrders } from "./link.ts";
import { percentilesOf } from "./stats.ts";

export type TapOrder =
  | {
      readonly do: "tap";
      readonly port: number;
      readonly connections: number;
      /** Path and body of the requests, taken in turn. `{key}` in a body becomes a key never used before. */
      readonly requests: readonly { readonly path: string; readonly body: string }[];
      /** Requests a second; 0: as many as are answered. */
      readonly perS: number;
      readonly seconds: number;
      /** Status that accepts. */
      readonly accepts: number;
    }
  | { readonly do: "stop" };

export interface TapWord {
  readonly seconds: number;
  /** Answered with `accepts` within `seconds`: what makes the rate. */
  readonly inTime: number;
  /** Answered with `accepts` at all, and otherwise by status (0: connection lost). */
  readonly accepted: number;
  readonly others: Readonly<Record<string, number>>;
  /** Due and not sent by the end, because no connection was free. */
  readonly unsent: number;
  /** From due (open loop) or sent (closed loop) to answered. */
  readonly ms: ReturnType<typeof percentilesOf>;
}

type Plan = Extract<TapOrder, { do: "tap" }>;

interface Template {
  readonly bytes: Buffer;
  readonly keysAt: readonly number[];
}

interface Line {
  sinceMs: number;
  /** Bytes of the answer still to come; 0: none is awaited, or its head has not come. */
  rest: number;
  status: number;
}

const keyDigits = 12;
const samplesMax = 1_000_000;
const settleMs = 3_000;
const waitMs = 1;
/** Room for a whole request in a socket. */
const sendBytesMax = 200 * 1024;

class Tapper {
  readonly #sockets = new Sockets({
    opened: (fd) => this.#free.push(fd),
    readable: (fd) => this.#readable(fd),
    closed: (fd) => this.#closed(fd),
  });
  readonly #lines = new Map<number, Line>();
  #free: number[] = [];
  #templates: Template[] = [];
  #key = Math.floor(Date.now() * 100) % 10 ** (keyDigits - 1);
  #sent = 0;
  #accepted = 0;
  #accepts = 202;
  #others: Record<string, number> = {};
  #samples: number[] = [];
  #stopped = false;

  async obey(order: TapOrder): Promise<TapWord | undefined> {
    if (order.do === "tap") return this.#tap(order);
    this.#stopped = true;
    return undefined;
  }

  async #tap(plan: Plan): Promise<TapWord> {
    this.#prepare(plan);
    for (let i = 0; i < plan.connections; i++) {
      this.#lines.set(this.#sockets.dial(60_000 + i, plan.port, { sendBytes: sendBytesMax }), {
        sinceMs: 0,
        rest: 0,
        status: 0,
      });
    }
    while (this.#free.length < plan.connections) await this.#turn();
    const beganMs = performance.now();
    const untilMs = beganMs + plan.seconds * 1000;
    let nowMs = beganMs;
    for (; nowMs < untilMs && !this.#stopped; nowMs = performance.now()) {
      this.#sendDue(plan, beganMs, nowMs);
      await this.#turn();
    }
    const seconds = (nowMs - beganMs) / 1000;
    const inTime = this.#accepted;
    const due = plan.perS > 0 ? Math.floor(plan.perS * seconds) : this.#sent;
    const unsent = Math.max(0, due - this.#sent);
    while (this.#free.length < this.#lines.size && performance.now() < nowMs + settleMs) await this.#turn();
    for (const fd of this.#lines.keys()) this.#sockets.close(fd, false);
    this.#lines.clear();
    return {
      seconds,
      inTime,
      accepted: this.#accepted,
      others: this.#others,
      unsent,
      ms: percentilesOf(this.#samples),
    };
  }

  #prepare(plan: Plan): void {
    this.#templates = plan.requests.map(templateOf);
    this.#accepts = plan.accepts;
    this.#free = [];
    this.#samples = [];
    this.#others = {};
    this.#sent = 0;
    this.#accepted = 0;
    this.#stopped = false;
  }

  #sendDue(plan: Plan, beganMs: number, nowMs: number): void {
    const due = plan.perS > 0 ? Math.floor((plan.perS * (nowMs - beganMs)) / 1000) : Number.POSITIVE_INFINITY;
    while (this.#sent < due) {
      const fd = this.#free.pop();
      if (fd === undefined) return;
      const line = this.#lines.get(fd) as Line;
      const template = this.#templates[this.#sent % this.#templates.length] as Template;
      for (const at of template.keysAt) writeKey(template.bytes, at, this.#key++);
      line.sinceMs = plan.perS > 0 ? beganMs + (this.#sent * 1000) / plan.perS : nowMs;
      this.#sent++;
      this.#sockets.send(fd, template.bytes);
    }
  }

  async #turn(): Promise<void> {
    this.#sockets.wait(waitMs);
    await new Promise<void>((resolve) => setImmediate(resolve));
  }

  #readable(fd: number): void {
    const line = this.#lines.get(fd);
    if (!line) return;
    const bytes = this.#sockets.receive(fd);
    if (bytes.length === 0) return;
    if (line.rest === 0) {
      line.status = Number(bytes.toString("latin1", 9, 12));
      line.rest = answerBytes(bytes);
    }
    line.rest -= bytes.length;
    if (line.rest > 0) return;
    if (line.status === this.#accepts) this.#accepted++;
    else this.#others[line.status] = (this.#others[line.status] ?? 0) + 1;
    if (this.#samples.length < samplesMax) this.#samples.push(performance.now() - line.sinceMs);
    this.#free.push(fd);
  }

  #closed(fd: number): void {
    if (!this.#lines.delete(fd)) return;
    this.#free = this.#free.filter((other) => other !== fd);
    this.#others["0"] = (this.#others["0"] ?? 0) + 1;
  }
}

/** Bytes of a whole answer whose first piece is `bytes`. Heads are short: they come in one piece. */
function answerBytes(bytes: Buffer): number {
  const end = bytes.indexOf("\r\n\r\n");
  if (end < 0) throw new Error("the head of an answer came in pieces");
  const length = /content-length: (\d+)/i.exec(bytes.toString("latin1", 0, end));
  return end + 4 + Number(length?.[1] ?? 0);
}

function templateOf({ path, body }: Plan["requests"][number]): Template {
  const filled = body.replaceAll("{key}", "k".repeat(keyDigits));
  const head =
    `POST ${path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n` +
    `Content-Length: ${Buffer.byteLength(filled)}\r\n\r\n`;
  const bytes = Buffer.from(head + filled);
  const keysAt: number[] = [];
  const mark = "k".repeat(keyDigits);
  for (let at = bytes.indexOf(mark); at >= 0; at = bytes.indexOf(mark, at + 1)) keysAt.push(at);
  return { bytes, keysAt };
}

function writeKey(bytes: Buffer, at: number, key: number): void {
  let rest = key;
  for (let i = at + keyDigits - 1; i >= at; i--) {
    bytes[i] = 48 + (rest % 10);
    rest = Math.floor(rest / 10);
  }
}

if (import.meta.main) {
  const tapper = new Tapper();
  await serveOrders<TapOrder, TapWord | undefined>((order) => tapper.obey(order));
}
