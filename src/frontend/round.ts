/**
 * A round: the likes passes of many small slots of one shard, written together in the order of its viewers.
 *
 * The distinction it rests on: slot by slot, the viewers of a thousand videos are visited in an order that
 * has nothing to do with where they lie in memory, and waiting for memory cost as much as the writes
 * themselves (10,000 viewers of 1,000 videos: half of the frames a second). Viewer by viewer, in the order in
 * which they came, each finds its video's frame, of which there are few.
 */
import type { Slot, Viewer } from "./slot.ts";

export class Round {
  /** Slots whose pass is part of this round. */
  readonly slots: readonly Slot[];
  /** Viewers still to be visited; who comes during the round is not in its passes. */
  readonly rest: IterableIterator<Viewer>;
  /** Place of the viewer visited last: see Viewer.order. */
  reached = 0;

  constructor(slots: readonly Slot[], viewers: IterableIterator<Viewer>) {
    this.slots = slots;
    this.rest = viewers;
  }

  /** Whether its pass of `slot` is under way and was begun with `viewer` in it. */
  includes(slot: Slot, viewer: Viewer): boolean {
    const { pass } = slot;
    if (pass?.round !== this) return false;
    const index = slot.viewers.indexOf(viewer);
    return index >= 0 && index < pass.end;
  }
}

/** Whether a round over a shard of `viewers` pays for `slots`: else they are written one slot at a time. */
export function isWorthRound(slots: readonly Slot[], viewers: number): boolean {
  if (slots.length < slotsMin) return false;
  let writes = 0;
  for (const slot of slots) writes += slot.count;
  return 2 * writes >= viewers;
}

/** Fewer slots are written as they come: their viewers lie where they lie. */
const slotsMin = 8;
