/**
 * Comments in a SQLite ledger: giving each its place, remembering its key, taking one out again, reading a
 * stretch.
 *
 * Everything is asked of the tables, inside the caller's transaction, and nothing is kept in memory: a
 * transaction that fails leaves nothing behind that would have to be undone here, but what was counted
 * (sqlite-counts.ts). Not here: transactions, who
 * is told, and where the next seq comes from.
 */
import type { Entry, Page } from "../core/entry.ts";
import { type Hash64, hash64 } from "../core/hash.ts";
import type { CommentDraft, VideoId } from "../core/interaction.ts";
import { limits } from "../core/limits.ts";
import { type Placed, repeatOf } from "./ledger.ts";
import { pageAfter, pageNewest } from "./page.ts";
import { type EntryRow, entryOf, type Statements } from "./schema.ts";
import { SqliteCounts, type SqliteCountsParts } from "./sqlite-counts.ts";

export class Comments {
  readonly #statements: Statements;
  readonly #history: number;
  /** Is told of each entry, and has to be undone with the transaction. */
  readonly counts: SqliteCounts;
  readonly #hash: Hash64 = { hi: 0, lo: 0 };
  /** Of videos that were deleted and are not swept yet, the place of the entry that says so. */
  readonly #cleared = new Map<VideoId, number>();

  /** `history` entries are kept per video, at least 1. */
  constructor(history: number, parts: SqliteCountsParts) {
    this.#statements = parts.statements;
    this.#history = Math.max(1, history);
    this.counts = new SqliteCounts(parts);
  }

  /** Highest seq of any entry. The newest of each video always stays, so it never falls. */
  head(): number {
    return this.#statements.head.get()?.head ?? 0;
  }

  /** Makes a comment the entry `seq` at `logMs`, or tells of the one that its key stands for. */
  place(draft: CommentDraft, seq: number, logMs: number): Entry | Placed {
    const s = this.#statements;
    if (draft.key !== undefined) {
      hash64(draft.video, draft.key, this.#hash);
      const first = s.keyGet.get(this.#hash.hi, this.#hash.lo, logMs - limits.keyWindowMs);
      if (first) return repeatOf(first.seq, draft, s.said.get(first.seq, draft.video) ?? undefined);
      s.keyPut.run(seq, this.#hash.hi, this.#hash.lo, logMs);
    }
    const { video, text, user = null, atMs, holdMs = 0, mediaMs: media = null } = draft;
    return this.#enter({ video, seq, target: null, text, user, at: atMs, hold: holdMs, media }, logMs);
  }

  /**
   * Takes out the comment `target` and makes its removal the entry `seq`; undefined when there is no such
   * comment.
   */
  remove(video: VideoId, target: number, seq: number, atMs: number): Entry | undefined {
    const s = this.#statements;
    const comment = target < this.#since(video) ? null : s.comment.get(target, video);
    if (!comment) return undefined;
    const removal = this.#enter({
      video,
      seq,
      target,
      text: null,
      user: null,
      at: atMs,
      hold: 0,
      media: null,
    });
    s.commentDrop.run(target);
    s.relink.run(video, target, comment.previous);
    this.counts.write();
    return removal;
  }

  /** As Ledger.commented. */
  videos(after: VideoId | undefined, search: string, most: number): VideoId[] {
    const found: VideoId[] = [];
    // What is looked for may be an id itself, and none stands behind itself.
    const isTold = (video: string): boolean => (this.#statements.last.get(video)?.target ?? 1) !== 0;
    const isFirst = search !== "" && (after ?? "") < search && this.#statements.last.get(search);
    if (isFirst && isTold(search)) found.push(search as VideoId);
    for (let behind = after !== undefined && after > search ? after : search; found.length < most; ) {
      const video = this.#statements.videoAfter.get(behind)?.video;
      if (!video?.startsWith(search)) break;
      if (isTold(video)) found.push(video);
      behind = video;
    }
    return found;
  }

  /** Whether anything was ever written on `video`. */
  holds(video: VideoId): boolean {
    return this.#statements.last.get(video) !== null;
  }

  /** Makes the removal of all that `video` has the entry `seq`. */
  clear(video: VideoId, seq: number, atMs: number): Entry {
    const none = { text: null, user: null, hold: 0, media: null };
    const entry = this.#enter({ video, seq, target: 0, at: atMs, ...none });
    this.counts.write();
    return entry;
  }

  /** `video` is known to have been deleted by an entry, and not to be swept yet. */
  cleared(video: VideoId): void {
    const seq = this.#statements.cleared.get(video)?.seq;
    if (seq) this.#cleared.set(video, seq);
  }

  /** Nothing of before is left. */
  swept(video: VideoId): void {
    this.#cleared.delete(video);
  }

  /** The place from which on entries of `video` count. */
  #since(video: VideoId): number {
    return this.#cleared.get(video) ?? 0;
  }

  /** As Ledger.entries. */
  page(video: VideoId, after: number | undefined, limit: number, head: number): Page {
    const s = this.#statements;
    const since = this.#since(video);
    const oldest = since > 0 ? s.after.all(video, since - 1, 1)[0] : s.oldest.get(video);
    const place = { floor: oldest?.previous ?? 0, head };
    // One more than asked for tells whether the page was cut.
    if (after === undefined) {
      const newest = s.newest.all(video, limit + 1).filter(({ seq }) => seq >= since);
      return pageNewest(place, limit, newest.map(entryOf));
    }
    const from = Math.max(after, since - 1);
    return pageAfter(after, place, limit, s.after.all(video, from, limit + 1).map(entryOf));
  }

  #enter(row: Omit<EntryRow, "previous">, logMs?: number): Entry {
    const s = this.#statements;
    const { video, seq, target, text, user, at, hold, media } = row;
    const last = s.last.get(video);
    const previous = target === 0 ? 0 : (last?.seq ?? 0);
    // The removal of a comment is in its stead: nothing else is forgotten for it.
    const nth = (last?.nth ?? 0) + (target !== null && target > 0 ? 0 : 1);
    s.entryPut.run(seq, video, previous, nth, target, text, user, at, hold, media);
    if (nth > this.#history) s.entryPrune.run(video, nth - this.#history);
    const entry = entryOf({ ...row, previous });
    this.counts.note(entry, logMs);
    return entry;
  }
}
