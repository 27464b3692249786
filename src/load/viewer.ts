/**
 * One viewer: what it was shown so far, and what each signal changes about that.
 *
 * It is told of signals and keeps score in a `Tally` shared by its process; it owns no socket (audience.ts
 * does) and makes no verdict (check.ts does). Fields are plain and always present: there are thousands.
 */
import type { CommentSignal, Signal, State } from "./events.ts";
import { Latency } from "./latency.ts";
import { Places, Reading } from "./places.ts";
import { Repeats, type StreamReader } from "./stream.ts";

/** What all viewers of one video in this process share. */
export class Channel {
  readonly video: string;
  readonly repeats: Repeats;
  readonly places = new Places();

  constructor(video: string) {
    this.video = video;
    this.repeats = new Repeats(video);
  }
}

/** Counted over all viewers of this process, from its start. Times in milliseconds. */
export class Tally {
  dialled = 0;
  failedDials = 0;
  /** Viewers that got their first snapshot at least once. */
  connected = 0;
  reconnected = 0;
  likesFrames = 0;
  commentFrames = 0;
  otherFrames = 0;
  /** Likes shown: each frame counts by how much it raised that viewer's total. */
  delivered = 0;
  bytes = 0;
  /** Frames older than what the viewer had already been shown; skipped, as a client does. */
  stale = 0;
  /** Totals that went down although the version did not. */
  fell = 0;
  repeats = 0;
  disorder = 0;
  resets = 0;
  /** Comments a `reset` passed over. */
  passed = 0;
  byes = 0;
  /** Streams that ended without `bye`. */
  cuts = 0;
  /** Streams given up because their bytes made no sense. */
  broken = 0;
  /** Answers other than 200, where an EventSource would have given up for good. */
  refused = 0;
  stalledReset = 0;
  bad = 0;
  /** The first few reasons why something was `bad`, `broken` or `refused`. */
  readonly examples: string[] = [];
  /** Unix ms of the latest frame that raised a total or brought a comment. */
  lastNewsMs = 0;
  readonly likesMs = Latency.empty();
  readonly commentsMs = Latency.empty();
  readonly connectMs = Latency.empty();
  readonly reconnectMs = Latency.empty();
  /** Both kinds since the last look: what the progress line shows. */
  readonly recentMs = Latency.empty();

  example(why: string): void {
    if (this.examples.length < 5 && !this.examples.includes(why)) this.examples.push(why);
  }
}

export type ViewerPhase = "idle" | "dialling" | "open" | "away" | "stalled" | "gone";

export class Viewer {
  readonly index: number;
  readonly channel: Channel;
  /** This one stops reading after its first snapshot. */
  readonly stalls: boolean;
  target: number;
  phase: ViewerPhase = "idle";
  socket: unknown = undefined;
  stream: StreamReader | undefined = undefined;
  state: State | undefined = undefined;
  readonly reading = new Reading();
  lastEventId = "";
  retryMs = 3000;
  fails = 0;
  /** When this connection was dialled, and when the one before was lost; Unix ms, 0 for never. */
  dialledMs = 0;
  lostMs = 0;
  resets = 0;
  #resetting = false;
  saidBye = false;

  constructor(index: number, channel: Channel, target: number, stalls: boolean) {
    this.index = index;
    this.channel = channel;
    this.target = target;
    this.stalls = stalls;
  }

  /** Takes one signal in; `nowMs` is when its bytes arrived. */
  take(signal: Signal, nowMs: number, tally: Tally): void {
    if (signal.id !== undefined) this.lastEventId = signal.id;
    if (signal.retryMs !== undefined) this.retryMs = signal.retryMs;
    if (signal.kind === "likes") this.#likes(signal, nowMs, tally);
    else if (signal.kind === "comment") this.#comment(signal, nowMs, tally);
    else this.#other(signal, nowMs, tally);
  }

  #other(signal: Exclude<Signal, CommentSignal>, nowMs: number, tally: Tally): void {
    tally.otherFrames++;
    if (signal.kind === "snapshot") this.#snapshot(signal, nowMs, tally);
    else if (signal.kind === "reset") this.#reset(tally);
    else if (signal.kind === "bye") {
      this.saidBye = true;
      this.retryMs = signal.backInMs;
    } else if (signal.kind === "bad") {
      tally.bad++;
      tally.example(signal.why);
    }
  }

  #likes(signal: State, nowMs: number, tally: Tally): void {
    tally.likesFrames++;
    if (!this.state) {
      tally.bad++;
      tally.example("likes: it came before the snapshot");
      return;
    }
    const rise = this.#raise(this.state, signal, tally);
    // A frame that brings nothing new (an echo of the last one) says nothing about how long news takes.
    if (rise <= 0) return;
    tally.lastNewsMs = nowMs;
    tally.likesMs.record(nowMs - signal.atMs);
    tally.recentMs.record(nowMs - signal.atMs);
  }

  /** Shows newer totals; answers by how much the sum rose. */
  #raise(before: State, signal: State, tally: Tally): number {
    if (signal.version < before.version) {
      tally.stale++;
      return 0;
    }
    this.state = signal;
    const rise = signal.sum - before.sum;
    if (rise < 0) {
      tally.fell++;
      tally.example(`totals of ${this.channel.video} fell from ${before.sum} to ${signal.sum}`);
    } else tally.delivered += rise;
    return rise;
  }

  #snapshot(signal: State, nowMs: number, tally: Tally): void {
    const first = this.state === undefined;
    const shown = signal.comments.map((comment) => this.channel.places.place(comment));
    tally.passed += this.reading.show(shown, first || this.#resetting, this.channel.places);
    this.#resetting = false;
    if (this.state) this.#raise(this.state, signal, tally);
    else this.state = signal;
    if (first) {
      tally.connected++;
      tally.connectMs.record(nowMs - this.dialledMs);
    }
  }

  #comment(signal: CommentSignal, nowMs: number, tally: Tally): void {
    tally.commentFrames++;
    if (signal.place < 0) signal.place = this.channel.places.place(signal.comment, signal.text);
    const seen = this.reading.see(signal.place, this.channel.places);
    if (seen === "repeat") {
      tally.repeats++;
      tally.example(`comment ${signal.comment} came twice`);
      return;
    }
    if (seen === "disorder") {
      tally.disorder++;
      tally.example(`comment ${signal.comment} came after a later one`);
    }
    tally.lastNewsMs = nowMs;
    tally.commentsMs.record(nowMs - signal.atMs);
    tally.recentMs.record(nowMs - signal.atMs);
  }

  #reset(tally: Tally): void {
    tally.resets++;
    this.resets++;
    this.#resetting = true;
  }
}
