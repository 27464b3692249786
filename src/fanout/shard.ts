/**
 * The shard: an actor that owns up to limits.connectionsPerShardMax viewers and writes to them.
 *
 * Its mailbox has two lanes. Comments are runs, kept in order of their seq, so that an id on a stream of
 * several videos means what it says. Likes are slots: a slot that waits already is not put there again, and
 * what it shows is decided when its turn comes, so later likes ride along. Each step does a bounded number of
 * writes; the supervisor decides who steps when.
 */
import type { Clock } from "../base/clock.ts";
import type { Metrics } from "../base/metrics.ts";
import type { VideoId } from "../core/interaction.ts";
import { limits } from "../core/limits.ts";
import type { VideoState } from "../video/state.ts";
import { catchUp, lagOf } from "./catchup.ts";
import type { Connection, ConnectionOwner, EndReason } from "./connection.ts";
import { Passes } from "./passes.ts";
import { type Home, type ResetReason, Slot, seenOf, type Viewer, writableUpTo } from "./slot.ts";

/** Entries of one video in one piece, to be written to everyone in its slot. */
interface Run {
  readonly slot: Slot;
  upTo: number;
}

export interface ShardEvents {
  /** A viewer's stream has ended, for whatever reason. */
  left(viewer: Viewer, reason: EndReason): void;
  /** The first viewer of a video is here, or the last has left. */
  opened(slot: Slot): void;
  closed(slot: Slot): void;
  /** A slot has shown the newest state that its watch had when its turn came. */
  passed(slot: Slot): void;
}

export class Shard implements ConnectionOwner, Home {
  readonly #clock: Clock;
  readonly #metrics: Metrics;
  readonly #events: ShardEvents;
  readonly #viewers = new Map<Connection, Viewer>();
  readonly #slots = new Map<VideoId, Slot>();
  readonly #behind = new Set<Viewer>();
  /** The lane of likes. */
  readonly passes: Passes;
  #runs: Run[] = [];
  #lastOrder = 0;
  /** Viewers of more than one video: only for them does the order between videos matter. */
  #mixed = 0;

  constructor(clock: Clock, metrics: Metrics, events: ShardEvents) {
    this.#clock = clock;
    this.#metrics = metrics;
    this.#events = events;
    this.passes = new Passes({
      ...{ clock, metrics, viewers: this.#viewers },
      lastOrder: () => this.#lastOrder,
      behind: (viewer) => this.#lag(viewer),
      passed: (slot) => events.passed(slot),
    });
  }

  get size(): number {
    return this.#viewers.size;
  }

  get mixed(): boolean {
    return this.#mixed > 0;
  }

  get behind(): number {
    return this.#behind.size;
  }

  viewers(): Iterable<Viewer> {
    return this.#viewers.values();
  }

  // ---- joining and leaving

  /** Takes a viewer that watches nothing yet. */
  add(viewer: Viewer): void {
    viewer.order = ++this.#lastOrder;
    this.#viewers.set(viewer.connection, viewer);
  }

  /** Begins to watch: from here on the viewer gets what comes after the slot's cursor. */
  join(viewer: Viewer, watch: VideoState): Slot {
    let slot = this.#slots.get(watch.video);
    if (!slot) {
      slot = new Slot(watch);
      this.#slots.set(watch.video, slot);
      this.#events.opened(slot);
    }
    slot.add(viewer);
    viewer.slots.push(slot);
    if (viewer.slots.length === 2) this.#mixed++;
    return slot;
  }

  /** Stops watching. False when it did not. */
  leave(viewer: Viewer, video: VideoId): boolean {
    const slot = this.#slots.get(video);
    if (!slot?.remove(viewer)) return false;
    viewer.slots.splice(viewer.slots.indexOf(slot), 1);
    viewer.seen?.slots.delete(slot);
    viewer.lag?.fresh.delete(slot);
    viewer.lag?.missed.delete(slot);
    viewer.lag?.stale.delete(slot);
    if (viewer.slots.length === 1) this.#mixed--;
    if (slot.count === 0) this.#drop(slot);
    return true;
  }

  ended(connection: Connection, reason: EndReason): void {
    const viewer = this.#viewers.get(connection);
    if (!viewer) return;
    this.#viewers.delete(connection);
    this.#behind.delete(viewer);
    this.#events.left(viewer, reason);
    if (viewer.slots.length > 1) this.#mixed--;
    for (const slot of viewer.slots) {
      slot.remove(viewer);
      if (slot.count === 0) this.#drop(slot);
    }
  }

  #drop(slot: Slot): void {
    this.#slots.delete(slot.watch.video);
    // A pass that counts on this slot must not wait for it; its mailbox entries find nobody and end.
    if (slot.queued) this.#events.passed(slot);
    slot.queued = false;
    this.#events.closed(slot);
  }

  // ---- mailbox

  /** Asks for entries up to `upTo` to be written. */
  mailEntries(slot: Slot, upTo: number): void {
    const last = this.#runs.at(-1);
    if (last?.slot === slot) {
      last.upTo = upTo;
    } else if (this.#runs.length < limits.mailboxRunsMax) {
      this.#runs.push({ slot, upTo });
    } else {
      // Full: everyone here is served from history instead, in order, when the sweep comes by.
      for (const viewer of slot.viewers) if (viewer) this.#owe(viewer, slot, slot.cursor, 0);
      slot.cursor = upTo;
    }
  }

  /** Whether comments wait. */
  get entriesWait(): boolean {
    return this.#runs.length > 0;
  }

