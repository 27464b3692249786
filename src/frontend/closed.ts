/**
 * Videos that are closed, as this node's viewers are told: those who watch by an event, those who come later
 * in the snapshot. closed.test.ts, system/moderation.test.ts and system/life.test.ts hold that.
 */
import type { Clock } from "../base/clock.ts";
import type { VideoId } from "../core/interaction.ts";
import { bytesOf, stateFrame } from "../core/sse.ts";
import type { VideoState } from "../video/state.ts";

/** After so long viewers are told once more, in ms. */
const againMs = 5_000;

/** What this node shows of videos. */
export interface Shown {
  find(video: VideoId): VideoState | undefined;
  /** Writes to all viewers whose readers take it. */
  tell(watch: VideoState, bytes: Uint8Array): void;
}

export class Closed {
  readonly #clock: Clock;
  readonly #shown: Shown;
  /** As many as moderation keeps rules for. */
  readonly #videos = new Set<VideoId>();

  constructor(clock: Clock, shown: Shown) {
    this.#clock = clock;
    this.#shown = shown;
  }

  has(video: VideoId): boolean {
    return this.#videos.has(video);
  }

  /** `video` was deleted, with its rules: it is open, unless it was closed since, which is told. */
  deleted(video: VideoId): void {
    this.#clock.after(againMs, () => {
      if (this.#videos.has(video)) this.turn(video, true);
    });
  }

  /** The log keeps `video` closed from now on, and tells so whoever asks: see dispatcher/put-away.ts. */
  forget(video: VideoId): void {
    this.#videos.delete(video);
    const over = this.#shown.find(video)?.over;
    if (over?.byRules) Object.assign(over, { byRules: false, byLog: true });
  }

  /** `video` was closed, or opened again. */
  turn(video: VideoId, closed: boolean): void {
    const watch = this.#shown.find(video);
    if (closed) this.#videos.add(video);
    else this.#videos.delete(video);
    if (!watch) return;
    const before = watch.over.now;
    watch.over.byRules = closed;
    if (!closed) watch.over.byLog = false;
    if (before === closed) return;
    const bytes = bytesOf(stateFrame(video, closed));
    this.#shown.tell(watch, bytes);
    // Once more, for readers that were behind just then.
    this.#clock.after(againMs, () => {
      if (watch.over.now === closed) this.#shown.tell(watch, bytes);
    });
  }
}
