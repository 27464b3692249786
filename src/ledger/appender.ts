/**
 * Appends to one partition of the log, and whether they succeed.
 *
 * An acknowledgement is believed only where it fits: its place lies behind all that is known of the log, and
 * the log was verified under this connection. A record that was acknowledged waits a moment to be read back,
 * so that what is answered is what the fold holds; one that is answered without it is kept until it is, and
 * written again under its first place (`origin`) should the log lose it.
 *
 * Readiness is what appends do: one that was never tried, or failed, is tried again with a record that counts
 * nothing, so that a log comes back by itself and no viewer has to be the one who finds out.
 */
import { type Clock, type Elapsed, later, type Timer } from "../base/clock.ts";
import type { Kind, VideoId } from "../core/interaction.ts";
import { limits } from "../core/limits.ts";
import { Changes } from "../core/once.ts";
import { encodeRecord, type LikeRecord } from "../core/record.ts";
import { encodeWhose } from "../core/whose.ts";
import { whoseHeader } from "./copy.ts";
import { LedgerUnavailable } from "./ledger.ts";
import type { Streams } from "./streams.ts";

export type Head = Readonly<Record<string, string>>;

export interface AppenderOptions {
  readonly streams: Streams;
  readonly clock: Clock;
  readonly subject: string;
  readonly once: boolean;
  /** What goes with a record that is written now. */
  readonly head: () => Head;
  /** The branch of the log that it is written to. */
  readonly branch: () => string;
  /** The last place known to be taken. */
  readonly folded: () => number;
  /** An acknowledgement does not fit the log: it must be looked at anew. */
  readonly doubted: (reason: string) => void;
  /** No stream was there to take a record. */
  readonly missing: () => void;
  /** A record that was acknowledged does not come back. */
  readonly unread: () => void;
  /** Whether appends succeed, or why not, has changed. */
  readonly changed: () => void;
}

/** Answered, and not yet read back. */
export interface Unfolded {
  readonly branch: string;
  readonly seq: number;
  readonly payload: Uint8Array;
  readonly head: Head;
}

interface Waiter {
  readonly seq: number;
  readonly done: () => void;
  readonly lost: (error: Error) => void;
}

const untried = "no append has been tried yet";
/** How long until a record that nobody was there to take is sent again, in ms. */
const againMs = 50;

export class Appender {
  readonly #options: AppenderOptions;
  /** By place, in no order. */
  readonly #unfolded = new Map<number, Unfolded>();
  #waiting: Waiter[] = [];
  /** Counts verifications: what was sent under another one is not believed. */
  #life = 0;
  /** Why appends are refused; undefined while the log is verified. */
  #refusal: string | undefined = "the log has not been verified yet";
  #failure: string | undefined = untried;
  /** Until when a log without a leader is waited for: an election takes about a second. */
  #electedBy: Elapsed | undefined;
  /** Appends sent, and the latest of them that succeeded. */
  #sent = 0;
  #succeeded = 0;
  #probe: Timer | undefined;
  #probing = false;
  #closed = false;

  constructor(options: AppenderOptions) {
    this.#options = options;
  }

  /** Why appends fail now; undefined when they succeed. */
  get trouble(): string | undefined {
    return this.#refusal ?? this.#failure;
  }

  /** What goes with a record that is written now. */
  head(): Head {
    return this.#options.head();
  }

  /** Whether appends are refused, as the log is not verified. */
  get refused(): boolean {
    return this.#refusal !== undefined;
  }

  /** Whether the trouble is only that no append has been tried yet. */
  get trying(): boolean {
    return this.#refusal === undefined && this.#failure === untried;
  }

