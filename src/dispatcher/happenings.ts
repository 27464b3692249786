/**
 * What a dispatcher tells a herald, each happening once in the cluster: comments by whoever made them
 * durable, all else by whoever owns the video.
 *
 * Every dispatcher finds out about milestones and viewers, one of them tells.
 * The others remember for limits.handoverMs, so that what an owner took into death is told by its heir. An
 * owner that told it before it died is then repeated: a milestone under the same id, viewers as the state
 * they are.
 */
import { type Clock, type Elapsed, later } from "../base/clock.ts";
import { secret } from "../base/prng.ts";
import type { Happening, Herald } from "../core/happening.ts";
import type { CommentDraft, VideoId } from "../core/interaction.ts";
import { limits } from "../core/limits.ts";
import type { Change } from "../ledger/ledger.ts";
import { reached } from "./milestones.ts";
import type { Told } from "./moment-watch.ts";
import { Occupancy } from "./occupancy.ts";
import type { Routes } from "./routes.ts";

export interface HappeningsParts {
  readonly node: string;
  /** Names the log: another one reaches its milestones anew. */
  readonly epoch: string;
  readonly clock: Clock;
  readonly herald: Herald;
  readonly routes: Pick<Routes, "owner" | "dispatches" | "watched" | "videos">;
  /** Whether messages travel now. */
  readonly connected: () => boolean;
}

/** Somebody else's to tell. */
interface Remembered {
  readonly happening: Happening;
  /** "" while the owners are not known yet. */
  readonly owner: string;
  readonly until: Elapsed;
}

/** Characters of an id that is not made from what happened: nobody else's are the same. */
const idChars = 20;

export class Happenings {
  readonly #parts: HappeningsParts;
  readonly #occupancy: Occupancy;
  /** Oldest first. */
  readonly #remembered = new Set<Remembered>();
  #synced = false;

  constructor(parts: HappeningsParts) {
    const { clock, routes, connected } = parts;
    this.#parts = parts;
    this.#occupancy = new Occupancy({
      clock,
      connected,
      watched: (video) => routes.watched(video),
      tell: (type, video) =>
        this.#settle({ type, id: `${type}:${secret(idChars)}`, video, atMs: clock.date() }),
    });
  }

  /** A comment was made durable here, for the first time. */
  published({ video, user, text, atMs, holdMs = 0 }: CommentDraft, comment: string): void {
    const type = "comment_published";
    const held = holdMs > 0 && { visibleAt: Math.ceil(atMs + holdMs) };
    this.#parts.herald.tell({ type, id: `${type}:${comment}`, video, atMs, comment, user, text, ...held });
  }

  /** A comment was removed here. */
  removed(video: VideoId, comment: string): void {
    const type = "comment_removed";
    const atMs = this.#parts.clock.date();
    this.#parts.herald.tell({ type, id: `${type}:${comment}`, video, atMs, comment });
  }

  /** Likes were folded. */
  folded(changes: readonly Change[]): void {
    const { herald, epoch } = this.#parts;
    const type = "milestone";
    for (const change of changes) {
      const { video, durableMs: atMs } = change;
      for (const { kind, mark, total } of reached(change, herald.milestones)) {
        const id = `${type}:${epoch}:${video}:${kind ?? ""}:${mark}`;
        this.#settle({ type, id, video, atMs, kind, mark, total });
      }
    }
  }

  /** A moment of `video` has ended. */
  moment(video: VideoId, { startMs: start, peakMs: peak, endMs: end, score, people, likes }: Told): void {
    const type = "moment";
    const id = `${type}:${this.#parts.epoch}:${video}:${Math.round(start / 1000)}`;
    const atMs = this.#parts.clock.date();
    this.#settle({ type, id, video, atMs, start, peak, end, score, people, likes });
  }

  /** `video` may have begun or ceased to be watched. */
  rowsChanged(video: VideoId): void {
    if (this.#synced) this.#occupancy.changed(video);
  }

  /** Both tables have been read: from now on it is known who watches and who owns. */
  synced(): void {
    if (this.#synced) return;
    this.#synced = true;
    this.#occupancy.know(this.#parts.routes.videos());
    this.dispatchersChanged();
  }

  /** Somebody has other videos than before: what the dead left untold is their heirs'. */
  dispatchersChanged(): void {
    if (!this.#synced) return;
    const { routes, clock } = this.#parts;
    const now = clock.elapsed();
    for (const remembered of this.#remembered) {
      if (routes.dispatches(remembered.owner)) continue;
      this.#remembered.delete(remembered);
      if (remembered.until > now) this.#settle(remembered.happening);
    }
  }

  /** `node` says that it leaves: what was its to tell is told. */
  left(node: string): void {
    for (const remembered of this.#remembered) {
      if (remembered.owner === node) this.#remembered.delete(remembered);
    }
  }

  /** Messages travel again. */
  reconnected(): void {
    this.#occupancy.reconnected();
  }

  close(): void {
    this.#occupancy.close();
    this.#remembered.clear();
  }

  /** Tells what is ours, remembers what is not. */
  #settle(happening: Happening): void {
    const { herald, node, routes, clock } = this.#parts;
    const owner = this.#synced ? (routes.owner(happening.video) ?? node) : "";
    if (owner === node) {
      herald.tell(happening);
      return;
    }
    const now = clock.elapsed();
    this.#remembered.add({ happening, owner, until: later(now, limits.handoverMs) });
    for (const oldest of this.#remembered) {
      if (oldest.until > now && this.#remembered.size <= limits.handoverMax) break;
      this.#remembered.delete(oldest);
    }
  }
}
