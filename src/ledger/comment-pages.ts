/**
 * Pages of comments read from their stream.
 *
 * Nothing is kept in memory, so a page is true whoever reads it: where a video's comments end is asked of the
 * stream's leader first, and the page is read up to there. The stream keeps one entry more than the history
 * holds: that one is not shown, its place tells from where on the history is whole. History goes on being let
 * go while a page is read, so the oldest entry left is asked for once more when it has been: what stands
 * before that one may have holes, and is not told. jetstream-pages.test.ts holds that.
 *
 * While many pages are wanted at once they are taken out of a stretch of the stream that is read for all of
 * them (comment-stretch.ts), as far as it reaches: it is asked for where the stream ends too, and waited for.
 */
import type { Clock, Elapsed, Timer } from "../base/clock.ts";
import { type Entry, isClearing, type Page, sinceCleared } from "../core/entry.ts";
import type { VideoId } from "../core/interaction.ts";
import { limits } from "../core/limits.ts";
import { decodeEntry, videoOf } from "../core/wire.ts";
import { CommentStretch } from "./comment-stretch.ts";
import { LedgerUnavailable } from "./ledger.ts";
import { pageAfter, pageNewest } from "./page.ts";
import type { Stored, StreamState, Streams } from "./streams.ts";

const stretchGrowth = 16;
/** How often a page is read again as history was let go meanwhile. */
const triesMax = 5;

export interface CommentPagesParts {
  readonly streams: Streams;
  readonly clock: Clock;
  /** The stream's name. */
  readonly stream: string;
  /** Throws LedgerUnavailable when this life of the stream is none that is known. */
  readonly check: (created: string) => void;
  /** The subject of a video's comments in it. */
  readonly subjectOf: (video: VideoId) => string;
  /** So many entries were kept per video when the log began: of so many at least none was forgotten. */
  readonly firstHistory: number;
}

/** What is held for many pages at once. */
interface Held {
  readonly stretch: CommentStretch;
  readonly created: string;
  readonly begunMs: Elapsed;
  readonly timer: Timer;
  usedMs: Elapsed;
}

export class CommentPages {
  readonly #parts: CommentPagesParts;
  /** Pages being read: those who ask for the same one share it. */
  readonly #reading = new Map<string, Promise<Page>>();
  /** The question where the stream ends that is under way. */
  #asked: Promise<StreamState> | undefined;
  #held: Held | undefined;

  constructor(parts: CommentPagesParts) {
    this.#parts = parts;
  }

  /** As Ledger.entries, with `limit` at least 1. */
  read(video: VideoId, after: number | undefined, limit: number): Promise<Page> {
    const name = `${video} ${after} ${limit}`;
    const under = this.#reading.get(name);
    if (under) return under;
    if (this.#reading.size >= limits.ledgerReadsMax) {
      return Promise.reject(new LedgerUnavailable("too many pages at once"));
    }
    const reading = this.#page(video, after, limit).finally(() => this.#reading.delete(name));
    this.#reading.set(name, reading);
    return reading;
  }

  /** What is held may be of another history: pages are read from the stream again. */
  forget(): void {
    this.#held?.timer.cancel();
    this.#held?.stretch.end();
    this.#held = undefined;
  }

  async #page(video: VideoId, after: number | undefined, limit: number): Promise<Page> {
    const { streams, stream, firstHistory, subjectOf, check } = this.#parts;
    // The head before the video's end: a comment that comes in between is in the page and above the head,
    // never below it and missing.
    const state = await this.#state();
    const { created, lastSeq: head, perSubject = Number.POSITIVE_INFINITY } = state;
    check(created);
    const held = await this.#taken(state, video, after, limit);
    if (held) return held;
    const subject = subjectOf(video);
    const last = await streams.last(stream, subject);
    if (!last || (after !== undefined && after >= last.seq)) {
      return { entries: [], floor: after ?? 0, head, more: false };
    }
    const oldest = after ? await this.#oldest(subject) : undefined;
    if (after !== undefined && oldest !== undefined && oldest <= after) {
      return this.#following(subject, { after, head, lastSeq: last.seq }, limit);
    }
    const newest = after === undefined && (await this.#newest(subject, last.seq, limit, head));
    if (newest) return newest;
    const history = Math.min(Math.max(1, firstHistory), perSubject - 1);
    const { all, floor } = await this.#left(subject, last.seq, history);
    const whole = shown(all, floor);
    if (after === undefined) return pageNewest({ floor, head }, limit, whole.reverse());
    const following = whole.filter((entry) => entry.seq > after);
    return pageAfter(after, { floor, head }, limit, following);
  }

