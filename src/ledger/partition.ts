/**
 * One partition of the log of likes: read in order, folded, appended to, and kept short by snapshots.
 *
 * What this dispatcher appends comes back to it through the stream like everybody's, so each folds the same
 * records in the same order with the same log times, and a key repeated on any node is dropped by all.
 *
 * A place in the log means something in one history only. Before anything is read, after each reconnect, and
 * whenever an acknowledgement does not fit, the log is verified (verifier.ts); until then nothing is
 * appended, and the partition says why (`trouble`). jetstream-seed.test.ts holds that.
 */
import { type Clock, type Elapsed, longAgo } from "../base/clock.ts";
import type { Log } from "../base/log.ts";
import type { Like, VideoId } from "../core/interaction.ts";
import { limits } from "../core/limits.ts";
import type { LikeRecord } from "../core/record.ts";
import type { Totals } from "../core/totals.ts";
import { Appender, type Head } from "./appender.ts";
import { Copy, stampHeader } from "./copy.ts";
import type { Fold, FoldOptions } from "./fold.ts";
import { type Change, LedgerUnavailable, type Space } from "./ledger.ts";
import { PartitionAway } from "./partition-away.ts";
import { encodeWhole } from "./snapshot.ts";
import { Snapshots, snapshotStream } from "./snapshots.ts";
import type { Stored, Streams, StreamWanted } from "./streams.ts";
import type { TimelineView } from "./timeline-view.ts";
import { branchHeader, type Verified, Verifier } from "./verifier.ts";

export interface PartitionOptions {
  readonly index: number;
  readonly streams: Streams;
  readonly clock: Clock;
  readonly log: Log;
  readonly fold: FoldOptions;
  readonly changed: (changes: readonly Change[]) => void;
  /** How much of the log stays behind a snapshot, in milliseconds of its own time. */
  readonly keepMs: number;
}

/** The stream of a partition, and the subject its records are appended to. */
export function logStream(index: number): StreamWanted {
  return { name: `log_${index}`, subject: `log.${index}` };
}

/** What an operator can look at; where more is known, the reason says it. */
const remedy =
  "look at the stream's leader, its limits and its disk, and at our permissions; " +
  "nats-server may have to be restarted after its disk was full";
/** While there is trouble, its reason is said this often at most, in ms. */
const troubleLogMs = 10_000;

/** Somebody who waits for the fold. */
interface Waiter {
  readonly is: () => boolean;
  readonly wake: () => void;
}

function unread(): LedgerUnavailable {
  return new LedgerUnavailable("the log cannot be read now");
}

export class Partition {
  readonly #options: PartitionOptions;
  readonly #wanted: StreamWanted;
  readonly #snapshots: Snapshots;
  readonly #copy: Copy;
  readonly #appender: Appender;
  readonly #verifier: Verifier;
  /** Videos that leave memory. */
  readonly away: PartitionAway;
  readonly #caughtUp = Promise.withResolvers<void>();
  readonly #connection: { end(): void };
  /** The log goes on at this place, and what was folded ends before. */
  #hole = 0;
  /** Where the log ended when it was verified. */
  #verifiedTo = 0;
  /** Why the log is not verified, when looking at it said so. */
  #wrong: string | undefined;
  /** What was last said in the log to be the trouble. */
  #said: string | undefined;
  #saidAt: Elapsed = longAgo;
  /**
   * The manifest seen last, by its place: one that is still the newest a whole period later may be followed.
   */
  #seenManifest = -1;
  #reading: { end(): void; again(): void } | undefined;
  readonly #waiting = new Set<Waiter>();
  /** Asks where the log ends; those who come while it is under way share the next one. */
  #asked: Promise<number> | undefined;
  /** When a record came last. */
  #heardAt: Elapsed = longAgo;
  /** When reading was begun anew for want of records. */
  #lookedAt: Elapsed = longAgo;
  #begun = false;
  #closed = false;

