/**
 * The shard: an actor that owns up to limits.connectionsPerShardMax viewers and writes to them.
 *
 * Its mailbox are its lanes (lanes.ts): slots that have something to show, and walks of their own. Whatever
 * happens only puts something there; each step does a bounded number of writes, and the supervisor decides
 * who steps when. Viewers that do not stand with their neighbours are served by its catching up (catchup.ts).
 */
import type { Clock, Elapsed } from "../base/clock.ts";
import type { Metrics } from "../base/metrics.ts";
import { Roster } from "../base/roster.ts";
import type { VideoId } from "../core/interaction.ts";
import type { ResetReason } from "../core/sse.ts";
import type { VideoState } from "../video/state.ts";
import { CatchUp, ownOf, settle, standingAt } from "./catchup.ts";
import type { EndReason } from "./connection.ts";
import { type LaneName, Lanes } from "./lanes.ts";
import { type Home, type OwnPlace, Slot, type Viewer } from "./slot.ts";
import { type FrameKind, Tally } from "./tally.ts";
import { Walk } from "./walk.ts";

export interface ShardEvents {
  /** A viewer's stream has ended, for whatever reason. */
  left(viewer: Viewer, reason: EndReason): void;
  /** The first viewer of a video is here, or the last has left. */
  opened(slot: Slot): void;
  closed(slot: Slot): void;
  /** A slot has shown what was newest when its turn came. */
  passed(slot: Slot): void;
}

export class Shard implements Home {
  /** Since when it has had viewers. */
  sinceMs: Elapsed;
  readonly #clock: Clock;
  readonly #events: ShardEvents;
  readonly #viewers = new Roster<Viewer>();
  readonly #slots = new Map<VideoId, Slot>();
  readonly #tally: Tally;
  readonly #catchUp: CatchUp;
  readonly #lanes: Lanes;
  #beat: Walk<Viewer> | undefined;

