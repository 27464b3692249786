/**
 * The contract of the durable log. Two implementations: sqlite.ts (one node) and jetstream.ts (many);
 * `contract.ts` is the one suite both pass.
 *
 * The log is the truth, totals are a fold over it (fold.ts). An append is answered when it is durable
 * (survives the death of any one process); a change is announced when it has been folded, in the same order
 * on every node. A log has lanes: parts that can fail or be full apart, so nothing of one waits for another.
 */
import type { Entry, Page } from "../core/entry.ts";
import type { CommentDraft, Like, VideoId } from "../core/interaction.ts";
import type { Lineage } from "../core/lineage.ts";
import type { By, LikeRecord } from "../core/record.ts";
import type { Totals } from "../core/totals.ts";
import type { Counted } from "./comment-counts.ts";
import type { Deletions } from "./deletions.ts";
import type { TimelineView } from "./timeline-view.ts";

/** The log cannot take or give anything now; nothing was promised. Repeat later. */
export class LedgerUnavailable extends Error {
  override readonly name = "LedgerUnavailable";
}

/** What was looked at may be of a history that is no more. */
export function anotherLog(): LedgerUnavailable {
  return new LedgerUnavailable("the log has just become another one");
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
  /** The video was deleted: what is told of it from here on is of another one by the same name. */
  readonly deleted?: true;
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
  /** Its key stands for another text or name: nothing of it is there. Absent: not so, or not known. */
  readonly other?: boolean;
}

/** What became of a comment whose key stands for that at `seq`, of which `first` is what is still known. */
export function repeatOf(
  seq: number,
  draft: Pick<CommentDraft, "text" | "user">,
  first: { readonly text: string; readonly user?: string | null | undefined } | undefined,
): Placed {
  const isOther =
    first !== undefined && (first.text !== draft.text || (first.user ?? undefined) !== draft.user);
  return { seq, repeated: true, ...(isOther && { other: true }) };
}

/**
 * Whether a like can be taken now. "counted": there is no room, and none is wanted, since it repeats the key
 * of one that is in the log. "other": its key is that of another like in the log. Else what there is no room
 * for: another key, another viewer's like, another video.
 */
export type Space = "room" | "counted" | "other" | "keys" | "viewers" | "videos";

/** A part of the log that cannot be written, or not be trusted, now. */
export interface Trouble {
  /** As its operator knows it: a stream's name, or a folder. Undefined: all of the log. */
  readonly stream: string | undefined;
  /** What is wrong and what helps, in one line. */
  readonly reason: string;
}

/** How much a part of the log holds of what it may hold. */
export interface Holding {
  /** As its operator knows it: a stream's name, or a folder. */
  readonly stream: string;
  readonly videos: number;
  readonly videosMax: number;
  /** Closed videos that have left memory. */
  readonly away: number;
  /** Idle videos forgotten since it was opened. */
  readonly forgotten: number;
  /** With one like per viewer: such likes, and how many there may be. */
  readonly likes?: number;
  readonly likesMax?: number;
}

/** What a ledger keeps, as it was at one instant, read piece by piece. */
export interface Copy {
  /** The file's own name. */
  readonly name: string;
  readonly bytes: number;
  /**
   * The piece that begins at `at`, of limits.backupChunkBytes or what is left. Rejects with LedgerUnavailable
   * once the copy was given up.
   */
  read(at: number): Promise<Uint8Array>;
  /** To be called when no more is read. */
  end(): void;
}

/** Closed videos that leave memory, and are read back when they are asked for: see away.ts. */
export interface AwayVideos {
  /** Whether `video` was put away closed, and not opened since: then nothing is to be taken for it. */
  isClosed(video: VideoId): boolean;
  /** Closed ones that are in memory again, as something of them was still under way. */
  back(): Iterable<VideoId>;
  /** Those that are not in memory, in order: behind `after`, if given, which begin with `search`. */
  from(after: VideoId | undefined, search: string): Iterable<VideoId>;
  /**
   * Has a closed video leave memory. Resolves when it has, and is as durable as the log; false when it cannot
   * now, as it was liked meanwhile or limits.awayMax have left. Rejects with LedgerUnavailable.
   */
  put(video: VideoId): Promise<boolean>;
  /** Opens it again, durably; false when it was not put away. Rejects with LedgerUnavailable. */
  open(video: VideoId): Promise<boolean>;
  /**
   * Has `totals` and `timeline` tell of a video that is not in memory, in the turn in which this resolves and
   * a while longer. Looks nowhere for one that never left. Rejects with LedgerUnavailable, also when more
   * than limits.awayReadsMax are read.
   */
  read(video: VideoId): Promise<void>;
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
  /** The lane of comments; may be one of likes, which then share their commits. */
  readonly commentLane: number;
  /** The lane that likes of `video` go to: a small number, the same for as long as the ledger is open. */
  laneOf(video: VideoId): number;
  /** Whether appends to every lane succeed now, as far as is known; false never makes one fail by itself. */
  ready(): boolean;
  /** Why it is not ready, one for each part of the log; none when it is. */
  troubles(): readonly Trouble[];
  /**
   * Makes a batch durable. Of one lane: all of it or nothing. Of several: what failed of one leaves others
   * be. Resolves with one `Placed` per comment, in order. Rejects with LedgerUnavailable: the batch then
   * counts 0 or 1 times, and exactly once if its keys are repeated within the window until they succeed.
   */
  append(batch: Batch): Promise<readonly Placed[]>;
  /** Removes a comment, durably. False when there is no such comment. Rejects with LedgerUnavailable. */
  retract(video: VideoId, target: number): Promise<boolean>;
  readonly deletions: Deletions;
  /** Videos that have totals, in no order that means anything; more may come while they are read. */
  videos(): Iterable<VideoId>;
  /**
   * The first `most` videos that have comments, in order, deleted ones not: behind `after`, if given, which
   * begin with `search`. Rejects with LedgerUnavailable.
   */
  commented(after: VideoId | undefined, search: string, most: number): Promise<readonly VideoId[]>;
  /** The folded totals; `noTotals` for a video nobody liked. */
  totals(video: VideoId): Totals;
  /**
   * What of the folded totals came when; undefined where that is not kept. Good for the turn that it is asked
   * in.
   */
  timeline(video: VideoId): TimelineView | undefined;
  /**
   * How many comments of `video` came when: with those that `entries` told of before this was called and that
   * stand behind `upTo`, each that was ever accepted since it was last deleted, once. Rejects with
   * LedgerUnavailable.
   */
  comments(video: VideoId): Promise<Counted>;
  /**
   * The totals with everything that was answered, or told by any node, before this was called; has a video
   * that left memory read, as AwayVideos.read. Rejects with LedgerUnavailable when that cannot be known soon.
   */
  current(video: VideoId): Promise<Totals>;
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
  /**
   * Whether `like` can be taken now. Asked before an append; an append itself never refuses for want of room.
   */
  room(like: Like): Space;
  /** How full it is, each part of it. */
  holdings(): readonly Holding[];
  /** Absent where every video stays in memory. */
  readonly away?: AwayVideos;
  /**
   * Begins a copy of all it keeps, of this instant; one at a time. Absent where it is kept elsewhere. Throws
   * LedgerUnavailable when there can be none now.
   */
  copy?(): Copy;
  /** Writes what is left, gives back files and connections. */
  close(): Promise<void>;
}
