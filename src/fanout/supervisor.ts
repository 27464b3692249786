/**
 * The supervisor owns the shards, gives each viewer to one, and decides who writes when.
 *
 * Mark on the event, deliver on the turn: whatever happens only puts slots and walks into the lanes of the
 * shards, at the pace of their video; `#turn` does a bounded number of writes and gives the event loop back.
 * Every lane that has work has a share of every turn, so neither a quiet video nor a newcomer waits for a
 * walk over a large audience, nor that for them (supervisor.test.ts).
 *
 * Newcomers are a cohort of their own, so that those who were here before keep their pace while thousands
 * come at once, however many of these never read a byte: a reader that takes nothing is gone before it
 * would count as one who stays (cohort.test.ts). Where nobody has come lately there is one cohort.
 */
import { type Clock, type Elapsed, later, longAgo, type Timer } from "../base/clock.ts";
import type { Metrics } from "../base/metrics.ts";
import { limits } from "../core/limits.ts";
import type { ResetReason } from "../core/sse.ts";
import { beatFrame, bytesOf } from "../core/sse.ts";
import type { VideoState } from "../video/state.ts";
import { Cohort } from "./cohort.ts";
import { Shard, type ShardEvents } from "./shard.ts";
import type { Slot, Viewer } from "./slot.ts";

/** How often readers that are behind are looked at, in ms. */
const sweepMs = 50;
/** A turn comes about this long after the last one, in ms, where nothing else keeps the loop busy. */
const turnEveryMs = 4;
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
  /** How long after its first viewer a shard counts as one of newcomers, in ms. */
  readonly newcomersMs: number;
  /** How often due beats are looked for, in ms. */
  readonly beatSweepMs: number;
  readonly left: ShardEvents["left"];
  /** Whether what viewers see may be out of date: told with every beat, and when it changes for long. */
  readonly stale: () => boolean;
}

export class Supervisor {
  readonly #parts: SupervisorParts;
  readonly #settled: Cohort;
  readonly #newcomers: Cohort;
  readonly #cohorts: readonly Cohort[];
  #turning = false;
  /** When the next turn was asked for. */
  #askedMs: Elapsed = longAgo;
  /** What beats say, and when that is looked at again. */
  #stale = false;
  #staleTimer: Timer | undefined;
  readonly #timers: Timer[];

