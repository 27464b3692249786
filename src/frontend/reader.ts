/**
 * Reads a video's state from whichever dispatcher answers: the way of every node, whatever its role, so
 * that the laptop walks the cluster's path.
 */
import { BusUnavailable } from "../bus/bus.ts";
import type { EventId } from "../core/entry.ts";
import { type Rejection, reject, type VideoId } from "../core/interaction.ts";
import { limits } from "../core/limits.ts";
import { type ClusterView, decodeClusterView } from "../core/nodes.ts";
import type { CommentJson } from "../core/sse.ts";
import { commentJson } from "../core/sse.ts";
import { decodeState, encodeJson, type State, type StateRequest, subjects } from "../core/wire.ts";
import type { Requester } from "./asker.ts";

/** A listing of comments, oldest first. */
export interface Listing {
  readonly comments: readonly CommentJson[];
  /** True when newer comments exist behind the last one here. */
  readonly more: boolean;
  /**
   * Comments behind the place asked for are gone, or that place is of another log: these do not follow it.
   */
  readonly reset?: true;
}

export class Reader {
  readonly #bus: Requester;

  constructor(bus: Requester) {
    this.#bus = bus;
  }

  /**
   * Totals, viewers and the entries after `after` (undefined: the newest `limit`; `limit` 0: none).
   * A rejection when no dispatcher answers within limits.requestMs.
   */
  async state(video: VideoId, after: number | undefined, limit: number): Promise<State | Rejection> {
    const request: StateRequest = { video, after, limit };
    try {
      const reply = await this.#bus.request(subjects.state, encodeJson(request), limits.requestMs);
      return decodeState(reply, video) ?? reject("unavailable", "the log gave no answer", 1);
    } catch (error) {
      if (error instanceof BusUnavailable) return reject("unavailable", "the log cannot be reached", 1);
      throw error;
    }
  }

  /**
   * At most `limit` comments of `video` behind `after`, the oldest of them first; without `after`, or when
   * its place means nothing to this log, the newest ones.
   */
  async listing(video: VideoId, after: EventId | undefined, limit: number): Promise<Listing | Rejection> {
    let state = await this.state(video, after?.seq, limit);
    if ("rejected" in state) return state;
    const foreign = after !== undefined && (after.epoch !== state.epoch || after.seq > state.page.head);
    if (foreign) state = await this.state(video, undefined, limit);
    if ("rejected" in state) return state;
    const { entries, more, floor } = state.page;
    const gone = new Set(entries.map((entry) => (entry.type === "retract" ? entry.target : -1)));
    const { epoch } = state;
    const comments = entries.flatMap((entry) =>
      entry.type === "comment" && !gone.has(entry.seq) ? [commentJson(epoch, entry)] : [],
    );
    const reset = foreign || (after !== undefined && floor > after.seq);
    return reset ? { comments, more, reset } : { comments, more };
  }

  /** The cluster as whichever dispatcher answers sees it. A rejection when none does. */
  async cluster(): Promise<ClusterView | Rejection> {
    try {
      const reply = await this.#bus.request(subjects.cluster, encodeJson({}), limits.requestMs);
      return decodeClusterView(reply) ?? reject("unavailable", "no dispatcher gave an answer", 1);
    } catch (error) {
      if (error instanceof BusUnavailable) return reject("unavailable", "no dispatcher can be reached", 1);
      throw error;
    }
  }
}
