/**
 * Streams for the ledger, under the bus' prefix: the ledger knows logs and subjects, and nothing of NATS.
 *
 * The interface it fulfils is ledger/streams.ts; the two folders meet only where a node is put together.
 * Everything that fails for want of NATS rejects with BusUnavailable; a stream of our name that is not as
 * wanted rejects with StreamMismatch.
 */
import { checkPattern, checkSubject, type Subscription } from "./bus.ts";
import {
  ApiError,
  type Appended,
  type Held,
  type JetStream,
  type Json,
  nanosPerMs,
  type StreamState,
  type StreamWanted,
  streamNotFound,
} from "./nats-jetstream.ts";
import type { Headers } from "./nats-link.ts";
import { type Prepared, Reader, type ReadOptions, type Stored } from "./nats-reader.ts";

export interface LogWanted {
  /** [A-Za-z0-9_-]+, without the prefix. */
  readonly name: string;
  /** Subjects it keeps, without the prefix; the last token may be `*`. */
  readonly subject: string;
  /** Newest messages kept per subject; without it all are. May differ on a stream that exists. */
  readonly perSubject?: number;
  /** Where each message is published again once it is durable; its last token takes the place of `*`. */
  readonly republish?: string;
  /** How long message ids are remembered, in milliseconds. */
  readonly idsMs?: number;
}

export interface StreamRead {
  readonly name: string;
  readonly subject?: string;
  readonly from: number;
  readonly receive: (stored: Stored) => void;
  readonly caughtUp?: () => void;
  /** Runs before each consumer: see nats-reader.ts. */
  readonly prepare?: () => Promise<Prepared | undefined>;
}

const idHeader = "Nats-Msg-Id";
const lastHeader = "Nats-Expected-Last-Subject-Sequence";
const endHeader = "Nats-Expected-Last-Sequence";
/** Servers of before and of today. */
const wrongLast = [10_071, 10_164];
const idsMsDefault = 120_000;

export class NatsStreams {
  readonly #jetstream: JetStream;
  readonly #prefix: string;
  readonly #replicas: number;
  readonly #readers = new Set<Reader>();
  #closed = false;

  constructor(jetstream: JetStream, prefix: string, replicas: number) {
    this.#jetstream = jetstream;
    this.#prefix = prefix;
    this.#replicas = replicas;
  }

  connected(): boolean {
    return this.#jetstream.parts.link.connected();
  }

  onConnected(changed: (connected: boolean) => void): Subscription {
    return this.#jetstream.parts.link.onConnected(changed);
  }

  /** A stream's name with the prefix, as people see it. */
  full(name: string): string {
    return this.#name(name);
  }

  closed(): boolean {
    return this.#closed;
  }

  /** Creates the stream or checks the one there is; waits as long as NATS is away. */
  open(wanted: LogWanted): Promise<StreamState> {
    return this.#jetstream.open(this.#wanted(wanted), () => this.#closed);
  }

  /** As `open`, once: rejects with BusUnavailable when it cannot be known now. */
  ensure(wanted: LogWanted): Promise<StreamState> {
    return this.#jetstream.ensure(this.#wanted(wanted));
  }

  state(name: string): Promise<StreamState> {
    return this.#jetstream.state(this.#name(name));
  }

  /**
   * Resolves when the message is durable; one whose `id` is remembered is not stored again. `more` are
   * headers that go with it.
   */
  append(
    subject: string,
    payload: Uint8Array,
    timeoutMs: number,
    id?: string,
    more?: Headers,
  ): Promise<Appended> {
    checkSubject(subject);
    const head = id === undefined ? more : { ...more, [idHeader]: id };
    return this.#jetstream.append(this.#subject(subject), payload, timeoutMs, head);
  }

  /** As `append`, if the newest message on `subject` is `lastSeq` (0: none); undefined when it is another. */
  appendIfLast(
    subject: string,
    payload: Uint8Array,
    timeoutMs: number,
    lastSeq: number,
  ): Promise<number | undefined> {
    return this.#appendIf(subject, payload, timeoutMs, { [lastHeader]: `${lastSeq}` });
  }

  /** As `append`, if the stream ends at `lastSeq`; undefined when it ends elsewhere. */
  appendIfEnd(
    subject: string,
    payload: Uint8Array,
    timeoutMs: number,
    lastSeq: number,
    more?: Headers,
  ): Promise<number | undefined> {
    return this.#appendIf(subject, payload, timeoutMs, { ...more, [endHeader]: `${lastSeq}` });
  }

  /** The newest message on `subject`, as the stream's leader knows it. */
  last(name: string, subject: string): Promise<Held | undefined> {
    checkSubject(subject);
    return this.#get(name, { last_by_subj: this.#subject(subject) });
  }

