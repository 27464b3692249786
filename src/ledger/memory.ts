/**
 * A ledger that keeps nothing beyond its process and needs nothing of its runtime.
 *
 * It promises what every ledger promises (order, keys, exact totals) for as long as the process lives, so
 * "durable" means only "in this memory". It is for runtimes without SQLite and for tests; likes are folded as
 * everywhere, and never stored. Held by memory.test.ts.
 */
import type { Clock } from "../base/clock.ts";
import { secret, systemPrng } from "../base/prng.ts";
import { deletionOf, renamingOf } from "../core/acts.ts";
import { type Entry, isClearing, type Page } from "../core/entry.ts";
import type { CommentDraft, Like, VideoId } from "../core/interaction.ts";
import { limits } from "../core/limits.ts";
import { Lineage } from "../core/lineage.ts";
import type { Totals } from "../core/totals.ts";
import { CommentCounts, type Counted, dateOf, nothingCounted } from "./comment-counts.ts";
import { type Deletions, deletionTask, type Scan, scanMax } from "./deletions.ts";
import { Fold } from "./fold.ts";
import {
  type Batch,
  type Change,
  type Holding,
  type Ledger,
  LedgerUnavailable,
  type Placed,
  repeatOf,
  type Space,
  type Trouble,
} from "./ledger.ts";
import { pageAfter, pageNewest } from "./page.ts";
import type { Ages } from "./timeline.ts";
import type { TimelineView } from "./timeline-view.ts";
import { type TimelineOptions, timelineOf } from "./timelines.ts";

export interface MemoryLedgerOptions {
  readonly clock: Clock;
  /** Entries kept per video, at least 1. */
  readonly commentHistory: number;
  /** One like per viewer, and how many at most; undefined: likes only add. */
  readonly onceMax?: number | undefined;
  /** Videos whose totals are held in memory. Default limits.videosMax. */
  readonly videosMax?: number | undefined;
  /** How reactions are kept in their time; by default as the settings have it by default. */
  readonly timeline?: TimelineOptions | "off" | undefined;
}

/** One video's comments. */
interface Room {
  /** Oldest first, never empty once used; `nth` counts the video's entries from 1, removed ones too. */
  readonly held: { readonly nth: number; entry: Entry }[];
  /** Older entries of this video may have been forgotten up to this seq. */
  readonly floor: number;
  /** Undefined until the first comment, and where none are counted. */
  counts: CommentCounts | undefined;
}

export function openMemoryLedger(options: MemoryLedgerOptions): Ledger {
  return new MemoryLedger(options);
}

class MemoryLedger implements Ledger {
  readonly epoch = secret(8);
  readonly #lineage = Lineage.begin(this.epoch);
  readonly publishesEntries = true;
  readonly commentLane = 0;
  readonly deletions: Deletions = {
    delete: (video) => this.#delete(video),
    sweep: () => this.#sweep(),
    rename: (video, kind, viewer) => this.#rename(video, kind, viewer),
    scan: (after, limit) => this.#scan(after, limit),
    tasks: async () => this.#tasks,
    setTask: async (name, value) => {
      if (value === undefined) this.#tasks.delete(name);
      else this.#tasks.set(name, value);
    },
  };
  readonly once: boolean;
  readonly #clock: Clock;
  readonly #history: number;
  readonly #ages: Ages | undefined;
  readonly #fold: Fold;
  /** Longest without a comment first; beyond limits.memoryRoomsMax that one is forgotten. */
  readonly #rooms = new Map<VideoId, Room>();
  #forgottenSeq = 0;
  /**
   * Seqs by video and key, oldest first; beyond limits.memoryKeysMax the oldest is forgotten before its
   * time.
   */
  readonly #keys = new Map<string, { readonly seq: number; readonly logMs: number }>();
  readonly #tasks = new Map<string, string>();
  #head = 0;
  #closed = false;
  #changed: (changes: readonly Change[]) => void = () => {};
  #entered: (entry: Entry) => void = () => {};

  constructor(options: MemoryLedgerOptions) {
    this.#clock = options.clock;
    this.once = options.onceMax !== undefined;
    const { onceMax, videosMax } = options;
    const timeline = timelineOf(options.timeline);
    this.#fold = new Fold({ seed: systemPrng().next(), onceMax, videosMax, timeline });
    this.#history = Math.max(1, options.commentHistory);
    this.#ages = timeline?.ages;
  }

