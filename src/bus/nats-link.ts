/**
 * The link: one way into NATS that never gives up, over connections that each live once.
 *
 * A subscription belongs to the link and outlives connections; a request and a published message belong to
 * the connection that took them. While there is none, publishing is refused at once: nothing is queued to be
 * lost later. Each ping that returns says that the server took everything sent before it, so one mechanism
 * finds a dead link and bounds what is under way on a living one. Held by nats-faults.test.ts.
 */
import { ErrorCode, Events, headers, type Msg, type MsgHdrs, type NatsConnection } from "nats";
import { type Clock, type Elapsed, longAgo, type Timer } from "../base/clock.ts";
import type { Log } from "../base/log.ts";
import type { Prng } from "../base/prng.ts";
import { limits } from "../core/limits.ts";
import { BusUnavailable, NobodyServes, type Subscription } from "./bus.ts";
import { type Address, dial, type Entrance, formatAddress, parseAddress } from "./nats-dial.ts";

export type Received = Msg;
/** Header names and values: no CR or LF in either, or it throws. */
export type Headers = Readonly<Record<string, string>>;

export interface LinkOptions extends Entrance {
  /** `nats://host:port` or `tls://host:port`, at least one. */
  readonly servers: readonly string[];
  readonly clock: Clock;
  readonly prng: Prng;
  readonly log: Log;
  /** Time between pings; two without an answer end the connection. Default 2,000. */
  readonly pingMs?: number;
}

const pingMsDefault = 2_000;
const pingsMissedMax = 2;
const dialTimeoutMs = 2_500;
const dialPauseMinMs = 100;
/** With its jitter, what a node may be late in noticing that NATS is back: well under five seconds. */
const dialPauseMaxMs = 2_000;
/** While NATS is away the log says so this often. */
const waitingLogMs = 10_000;
/** A ping goes out after this many bytes too, so that the bound on what is under way can move. */
const pingBytes = 1024 * 1024;
/** Addresses taken from what servers tell of their cluster, besides those configured. */
const learntMax = 16;
/** Protocol bytes around one message. */
const envelopeBytes = 32;

interface Lasting {
  readonly subject: string;
  readonly queue: string | undefined;
  readonly receive: (message: Received) => void;
  /** Ends it on the connection of the moment. */
  end: (() => void) | undefined;
  ended: boolean;
}

export class Link {
  readonly #options: LinkOptions;
  readonly #configured: readonly Address[];
  #learnt: readonly Address[] = [];
  #next: number;
  #connection: NatsConnection | undefined;
  #closed = false;
  #timer: Timer | undefined;
  #pings: Timer | undefined;
  #pausedMs = 0;
  #waitingSaidAt: Elapsed = longAgo;
  readonly #lasting = new Set<Lasting>();
  readonly #listeners = new Set<(connected: boolean) => void>();
  #refused = 0;
  #requests = 0;
  #trouble: string | undefined;
  #sentBytes = 0;
  #takenBytes = 0;
  #pingedBytes = 0;
  #pinging = false;
  #missed = 0;

  /** Begins to dial at once and goes on until `close`. Throws when an address is none. */
  constructor(options: LinkOptions) {
    this.#options = options;
    this.#configured = options.servers.map(parseAddress);
    if (this.#configured.length === 0) throw new Error("no NATS server given");
    this.#next = options.prng.between(0, this.#configured.length - 1);
    void this.#dial();
  }

  /** Publishes refused: no connection, or too much under way. */
  get refused(): number {
    return this.#refused;
  }

  /** Bytes sent that the server is not known to have taken. */
  get underWayBytes(): number {
    return this.#sentBytes - this.#takenBytes;
  }

  /** Why the last attempt to connect failed; undefined when none has, or it is connected. */
  get trouble(): string | undefined {
    return this.#trouble;
  }

  /** What the server of this connection is; undefined while there is none. */
  get server(): { readonly version: string; readonly payloadBytesMax: number } | undefined {
    const info = this.#connection?.info;
    return info && { version: info.version, payloadBytesMax: info.max_payload };
  }

  connected(): boolean {
    return this.#connection !== undefined;
  }

  onConnected(changed: (connected: boolean) => void): Subscription {
    const listener = (connected: boolean): void => changed(connected);
    this.#listeners.add(listener);
    return { end: () => this.#listeners.delete(listener) };
  }

  /** Hands a message to the connection; false when it was refused. The caller has checked `subject`. */
  publish(subject: string, payload: Uint8Array, head?: Headers): boolean {
    const connection = this.#take(subject, payload);
    try {
      connection?.publish(subject, payload, head ? { headers: headersOf(head) } : {});
    } catch (error) {
      // The server allows less than a payload of ours: for it, this message does not exist.
      this.#options.log.error("NATS cannot carry a message", {
        bytes: payload.length,
        reason: messageOf(error),
      });
      this.#refused++;
      return false;
    }
    if (!connection) this.#refused++;
    return connection !== undefined;
  }

