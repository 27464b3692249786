/**
 * The fold: records of the log, in order, become totals. Pure: the same records at the same log times give
 * the same totals and versions, on every node and after every restart.
 *
 * A like without a key is counted where it stands; a like with one is counted unless its key appeared within
 * the window. With one like per viewer the total is the size of a set instead, and a key that appeared stops
 * its repeat from changing the set again. All go through here only after they are durable, so the fold never
 * refuses: what does not fit is refused at the door, which asks `room` first.
 *
 * Totals of a video with limits.fewLikes likes or more are never forgotten. With fewer they are, when the
 * fold is more than half full and nobody has liked the video for limits.idleMs of log time: see idle.ts. With
 * one like per viewer none are: a viewer could like once more.
 *
 * A video that was deleted is as one that nobody ever liked, but for its version: what nobody has likes of is
 * told with the highest version that was ever forgotten or deleted, so that no viewer holds a higher one.
 * Keys are not forgotten with it: a like of before that is repeated within the window counts nothing.
 */
import { assert } from "../base/assert.ts";
import type { Act, Deleted } from "../core/acts.ts";
import { type Hash64, hash32, hash64 } from "../core/hash.ts";
import type { Like, VideoId } from "../core/interaction.ts";
import { limits } from "../core/limits.ts";
import { type Changes, hashMember } from "../core/once.ts";
import type { By, LikeGroup, LikeRecord } from "../core/record.ts";
import { addCounts, emptyCounts, likesOf, noTotals, type Totals } from "../core/totals.ts";
import { Away, type Kept } from "./away.ts";
import { Idle } from "./idle.ts";
import { KeyWindow, type KeyWindowOptions } from "./keys.ts";
import type { Change, Holding, Space } from "./ledger.ts";
import { Members } from "./members.ts";
import { Owners } from "./owners.ts";
import { type TimelineView, viewOf } from "./timeline-view.ts";
import { type TimelineOptions, Timelines } from "./timelines.ts";

export interface FoldOptions extends KeyWindowOptions {
  /** Videos from which the fold is full; what was under way then still comes in. */
  readonly videosMax?: number | undefined;
  /** One like per viewer, and how many at most; undefined: likes only add. */
  readonly onceMax?: number | undefined;
  /** How reactions are kept in their time; undefined: they are not. */
  readonly timeline?: TimelineOptions | undefined;
}

/** Idle videos that one record forgets at most, besides as many as it has groups. */
const forgetMax = 64;

/** What one record adds to one video. */
interface Sum {
  readonly video: VideoId;
  readonly kinds: { kind: string; count: number }[];
  added: number;
  removed: number;
  by: By[];
}

/** What a group of a record comes to. */
interface Moved {
  readonly added: number;
  readonly removed: number;
}

const nothing: Moved = { added: 0, removed: 0 };

export class Fold {
  readonly keys: KeyWindow;
  /** Who likes what, with one like per viewer. */
  readonly members: Members | undefined;
  /** Whose they are. */
  readonly owners = new Owners();
  /** What came when. */
  readonly timelines: Timelines | undefined;
  /** Videos that may be forgotten. */
  readonly idle: Idle;
  /** Videos that have left memory. */
  readonly away = new Away();
  /** Is told of each video that is forgotten. */
  onForgotten: (video: VideoId) => void = () => {};
  /** Videos from which it is full. */
  readonly videosMax: number;
  readonly #totals = new Map<VideoId, Totals>();
  readonly #hash: Hash64 = { hi: 0, lo: 0 };
  #logMs = 0;
  #forgotten = 0;
  /** Totals of a video that has no likes. */
  #none: Totals = { version: 0, counts: emptyCounts() };