  constructor(options: PartitionOptions) {
    const { streams, clock, index, fold, log, changed } = options;
    this.#options = options;
    this.#wanted = logStream(index);
    this.#snapshots = new Snapshots(streams, clock, index);
    const copy = new Copy(clock, fold, changed);
    this.#copy = copy;
    this.#appender = new Appender({
      streams,
      clock,
      subject: this.#wanted.subject,
      once: fold.onceMax !== undefined,
      head: () => headOf(copy),
      branch: () => copy.branch.branch,
      folded: () => copy.seq,
      doubted: (reason) => this.#doubt(reason),
      missing: () => this.#readAnew(this.#lookedAt),
      unread: () => this.#readAnew(this.#heardAt),
      changed: () => this.#say(),
    });
    const own = { wanted: this.#wanted, snapshots: this.#snapshots, copy, appender: this.#appender };
    this.#verifier = new Verifier({ ...own, streams, fold, clock, log });
    this.away = new PartitionAway({
      ...{ streams, clock, log, copy, appender: this.#appender, met: (is) => this.#met(is) },
      receive: (stored) => this.#receive(stored),
      again: () => this.#reading?.again(),
    });
    this.#connection = streams.onConnected((connected) => {
      if (!connected) this.#appender.refuse("NATS is away");
    });
  }

  videos(): Iterable<VideoId> {
    return this.#copy.videos();
  }

  totals(video: VideoId): Totals {
    return this.#copy.totals(video);
  }

  timeline(video: VideoId): TimelineView | undefined {
    return this.#copy.timeline(video);
  }

  /** As Ledger.current. */
  async current(video: VideoId): Promise<Totals> {
    const copy = this.#copy;
    // A log that was lost a moment ago is looked at in a moment.
    await this.#met(() => this.#isVerified());
    const end = await this.#end();
    await this.#met(() => this.#isVerified() && copy.seq >= end && !copy.behind);
    await this.away.read(video);
    return copy.totals(video);
  }

  room(like: Like): Space {
    return this.#copy.room(like);
  }

  /** As far as the log is folded. */
  get fold(): Fold {
    return this.#copy.fold;
  }

  /** Takes out likes of viewers that are nobody's, of one part of them; false: there are none. */
  sweep(): boolean {
    const { members } = this.#copy.fold;
    members?.sweep();
    return members?.stale ?? false;
  }

  /** As its operator knows it. */
  get stream(): string {
    return this.#options.streams.full(this.#wanted.name);
  }

  /** Why its likes cannot be stored now, in one line; undefined when they can. */
  get trouble(): string | undefined {
    return this.#wrong ?? this.#appender.trouble;
  }

  /** Resolves when the record is durable. Rejects with LedgerUnavailable or BusUnavailable. */
  append(record: LikeRecord): Promise<void> {
    return this.#appender.append(record);
  }

  /**
   * Reads the newest snapshot, then the log behind it; resolves when all there was is folded. Rejects as
   * Verifier.verify: then it may be called again.
   */
  async start(): Promise<void> {
    await this.#verify();
    this.#reading = this.#options.streams.read({
      name: this.#wanted.name,
      from: this.#copy.seq + 1,
      receive: (stored) => this.#receive(stored),
      caughtUp: () => this.away.whenTaken(() => this.#begin()),
      prepare: () => this.#verify(),
    });
    await this.#caughtUp.promise;
  }

  /**
   * Writes a snapshot if there is something new and no dispatcher wrote one since the last call, and lets go
   * of log that no one needs. Rejects when the network is away.
   */
  async snapshot(): Promise<void> {
    const { streams, log, keepMs, index } = this.#options;
    const copy = this.#copy;
    if (copy.fold.full && this.trouble === undefined) await this.#passTime();
    await streams.ensure(snapshotStream);
    const before = await this.#snapshots.manifest();
    if (before && this.#verifier.departs(before)) {
      this.#doubt("the log has another branch");
      return;
    }
    const seen = before?.seq ?? 0;
    const quiet = seen === this.#seenManifest;
    this.#seenManifest = seen;
    const { branch, parents } = copy.branch;
    const follows = (before?.lineage?.branch ?? branch) === branch;
    if (!quiet || this.trouble !== undefined || copy.behind) return;
    if (follows && copy.seq <= (before?.upTo ?? 0)) return;
    // Place and bytes belong together: nothing may be folded between them.
    const last = copy.trail.at(copy.seq);
    const at = { upTo: copy.seq, logMs: copy.fold.logMs, ...copy.branch, parents, last };
    const bytes = encodeWhole(copy.fold);
    if (!(await this.#snapshots.save(bytes, at, before, !follows))) return;
    const oldMs = at.logMs - keepMs;
    const marks = before && follows ? [...before.marks, before] : [];
    const old = marks.filter((mark) => mark.logMs < oldMs).at(-1);
    if (old) await streams.forget(this.#wanted.name, old.upTo + 1);
    const forgotten = old?.upTo;
    log.debug("snapshot written", { partition: index, upTo: at.upTo, bytes: bytes.fold.length, forgotten });
  }

  /** Without records log time stands still: a fold that refuses all new videos would never forget one. */
  async #passTime(): Promise<void> {
    const { streams } = this.#options;
    const { subject } = this.#wanted;
    await streams.append(
      subject,
      this.#appender.nothing(),
      limits.requestMs,
      undefined,
      this.#appender.head(),
    );
  }

  close(): void {
    this.#closed = true;
    this.#connection.end();
    this.#reading?.end();
    this.#appender.close();
    this.away.close();
    this.#caughtUp.resolve();
    for (const { wake } of this.#waiting) wake();
  }

  async #verify(): Promise<Verified> {
    const { branch } = this.#copy.branch;
    try {
      const verified = await this.#verifier.verify(this.#hole);
      this.#hole = 0;
      this.#verifiedTo = verified.lastSeq;
      this.#wrong = undefined;
      // What was under way went to another history.
      if (branch !== this.#copy.branch.branch) this.#appender.refuse("the log was seeded anew");
      if (this.#begun) this.#open();
      return verified;
    } catch (error) {
      // Who cannot look now knows no more than before: what was verified under this connection still is.
      if ((error as Error).name !== "BusUnavailable" || this.#appender.refused) {
        this.#wrong = (error as Error).message;
        this.#appender.refuse(this.#wrong);
        this.#say();
      }
      throw error;
    }
  }

  /** All there was has been read. Before that we do not know the log's time, and must not stamp anything. */
  #begin(): void {
    if (this.#begun) return;
    this.#begun = true;
    this.#caughtUp.resolve();
    if (this.#wrong === undefined) this.#open();
  }

  #open(): void {
    if (this.#options.streams.connected()) this.#appender.verified();
    this.#wake();
  }

  /** Something does not fit: nothing is written until the log has been looked at anew. */
  #doubt(reason: string): void {
    this.#appender.refuse(reason);
    this.#reading?.again();
  }

  /**
   * Something was stored and is not told to us, or found nobody to store it: whoever should tell of it may
   * have died, and the stream may be gone, which nobody says.
   */
  #readAnew(since: Elapsed): void {
    const now = this.#options.clock.elapsed();
    if (now - since < limits.readSilenceMs) return;
    this.#lookedAt = now;
    this.#heardAt = now;
    this.#reading?.again();
  }

  #receive(stored: Stored): void {
    const copy = this.#copy;
    this.#heardAt = this.#options.clock.elapsed();
    if (this.away.waits(stored)) return;
    // What was folded once is never folded again, whatever a reader repeats.
    if (stored.seq <= copy.seq) return;
    if (stored.seq !== copy.seq + 1) {
      this.#hole = stored.seq;
      this.#doubt("the log has a hole");
      return;
    }
    if (this.away.recalls(stored)) return;
    const { log } = this.#options;
    const { stream } = this;
    if (!copy.take(stored)) log.error("log holds what is no record", { stream, seq: stored.seq });
    this.#appender.read(copy.seq);
    if (this.#waiting.size > 0) this.#wake();
    const branch = stored.header?.(branchHeader);
    const isOther = branch !== undefined && branch !== copy.branch.branch;
    if (isOther && stored.seq > this.#verifiedTo) this.#doubt("the log has another branch");
  }

  #isVerified(): boolean {
    return this.#wrong === undefined && !this.#appender.refused;
  }

  /** Where the log ends, as known at some moment after this call. Rejects when that cannot be known soon. */
  async #end(): Promise<number> {
    // Whoever finds a question under way came after it was asked.
    await this.#asked?.catch(() => {});
    this.#asked ??= this.#ask();
    return this.#asked;
  }

  async #ask(): Promise<number> {
    const { streams, clock } = this.#options;
    const late = Promise.withResolvers<never>();
    const timer = clock.after(limits.readWaitMs, () => late.reject(unread()));
    const asked = streams.state(this.#wanted.name).then(({ lastSeq }) => lastSeq);
    try {
      return await Promise.race([asked, late.promise]);
    } finally {
      timer.cancel();
      this.#asked = undefined;
      // Whichever lost: nobody waits for it any more.
      asked.catch(() => {});
    }
  }

  /**
   * Resolves when `is` holds, looked at whenever something was folded or verified; rejects when that takes
   * long.
   */
  async #met(is: () => boolean): Promise<void> {
    if (is()) return;
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const waiter = { is, wake: resolve };
    const late = this.#options.clock.after(limits.readWaitMs, () => reject(unread()));
    this.#waiting.add(waiter);
    try {
      await promise;
    } finally {
      late.cancel();
      this.#waiting.delete(waiter);
    }
  }

  #wake(): void {
    for (const { is, wake } of this.#waiting) if (is()) wake();
  }

  /**
   * One line when there is trouble that is not the network's, seldom another one, and one when it is over.
   */
  #say(): void {
    const { log, streams, clock } = this.#options;
    const reason = this.trouble;
    if (this.#closed || reason === this.#said || !streams.connected()) return;
    const { stream } = this;
    if (reason === undefined) log.info("log takes likes again", { stream });
    else if (this.#appender.trying) return;
    else if (this.#said !== undefined && clock.elapsed() - this.#saidAt < troubleLogMs) return;
    else log.error("log takes no likes", { stream, reason, remedy });
    this.#said = reason;
    this.#saidAt = clock.elapsed();
  }
}

function headOf({ time }: Copy): Head {
  const stampMs = time.stamp();
  return stampMs === undefined ? {} : { [stampHeader]: `${stampMs}` };
}
