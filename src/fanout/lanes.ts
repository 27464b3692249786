/**
 * The lanes of a shard: what waits there to be walked.
 *
 * What waits in the first two is a slot, never a frame: what it shows is decided when its turn comes, and is
 * all that is due to its viewers by then, comments, totals and viewer count, in one write. Small slots and
 * large ones wait apart, so that a quiet video does not wait for a loud one. The third lane holds walks of
 * their own: beats, and serving those who are behind. Each step does a bounded number of writes; the
 * supervisor decides who steps when, and sees to it that every lane has its share.
 *
 * Many small slots at once are walked together, in a round: slot by slot, the viewers of a thousand videos
 * are visited in an order that has nothing to do with where they lie in memory, and waiting for memory cost
 * as much as the writes themselves (10,000 viewers of 1,000 videos: half of the frames a second). Viewer by
 * viewer, in the order in which they came, each finds its video's bytes, of which there are few.
 */
import type { Clock, Elapsed } from "../base/clock.ts";
import { limits } from "../core/limits.ts";
import type { History } from "../video/history.ts";
import { type CatchUp, joined } from "./catchup.ts";
import type { Showing, Slot, Viewer } from "./slot.ts";
import type { Tally } from "./tally.ts";
import { type Visit, Walk } from "./walk.ts";

/** The lanes in the order in which a turn serves them. */
export const laneNames = ["small", "large", "aside"] as const;
export type LaneName = (typeof laneNames)[number];

/** Slots of at most this many viewers wait in the lane of small ones. */
const smallSlotMax = limits.connectionsPerShardMax / 4;
/** Fewer slots are walked as they come: their viewers lie where they lie. */
const roundSlotsMin = 8;
const nothing = new Uint8Array(0);

/** Slots that wait, in order. */
interface Lane {
  readonly slots: Slot[];
  /** How many of them, from the front, waited when their turn began and are not through yet. */
  lap: number;
}

export interface LanesParts {
  readonly clock: Clock;
  readonly tally: Tally;
  readonly catchUp: CatchUp;
  /** The viewers of the shard, mostly in the order in which they came; a copy. */
  readonly viewers: () => Viewer[];
  readonly size: () => number;
  /** A slot has shown what was newest when its turn came. */
  readonly passed: (slot: Slot) => void;
  /** More came at once than the history of a slot's video holds. */
  readonly overrun: (slot: Slot) => void;
}

/** The slots of a round and the walk along all viewers of the shard. */
interface Round {
  readonly slots: readonly Slot[];
  readonly walk: Walk<Viewer>;
}

export class Lanes {
  readonly #parts: LanesParts;
  readonly #small: Lane = { slots: [], lap: 0 };
  readonly #large: Lane = { slots: [], lap: 0 };
  #round: Round | undefined;
  readonly #asides: Walk<Viewer>[] = [];

  constructor(parts: LanesParts) {
    this.#parts = parts;
  }

  /** Asks for the newest of the slot's video to be shown. A slot that waits already waits once. */
  mail(slot: Slot): void {
    if (slot.queued) return;
    slot.queued = true;
    (slot.count <= smallSlotMax ? this.#small : this.#large).slots.push(slot);
  }

  /** Asks for `walk` to be stepped. */
  aside(walk: Walk<Viewer>): void {
    this.#asides.push(walk);
  }

  /** Whether no more asides should be put there than must be. */
  get crowded(): boolean {
    return this.#asides.length >= limits.asidesMax;
  }

  /** The slot's video begins anew: what is on its way goes no further. */
  drop(slot: Slot): void {
    if (slot.showing) this.#count(slot, slot.showing);
    slot.showing = undefined;
  }

  /** A comment of the slot's video was removed: who is not reached yet is not shown it any more. */
  remake(slot: Slot): void {
    const { showing } = slot;
    if (!showing) return;
    this.#count(slot, showing);
    fill(slot, showing);
  }

  /** Whether something waits in a lane. */
  waits(lane: LaneName): boolean {
    if (lane === "aside") return this.#asides.length > 0;
    return lane === "small"
      ? this.#small.slots.length > 0 || this.#round !== undefined
      : this.#large.slots.length > 0;
  }

  /** Whether something that waited in a lane when its turn began is not through yet. */
  inLap(lane: LaneName): boolean {
    if (lane === "aside") return this.#asides.length > 0;
    return lane === "small" ? this.#round !== undefined || this.#small.lap > 0 : this.#large.lap > 0;
  }

  /**
   * Walks what waits in a lane now; what comes meanwhile waits until that is through. Returns the writes
   * done, at most about `budget`.
   */
  step(lane: LaneName, budget: number): number {
    const nowMs = this.#parts.clock.elapsed();
    if (lane === "aside") return this.#stepAsides(budget, nowMs);
    if (lane === "small") return this.#stepSmall(budget, nowMs);
    if (!this.inLap("large")) this.#large.lap = this.#large.slots.length;
    return this.#stepLane(this.#large, budget, nowMs);
  }

  #stepSmall(budget: number, nowMs: Elapsed): number {
    if (!this.inLap("small")) {
      if (this.#isWorthRound()) this.#beginRound();
      this.#small.lap = this.#small.slots.length;
    }
    let used = 0;
    if (this.#round) {
      used = this.#round.walk.step(budget, nowMs);
      if (this.#round.walk.over) this.#endRound(this.#round);
    }
    return used < budget ? used + this.#stepLane(this.#small, budget - used, nowMs) : used;
  }

  #stepLane(lane: Lane, budget: number, nowMs: Elapsed): number {
    let used = 0;
    while (used < budget && lane.lap > 0) {
      const slot = lane.slots[0] as Slot;
      const walk = slot.showing?.walk ?? this.#begin(slot);
      used += walk ? walk.step(budget - used, nowMs) : 1;
      if (walk && !walk.over) continue;
      lane.slots.shift();
      lane.lap--;
      this.#end(slot);
    }
    return used;
  }

  #stepAsides(budget: number, nowMs: Elapsed): number {
    let used = 0;
    while (used < budget) {
      const [walk] = this.#asides;
      if (!walk) break;
      used += walk.step(budget - used, nowMs);
      if (walk.over) this.#asides.shift();
    }
    return used;
  }