  /** As `last`; undefined too where there is no such stream. */
  async lastIfAny(name: string, subject: string): Promise<Held | undefined> {
    try {
      return await this.last(name, subject);
    } catch (error) {
      if (error instanceof ApiError && error.errorCode === streamNotFound) return undefined;
      throw error;
    }
  }

  /** Subjects that have messages, some 100,000 at once, behind the first `offset`. */
  async subjects(
    name: string,
    subject: string,
    offset: number,
  ): Promise<{ readonly subjects: readonly string[]; readonly total: number }> {
    checkPattern(subject);
    const wanted = { subjects_filter: this.#subject(subject), offset };
    const { state, total } = await this.#jetstream.call(`STREAM.INFO.${this.#name(name)}`, wanted);
    const found = Object.keys((state as { subjects?: Json } | undefined)?.subjects ?? {});
    const subjects = found.map((one) => this.#stripped(one));
    return { subjects, total: typeof total === "number" ? total : offset + subjects.length };
  }

  /** The message at `seq`. */
  at(name: string, seq: number): Promise<Held | undefined> {
    return this.#get(name, { seq });
  }

  /** The oldest message on `subject` with a seq of at least `seq`. */
  next(name: string, subject: string, seq: number): Promise<Held | undefined> {
    checkSubject(subject);
    return this.#get(name, { seq, next_by_subj: this.#subject(subject) });
  }

  /** Reads in order from `from` on, until ended. */
  read(read: StreamRead): Subscription & { again(): void } {
    const { name, subject, from, receive, caughtUp, prepare } = read;
    const options: ReadOptions = {
      stream: this.#name(name),
      from,
      receive: (stored) => receive({ ...stored, subject: this.#stripped(stored.subject) }),
      ...(subject === undefined ? {} : { subject: this.#subject(subject) }),
      ...(caughtUp ? { caughtUp } : {}),
      ...(prepare ? { prepare } : {}),
    };
    const reader = new Reader(this.#jetstream, options);
    this.#readers.add(reader);
    return {
      end: () => {
        this.#readers.delete(reader);
        reader.end();
      },
      again: () => reader.restart(),
    };
  }

  /** Forgets every message with a seq below `seq`, on `subject` if one is given, for good. */
  async forget(name: string, seq: number, subject?: string): Promise<void> {
    // Below the first there is nothing; the server would take it for no bound at all, and forget everything.
    if (seq <= 1) return;
    const filter = subject === undefined ? {} : { filter: this.#subject(subject) };
    await this.#jetstream.call(`STREAM.PURGE.${this.#name(name)}`, { seq, ...filter });
  }

  /** Overwrites one message, for good; false when it is not there. */
  async erase(name: string, seq: number): Promise<boolean> {
    try {
      await this.#jetstream.call(`STREAM.MSG.DELETE.${this.#name(name)}`, { seq });
      return true;
    } catch (error) {
      if (error instanceof ApiError && !(await this.at(name, seq))) return false;
      throw error;
    }
  }

  close(): void {
    this.#closed = true;
    for (const reader of this.#readers) reader.end();
    this.#readers.clear();
  }

  async #appendIf(
    subject: string,
    payload: Uint8Array,
    timeoutMs: number,
    head: Headers,
  ): Promise<number | undefined> {
    checkSubject(subject);
    try {
      return (await this.#jetstream.append(this.#subject(subject), payload, timeoutMs, head)).seq;
    } catch (error) {
      if (error instanceof ApiError && wrongLast.includes(error.errorCode)) return undefined;
      throw error;
    }
  }

  #wanted({ name, subject, republish, perSubject = -1, idsMs = idsMsDefault }: LogWanted): StreamWanted {
    checkPattern(subject);
    const config = {
      subjects: [this.#subject(subject)],
      storage: "file",
      num_replicas: this.#replicas,
      max_msgs_per_subject: perSubject,
      max_age: 0,
      duplicate_window: idsMs * nanosPerMs,
      discard: "old",
    };
    const again = republish && {
      src: this.#subject(subject),
      dest: this.#subject(republish).replace("*", "{{wildcard(1)}}"),
    };
    return {
      name: this.#name(name),
      config: again ? { ...config, republish: again } : config,
      mayDiffer: ["num_replicas", "storage", "max_msgs_per_subject"],
    };
  }

  async #get(name: string, ask: Json): Promise<Held | undefined> {
    const held = await this.#jetstream.get(this.#name(name), ask);
    return held && { ...held, subject: this.#stripped(held.subject) };
  }

  #stripped(subject: string): string {
    return subject.slice(this.#prefix.length + 1);
  }

  #name(name: string): string {
    checkSubject(name);
    return `${this.#prefix}_${name}`;
  }

  #subject(subject: string): string {
    return `${this.#prefix}.${subject}`;
  }
}
