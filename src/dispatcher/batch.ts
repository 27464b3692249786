/**
 * The batch: likes and comments that become durable together, each lane of the log for itself.
 *
 * What can fail apart is kept apart: a lane has its own batch, outcome, commits under way and bound on what
 * waits (lane.ts), so a partition of the log that hangs refuses and delays its own videos' likes and no
 * others, and comments and likes never wait for each other. lanes.test.ts holds that.
 */
import type { Clock } from "../base/clock.ts";
import type { Metrics } from "../base/metrics.ts";
import type { CommentDraft, Like, Rejection, VideoId } from "../core/interaction.ts";
import type { Ledger, Placed } from "../ledger/ledger.ts";
import { Lane, type Outcome } from "./lane.ts";

export type { Outcome } from "./lane.ts";

export class Batch {
  readonly #ledger: Ledger;
  readonly #clock: Clock;
  readonly #metrics: Metrics;
  /** By the ledger's number of each lane, made as they are used. */
  readonly #lanes: Lane[] = [];
  #idle: (() => void)[] = [];

  constructor(ledger: Ledger, clock: Clock, metrics: Metrics) {
    this.#ledger = ledger;
    this.#clock = clock;
    this.#metrics = metrics;
    metrics.beforeRead(() => metrics.commitsWaiting.set(this.pending));
  }

  /** Interactions waiting for their commit. */
  get pending(): number {
    return this.#lanes.reduce((sum, { pending }) => sum + pending, 0);
  }

  /** Interactions waiting before a like of `video`. */
  likesBefore(video: VideoId): number {
    return this.#lane(this.#ledger.laneOf(video)).pending;
  }

  /** Interactions waiting before a comment. */
  commentsBefore(): number {
    return this.#lane(this.#ledger.commentLane).pending;
  }

  /** Adds a like accepted at `atMs`, or now; the outcome is that of its lane's whole batch. */
  like(like: Like, atMs?: number): Promise<Outcome> {
    return this.#lane(this.#ledger.laneOf(like.video)).like(like, atMs);
  }

  /** Adds a comment; resolves with its place. */
  comment(draft: CommentDraft): Promise<Placed | Rejection> {
    return this.#lane(this.#ledger.commentLane).comment(draft);
  }

  /** Resolves when nothing waits any more. */
  async drained(): Promise<void> {
    if (this.pending === 0) return;
    await new Promise<void>((resolve) => this.#idle.push(resolve));
  }

  #lane(index: number): Lane {
    let lane = this.#lanes[index];
    if (!lane) {
      // Without holes: `pending` looks at every one.
      while (this.#lanes.length <= index) this.#lanes.push(this.#made());
      lane = this.#lanes[index] as Lane;
    }
    return lane;
  }

  #made(): Lane {
    return new Lane(this.#ledger, this.#clock, this.#metrics, () => {
      if (this.#idle.length > 0 && this.pending === 0) for (const resolve of this.#idle.splice(0)) resolve();
    });
  }
}
