/**
 * How many watch: absolute numbers per (video, node), summed, and forgotten when not repeated.
 *
 * Approximate by design: a node that dies takes its viewers along when its rows expire. Numbers are state, so
 * a lost, repeated or late message only makes the sum older.
 */
import { Few } from "../base/few.ts";
import type { VideoId } from "./interaction.ts";
import { limits } from "./limits.ts";
import type { ViewerCount } from "./wire.ts";

interface Row {
  viewers: number;
  incarnation: string;
  heardAt: number;
}

export class Presence {
  #videos = new Map<VideoId, Few<string, Row>>();

  /** Notes a node's count, heard at `nowMs`. True when the sum may have changed. */
  hear(video: VideoId, count: ViewerCount, nowMs: number): boolean {
    let rows = this.#videos.get(video);
    if (!rows) {
      if (count.viewers === 0) return false;
      rows = new Few();
      this.#videos.set(video, rows);
    }
    const row = rows.get(count.node);
    if (count.viewers === 0) {
      rows.delete(count.node);
      if (rows.size === 0) this.#videos.delete(video);
      return row !== undefined && row.viewers !== 0;
    }
    if (!row) {
      rows.set(count.node, { viewers: count.viewers, incarnation: count.incarnation, heardAt: nowMs });
      return true;
    }
    // One that had expired, and was not swept yet, comes back into the sum.
    const changed = row.viewers !== count.viewers || nowMs - row.heardAt >= limits.viewersExpireMs;
    row.viewers = count.viewers;
    row.incarnation = count.incarnation;
    row.heardAt = nowMs;
    return changed;
  }

  /** The viewers of `video` on all nodes heard of within limits.viewersExpireMs. */
  viewers(video: VideoId, nowMs: number): number {
    let sum = 0;
    const rows = this.#videos.get(video);
    for (let at = 0; at < (rows?.size ?? 0); at++) {
      const row = rows?.valueAt(at) as Row;
      if (nowMs - row.heardAt < limits.viewersExpireMs) sum += row.viewers;
    }
    return sum;
  }

  /** Forgets one node, or one video when nobody asks for it any more. */
  forget(what: { node: string } | { video: VideoId }): void {
    if ("video" in what) {
      this.#videos.delete(what.video);
      return;
    }
    for (const [video, rows] of this.#videos) {
      rows.delete(what.node);
      if (rows.size === 0) this.#videos.delete(video);
    }
  }

  /** Drops rows that have expired; their videos are returned, as their sums have changed. */
  expire(nowMs: number): VideoId[] {
    const changed: VideoId[] = [];
    for (const [video, rows] of this.#videos) {
      let dropped = false;
      for (const [node, row] of rows) {
        if (nowMs - row.heardAt >= limits.viewersExpireMs) dropped = rows.delete(node) || dropped;
      }
      if (rows.size === 0) this.#videos.delete(video);
      if (dropped) changed.push(video);
    }
    return changed;
  }
}
