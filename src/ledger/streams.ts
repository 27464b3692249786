/**
 * What the ledger over a network asks of it: streams that keep messages in one order each.
 *
 * Only the shapes: bus/nats-streams.ts fulfils them, and the two folders meet where a node is put together.
 * A call that cannot be carried out now rejects with an error named BusUnavailable, with a true `nobody`
 * when it was handed to nobody; a stream that exists and is not as wanted rejects `open` with one named
 * StreamMismatch.
 */

export interface StreamWanted {
  readonly name: string;
  /** The last token may be `*`. */
  readonly subject: string;
  /** Newest messages kept per subject; without it all are. */
  readonly perSubject?: number;
  /** Where each message is published again once it is durable, with its place and the one before. */
  readonly republish?: string;
  /** How long ids are remembered, in milliseconds. */
  readonly idsMs?: number;
}

export interface StreamState {
  /** Names this life of the stream: one that was removed and made again has another. */
  readonly created: string;
  /** Behind the last when nothing is there. */
  readonly firstSeq: number;
  readonly lastSeq: number;
  /** Newest messages it keeps per subject; undefined: all. What was wanted, or what it was made with. */
  readonly perSubject: number | undefined;
}

/** A message in its place, with the log's own time of its arrival, Unix ms. */
export interface Stored {
  readonly seq: number;
  readonly subject: string;
  readonly payload: Uint8Array;
  readonly atMs: number;
  /** What was sent with it; absent where the API gave it. */
  readonly header?: (name: string) => string | undefined;
}

export interface StreamRead {
  readonly name: string;
  readonly subject?: string;
  readonly from: number;
  /** In order, without holes but those the stream has. */
  readonly receive: (stored: Stored) => void;
  /** Everything that was there has been received. */
  readonly caughtUp?: () => void;
  /**
   * Runs before reading begins, and whenever it has to begin again: after a reconnect, a silence, or
   * `again`. It gives where the stream ends and where to read on, at most one place behind that end; while
   * it rejects, nothing is read, and it is asked again soon.
   */
  readonly prepare?: () => Promise<Pick<StreamState, "firstSeq" | "lastSeq"> & { readonly from?: number }>;
}

export interface Streams {
  connected(): boolean;
  /** A stream's name as its operator knows it. */
  full(name: string): string;
  /** Called at each change of that, until ended. */
  onConnected(changed: (connected: boolean) => void): { end(): void };
  /** Closed for good: nothing will succeed any more. */
  closed(): boolean;
  /** Creates the stream or checks the one there is; waits as long as the network is away. */
  open(wanted: StreamWanted): Promise<StreamState>;
  /** As `open`, once: rejects when it cannot be known now. */
  ensure(wanted: StreamWanted): Promise<StreamState>;
  state(name: string): Promise<StreamState>;
  /**
   * Resolves when the message is durable; one whose `id` is remembered is not stored again. `head` goes with
   * it, names and values without CR or LF.
   */
  append(
    subject: string,
    payload: Uint8Array,
    timeoutMs: number,
    id?: string,
    head?: Readonly<Record<string, string>>,
  ): Promise<{ readonly seq: number; readonly repeated: boolean }>;
  /** As `append`, if the newest message on `subject` is `lastSeq` (0: none); undefined when it is another. */
  appendIfLast(
    subject: string,
    payload: Uint8Array,
    timeoutMs: number,
    lastSeq: number,
  ): Promise<number | undefined>;
  /** As `append`, if the stream ends at `lastSeq`; undefined when it ends elsewhere. */
  appendIfEnd(
    subject: string,
    payload: Uint8Array,
    timeoutMs: number,
    lastSeq: number,
    head?: Readonly<Record<string, string>>,
  ): Promise<number | undefined>;
  /** The newest message on `subject`. */
  last(name: string, subject: string): Promise<Stored | undefined>;
  /** As `last`; undefined too where there is no such stream. */
  lastIfAny(name: string, subject: string): Promise<Stored | undefined>;
  /**
   * Subjects that have messages, of those that `subject` with `*` stands for, behind the first `offset`: as
   * many as the server tells at once, and how many there are.
   */
  subjects(
    name: string,
    subject: string,
    offset: number,
  ): Promise<{ readonly subjects: readonly string[]; readonly total: number }>;
  /** The message at `seq`. */
  at(name: string, seq: number): Promise<Stored | undefined>;
  /** The oldest message on `subject` at or behind `seq`. */
  next(name: string, subject: string, seq: number): Promise<Stored | undefined>;
  /** Reads on until ended, over whatever happens to the network. */
  /** `again` has `prepare` run, and reading begin, once more. */
  read(read: StreamRead): { end(): void; again(): void };
  /** Forgets every message with a lower seq, on `subject` if one is given. */
  forget(name: string, seq: number, subject?: string): Promise<void>;
  /** Takes out one message; false when it is not there. */
  erase(name: string, seq: number): Promise<boolean>;
}
