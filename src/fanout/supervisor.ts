/**
 * The supervisor owns the shards, gives each viewer to one, and decides who writes when.
 *
 * Mark on the event, deliver on the turn: whatever happens only marks a watch; `#turn` does a bounded number
 * of writes and gives the event loop back. Its order is the whole policy: comments of all shards, then likes
 * of small slots, then likes of large ones, so neither a quiet video nor a newcomer waits for a pass over a
 * large audience.
 */
import { type Clock, later, type Timer } from "../base/clock.ts";
import type { Metrics } from "../base/metrics.ts";
import { limits } from "../core/limits.ts";
import { beatFrame, bytesOf } from "../core/sse.ts";
import type { VideoState } from "../video/state.ts";
import { Pace } from "./pace.ts";
import { Shard, type ShardEvents } from "./shard.ts";
import type { ResetReason, Slot, Viewer } from "./slot.ts";

/**
 * A viewer who heard nothing for 200 ms answers each of the next 16 frames with a packet of its own (quick
 * acks: tcp_event_data_recv in Linux' tcp_input.c), and on the machine of the server that makes a write cost
 * half as much again; so a window that can stays below that, with room for its unrest, in ms.
 */
const hurryMs = 160;
/** Viewers above which a pass is worth asking the clock for the work it took. */
const longPassMin = 256;
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
  /** The window of a tick, in ms; 0: passes follow each other without pause. */
  readonly tickMs: number;
  /** The window of comments, in ms. */
  readonly commentTickMs: number;
  /** How often viewers are looked at for beats that are due, in ms. */
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
  readonly #talking = new Set<VideoState>();
  #talkAtMs = 0;
  #talkTimer: Timer | undefined;
  #turning = false;
  #nextTalk = 0;
  #nextSmall = 0;
  #nextLarge = 0;
  /** What beats say, and when that is looked at again. */
  #stale = false;
  #staleTimer: Timer | undefined;
  readonly #timers: Timer[];

  constructor(parts: SupervisorParts) {
    this.#parts = parts;
    const { clock } = parts;
    parts.metrics.beforeRead(() => {
      for (const shard of this.#shards) shard.passes.tell();
    });
    this.#timers = [
      clock.every(sweepMs, () => this.#sweep()),
      clock.every(parts.beatSweepMs, () => this.#beat()),
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
      passed: (slot) => this.#passed(slot),
    });
    this.#shards.push(shard);
    return shard;
  }

  #opened(shard: Shard, slot: Slot): void {
    const { watch } = slot;
    const pace = this.#paces.get(watch) ?? new Pace(watch);
    this.#paces.set(watch, pace);
    pace.slots.set(shard, slot);
  }

  #closed(shard: Shard, { watch }: Slot): void {
    const pace = this.#paces.get(watch);
    pace?.slots.delete(shard);
    if (!pace || pace.slots.size > 0) return;
    pace.timer?.cancel();
    this.#paces.delete(watch);
  }

  /** Begins `watch` anew for all its viewers. */
  restart(watch: VideoState, reason: ResetReason): void {
    const pace = this.#paces.get(watch);
    if (!pace) return;
    pace.flushed = watch.history.tip;
    const nowMs = this.#parts.clock.now();
    for (const [shard, slot] of pace.slots) shard.restart(slot, reason, nowMs);
  }

  /** Writes what has no place in the order to all viewers of `watch` whose readers take it. */
  tellAll(watch: VideoState, bytes: Uint8Array): void {
    const nowMs = this.#parts.clock.now();
    for (const [shard, slot] of this.#paces.get(watch)?.slots ?? []) shard.tellAll(slot, bytes, nowMs);
  }

  /** All viewers of this node. */
  *viewers(): Iterable<Viewer> {
    for (const shard of this.#shards) yield* shard.viewers();
  }

  close(): void {
    for (const timer of this.#timers) timer.cancel();
    for (const pace of this.#paces.values()) pace.timer?.cancel();
    this.#talkTimer?.cancel();
    this.#staleTimer?.cancel();
    this.#talking.clear();
  }

  // ---- likes: one pass over a video's viewers at a time

  /**
   * The totals or the viewer count of `watch` have changed: begins a pass, unless one is under way or due
   * later.
   */
  stateChanged(watch: VideoState): void {
    const pace = this.#paces.get(watch);
    if (!pace || pace.pass || pace.timer) return;
    const waitMs = pace.nextMs - this.#parts.clock.elapsed();
    if (waitMs > 0) {
      pace.timer = this.#parts.clock.after(waitMs, () => {
        pace.timer = undefined;
        this.#beginPass(pace);
      });
    } else {
      this.#beginPass(pace);
    }
  }

  #beginPass(pace: Pace): void {
    const { watch } = pace;
    if (pace.pass) return;
    let left = 0;
    let viewers = 0;
    let version = watch.version;
    for (const [shard, slot] of pace.slots) {
      if (slot.queued || !isBehind(slot)) continue;
      shard.passes.mail(slot);
      version = Math.min(version, slot.version);
      viewers += slot.count;
      left++;
    }
    if (left === 0) return;
    const oldestMs = version < watch.version ? watch.oldestAfter(version) : 0;
    const { clock } = this.#parts;
    const startWorkMs = viewers > longPassMin ? clock.worked?.() : undefined;
    pace.pass = { startMs: clock.elapsed(), startWorkMs, oldestMs, left };
    this.#wake();
  }

  #passed(slot: Slot): void {
    const { watch } = slot;
    const pace = this.#paces.get(watch);
    if (!pace?.pass || --pace.pass.left > 0) return;
    const { tickMs, clock, metrics } = this.#parts;
    const { startMs, startWorkMs, oldestMs } = pace.pass;
    const nowMs = clock.elapsed();
    pace.pass = undefined;
    metrics.passSeconds.observe((nowMs - startMs) / 1000);
    if (oldestMs > 0) metrics.hopSeconds.observe(Math.max(0, clock.date() - oldestMs) / 1000, "written");
    // What counts is work: time that other processes had the core for does not make viewers wait twice.
    const worked = startWorkMs === undefined ? undefined : clock.worked?.();
    const workMs = worked === undefined ? nowMs - startMs : worked - (startWorkMs ?? 0);
    pace.nextMs = later(startMs, Math.max(nowMs - startMs, windowOf(workMs, tickMs)));
    for (const other of pace.slots.values()) {
      if (!isBehind(other)) continue;
      this.stateChanged(watch);
      return;
    }
  }

  // ---- comments: a faster lane

  /** `watch` has new entries: they are handed out now after quiet, or when the comment window ends. */
  entriesCame(watch: VideoState): void {
    this.#talking.add(watch);
    if (this.#talkTimer) return;
    const waitMs = this.#talkAtMs - this.#parts.clock.now();
    // One turn at least: entries of one commit travel together.
    this.#talkTimer = this.#parts.clock.after(Math.max(0, waitMs), () => this.#talk());
  }

  #talk(): void {
    this.#talkTimer = undefined;
    this.#talkAtMs = this.#parts.clock.now() + this.#parts.commentTickMs;
    const talking = [...this.#talking];
    this.#talking.clear();
    const mixed = this.#shards.filter((shard) => shard.mixed);
    if (mixed.length > 0 && talking.length > 1) this.#talkInOrder(talking, mixed);
    for (const watch of talking) {
      const upTo = watch.history.tip;
      const pace = this.#paces.get(watch);
      if (!pace) continue;
      for (const [shard, slot] of pace.slots) if (slot.cursor < upTo) shard.mailEntries(slot, upTo);
      pace.flushed = upTo;
    }
    this.#wake();
  }

  /** Shards with viewers of several videos get the entries of all videos in one order: that of their ids. */
  #talkInOrder(talking: readonly VideoState[], shards: readonly Shard[]): void {
    const places: { pace: Pace; seq: number }[] = [];
    for (const watch of talking) {
      const pace = this.#paces.get(watch);
      if (!pace) continue;
      for (const { seq } of watch.history.frames(pace.flushed, watch.history.tip)) places.push({ pace, seq });
    }
    places.sort((a, b) => a.seq - b.seq);
    for (const shard of shards) {
      for (const { pace, seq } of places) {
        const slot = pace.slots.get(shard);
        if (slot && slot.cursor < seq) shard.mailEntries(slot, seq);
      }
    }
  }

  // ---- turns

  #wake(): void {
    if (this.#turning) return;
    this.#turning = true;
    this.#parts.clock.soon(() => this.#turn());
  }

  /** What happens on a turn, in order. */
  #turn(): void {
    const shards = this.#shards;
    let budget: number = limits.stepWritesMax;
    for (let i = 0; i < shards.length && budget > 0; i++) {
      const shard = shards[(this.#nextTalk + i) % shards.length] as Shard;
      if (shard.entriesWait) budget -= shard.stepEntries(budget);
    }
    this.#nextTalk++;
    const large = shards.some((shard) => shard.passes.largeWait);
    let small = large ? budget / 2 : budget;
    budget -= small;
    // The turn stays with a shard until what waited there is through, and the next one begins behind the last
    // that had work: all viewers are written to in the same order again and again, so that each hears of its
    // video as often as the next.
    for (let i = 0, at = this.#nextSmall; i < shards.length && small > 0; i++, at++) {
      const { passes } = shards[at % shards.length] as Shard;
      if (!passes.smallWait) continue;
      small -= passes.stepSmall(small);
      this.#nextSmall = passes.smallLap ? at : at + 1;
    }
    budget += Math.max(0, small);
    for (let i = 0, at = this.#nextLarge; i < shards.length && budget > 0; i++, at++) {
      const { passes } = shards[at % shards.length] as Shard;
      if (!passes.largeWait) continue;
      budget -= passes.stepLarge(budget);
      this.#nextLarge = passes.largeLap ? at : at + 1;
    }
    this.#turning = false;
    if (shards.some((shard) => shard.entriesWait || shard.passes.smallWait || shard.passes.largeWait))
      this.#wake();
  }

  #sweep(): void {
    const nowMs = this.#parts.clock.now();
    let behind = 0;
    for (const shard of this.#shards) {
      if (shard.behind > 0) shard.sweepBehind(nowMs);
      behind += shard.behind;
      shard.passes.tell();
    }
    this.#parts.metrics.lagging.set(behind);
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
      this.#tellStale(0);
    });
  }

  /** One shard a turn, from the one at `index` on. */
  #tellStale(index: number): void {
    const shard = this.#shards[index];
    if (!shard) return;
    const nowMs = this.#parts.clock.now();
    shard.beat(bytesOf(beatFrame(nowMs, this.#stale)), nowMs, true);
    this.#parts.clock.soon(() => this.#tellStale(index + 1));
  }

  #beat(): void {
    const nowMs = this.#parts.clock.now();
    const bytes = bytesOf(beatFrame(nowMs, this.#stale));
    for (const shard of this.#shards) shard.beat(bytes, nowMs, false);
  }
}

/**
 * How long after its begin the next pass begins at the earliest, in ms, when one took `workMs`. The
 * dispatcher keeps the window of `tickMs`; it is stretched here so that an eighth of the time stays free
 * between passes: likes merge meanwhile. Less stays free where that keeps the window below `hurryMs`.
 */
function windowOf(workMs: number, tickMs: number): number {
  const windowMs = workMs + Math.max(tickMs / 8, Math.min(workMs / 7, hurryMs - workMs));
  return tickMs > 0 && windowMs > tickMs ? windowMs : 0;
}

function isBehind(slot: Slot): boolean {
  return slot.version < slot.watch.version || slot.viewersVersion < slot.watch.viewersVersion;
}
