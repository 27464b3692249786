/**
 * The ledger of a node that is alone: one SQLite file in its data directory, or in memory.
 *
 * What a commit must hold (the record of likes, entries, keys of comments) is written at once and in one
 * transaction; what can be worked out again (totals, keys of likes) is folded in memory after the commit and
 * written down about once a second, with the log row it goes up to. A start reads that and folds the rest,
 * which sqlite.kill.test.ts holds. Everything here is synchronous: an append has its answer, and its
 * listeners have heard, when it returns.
 *
 * Each start opens a branch of the log's lineage: the file may be an older copy of itself, and then the
 * numbers it gives out next were given out before.
 */
import { type Database, SQLiteError } from "bun:sqlite";
import { type Clock, type Elapsed, later, type Timer, type UnixMs, unixMs } from "../base/clock.ts";
import type { Log } from "../base/log.ts";
import { secret, systemPrng } from "../base/prng.ts";
import type { Entry, Page } from "../core/entry.ts";
import type { Like, VideoId } from "../core/interaction.ts";
import { limits } from "../core/limits.ts";
import type { Lineage } from "../core/lineage.ts";
import { decodeRecord, encodeRecord, type LikeRecord } from "../core/record.ts";
import type { Totals } from "../core/totals.ts";
import { encodeWhose } from "../core/whose.ts";
import type { Counted } from "./comment-counts.ts";
import { Comments } from "./comments.ts";
import { Fold } from "./fold.ts";
import {
  type Batch,
  type Change,
  type Copy,
  type Holding,
  type Ledger,
  LedgerRefused,
  LedgerUnavailable,
  type Placed,
  type Space,
  type Trouble,
} from "./ledger.ts";
import { entryBytes } from "./page.ts";
import { Retention } from "./retention.ts";
import { lineageOf, lineageText, prepareAll, type Query, type Statements, type Value } from "./schema.ts";
import { SqliteAway } from "./sqlite-away.ts";
import { Copies } from "./sqlite-copy.ts";
import { SqliteDeletions } from "./sqlite-delete.ts";
import { type Durability, emptyLog, holdLog, openFile, refusal } from "./sqlite-file.ts";
import { Transactions } from "./sqlite-transactions.ts";
import type { TimelineView } from "./timeline-view.ts";
import { type TimelineOptions, timelineOf } from "./timelines.ts";
import { Written } from "./written.ts";

export interface SqliteOptions {
  /** The data directory, made when missing; ":memory:" keeps nothing. */
  readonly path: string;
  readonly clock: Clock;
  /** Entries kept per video, at least 1. */
  readonly commentHistory: number;
  /** One like per viewer, and how many at most; undefined: likes only add. Fixed once a directory is made. */
  readonly onceMax?: number | undefined;
  /** Videos whose totals are held in memory. Default limits.videosMax. */
  readonly videosMax?: number | undefined;
  /** How reactions are kept in their time; by default as the settings have it by default. */
  readonly timeline?: TimelineOptions | "off" | undefined;
  /** What an answered append outlives. Default "process". */
  readonly durability?: Durability | undefined;
  readonly log?: Log;
  /** Told how long each rest (snapshot of totals, pruning, checkpoint) kept the event loop, in ms. */
  readonly rested?: (ms: number) => void;
}

/** How often totals are written down. */
const restEveryMs = 1_000;
/** Bytes of records and entries at which the write-ahead log is emptied sooner than once a rest. */
const walBytesMax = 1024 * 1024;
/** Rows of the log, and keys of comments, that one rest forgets at least, as far as they are old. */
const pruneRowsMin = 1_000;

/**
 * Opens the ledger in a data directory, folding what its log holds. Rejects with LedgerRefused, whose message
 * says in one line why the directory cannot be used.
 */
export async function openSqliteLedger(options: SqliteOptions): Promise<Ledger> {
  const { path, onceMax, durability = "process" } = options;
  const likes = onceMax === undefined ? "many" : "once";
  const db = openFile({ path, likes, durability, walBytes: 64 * walBytesMax });
  try {
    return new SqliteLedger(db, options);
  } catch (error) {
    db.close();
    throw error instanceof SQLiteError ? refusal(path, error) : error;
  }
}

