/**
 * The bench of the ledgers' suite: a ledger, all it announced, and short ways to give it likes and comments.
 *
 * Not here: what is expected of a ledger (contract.ts) and how one is opened (each implementation's own
 * test).
 */
import { expect } from "bun:test";
import type { Entry, Page } from "../core/entry.ts";
import type { CommentDraft, Kind, Like, VideoId } from "../core/interaction.ts";
import { type LikeRecord, RecordBuilder } from "../core/record.ts";
import { addCounts, type Counts, emptyCounts, likesOf } from "../core/totals.ts";
import type { Change, Ledger, Placed } from "./ledger.ts";

/** A ledger under test and what can be done to it. */
export interface Opened {
  readonly ledger: Ledger;
  /** Entries kept per video, at least 8 and at most 50. */
  readonly commentHistory: number;
  /** Closes the ledger and opens its log again, as another process would. */
  reopen?(): Promise<Ledger>;
  /** Moves log time forward. */
  advance?(ms: number): void;
  close(): Promise<void>;
}

/** What an implementation cannot do by its nature: the tests of it are skipped, by name. */
export type Skip = "reopen" | "advance" | "history" | "away";

/** The ledger of the running test and all it announced. */
export class Bench {
  #opened: Opened | undefined;
  #waiting: (() => void)[] = [];
  ledger!: Ledger;
  changes: Change[] = [];
  entries: Entry[] = [];

  get opened(): Opened {
    return this.#opened as Opened;
  }

  start(opened: Opened): void {
    this.#opened = opened;
    this.hear(opened.ledger);
  }

  /** Listens to a ledger from now on. */
  hear(ledger: Ledger): void {
    this.ledger = ledger;
    this.changes = [];
    this.entries = [];
    ledger.onChanges((changes) => {
      this.changes.push(...changes);
      for (const wake of this.#waiting.splice(0)) wake();
    });
    if (ledger.publishesEntries) ledger.onEntry((entry) => this.entries.push(entry));
  }

  /** Expects the timelines of all videos it heard of to hold their totals. */
  expectInTime(): void {
    expectInTime(this.ledger, new Set(this.changes.map(({ video }) => video)));
  }

  async reopen(): Promise<void> {
    const ledger = await this.opened.reopen?.();
    if (ledger) this.hear(ledger);
  }

  /** Resolves when `video` has `likes` of all kinds together; more than that fails at once. */
  async total(video: string, likes: number): Promise<void> {
    for (;;) {
      const now = likesOf(this.ledger.totals(video as VideoId).counts);
      if (now === likes) return;
      if (now > likes) throw new Error(`${video} has ${now} likes, more than ${likes}`);
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
  }

  /** Resolves when `video` has `likes` of all kinds together, from above or from below. */
  async comesTo(video: string, likes: number): Promise<void> {
    while (likesOf(this.ledger.totals(video as VideoId).counts) !== likes) {
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
  }

  likes(...records: LikeRecord[]): Promise<readonly Placed[]> {
    return this.ledger.append({ likes: records, comments: [] });
  }

  async comments(...drafts: CommentDraft[]): Promise<number[]> {
    const placed = await this.ledger.append({ likes: [], comments: drafts });
    return placed.map(({ seq }) => seq);
  }

  async retract(video: string, target: number): Promise<boolean> {
    return this.ledger.retract(video as VideoId, target);
  }

  async page(video: string, after: number | undefined, limit = 100): Promise<Page> {
    return this.ledger.entries(video as VideoId, after, limit);
  }
}

/**
 * Likes of a video by kind, less those taken back, as its timeline has them: which have a place in time, and
 * which have none.
 */
export function inTime(ledger: Pick<Ledger, "timeline">, video: string) {
  const view = ledger.timeline(video as VideoId);
  if (!view) throw new Error("no timelines");
  const placed = emptyCounts();
  for (const { likes, unlikes } of view.spots(0, Number.MAX_SAFE_INTEGER)) {
    addCounts(placed, likes);
    for (const kind in unlikes) placed[kind] = (placed[kind] ?? 0) - (unlikes[kind] ?? 0);
  }
  const sum = emptyCounts();
  addCounts(sum, placed);
  addCounts(sum, view.before);
  return { before: { ...view.before }, placed: { ...placed }, sum: { ...sum } };
}

/** Expects each like of these videos to be in the timeline, once. */
export function expectInTime(ledger: Pick<Ledger, "timeline" | "totals">, videos: Iterable<string>): void {
  for (const video of videos) {
    const { counts } = ledger.totals(video as VideoId);
    // A kind all of whose likes were taken back may be told as none or as 0.
    const some = (all: Counts) => Object.fromEntries(Object.entries(all).filter(([, count]) => count !== 0));
    expect([video, some(inTime(ledger, video).sum)]).toEqual([video, some(counts)]);
  }
}

export function like(
  video: string,
  key?: string,
  over: { kind?: string; count?: number; user?: string } = {},
): Like {
  const { kind = "heart", count = 1, user } = over;
  return { video: video as VideoId, kind: kind as Kind, count, user, key };
}

/** The like of a viewer, where each has one. */
export function once(
  video: string,
  viewer: string,
  over: { kind?: string; unlike?: boolean; user?: string; key?: string } = {},
): Like {
  const { key, unlike = false, ...rest } = over;
  return { ...like(video, key, rest), viewer, unlike };
}

/** One record of these likes, the oldest accepted at `atMs`. */
export function record(likes: readonly Like[], atMs = 1_000): LikeRecord {
  const builder = new RecordBuilder();
  for (const one of likes) builder.add(one, atMs);
  return builder.take();
}

export function draft(video: string, text: string, key?: string, user?: string): CommentDraft {
  return { video: video as VideoId, text, user, key, atMs: 2_000.5 };
}
