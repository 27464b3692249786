/**
 * Which videos this node watches, told to the dispatchers by rows of the (video, node) table.
 *
 * A row is written with a video's first viewer and removed some time after its last: viewers come and go in
 * flocks, and neither NATS nor the table should hear of each. Writing is retried until the table has it.
 */
import type { Clock, Elapsed, Timer } from "../base/clock.ts";
import { BusUnavailable, type Table } from "../bus/bus.ts";
import type { VideoId } from "../core/interaction.ts";
import { limits } from "../core/limits.ts";
import { routeKey } from "../core/nodes.ts";
import { VideoState } from "./state.ts";

const sweepMs = 1_000;

export interface InterestParts {
  readonly clock: Clock;
  readonly routes: Table;
  readonly node: string;
  readonly incarnation: string;
  readonly commentHistory: number;
  /** A video is watched from now on. */
  readonly began: (watch: VideoState) => void;
  /** It is not any more. */
  readonly ended: (watch: VideoState) => void;
}

export class Interest {
  readonly #parts: InterestParts;
  readonly #watches = new Map<VideoId, VideoState>();
  /** Those that nobody holds, and since when, in that order. */
  readonly #idle = new Map<VideoState, Elapsed>();
  /** Rows whose last write failed. */
  readonly #unwritten = new Set<VideoId>();
  readonly #timer: Timer;
  #again: Timer | undefined;
  #sweptMs: Elapsed;

  constructor(parts: InterestParts) {
    this.#parts = parts;
    this.#sweptMs = parts.clock.elapsed();
    this.#timer = parts.clock.every(sweepMs, () => this.#sweep());
  }

  get size(): number {
    return this.#watches.size;
  }

  watches(): Iterable<VideoState> {
    return this.#watches.values();
  }

  /** The watch of `video`, if this node has one. */
  find(video: VideoId): VideoState | undefined {
    return this.#watches.get(video);
  }

  /** Holds `video`: it is watched until every holder has released it, and a while longer. */
  hold(video: VideoId): VideoState {
    let watch = this.#watches.get(video);
    if (!watch) {
      watch = new VideoState(video, this.#parts.commentHistory, this.#parts.clock.date());
      this.#watches.set(video, watch);
      void this.#write(video);
      this.#parts.began(watch);
    }
    watch.holders++;
    this.#idle.delete(watch);
    return watch;
  }

  release(watch: VideoState): void {
    if (--watch.holders > 0) return;
    this.#idle.set(watch, this.#parts.clock.elapsed());
  }

  /**
   * Writes all rows anew: the table may have lost them while it was away, and dispatchers remove the rows
   * of a node that they have not heard of for long. Twice, as one may be about to do so just now.
   */
  rewrite(): void {
    for (const video of this.#watches.keys()) void this.#write(video);
    this.#again ??= this.#parts.clock.after(2 * limits.requestMs, () => {
      this.#again = undefined;
      for (const video of this.#watches.keys()) void this.#write(video);
    });
  }

  /** Removes all rows, as far as the table can be reached. */
  async close(): Promise<void> {
    this.#timer.cancel();
    this.#again?.cancel();
    const removals: Promise<void>[] = [];
    for (const watch of this.#watches.values()) {
      this.#parts.ended(watch);
      removals.push(this.#remove(watch.video));
    }
    this.#watches.clear();
    this.#idle.clear();
    await Promise.all(removals);
  }

  #sweep(): void {
    const nowMs = this.#parts.clock.elapsed();
    // Stopped for so long, this node has lost its lease without noticing.
    if (nowMs - this.#sweptMs > limits.leaseMs) this.rewrite();
    this.#sweptMs = nowMs;
    for (const [watch, sinceMs] of this.#idle) {
      if (nowMs - sinceMs < limits.lingerMs) break;
      this.#idle.delete(watch);
      this.#watches.delete(watch.video);
      this.#parts.ended(watch);
      void this.#remove(watch.video);
    }
    for (const video of this.#unwritten) {
      if (this.#watches.has(video)) void this.#write(video);
      else void this.#remove(video);
    }
  }

  #write(video: VideoId): Promise<void> {
    return this.#attempt(video, () =>
      this.#parts.routes.put(routeKey(video, this.#parts.node), this.#parts.incarnation),
    );
  }

  #remove(video: VideoId): Promise<void> {
    return this.#attempt(video, () => this.#parts.routes.remove(routeKey(video, this.#parts.node)));
  }

  async #attempt(video: VideoId, change: () => Promise<void>): Promise<void> {
    this.#unwritten.delete(video);
    try {
      await change();
    } catch (error) {
      if (!(error instanceof BusUnavailable)) throw error;
      this.#unwritten.add(video);
    }
  }
}
