/**
 * Long polls: the state of one video for networks that hold streams back.
 *
 * The same watch serves polls and streams. A cursor says what the asker has seen, `<branch>-<seq>-<version>`;
 * the answer comes when there is more, or after the wait, and carries the next cursor.
 */

import type { Reader } from "../asking/reader.ts";
import type { Clock } from "../base/clock.ts";
import { parseId } from "../core/entry.ts";
import { type Rejection, reject, type VideoId } from "../core/interaction.ts";
import { limits } from "../core/limits.ts";
import type { CommentJson, ResetReason } from "../core/sse.ts";
import type { Counts } from "../core/totals.ts";
import type { History } from "../video/history.ts";
import type { Interest } from "../video/interest.ts";
import type { VideoState } from "../video/state.ts";
import type { Sync } from "../video/sync.ts";
import { resumeAsking, resumeNow } from "./joining.ts";

export interface PollAnswer {
  /** To be sent with the next poll; opaque to clients. */
  readonly cursor: string;
  readonly video: VideoId;
  readonly totals: Readonly<Counts>;
  readonly viewers: number;
  readonly version: number;
  /** What came since the cursor; the newest without one. */
  readonly comments: readonly CommentJson[];
  /** Ids of comments that were removed since. */
  readonly retracted: readonly string[];
  /** Of what everybody is told: it takes nothing more. */
  readonly state?: "closed";
  /** What came since the cursor is not known any more: begin anew with this. */
  readonly reset?: true;
  /** Why, where it is more than missed: all before was deleted, and is to be shown no longer. */
  readonly reason?: "deleted";
  /** Of what everybody is told: the place of the last deletion, if any is known; all before is gone. */
  readonly deleted?: string;
}

/** What everybody was told last of a video, and what that depends on. */
interface Told {
  readonly answer: PollAnswer;
  readonly history: History;
  readonly removals: number;
  readonly closed: boolean;
}

/** Likes alone wait this long for company, so that a busy video does not turn polls into a storm; in ms. */
const gatherMs = 250;

export class Polls {
  readonly #clock: Clock;
  readonly #interest: Interest;
  readonly #sync: Sync;
  readonly #reader: Reader;
  readonly #waiting = new Map<VideoState, Set<() => void>>();
  readonly #told = new WeakMap<VideoState, Told>();
  #count = 0;
  #closed = false;

  constructor(clock: Clock, interest: Interest, sync: Sync, reader: Reader) {
    this.#clock = clock;
    this.#interest = interest;
    this.#sync = sync;
    this.#reader = reader;
  }