  constructor(parts: SupervisorParts) {
    this.#parts = parts;
    const { clock } = parts;
    const pacing = { ...parts, wake: () => this.#wake() };
    this.#settled = new Cohort(pacing);
    this.#newcomers = new Cohort(pacing);
    this.#cohorts = [this.#settled, this.#newcomers];
    parts.metrics.beforeRead(() => {
      for (const shard of this.#shards()) shard.tellMetrics();
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
    for (const cohort of watch ? this.#cohorts : []) {
      for (const [shard] of cohort.slotsOf(watch as VideoState)) {
        if (shard.size < limits.connectionsPerShardMax) return shard;
      }
    }
    let emptiest: Shard | undefined;
    for (const shard of this.#shards()) if (!emptiest || shard.size < emptiest.size) emptiest = shard;
    if (emptiest && emptiest.size < shardShare) return emptiest;
    const { clock, metrics, left } = this.#parts;
    const shard: Shard = new Shard(clock, metrics, {
      left,
      opened: (slot) => this.#cohortOf(shard).add(shard, slot),
      closed: (slot) => this.#cohorts.some((cohort) => cohort.delete(shard, slot)),
      passed: (slot) => this.#passed(shard, slot),
    });
    this.#newcomers.shards.push(shard);
    return shard;
  }

  *#shards(): Iterable<Shard> {
    for (const cohort of this.#cohorts) yield* cohort.shards;
  }

  #cohortOf(shard: Shard): Cohort {
    return this.#newcomers.shards.includes(shard) ? this.#newcomers : this.#settled;
  }

  #passed(shard: Shard, slot: Slot): void {
    const { pacer } = slot;
    // Its shard has settled while it waited: who paced it counts on it once more.
    if (this.#newcomers.has(slot) && this.#cohortOf(shard) === this.#settled) this.#settle(shard, slot);
    pacer?.passed();
  }

  #settle(shard: Shard, slot: Slot): void {
    this.#newcomers.delete(shard, slot);
    this.#settled.add(shard, slot);
    this.#settled.due(slot.watch);
  }

  /** Shards whose viewers have been here for long go over to the others like them; empty ones come back. */
  #regroup(): void {
    const sinceMs = later(this.#parts.clock.elapsed(), -this.#parts.newcomersMs);
    const [settled, newcomers] = [this.#settled.shards, this.#newcomers.shards];
    for (const shard of newcomers.filter(({ size, sinceMs: from }) => size > 0 && from <= sinceMs)) {
      newcomers.splice(newcomers.indexOf(shard), 1);
      settled.push(shard);
      for (const slot of shard.slots()) if (!slot.queued) this.#settle(shard, slot);
    }
    for (const shard of settled.filter(({ size }) => size === 0)) {
      settled.splice(settled.indexOf(shard), 1);
      newcomers.push(shard);
    }
  }

  /** All viewers of this node. */
  *viewers(): Iterable<Viewer> {
    for (const shard of this.#shards()) yield* shard.viewers();
  }

  close(): void {
    for (const timer of this.#timers) timer.cancel();
    for (const cohort of this.#cohorts) cohort.close();
    this.#staleTimer?.cancel();
  }

  // ---- what happens

  /** `watch` has something new: totals, a viewer count, entries. Its viewers are shown it at its pace. */
  changed(watch: VideoState): void {
    for (const cohort of this.#cohorts) cohort.due(watch);
  }

  /** Begins `watch` anew for all its viewers. */
  restart(watch: VideoState, reason: ResetReason): void {
    for (const [shard, slot] of this.#slotsOf(watch)) shard.restart(slot, reason);
    this.#wake();
  }

  /** Tells all viewers of `watch` whose readers take it of a removal before its turn, or of its state. */
  tellAll(watch: VideoState, event: "retract" | "state", bytes: Uint8Array): void {
    for (const [shard, slot] of this.#slotsOf(watch)) shard.tellAll(slot, event, bytes);
    this.#wake();
  }

  *#slotsOf(watch: VideoState): Iterable<[Shard, Slot]> {
    for (const cohort of this.#cohorts) yield* cohort.slotsOf(watch);
  }

  // ---- turns

  #wake(): void {
    if (this.#turning) return;
    this.#turning = true;
    this.#askedMs = this.#parts.clock.elapsed();
    this.#parts.clock.soon(() => this.#turn());
  }

  /**
   * What happens on a turn: each lane that has work gets its share, and what others leave of theirs. While
   * newcomers keep the loop busy, a turn that comes late does more for those who were here before.
   */
  #turn(): void {
    const [settled, newcomers] = [this.#settled.lanes(), this.#newcomers.lanes()];
    const lateMs = this.#parts.clock.elapsed() - this.#askedMs;
    const late = newcomers.length > 0 ? Math.min(lateMs / turnEveryMs, limits.lateTurnsMax) : 0;
    const extra = (late * limits.stepWritesMax) / Math.max(1, settled.length);
    let budget: number = limits.stepWritesMax;
    let lanes = settled.length + newcomers.length;
    for (const lane of settled) {
      const share = budget / lanes--;
      budget -= Math.min(share, this.#settled.step(lane, share + extra));
    }
    for (const lane of newcomers) budget -= this.#newcomers.step(lane, budget / lanes--);
    this.#turning = false;
    if (this.#cohorts.some((cohort) => cohort.lanes().length > 0)) this.#wake();
  }

  #sweep(): void {
    let behind = 0;
    this.#regroup();
    for (const shard of this.#shards()) {
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
    for (const shard of this.#shards()) shard.beat(bytes, all);
    this.#wake();
  }
}
