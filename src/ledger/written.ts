/**
 * What a SQLite ledger writes down of its fold: a row per video and kind, with one like per viewer a row per
 * like, what of its timelines has changed, and the row of the log they go up to.
 *
 * The fold is what counts, this is only where a start begins to fold. So all of it and `upTo` always change
 * in one transaction, the caller's, and nothing reads it while the ledger runs. Which rows changed is noted
 * as places; what they hold is asked of the fold when they are written.
 */
import type { VideoId } from "../core/interaction.ts";
import type { LikeRecord } from "../core/record.ts";
import { type Counts, emptyCounts } from "../core/totals.ts";
import type { Kept } from "./away.ts";
import type { Fold } from "./fold.ts";
import { IdSet } from "./id-set.ts";
import type { IdleMark } from "./idle.ts";
import type { Change } from "./ledger.ts";
import type { Statements } from "./schema.ts";
import { WrittenTimelines } from "./written-timelines.ts";

/** Changed rows at which they are written down sooner than once a rest: one rest stays short, some 30 ms. */
const dirtyRowsMax = 4_096;

export class Written {
  readonly #statements: Statements;
  readonly #fold: Fold;
  /** Videos whose totals changed since they were last written down. */
  readonly #videos = new Set<VideoId>();
  /** Videos that were forgotten since. */
  readonly #forgotten = new Set<VideoId>();
  /** Videos that are to leave memory when all of them is written, and those who wait for it. */
  readonly #leaving = new Map<VideoId, PromiseWithResolvers<void>>();
  /** Videos that came back since, and whether they are still closed. */
  readonly #came = new Map<VideoId, boolean>();
  /** Members that may have changed since: hi, lo, hi, lo … */
  readonly #members: number[] = [];
  readonly #timelines: WrittenTimelines | undefined;

  constructor(statements: Statements, fold: Fold) {
    this.#statements = statements;
    this.#fold = fold;
    this.#timelines = fold.timelines && new WrittenTimelines(statements, fold.timelines);
    fold.onForgotten = (video) => {
      this.#forgotten.add(video);
      this.#stay(video);
    };
  }

  /** True when so much has changed that it should be written soon. */
  get many(): boolean {
    return this.#videos.size + this.#forgotten.size + this.#members.length / 2 >= dirtyRowsMax;
  }

  /** Notes what a record changed in the fold. */
  changed(record: LikeRecord, changes: readonly Change[]): void {
    for (const { video } of changes) this.#videos.add(video);
    if (record.act?.type === "deleted") this.#stay(record.act.video);
    if (record.act?.type === "renamed") {
      const { from, to } = record.act;
      this.#members.push(from.hi, from.lo, to.hi, to.lo);
    }
    for (const { once } of record.groups) {
      if (once) for (let i = 0; i < once.length; i++) this.#members.push(once.hi[i] ?? 0, once.lo[i] ?? 0);
    }
  }

  /** Whether a video waits to leave memory, or one that came back to be written. */
  get moves(): boolean {
    return this.#leaving.size + this.#came.size > 0;
  }

  /** Has a video leave memory with the next write; resolves when it has. */
  leave(video: VideoId): Promise<void> {
    const waiting = this.#leaving.get(video) ?? Promise.withResolvers<void>();
    this.#leaving.set(video, waiting);
    return waiting.promise;
  }

  /** Brings a video back into memory, opened or as closed as before. */
  takeBack(video: VideoId, opened: boolean): void {
    this.#fold.takeBack(video, this.#fold.lacks(video) ? this.kept(video) : undefined, opened);
    this.#came.set(video, !opened);
  }

