/**
 * The bus over NATS: subjects under one prefix, requests in one queue group, tables as key-value buckets.
 *
 * What cannot be sent is refused now, not lost later (nats-faults.test.ts). `natsBus` returns at once and
 * dials in the background, so a node can say that it is not ready, and becomes ready by itself. Every subject
 * is checked here, because the client writes whatever it is given onto the wire.
 */
import type { Clock } from "../base/clock.ts";
import type { Log } from "../base/log.ts";
import type { Prng } from "../base/prng.ts";
import {
  type Bus,
  BusUnavailable,
  checkPattern,
  checkSubject,
  type Position,
  type Receive,
  type Serve,
  type Subscription,
  type Table,
  type TableOptions,
} from "./bus.ts";
import { NatsCopies } from "./nats-copy.ts";
import { type Inspected, inspect } from "./nats-inspect.ts";
import { JetStream } from "./nats-jetstream.ts";
import { Link, type LinkOptions, payloadOf, type Received } from "./nats-link.ts";
import { NatsStreams } from "./nats-streams.ts";
import { bucketWanted, NatsTable } from "./nats-table.ts";

export interface NatsOptions extends LinkOptions {
  /** First token of every subject and first word of every stream and bucket: [A-Za-z0-9_-]+. */
  readonly prefix: string;
  /** Copies JetStream keeps of tables and streams created by us. Default 1. */
  readonly replicas?: number;
  /** How long a removed row's marker stays in its bucket, in milliseconds. Default 60,000. */
  readonly markerMs?: number;
  /** How often tables that are restored are looked at, in milliseconds. Default limits.tableLookMs. */
  readonly tableLookMs?: number;
  readonly clock: Clock;
  readonly prng: Prng;
  readonly log: Log;
}

/** As JetStream names them when it republishes. */
const seqHeader = "Nats-Sequence";
const previousHeader = "Nats-Last-Sequence";
/** On an answer: the server failed, there is no reply in it. */
const failedHeader = "Ovation-Failed";
const queueGroup = "ovation";
const empty = new Uint8Array(0);

/**
 * Dials in the background, for ever, until closed. Throws when the options cannot work: no server, a bad
 * address.
 */
export function natsBus(options: NatsOptions): NatsBus {
  return new NatsBus(options);
}

export class NatsBus implements Bus {
  /** Streams under the same prefix, for the ledger. */
  readonly streams: NatsStreams;
  /** The same, whole, as bytes. */
  readonly copies: NatsCopies;
  readonly #link: Link;
  readonly #jetstream: JetStream;
  readonly #prefix: string;
  readonly #replicas: number;
  readonly #tableTimes: { readonly markerMs: number | undefined; readonly lookMs: number | undefined };
  /** By name and lease, from the moment they are asked for. */
  readonly #opening = new Map<string, Promise<NatsTable>>();
  readonly #tables = new Set<NatsTable>();
  #closed = false;

  constructor(options: NatsOptions) {
    const { prefix, clock, prng, log, replicas = 1 } = options;
    checkSubject(prefix);
    if (prefix.includes(".")) throw new Error("the NATS prefix is one word");
    this.#prefix = prefix;
    this.#replicas = replicas;
    this.#tableTimes = { markerMs: options.markerMs, lookMs: options.tableLookMs };
    this.#link = new Link(options);
    this.#jetstream = new JetStream({ link: this.#link, clock, prng, log });
    this.copies = new NatsCopies(this.#jetstream, prefix);
    this.streams = new NatsStreams(this.#jetstream, prefix, replicas);
  }

  /** Messages refused so far: disconnected, or too much under way. */
  get refused(): number {
    return this.#link.refused;
  }

  connected(): boolean {
    return this.#link.connected();
  }

  onConnected(changed: (connected: boolean) => void): Subscription {
    return this.#link.onConnected(changed);
  }

  publish(subject: string, payload: Uint8Array, position?: Position): boolean {
    const full = this.#subject(subject);
    if (!position) return this.#link.publish(full, payload);
    const { seq, previous } = position;
    return this.#link.publish(full, payload, { [seqHeader]: `${seq}`, [previousHeader]: `${previous}` });
  }

  subscribe(subject: string, receive: Receive): Subscription {
    checkPattern(subject);
    this.#assertOpen();
    const stripped = this.#prefix.length + 1;
    return this.#link.subscribe(`${this.#prefix}.${subject}`, (message) => {
      receive(payloadOf(message), message.subject.slice(stripped), positionOf(message));
    });
  }

