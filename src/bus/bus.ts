/**
 * The contract between nodes. It moves bytes and knows no meaning.
 *
 * Three implementations: memory.ts (one process), local.ts (processes of one machine) and nats.ts (many
 * machines). `contract.ts` is the one suite that all pass.
 * `publish` is at most once and says so, so only state that the next message repeats travels that way; what
 * must arrive is asked for with `request`, or kept in a `Table`.
 */

/** Ends what made it; ending twice does nothing. */
export interface Subscription {
  end(): void;
}

/** A message's place in the log it was republished from; `previous` is the place before it on its subject. */
export interface Position {
  readonly seq: number;
  readonly previous: number;
}

export type Receive = (payload: Uint8Array, subject: string, position: Position | undefined) => void;
export type Serve = (payload: Uint8Array) => Uint8Array | Promise<Uint8Array>;

/** The bus cannot carry this now (disconnected, nobody serves, timed out): repeat later. */
export class BusUnavailable extends Error {
  override readonly name = "BusUnavailable";
}

/** The bus knows that nobody serves: nothing was handed over, so it may be handed to another. */
export class NobodyServes extends BusUnavailable {
  /** For those who know errors by their shape. */
  readonly nobody = true;
}

export interface Bus {
  /** Whether messages travel now. */
  connected(): boolean;
  /**
   * Calls `changed` whenever `connected()` changes. After a return to true, what was published meanwhile is
   * lost.
   */
  onConnected(changed: (connected: boolean) => void): Subscription;
  /**
   * Sends to every subscriber of `subject`, at most once each. False when it was refused because the bus
   * is disconnected or its buffer is full; refusals are counted. `subject` is dot-separated tokens of
   * [A-Za-z0-9_-]; anything else throws.
   */
  publish(subject: string, payload: Uint8Array, position?: Position): boolean;
  /** Receives what is published on `subject`; the last token may be `*`. `receive` must be quick. */
  subscribe(subject: string, receive: Receive): Subscription;
  /**
   * Asks one of those who serve `subject`. Rejects with BusUnavailable when nobody answers within
   * `timeoutMs`, at once and with NobodyServes when there is nobody.
   */
  request(subject: string, payload: Uint8Array, timeoutMs: number): Promise<Uint8Array>;
  /**
   * Answers requests on `subject`; one of several servers gets each request. A `serve` that throws
   * answers nothing good: the asker sees BusUnavailable.
   */
  serve(subject: string, serve: Serve): Subscription;
  /** Opens the shared table `name`; the same name gives the same rows on every node. */
  table(name: string, options?: TableOptions): Promise<Table>;
  /** Gives back everything; nothing is delivered afterwards. */
  close(): Promise<void>;
}

export interface TableOptions {
  /** Rows vanish this long after they were last put, in milliseconds. Without it they stay. */
  readonly leaseMs?: number;
  /**
   * Should the network lose the table while somebody holds it, its rows are put back: those that a watch of
   * it knows; without a watch the newest so many that this member put and did not remove. Default 0: none.
   * Rows with a lease are not, since whoever wants them puts them again. Over NATS only: elsewhere a network
   * that loses its tables says so by having been away.
   */
  readonly restoredMax?: number;
}

/** Keys are dot-separated tokens of [A-Za-z0-9_-]. Last write wins. */
export interface Table {
  /** Rejects with BusUnavailable when it cannot be written now. */
  put(key: string, value: string): Promise<void>;
  /** Removing an absent row does nothing. Rejects with BusUnavailable. */
  remove(key: string): Promise<void>;
  /**
   * Calls `changed` for every row there is, then for every change (`undefined`: gone, removed or expired).
   * A watch that breaks is rebuilt: rows that went meanwhile are then reported as gone. `synced` is called
   * each time the watch has caught up.
   */
  watch(changed: (key: string, value: string | undefined) => void, synced?: () => void): Subscription;
}

const subjectPattern = /^[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*$/;
const patternPattern = /^[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*(\.\*)?$/;

/** Throws unless `subject` is safe to publish on: the wire protocol below never sees another character. */
export function checkSubject(subject: string): void {
  if (subject.length > 255 || !subjectPattern.test(subject)) throw new Error("illegal subject");
}

/** As `checkSubject`, allowing a last token `*`. */
export function checkPattern(pattern: string): void {
  if (pattern.length > 255 || !patternPattern.test(pattern)) throw new Error("illegal subject");
}
