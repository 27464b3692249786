/**
 * Deletions in a SQLite ledger: one transaction that says so, in the log of likes, in the order of comments
 * and in the table of what is left to be done, then piece after piece of that.
 *
 * A process that is killed goes on where it was (sqlite-delete.test.ts). What is taken out is overwritten,
 * and the write-ahead log, which may hold it too, is emptied (`erases`): once when it was taken out, and once
 * more when the log of likes has let go of all that was before.
 */
import type { Clock } from "../base/clock.ts";
import { secret } from "../base/prng.ts";
import { deletionOf, renamingOf } from "../core/acts.ts";
import type { Entry } from "../core/entry.ts";
import type { VideoId } from "../core/interaction.ts";
import type { LikeRecord } from "../core/record.ts";
import type { Comments } from "./comments.ts";
import { type Deletions, deletedBy, deletionTask, type Scan, scanMax } from "./deletions.ts";
import type { Fold } from "./fold.ts";
import { entryOf, type Statements } from "./schema.ts";

/** Rows of comments, or of members, that are looked at in one piece. */
const pieceRows = 500;
/** Before the first member. */
const firstMember = { hi: -1, lo: -1 };

export interface DeletionsParts {
  readonly statements: Statements;
  readonly fold: Fold;
  readonly comments: Comments;
  readonly clock: Clock;
  /** Runs in one transaction. Throws LedgerUnavailable. */
  readonly transact: <T>(work: () => T) => T;
  /** Writes `record` as the log's next row, inside a transaction; answers that row and its log time. */
  readonly put: (record: LikeRecord) => { readonly seq: number; readonly logMs: number };
  /** The place of the next comment. */
  readonly place: () => number;
  /** The transaction with that row, and this entry, is durable. */
  readonly took: (record: LikeRecord, logMs: number, entry: Entry | undefined) => void;
}

export class SqliteDeletions implements Deletions {
  /** Whether the write-ahead log may hold what was removed. */
  erases = false;
  readonly #parts: DeletionsParts;
  readonly #tasks = new Map<string, string>();
  /** When the log has let go of this row, it holds nothing of what was deleted; 0: it does not. */
  #erasesAt: number;
  /** How far the table of members was looked through. */
  #member = firstMember;
  /** At first because of what a process before did not finish. */
  #membersLeft: boolean;

  constructor(parts: DeletionsParts) {
    const { statements, fold, comments } = parts;
    this.#parts = parts;
    for (const { name, value } of statements.tasksAll.all()) {
      this.#tasks.set(name, value);
      const video = deletedBy(name);
      if (video) comments.cleared(video);
    }
    this.#erasesAt = Number(statements.metaGet.get("erasesAt")?.value ?? 0);
    this.#membersLeft = fold.members !== undefined;
  }

  async delete(video: VideoId): Promise<boolean> {
    const { statements, fold, comments, clock, transact, put, place, took } = this.#parts;
    const record = deletionOf(video, secret(16), clock.date());
    const task = deletionTask(video);
    const done = transact(() => {
      const isKnown = fold.videos.has(video) || fold.isClosed(video) || comments.holds(video);
      if (!isKnown) return undefined;
      const entry = comments.clear(video, place(), record.atMs);
      const row = put(record);
      statements.taskPut.run(task, "");
      statements.metaPut.run("erasesAt", row.seq);
      return { entry, ...row };
    });
    if (!done) return false;
    this.#tasks.set(task, "");
    this.#erasesAt = done.seq;
    this.erases = true;
    comments.cleared(video);
    this.#member = firstMember;
    this.#membersLeft = fold.members !== undefined;
    took(record, done.logMs, done.entry);
    return true;
  }

  async sweep(video: VideoId): Promise<boolean> {
    const { fold, comments, transact } = this.#parts;
    fold.members?.sweep();
    const isDone = transact(() => {
      const isEmpty = this.#sweepComments(video);
      return this.#sweepMembers() && isEmpty;
    });
    this.erases = true;
    if (isDone) comments.swept(video);
    return isDone && !fold.members?.stale;
  }

  async rename(video: VideoId, kind: string, viewer: string): Promise<boolean> {
    const { statements, fold, clock, transact, put, took } = this.#parts;
    const member = fold.memberOf(video, kind, viewer);
    if (!member) return false;
    const record = renamingOf(video, member, secret(24), clock.date());
    const { seq, logMs } = transact(() => {
      const row = put(record);
      statements.metaPut.run("erasesAt", row.seq);
      return row;
    });
    this.#erasesAt = seq;
    this.erases = true;
    took(record, logMs, undefined);
    return true;
  }

  async scan(after: number, limit: number): Promise<Scan> {
    const { statements, transact } = this.#parts;
    const rows = transact(() => statements.scan.all(after, Math.min(limit, scanMax)));
    return { entries: rows.map(entryOf), last: rows.at(-1)?.seq ?? after };
  }

  async tasks(): Promise<ReadonlyMap<string, string>> {
    return this.#tasks;
  }

  async setTask(name: string, value: string | undefined): Promise<void> {
    const { statements, transact } = this.#parts;
    transact(() => {
      if (value === undefined) statements.taskDrop.run(name);
      else statements.taskPut.run(name, value);
    });
    if (value === undefined) this.#tasks.delete(name);
    else this.#tasks.set(name, value);
    this.erases = true;
  }

  /** The log has let go of its rows up to `seq`. */
  pruned(seq: number): void {
    if (this.#erasesAt === 0 || seq < this.#erasesAt) return;
    this.#erasesAt = 0;
    this.erases = true;
  }

  /** Takes out the oldest comments before the one that says that all are gone; true when none is left. */
  #sweepComments(video: VideoId): boolean {
    const s = this.#parts.statements;
    const before = s.before.all(video, s.cleared.get(video)?.seq ?? 0, pieceRows);
    for (const { seq } of before) s.commentDrop.run(seq);
    return before.length < pieceRows;
  }

  /** Looks through the next members written down for such as are nobody's; true when all were. */
  #sweepMembers(): boolean {
    if (!this.#membersLeft) return true;
    const { statements: s, fold } = this.#parts;
    const rows = s.membersAfter.all(this.#member.hi, this.#member.lo, pieceRows);
    for (const { hi, lo, owner } of rows) if (!fold.owners.isLive(owner)) s.memberDrop.run(hi, lo);
    this.#member = rows.at(-1) ?? firstMember;
    this.#membersLeft = rows.length === pieceRows;
    return !this.#membersLeft;
  }
}