  /** Asks; rejects with BusUnavailable when there is no answer within `timeoutMs`, or no connection. */
  async request(subject: string, payload: Uint8Array, timeoutMs: number, head?: Headers): Promise<Received> {
    if (this.#requests >= limits.busRequestsMax) throw new BusUnavailable("too many requests under way");
    const connection = this.#take(subject, payload);
    if (!connection) throw new BusUnavailable(this.#connection ? "NATS is slow" : "NATS is away");
    this.#requests++;
    try {
      const timeout = Math.max(1, timeoutMs);
      return await connection.request(
        subject,
        payload,
        head ? { timeout, headers: headersOf(head) } : { timeout },
      );
    } catch (error) {
      if ((error as { code?: string }).code === ErrorCode.NoResponders)
        throw new NobodyServes("nobody serves");
      throw new BusUnavailable(`no answer on ${subject.split(".", 3).join(".")}: ${messageOf(error)}`);
    } finally {
      this.#requests--;
    }
  }

  /**
   * Receives on `subject`, over all connections there will be, until ended. The caller has checked `subject`.
   */
  subscribe(subject: string, receive: (message: Received) => void, queue?: string): Subscription {
    const lasting: Lasting = { subject, queue, receive, end: undefined, ended: this.#closed };
    if (!this.#closed) {
      this.#lasting.add(lasting);
      if (this.#connection) this.#enter(this.#connection, lasting);
    }
    return {
      end: () => {
        lasting.ended = true;
        this.#lasting.delete(lasting);
        lasting.end?.();
        lasting.end = undefined;
      },
    };
  }

  /** Resolves when the server has taken everything sent before; rejects with BusUnavailable. */
  async flush(): Promise<void> {
    const connection = this.#connection;
    if (!connection) throw new BusUnavailable("NATS is away");
    try {
      await connection.flush();
    } catch {
      throw new BusUnavailable("NATS went away");
    }
  }

  /** Sends what is left, waiting at most a second for it to be taken. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.#timer?.cancel();
    const connection = this.#connection;
    this.#leave();
    for (const lasting of this.#lasting) lasting.ended = true;
    this.#lasting.clear();
    this.#listeners.clear();
    if (!connection) return;
    const late = Promise.withResolvers<void>();
    const timer = this.#options.clock.after(1_000, late.resolve);
    await Promise.race([connection.flush().catch(() => {}), late.promise]);
    timer.cancel();
    await connection.close();
  }

  /** The connection, when it can take `payload`; counts it as under way. */
  #take(subject: string, payload: Uint8Array): NatsConnection | undefined {
    const connection = this.#connection;
    if (!connection || connection.isClosed()) return undefined;
    if (this.underWayBytes > limits.busUnderWayBytesMax) return undefined;
    this.#sentBytes += payload.length + subject.length + envelopeBytes;
    if (this.#sentBytes - this.#pingedBytes > pingBytes) this.#ping(connection);
    return connection;
  }

  async #dial(): Promise<void> {
    const { clock, log } = this.#options;
    const addresses = [...this.#configured, ...this.#learnt];
    const address = addresses[this.#next++ % addresses.length] as Address;
    try {
      const connection = await dial(address, this.#options, dialTimeoutMs);
      if (this.#closed) await connection.close();
      else this.#arrive(connection, address);
    } catch (error) {
      if (this.#closed) return;
      this.#trouble = messageOf(error);
      const nowAt = clock.elapsed();
      if (nowAt - this.#waitingSaidAt >= waitingLogMs) {
        this.#waitingSaidAt = nowAt;
        log.warn("waiting for NATS", { server: formatAddress(address), reason: this.#trouble });
      }
      this.#dialLater();
    }
  }

  /** Pauses grow to a few seconds, each drawn anew: a whole cluster must not knock at once. */
  #dialLater(): void {
    const { clock, prng } = this.#options;
    this.#pausedMs = Math.min(Math.max(2 * this.#pausedMs, dialPauseMinMs), dialPauseMaxMs);
    this.#timer = clock.after(this.#pausedMs * (0.5 + prng.next()), () => void this.#dial());
  }

  #arrive(connection: NatsConnection, address: Address): void {
    const { clock, log, pingMs } = this.#options;
    this.#connection = connection;
    this.#trouble = undefined;
    this.#pausedMs = 0;
    this.#waitingSaidAt = longAgo;
    this.#sentBytes = this.#takenBytes = this.#pingedBytes = this.#missed = 0;
    this.#pinging = false;
    this.#learn(connection, address);
    log.info("connected to NATS", { server: formatAddress(address), version: connection.info?.version });
    const { max_payload: most = Number.POSITIVE_INFINITY } = connection.info ?? {};
    if (most < limits.payloadBytesMin) {
      const hint = `set max_payload of nats-server to ${limits.payloadBytesMin} or more, its default`;
      log.error("NATS carries too little", { maxPayload: most, wanted: limits.payloadBytesMin, hint });
    }
    for (const lasting of this.#lasting) this.#enter(connection, lasting);
    this.#pings = clock.every(pingMs ?? pingMsDefault, () => this.#beat(connection));
    void this.#listen(connection);
    void connection.closed().then((error) => this.#lost(connection, error ? messageOf(error) : "closed"));
    for (const listener of [...this.#listeners]) listener(true);
  }

  /** Notes the other servers of the cluster: those configured may all be down when we come back. */
  #learn(connection: NatsConnection, address: Address): void {
    const known = new Set(this.#configured.map(formatAddress));
    const urls: readonly string[] =
      (connection.info as { connect_urls?: string[] } | undefined)?.connect_urls ?? [];
    this.#learnt = urls
      .slice(0, learntMax)
      .map((url) => ({ ...parseAddress(url), tls: address.tls }))
      .filter((learnt) => !known.has(formatAddress(learnt)));
  }

  #enter(connection: NatsConnection, lasting: Lasting): void {
    const { subject, queue, receive } = lasting;
    const subscription = connection.subscribe(subject, {
      ...(queue === undefined ? {} : { queue }),
      callback: (error, message) => {
        if (lasting.ended) return;
        if (error) {
          this.#options.log.error("NATS refused a subscription", { subject, reason: error.message });
          return;
        }
        try {
          receive(message);
        } catch (bug) {
          // Thrown here it would only stop the client from reading, without a trace.
          this.#options.clock.soon(() => {
            throw bug;
          });
        }
      },
    });
    lasting.end = () => {
      if (!connection.isClosed()) subscription.unsubscribe();
    };
  }

  /**
   * Every `pingMs`: counts beats, not time, so that a process that was stopped itself first reads its
   * answers.
   */
  #beat(connection: NatsConnection): void {
    if (!this.#pinging) this.#ping(connection);
    else if (++this.#missed >= pingsMissedMax) this.#lost(connection, "pings went unanswered");
  }

  #ping(connection: NatsConnection): void {
    if (this.#pinging) return;
    this.#pinging = true;
    const mark = this.#sentBytes;
    this.#pingedBytes = mark;
    connection.flush().then(
      () => {
        if (this.#connection !== connection) return;
        this.#pinging = false;
        this.#missed = 0;
        this.#takenBytes = mark;
      },
      () => {},
    );
  }

  async #listen(connection: NatsConnection): Promise<void> {
    for await (const status of connection.status()) {
      if (status.type === Events.Error) {
        const about = (status as { permissionContext?: object }).permissionContext;
        this.#options.log.error("NATS reported an error", { reason: status.data, about });
      } else if (status.type === Events.LDM) {
        this.#lost(connection, "the server is shutting down");
      }
    }
  }

  #lost(connection: NatsConnection, reason: string): void {
    if (this.#connection !== connection) return;
    this.#leave();
    void connection.close();
    if (this.#closed) return;
    this.#options.log.warn("lost NATS", { reason });
    for (const listener of [...this.#listeners]) listener(false);
    this.#dialLater();
  }

  #leave(): void {
    this.#connection = undefined;
    this.#pings?.cancel();
    for (const lasting of this.#lasting) lasting.end = undefined;
  }
}

/** The payload as bytes and nothing else: a Buffer's `slice` would not copy. */
export function payloadOf(message: Received): Uint8Array {
  const { buffer, byteOffset, length } = message.data;
  return new Uint8Array(buffer, byteOffset, length);
}

function headersOf(head: Headers): MsgHdrs {
  const all = headers();
  for (const name in head) all.set(name, head[name] as string);
  return all;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
