/**
 * Videos that are closed, as this node's viewers are told: those who watch by an event, those who come later
 * in the snapshot. system/moderation.test.ts holds that.
 */
import type { Clock } from "../base/clock.ts";
import type { VideoId } from "../core/interaction.ts";
import { bytesOf, stateFrame } from "../core/sse.ts";
import type { VideoState } from "../video/state.ts";

/** After so long viewers are told once more, in ms. */
const againMs = 5_000;

export class Closed {
  readonly #clock: Clock;
  readonly #tell: (watch: VideoState, bytes: Uint8Array) => void;
  /** As many as moderation keeps rules for. */
  readonly #videos = new Set<VideoId>();

  constructor(clock: Clock, tell: (watch: VideoState, bytes: Uint8Array) => void) {
    this.#clock = clock;
    this.#tell = tell;
  }

  has(video: VideoId): boolean {
    return this.#videos.has(video);
  }

  /** `video`, of which `watch` is what this node shows, if it does, was closed, or opened again. */
  turn(video: VideoId, closed: boolean, watch: VideoState | undefined): void {
    if (closed) this.#videos.add(video);
    else this.#videos.delete(video);
    if (!watch) return;
    watch.closed = closed;
    const bytes = bytesOf(stateFrame(video, closed));
    this.#tell(watch, bytes);
    // Once more, for readers that were behind just then.
    this.#clock.after(againMs, () => {
      if (watch.closed === closed) this.#tell(watch, bytes);
    });
  }
}
