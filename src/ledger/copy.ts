/**
 * One dispatcher's copy of a partition: the fold, the place in the log that it goes up to, and what is told
 * of it.
 *
 * What is folded and what is told are the same, but for the time in which a copy goes over to another branch
 * of the log: then the fold begins at that branch's snapshot and has to catch up with the log, and until it
 * has, the old one is told. So nobody hears of totals that are lower than those before.
 */
import type { Clock } from "../base/clock.ts";
import { isVideoId, type Like, type VideoId } from "../core/interaction.ts";
import { decodeRecord, type LikeRecord } from "../core/record.ts";
import { likesOf, type Totals } from "../core/totals.ts";
import type { Stowed } from "./away-bytes.ts";
import { Fold, type FoldOptions } from "./fold.ts";
import type { Change, Space } from "./ledger.ts";
import { bounded, first, LogTime } from "./log-time.ts";
import { type Branch, firstBranch } from "./snapshots.ts";
import type { Stored } from "./streams.ts";
import type { TimelineView } from "./timeline-view.ts";
import { type Identity, identify, Trail } from "./trail.ts";

/** Carries a record's log time: nodes of before take no change of the payload, and look at no header. */
export const stampHeader = "Ovation-Log-Ms";
/** On a record that the log had lost: the branch and the place where it was first written. */
export const originHeader = "Ovation-Origin";
/** Whose likes a record holds, and what was seen (core/whose.ts). */
export const whoseHeader = "Ovation-Whose";

/** On a record that counts nothing: this video leaves memory, if it has this version. */
export const awayHeader = "Ovation-Away";
/** On a record that counts nothing: this video, which left memory, is open again. */
export const openHeader = "Ovation-Open";

/** The video that a record says leaves memory, if it has this version. */
export function leaving({ header }: Stored): { video: VideoId; version: number } | undefined {
  const [video, version] = header?.(awayHeader)?.split(" ") ?? [];
  return isVideoId(video) ? { video, version: Number(version) } : undefined;
}

export class Copy {
  readonly time: LogTime;
  readonly trail = new Trail();
  readonly #clock: Clock;
  readonly #changed: (changes: readonly Change[]) => void;
  #told: Fold;
  #fold: Fold;
  /** Where the fold has caught up, and may be told. */
  #tellAt = 0;
  #branch: Branch = firstBranch;
  #begun = false;
  #seq = 0;
  #arrivedMs = 0;
  /** Videos brought back as they were at a later place than ours: up to there nothing is counted of them. */
  readonly #ahead = new Map<VideoId, Stowed>();
  #decoded: { readonly stored: Stored; readonly record: LikeRecord | undefined } | undefined;

  constructor(clock: Clock, options: FoldOptions, changed: (changes: readonly Change[]) => void) {
    this.time = new LogTime(clock);
    this.#clock = clock;
    this.#changed = changed;
    this.#fold = new Fold(options);
    this.#told = this.#fold;
  }

  get fold(): Fold {
    return this.#fold;
  }

  get branch(): Branch {
    return this.#branch;
  }

  /** The last place folded; 0 before the first. */
  get seq(): number {
    return this.#seq;
  }

  /** When the record there had arrived, Unix ms. */
  get arrivedMs(): number {
    return this.#arrivedMs;
  }

  /** Whether it is known from where on to fold. */
  get begun(): boolean {
    return this.#begun;
  }

  /** Whether what is told is older than what is folded. */
  get behind(): boolean {
    return this.#told !== this.#fold;
  }

  videos(): Iterable<VideoId> {
    return this.#told.videos.keys();
  }

  totals(video: VideoId): Totals {
    return this.#told.totals(video);
  }

  timeline(video: VideoId): TimelineView | undefined {
    return this.#told.timeline(video);
  }

  room(like: Like): Space {
    // Without likes the fold's log time stands still, and a window that is full would never empty.
    return this.#fold.room(like, this.time.now());
  }

  /** Begins with the first record there is. */
  begin(): void {
    this.#begun = true;
  }

  /**
   * Goes on from a fold that stands for the log up to `seq` on `branch`, to be told once it is at `tellAt`.
   */
  adopt(fold: Fold, branch: Branch, seq: number, last: Identity | undefined, tellAt: number): void {
    const first = !this.#begun;
    this.#begun = true;
    this.#fold = fold;
    this.#branch = branch;
    this.#seq = seq;
    this.#arrivedMs = last?.atMs ?? fold.logMs;
    this.trail.reset(seq, last);
    this.#ahead.clear();
    if (fold.logMs > 0) this.time.folded(fold.logMs);
    this.#tellAt = tellAt;
    if (first) this.#told = fold;
    this.#tell();
  }

  /** As Fold.lacks, of what is told. */
  lacks(video: VideoId): boolean {
    return this.#told.lacks(video);
  }

  /** Videos that have left memory, and have to be back before `stored` is folded. */
  wants(stored: Stored): VideoId[] {
    const fold = this.#fold;
    if (fold.away.size === 0) return [];
    const opened = stored.header?.(openHeader) as VideoId | undefined;
    const record = this.#recordOf(stored);
    const named = new Set(record?.groups.map(({ video }) => video));
    if (record?.act?.type === "deleted") named.add(record.act.video);
    if (opened !== undefined) named.add(opened);
    return [...named].filter((video) => fold.lacks(video));
  }

