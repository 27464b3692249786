/**
 * A cohort: shards whose viewers have a share of every turn of their own, and paces of their own.
 *
 * There are two, of those who have been here for long and of newcomers (supervisor.ts). Who came first
 * does not wait for a lap over all who came a moment ago, of whom nobody knows yet whether they will ever
 * read what is written to them; what the one does not use of its share of a turn, the other has. Held by
 * cohort.test.ts.
 */
import type { VideoState } from "../video/state.ts";
import { type LaneName, laneNames } from "./lanes.ts";
import { Pace, type PaceParts } from "./pace.ts";
import type { Shard } from "./shard.ts";
import type { Slot } from "./slot.ts";

export class Cohort {
  readonly shards: Shard[] = [];
  readonly #parts: PaceParts;
  /** The videos with viewers here. */
  readonly #paces = new Map<VideoState, Pace>();
  /** The shard with which the next turn of each lane begins. */
  readonly #next: Record<LaneName, number> = { small: 0, large: 0, aside: 0 };

  constructor(parts: PaceParts) {
    this.#parts = parts;
  }

  /** Where `watch` has viewers here. */
  slotsOf(watch: VideoState): Iterable<[Shard, Slot]> {
    return this.#paces.get(watch)?.slots ?? [];
  }

  /** `watch` has something new. */
  due(watch: VideoState): void {
    this.#paces.get(watch)?.due();
  }

  /** `slot` of `shard`, which is here, is shown its video at the pace that this has here. */
  add(shard: Shard, slot: Slot): void {
    const { watch } = slot;
    const pace = this.#paces.get(watch) ?? new Pace(this.#parts, watch);
    this.#paces.set(watch, pace);
    pace.slots.set(shard, slot);
    slot.pacer = pace;
  }

  /** Whether `slot` is paced here. */
  has(slot: Slot): boolean {
    return slot.pacer !== undefined && this.#paces.get(slot.watch) === slot.pacer;
  }

  /** False when it was not here. */
  delete(shard: Shard, slot: Slot): boolean {
    const pace = this.#paces.get(slot.watch);
    if (!pace || !this.has(slot)) return false;
    pace.slots.delete(shard);
    slot.pacer = undefined;
    if (pace.slots.size > 0) return true;
    pace.close();
    this.#paces.delete(slot.watch);
    return true;
  }

  /** The lanes in which something waits. */
  lanes(): LaneName[] {
    return laneNames.filter((lane) => this.shards.some((shard) => shard.waits(lane)));
  }

  /**
   * The turn stays with a shard until what waited there is through, and the next one begins behind the last
   * that had work: all viewers are written to in the same order again and again, so that each hears of its
   * video as often as the next. Returns the writes done.
   */
  step(lane: LaneName, budget: number): number {
    const { shards } = this;
    let used = 0;
    for (let i = 0, at = this.#next[lane]; i < shards.length && used < budget; i++, at++) {
      const shard = shards[at % shards.length] as Shard;
      if (!shard.waits(lane)) continue;
      used += shard.step(lane, budget - used);
      this.#next[lane] = shard.inLap(lane) ? at : at + 1;
    }
    return used;
  }

  close(): void {
    for (const pace of this.#paces.values()) pace.close();
  }
}