  constructor(options: FoldOptions) {
    this.keys = new KeyWindow(options);
    this.members = options.onceMax === undefined ? undefined : new Members(options.onceMax, options.seed);
    this.timelines = options.timeline && new Timelines(options.timeline);
    this.videosMax = options.videosMax ?? limits.videosMax;
    this.idle = new Idle(this.#totals, (video) => isFew(this.#totals.get(video)));
  }

  /** Log time of the last record, in milliseconds; never falls. */
  get logMs(): number {
    return this.#logMs;
  }

  /**
   * Whether `like` should be let in at `logMs`. What changes nothing needs no room: a repeat, a like that
   * stands, one that is taken back. Only where keys are full a repeat must not be let in, as each of its
   * appearances would push out the oldest key: it is in the log, and that can be answered. A key that stands
   * for another like must not be let in either: it would be lost.
   */
  room(like: Like, logMs: number): Space {
    const { video, key } = like;
    let repeats = false;
    if (key !== undefined) {
      hash64(video, key, this.#hash);
      const tag = this.keys.tag(this.#hash.hi, this.#hash.lo, logMs);
      repeats = tag !== undefined;
      if (tag && tag !== this.#tagOf(like)) return "other";
      if (this.keys.full(logMs)) return repeats ? "counted" : "keys";
    }
    if (repeats || like.unlike) return "room";
    if (this.members?.full && !this.#stands(this.members, like)) return "viewers";
    const full = this.#totals.size >= this.videosMax && !this.#totals.has(video);
    return full && !this.idle.due(logMs - limits.idleMs) ? "videos" : "room";
  }

  /** Whether only the passing of log time can make room for a new video. */
  get full(): boolean {
    return this.#totals.size >= this.videosMax;
  }

  /** How much it holds of what it may. */
  holding(): Omit<Holding, "stream"> {
    const { members, videosMax } = this;
    const held = { videos: this.#totals.size, videosMax, away: this.away.size, forgotten: this.#forgotten };
    return members ? { ...held, likes: members.size, likesMax: members.max } : held;
  }

  get videos(): ReadonlyMap<VideoId, Totals> {
    return this.#totals;
  }

  /** Of a video that is away: what was read of it lately, else nothing. */
  totals(video: VideoId): Totals {
    const here = this.#totals.get(video);
    if (here) return here;
    if (this.away.size === 0 || !this.away.has(video)) return this.#noTotals();
    const kept = this.away.read(video)?.totals;
    // One that came to nothing since it was deleted or forgotten is told as if it were here.
    return kept?.version === 0 ? this.#noTotals() : (kept ?? noTotals);
  }

  #noTotals(): Totals {
    const { floor } = this.idle;
    if (this.#none.version !== floor) this.#none = { version: floor, counts: emptyCounts() };
    return this.#none;
  }

  /** As Ledger.timeline. */
  timeline(video: VideoId): TimelineView | undefined {
    const { timelines } = this;
    const timeline = timelines?.videos.get(video) ?? this.away.read(video)?.timeline;
    return timelines && viewOf(timelines, timeline, this.totals(video).counts);
  }

  /** Whether `video` has left memory: what is counted of it wants it back before. */
  lacks(video: VideoId): boolean {
    return !this.#totals.has(video) && this.away.has(video);
  }

  /** Whether `video` was put away closed, and not opened since. */
  isClosed(video: VideoId): boolean {
    if (this.away.ids.size === 0) return false;
    return this.away.back.has(video) || this.lacks(video);
  }

  /** A closed video leaves memory: what it came to is written down by now. */
  putAway(video: VideoId): void {
    this.idle.note(video, false, this.#logMs);
    this.#totals.delete(video);
    this.timelines?.take(video);
    this.away.put(video);
  }

  /** A video that is away, which came to `kept`, comes back into memory; opened, or as closed as before. */
  takeBack(video: VideoId, kept: Kept | undefined, opened: boolean): void {
    this.away.takeBack(video, opened);
    if (!kept || kept.totals.version === 0) return;
    this.#totals.set(video, kept.totals);
    if (kept.timeline) this.timelines?.restore(video, kept.timeline);
  }

  /**
   * Folds the next record of the log, which stands there since `logMs` and was known to be durable at
   * `durableMs`.
   */
  apply(record: LikeRecord, logMs: number, durableMs: number): Change[] {
    this.#logMs = Math.max(this.#logMs, logMs);
    if (record.act) return this.#act(record.act, record.atMs, durableMs);
    this.#forget(forgetMax + record.groups.length);
    const changes: Change[] = [];
    for (const sum of this.#sums(record)) {
      const held = this.#totals.get(sum.video);
      assert(held || !this.away.has(sum.video), "what has left memory is brought back before it is counted");
      const before = held ?? this.#noTotals();
      const counts = emptyCounts();
      addCounts(counts, before.counts);
      for (const { kind, count } of sum.kinds) {
        // Two members in one place, which nobody will live to see, must not make a number of likes negative.
        counts[kind] = Math.max(0, (counts[kind] ?? 0) + count);
      }
      const totals = { version: before.version + 1, counts };
      this.#totals.set(sum.video, totals);
      const { video, added, removed, by } = sum;
      if (this.idle.begun) this.idle.note(video, isFew(totals), this.#logMs);
      const moved = { before: before.counts, added, removed };
      changes.push({ video, totals, ...moved, atMs: record.atMs, durableMs, by });
    }
    if (!this.idle.begun && this.#isHalfFull) this.idle.begin(this.#logMs);
    return changes;
  }

  /** The member that a viewer's like of `video` is, if it stands. */
  memberOf(video: VideoId, kind: string, viewer: string): Readonly<Hash64> | undefined {
    const owner = this.owners.of(video);
    if (!this.members || owner === undefined) return undefined;
    const hash: Hash64 = { hi: 0, lo: 0 };
    hashMember(video, kind, viewer, hash);
    return this.members.has(hash.hi, hash.lo, owner) ? hash : undefined;
  }

  #act(act: Act, atMs: number, durableMs: number): Change[] {
    if (act.type === "deleted") return this.#delete(act, atMs, durableMs);
    const { video, from, to } = act;
    const owner = this.owners.of(video);
    if (owner === undefined || !this.members?.remove(from.hi, from.lo, owner)) return [];
    this.members.add(to.hi, to.lo, owner);
    return [];
  }

  #delete({ video, key: { hi, lo } }: Deleted, atMs: number, durableMs: number): Change[] {
    const before = this.#totals.get(video);
    if (!this.keys.add(hi, lo, this.#logMs)) return [];
    // Nothing is known of it any more, not even that it was closed.
    if (this.isClosed(video)) this.away.takeBack(video, true);
    if (!before) return [];
    this.#totals.delete(video);
    this.idle.note(video, false, this.#logMs);
    this.idle.forgot(before.version + 1);
    this.timelines?.drop(video);
    this.#disown(video);
    this.onForgotten(video);
    const told = { totals: this.totals(video), before: before.counts, added: 0, removed: 0 };
    return [{ video, ...told, atMs, durableMs, by: [], deleted: true }];
  }

  /** The likes that viewers have of it are nobody's from here on. */
  #disown(video: VideoId): void {
    const owner = this.owners.drop(video);
    if (owner !== undefined) this.members?.retire(owner);
  }

  get #isHalfFull(): boolean {
    return !this.members && this.#totals.size > this.videosMax / 2;
  }

  /** Forgets at most `most` idle videos, as long as the fold is more than half full. */
  #forget(most: number): void {
    if (!this.idle.begun) return;
    const over = Math.floor(this.#totals.size - this.videosMax / 2);
    for (const video of this.idle.take(this.#logMs - limits.idleMs, Math.min(most, over))) {
      this.idle.forgot(this.totals(video).version);
      this.#totals.delete(video);
      this.timelines?.drop(video);
      this.#forgotten++;
      this.onForgotten(video);
    }
  }

  /** Notes the keys of a record that the restored totals already hold. */
  remember(record: LikeRecord, logMs: number): void {
    this.#logMs = Math.max(this.#logMs, logMs);
    if (record.act?.type === "deleted") this.keys.add(record.act.key.hi, record.act.key.lo, this.#logMs);
    for (const group of record.groups) {
      const { once } = group;
      this.#count(group);
      if (once) for (let i = 0; i < once.length; i++) this.#isNew(once, i);
    }
  }

  /** Notes the keys and viewers of likes that the totals already hold. */
  pass(groups: readonly LikeGroup[]): void {
    for (const group of groups) this.#move(group);
  }

  /**
   * Notes a deletion behind which the video's totals already are; `floor` is the highest version that was
   * deleted or forgotten where they are.
   */
  passDeletion({ video, key: { hi, lo } }: Deleted, floor: number): void {
    if (!this.keys.add(hi, lo, this.#logMs)) return;
    if (this.isClosed(video)) this.away.takeBack(video, true);
    this.idle.forgot(floor);
    this.#disown(video);
  }

  /** Puts back what a snapshot told, before any record is applied. */
  restore(video: VideoId, totals: Totals): void {
    this.#totals.set(video, totals);
  }

  /** Puts log time where a snapshot was taken. */
  resume(logMs: number): void {
    this.#logMs = Math.max(this.#logMs, logMs);
  }

  #stands(members: Members, { video, kind, viewer = "" }: Like): boolean {
    const owner = this.owners.of(video);
    hashMember(video, kind, viewer, this.#hash);
    return owner !== undefined && members.has(this.#hash.hi, this.#hash.lo, owner);
  }

  #sums(record: LikeRecord): Iterable<Sum> {
    const sums = new Map<VideoId, Sum>();
    for (const group of record.groups) {
      const moved = this.#move(group);
      const { added, removed } = moved;
      if (added === 0 && removed === 0) continue;
      const { counts: totals } = this.totals(group.video);
      this.timelines?.note(group, moved, { atMs: record.atMs, logMs: this.#logMs, totals });
      let sum = sums.get(group.video);
      if (!sum) {
        sum = { video: group.video, kinds: [], added: 0, removed: 0, by: [] };
        sums.set(group.video, sum);
      }
      sum.kinds.push({ kind: group.kind, count: added - removed });
      sum.added += added;
      sum.removed += removed;
      const room = limits.bySizeMax - sum.by.length;
      if (room > 0 && added > 0) sum.by.push(...group.by.slice(0, room));
    }
    return sums.values();
  }

  /** A record of the other mode counts nothing: no node of ours wrote it into this log. */
  #move(group: LikeGroup): Moved {
    const { members } = this;
    if (group.once) return members ? this.#change(members, group.once, group.video) : nothing;
    return members ? nothing : { added: this.#count(group), removed: 0 };
  }

  /** Changes the set in the order of the log. */
  #change(members: Members, once: Changes, video: VideoId): Moved {
    const owner = this.owners.give(video);
    let added = 0;
    let removed = 0;
    for (let i = 0; i < once.length; i++) {
      if (!this.#isNew(once, i)) continue;
      const [hi, lo] = [once.hi[i] as number, once.lo[i] as number];
      if (once.isUnlike(i)) removed += members.remove(hi, lo, owner) ? 1 : 0;
      else added += members.add(hi, lo, owner) ? 1 : 0;
    }
    return { added, removed };
  }

  /** What the key of `like` stands for: see tagOf and #isNew. */
  #tagOf({ video, kind, count, viewer, unlike }: Like): number {
    if (viewer === undefined) return tagOf(hash32(kind), count);
    hashMember(video, kind, viewer, this.#hash);
    return tagOf(this.#hash.lo, unlike ? 1 : 0);
  }

  /** Whether a change has no key, or one that did not appear within the window. */
  #isNew(once: Changes, i: number): boolean {
    if (!once.isKeyed(i)) return true;
    const tag = tagOf(once.lo[i] as number, once.isUnlike(i) ? 1 : 0);
    return this.keys.add(once.keyHi[i] as number, once.keyLo[i] as number, this.#logMs, tag);
  }

  /** Likes of a group that are not repeats. */
  #count(group: LikeGroup): number {
    let count = group.loose;
    const { hi, lo, counts } = group;
    const kind = hash32(group.kind);
    for (let i = 0; i < hi.length; i++) {
      const tag = tagOf(kind, counts[i] as number);
      if (this.keys.add(hi[i] as number, lo[i] as number, this.#logMs, tag)) count += counts[i] as number;
    }
    return count;
  }
}

/** The tag of a key: what it stands for in 32 bits, and never 0. */
function tagOf(what: number, number: number): number {
  return (Math.imul(what ^ number, 0x9e3779b1) ^ number) >>> 0 || 1;
}

/** Whether a video is held, with totals that may be forgotten. */
function isFew(totals: Totals | undefined): boolean {
  return totals !== undefined && likesOf(totals.counts) < limits.fewLikes;
}
