/**
 * What comments of a shared log came to, in a stream of its own: a message per video, the newest, which tells
 * up to which place they are counted (counted-comments.ts).
 *
 * A place is one of a history: of a log that lost its end, what was counted stays counted, and it goes on
 * where the histories part. counts-stream.test.ts holds that.
 */
import type { VideoId } from "../core/interaction.ts";
import { limits } from "../core/limits.ts";
import type { Lineage } from "../core/lineage.ts";
import { CommentCounts, type Counted, decodeCounts, encodeCounts } from "./comment-counts.ts";
import { LedgerUnavailable } from "./ledger.ts";
import type { Streams, StreamWanted } from "./streams.ts";

export const countsStream: StreamWanted = { name: "counts", subject: "counts.*", perSubject: 1 };
/** Branches that a place is told with: more are opened only by as many starts of a whole cluster. */
const branchesKept = 16;
export const countsSubject = (video: VideoId): string => `counts.${video}`;

/** What is written of a video, and where. */
export interface Held {
  readonly counts: CommentCounts | undefined;
  /** In the history there is now. */
  readonly upTo: number;
  /** The message's own place; 0: there is none. */
  readonly seq: number;
}

export class CountsStream {
  readonly #streams: Pick<Streams, "last" | "ensure" | "appendIfLast" | "erase">;
  readonly #lineage: () => Lineage;

  constructor(streams: Pick<Streams, "last" | "ensure" | "appendIfLast" | "erase">, lineage: () => Lineage) {
    this.#streams = streams;
    this.#lineage = lineage;
  }

  /** What is written of a video. Rejects with BusUnavailable. */
  async read(video: VideoId): Promise<Held> {
    const [streams, lineage] = [this.#streams, this.#lineage];
    const stored = await streams.last(countsStream.name, countsSubject(video)).catch(async () => {
      // Somebody may have taken it away.
      await streams.ensure(countsStream).catch((error: Error) => {
        throw error.name === "StreamMismatch" ? new LedgerUnavailable(error.message) : error;
      });
      return streams.last(countsStream.name, countsSubject(video));
    });
    const kept = stored && decodeCounts(stored.payload);
    if (!kept) return { counts: undefined, upTo: 0, seq: stored?.seq ?? 0 };
    return { counts: kept.counts, upTo: common(kept, lineage()), seq: stored.seq };
  }

  /** Behind the message at `last`; undefined when there is another. */
  async append(video: VideoId, { counts, upTo }: Counted, last: number): Promise<number | undefined> {
    const names = this.#lineage().branches.slice(-branchesKept);
    const kept = { counts: counts ?? new CommentCounts(), upTo, branches: names.map(({ name }) => name) };
    return this.#streams.appendIfLast(countsSubject(video), encodeCounts(kept), limits.storeMs, last);
  }

  /** Takes out what is written of a video, if that goes no further than the place `before`. */
  async forget(video: VideoId, before: number): Promise<void> {
    const { seq, upTo } = await this.read(video);
    if (seq > 0 && upTo < before) await this.#streams.erase(countsStream.name, seq);
  }
}

/**
 * How far in the history there is now a place lies that was noted in one with these branches: up to where the
 * two part.
 */
function common({ upTo, branches }: { upTo: number; branches: readonly string[] }, now: Lineage): number {
  const at = now.branches.findLastIndex(({ name }) => branches.includes(name));
  // None is remembered: it is older than all of them, or nothing of it is left.
  const next = at < 0 ? now.newest : now.branches[at + 1];
  return Math.min(upTo, (next?.first ?? Number.POSITIVE_INFINITY) - 1);
}
