/**
 * The feed brings watches up to date and keeps them so: first state, live ticks and entries, holes.
 *
 * Live messages are at most once, so each entry names the one before it; a hole is filled from a dispatcher
 * before anything later is shown. A loss behind which nothing comes is noticed by nobody, so every watch is
 * asked for now and then, and all of them after the bus was away. What a dispatcher holds is read once per
 * video and node, never per viewer, and by few requests at a time.
 *
 * The log is the authority: what was heard and is beyond what the log holds is not true, whoever said it, and
 * the video begins anew from the log (hearsay.ts).
 */

import type { Reader } from "../asking/reader.ts";
import type { Clock, Timer } from "../base/clock.ts";
import type { Metrics } from "../base/metrics.ts";
import type { Prng } from "../base/prng.ts";
import { Sweep } from "../base/sweep.ts";
import type { Bus, Position } from "../bus/bus.ts";
import { type Entry, isClearing } from "../core/entry.ts";
import { limits } from "../core/limits.ts";
import { decodeLive, type State } from "../core/wire.ts";
import { Follows } from "./follows.ts";
import { Hearsay } from "./hearsay.ts";
import { dueByHearing, dueByStamp } from "./held.ts";
import { Reach } from "./reach.ts";
import { Regions } from "./regions.ts";
import type { Heard, VideoState } from "./state.ts";
import { Strangers } from "./strangers.ts";

/** Requests for state under way at once. */
const askingMax = 32;
const retryMinMs = 250;
const retryMaxMs = 1_000;
/** Watches looked at on one turn when all are asked for. */
const refreshMax = 512;
/** How often a hole is asked for before the entry behind it is taken for one that the log does not know. */
const fillsMax = 5;

export interface FeedEvents {
  /** The first state has come: viewers can be let in. */
  ready(watch: VideoState): void;
  stateChanged(watch: VideoState): void;
  entriesCame(watch: VideoState): void;
  /** `entry` has come and may not be shown to its audience yet. */
  entryHeld(watch: VideoState, entry: Entry): void;
  /** What viewers had cannot be continued: the history has begun anew. */
  restarted(watch: VideoState, reason: "epoch" | "history" | "deleted"): void;
}

export interface FeedParts {
  readonly bus: Bus;
  readonly reader: Reader;
  readonly clock: Clock;
  readonly prng: Prng;
  readonly metrics: Metrics;
  readonly commentHistory: number;
  /** Of other kinds nothing is shown. */
  readonly kinds: readonly string[];
}

export class Sync {
  readonly #parts: FeedParts;
  readonly #events: FeedEvents;
  readonly #followed: Follows;
  /** Watches to ask for, in order; a Set, so that a watch waits once. */
  readonly #toAsk = new Set<VideoState>();
  #asking = 0;
  /** Watches whose log is another one than before: their newest page is wanted, not what follows the old. */
  readonly #anew = new Set<VideoState>();
  readonly #strangers = new Strangers();
  /** Watches with a hole that was asked for in vain, and how often. */
  readonly #fills = new Map<VideoState, number>();
  /** When the next entries of a watch are released. */
  readonly #releases = new Map<VideoState, Timer>();
  readonly #reach: Reach;
  readonly #hearsay: Hearsay;
  readonly #regions = new Regions();
  readonly #timer: Timer;
  /** Watches that are to be asked for, as they all are. */
  readonly #refreshing: Sweep<VideoState>;