  request(subject: string, payload: Uint8Array, timeoutMs: number): Promise<Uint8Array> {
    return this.#ask(this.#subject(subject), payload, timeoutMs);
  }

  serve(subject: string, serve: Serve): Subscription {
    const full = this.#subject(subject);
    this.#assertOpen();
    return this.#link.subscribe(full, (message) => void this.#answer(message, serve), queueGroup);
  }

  /**
   * Resolves once the bucket exists and is as wanted, however long NATS stays away; rejects with
   * StreamMismatch.
   */
  async table(name: string, options: TableOptions = {}): Promise<Table> {
    checkSubject(name);
    this.#assertOpen();
    const bucket = `${this.#prefix}_${name}`;
    const wanted = bucketWanted(bucket, options.leaseMs, this.#replicas);
    const key = `${name} ${options.leaseMs}`;
    let opening = this.#opening.get(key);
    if (!opening) {
      opening = this.#jetstream
        .open(wanted, () => this.#closed)
        .then((opened) => {
          const { leaseMs, restoredMax } = options;
          const table = new NatsTable(this.#jetstream, {
            ...{ bucket, wanted, leaseMs, restoredMax, opened, ...this.#tableTimes },
          });
          this.#tables.add(table);
          return table;
        });
      this.#opening.set(key, opening);
      // A table that could not be opened is asked for anew.
      opening.catch(() => this.#opening.delete(key));
    }
    return opening;
  }

  /** Tries what NATS lets this user do, leaving nothing behind; streams want so many `replicas`. */
  inspect(replicas: number): Promise<Inspected> {
    return inspect(this, this.#jetstream, this.copies, replicas);
  }

  /** Why it was last not connected; undefined when nothing was in the way. */
  trouble(): string | undefined {
    return this.#link.trouble;
  }

  /** Resolves when NATS has taken everything sent before; rejects with BusUnavailable. */
  flush(): Promise<void> {
    return this.#link.flush();
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.streams.close();
    for (const table of this.#tables) table.close();
    await this.#link.close();
  }

  async #ask(full: string, payload: Uint8Array, timeoutMs: number): Promise<Uint8Array> {
    const answer = await this.#link.request(full, payload, timeoutMs);
    if (answer.headers?.has(failedHeader)) throw new BusUnavailable("the server failed");
    return payloadOf(answer);
  }

  async #answer(message: Received, serve: Serve): Promise<void> {
    let reply: Uint8Array | undefined;
    try {
      reply = await serve(payloadOf(message));
    } catch {
      // Told to the asker, who asks again; what went wrong is the server's to log.
    }
    if (this.#closed || !message.reply) return;
    if (reply) this.#link.publish(message.reply, reply);
    else this.#link.publish(message.reply, empty, { [failedHeader]: "1" });
  }

  #subject(subject: string): string {
    checkSubject(subject);
    return `${this.#prefix}.${subject}`;
  }

  #assertOpen(): void {
    if (this.#closed) throw new BusUnavailable("closed");
  }
}

function positionOf(message: Received): Position | undefined {
  const head = message.headers;
  if (!head) return undefined;
  const seq = Number(head.get(seqHeader));
  const previous = Number(head.get(previousHeader));
  return Number.isSafeInteger(seq) && seq > 0 && Number.isSafeInteger(previous)
    ? { seq, previous }
    : undefined;
}