  /** What was written of a video that has left memory. */
  kept(video: VideoId): Kept {
    const counts = emptyCounts();
    let version = 0;
    for (const row of this.#statements.totalsOf.iterate(video)) {
      counts[row.kind] = row.count;
      version = row.version;
    }
    return { totals: { version, counts }, timeline: this.#timelines?.kept(video, counts) };
  }

  /**
   * Puts what was written into a new fold, and tells the row of the log that it goes up to; `isAll`: with all
   * that has left memory.
   */
  read(isAll = false): number {
    if (!isAll) this.#readAway();
    this.#readTotals(isAll);
    this.#fold.idle.forgot(Number(this.#statements.metaGet.get("floor")?.value ?? 0));
    this.#readMembers();
    this.#timelines?.read(this.#fold.videos, isAll);
    return Number(this.#statements.metaGet.get("upTo")?.value ?? 0);
  }

  /** Writes down all that changed, as it is after the log's row `upTo`. */
  write(upTo: number): void {
    const s = this.#statements;
    const { members, idle, owners } = this.#fold;
    for (const video of this.#forgotten) s.totalsDrop.run(video);
    for (const number of owners.gone) s.ownerDrop.run(number);
    for (const video of owners.added) {
      const number = owners.of(video);
      if (number !== undefined) s.ownerPut.run(number, video);
    }
    for (const video of this.#videos) {
      const { version, counts } = this.#fold.totals(video);
      const at = idle.changedMs(video) ?? null;
      for (const kind in counts) s.totalsPut.run(video, kind, counts[kind] as number, version, at);
    }
    for (let i = 0; members && i < this.#members.length; i += 2) {
      const [hi, lo] = [this.#members[i] as number, this.#members[i + 1] as number];
      const owner = members.ownerOf(hi, lo);
      if (owner !== undefined) s.memberPut.run(hi, lo, owner);
      else s.memberDrop.run(hi, lo);
    }
    this.#timelines?.write(this.#videos);
    for (const [video, isClosed] of this.#came) {
      if (isClosed) s.awayPut.run(video, 1);
      else s.awayDrop.run(video);
    }
    for (const video of this.#leaving.keys()) s.awayPut.run(video, 0);
    s.metaPut.run("upTo", upTo);
    s.metaPut.run("logMs", this.#fold.logMs);
    if (idle.floor > 0) s.metaPut.run("floor", idle.floor);
    if (members) s.metaPut.run("legacyOwners", owners.legacy);
    if (idle.begun) s.metaPut.run("idle", JSON.stringify(idle.mark));
  }

  /** What was written is durable. */
  done(): void {
    this.#timelines?.done(this.#videos);
    this.#videos.clear();
    this.#forgotten.clear();
    this.#members.length = 0;
    this.#fold.owners.added = [];
    this.#fold.owners.gone = [];
    this.#came.clear();
    for (const [video, { resolve }] of this.#leaving) {
      this.#fold.putAway(video);
      resolve();
    }
    this.#leaving.clear();
  }

  /** What is no more need not leave. */
  #stay(video: VideoId): void {
    this.#leaving.get(video)?.resolve();
    this.#leaving.delete(video);
  }

  /** What is nobody's is left where it is: it is swept out of the table, not out of the set. */
  #readMembers(): void {
    const { members, owners, videos } = this.#fold;
    if (!members) return;
    const s = this.#statements;
    for (const { number, video } of s.ownersAll.iterate()) owners.restore(video, number);
    for (const { hi, lo, owner } of s.membersAll.iterate()) {
      owners.pass(owner);
      if (owners.isLive(owner)) members.add(hi, lo, owner);
    }
    const legacy = s.metaGet.get("legacyOwners")?.value;
    if (legacy === undefined) owners.adopt(videos.keys());
    else owners.legacy = Number(legacy);
    members.legacy = owners.legacy;
  }

  #readAway(): void {
    const back: VideoId[] = [];
    const rows = this.#statements.awayAll.iterate();
    const all = function* (): Iterable<VideoId> {
      for (const row of rows) {
        if (row.back !== 0) back.push(row.video);
        yield row.video;
      }
    };
    const ids = IdSet.of(all());
    this.#fold.away.restore(ids, back, 0);
  }

  #readTotals(isAll: boolean): void {
    const s = this.#statements;
    const rows = isAll || this.#fold.away.size === 0 ? s.totalsAll : s.totalsHere;
    const mark = idleMarkOf(this.#statements.metaGet.get("idle")?.value);
    // No two were changed at the same time.
    const later = new Map<number, VideoId>();
    let video: VideoId | undefined;
    let counts: Counts = emptyCounts();
    let version = 0;
    const restore = (): void => {
      if (video !== undefined) this.#fold.restore(video, { version, counts });
    };
    for (const row of rows.iterate()) {
      if (row.video !== video) {
        restore();
        video = row.video;
        counts = emptyCounts();
        if (row.at !== null) later.set(row.at, video);
      }
      counts[row.kind] = row.count;
      version = row.version;
    }
    restore();
    if (mark) this.#fold.idle.resume(mark, inOrder(later));
  }
}

function* inOrder(later: ReadonlyMap<number, VideoId>): Iterable<readonly [VideoId, number]> {
  for (const ms of Float64Array.from(later.keys()).sort()) yield [later.get(ms) as VideoId, ms];
}

function idleMarkOf(text: unknown): IdleMark | undefined {
  return typeof text === "string" ? (JSON.parse(text) as IdleMark) : undefined;
}