  /** Whether a round pays, over all viewers of the shard, for the small slots that wait. */
  #isWorthRound(): boolean {
    const { slots } = this.#small;
    if (slots.length < roundSlotsMin) return false;
    let writes = 0;
    for (const slot of slots) writes += slot.count;
    return 2 * writes >= this.#parts.size();
  }

  /** Begins a round for all small slots that wait: none of them is walked yet. */
  #beginRound(): void {
    const slots: Slot[] = [];
    const walk: Walk<Viewer> = new Walk(this.#parts.viewers(), (viewer, nowMs) => {
      // Who has no places of its own watches one video at most.
      const slot = viewer.slots[0];
      if (viewer.own === undefined && slot?.showing?.walk !== walk) return 0;
      return this.#show(viewer, slot, walk, nowMs);
    });
    for (const slot of this.#small.slots.splice(0)) {
      if (this.#beginShowing(slot, walk, false)) slots.push(slot);
      else this.#end(slot);
    }
    this.#round = { slots, walk };
  }

  #endRound({ slots }: Round): void {
    this.#round = undefined;
    for (const slot of slots) this.#end(slot);
  }

  /** Begins the walk of one slot; undefined when its viewers are up to date. */
  #begin(slot: Slot): Walk<Viewer> | undefined {
    const visit: Visit<Viewer> = (viewer, nowMs) => this.#show(viewer, slot, walk, nowMs);
    const walk: Walk<Viewer> = new Walk(slot.viewers.slice(), visit);
    return this.#beginShowing(slot, walk, true) ? walk : undefined;
  }

  /** Makes the bytes for all who stand with `slot`, once. False when nothing is due to them. */
  #beginShowing(slot: Slot, walk: Walk<Viewer>, alone: boolean): boolean {
    const { watch, seq, version, viewersVersion, likes } = slot;
    const { history } = watch;
    if (slot.count === 0) return false;
    if (slot.entriesDue && seq < history.floor) {
      this.#parts.overrun(slot);
      return false;
    }
    const state = watch.stateFrame(version, viewersVersion);
    // One literal and no spread: this is done for each of thousands of videos, many times a second.
    const showing: Showing = {
      seq,
      version,
      viewersVersion,
      likes,
      walk,
      alone,
      state,
      bytes: state ?? nothing,
      entries: 0,
      entryBytes: 0,
      writes: 0,
    };
    slot.advance(slot.entriesDue ? reach(history, seq) : undefined);
    if (seq < slot.seq) fill(slot, showing);
    if (showing.bytes.length === 0) return false;
    slot.showing = showing;
    return true;
  }

  /** Writes what `slot` is showing to one viewer, or notes that it is owed. */
  #show(viewer: Viewer, slot: Slot | undefined, walk: Walk<Viewer>, nowMs: Elapsed): number {
    if (viewer.own !== undefined) return this.#parts.catchUp.visit(viewer, viewer.own, walk, nowMs);
    const showing = slot?.showing;
    if (!slot || !showing || showing.bytes.length === 0) return 0;
    if (viewer.connection.write(showing.bytes, nowMs) === "ok") showing.writes++;
    else this.#parts.catchUp.refused(viewer, slot, showing);
    return 1;
  }

  #count(slot: Slot, showing: Showing): void {
    this.#parts.tally.shown(showing, slot);
    showing.writes = 0;
  }

  #end(slot: Slot): void {
    this.drop(slot);
    if (!slot.queued) return;
    slot.queued = false;
    this.#parts.passed(slot);
  }
}

/** Up to where entries behind `after` go into one write: at least one, and all if they are not too many. */
function reach(history: History, after: number): number {
  let size = 0;
  let end = after;
  for (const { seq, bytes } of history.frames(after, history.tip)) {
    if (size > 0 && size + bytes.length > limits.writeBytesMax) return end;
    size += bytes.length;
    end = seq;
  }
  return history.tip;
}

/** Puts together what brings viewers from where they stood to where `slot` stands: entries, then state. */
function fill({ watch: { history }, seq }: Slot, showing: Showing): void {
  const { state } = showing;
  const due = history.bytes(showing.seq, seq);
  let entries = 0;
  // Of entries that are removed nothing is written.
  for (const { bytes } of history.frames(showing.seq, seq)) if (bytes.length > 0) entries++;
  showing.entries = entries;
  showing.entryBytes = due.length;
  showing.bytes = entries === 0 || !state ? (state ?? due) : joined([due, state], due.length + state.length);
}