  /** Writes waiting comments. Returns the writes done: at most `budget`, and the rest of one run. */
  stepEntries(budget: number): number {
    const nowMs = this.#clock.now();
    let used = 0;
    while (used < budget && this.#runs.length > 0) used += this.#stepRun(this.#runs.shift() as Run, nowMs);
    return used;
  }

  // ---- writing

  /** One comment run, whole: comments are short and go before everything else. */
  #stepRun(run: Run, nowMs: number): number {
    const { slot, upTo } = run;
    const after = slot.cursor;
    if (slot.count === 0 || upTo <= after) return 0;
    const { history } = slot.watch;
    if (after < history.floor) {
      // More came at once than history holds: what lies between is not here to be written.
      this.restart(slot, "history", nowMs);
      return Math.max(1, slot.count);
    }
    const bytes = history.bytes(after, upTo);
    let writes = 0;
    slot.beginWalk();
    for (const viewer of slot.viewers) {
      if (!viewer) continue;
      const seenSeq = viewer.seen ? seenOf(viewer, slot) : 0;
      if (seenSeq >= upTo) continue;
      if (viewer.lag || (viewer.slots.length > 1 && writableUpTo(viewer, slot) < upTo)) {
        this.#owe(viewer, slot, after, bytes.length);
        continue;
      }
      const some = seenSeq > after ? history.bytes(seenSeq, upTo) : bytes;
      if (some.length === 0) continue;
      if (viewer.connection.write(some, nowMs) === "lagging") this.#owe(viewer, slot, after, some.length);
      else writes++;
    }
    slot.endWalk();
    slot.cursor = upTo;
    this.#metrics.frames.inc({ event: "comment" }, writes);
    this.#metrics.bytes.inc(writes * bytes.length);
    return Math.max(1, writes);
  }

  /** Writes what has no place in the order to all in `slot` whose readers take it; the others go without. */
  tellAll(slot: Slot, bytes: Uint8Array, nowMs: number): void {
    let writes = 0;
    for (const viewer of slot.viewers) if (viewer?.connection.write(bytes, nowMs) === "ok") writes++;
    this.#metrics.frames.inc({ event: "retract" }, writes);
    this.#metrics.bytes.inc(writes * bytes.length);
  }

  // ---- readers that are behind

  /** Marks a viewer as being served from history; it joins the sweep. */
  #lag(viewer: Viewer) {
    this.#behind.add(viewer);
    return lagOf(viewer);
  }

  #owe(viewer: Viewer, slot: Slot, after: number, bytes: number): void {
    if (viewer.connection.gone) return;
    const lag = this.#lag(viewer);
    if (!lag.missed.has(slot)) lag.missed.set(slot, Math.max(after, seenOf(viewer, slot)));
    lag.owedBytes += bytes;
    if (lag.owedBytes > limits.owedBytesMax) viewer.connection.end("slow");
  }

  /** Owes a viewer the beginning of `slot`; with a reason, it is told first that it begins anew. */
  begin(viewer: Viewer, slot: Slot, reason: ResetReason | undefined): void {
    this.#lag(viewer).fresh.set(slot, reason);
  }

  /** Begins `slot` anew for all its viewers: what they have seen cannot be continued. */
  restart(slot: Slot, reason: ResetReason, nowMs: number): void {
    const { watch } = slot;
    this.#runs = this.#runs.filter((run) => run.slot !== slot);
    if (slot.pass) {
      slot.pass = undefined;
      slot.endWalk();
    }
    slot.cursor = watch.history.tip;
    slot.version = watch.version;
    slot.viewersVersion = watch.viewersVersion;
    slot.likes = watch.likes;
    slot.beginWalk();
    for (const viewer of slot.viewers) {
      if (!viewer) continue;
      viewer.seen?.slots.delete(slot);
      this.begin(viewer, slot, reason);
      this.serve(viewer, nowMs);
    }
    slot.endWalk();
  }

  /** Owes a viewer everything of `slot` after `after`, up to the slot's cursor: replay is catching up. */
  replay(viewer: Viewer, slot: Slot, after: number): void {
    const lag = this.#lag(viewer);
    lag.missed.set(slot, after);
    lag.stale.add(slot);
  }

  /** Serves those that are behind as far as their readers take it. */
  sweepBehind(nowMs: number): void {
    for (const viewer of this.#behind) {
      if (nowMs - viewer.connection.lastMs > viewer.connection.idleMs) viewer.connection.end("idle");
      else if (catchUp(viewer, nowMs, this.#metrics)) this.#behind.delete(viewer);
    }
  }

  /** Serves one of those now, if it is behind. */
  serve(viewer: Viewer, nowMs: number): void {
    if (viewer.lag && catchUp(viewer, nowMs, this.#metrics)) this.#behind.delete(viewer);
  }

  /** Writes a beat to every viewer whose silence has lasted long enough, or to `all`. */
  beat(bytes: Uint8Array, nowMs: number, all: boolean): void {
    let writes = 0;
    for (const { connection } of this.#viewers.values()) {
      if (!all && nowMs - connection.lastMs < connection.beatMs) continue;
      if (connection.write(bytes, nowMs) === "ok") writes++;
      // A beat that is not taken is how a silent stream's dead reader is noticed.
      else if (nowMs - connection.lastMs > connection.idleMs) connection.end("idle");
    }
    if (writes > 0) this.#metrics.frames.inc({ event: "beat" }, writes);
  }
}