  /** Something about `watch` has changed. */
  wake(watch: VideoState): void {
    for (const check of this.#waiting.get(watch) ?? []) check();
  }

  /** Answers all who wait, now. */
  close(): void {
    this.#closed = true;
    for (const watch of [...this.#waiting.keys()]) this.wake(watch);
  }

  /** See Frontend.poll. Rejected when too many polls are held, or when the state cannot be had. */
  poll(
    video: VideoId,
    cursor: string | undefined,
    waitMs: number,
    signal: AbortSignal,
  ): Promise<PollAnswer | Rejection> {
    return this.#held(video, waitMs, signal, (watch, deadlineMs) =>
      this.#answer(watch, cursor, deadlineMs, signal),
    );
  }

  /** See Frontend.live. Rejected as `poll` is. */
  live(video: VideoId, signal: AbortSignal): Promise<PollAnswer | Rejection> {
    return this.#held(video, 0, signal, (watch) => this.#live(watch));
  }

  /** What `answer` makes of a video whose state is there. */
  async #held(
    video: VideoId,
    waitMs: number,
    signal: AbortSignal,
    answer: (watch: VideoState, deadlineMs: number) => PollAnswer | Promise<PollAnswer>,
  ): Promise<PollAnswer | Rejection> {
    if (this.#count >= limits.pollsMax) return reject("busy", "too many polls are held", 5);
    if (this.#interest.size >= limits.watchesMax) return reject("busy", "too many videos are watched", 5);
    this.#count++;
    const watch = this.#interest.hold(video);
    this.#sync.wake(watch);
    try {
      const deadlineMs = this.#clock.elapsed() + waitMs;
      if (watch.phase === "loading") {
        const loadMs = Math.max(waitMs, limits.requestMs);
        await this.#until(watch, () => watch.phase !== "loading", this.#clock.elapsed() + loadMs, signal);
      }
      if (watch.phase === "loading") return reject("unavailable", "the log cannot be reached", 1);
      return await answer(watch, deadlineMs);
    } finally {
      this.#count--;
      this.#interest.release(watch);
    }
  }

  async #answer(
    watch: VideoState,
    cursor: string | undefined,
    deadlineMs: number,
    signal: AbortSignal,
  ): Promise<PollAnswer> {
    const seen = cursor === undefined ? undefined : parseCursor(cursor);
    if (!seen) return this.#snapshot(watch, cursor === undefined ? undefined : "unknown-id");
    const resume = await resumeAsking(watch, seen.id, this.#sync, this.#reader);
    if ("reset" in resume) return this.#snapshot(watch, resume.reset);
    const { history } = watch;
    const earliestMs = this.#clock.elapsed() + gatherMs;
    const news = (): boolean => {
      if (watch.history.tip > resume.seq || watch.history !== history) return true;
      return watch.version > seen.version && this.#clock.elapsed() >= earliestMs;
    };
    if (!news()) await this.#until(watch, news, deadlineMs, signal, earliestMs);
    if (watch.history !== history || resume.seq < history.floor) {
      const now = resumeNow(watch, seen.id);
      return this.#snapshot(watch, now && "reset" in now ? now.reset : "history");
    }
    const { comments, retracted } = history.changes(resume.seq, history.tip);
    return this.#said(watch, Math.max(resume.seq, history.tip), comments, retracted);
  }

  /** Resolves when `met()` holds, at `deadlineMs`, when the asker leaves or when all is closed. */
  async #until(
    watch: VideoState,
    met: () => boolean,
    deadlineMs: number,
    signal: AbortSignal,
    alsoAtMs?: number,
  ): Promise<void> {
    if (met() || signal.aborted || this.#closed) return;
    const waiting = this.#waiting.get(watch) ?? new Set();
    this.#waiting.set(watch, waiting);
    await new Promise<void>((resolve) => {
      const nowMs = this.#clock.elapsed();
      const check = (): void => {
        if (met() || signal.aborted || this.#closed || this.#clock.elapsed() >= deadlineMs) done();
      };
      const timer = this.#clock.after(Math.max(0, deadlineMs - nowMs), () => done());
      const early =
        alsoAtMs === undefined ? undefined : this.#clock.after(Math.max(0, alsoAtMs - nowMs + 1), check);
      const done = (): void => {
        timer.cancel();
        early?.cancel();
        waiting.delete(check);
        if (waiting.size === 0) this.#waiting.delete(watch);
        signal.removeEventListener("abort", done);
        resolve();
      };
      waiting.add(check);
      signal.addEventListener("abort", done, { once: true });
    });
  }

  #snapshot(watch: VideoState, reset: ResetReason | undefined): PollAnswer {
    const { tip } = watch.history;
    const comments = watch.history.latest(limits.snapshotCommentsMax, tip);
    const answer = this.#said(watch, Math.max(tip, watch.whole), comments, []);
    if (reset === undefined) return answer;
    return { ...answer, reset: true, ...(reset === "deleted" && { reason: reset }) };
  }

  #live(watch: VideoState): PollAnswer {
    const { history, totals, clearedAt } = watch;
    const closed = watch.over.now;
    const deleted = clearedAt > 0 ? watch.lineage.idOf(clearedAt) : undefined;
    const { tip, removals } = history;
    const told = this.#told.get(watch);
    const head = this.#said(
      watch,
      Math.max(tip, watch.whole),
      [],
      history.latestRemoved(limits.snapshotCommentsMax),
    );
    const isSame = told?.history === history && told.removals === removals && told.closed === closed;
    const said = isSame && told.answer.deleted === deleted ? told.answer : undefined;
    if (said?.cursor === head.cursor && said.viewers === head.viewers) return said;
    const kinds = Object.entries(totals.counts).sort(([a], [b]) => (a < b ? -1 : 1));
    const comments = history.latest(limits.snapshotCommentsMax, tip);
    const answer = {
      ...head,
      totals: Object.fromEntries(kinds),
      comments,
      ...(deleted !== undefined && { deleted }),
      ...(closed && { state: "closed" as const }),
    };
    this.#told.set(watch, { answer, history, removals, closed });
    return answer;
  }

  #said(
    watch: VideoState,
    seq: number,
    comments: readonly CommentJson[],
    retracted: readonly number[],
  ): PollAnswer {
    const { video, version, totals, lineage } = watch;
    return {
      cursor: `${lineage.idOf(seq)}-${version}`,
      video,
      totals: totals.counts,
      viewers: watch.shownViewers,
      version,
      comments,
      retracted: retracted.map((target) => lineage.idOf(target)),
    };
  }
}

function parseCursor(cursor: string): { id: string; version: number } | undefined {
  if (cursor.length > limits.eventIdCharsMax) return undefined;
  const dash = cursor.lastIndexOf("-");
  const id = cursor.slice(0, dash);
  const version = Number(cursor.slice(dash + 1));
  return parseId(id) && Number.isSafeInteger(version) && version >= 0 ? { id, version } : undefined;
}
