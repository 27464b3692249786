/**
 * A viewer, and a slot: the place where one shard and one video meet, with all viewers that watch it there.
 *
 * Both are plain state; shard.ts is the actor that moves it. A slot is written in order by at most one likes
 * pass and one comment run at a time, each a walk along `viewers`. Who leaves during a walk leaves a hole,
 * closed when no walk is under way, so that nobody is skipped or served twice.
 */

import type { VideoId } from "../core/interaction.ts";
import type { VideoState } from "../video/state.ts";
import type { Connection } from "./connection.ts";

/** What the shard of a viewer does for whoever lets it in or changes what it watches: see shard.ts. */
export interface Home {
  join(viewer: Viewer, watch: VideoState): Slot;
  leave(viewer: Viewer, video: VideoId): boolean;
  begin(viewer: Viewer, slot: Slot, reason: ResetReason | undefined): void;
  replay(viewer: Viewer, slot: Slot, after: number): void;
  serve(viewer: Viewer, nowMs: number): void;
}

export interface Viewer {
  readonly connection: Connection;
  readonly shard: Home;
  /** Place among the viewers of its shard, in the order in which they came; set by the shard. */
  order: number;
  /** What it has asked to watch. */
  readonly watches: VideoState[];
  /** What it is being told: one slot per watch whose state has come, all in its shard. */
  readonly slots: Slot[];
  /** Set when an earlier stream was ahead of this node. */
  seen: Seen | undefined;
  /** Set while the reader is behind, or is being served from history. */
  lag: Lag | undefined;
}

/** Entries of `slots` up to this place were seen on an earlier stream: they are not written again. */
export interface Seen {
  readonly seq: number;
  readonly slots: Set<Slot>;
}

/** Why a place cannot be continued: the data of `reset`, and a label of its metric. */
export type ResetReason = "unknown-id" | "epoch" | "future" | "history" | "unavailable";

/** What a viewer that is behind is owed. It holds places, not bytes. */
export interface Lag {
  /** Slots it has to begin, with a snapshot, or to begin anew: then the reason is told first. */
  readonly fresh: Map<Slot, ResetReason | undefined>;
  /** By slot: the place after which its entries have not been written. */
  readonly missed: Map<Slot, number>;
  /** Bytes of entries that came since it fell behind; what it asked for itself by resuming is not counted. */
  owedBytes: number;
  /** Slots whose totals or viewer count it has not seen. */
  readonly stale: Set<Slot>;
}

/**
 * The place up to which entries may be written to `viewer`, who watches several videos: none while an
 * earlier one of another video may still come, as by its id that one would count as seen. Entries come in the
 * order of their seq, but for those being asked for, held for review or not handed out yet. `written` is not
 * looked at.
 */
export function writableUpTo(viewer: Viewer, written?: Slot): number {
  let seq = Number.POSITIVE_INFINITY;
  for (const slot of viewer.slots) {
    if (slot === written) continue;
    const { history, held, phase } = slot.watch;
    const next = history.next(slot.cursor) ?? held.first;
    if (next !== undefined) seq = Math.min(seq, next - 1);
    else if (phase === "filling") seq = Math.min(seq, history.tip);
  }
  return seq;
}

/** The place up to which `viewer` has seen the entries of `slot` on an earlier stream; 0: none. */
export function seenOf(viewer: Viewer, slot: Slot): number {
  return viewer.seen?.slots.has(slot) ? viewer.seen.seq : 0;
}

export class Slot {
  readonly watch: VideoState;
  /** With holes while a walk is under way. */
  readonly viewers: (Viewer | undefined)[] = [];
  #count = 0;
  /** Walks under way. */
  #walks = 0;
  /** What the last finished likes pass showed. */
  version: number;
  viewersVersion: number;
  /** Likes of all kinds it showed: the growth is what is delivered. */
  likes: number;
  /** Entries up to here have been written to every viewer that is not behind. */
  cursor: number;
  /** In the shard's mailbox of likes. */
  queued = false;
  /** The likes pass under way. */
  pass: Pass | undefined;

  /** Joins at what the watch shows now: viewers that come get it as a snapshot. */
  constructor(watch: VideoState) {
    this.watch = watch;
    this.version = watch.version;
    this.viewersVersion = watch.viewersVersion;
    this.likes = watch.likes;
    this.cursor = watch.history.tip;
  }

  get count(): number {
    return this.#count;
  }

  add(viewer: Viewer): void {
    this.viewers.push(viewer);
    this.#count++;
    this.pass?.round?.came(this, viewer);
  }

  /** False when it was not here. */
  remove(viewer: Viewer): boolean {
    const index = this.viewers.indexOf(viewer);
    if (index < 0) return false;
    this.#count--;
    if (this.#walks > 0) {
      this.viewers[index] = undefined;
    } else {
      const last = this.viewers.pop();
      if (index < this.viewers.length) this.viewers[index] = last;
    }
    return true;
  }

  /**
   * Whether the likes pass under way has not come to `viewer`, who is here, yet: what it shows is older
   * than the watch.
   */
  passAwaits(viewer: Viewer): boolean {
    const { pass } = this;
    if (!pass) return false;
    if (pass.round) return pass.round.includes(this, viewer) && viewer.order > pass.round.reached;
    const index = this.viewers.indexOf(viewer);
    return index >= pass.position && index < pass.end;
  }

  beginWalk(): void {
    this.#walks++;
  }

  endWalk(): void {
    this.#walks--;
    if (this.#walks > 0 || this.#count === this.viewers.length) return;
    let kept = 0;
    for (const viewer of this.viewers) if (viewer) this.viewers[kept++] = viewer;
    this.viewers.length = kept;
  }
}

/** A walk that writes one state to the viewers that were there when it began. */
export interface Pass {
  readonly bytes: Uint8Array;
  readonly version: number;
  readonly viewersVersion: number;
  readonly likes: number;
  readonly end: number;
  position: number;
  /** Set when it is written together with others, in the order of the shard's viewers: `position` stands. */
  readonly round: Together | undefined;
}

/** Passes that are written together, in the order of the shard's viewers: see round.ts. */
interface Together {
  /** Place of the viewer visited last. */
  readonly reached: number;
  came(slot: Slot, viewer: Viewer): void;
  includes(slot: Slot, viewer: Viewer): boolean;
}
