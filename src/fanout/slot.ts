/**
 * A viewer, and a slot: where one shard and one video meet, with all viewers that watch it there.
 *
 * Both are plain state; shard.ts is the actor that moves it. Nearly every viewer stands where its slot
 * stands, and so needs the same bytes as its neighbours. Who watches several videos, is behind, or saw more
 * on an earlier stream stands at places of its own, and is brought on from there: catchup.ts.
 */
import type { Elapsed } from "../base/clock.ts";
import type { Listed } from "../base/roster.ts";
import type { VideoId } from "../core/interaction.ts";
import type { ResetReason } from "../core/sse.ts";
import type { VideoState } from "../video/state.ts";
import type { Connection, ConnectionClass, ConnectionOwner, EndReason } from "./connection.ts";
import type { Walk } from "./walk.ts";

/** How much of one video has been shown. */
export interface Place {
  /** Entries up to here. */
  seq: number;
  /** Totals and viewer count: those of the video's state at that time. */
  version: number;
  viewersVersion: number;
  /** Likes of all kinds in those totals: the growth is what is delivered. */
  likes: number;
}

/** What the shard of a viewer does for whoever lets it in or changes what it watches: see shard.ts. */
export interface Home {
  ended(viewer: Viewer, reason: EndReason): void;
  join(viewer: Viewer, watch: VideoState): Slot;
  leave(viewer: Viewer, video: VideoId): boolean;
  begin(viewer: Viewer, slot: Slot, reason: ResetReason | undefined): void;
  replay(viewer: Viewer, slot: Slot, after: number): void;
  serve(viewer: Viewer, nowMs: Elapsed): void;
}

const none: readonly never[] = [];

/**
 * A viewer. There are as many as the machine holds, so what it has is counted: its lists are replaced and
 * never changed, and those who watch one video share theirs.
 */
export class Viewer implements ConnectionOwner, Listed {
  readonly connection: Connection;
  readonly shard: Home;
  /** What it has asked to watch. */
  watches: readonly VideoState[] = none;
  /** What it is being told: one slot per watch whose state has come, all in its shard. */
  slots: readonly Slot[] = none;
  /** Where it stands, unless it stands where its slot does: always set for one with several slots. */
  own: Own | undefined = undefined;
  /** Its place among the viewers of its shard. */
  at = -1;

  /** `shard` is to be told of it. */
  constructor(connection: ConnectionClass, shard: Home, beatMs: number, nowMs: Elapsed) {
    this.shard = shard;
    this.connection = new connection(this, beatMs, nowMs);
  }

  // Called by the connection.
  ended(_: Connection, reason: EndReason): void {
    this.shard.ended(this, reason);
  }
}

/** Where a viewer stands that does not stand with its slots. It holds places, not bytes. */
export interface Own {
  /** For each of its slots. */
  readonly places: Map<Slot, OwnPlace>;
  /** Its reader takes no more, or what is next must wait for another video: it is served by and by. */
  behind: boolean;
  /** Bytes of entries that came while it was behind; what it asked for itself by resuming is not counted. */
  owedBytes: number;
}

export interface OwnPlace extends Place {
  /** It has to begin here, with a snapshot. */
  fresh: boolean;
  /** Set when it begins anew: then that is told first. */
  reason: ResetReason | undefined;
}

/**
 * What is on its way to the viewers of a slot who stand with it; as a place, where they stood: from the
 * walk's begin on the slot stands where it brings them.
 */
export interface Showing extends Readonly<Place> {
  readonly walk: Walk<Viewer>;
  /** Whether the walk is for this slot alone: see lanes.ts. */
  readonly alone: boolean;
  /** The frame of the state, if that is due. */
  readonly state: Uint8Array | undefined;
  /** Entries that are due, how many and their bytes, and then the state. */
  bytes: Uint8Array;
  entries: number;
  entryBytes: number;
  /** How often `bytes` were written. */
  writes: number;
}

/** Who is told when a slot has shown what was newest when its turn came. */
export interface Pacer {
  passed(): void;
}

export class Slot implements Place {
  readonly watch: VideoState;
  readonly viewers: Viewer[] = [];
  /** The slots of a viewer that has no other. */
  readonly alone: readonly Slot[] = [this];
  seq: number;
  version: number;
  viewersVersion: number;
  likes: number;
  /** In a lane of its shard. */
  queued = false;
  pacer: Pacer | undefined = undefined;
  showing: Showing | undefined;

  /** Stands at what the video shows now: viewers that come get it as a snapshot. */
  constructor(watch: VideoState) {
    this.watch = watch;
    this.seq = watch.history.tip;
    this.version = watch.version;
    this.viewersVersion = watch.viewersVersion;
    this.likes = watch.likes;
  }

  get count(): number {
    return this.viewers.length;
  }

  /** Whether the video has something that is not shown here yet: totals or a viewer count. */
  get stateDue(): boolean {
    return this.version < this.watch.version || this.viewersVersion < this.watch.viewersVersion;
  }

  /** As `stateDue`: entries. */
  get entriesDue(): boolean {
    return this.seq < this.watch.history.tip;
  }

  /** False when it was not here. */
  remove(viewer: Viewer): boolean {
    const index = this.viewers.indexOf(viewer);
    if (index < 0) return false;
    if (this.showing?.alone) this.showing.walk.without(viewer);
    const last = this.viewers.pop() as Viewer;
    if (index < this.viewers.length) this.viewers[index] = last;
    return true;
  }

  /** Where `viewer`, who is here, stands. */
  placeOf(viewer: Viewer): Readonly<Place> {
    const own = viewer.own?.places.get(this);
    if (own) return own;
    return this.showing?.walk.awaits(viewer) ? this.showing : this;
  }

  /** Stands at the newest state from now on, and at the newest entry or at `seq`. */
  advance(seq = this.watch.history.tip): void {
    this.seq = seq;
    showState(this, this.watch);
  }
}

/** Notes that `place` has been shown the newest totals and viewer count of `watch`. */
export function showState(place: Place, watch: VideoState): void {
  place.version = watch.version;
  place.viewersVersion = watch.viewersVersion;
  place.likes = watch.likes;
}
