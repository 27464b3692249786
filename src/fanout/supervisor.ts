/**
 * The supervisor owns the shards, gives each viewer to one, and decides who writes when.
 *
 * Mark on the event, deliver on the turn: whatever happens only puts slots and walks into the lanes of the
 * shards, at the pace of their video; `#turn` does a bounded number of writes and gives the event loop back.
 * Every lane that has work has a share of every turn, so neither a quiet video nor a newcomer waits for a
 * walk over a large audience, nor that for them (supervisor.test.ts).
 */
import type { Clock, Timer } from "../base/clock.ts";
import type { Metrics } from "../base/metrics.ts";
import { limits } from "../core/limits.ts";
import type { ResetReason } from "../core/sse.ts";
import { beatFrame, bytesOf } from "../core/sse.ts";
import type { VideoState } from "../video/state.ts";
import { type LaneName, laneNames } from "./lanes.ts";
import { Pace } from "./pace.ts";
import { Shard, type ShardEvents } from "./shard.ts";
import type { Slot, Viewer } from "./slot.ts";

/** How often readers that are behind are looked at, in ms. */
const sweepMs = 50;
/** Viewers up to which a shard takes those of further videos; above, it keeps its room for those it has. */
const shardShare = limits.connectionsPerShardMax / 8;
/**
 * How long the bus may be away before viewers hear of it, in ms: a NATS server that restarts is back by
 * then.
 */
const staleAfterMs = 1_000;

export interface SupervisorParts {
  readonly clock: Clock;
  readonly metrics: Metrics;
  /** The window of a tick, in ms; 0: laps follow each other without pause. */
  readonly tickMs: number;
  /** The window of comments, in ms. */
  readonly commentTickMs: number;
  /** How often due beats are looked for, in ms. */
  readonly beatSweepMs: number;
  readonly left: ShardEvents["left"];
  /** Whether what viewers see may be out of date: told with every beat, and when it changes for long. */
  readonly stale: () => boolean;
}

export class Supervisor {
  readonly #parts: SupervisorParts;
  readonly #shards: Shard[] = [];
  /** The videos with viewers here. */
  readonly #paces = new Map<VideoState, Pace>();
  #turning = false;
  /** The shard with which the next turn of each lane begins. */
  readonly #next: Record<LaneName, number> = { small: 0, large: 0, aside: 0 };
  /** What beats say, and when that is looked at again. */
  #stale = false;
  #staleTimer: Timer | undefined;
  readonly #timers: Timer[];

