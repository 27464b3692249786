/**
 * Keep-alive HTTP connections to one node, one request at a time on each (no pipelining).
 *
 * What matters to exactness is how a request failed: `unsent` means that no byte of it left, `lost` that
 * it may have been taken although no answer came. Nothing is retried here; the publisher decides, since
 * it owns the idempotency key (publishers.ts).
 */
import type { Socket } from "bun";
import { BodyReader, framingOf, type Head, parseHead } from "./http-answer.ts";
import type { Target } from "./target.ts";

export type Answer =
  | { readonly kind: "answer"; readonly status: number; readonly head: Head; readonly body: string }
  | { readonly kind: "unsent" | "lost" };

export interface PoolOptions {
  readonly target: Target;
  /** Connections at once. Beyond: requests wait in line. */
  readonly connectionsMax: number;
  /** A request without answer after this long is lost, and its connection with it. */
  readonly timeoutMs: number;
  /** Local address of the n-th connection; undefined leaves it to the system. */
  readonly source: (connection: number) => string | undefined;
}

interface Waiting {
  readonly text: string;
  readonly done: (answer: Answer) => void;
}

/** One connection, and the request it is busy with. */
interface Line {
  socket: Socket<Line> | undefined;
  busy: Waiting | undefined;
  sinceMs: number;
  /** Bytes that the socket has not taken yet. */
  unsent: Buffer | undefined;
  bytes: Buffer | undefined;
  head: Head | undefined;
  body: BodyReader | undefined;
  text: string;
}

/** Bytes of an answer's body. Beyond: the connection is closed and the answer lost. */
const answerBytesMax = 4 * 1024 * 1024;

