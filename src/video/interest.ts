/**
 * Which videos this node watches, told to the dispatchers by rows of the (video, node) table.
 *
 * A row is written with a video's first viewer and removed some time after its last: viewers come and go in
 * flocks, and neither NATS nor the table should hear of each. Writing is retried until the table has it. A
 * video that is no more than one viewer's word is not kept for any time: whoever makes up ids holds no more
 * than the streams it holds open (interest.test.ts).
 */
import type { Clock, Elapsed, Timer } from "../base/clock.ts";
import { Sweep } from "../base/sweep.ts";
import { BusUnavailable, type Table } from "../bus/bus.ts";
import type { VideoId } from "../core/interaction.ts";
import { limits } from "../core/limits.ts";
import { routeKey } from "../core/nodes.ts";
import { VideoState } from "./state.ts";

const sweepMs = 1_000;
/** How long after a row was refused rows are written again, in ms. */
const retryMs = 1_000;
/** Rows begun on one turn. */
const rowsTurnMax = 128;

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
  readonly #videos: Iterable<VideoId> = { [Symbol.iterator]: () => this.#watches.keys() };
  /** Those that nobody holds, and since when, in that order. */
  readonly #idle = new Map<VideoState, Elapsed>();
  /** Those that nobody has held for long enough. */
  readonly #over = new Set<VideoState>();
  /** Videos whose row may not be what it should be. */
  readonly #rows: Sweep<VideoId>;
  #closing = false;
  readonly #timer: Timer;
  #again: Timer | undefined;
  #sweptMs: Elapsed;

  constructor(parts: InterestParts) {
    this.#parts = parts;
    this.#sweptMs = parts.clock.elapsed();
    this.#rows = new Sweep({
      ...{ clock: parts.clock, turnMax: rowsTurnMax, underWayMax: limits.rowsUnderWayMax, pauseMs: retryMs },
      act: (video) => this.#settle(video),
    });
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
      this.#rows.add(video);
      this.#parts.began(watch);
    }
    if (++watch.holders > 1) watch.shared = true;
    this.#idle.delete(watch);
    this.#over.delete(watch);
    return watch;
  }

  release(watch: VideoState): void {
    if (--watch.holders > 0) return;
    if (watch.confirmed) this.#idle.set(watch, this.#parts.clock.elapsed());
    else this.#end(watch);
  }

  /**
   * Writes all rows anew: the table may have lost them while it was away, and dispatchers remove the rows
   * of a node that they have not heard of for long. Twice, as one may be about to do so just now.
   */
  rewrite(): void {
    this.#rows.each(this.#videos);
    this.#again ??= this.#parts.clock.after(2 * limits.requestMs, () => {
      this.#again = undefined;
      this.#rows.each(this.#videos);
    });
  }

  /** Ends all watches and removes their rows, as far as the table can be reached. */
  async close(): Promise<void> {
    this.#timer.cancel();
    this.#again?.cancel();
    this.#closing = true;
    this.#rows.start(this.#watches.keys());
    await this.#rows.idle();
    this.#rows.close();
  }

  #sweep(): void {
    const nowMs = this.#parts.clock.elapsed();
    // Stopped for so long, this node has lost its lease without noticing.
    if (nowMs - this.#sweptMs > limits.leaseMs) this.rewrite();
    this.#sweptMs = nowMs;
    for (const [watch, sinceMs] of this.#idle) {
      if (nowMs - sinceMs < limits.lingerMs) break;
      this.#idle.delete(watch);
      this.#end(watch);
    }
  }

  /** Ends a watch on a turn to come, unless somebody holds it again by then. */
  #end(watch: VideoState): void {
    this.#over.add(watch);
    this.#rows.add(watch.video);
  }

  /** Ends the watch of `video` if it is over, and makes its row what it should be. False: refused. */
  async #settle(video: VideoId): Promise<boolean> {
    const { routes, node, incarnation, ended } = this.#parts;
    const watch = this.#watches.get(video);
    if (watch && (this.#closing || this.#over.delete(watch))) {
      this.#watches.delete(video);
      ended(watch);
    }
    const key = routeKey(video, node);
    try {
      await (this.#watches.has(video) ? routes.put(key, incarnation) : routes.remove(key));
    } catch (error) {
      if (!(error instanceof BusUnavailable)) throw error;
      // Whoever closes tries once: the rows of a node without a lease are removed by others.
      return this.#closing;
    }
    return true;
  }
}
