/**
 * The pace of one video: where its viewers are, and when what is due to them begins its way.
 *
 * All that is due goes along in one lap over its slots: comments of the window, newest totals, viewer count.
 * After quiet it begins at once. A lap that took long stretches the window of both kinds alike, so that
 * neither starves the other and a part of the time stays free, in which more comes together (pace.test.ts).
 */
import { type Clock, type Elapsed, later, longAgo, type Timer } from "../base/clock.ts";
import { Few } from "../base/few.ts";
import type { Metrics } from "../base/metrics.ts";
import type { VideoState } from "../video/state.ts";
import type { Shard } from "./shard.ts";
import type { Slot } from "./slot.ts";

/**
 * A viewer who heard nothing for 200 ms answers each of the next 16 frames with a packet of its own (quick
 * acks: tcp_event_data_recv in Linux' tcp_input.c), and on the machine of the server that makes a write cost
 * half as much again; so a window that can stays below that, with room for its unrest, in ms.
 */
const hurryMs = 160;
/** Viewers above which a lap is worth asking the clock for the work it took. */
const longLapMin = 256;

export interface PaceParts {
  readonly clock: Clock;
  readonly metrics: Metrics;
  /** The window of a tick, in ms; 0: laps follow each other without pause. */
  readonly tickMs: number;
  /** The window of comments, in ms. */
  readonly commentTickMs: number;
  /** Something waits in the lanes. */
  readonly wake: () => void;
}

/** What is due, on its way to all viewers here. */
interface Lap {
  readonly startMs: Elapsed;
  /** Work done before it, for a lap over many where the clock tells work. */
  readonly startWorkMs: number | undefined;
  /** When the oldest like it shows was accepted, Unix ms; 0 when it shows none. */
  readonly oldestMs: number;
  /** Whether comments go along. */
  readonly entries: boolean;
  /** Slots that have not shown it. */
  left: number;
}

export class Pace {
  /** Where the shards keep this video's viewers. */
  readonly slots = new Few<Shard, Slot>();
  readonly #parts: PaceParts;
  readonly #watch: VideoState;
  #lap: Lap | undefined;
  /** Before that nothing begins. */
  #nextMs: Elapsed = longAgo;
  /** Before that nothing begins for comments alone. */
  #nextTalkMs: Elapsed = longAgo;
  #timer: Timer | undefined;
  #timerMs: Elapsed = longAgo;

  constructor(parts: PaceParts, watch: VideoState) {
    this.#parts = parts;
    this.#watch = watch;
  }

  /** Something has come: it begins its way now, when the window ends, or after what is under way. */
  due(): void {
    this.#look(false);
  }

  /** `over`: the window has ended, also where a timer was a little early. */
  #look(over: boolean): void {
    if (this.#lap) return;
    let state = false;
    let entries = false;
    for (let at = 0; at < this.slots.size; at++) {
      const slot = this.slots.valueAt(at);
      state ||= slot.stateDue;
      entries ||= slot.entriesDue;
    }
    if (!state && !entries) return;
    const nowMs = this.#parts.clock.elapsed();
    const atMs = state || this.#nextMs > this.#nextTalkMs ? this.#nextMs : this.#nextTalkMs;
    if (over || atMs <= nowMs) this.#begin(nowMs, entries);
    else if (!this.#timer || atMs < this.#timerMs) this.#wait(nowMs, atMs);
  }

  /** `slot` has shown what was newest when its turn came, or nobody is there any more. */
  passed(): void {
    const lap = this.#lap;
    if (lap && --lap.left === 0) this.#end(lap);
  }

  close(): void {
    this.#timer?.cancel();
  }

  #wait(nowMs: Elapsed, atMs: Elapsed): void {
    this.#timer?.cancel();
    this.#timerMs = atMs;
    this.#timer = this.#parts.clock.after(atMs - nowMs, () => {
      this.#timer = undefined;
      this.#look(true);
    });
  }

  #begin(nowMs: Elapsed, entries: boolean): void {
    const { clock, commentTickMs, wake } = this.#parts;
    this.#timer?.cancel();
    this.#timer = undefined;
    let left = 0;
    let viewers = 0;
    let { version } = this.#watch;
    for (let at = 0; at < this.slots.size; at++) {
      const slot = this.slots.valueAt(at);
      if (slot.queued || !(slot.stateDue || slot.entriesDue)) continue;
      this.slots.keyAt(at).mail(slot);
      version = Math.min(version, slot.version);
      viewers += slot.count;
      left++;
    }
    if (left === 0) return;
    if (entries) this.#nextTalkMs = later(nowMs, commentTickMs);
    const oldestMs = version < this.#watch.version ? this.#watch.oldestAfter(version) : 0;
    const startWorkMs = viewers > longLapMin ? clock.worked?.() : undefined;
    this.#lap = { startMs: nowMs, startWorkMs, oldestMs, entries, left };
    wake();
  }

  #end({ startMs, startWorkMs, oldestMs, entries }: Lap): void {
    const { tickMs, commentTickMs, clock, metrics } = this.#parts;
    this.#lap = undefined;
    const tookMs = clock.elapsed() - startMs;
    metrics.passSeconds.observe(tookMs / 1000);
    if (oldestMs > 0) {
      metrics.hopSeconds.observe(Math.max(0, clock.date() - oldestMs) / 1000, "written");
      metrics.traced?.written(oldestMs, clock.date());
    }
    // What counts is work: time that other processes had the core for does not make viewers wait twice.
    const worked = startWorkMs === undefined ? undefined : clock.worked?.();
    const workMs = worked === undefined ? tookMs : worked - (startWorkMs ?? 0);
    const windowMs = windowOf(workMs, entries ? Math.min(tickMs, commentTickMs) : tickMs);
    this.#nextMs = later(startMs, Math.max(tookMs, windowMs));
    this.due();
  }
}

/**
 * How long after its begin the next lap begins at the earliest, in ms, when one took `workMs`. The
 * dispatcher keeps the window of `tickMs`; it is stretched here so that an eighth of the time stays free
 * between laps: likes merge meanwhile. Less stays free where that keeps the window below `hurryMs`.
 */
export function windowOf(workMs: number, tickMs: number): number {
  const windowMs = workMs + Math.max(tickMs / 8, Math.min(workMs / 7, hurryMs - workMs));
  return tickMs > 0 && windowMs > tickMs ? windowMs : 0;
}