class SqliteLedger implements Ledger {
  readonly epoch: string;
  readonly publishesEntries = true;
  readonly commentLane = 0;
  readonly once: boolean;
  readonly deletions: SqliteDeletions;
  readonly #path: string;
  readonly #db: Database;
  readonly #clock: Clock;
  readonly #rested: ((ms: number) => void) | undefined;
  readonly #fold: Fold;
  readonly #statements: Statements;
  readonly #comments: Comments;
  readonly #timer: Timer;
  readonly #written: Written;
  readonly away: SqliteAway;
  readonly #retention: Retention;
  readonly #transactions: Transactions;
  readonly #copies: Copies;
  /** Last row of the log, and the last one in the written totals. */
  #logSeq = 0;
  #writtenSeq = 0;
  /** Log time when this ledger was opened: the log's last, or the date where it has none. */
  #logStartMs = unixMs(0);
  readonly #startMs: Elapsed;
  #head = 0;
  readonly #lineage: Lineage;
  /** Bytes of records and entries since the write-ahead log was emptied. */
  #walBytes = 0;
  #restSoon = false;
  #closed = false;
  #changed: (changes: readonly Change[]) => void = () => {};
  #entered: (entry: Entry) => void = () => {};

  constructor(db: Database, options: SqliteOptions) {
    this.#path = options.path;
    this.#db = db;
    this.#clock = options.clock;
    this.#rested = options.rested;
    this.once = options.onceMax !== undefined;
    const [{ onceMax, videosMax }, timeline] = [options, timelineOf(options.timeline)];
    this.#fold = new Fold({ seed: systemPrng().next(), onceMax, videosMax, timeline });
    this.#statements = prepareAll(<Row, Params extends Value[]>(text: string) => {
      // bun:sqlite has the same shape, in types that do not unify while Params is open.
      return db.prepare(text) as unknown as Query<Row, Params>;
    });
    this.#transactions = new Transactions(db, this.#statements, options.log);
    const parts = { statements: this.#statements, fold: this.#fold, ages: timeline?.ages };
    this.#comments = new Comments(options.commentHistory, parts);
    this.#transactions.undone = () => this.#comments.counts.undo();
    this.epoch = String(this.#meta("epoch"));
    this.#written = new Written(this.#statements, this.#fold);
    this.#writtenSeq = this.#written.read();
    this.away = new SqliteAway({
      ...{ fold: this.#fold, written: this.#written, write: () => this.#write() },
      ...{ soon: () => this.#restEarly(), reading: (read) => this.#reading(read) },
    });
    this.#startMs = this.#clock.elapsed();
    this.#retention = this.#loadLog();
    this.deletions = this.#openDeletions();
    this.#head = this.#comments.head();
    this.#transact(() => this.#comments.counts.catchUp(this.#logTime()));
    this.#lineage = this.#openBranch();
    this.#copies = new Copies({ ...options, empty: () => emptyLog(db), hold: (on) => holdLog(db, on) });
    this.#timer = this.#clock.every(restEveryMs, () => this.#rest(true));
  }

  ready = (): boolean => this.#transactions.ready && !this.#closed;

  troubles(): readonly Trouble[] {
    if (this.ready()) return [];
    const reason = this.#closed ? "it is closed" : "it cannot be written: look at its disk";
    return [{ stream: this.#path, reason }];
  }

  head = (): number => this.#head;

  lineage = (): Lineage => this.#lineage;

  videos = (): Iterable<VideoId> => this.#fold.videos.keys();

  commented = async (after: VideoId | undefined, search: string, most: number): Promise<VideoId[]> =>
    this.#reading(() => this.#comments.videos(after, search, most));

  totals = (video: VideoId): Totals => this.#fold.totals(video);

  timeline = (video: VideoId): TimelineView | undefined => this.#fold.timeline(video);

  comments = async (video: VideoId): Promise<Counted> =>
    this.#reading(() => this.#comments.counts.read(video));

  room = (like: Like): Space => this.#fold.room(like, this.#logTime());

  async current(video: VideoId): Promise<Totals> {
    await this.away.read(video);
    return this.totals(video);
  }

  /** One commit holds likes and comments: there is nothing that could fail apart. */
  laneOf = (): number => this.commentLane;

  onChanges(listener: (changes: readonly Change[]) => void): void {
    this.#changed = listener;
  }

  onEntry(listener: (entry: Entry) => void): void {
    this.#entered = listener;
  }

  async append(batch: Batch): Promise<readonly Placed[]> {
    const logMs = this.#logTime();
    const entries: Entry[] = [];
    const placed = this.#transact(() => {
      let seq = this.#logSeq;
      for (const record of batch.likes) this.#put(record, ++seq, logMs);
      const told = batch.comments.map((draft): Placed => {
        const entry = this.#comments.place(draft, this.#head + entries.length + 1, logMs);
        if ("repeated" in entry) return entry;
        entries.push(entry);
        return { seq: entry.seq, repeated: false };
      });
      this.#comments.counts.write();
      return told;
    });
    this.#logSeq += batch.likes.length;
    for (const record of batch.likes) this.#folded(record, logMs);
    this.#announce(entries);
    if (this.#written.many || this.#walBytes >= walBytesMax) this.#restEarly();
    return placed;
  }

  async retract(video: VideoId, target: number): Promise<boolean> {
    const seq = this.#head + 1;
    const removal = this.#transact(() => this.#comments.remove(video, target, seq, this.#clock.date()));
    if (removal) this.#announce([removal]);
    this.deletions.erases ||= removal !== undefined;
    return removal !== undefined;
  }

  async entries(video: VideoId, after: number | undefined, limit: number): Promise<Page> {
    return this.#reading(() => this.#comments.page(video, after, limit, this.#head));
  }

  holdings = (): readonly Holding[] => [{ stream: this.#path, ...this.#fold.holding() }];

  copy(): Copy {
    this.#rest(false);
    return this.#copies.begin();
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#timer.cancel();
    this.#copies.giveUp("the node ends");
    this.#rest(true);
    this.#closed = true;
    for (const statement of Object.values(this.#statements)) statement.finalize();
    this.#db.close();
    this.#copies.close();
  }

  /** Log time now: it goes on from what the log holds as time really passes, whatever the wall says. */
  #logTime(): UnixMs {
    return later(this.#logStartMs, this.#clock.elapsed() - this.#startMs);
  }

  /** What the file held when it was copied may have gone on elsewhere: from here on places are ours. */
  #openBranch(): Lineage {
    const held = lineageOf(this.#meta("lineage"));
    if (!held) throw new LedgerRefused(`${this.#path}: the lineage in its ledger is damaged`);
    const lineage = held.open(secret(8), this.#head + 1);
    this.#transact(() => this.#statements.metaPut.run("lineage", lineageText(lineage)));
    return lineage;
  }

  #put(record: LikeRecord, seq: number, logMs: number): void {
    const bytes = encodeRecord(record);
    this.#statements.logPut.run(seq, logMs, bytes, encodeWhose(record));
    this.#walBytes += bytes.length;
  }

  #folded(record: LikeRecord, logMs: number): void {
    this.away.bringBack(record);
    const changes = this.#fold.apply(record, logMs, this.#clock.date());
    this.#written.changed(record, changes);
    if (changes.length > 0) this.#changed(changes);
  }

  #announce(entries: readonly Entry[]): void {
    for (const entry of entries) {
      this.#head = entry.seq;
      this.#walBytes += entryBytes(entry);
      this.#entered(entry);
    }
  }

  #transact<T>(work: () => T): T {
    if (this.#closed) throw new LedgerUnavailable("the ledger is closed");
    return this.#transactions.run(work);
  }

  #openDeletions(): SqliteDeletions {
    return new SqliteDeletions({
      ...{ statements: this.#statements, fold: this.#fold, comments: this.#comments, clock: this.#clock },
      transact: (work) => this.#transact(work),
      put: (record) => {
        const row = { seq: this.#logSeq + 1, logMs: this.#logTime() };
        this.#put(record, row.seq, row.logMs);
        return row;
      },
      place: () => this.#head + 1,
      took: (record, logMs, entry) => {
        this.#logSeq++;
        this.#folded(record, logMs);
        if (entry) this.#announce([entry]);
      },
    });
  }

  #reading<T>(read: () => T): T {
    if (this.#closed) throw new LedgerUnavailable("the ledger is closed");
    try {
      return read();
    } catch (error) {
      throw this.#transactions.unavailable(error);
    }
  }

  readonly #meta = (name: string): unknown => this.#statements.metaGet.get(name)?.value;

  #loadLog(): Retention {
    const s = this.#statements;
    const last = s.logLast.get();
    this.#logSeq = last?.seq ?? this.#writtenSeq;
    const lastMs = Math.max(last?.at ?? 0, Number(this.#meta("logMs") ?? 0), s.keyLast.get()?.at ?? 0);
    // What is folded again needs the keys of the window before it, however long it was not written down.
    const fromMs = s.logAfter.get(this.#writtenSeq)?.at ?? lastMs;
    this.#refold(fromMs - limits.keyWindowMs - 1);
    this.#logStartMs = lastMs > 0 ? unixMs(lastMs) : this.#clock.date();
    const retention = new Retention((s.logFirst.get()?.seq ?? this.#logSeq + 1) - 1);
    retention.mark(this.#logSeq, lastMs);
    return retention;
  }

  /** Folds the log behind the written totals, and notes the keys of what is not older than `fromMs`. */
  #refold(fromMs: number): void {
    for (const row of this.#statements.logFrom.iterate(fromMs, this.#writtenSeq)) {
      const record = decodeRecord(row.record, row.whose ?? undefined);
      if (!record) throw new LedgerRefused(`${this.#path}: row ${row.seq} of its log is damaged`);
      if (row.seq > this.#writtenSeq) this.#folded(record, row.at);
      else this.#fold.remember(record, row.at);
    }
  }

  #restEarly(): void {
    if (this.#restSoon) return;
    this.#restSoon = true;
    this.#clock.soon(() => {
      if (!this.#closed) this.#rest(this.#walBytes >= walBytesMax);
    });
  }

  /**
   * Writes the totals down, forgets what is old, and may move the write-ahead log into the file: the part
   * that waits for the disk.
   */
  #rest(checkpoint: boolean): void {
    this.#restSoon = false;
    const startMs = this.#clock.elapsed();
    try {
      this.#copies.look();
      this.#write();
      if (checkpoint && (this.#walBytes > 0 || this.deletions.erases)) {
        const { deletions } = this;
        if (!this.#copies.holds && !deletions.erases) this.#statements.checkpoint.get();
        else if (!this.#copies.holds) deletions.erases = !emptyLog(this.#db);
        this.#walBytes = 0;
      }
    } catch (error) {
      // Totals stay dirty and the log keeps what they lack: the next rest tries again.
      if (!(this.#transactions.unavailable(error) instanceof LedgerUnavailable)) throw error;
    }
    this.#rested?.(this.#clock.elapsed() - startMs);
  }

  #write(): void {
    const s = this.#statements;
    const oldMs = this.#logTime() - limits.keyWindowMs - 1;
    this.#retention.mark(this.#logSeq, this.#fold.logMs);
    const appended = this.#logSeq - this.#writtenSeq;
    const pruneSeq = this.#retention.prunable(oldMs, Math.max(pruneRowsMin, 2 * appended));
    const oldKey = s.keyOldest.get();
    const keysOld = oldKey !== null && oldKey.at < oldMs;
    // When nothing waits, a ledger that failed tries one small write: recovery needs no luckless viewer.
    const isIdle = this.#walBytes === 0 && pruneSeq === undefined && !keysOld && !this.#written.moves;
    if (isIdle && this.#transactions.ready) return;
    this.#transact(() => {
      this.#written.write(this.#logSeq);
      if (pruneSeq !== undefined) s.logPrune.run(pruneSeq);
      if (keysOld) s.keyPrune.run(oldKey.seq + 4 * pruneRowsMin, oldMs);
    });
    this.#written.done();
    this.#writtenSeq = this.#logSeq;
    if (pruneSeq === undefined) return;
    this.#retention.pruned(pruneSeq);
    this.deletions.pruned(pruneSeq);
  }
}