  lineage(): Lineage {
    return this.#lineage;
  }

  ready(): boolean {
    return !this.#closed;
  }

  troubles(): readonly Trouble[] {
    return this.#closed ? [{ stream: undefined, reason: "it is closed" }] : [];
  }

  head(): number {
    return this.#head;
  }

  videos(): Iterable<VideoId> {
    return this.#fold.videos.keys();
  }

  async commented(after: VideoId | undefined, search: string, most: number): Promise<readonly VideoId[]> {
    const wanted: VideoId[] = [];
    for (const [id, { held }] of this.#rooms) {
      const newest = held.at(-1)?.entry;
      if (newest && isClearing(newest)) continue;
      if (id.startsWith(search) && id > (after ?? "")) wanted.push(id);
    }
    return wanted.sort().slice(0, most);
  }

  totals(video: VideoId): Totals {
    return this.#fold.totals(video);
  }

  timeline(video: VideoId): TimelineView | undefined {
    return this.#fold.timeline(video);
  }

  room(like: Like): Space {
    return this.#fold.room(like, this.#clock.elapsed());
  }

  async comments(video: VideoId): Promise<Counted> {
    if (!this.#ages) return nothingCounted;
    return { counts: this.#rooms.get(video)?.counts ?? new CommentCounts(), upTo: this.#head };
  }

  async current(video: VideoId): Promise<Totals> {
    return this.totals(video);
  }

  /** One commit holds likes and comments: there is nothing that could fail apart. */
  laneOf(): number {
    return this.commentLane;
  }

  onChanges(listener: (changes: readonly Change[]) => void): void {
    this.#changed = listener;
  }

  onEntry(listener: (entry: Entry) => void): void {
    this.#entered = listener;
  }

  async append(batch: Batch): Promise<readonly Placed[]> {
    this.#assertOpen();
    const logMs = this.#clock.elapsed();
    for (const record of batch.likes) {
      const changes = this.#fold.apply(record, logMs, this.#clock.date());
      if (changes.length > 0) this.#changed(changes);
    }
    return batch.comments.map((draft) => this.#place(draft, logMs));
  }

  async retract(video: VideoId, target: number): Promise<boolean> {
    this.#assertOpen();
    const room = this.#rooms.get(video);
    const index = room?.held.findIndex(({ entry }) => entry.seq === target && entry.type === "comment") ?? -1;
    if (!room || index < 0) return false;
    const removal = this.#enter(video, (place) => ({ type: "retract", ...place, target }));
    // Entering may have pruned the oldest, the comment itself among them.
    const at = room.held.findIndex(({ entry }) => entry.seq === target);
    const next = room.held.find(({ entry }) => entry.previous === target);
    const previous = at < 0 ? target : (room.held[at]?.entry.previous as number);
    if (at >= 0) room.held.splice(at, 1);
    if (next) next.entry = { ...next.entry, previous };
    this.#entered(removal);
    return true;
  }

  /** Everything is gone at once, but likes of viewers: those wait to be swept. */
  async #delete(video: VideoId): Promise<boolean> {
    this.#assertOpen();
    const room = this.#rooms.get(video);
    if (!room && !this.#fold.videos.has(video)) return false;
    const record = deletionOf(video, secret(16), this.#clock.date());
    const changes = this.#fold.apply(record, this.#clock.elapsed(), this.#clock.date());
    this.#tasks.set(deletionTask(video), "");
    if (changes.length > 0) this.#changed(changes);
    const entry = this.#enter(video, (place) => ({ type: "retract", ...place, previous: 0, target: 0 }));
    room?.held.splice(0, room.held.length - 1);
    if (room) room.counts = undefined;
    this.#entered(entry);
    return true;
  }

  async #rename(video: VideoId, kind: string, viewer: string): Promise<boolean> {
    this.#assertOpen();
    const member = this.#fold.memberOf(video, kind, viewer);
    const now = this.#clock.date();
    if (member) this.#fold.apply(renamingOf(video, member, secret(24), now), this.#clock.elapsed(), now);
    return member !== undefined;
  }

  async #sweep(): Promise<boolean> {
    this.#assertOpen();
    this.#fold.members?.sweep();
    return !this.#fold.members?.stale;
  }

  async #scan(after: number, limit: number): Promise<Scan> {
    this.#assertOpen();
    const entries: Entry[] = [];
    for (const { held } of this.#rooms.values()) {
      for (const { entry } of held) if (entry.seq > after) entries.push(entry);
    }
    entries.sort((a, b) => a.seq - b.seq);
    entries.length = Math.min(entries.length, limit, scanMax);
    return { entries, last: entries.at(-1)?.seq ?? after };
  }

  async entries(video: VideoId, after: number | undefined, limit: number): Promise<Page> {
    this.#assertOpen();
    const room = this.#rooms.get(video);
    const held = room?.held.map(({ entry }) => entry) ?? [];
    const floor = Math.max(room ? room.floor : this.#forgottenSeq, held[0]?.previous ?? 0);
    const place = { floor, head: this.#head };
    if (after === undefined) return pageNewest(place, limit, held.reverse());
    const following = held.filter((entry) => entry.seq > after);
    return pageAfter(after, place, limit, following);
  }

  holdings(): readonly Holding[] {
    return [{ stream: "memory", ...this.#fold.holding() }];
  }

  async close(): Promise<void> {
    this.#closed = true;
  }

  #assertOpen(): void {
    if (this.#closed) throw new LedgerUnavailable("the ledger is closed");
  }

  #place(draft: CommentDraft, logMs: number): Placed {
    const { video, text, user, key, atMs, holdMs, mediaMs } = draft;
    const name = `${video} ${key}`;
    const first = key === undefined ? undefined : this.#keys.get(name);
    if (first && first.logMs >= logMs - limits.keyWindowMs) {
      const held = this.#rooms.get(video)?.held.find(({ entry }) => entry.seq === first.seq)?.entry;
      return repeatOf(first.seq, draft, held?.type === "comment" ? held : undefined);
    }
    const said = { text, user, atMs, ...(holdMs && { holdMs }), ...(mediaMs !== undefined && { mediaMs }) };
    const entry = this.#enter(video, (place) => ({ type: "comment", ...place, ...said }));
    if (key !== undefined) this.#remember(name, entry.seq, logMs);
    this.#count(draft, logMs);
    this.#entered(entry);
    return { seq: entry.seq, repeated: false };
  }

  #count(draft: CommentDraft, logMs: number): void {
    const room = this.#rooms.get(draft.video);
    if (!room || !this.#ages) return;
    const dateMs = dateOf(draft, this.#fold.timeline(draft.video)?.skewMs ?? 0);
    // Of a room that was forgotten nobody knows how many came before.
    room.counts ??= new CommentCounts(room.floor > 0 ? dateMs : undefined);
    room.counts.add(dateMs, logMs, this.#ages);
  }

  #remember(name: string, seq: number, logMs: number): void {
    this.#keys.delete(name);
    this.#keys.set(name, { seq, logMs });
    for (const [oldest, { logMs: seenMs }] of this.#keys) {
      if (this.#keys.size <= limits.memoryKeysMax && seenMs >= logMs - limits.keyWindowMs) break;
      this.#keys.delete(oldest);
    }
  }

  #enter(video: VideoId, make: (place: Pick<Entry, "video" | "seq" | "previous">) => Entry): Entry {
    const room: Room = this.#rooms.get(video) ?? { held: [], floor: this.#forgottenSeq, counts: undefined };
    this.#rooms.delete(video);
    this.#rooms.set(video, room);
    const newest = room.held.at(-1);
    const entry = make({ video, seq: ++this.#head, previous: newest?.entry.seq ?? 0 });
    // The removal of a comment is in its stead: nothing else is forgotten for it.
    const nth = (newest?.nth ?? 0) + (entry.type === "retract" && !isClearing(entry) ? 0 : 1);
    room.held.push({ nth, entry });
    while ((room.held[0]?.nth as number) <= nth - this.#history) room.held.shift();
    this.#forgetRoom();
    return entry;
  }

  #forgetRoom(): void {
    if (this.#rooms.size <= limits.memoryRoomsMax) return;
    for (const [video, room] of this.#rooms) {
      this.#forgottenSeq = Math.max(this.#forgottenSeq, room.held.at(-1)?.entry.seq ?? 0);
      this.#rooms.delete(video);
      return;
    }
  }
}
