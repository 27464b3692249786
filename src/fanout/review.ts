/**
 * Review: moderators' streams, told at once of comments that their audience may not see yet.
 *
 * A reviewer is an ordinary viewer that is told more (held.test.ts). What it is told here has no id and no
 * part in its place on the stream, so it resumes like everybody, and each comment follows as usual once its
 * hold has passed. A reviewer that is behind holds a place in the held stretch, not bytes, and is tried again
 * until it takes them; what has been shown to all meanwhile is not told here any more.
 */
import type { Clock } from "../base/clock.ts";
import type { Metrics } from "../base/metrics.ts";
import { bytesOf } from "../core/sse.ts";
import type { VideoState } from "../video/state.ts";
import type { Viewer } from "./slot.ts";

/** How often reviewers that are behind are tried again, in ms. */
const retryMs = 50;
/** Characters written to one reviewer in one piece. */
const pieceCharsMax = 16 * 1024;

/** By reviewer: the place up to which it has been told. */
type Told = Map<Viewer, number>;

export class Review {
  readonly #clock: Clock;
  readonly #metrics: Metrics;
  readonly #told = new Map<VideoState, Told>();
  /** Watches with a reviewer that is behind. */
  readonly #behind = new Set<VideoState>();
  #retrying = false;

  constructor(clock: Clock, metrics: Metrics) {
    this.#clock = clock;
    this.#metrics = metrics;
  }

  /** Tells `viewer` what is held of `watch`, now and from now on. */
  join(viewer: Viewer, watch: VideoState): void {
    const told = this.#told.get(watch) ?? new Map();
    told.set(viewer, 0);
    this.#told.set(watch, told);
    this.held(watch);
  }

  /** `viewer` stops watching `watch`. */
  leave(viewer: Viewer, watch: VideoState): void {
    const told = this.#told.get(watch);
    if (told?.delete(viewer) && told.size === 0) this.#told.delete(watch);
  }

  /** More of `watch` is held. */
  held(watch: VideoState): void {
    for (const [viewer, after] of this.#told.get(watch) ?? []) this.#tell(watch, viewer, after);
  }

  /** `watch` has begun anew: what was told means nothing any more. */
  restarted(watch: VideoState): void {
    const told = this.#told.get(watch);
    for (const viewer of told?.keys() ?? []) told?.set(viewer, 0);
    this.held(watch);
  }

  #tell(watch: VideoState, viewer: Viewer, after: number): void {
    let text = "";
    let upTo = after;
    for (const next of watch.held.texts(watch.lineage, after, this.#clock)) {
      if (text.length + next.text.length > pieceCharsMax && text !== "") {
        if (!this.#write(watch, viewer, text, upTo)) return;
        text = "";
      }
      text += next.text;
      upTo = next.seq;
    }
    if (upTo > after) this.#write(watch, viewer, text, upTo);
  }

  /** False when the reader took no more. */
  #write(watch: VideoState, viewer: Viewer, text: string, upTo: number): boolean {
    const bytes = bytesOf(text);
    if (bytes.length > 0) {
      const written = viewer.connection.write(bytes, this.#clock.elapsed());
      if (written === "lagging") this.#retry(watch);
      if (written !== "ok") return false;
      this.#metrics.frames.inc({ event: "held" });
      this.#metrics.bytes.inc(bytes.length);
    }
    this.#told.get(watch)?.set(viewer, upTo);
    return true;
  }

  #retry(watch: VideoState): void {
    this.#behind.add(watch);
    if (this.#retrying) return;
    this.#retrying = true;
    this.#clock.after(retryMs, () => {
      this.#retrying = false;
      const behind = [...this.#behind];
      this.#behind.clear();
      for (const watch of behind) this.held(watch);
    });
  }
}