  constructor(parts: SupervisorParts) {
    this.#parts = parts;
    const { clock } = parts;
    parts.metrics.beforeRead(() => {
      for (const shard of this.#shards) shard.tellMetrics();
    });
    this.#timers = [
      clock.every(sweepMs, () => this.#sweep()),
      clock.every(parts.beatSweepMs, () => this.#beat(false)),
    ];
  }

  /**
   * A shard with room: one that has viewers of `watch` already, so that a state finds many of its viewers in
   * one place; else the emptiest, unless all have their share of videos.
   */
  place(watch: VideoState | undefined): Shard {
    for (const shard of (watch && this.#paces.get(watch)?.slots.keys()) ?? []) {
      if (shard.size < limits.connectionsPerShardMax) return shard;
    }
    let emptiest: Shard | undefined;
    for (const shard of this.#shards) if (!emptiest || shard.size < emptiest.size) emptiest = shard;
    if (emptiest && emptiest.size < shardShare) return emptiest;
    const { clock, metrics, left } = this.#parts;
    const shard: Shard = new Shard(clock, metrics, {
      left,
      opened: (slot) => this.#opened(shard, slot),
      closed: (slot) => this.#closed(shard, slot),
      passed: ({ watch }) => this.#paces.get(watch)?.passed(),
    });
    this.#shards.push(shard);
    return shard;
  }

  #opened(shard: Shard, slot: Slot): void {
    const { watch } = slot;
    const pace = this.#paces.get(watch) ?? new Pace({ ...this.#parts, wake: () => this.#wake() }, watch);
    this.#paces.set(watch, pace);
    pace.slots.set(shard, slot);
  }

  #closed(shard: Shard, { watch }: Slot): void {
    const pace = this.#paces.get(watch);
    pace?.slots.delete(shard);
    if (!pace || pace.slots.size > 0) return;
    pace.close();
    this.#paces.delete(watch);
  }

  /** All viewers of this node. */
  *viewers(): Iterable<Viewer> {
    for (const shard of this.#shards) yield* shard.viewers();
  }

  close(): void {
    for (const timer of this.#timers) timer.cancel();
    for (const pace of this.#paces.values()) pace.close();
    this.#staleTimer?.cancel();
  }

  // ---- what happens

  /** `watch` has something new: totals, a viewer count, entries. Its viewers are shown it at its pace. */
  changed(watch: VideoState): void {
    this.#paces.get(watch)?.due();
  }

  /** Begins `watch` anew for all its viewers. */
  restart(watch: VideoState, reason: ResetReason): void {
    for (const [shard, slot] of this.#paces.get(watch)?.slots ?? []) shard.restart(slot, reason);
    this.#wake();
  }

  /** Tells all viewers of `watch` whose readers take it of a removal before its turn, or of its state. */
  tellAll(watch: VideoState, event: "retract" | "state", bytes: Uint8Array): void {
    for (const [shard, slot] of this.#paces.get(watch)?.slots ?? []) shard.tellAll(slot, event, bytes);
    this.#wake();
  }

  // ---- turns

  #wake(): void {
    if (this.#turning) return;
    this.#turning = true;
    this.#parts.clock.soon(() => this.#turn());
  }

  /** What happens on a turn: each lane that has work gets its share, and what others leave of theirs. */
  #turn(): void {
    const working = laneNames.filter((lane) => this.#shards.some((shard) => shard.waits(lane)));
    let budget: number = limits.stepWritesMax;
    let lanes = working.length;
    for (const lane of working) budget -= this.#step(lane, budget / lanes--);
    this.#turning = false;
    if (laneNames.some((lane) => this.#shards.some((shard) => shard.waits(lane)))) this.#wake();
  }

  /**
   * The turn stays with a shard until what waited there is through, and the next one begins behind the last
   * that had work: all viewers are written to in the same order again and again, so that each hears of its
   * video as often as the next. Returns the writes done.
   */
  #step(lane: LaneName, budget: number): number {
    const shards = this.#shards;
    let used = 0;
    for (let i = 0, at = this.#next[lane]; i < shards.length && used < budget; i++, at++) {
      const shard = shards[at % shards.length] as Shard;
      if (!shard.waits(lane)) continue;
      used += shard.step(lane, budget - used);
      this.#next[lane] = shard.inLap(lane) ? at : at + 1;
    }
    return used;
  }

  #sweep(): void {
    let behind = 0;
    for (const shard of this.#shards) {
      shard.serveBehind();
      behind += shard.behind;
      shard.tellMetrics();
    }
    this.#parts.metrics.lagging.set(behind);
    if (behind > 0) this.#wake();
  }

  // ---- beats

  /**
   * What `stale` answers has changed: if that lasts, every viewer is told without waiting for its next
   * beat.
   */
  staleChanged(): void {
    this.#staleTimer ??= this.#parts.clock.after(staleAfterMs, () => {
      this.#staleTimer = undefined;
      if (this.#parts.stale() === this.#stale) return;
      this.#stale = !this.#stale;
      this.#beat(true);
    });
  }

  /** A beat to all, or to those whose silence has lasted long enough. */
  #beat(all: boolean): void {
    const bytes = bytesOf(beatFrame(this.#parts.clock.date(), this.#stale));
    for (const shard of this.#shards) shard.beat(bytes, all);
    this.#wake();
  }
}
