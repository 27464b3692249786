/**
 * The contract of the durable log. Two implementations: sqlite.ts (one node) and jetstream.ts (many);
 * `contract.ts` is the one suite both pass.
 *
 * The distinction it rests on: the log is the truth, totals are a fold over it (fold.ts). An append is
 * answered when it is durable (survives the death of any one process); a change is announced when it has been
 * folded, which for our own appends is at or after that moment, and in the same order on every node.
 */
import type { Entry, Page } from "../core/entry.ts";
import type { CommentDraft, VideoId } from "../core/interaction.ts";
import type { Lineage } from "../core/lineage.ts";
import type { By, LikeRecord } from "../core/record.ts";
import type { Totals } from "../core/totals.ts";

/** The log cannot take or give anything now; nothing was promised. Repeat later. */
export class LedgerUnavailable extends Error {
  override readonly name = "LedgerUnavailable";
}

/** A ledger that cannot be opened as it stands; the message says why, in one line, for the operator. */
export class LedgerRefused extends Error {
  override readonly name = "LedgerRefused";
}

/** One video's totals after a record was folded. */
export interface Change {
  readonly video: VideoId;
  readonly totals: Totals;
  /** Its counts before that. */
  readonly before: Totals["counts"];
  /** Likes that this record added: repeats of a key are not among them. */
  readonly added: number;
  /** Likes that it took back: none where likes only add. */
  readonly removed: number;
  /** When the oldest like of the record was accepted, Unix ms. */
  readonly atMs: number;
  /** When the record was known to be durable here, Unix ms. */
  readonly durableMs: number;
  readonly by: readonly By[];
}

/** Work for one commit. */
export interface Batch {
  readonly likes: readonly LikeRecord[];
  readonly comments: readonly CommentDraft[];
}

/** What became of a comment: its seq; a repeat of a remembered key gives the first one's. */
export interface Placed {
  readonly seq: number;
  readonly repeated: boolean;
}

export interface Ledger {
  /** Names this log for good: totals of another one mean nothing here. `^[a-z0-9]{4,16}$` */
  readonly epoch: string;
  /** Which places of comments mean something in it now; another object whenever it has changed. */
  lineage(): Lineage;
  /** Whether `live` entries must be published by the caller (false: the log does it itself). */
  readonly publishesEntries: boolean;
  /** Whether each viewer likes once: every like then needs a viewer, and can be taken back. */
  readonly once: boolean;
  /** Whether appends can succeed now; false never makes an append fail by itself. */
  ready(): boolean;
  /**
   * Makes a batch durable, all of it or nothing. Resolves with one `Placed` per comment, in order.
   * Rejects with LedgerUnavailable: the batch then counts 0 or 1 times, and exactly once if its keys are
   * repeated within the window until they succeed.
   */
  append(batch: Batch): Promise<readonly Placed[]>;
  /** Removes a comment, durably. False when there is no such comment. Rejects with LedgerUnavailable. */
  retract(video: VideoId, target: number): Promise<boolean>;
  /** The folded totals; `noTotals` for a video nobody liked. */
  totals(video: VideoId): Totals;
  /** Highest seq known. */
  head(): number;
  /**
   * Entries of `video` with seq > `after`, oldest first. With `after` undefined, the newest `limit` entries.
   * At most `limit` entries and limits.pageBytesMax bytes. Rejects with LedgerUnavailable.
   */
  entries(video: VideoId, after: number | undefined, limit: number): Promise<Page>;
  /** Called once per folded record that changed totals, with all its changes; one listener. */
  onChanges(listener: (changes: readonly Change[]) => void): void;
  /** Called once per durable entry, in order of seq; one listener. Only when `publishesEntries`. */
  onEntry(listener: (entry: Entry) => void): void;
  /** True when the key window has no room: keyed likes must be refused until it has. */
  keysFull(): boolean;
  /** True when totals of no further video can be held: likes of videos without any must be refused. */
  videosFull(): boolean;
  /** True when no further viewer's like can be held: new ones must be refused. */
  likesFull(): boolean;
  /** Writes what is left, gives back files and connections. */
  close(): Promise<void>;
}
