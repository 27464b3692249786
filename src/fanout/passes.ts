/**
 * The passes of a shard: likes on their way to its viewers.
 *
 * The distinction it rests on: what waits here is a slot, never a frame, and what it shows is decided when
 * its turn comes. Small slots and large ones wait in lanes of their own, so that a quiet video does not wait
 * for a loud one; many small slots at once are written in one round (round.ts). Each step does a bounded
 * number of writes; the supervisor decides who steps when.
 */
import type { Clock } from "../base/clock.ts";
import type { Metrics } from "../base/metrics.ts";
import { limits } from "../core/limits.ts";
import type { Connection } from "./connection.ts";
import { isWorthRound, Round } from "./round.ts";
import type { Lag, Pass, Slot, Viewer } from "./slot.ts";

/** Slots of at most this many viewers go before larger ones: a quiet video does not wait for a loud one. */
const smallSlotMax = limits.connectionsPerShardMax / 4;

/** Slots that wait, in order. */
interface Lane {
  readonly slots: Slot[];
  /** How many of them, from the front, waited when their turn began and are not through yet. */
  lap: number;
}

export interface PassesParts {
  readonly clock: Clock;
  readonly metrics: Metrics;
  /** The viewers of the shard, in the order in which they came. */
  readonly viewers: ReadonlyMap<Connection, Viewer>;
  /** Place of the viewer that came last. */
  readonly lastOrder: () => number;
  /** Notes that a viewer is behind; what it is owed goes into its lag. */
  readonly behind: (viewer: Viewer) => Lag;
  /** A slot has shown the newest state that its watch had when its turn came. */
  readonly passed: (slot: Slot) => void;
}

export class Passes {
  readonly #parts: PassesParts;
  readonly #small: Lane = { slots: [], lap: 0 };
  readonly #large: Lane = { slots: [], lap: 0 };
  /** The passes of many small slots that are written together. */
  #round: Round | undefined;
  /** What was done since `tell`. */
  #done = { frames: 0, bytes: 0, likes: 0, skipped: 0 };

  constructor(parts: PassesParts) {
    this.#parts = parts;
  }