  constructor(parts: FeedParts, events: FeedEvents) {
    this.#parts = parts;
    this.#events = events;
    this.#reach = new Reach(parts.reader, parts.clock);
    this.#followed = new Follows({
      bus: parts.bus,
      tick: (watch, payload) => this.#tick(watch, payload),
      entry: (watch, payload, position) => this.#entry(watch, payload, position),
    });
    this.#hearsay = new Hearsay(new Set(parts.kinds));
    const { clock, metrics } = parts;
    metrics.beforeRead(() => metrics.regions.set(this.#regions.count(clock.elapsed())));
    this.#timer = parts.clock.every(limits.recheckEveryMs, () => this.#recheck());
    this.#refreshing = new Sweep({
      ...{ clock: parts.clock, turnMax: refreshMax },
      act: (watch) => {
        if (this.#followed.has(watch)) this.#ask(watch);
        return true;
      },
    });
  }

  /** Asks for nothing more of its own accord. */
  close(): void {
    this.#timer.cancel();
    this.#refreshing.close();
    for (const timer of this.#releases.values()) timer.cancel();
    this.#releases.clear();
  }

  /** Subscribes first, then asks, so that nothing falls between. */
  follow(watch: VideoState): void {
    this.#followed.add(watch, this.#parts.clock.elapsed());
    this.#ask(watch);
  }

  /** Somebody comes to a watch that may have stood without viewers, who are what it is rechecked for. */
  wake(watch: VideoState): void {
    const askedMs = this.#followed.askedMs(watch);
    const nowMs = this.#parts.clock.elapsed();
    if (askedMs === undefined || watch.phase !== "live" || nowMs - askedMs < limits.recheckMs) return;
    this.#followed.asked(watch, nowMs);
    this.#ask(watch);
  }

  unfollow(watch: VideoState): void {
    this.#followed.delete(watch);
    this.#toAsk.delete(watch);
    this.#anew.delete(watch);
    this.#fills.delete(watch);
    this.#strangers.forget(watch);
    this.#releases.get(watch)?.cancel();
    this.#releases.delete(watch);
  }

  /** Asks for every watch anew: live messages may have been lost, and what comes now waits for the answer. */
  refresh(): void {
    for (const watch of this.#followed) watch.doubt();
    this.#refreshing.each(this.#followed);
  }

  /** As Reach.extend. */
  extend(watch: VideoState, after: number): Promise<boolean> {
    return this.#reach.extend(watch, after);
  }

  #tick(watch: VideoState, payload: Uint8Array): void {
    const tick = this.#hearsay.tick(payload, watch.video);
    if (!tick) {
      this.#parts.metrics.invalidMessages.inc();
      return;
    }
    this.#regions.hear(tick.region, this.#parts.clock.elapsed());
    if (watch.leaps(tick)) {
      this.#ask(watch);
      return;
    }
    if (!watch.tick(tick) || watch.phase === "loading") return;
    const { hopSeconds, traced } = this.#parts.metrics;
    traced?.received({ ...tick, video: watch.video, receivedMs: this.#parts.clock.date() });
    hopSeconds.observe(Math.max(0, tick.durableMs - tick.atMs) / 1000, "durable");
    hopSeconds.observe(Math.max(0, tick.tickedMs - tick.atMs) / 1000, "ticked");
    hopSeconds.observe(Math.max(0, this.#parts.clock.date() - tick.atMs) / 1000, "received");
    this.#events.stateChanged(watch);
  }

  #entry(watch: VideoState, payload: Uint8Array, position: Position | undefined): void {
    const live = position && decodeLive(payload, watch.video, position.seq, position.previous);
    if (!live) {
      this.#parts.metrics.invalidMessages.inc();
      return;
    }
    const { entry, branch } = live;
    this.#strangers.note(entry, branch);
    if (watch.phase !== "loading" && this.#isStrange(watch, entry)) return;
    const { clock } = this.#parts;
    const received = watch.receive(entry, clock.elapsed(), dueByHearing(entry, clock));
    if (received === "appended") this.#events.entriesCame(watch);
    else if (received === "held") this.#held(watch, entry);
    else if (received === "hole") this.#ask(watch);
    else if (received === "cleared") this.#cleared(watch);
  }

  /** The video was deleted: its viewers are told so, and what it has since. */
  #cleared(watch: VideoState): void {
    this.#releases.get(watch)?.cancel();
    this.#releases.delete(watch);
    this.#events.restarted(watch, "deleted");
  }

  #isStrange(watch: VideoState, entry: Entry): boolean {
    const isStrange = this.#strangers.has(watch, entry);
    if (isStrange) this.#ask(watch);
    return isStrange;
  }

  #held(watch: VideoState, entry: Entry): void {
    this.#events.entryHeld(watch, entry);
    if (!this.#releases.has(watch)) this.#releaseAt(watch, watch.held.dueMs);
  }

  #releaseAt(watch: VideoState, atMs: number | undefined): void {
    if (atMs === undefined) return;
    const { clock } = this.#parts;
    const timer = clock.after(Math.max(0, atMs - clock.elapsed()), () => this.#release(watch));
    this.#releases.set(watch, timer);
  }

  /** Shows what has been held long enough, and sees to it that the rest will be. */
  #release(watch: VideoState): void {
    this.#releases.get(watch)?.cancel();
    this.#releases.delete(watch);
    const nowMs = this.#parts.clock.elapsed();
    const released = watch.release(nowMs, limits.releaseMax);
    if (released > 0) this.#events.entriesCame(watch);
    if (watch.missed && watch.held.roomy) {
      watch.missed = false;
      this.#ask(watch);
    }
    // So many at once overrun nobody's history: those before are written until the next come.
    const pauseMs = released < limits.releaseMax ? 0 : limits.releasePauseMs;
    const { dueMs } = watch.held;
    this.#releaseAt(watch, dueMs === undefined ? undefined : Math.max(dueMs, nowMs + pauseMs));
  }

  /** Asks for the watch that was not asked for longest, if that is long enough ago. */
  #recheck(): void {
    const nowMs = this.#parts.clock.elapsed();
    for (const watch of this.#followed) {
      if (nowMs - (this.#followed.askedMs(watch) ?? nowMs) < limits.recheckMs) return;
      this.#followed.asked(watch, nowMs);
      if (watch.viewers === 0 || watch.phase !== "live") continue;
      this.#ask(watch);
      return;
    }
  }

  #ask(watch: VideoState): void {
    this.#toAsk.add(watch);
    this.#askNext();
  }

  #askNext(): void {
    while (this.#asking < askingMax) {
      const [watch] = this.#toAsk;
      if (!watch) return;
      this.#toAsk.delete(watch);
      this.#asking++;
      void this.#askFor(watch).finally(() => {
        this.#asking--;
        this.#askNext();
      });
    }
  }

  #askLater(watch: VideoState): void {
    const { clock, prng } = this.#parts;
    clock.after(prng.between(retryMinMs, retryMaxMs), () => {
      if (this.#followed.has(watch)) this.#ask(watch);
    });
  }

  async #askFor(watch: VideoState): Promise<void> {
    const { reader, commentHistory } = this.#parts;
    const newest = watch.phase === "loading" || this.#anew.has(watch);
    const limit = Math.min(commentHistory, limits.historyEntriesMax);
    const { history } = watch;
    const heard = watch.heard();
    const state = newest
      ? await reader.newest(watch.video, limit, limits.snapshotCommentsMax, this.#parts.clock.date())
      : await reader.state(watch.video, watch.tip, limits.pageEntriesMax);
    if (!this.#followed.has(watch)) return;
    // What was asked behind a place of before the history began anew is no answer to where it stands now.
    if (!newest && watch.history !== history) this.#ask(watch);
    else if ("rejected" in state) this.#askLater(watch);
    else this.#adopt(watch, state, newest, heard);
  }

  /** Takes what was answered; much may have happened since it was asked, when `heard` was what was known. */
  #adopt(watch: VideoState, state: State, newest: boolean, heard: Heard): void {
    const loading = watch.phase === "loading";
    const judged = loading
      ? undefined
      : this.#hearsay.judge(watch, state, heard, this.#parts.clock.elapsed());
    const wrong = judged === "doubted" ? undefined : judged;
    if (judged === "doubted") this.#askLater(watch);
    const cut = !loading && (wrong !== undefined || !watch.continuedBy(state));
    if (cut && !newest) {
      this.#anew.add(watch);
      this.#ask(watch);
      return;
    }
    this.#anew.delete(watch);
    const tooOld = !loading && !cut && state.page.floor > watch.tip;
    if (tooOld && newest) {
      // Asked for twice, and the first answer is further on than this one reaches back.
      this.#ask(watch);
      return;
    }
    if (wrong) {
      this.#parts.metrics.contradicted.inc();
      watch.disown(wrong);
    }
    const moved = this.#begin(watch, state, loading || cut || tooOld);
    // After what it begins with: a deletion in there is older than what the log says now.
    if (loading && state.closed) watch.over.byLog = true;
    if (loading) {
      this.#events.ready(watch);
    } else if (cut || tooOld) {
      this.#events.restarted(watch, cut ? "epoch" : "history");
      // What came meanwhile was let go: it may have been of either history.
      if (cut) this.#ask(watch);
    } else {
      this.#fill(watch, state);
      if (moved) this.#events.stateChanged(watch);
    }
    this.#takeWaiting(watch, state);
    if (this.#strangers.await(watch)) this.#askLater(watch);
    if (!watch.missed && !state.page.more) return;
    // What does not fit is asked for when there is room: see `#release`.
    watch.missed = !watch.held.roomy;
    if (!watch.missed) this.#ask(watch);
  }

  /** Takes totals and what is known of the log, and begins the history if told to. True when totals moved. */
  #begin(watch: VideoState, state: State, anew: boolean): boolean {
    const { clock } = this.#parts;
    const { byRules } = watch.over;
    if (anew) watch.begin(state, clock.elapsed(), (entry) => dueByStamp(entry, clock));
    // A deletion that it begins with is of before; rules are of now.
    watch.over.byRules = byRules;
    const moved = watch.adopt(state, clock.date());
    if (anew) this.#release(watch);
    return moved;
  }

  #fill(watch: VideoState, state: State): void {
    const { clock } = this.#parts;
    const nowMs = clock.elapsed();
    const filled = watch.phase === "filling";
    watch.phase = "live";
    const before = watch.tip;
    let appended = false;
    for (const entry of state.page.entries) {
      if (entry.seq <= watch.tip) continue;
      const entered = watch.enter(entry, nowMs, dueByStamp(entry, clock));
      if (entered === "cleared") this.#cleared(watch);
      else if (entered === "held") this.#held(watch, entry);
      else if (entered === "appended") appended = true;
    }
    if (filled && watch.tip > before) this.#parts.metrics.gapsFilled.inc();
    if (appended) this.#events.entriesCame(watch);
  }

  /** Entries that came meanwhile continue what was answered, or show that it was not all. */
  #takeWaiting(watch: VideoState, state: State): void {
    const { head, more } = state.page;
    const { clock } = this.#parts;
    const fills = this.#fills.get(watch) ?? 0;
    for (const entry of watch.takeWaiting()) {
      if (this.#isStrange(watch, entry)) continue;
      const follows = watch.held.full || entry.previous <= watch.tip || isClearing(entry);
      const isHole = watch.phase === "live" && !follows;
      const isFar = entry.seq > head + limits.leapMax;
      // The log was asked for all up to its head, and then often enough: it does not know this entry.
      if (isFar || (isHole && (fills >= fillsMax || (!more && entry.seq <= head)))) {
        this.#parts.metrics.invalidMessages.inc();
        continue;
      }
      const received = watch.receive(entry, clock.elapsed(), dueByStamp(entry, clock));
      if (received === "appended") this.#events.entriesCame(watch);
      else if (received === "held") this.#held(watch, entry);
      else if (received === "cleared") this.#cleared(watch);
    }
    // What is asked for next, as there is more, may well fill it.
    if (more) return;
    if (watch.phase !== "filling") {
      this.#fills.delete(watch);
      return;
    }
    this.#fills.set(watch, fills + 1);
    // At once the first time: it came while this was being answered. Then the log needs time.
    if (fills === 0) this.#ask(watch);
    else this.#askLater(watch);
  }
}