  /** Where the stream ends, one question for all who ask meanwhile. */
  async #state(): Promise<StreamState> {
    // Whoever finds a question under way came after it was asked.
    await this.#asked?.catch(() => {});
    this.#asked ??= this.#parts.streams.state(this.#parts.stream).finally(() => {
      this.#asked = undefined;
    });
    return this.#asked;
  }

  /** The page out of what is held, which is begun when it is worth it; undefined when that does not do. */
  async #taken(
    state: StreamState,
    video: VideoId,
    after: number | undefined,
    limit: number,
  ): Promise<Page | undefined> {
    const held = this.#hold(state);
    if (!held) return undefined;
    const { stretch } = held;
    const { clock } = this.#parts;
    const late = Promise.withResolvers<boolean>();
    const timer = clock.after(limits.requestMs, () => late.resolve(true));
    const isLate = await Promise.race([stretch.reaches(state.lastSeq), late.promise]);
    timer.cancel();
    if (this.#held !== held) return undefined;
    held.usedMs = clock.elapsed();
    if (isLate) {
      // Whoever still reads will have it soon; else what stood at the end was taken out, and never comes.
      if (!stretch.whole) throw new LedgerUnavailable("more pages are wanted than can be read at once");
      this.forget();
      return undefined;
    }
    const { lastSeq: head, perSubject = Number.POSITIVE_INFINITY } = state;
    // As many newer ones as the stream keeps let go what is before them, read or not.
    const all = stretch.entries(video).slice(-perSubject);
    const history = Math.min(Math.max(1, this.#parts.firstHistory), perSubject - 1);
    const floor = Math.max(stretch.from, floorOf(all, history));
    if (after !== undefined && after < stretch.from) return undefined;
    if (after !== undefined && (all[0]?.seq ?? Number.POSITIVE_INFINITY) <= after && floor <= after) {
      return pageAfter(after, { floor: after, head }, limit, shown(all, after));
    }
    const whole = shown(all, floor);
    if (after !== undefined) {
      const following = whole.filter((entry) => entry.seq > after);
      return pageAfter(after, { floor, head }, limit, following);
    }
    if (stretch.from > 0 && whole.length <= limit && all.length < perSubject) return undefined;
    return pageNewest({ floor, head }, limit, whole.reverse());
  }

  /** What is held, if it is of this life of the stream. */
  #hold(state: StreamState): Held | undefined {
    const { streams, clock, stream } = this.#parts;
    const { created, lastSeq } = state;
    const nowMs = clock.elapsed();
    const held = this.#held;
    if (held && (held.created !== created || nowMs - held.begunMs > limits.stretchMs)) this.forget();
    if (this.#held || this.#reading.size < limits.stretchPagesMin || lastSeq === 0) return this.#held;
    const timer = clock.every(limits.stretchIdleMs / 2, () => {
      const idleMs = clock.elapsed() - (this.#held?.usedMs ?? nowMs);
      if (idleMs > limits.stretchIdleMs) this.forget();
    });
    const stretch = new CommentStretch({ streams, stream, state });
    this.#held = { stretch, created, begunMs: nowMs, usedMs: nowMs, timer };
    return this.#held;
  }

  /**
   * All that is left of a video, and from where on it is whole. That nothing was ever forgotten is known by
   * counting, and can be counted only when no comment came meanwhile, which may have pushed another out:
   * while some do it is read again, and in the end history is said to begin where it was seen to.
   */
  async #left(
    subject: string,
    end: number,
    history: number,
  ): Promise<{ all: readonly Entry[]; floor: number }> {
    const { streams, stream } = this.#parts;
    let lastSeq = end;
    for (let tries = 1; ; tries++) {
      const all = await this.#collect(subject, 0, lastSeq, Number.POSITIVE_INFINITY);
      const first = all[0]?.seq ?? 0;
      const left = await this.#wholeFrom(subject, first);
      const floor = floorOf(all, history);
      if (all.some(isClearing)) return { all: sinceCleared(all), floor };
      if (left > first) return { all, floor: Math.max(floor, left) };
      if (floor > 0) return { all, floor };
      const now = (await streams.last(stream, subject))?.seq ?? lastSeq;
      if (now === lastSeq) return { all, floor };
      if (tries === triesMax) return { all, floor: first };
      lastSeq = now;
    }
  }

  /** The page behind `after`, or behind where history begins once it has been read. */
  async #following(
    subject: string,
    { after, head, lastSeq }: { readonly after: number; readonly head: number; readonly lastSeq: number },
    limit: number,
  ): Promise<Page> {
    let from = after;
    for (let tries = 0; tries < triesMax; tries++) {
      const found = await this.#collect(subject, from, lastSeq, limit + 1);
      // What stood before a removal of all is nobody's, and may be taken out just now.
      if (found.some(isClearing)) return pageAfter(after, { floor: after, head }, limit, shown(found, after));
      const whole = await this.#wholeFrom(subject, from);
      if (whole === from) return pageAfter(after, { floor: from, head }, limit, shown(found, from));
      from = whole;
    }
    throw new LedgerUnavailable("comments are forgotten sooner than they can be read");
  }

  /**
   * The newest page, read from ever further back until it is full; undefined when that means reading
   * everything. A video's density in the stream is not known, so the stretch grows quickly.
   */
  async #newest(subject: string, lastSeq: number, limit: number, head: number): Promise<Page | undefined> {
    for (let stretch = 4 * limit; stretch < lastSeq; stretch *= stretchGrowth) {
      const from = lastSeq - stretch;
      const found = await this.#collect(subject, from, lastSeq, Number.POSITIVE_INFINITY);
      const floor = await this.#wholeFrom(subject, from);
      const entries = shown(found, floor);
      if (entries.length > limit) return pageNewest({ floor, head }, limit, entries.reverse());
    }
    return undefined;
  }

  /** The place of the oldest entry that is left. */
  async #oldest(subject: string): Promise<number | undefined> {
    return (await this.#parts.streams.next(this.#parts.stream, subject, 1))?.seq;
  }

  /** From where on nothing behind `after` can have been let go while it was read: `after` or higher. */
  async #wholeFrom(subject: string, after: number): Promise<number> {
    return Math.max(after, (await this.#oldest(subject)) ?? 0);
  }

  /** Entries on `subject` behind `after` up to `lastSeq`, at most `max`, from wherever the stream is read. */
  async #collect(subject: string, after: number, lastSeq: number, max: number): Promise<Entry[]> {
    const { streams, clock, stream } = this.#parts;
    const entries: Entry[] = [];
    const { promise, resolve } = Promise.withResolvers<boolean>();
    let isDone = false;
    const reading = streams.read({
      name: stream,
      subject,
      from: after + 1,
      receive: (stored) => {
        // What comes in the same turn is no part of it: how much that is depends on the network.
        if (isDone) return;
        const entry = entryOf(stored);
        if (entry) entries.push(entry);
        isDone = stored.seq >= lastSeq || entries.length >= max;
        if (isDone) resolve(true);
      },
    });
    const late = clock.after(limits.requestMs, () => resolve(false));
    const whole = await promise;
    late.cancel();
    reading.end();
    if (!whole) throw new LedgerUnavailable("comments cannot be read now");
    return entries;
  }
}

