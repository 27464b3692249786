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
  /** Viewers still to be visited, and after them those who came meanwhile. */
  readonly rest: IterableIterator<Viewer>;
  /** Place of the viewer visited last: see Viewer.order. */
  reached = 0;
  /** Place of the last one that was there when it began. */
  readonly #lastOrder: number;
  /** Who was here and came to one of the slots meanwhile. Few: it takes a change of what is watched. */
  readonly #late = new Map<Viewer, Set<Slot>>();

  constructor(slots: readonly Slot[], viewers: IterableIterator<Viewer>, lastOrder: number) {
    this.slots = slots;
    this.rest = viewers;
    this.#lastOrder = lastOrder;
  }

  /** Notes that `viewer` came to `slot` during the round: it has been shown more than its pass shows. */
  came(slot: Slot, viewer: Viewer): void {
    if (viewer.order > this.#lastOrder) return;
    const slots = this.#late.get(viewer);
    if (slots) slots.add(slot);
    else this.#late.set(viewer, new Set([slot]));
  }

  /**
   * Whether its pass of `slot`, which `viewer` watches, is under way and was begun with the viewer in it.
   * Asked for every write, so it looks nothing up in the slot, whose list of viewers lies elsewhere in
   * memory.
   */
  includes(slot: Slot, viewer: Viewer): boolean {
    if (slot.pass?.round !== this || viewer.order > this.#lastOrder) return false;
    return this.#late.size === 0 || this.#late.get(viewer)?.has(slot) !== true;
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