  /** Brings a video back into memory, which `stowed` tells of; undefined: that is lost. */
  bring(video: VideoId, stowed: Stowed | undefined): void {
    this.#fold.takeBack(video, stowed, false);
    if (stowed?.branch === this.#branch.branch && stowed.upTo > this.#seq) this.#ahead.set(video, stowed);
  }

  /** Folds the record that stands behind the last one. False when it is none: it is passed over. */
  take(stored: Stored): boolean {
    this.#seq = stored.seq;
    this.#arrivedMs = stored.atMs;
    this.trail.push(identify(stored));
    const record = this.#recordOf(stored);
    if (record && !this.#isHeld(stored)) {
      const logMs = this.#logMsOf(stored);
      const changes = this.#fold.apply(this.#unknown(record, logMs), logMs, this.#clock.date());
      this.#move(stored);
      this.time.folded(this.#fold.logMs);
      if (!this.behind && changes.length > 0) this.#changed(changes);
    }
    this.#tell();
    return record !== undefined;
  }

  /** Decoded once, as it is looked at before it is folded. */
  #recordOf(stored: Stored): LikeRecord | undefined {
    if (this.#decoded?.stored === stored) return this.#decoded.record;
    const record = decodeRecord(stored.payload, stored.header?.(whoseHeader));
    this.#decoded = { stored, record };
    return record;
  }

  /** What of a record is not in what was brought back. */
  #unknown(record: LikeRecord, logMs: number): LikeRecord {
    if (this.#ahead.size === 0) return record;
    for (const [video, { upTo }] of this.#ahead) if (upTo < this.#seq) this.#ahead.delete(video);
    this.#fold.resume(logMs);
    const { act, atMs } = record;
    if (act) {
      const later = act.type === "deleted" ? this.#ahead.get(act.video) : undefined;
      if (act.type !== "deleted" || !later) return record;
      // What was brought back came after it.
      this.#fold.passDeletion(act, later.floor);
      return { atMs, groups: [] };
    }
    this.#fold.pass(record.groups.filter(({ video }) => this.#ahead.has(video)));
    return { atMs, groups: record.groups.filter(({ video }) => !this.#ahead.has(video)) };
  }

  /** What a record says of videos that leave memory, or are open again. */
  #move(stored: Stored): void {
    const fold = this.#fold;
    const leaves = leaving(stored);
    const isSo = leaves && fold.totals(leaves.video).version === leaves.version;
    if (isSo && !fold.lacks(leaves.video)) fold.putAway(leaves.video);
    const opened = stored.header?.(openHeader);
    if (isVideoId(opened) && fold.isClosed(opened)) fold.takeBack(opened, undefined, true);
  }

  /** Whether a record that was written again is among what this branch began with. */
  #isHeld({ header }: Stored): boolean {
    const [branch, place] = header?.(originHeader)?.split(" ") ?? [];
    const parent = this.#branch.parents.find((one) => one.branch === branch);
    return parent !== undefined && Number(place) <= parent.upTo;
  }

  /**
   * A record's log time: its writer's stamp. Nodes of before write none, and nobody does into a log that
   * holds nothing; theirs is when it arrived, as the server of that moment thought.
   */
  #logMsOf({ atMs, header }: Stored): number {
    const stamp = header?.(stampHeader);
    const lastMs = this.#fold.logMs;
    if (stamp === undefined) return Math.max(atMs, lastMs);
    // The first record may begin anywhere, but not where no clock comes to.
    return lastMs === 0 ? first(Number(stamp), atMs) : bounded(Number(stamp), lastMs);
  }

  #tell(): void {
    if (!this.behind || this.#seq < this.#tellAt) return;
    const changes = this.#changes();
    this.#told = this.#fold;
    if (changes.length > 0) this.#changed(changes);
  }

  /** What was not told, as changes: nobody's names, and as old as now. */
  #changes(): Change[] {
    const nowMs = this.#clock.date();
    const changes: Change[] = [];
    for (const [video, totals] of this.#fold.videos) {
      const before = this.#told.totals(video);
      if (this.#told.lacks(video) || totals.version <= before.version) continue;
      const rise = likesOf(totals.counts) - likesOf(before.counts);
      const moved = { added: Math.max(0, rise), removed: Math.max(0, -rise) };
      const times = { atMs: nowMs, durableMs: nowMs };
      changes.push({ video, totals, before: before.counts, ...moved, ...times, by: [] });
    }
    for (const [video, { version, counts: before }] of this.#told.videos) {
      const totals = this.#fold.totals(video);
      const isThere = this.#fold.videos.has(video) || this.#fold.lacks(video);
      if (isThere || totals.version <= version) continue;
      const times = { atMs: nowMs, durableMs: nowMs };
      changes.push({ video, totals, before, added: 0, removed: 0, ...times, by: [], deleted: true });
    }
    return changes;
  }
}