  /** Records that were answered and have not been read back. */
  get unfolded(): readonly Unfolded[] {
    return [...this.#unfolded.values()].sort((a, b) => a.seq - b.seq);
  }

  /** Refuses appends from now on: where they would go to is not known. What waits is refused too. */
  refuse(reason: string): void {
    this.#life++;
    this.#refusal = reason;
    this.#probe?.cancel();
    this.#probe = undefined;
    for (const { lost } of this.#waiting.splice(0)) lost(new LedgerUnavailable(reason));
  }

  /** The log is what we folded: appends are taken, and one is tried. */
  verified(): void {
    if (this.#refusal === undefined) return;
    this.#life++;
    this.#refusal = undefined;
    this.#failure = untried;
    void this.#try();
  }

  /** Everything up to `seq` has been read back. */
  read(seq: number): void {
    this.#unfolded.delete(seq);
    if (this.#waiting.length === 0) return;
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const waiter of waiting) {
      if (waiter.seq <= seq) waiter.done();
      else this.#waiting.push(waiter);
    }
  }

  /** What was answered and not read back stands at this place now. */
  keep(unfolded: Unfolded): void {
    this.#unfolded.set(unfolded.seq, unfolded);
  }

  /** What was answered is held: it will not be read back. */
  forget(seq: number): void {
    this.#unfolded.delete(seq);
  }

  /**
   * Resolves when the record is durable and, unless that takes long, read back. Rejects as Ledger.append,
   * within limits.storeMs. What nobody was there to take was not handed over, and is sent again meanwhile.
   */
  async append(record: LikeRecord): Promise<void> {
    const { clock } = this.#options;
    const until = later(clock.elapsed(), limits.storeMs);
    for (;;) {
      try {
        return await this.#append(record, until);
      } catch (error) {
        const isOver = this.#closed || later(clock.elapsed(), againMs) >= until;
        if (isOver || !(isUnsent(error) && this.#isElecting())) throw error;
      }
      await new Promise<void>((resolve) => clock.after(againMs, resolve));
    }
  }

  /** Whether the log has had no leader, and not for so long that waiting for one is no use. */
  #isElecting(): boolean {
    return this.#electedBy !== undefined && this.#options.clock.elapsed() < this.#electedBy;
  }

  async #append(record: LikeRecord, until: Elapsed): Promise<void> {
    if (this.#refusal !== undefined) throw new Unsent(this.#refusal);
    if (this.#unfolded.size >= limits.unfoldedMax) throw new LedgerUnavailable("the log is not read back");
    const payload = encodeRecord(record);
    const head = { ...this.#options.head(), [whoseHeader]: encodeWhose(record) };
    const branch = this.#options.branch();
    const seq = await this.#send(payload, head, until - this.#options.clock.elapsed());
    if (seq <= this.#options.folded() || (await this.#readBack(seq))) return;
    this.#unfolded.set(seq, { branch, seq, payload, head });
    this.#options.unread();
  }

  /**
   * Writes a record that counts nothing, for those who read it and to see that it can be written; resolves
   * with its place.
   */
  async mark(more: Head): Promise<number> {
    return this.#send(this.nothing(), { ...this.#options.head(), ...more });
  }

  /** A record that adds nothing: nodes of before read it as one, and count nothing. */
  nothing(): Uint8Array {
    const { clock, once } = this.#options;
    const group = { video: "nothing" as VideoId, kind: "nothing" as Kind, loose: 0 };
    const none = { hi: [], lo: [], counts: [], by: [] };
    return encodeRecord({
      atMs: clock.date(),
      groups: [{ ...group, ...none, ...(once && { once: new Changes() }) }],
    });
  }

  close(): void {
    this.#closed = true;
    this.refuse("the ledger is closed");
  }

  async #send(payload: Uint8Array, head: Head, withinMs: number = limits.storeMs): Promise<number> {
    const { streams, subject, folded, doubted, missing } = this.#options;
    const life = this.#life;
    const known = folded();
    const nth = ++this.#sent;
    let seq: number;
    try {
      ({ seq } = await streams.append(subject, payload, withinMs, undefined, head));
    } catch (error) {
      // One that was on its way to a leader that died says nothing of the one that has taken others since.
      if (life === this.#life && nth > this.#succeeded) this.#failed((error as Error).message);
      // No stream takes it: it has no leader, or is gone, and would not be found missing for seconds.
      if (life === this.#life && isUnsent(error)) {
        this.#electedBy ??= later(this.#options.clock.elapsed(), limits.storeMs);
        missing();
      }
      throw error;
    }
    if (life !== this.#life) throw new LedgerUnavailable("the log was verified anew meanwhile");
    if (seq <= known) {
      doubted("a place was given out twice");
      throw new LedgerUnavailable("the log gave out a place twice");
    }
    this.#succeeded = Math.max(this.#succeeded, nth);
    this.#electedBy = undefined;
    this.#failed(undefined);
    return seq;
  }

  /** True once `seq` has been read; false when that takes long. Rejects when it may never be. */
  async #readBack(seq: number): Promise<boolean> {
    const { promise, resolve, reject } = Promise.withResolvers<boolean>();
    const waiter = { seq, done: () => resolve(true), lost: reject };
    const late = this.#options.clock.after(limits.foldWaitMs, () => {
      this.#waiting = this.#waiting.filter((one) => one !== waiter);
      resolve(false);
    });
    this.#waiting.push(waiter);
    try {
      return await promise;
    } finally {
      late.cancel();
    }
  }

  #failed(reason: string | undefined): void {
    const before = this.#failure;
    this.#failure = reason;
    if (before !== reason) this.#options.changed();
    if (reason === undefined) {
      this.#probe?.cancel();
      this.#probe = undefined;
    } else if (!this.#closed && this.#refusal === undefined && !this.#probing) {
      this.#probe ??= this.#options.clock.after(limits.probeMs, () => void this.#try());
    }
  }

  async #try(): Promise<void> {
    this.#probe = undefined;
    if (this.#probing) return;
    this.#probing = true;
    const life = this.#life;
    let reason: string | undefined;
    try {
      await this.mark({});
    } catch (error) {
      reason = (error as Error).message;
    }
    this.#probing = false;
    if (this.#closed || this.#refusal !== undefined) return;
    if (life !== this.#life) void this.#try();
    else this.#failed(reason);
  }
}

/** Refused before it was handed to anybody. */
class Unsent extends LedgerUnavailable {
  readonly nobody = true;
}

function isUnsent(error: unknown): boolean {
  return (error as { nobody?: true }).nobody === true;
}