export class RequestPool {
  readonly #options: PoolOptions;
  readonly #idle: Line[] = [];
  readonly #lines = new Set<Line>();
  #queue: Waiting[] = [];
  #queueAt = 0;
  #dialled = 0;
  readonly #sweep: Timer;
  readonly #handlers = {
    binaryType: "buffer" as const,
    open: (socket: Socket<Line>): void => this.#opened(socket),
    data: (socket: Socket<Line>, bytes: Buffer): void => this.#arrived(socket.data, bytes),
    drain: (socket: Socket<Line>): void => flush(socket.data),
    close: (socket: Socket<Line>): void => this.#closed(socket.data),
    error: (_: Socket<Line>, error: Error): void => {
      throw error;
    },
    connectError: (socket: Socket<Line>): void => this.#failed(socket.data),
  };

  constructor(options: PoolOptions) {
    this.#options = options;
    this.#sweep = setInterval(() => this.#cutOverdue(), Math.min(500, options.timeoutMs));
  }

  /** Requests waiting for a connection. */
  get queued(): number {
    return this.#queue.length - this.#queueAt;
  }

  /** Sends one request (`text` is the whole request, ASCII head and UTF-8 body); `done` is called once. */
  send(text: string, done: (answer: Answer) => void): void {
    const line = this.#idle.pop();
    if (line) {
      this.#use(line, { text, done });
      return;
    }
    this.#queue.push({ text, done });
    if (this.#lines.size < this.#options.connectionsMax) this.#dial();
  }

  /** Cuts every connection: requests under way are lost, waiting ones unsent. New ones may follow. */
  cut(): void {
    const waiting = this.#queue.slice(this.#queueAt);
    this.#queue = [];
    this.#queueAt = 0;
    for (const { done } of waiting) done({ kind: "unsent" });
    for (const line of this.#lines) line.socket?.terminate();
  }

  /** Cuts every connection for good. */
  close(): void {
    clearInterval(this.#sweep);
    this.cut();
  }

  #dial(): void {
    const line: Line = {
      socket: undefined,
      busy: undefined,
      sinceMs: performance.now(),
      unsent: undefined,
      bytes: undefined,
      head: undefined,
      body: undefined,
      text: "",
    };
    this.#lines.add(line);
    const source = this.#options.source(this.#dialled++);
    const { host, port } = this.#options.target;
    const options = {
      hostname: host,
      port,
      socket: this.#handlers,
      data: line,
      ...(source ? { localAddress: source } : {}),
    };
    // `connectError` has dealt with a rejection by the time it gets here.
    Bun.connect<Line>(options).catch(() => undefined);
  }

  #opened(socket: Socket<Line>): void {
    socket.data.socket = socket;
    this.#free(socket.data);
  }

  /** Every dial was made for one request in line: when it fails, that one is told. */
  #failed(line: Line): void {
    this.#lines.delete(line);
    this.#takeNext()?.done({ kind: "unsent" });
  }

  #closed(line: Line): void {
    this.#lines.delete(line);
    const at = this.#idle.indexOf(line);
    if (at >= 0) this.#idle.splice(at, 1);
    line.socket = undefined;
    const busy = line.busy;
    line.busy = undefined;
    if (busy) this.#conclude(line, busy);
    if (this.queued > 0 && this.#lines.size < this.#options.connectionsMax) this.#dial();
  }

  /** The connection closed under a request: an answer that lasts until close is whole, any other lost. */
  #conclude(line: Line, busy: Waiting): void {
    const { head, text } = line;
    if (head && framingOf(head) === "close")
      busy.done({ kind: "answer", status: head.status, head, body: text });
    else busy.done({ kind: "lost" });
  }

  #takeNext(): Waiting | undefined {
    const next = this.#queue[this.#queueAt];
    if (!next) return undefined;
    this.#queueAt++;
    if (this.#queueAt === this.#queue.length) {
      this.#queue = [];
      this.#queueAt = 0;
    }
    return next;
  }

  #free(line: Line): void {
    const next = this.#takeNext();
    if (next) this.#use(line, next);
    else this.#idle.push(line);
  }

  #use(line: Line, waiting: Waiting): void {
    line.busy = waiting;
    line.sinceMs = performance.now();
    line.unsent = Buffer.from(waiting.text);
    flush(line);
  }

  #arrived(line: Line, bytes: Buffer): void {
    if (!line.busy) {
      line.socket?.terminate();
      return;
    }
    if (this.#read(line, bytes)) return;
    // What cannot be understood is as good as lost; the close handler says so.
    line.head = undefined;
    line.socket?.terminate();
  }

  #read(line: Line, bytes: Buffer): boolean {
    let rest = bytes;
    if (!line.head) {
      const all = line.bytes ? Buffer.concat([line.bytes, bytes]) : bytes;
      const head = parseHead(all);
      if (head === "bad") return false;
      if (!head) {
        line.bytes = Buffer.from(all);
        return true;
      }
      const framing = framingOf(head);
      if (!framing || head.status < 200) return false;
      line.bytes = undefined;
      line.head = head;
      line.body = new BodyReader(framing);
      rest = all.subarray(head.bodyAt);
    }
    const taken = line.body?.push(rest, (piece) => {
      line.text += piece.toString("utf8");
    });
    if (taken !== rest.length || line.text.length > answerBytesMax) return false;
    if (line.body?.done) this.#answered(line, line.head);
    return true;
  }

  #answered(line: Line, head: Head): void {
    const { busy, text } = line;
    line.busy = undefined;
    line.head = undefined;
    line.body = undefined;
    line.text = "";
    const closes = head.headers.get("connection")?.toLowerCase() === "close";
    if (closes) line.socket?.end();
    else this.#free(line);
    busy?.done({ kind: "answer", status: head.status, head, body: text });
  }

  #cutOverdue(): void {
    const oldestMs = performance.now() - this.#options.timeoutMs;
    for (const line of this.#lines) if (line.busy && line.sinceMs < oldestMs) line.socket?.terminate();
  }
}

function flush(line: Line): void {
  const { socket, unsent } = line;
  if (!socket || !unsent) return;
  const written = socket.write(unsent);
  if (written < 0) return;
  line.unsent = written >= unsent.length ? undefined : unsent.subarray(written);
}
