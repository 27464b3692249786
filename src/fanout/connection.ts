/**
 * One viewer's connection: bytes out, and how that went. It knows no video.
 *
 * This one stands on standard streams and runs anywhere; direct.ts is the same over Bun's own sink. It is
 * itself the underlying source of the ReadableStream that HTTP answers with, so a connection costs one object
 * and no closure. A write is refused, not queued, when the reader is behind (connection.test.ts): what a
 * viewer is owed is held by its video's state and history, once for all, never here.
 */
import type { Elapsed } from "../base/clock.ts";
import { limits } from "../core/limits.ts";

/** ok: taken. lagging: not taken, the reader is behind. gone: not taken, there is no reader. */
export type Written = "ok" | "lagging" | "gone";

/** Why a stream ended. Each is a label of `ovation_connections_closed_total`. */
export type EndReason =
  | "client"
  | "slow"
  | "idle"
  | "drain"
  | "age"
  | "spread"
  | "expired"
  | "limit"
  | "banned"
  | "revoked"
  | "error";

/** Told once, when the connection has ended, whoever ended it. */
export interface ConnectionOwner {
  ended(connection: Connection, reason: EndReason): void;
}

/** The request behind a stream. Its signal is made when it is looked at, and then kept. */
export type Asked = Pick<Request, "signal">;

const strategy = { highWaterMark: limits.streamChunksMax };

/** What the frontend makes its connections with. */
export type ConnectionClass = new (owner: ConnectionOwner, beatMs: number, nowMs: Elapsed) => Connection;

export class Connection implements UnderlyingDefaultSource<Uint8Array>, EventListenerObject {
  /**
   * Silence after which this connection is due a beat, in ms: drawn per connection, so beats do not align.
   */
  readonly beatMs: number;
  /** When a write was last taken. */
  lastMs: Elapsed;
  readonly #owner: ConnectionOwner;
  #controller: ReadableStreamDefaultController<Uint8Array> | undefined;

  constructor(owner: ConnectionOwner, beatMs: number, nowMs: Elapsed) {
    this.#owner = owner;
    this.beatMs = beatMs;
    this.lastMs = nowMs;
  }

  /**
   * The body to answer `request` with. Call once. A client's leaving is seen by `cancel` or by the request's
   * signal, whichever is first.
   */
  stream(request: Asked | undefined): ReadableStream<Uint8Array> {
    const stream = new ReadableStream<Uint8Array>(this, strategy);
    const signal = request?.signal;
    if (signal?.aborted) this.#ended("client");
    else signal?.addEventListener("abort", this, { once: true });
    return stream;
  }

  /** How long no write may be taken before the reader counts as gone, in ms. */
  get idleMs(): number {
    return limits.idleBeats * this.beatMs;
  }

  /** Whether the stream has ended. */
  get gone(): boolean {
    return this.#controller === undefined;
  }

  /** Whether a write would be refused because the reader is behind. */
  get lagging(): boolean {
    return this.#controller !== undefined && (this.#controller.desiredSize ?? 0) <= 0;
  }

  /** Hands `bytes` to the socket, shared with other connections: they must not change afterwards. */
  write(bytes: Uint8Array, nowMs: Elapsed): Written {
    const controller = this.#controller;
    if (controller === undefined) return "gone";
    if ((controller.desiredSize ?? 0) <= 0) return "lagging";
    controller.enqueue(bytes);
    this.lastMs = nowMs;
    return "ok";
  }

  /**
   * Ends the stream after `last`. A reader that is behind is cut off instead: its unread bytes would keep the
   * socket open for as long as it likes. With `later` its socket is ended too, when that runs what it is
   * given: by then `last` has left, and whoever comes back dials anew.
   */
  end(reason: EndReason, last?: Uint8Array, later?: (cut: () => void) => void): void {
    const controller = this.#controller;
    if (controller === undefined) return;
    const behind = (controller.desiredSize ?? 0) <= 0;
    this.#ended(reason);
    if (behind) {
      controller.error(new Error(reason));
      return;
    }
    if (last) controller.enqueue(last);
    if (later) later(() => controller.error(new Error(reason)));
    else controller.close();
  }

  // Called by the stream.
  start(controller: ReadableStreamDefaultController<Uint8Array>): void {
    this.#controller = controller;
  }

  cancel(): void {
    this.#ended("client");
  }

  // Called by the request's abort signal.
  handleEvent(): void {
    this.#ended("client");
  }

  #ended(reason: EndReason): void {
    if (this.#controller === undefined) return;
    this.#controller = undefined;
    this.tell(reason);
  }

  /** Tells the owner; call once. */
  protected tell(reason: EndReason): void {
    this.#owner.ended(this, reason);
  }
}
