/**
 * What this node knows of one watched video: its newest totals, its viewers, its history, and the bytes that
 * say so.
 *
 * State comes in from the bus (ticks, entries, viewer counts) and leaves as frames. A frame is made when the
 * first shard asks for it and kept for the others at the same place: encode once, write many times.
 */
import { added, Few, none } from "../base/few.ts";
import { type Entry, isClearing } from "../core/entry.ts";
import type { VideoId } from "../core/interaction.ts";
import { limits } from "../core/limits.ts";
import { Lineage } from "../core/lineage.ts";
import type { By } from "../core/record.ts";
import type { ResetReason } from "../core/sse.ts";
import { bytesOf, likesFrame, resetFrame, snapshotFrame, viewersFrame } from "../core/sse.ts";
import { likesOf, newest, noTotals, sumLogs, type Totals } from "../core/totals.ts";
import type { State, Tick } from "../core/wire.ts";
import { Held } from "./held.ts";
import { History } from "./history.ts";
import { Over } from "./over.ts";

/** A tick that some shard may not have shown yet. */
interface Recent {
  readonly version: number;
  readonly atMs: number;
}

/** More ticks than shards are ever apart: an older one's `at` is then taken from the oldest here. */
const recentMax = 64;
/** Entries that wait while a hole before them is filled. Beyond: they are asked for again, see `missed`. */
const waitingMax = 1000;
/** Logs whose totals are summed. Beyond: a stranger's are ignored. */
const logsMax = 64;
/** Stands for the log that nobody has named yet: no log is called so. */
const unnamed = "";
/** Until the first state has come. */
const unknown = Lineage.begin("none");

/** The frames that lead to one state. */
interface Frames {
  readonly version: number;
  readonly viewersVersion: number;
  /** Nearly always one: all shards are at the same place. */
  readonly made: Made[];
}

/** A frame for those who were shown `version` and `viewersVersion` last. */
interface Made {
  readonly version: number;
  readonly viewersVersion: number;
  readonly bytes: Uint8Array;
}

/** loading: nothing is known yet. live: entries are appended. filling: some may be missing, and asked for. */
export type Phase = "loading" | "live" | "filling";

/** What was known of a video when the log was asked for it. */
export interface Heard {
  readonly tip: number;
  /** By the name of the log. */
  readonly logs: ReadonlyMap<string, Totals>;
}

/** What was heard and is not in the log. */
export type Contradiction = "totals" | "comments";

/** What became of an entry; see VideoState.receive. */
export type Entered = "appended" | "held" | "known" | "cleared";

export class VideoState {
  readonly video: VideoId;
  phase: Phase = "loading";
  /** Names the log that its totals are of. */
  log = "";
  /** Which places of its comments mean something. */
  lineage = unknown;
  /** What its audience may see. */
  history: History;
  /** What stands behind it and may not be seen yet. */
  held = new Held();
  /** Streams and polls that hold this video here. */
  holders = 0;
  /** Whether two have held it at once. */
  shared = false;
  /** Viewers here: open streams. */
  viewers = 0;
  /** Viewers on all nodes as last told to viewers here, and how often that changed. */
  shownViewers = 0;
  /** Whether it takes nothing more. */
  readonly over = new Over();
  viewersVersion = 0;
  /** The place of the entry that says that all before it was deleted; 0: none is known. */
  clearedAt = 0;
  /** Highest seq of any video that a dispatcher told of: a place above it is in the future. */
  head = 0;
  /** True when entries were let go while waiting, so that they must be asked for again. */
  missed = false;
  #whole = 0;
  readonly #bornMs: number;
  readonly #historyMax: number;
  /** By the name of the log they were folded from; `unnamed` until one was told. */
  readonly #logs = new Few<string, Totals>();
  #named: string | undefined;
  #shown: Totals = noTotals;
  #likes = 0;
  #recent: Recent[] = none;
  #by: readonly By[] = [];
  #waiting: Entry[] = none;
  #frames: Frames | undefined;
  #snapshot: { key: string; bytes: Uint8Array } | undefined;

  constructor(video: VideoId, historyMax: number, nowMs: number) {
    this.video = video;
    this.#bornMs = nowMs;
    this.#historyMax = historyMax;
    this.history = new History(unknown, historyMax, 0, 0);
  }

  get version(): number {
    return this.#shown.version;
  }

  /** The newest place that has come, held or shown. */
  get tip(): number {
    return Math.max(this.history.tip, this.held.tip);
  }

  /** Highest seq of any video up to which nothing of this one can be missing in `history`, or be held. */
  get whole(): number {
    const { first } = this.held;
    return first === undefined ? this.#whole : Math.min(this.#whole, first - 1);
  }

  get totals(): Totals {
    return this.#shown;
  }

  /** Likes of all kinds in the newest totals. */
  get likes(): number {
    return this.#likes;
  }