  /** Asks for the newest state of the slot's video to be shown. */
  mail(slot: Slot): void {
    if (slot.queued) return;
    slot.queued = true;
    (slot.count <= smallSlotMax ? this.#small : this.#large).slots.push(slot);
  }

  /** Which lanes hold work. */
  get smallWait(): boolean {
    return this.#small.slots.length > 0 || this.#round !== undefined;
  }

  get largeWait(): boolean {
    return this.#large.slots.length > 0;
  }

  /** Whether slots that waited when their turn began are not all written yet. */
  get smallLap(): boolean {
    return this.#round !== undefined || this.#small.lap > 0;
  }

  get largeLap(): boolean {
    return this.#large.lap > 0;
  }

  /**
   * Writes likes of the small slots that wait now; what comes meanwhile waits until they are through. Returns
   * the writes done, at most about `budget`.
   */
  stepSmall(budget: number): number {
    if (!this.smallLap) {
      if (isWorthRound(this.#small.slots, this.#parts.viewers.size)) this.#beginRound();
      this.#small.lap = this.#small.slots.length;
    }
    const used = this.#round ? this.#stepRound(this.#round, budget) : 0;
    return used < budget ? used + this.#stepLane(this.#small, budget - used) : used;
  }

  /** As `stepSmall`, for large slots. */
  stepLarge(budget: number): number {
    if (!this.largeLap) this.#large.lap = this.#large.slots.length;
    return this.#stepLane(this.#large, budget);
  }

  #stepLane(lane: Lane, budget: number): number {
    const nowMs = this.#parts.clock.now();
    let used = 0;
    while (used < budget && lane.lap > 0) {
      const slot = lane.slots[0] as Slot;
      used += this.#stepPass(slot, lane.slots, budget - used, nowMs);
      if (!slot.pass) lane.lap--;
    }
    return used;
  }

  /** Moves what was done since the last call into the metrics, which cost too much to touch at every slot. */
  tell(): void {
    const { frames, bytes, likes, skipped } = this.#done;
    const { metrics } = this.#parts;
    if (frames === 0 && skipped === 0) return;
    if (frames > 0) {
      metrics.frames.inc({ event: "likes" }, frames);
      metrics.bytes.inc(bytes);
      metrics.likesDelivered.inc(likes);
    }
    if (skipped > 0) metrics.skipped.inc(skipped);
    this.#done = { frames: 0, bytes: 0, likes: 0, skipped: 0 };
  }

  /** A part of a likes pass; takes the slot out of `lane` when it is through. */
  #stepPass(slot: Slot, lane: Slot[], budget: number, nowMs: number): number {
    const pass = slot.pass ?? this.#beginPass(slot, undefined);
    if (!pass) {
      lane.shift();
      this.#endPass(slot);
      return 1;
    }
    const { viewers } = slot;
    const stop = Math.min(pass.end, pass.position + budget);
    let writes = 0;
    for (; pass.position < stop; pass.position++) {
      const viewer = viewers[pass.position];
      if (viewer && this.#show(viewer, slot, pass, nowMs)) writes++;
    }
    this.#count(slot, pass, writes);
    if (pass.position >= pass.end) {
      lane.shift();
      this.#finishPass(slot, pass);
    }
    return Math.max(1, writes);
  }

  /** Begins the passes of all waiting small slots, but of one that is under way already. */
  #beginRound(): void {
    const slots: Slot[] = [];
    const round = new Round(slots, this.#parts.viewers.values(), this.#parts.lastOrder());
    const waiting = this.#small.slots.splice(0);
    for (const slot of waiting) {
      if (slot.pass) this.#small.slots.push(slot);
      else if (this.#beginPass(slot, round)) slots.push(slot);
      else this.#endPass(slot);
    }
    this.#round = round;
  }

  /** A part of a round. */
  #stepRound(round: Round, budget: number): number {
    const nowMs = this.#parts.clock.now();
    let used = 0;
    // Left in the middle, such an iterator goes on where it was.
    for (const viewer of round.rest) {
      round.reached = viewer.order;
      for (const slot of viewer.slots) {
        const { pass } = slot;
        if (!pass || !round.includes(slot, viewer)) continue;
        if (this.#show(viewer, slot, pass, nowMs)) this.#count(slot, pass, 1);
        used++;
      }
      if (used >= budget) return used;
    }
    this.#round = undefined;
    for (const slot of round.slots) {
      if (slot.pass?.round === round) this.#finishPass(slot, slot.pass);
      // Begun anew for all its viewers meanwhile: they have been shown more than this.
      else this.#endPass(slot);
    }
    return used;
  }

  /** Writes a state to one viewer, or notes that it is owed. */
  #show(viewer: Viewer, slot: Slot, pass: Pass, nowMs: number): boolean {
    if (viewer.lag === undefined && viewer.connection.write(pass.bytes, nowMs) === "ok") return true;
    if (!viewer.connection.gone) {
      this.#parts.behind(viewer).stale.add(slot);
      this.#done.skipped++;
    }
    return false;
  }

  #count(slot: Slot, pass: Pass, writes: number): void {
    const done = this.#done;
    done.frames += writes;
    done.bytes += writes * pass.bytes.length;
    done.likes += writes * Math.max(0, pass.likes - slot.likes);
  }

  #finishPass(slot: Slot, pass: Pass): void {
    slot.version = pass.version;
    slot.viewersVersion = pass.viewersVersion;
    slot.likes = pass.likes;
    slot.endWalk();
    this.#endPass(slot);
  }

  #beginPass(slot: Slot, round: Round | undefined): Pass | undefined {
    const { watch } = slot;
    const bytes = slot.count === 0 ? undefined : watch.stateFrame(slot.version, slot.viewersVersion);
    if (!bytes) return undefined;
    slot.pass = {
      bytes,
      version: watch.version,
      viewersVersion: watch.viewersVersion,
      likes: watch.likes,
      end: slot.viewers.length,
      position: 0,
      round,
    };
    slot.beginWalk();
    return slot.pass;
  }

  #endPass(slot: Slot): void {
    slot.pass = undefined;
    if (!slot.queued) return;
    slot.queued = false;
    this.#parts.passed(slot);
  }
}
