/**
 * Comments in a stream: each video has a subject, the stream's order is theirs, and the stream itself
 * publishes what it stored, with its place.
 *
 * Nothing is kept in memory, so a page is true whoever reads it: where a video's comments end is asked of the
 * stream's leader first, and the page is read up to there. The stream keeps one entry more than the history
 * holds: that one is not shown, its place tells from where on the history is whole.
 */
import type { Clock } from "../base/clock.ts";
import type { Entry, Page } from "../core/entry.ts";
import { type Hash64, hash64 } from "../core/hash.ts";
import type { CommentDraft, VideoId } from "../core/interaction.ts";
import { limits } from "../core/limits.ts";
import { decodeEntry, encodeEntry, subjects, videoOf } from "../core/wire.ts";
import { LedgerUnavailable, type Placed } from "./ledger.ts";
import { pageAfter, pageNewest } from "./page.ts";
import type { Stored, Streams, StreamWanted } from "./streams.ts";

const streamName = "comments";
const stretchGrowth = 16;

/** The stream of all comments; `history` entries are kept per video, at least 1. */
export function commentStream(history: number): StreamWanted {
  return {
    name: streamName,
    subject: "comments.*",
    perSubject: Math.max(1, history) + 1,
    republish: subjects.comment("*" as VideoId),
    idsMs: limits.keyWindowMs,
  };
}

const commentsSubject = (video: VideoId): string => `comments.${video}`;

export class CommentStream {
  readonly #streams: Streams;
  readonly #clock: Clock;
  readonly #firstHistory: number;
  readonly #hash: Hash64 = { hi: 0, lo: 0 };
  /** Pages being read: those who ask for the same one share it. */
  readonly #reading = new Map<string, Promise<Page>>();
  #head: number;

  /**
   * `firstHistory` entries were kept per video when the log began: of so many at least none was forgotten.
   */
  constructor(streams: Streams, clock: Clock, firstHistory: number, head: number) {
    this.#streams = streams;
    this.#clock = clock;
    this.#firstHistory = Math.max(1, firstHistory);
    this.#head = head;
  }

  head(): number {
    return this.#head;
  }

  /** Gives a comment its place, durably; a repeat of a remembered key gives the first one's. */
  async place(draft: CommentDraft): Promise<Placed> {
    const { video, text, user, key, atMs, holdMs } = draft;
    const payload = encodeEntry({ type: "comment", text, user, atMs, ...(holdMs && { holdMs }) });
    return this.#append(video, payload, key === undefined ? undefined : this.#id(video, key));
  }

  /** Takes out a comment and puts its removal in the order; false when there is no such comment. */
  async remove(video: VideoId, target: number): Promise<boolean> {
    const held = await this.#streams.at(streamName, target);
    if (!held || held.subject !== commentsSubject(video)) return false;
    if (decodeEntry(held.payload, video, target, 0)?.type !== "comment") return false;
    // The removal first: should we die in between, pages leave the comment out and a repeat takes it out.
    await this.#append(video, encodeEntry({ type: "retract", target }), `retract-${target}`);
    await this.#streams.erase(streamName, target);
    return true;
  }

  /** As Ledger.entries. */
  async page(video: VideoId, after: number | undefined, limit: number): Promise<Page> {
    // Who wants no entries wants no journey either.
    if (limit === 0) return { entries: [], floor: this.#head, head: this.#head, more: false };
    const name = `${video} ${after} ${limit}`;
    let reading = this.#reading.get(name);
    if (!reading) {
      if (this.#reading.size >= limits.ledgerReadsMax) throw new LedgerUnavailable("too many pages at once");
      reading = this.#page(video, after, limit).finally(() => this.#reading.delete(name));
      this.#reading.set(name, reading);
    }
    return reading;
  }

  async #append(video: VideoId, payload: Uint8Array, id: string | undefined): Promise<Placed> {
    const placed = await this.#streams.append(commentsSubject(video), payload, limits.storeMs, id);
    this.#head = Math.max(this.#head, placed.seq);
    return placed;
  }

  #id(video: VideoId, key: string): string {
    hash64(video, key, this.#hash);
    return `comment-${this.#hash.hi.toString(16)}-${this.#hash.lo.toString(16)}`;
  }

  async #page(video: VideoId, after: number | undefined, limit: number): Promise<Page> {
    // The head before the video's end: a comment that comes in between is in the page and above the head,
    // never below it and missing.
    const { lastSeq: head, perSubject = Number.POSITIVE_INFINITY } = await this.#streams.state(streamName);
    this.#head = Math.max(this.#head, head);
    const subject = commentsSubject(video);
    const last = await this.#streams.last(streamName, subject);
    if (!last || (after !== undefined && after >= last.seq)) {
      return { entries: [], floor: after ?? 0, head, more: false };
    }
    const first = after ? await this.#streams.next(streamName, subject, 1) : undefined;
    if (after !== undefined && first && first.seq <= after) {
      const following = shown(await this.#collect(video, after, last.seq, limit + 1), after);
      return pageAfter(after, { floor: after, head }, limit, following);
    }
    const newest = after === undefined && (await this.#newest(video, last.seq, limit, head));
    if (newest) return newest;
    const all = await this.#collect(video, 0, last.seq, Number.POSITIVE_INFINITY);
    const floor = floorOf(all, Math.min(this.#firstHistory, perSubject - 1));
    const whole = shown(all, floor);
    if (after === undefined) return pageNewest({ floor, head }, limit, whole.reverse());
    const following = whole.filter((entry) => entry.seq > after);
    return pageAfter(after, { floor, head }, limit, following);
  }

  /**
   * The newest page, read from ever further back until it is full; undefined when that means reading
   * everything. A video's density in the stream is not known, so the stretch grows quickly.
   */
  async #newest(video: VideoId, lastSeq: number, limit: number, head: number): Promise<Page | undefined> {
    for (let stretch = 4 * limit; stretch < lastSeq; stretch *= stretchGrowth) {
      const from = lastSeq - stretch;
      const found = shown(await this.#collect(video, from, lastSeq, Number.POSITIVE_INFINITY), from);
      if (found.length > limit) return pageNewest({ floor: from, head }, limit, found.reverse());
    }
    return undefined;
  }

  /** Entries of `video` behind `after` up to `lastSeq`, at most `max`, from wherever the stream is read. */
  async #collect(video: VideoId, after: number, lastSeq: number, max: number): Promise<Entry[]> {
    const entries: Entry[] = [];
    const { promise, resolve } = Promise.withResolvers<boolean>();
    const reading = this.#streams.read({
      name: streamName,
      subject: commentsSubject(video),
      from: after + 1,
      receive: (stored) => {
        const entry = entryOf(stored);
        if (entry) entries.push(entry);
        if (stored.seq >= lastSeq || entries.length >= max) resolve(true);
      },
    });
    const late = this.#clock.after(limits.requestMs, () => resolve(false));
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
function shown(entries: readonly Entry[], floor: number): Entry[] {
  const removed = new Set<number>();
  for (const entry of entries) if (entry.type === "retract") removed.add(entry.target);
  const linked: Entry[] = [];
  for (const entry of entries) {
    if (entry.seq <= floor || (entry.type === "comment" && removed.has(entry.seq))) continue;
    linked.push({ ...entry, previous: linked.at(-1)?.seq ?? floor });
  }
  return linked;
}