  /**
   * Whether more than one viewer's word says that there is such a video: a like, a comment, or another
   * viewer, here or elsewhere. Anybody can make up an id.
   */
  get confirmed(): boolean {
    if (this.shared || this.shownViewers > 1 || this.#likes > 0) return true;
    return this.history.next(0) !== undefined || this.held.first !== undefined;
  }

  /** Takes a tick. True when viewers have something new to see. */
  tick(tick: Tick): boolean {
    if (!this.#merge(tick.log, tick.totals)) return false;
    this.#by = tick.by;
    this.#recent = added(this.#recent, { version: this.version, atMs: tick.atMs });
    if (this.#recent.length > recentMax) this.#recent.shift();
    return true;
  }

  /** What has been heard so far, to be held against an answer to what is asked now. */
  heard(): Heard {
    return { tip: this.tip, logs: new Map(this.#logs) };
  }

  /** Whether `tick` is so far beyond what is known of its log that the log has to be asked first. */
  leaps({ log, totals }: Tick): boolean {
    if (this.phase === "loading" || (log !== undefined && log !== this.log)) return false;
    return totals.version > (this.#logs.get(this.log) ?? noTotals).version + limits.leapMax;
  }

  /** Of what the log holds less, as `state` tells of it, than was heard before it was asked. */
  contradiction({ log, totals, sure, page, lineage }: State, heard: Heard): Contradiction | undefined {
    if (sure && totals.version < (heard.logs.get(log) ?? noTotals).version) return "totals";
    return page.head < heard.tip && lineage.same(this.lineage) ? "comments" : undefined;
  }

  /** What was heard of comments counts no more, nor, if those are what is wrong, of totals. */
  disown(wrong: Contradiction): void {
    if (wrong === "totals") this.#forget();
    this.#forgetPlaces();
  }

  /**
   * Takes what a dispatcher knows: at the start, after a hole, after the bus came back. True when totals
   * moved.
   */
  adopt(state: State, nowMs: number): boolean {
    const { head, more } = state.page;
    if (state.lineage !== this.lineage) {
      this.lineage = state.lineage;
      this.history.turn(state.lineage);
    }
    this.head = Math.max(this.head, head);
    if (!more && !this.missed) this.#whole = Math.max(this.#whole, head);
    const moved = this.#merge(state.log, state.totals);
    if (moved) {
      this.#by = [];
      this.#recent = added(this.#recent, { version: this.version, atMs: nowMs });
    }
    return moved;
  }

  /** Whether all that viewers here may have been told is in the log as `state` tells of it. */
  continuedBy({ log, lineage }: Pick<State, "log" | "lineage">): boolean {
    if (log !== this.log) return false;
    if (lineage.same(this.lineage)) return true;
    return lineage.continues({ branch: this.lineage.newest.name, seq: this.furthest });
  }

  /** The highest place that has been told of, to viewers or by a dispatcher. */
  get furthest(): number {
    return Math.max(this.head, this.tip);
  }

  /** It is not known what comes next: nothing later may be shown before the log has been asked. */
  doubt(): void {
    if (this.phase === "live") this.phase = "filling";
  }

  /**
   * Begins a history from the newest page at `nowMs`, elapsed; `dueOf` an entry, elapsed, is when it may be
   * shown. With another log than before, totals begin anew too.
   */
  begin(state: State, nowMs: number, dueOf: (entry: Entry) => number): void {
    if (this.log !== "" && this.log !== state.log) this.#forget();
    if (this.log !== "" && !state.lineage.same(this.lineage)) this.#forgetPlaces();
    this.log = state.log;
    this.lineage = state.lineage;
    this.history = new History(state.lineage, this.#historyMax, state.page.floor, state.page.floor);
    this.held = new Held();
    this.clearedAt = 0;
    for (const entry of state.page.entries) this.enter(entry, nowMs, dueOf(entry));
    this.phase = "live";
  }

  /** Another log: no number of the old one means anything. */
  #forget(): void {
    this.#logs.clear();
    this.#named = undefined;
    this.#shown = noTotals;
    this.#likes = 0;
    this.#recent = none;
    this.#by = [];
    this.#frames = undefined;
  }

  /** Another history of comments: the same numbers stand for others now. */
  #forgetPlaces(): void {
    this.#waiting = none;
    this.#snapshot = undefined;
    this.head = 0;
    this.#whole = 0;
    this.missed = false;
  }

  /**
   * Takes a live entry, to be shown from `dueMs` on. appended: in order, to be written. held: in order, to be
   * written when it is released. hole: something before it is missing, or it is far beyond all that is known,
   * and the log must be asked; it waits. known:
   * seen before, waiting, or let go to be asked for again. cleared: all before it is gone, and the history
   * has begun anew behind it.
   */
  receive(entry: Entry, nowMs: number, dueMs: number): Entered | "hole" {
    if (this.phase !== "live") {
      if (this.#waiting.length < waitingMax) this.#waiting = added(this.#waiting, entry);
      else this.missed = true;
      return "known";
    }
    if (entry.seq <= this.tip) return "known";
    const isFar = entry.seq > this.furthest + limits.leapMax;
    // Whatever is missing before it is gone.
    if (!isFar && isClearing(entry)) return this.enter(entry, nowMs, dueMs);
    if (isFar || (!this.held.full && entry.previous > this.tip)) {
      this.phase = "filling";
      this.#waiting = added(this.#waiting, entry);
      return "hole";
    }
    return this.enter(entry, nowMs, dueMs);
  }

  /** Takes the entry that comes next, to be shown from `dueMs` on. */
  enter(entry: Entry, nowMs: number, dueMs: number): Entered {
    if (isClearing(entry)) return this.#clear(entry);
    const { first, full } = this.held;
    if (first === undefined && dueMs <= nowMs) {
      this.history.append(entry);
      return "appended";
    }
    if (full) {
      this.missed = true;
      this.#whole = Math.min(this.#whole, this.tip);
      return "known";
    }
    this.held.add(entry, dueMs);
    // What everybody sees already does not stay until its removal has its turn.
    if (entry.type === "retract") this.history.remove(entry.target);
    return "held";
  }

  #clear({ seq }: Entry): "cleared" {
    this.history = new History(this.lineage, this.#historyMax, seq, seq);
    this.held = new Held();
    this.clearedAt = seq;
    Object.assign(this.over, { byRules: false, byLog: false });
    this.missed = false;
    return "cleared";
  }

  /** Moves at most `max` entries whose time has come into the history. How many of them were looked at. */
  release(nowMs: number, max: number): number {
    const { passed, entries } = this.held.take(nowMs, max);
    for (const entry of entries) this.history.append(entry);
    return passed;
  }

  /** Entries that came while loading or filling, oldest first; they are forgotten here. */
  takeWaiting(): Entry[] {
    return this.#waiting.splice(0).sort((a, b) => a.seq - b.seq);
  }

  /**
   * What viewers of a shard that last showed `version` and `viewersVersion` need to see everything now: a
   * likes frame, a viewers frame, or both. Undefined when they are up to date.
   */
  stateFrame(version: number, viewersVersion: number): Uint8Array | undefined {
    if (version >= this.version && viewersVersion >= this.viewersVersion) return undefined;
    let frames = this.#frames;
    if (!frames || frames.version !== this.version || frames.viewersVersion !== this.viewersVersion) {
      frames = { version: this.version, viewersVersion: this.viewersVersion, made: [] };
      this.#frames = frames;
    }
    for (const made of frames.made) {
      if (made.version === version && made.viewersVersion === viewersVersion) return made.bytes;
    }
    let text = "";
    if (version < this.version) text = likesFrame(this.#shownNow(), this.oldestAfter(version), this.#by);
    if (viewersVersion < this.viewersVersion) text += viewersFrame(this.video, this.shownViewers);
    const bytes = bytesOf(text);
    if (this.viewers !== 1 && frames.made.length < recentMax)
      frames.made.push({ version, viewersVersion, bytes });
    return bytes;
  }

  /** When the oldest like that a viewer at `version` has not seen was accepted, Unix ms. */
  oldestAfter(version: number): number {
    // From the newest back: nearly everybody is one tick behind.
    let found = this.#recent.at(-1);
    for (let i = this.#recent.length - 2; i >= 0; i--) {
      const recent = this.#recent[i] as Recent;
      if (recent.version <= version) break;
      found = recent;
    }
    return found?.atMs ?? this.#bornMs;
  }

  /**
   * All of the video for one who joins at the place `seq`; `id` says where the stream then stands, if it
   * stands anywhere yet.
   */
  snapshot(seq: number, id: string | undefined): Uint8Array {
    const key = `${this.version}/${this.viewersVersion}/${seq}/${id}/${this.tip}/${this.over.now}`;
    if (this.#snapshot?.key === key) return this.#snapshot.bytes;
    const comments = this.history.latest(limits.snapshotCommentsMax, seq);
    const text = snapshotFrame(this.#shownNow(), this.shownViewers, comments, id, this.over.now);
    const bytes = bytesOf(text);
    // Of a video with one viewer nobody else will want it.
    if (this.shared || this.holders !== 1) this.#snapshot = { key, bytes };
    return bytes;
  }

  /** Tells viewers that what they had cannot be continued. */
  reset(reason: ResetReason): Uint8Array {
    return bytesOf(resetFrame(this.video, reason));
  }

  #shownNow() {
    return { video: this.video, totals: this.#shown.counts, version: this.#shown.version };
  }

  /** Totals of no log by name are of the first that was named: older nodes know of one only. */
  #merge(log: string | undefined, totals: Totals): boolean {
    if (log !== undefined && this.#named === undefined) this.#name(log);
    const name = log ?? this.#named ?? unnamed;
    const before = this.#logs.get(name) ?? noTotals;
    const after = newest(before, totals);
    if (after === before || (this.#logs.size >= logsMax && !this.#logs.has(name))) return false;
    this.#logs.set(name, after);
    this.#shown = this.#logs.size === 1 ? after : sumLogs(this.#logs.values());
    this.#likes = likesOf(this.#shown.counts);
    return true;
  }

  #name(log: string): void {
    this.#named = log;
    const before = this.#logs.get(unnamed);
    if (before) this.#logs.set(log, before);
    this.#logs.delete(unnamed);
  }
}