/**
 * From where on these, all that are left of a video, are whole. Nothing was ever forgotten while no more than
 * `history` are left, counting those taken out, whose removals are here.
 */
function floorOf(all: readonly Entry[], history: number): number {
  if (all.some(isClearing)) return 0;
  const oldest = all[0]?.seq ?? 1;
  if (all.length > history) return oldest;
  const left = new Set(all.map((entry) => entry.seq));
  let takenOut = 0;
  for (const entry of all) if (entry.type === "retract" && !left.has(entry.target)) takenOut++;
  return all.length + takenOut > history ? oldest - 1 : 0;
}

/** A stored message as an entry whose link is still to be made. */
function entryOf({ seq, subject, payload }: Stored): Entry | undefined {
  const video = videoOf(subject);
  return video && decodeEntry(payload, video, seq, 0);
}

/** The entries behind `floor` without the comments that are removed, linked to each other. */
function shown(all: readonly Entry[], floor: number): Entry[] {
  const entries = sinceCleared(all);
  const removed = new Set<number>();
  for (const entry of entries) if (entry.type === "retract") removed.add(entry.target);
  const linked: Entry[] = [];
  for (const entry of entries) {
    if (entry.seq <= floor || (entry.type === "comment" && removed.has(entry.seq))) continue;
    linked.push({ ...entry, previous: linked.at(-1)?.seq ?? floor });
  }
  return linked;
}