  constructor(clock: Clock, metrics: Metrics, events: ShardEvents) {
    this.#clock = clock;
    this.sinceMs = clock.elapsed();
    this.#events = events;
    this.#tally = new Tally(metrics);
    this.#catchUp = new CatchUp(metrics, this.#tally);
    this.#lanes = new Lanes({
      ...{ clock, tally: this.#tally, catchUp: this.#catchUp, passed: events.passed },
      viewers: () => this.#viewers.all.slice(),
      size: () => this.#viewers.size,
      overrun: (slot) => this.restart(slot, "history"),
    });
  }

  get size(): number {
    return this.#viewers.size;
  }

  /** Viewers that are behind. */
  get behind(): number {
    return this.#catchUp.behind;
  }

  viewers(): Iterable<Viewer> {
    return this.#viewers.all;
  }

  slots(): Iterable<Slot> {
    return this.#slots.values();
  }

  // ---- joining and leaving

  /** Takes a viewer that watches nothing yet. */
  add(viewer: Viewer): void {
    if (this.size === 0) this.sinceMs = this.#clock.elapsed();
    this.#viewers.add(viewer);
  }

  /** Begins to watch: the viewer stands where the slot stands, until `begin` or `replay` say otherwise. */
  join(viewer: Viewer, watch: VideoState): Slot {
    let slot = this.#slots.get(watch.video);
    if (!slot) {
      slot = new Slot(watch);
      this.#slots.set(watch.video, slot);
      this.#events.opened(slot);
    }
    // Before it is one of several: where it stands with the others is known from the slots themselves.
    if (viewer.slots.length > 0) ownOf(viewer);
    slot.viewers.push(viewer);
    viewer.slots = viewer.slots.length > 0 ? [...viewer.slots, slot] : slot.alone;
    if (viewer.own) this.#stand(viewer, slot, {});
    return slot;
  }

  /** Stops watching. False when it did not. */
  leave(viewer: Viewer, video: VideoId): boolean {
    const slot = this.#slots.get(video);
    if (!slot?.remove(viewer)) return false;
    viewer.slots = viewer.slots.filter((other) => other !== slot);
    viewer.own?.places.delete(slot);
    if (viewer.own) settle(viewer, viewer.own);
    if (slot.count === 0) this.#drop(slot);
    return true;
  }

  /** The stream of `viewer` has ended. */
  ended(viewer: Viewer, reason: EndReason): void {
    if (!this.#viewers.delete(viewer)) return;
    this.#catchUp.left(viewer);
    this.#events.left(viewer, reason);
    for (const slot of viewer.slots) {
      slot.remove(viewer);
      if (slot.count === 0) this.#drop(slot);
    }
  }

  #drop(slot: Slot): void {
    this.#slots.delete(slot.watch.video);
    // Whoever counts on this slot must not wait for it; in its lane it finds nobody and ends.
    if (slot.queued) this.#events.passed(slot);
    slot.queued = false;
    this.#events.closed(slot);
  }

  // ---- where viewers stand

  /** Lets `viewer` stand at a place of its own: where the slot stands, but for `place`. */
  #stand(viewer: Viewer, slot: Slot, place: Partial<OwnPlace>): void {
    ownOf(viewer).places.set(slot, { ...standingAt(slot), ...place });
  }

  /** Owes a viewer the beginning of `slot`; with a reason, it is told first that it begins anew. */
  begin(viewer: Viewer, slot: Slot, reason: ResetReason | undefined): void {
    this.#stand(viewer, slot, { fresh: true, reason });
  }

  /**
   * Owes a viewer everything of `slot` after `after`, and its state: replay is catching up. What lies before
   * `after` is not written, also where an earlier stream was ahead of this node.
   */
  replay(viewer: Viewer, slot: Slot, after: number): void {
    this.#stand(viewer, slot, { seq: after, version: -1, viewersVersion: -1 });
  }

  /** Serves a viewer now what it is due, as far as its reader takes it. */
  serve(viewer: Viewer, nowMs: Elapsed): void {
    this.#catchUp.serve(viewer, nowMs);
  }

  /** Begins `slot` anew for all its viewers, by and by: what they have seen cannot be continued. */
  restart(slot: Slot, reason: ResetReason): void {
    this.#lanes.drop(slot);
    slot.advance();
    for (const viewer of slot.viewers) {
      this.begin(viewer, slot, reason);
      this.#catchUp.later(viewer);
    }
    this.serveBehind();
  }

  // ---- lanes

  /** Asks for the newest of the slot's video to be shown. */
  mail(slot: Slot): void {
    this.#lanes.mail(slot);
  }

  waits(lane: LaneName): boolean {
    return this.#lanes.waits(lane);
  }

  inLap(lane: LaneName): boolean {
    return this.#lanes.inLap(lane);
  }

  /** See Lanes.step. */
  step(lane: LaneName, budget: number): number {
    return this.#lanes.step(lane, budget);
  }

  /** Begins to serve all that are behind, if that is not under way. */
  serveBehind(): void {
    const lap = this.#catchUp.lap();
    if (lap) this.#lanes.aside(lap);
  }

  /** Asks for news (a removal before its turn, say) to be written to all in `slot` whose readers take it. */
  tellAll(slot: Slot, event: "retract" | "state", bytes: Uint8Array): void {
    this.#lanes.remake(slot);
    if (this.#lanes.crowded) return;
    this.#lanes.aside(
      new Walk(slot.viewers.slice(), (viewer, nowMs) => this.#tell(event, viewer, bytes, nowMs)),
    );
  }

  /** Asks for a beat to every viewer whose silence has lasted long enough, or to `all`. */
  beat(bytes: Uint8Array, all: boolean): void {
    // One at a time: who is not reached by one within its second is late, and nothing piles up.
    if (!all && this.#beat && !this.#beat.over) return;
    const beat = new Walk(this.#viewers.all.slice(), (viewer: Viewer, nowMs) => {
      const { connection } = viewer;
      if (!all && nowMs - connection.lastMs < connection.beatMs) return 0;
      if (this.#tell("beat", viewer, bytes, nowMs) > 0) return 1;
      // A beat that is not taken is how a silent stream's dead reader is noticed.
      if (nowMs - connection.lastMs > connection.idleMs) connection.end("idle");
      return 0;
    });
    this.#lanes.aside(beat);
    this.#beat = beat;
  }

  #tell(kind: FrameKind, { connection }: Viewer, bytes: Uint8Array, nowMs: Elapsed): number {
    if (connection.write(bytes, nowMs) !== "ok") return 0;
    this.#tally.frames(kind, 1);
    this.#tally.bytes(bytes.length);
    return 1;
  }

  /** Moves what was counted since the last call into the metrics. */
  tellMetrics(): void {
    this.#tally.tell();
  }
}
