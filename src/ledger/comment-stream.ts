/**
 * Comments in a stream: each video has a subject, the stream's order is theirs, and the stream itself
 * publishes what it stored, with its place.
 *
 * A stream may come back older than it was, or empty, and then gives its places out once more. So what stands
 * at the last places is known here (known.ts), and looked at after every return of the network, whenever a
 * place is given out that was not above what is known, and every now and then. Until it has been looked at
 * nothing is appended, and nothing read: no comment is answered under an id that another one has. From where
 * the stream differs a branch is opened. comment-lineage.test.ts holds that over a real server.
 *
 * Whether comments can be taken is what the last append said; while that failed, one that nobody sees is
 * tried again and again, so that recovery needs no luckless viewer.
 */
import type { Clock, Timer } from "../base/clock.ts";
import type { Log } from "../base/log.ts";
import type { Page } from "../core/entry.ts";
import { type Hash64, hash64 } from "../core/hash.ts";
import type { CommentDraft, VideoId } from "../core/interaction.ts";
import { limits } from "../core/limits.ts";
import type { Lineage } from "../core/lineage.ts";
import { decodeEntry, encodeEntry, subjects } from "../core/wire.ts";
import { CommentPages } from "./comment-pages.ts";
import { compare, Known, printOf } from "./known.ts";
import { anotherLog, LedgerUnavailable, type Placed, repeatOf } from "./ledger.ts";
import { isUnavailable, type Shared, within } from "./shared.ts";
import type { Stored, StreamState, Streams, StreamWanted } from "./streams.ts";

const streamName = "comments";
/** Longer than a video's id: it is nobody's, and no page shows it. */
const probeSubject = `comments.${"-".repeat(limits.videoIdCharsMax + 1)}`;
/** How often a break is looked for until the log is taken for one that goes on breaking. */
const looksMax = 8;

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

/** Where a video's comments are stored. */
export const commentsSubject = (video: VideoId): string => `comments.${video}`;

export interface CommentStreamParts {
  readonly streams: Streams;
  readonly clock: Clock;
  readonly log: Log;
  readonly shared: Shared;
  /** As it should be: it is made again as such. */
  readonly wanted: StreamWanted;
  /** As it was when it was opened. */
  readonly state: StreamState;
  /** Hears all that is told from now on, and when some of that may be missed, or be of another log. */
  readonly follower?: { hear(stored: Stored): void; miss(): void };
}

export class CommentStream {
  readonly #parts: CommentStreamParts;
  readonly #pages: CommentPages;
  readonly #hash: Hash64 = { hi: 0, lo: 0 };
  readonly #known = new Known();
  readonly #listening: { end(): void };
  readonly #timer: Timer;
  readonly #reading: { end(): void; again(): void };
  #created: string;
  #head: number;
  /** Up to here all that the stream holds has been read, and is known as far back as that reaches. */
  #read: number;
  /** Whether the stream is what we know. */
  #trusted = true;
  /** How often it became doubtful: what was seen before that proves nothing. */
  #doubts = 0;
  #looking: Promise<void> | undefined;
  #checking = false;
  /** Why the last append failed; undefined when it did not. */
  #failing: string | undefined;
  #closed = false;

  /** Follows the stream at once; `close` ends it. */
  constructor(parts: CommentStreamParts) {
    const { streams, clock, shared, state } = parts;
    this.#parts = parts;
    const firstHistory = shared.history;
    this.#pages = new CommentPages({
      ...{ streams, clock, stream: streamName, subjectOf: commentsSubject, firstHistory },
      check: (created) => this.#checkLife(created),
    });
    this.#created = state.created;
    this.#head = state.lastSeq;
    this.#read = Math.max(0, state.lastSeq - limits.knownPlacesMax);
    shared.onTurn((lineage) => this.#turned(lineage));
    this.#reading = this.#follow();
    this.#listening = streams.onConnected((connected) => {
      this.#doubt();
      if (!connected) return;
      this.#lookSoon();
      void this.#check();
    });
    this.#timer = clock.every(limits.lineageCheckMs, () => void this.#check());
  }

  head = (): number => this.#head;

  /** Why comments cannot be taken now; undefined when they can. */
  trouble(): string | undefined {
    if (this.#failing !== undefined) return this.#failing;
    return this.#trusted ? undefined : "it is being compared with what was known of it";
  }

  /** Gives a comment its place, durably; a repeat of a remembered key gives the first one's. */
  async place(draft: CommentDraft): Promise<Placed> {
    const { video, text, user, key, atMs, holdMs, mediaMs } = draft;
    const said = { text, user, atMs, ...(holdMs && { holdMs }), ...(mediaMs !== undefined && { mediaMs }) };
    const body = { type: "comment", ...said } as const;
    const placed = await this.#append(video, body, key === undefined ? undefined : this.#id(video, key));
    return placed.repeated ? this.#repeat(draft, placed.seq) : placed;
  }

  /** A repeat, beside what stands at `seq`; a removed comment is not there any more. */
  async #repeat(draft: CommentDraft, seq: number): Promise<Placed> {
    const held = await this.#parts.streams.at(streamName, seq).catch(() => undefined);
    const first = held && decodeEntry(held.payload, draft.video, seq, 0);
    return repeatOf(seq, draft, first?.type === "comment" ? first : undefined);
  }

  /** Takes out a comment and, after `before`, puts its removal in the order; false: there is no such one. */
  async remove(video: VideoId, target: number, before?: () => Promise<void>): Promise<boolean> {
    const { streams, shared } = this.#parts;
    // The place was looked at as one of this history: in another it is somebody else's.
    const lineage = shared.lineage();
    await this.#trust();
    if (shared.lineage() !== lineage) throw anotherLog();
    const held = await streams.at(streamName, target);
    if (!held || held.subject !== commentsSubject(video)) return false;
    if (decodeEntry(held.payload, video, target, 0)?.type !== "comment") return false;
    await before?.();
    // The removal first: should we die in between, pages leave the comment out and a repeat takes it out.
    await this.#append(video, { type: "retract", target }, `retract-${target}`);
    if (shared.lineage() === lineage) await streams.erase(streamName, target);
    return true;
  }

  /** Puts a removal of all before it into the order, once for `key`, with `head`; answers its place. */
  async clear(video: VideoId, key: string, head: Readonly<Record<string, string>>): Promise<number> {
    return (await this.#append(video, { type: "retract", target: 0 }, `clear-${key}`, head)).seq;
  }

  /** As Ledger.entries. */
  async page(video: VideoId, after: number | undefined, limit: number): Promise<Page> {
    // Who wants no entries wants no journey either.
    if (limit === 0) return { entries: [], floor: this.#head, head: this.#head, more: false };
    await this.#trust();
    const { shared } = this.#parts;
    const lineage = shared.lineage();
    const page = await this.#pages.read(video, after, limit);
    if (shared.lineage() !== lineage) throw anotherLog();
    this.#head = Math.max(this.#head, page.head);
    return page;
  }

  close(): void {
    this.#closed = true;
    this.#pages.forget();
    this.#reading.end();
    this.#listening.end();
    this.#timer.cancel();
  }

  async #append(
    video: VideoId,
    body: Parameters<typeof encodeEntry>[0],
    id: string | undefined,
    head?: Readonly<Record<string, string>>,
  ): Promise<Placed> {
    await this.#trust();
    const { streams, shared } = this.#parts;
    const subject = commentsSubject(video);
    const lineage = shared.lineage();
    const payload = encodeEntry(body, lineage.newest.name);
    const sent = streams.append(subject, payload, limits.storeMs, id, head);
    const placed = await sent.catch((error: unknown) => this.#failed(error));
    this.#wrote();
    if (!placed.repeated) await this.#took(placed.seq, printOf(subject, payload), lineage);
    this.#head = Math.max(this.#head, placed.seq);
    return placed;
  }

  #id(video: VideoId, key: string): string {
    hash64(video, key, this.#hash);
    return `comment-${this.#hash.hi.toString(16)}-${this.#hash.lo.toString(16)}`;
  }

  // ---- whether the stream is what it was

  /** Another life of the stream is another log, and no lineage of ours names what is in it. */
  #checkLife(created: string): void {
    if (created === (this.#parts.shared.created() ?? this.#created)) return;
    this.#doubt();
    this.#lookSoon();
    throw anotherLog();
  }

  #doubt(): void {
    this.#pages.forget();
    this.#parts.follower?.miss();
    this.#trusted = false;
    this.#doubts++;
  }

  /** Resolves when the stream is known to be what we know of it. */
  async #trust(): Promise<void> {
    if (this.#trusted) return;
    const { streams, clock } = this.#parts;
    if (!streams.connected()) throw new LedgerUnavailable("NATS is away");
    const late = () => new LedgerUnavailable("comments are not known to be what they were");
    await within(clock, limits.storeMs, this.#look(), late);
  }

  /**
   * `print`, written on `lineage`, was given the place `seq`: resolves when it is known to be there, under an
   * id that nothing else was given.
   */
  async #took(seq: number, print: string, lineage: Lineage): Promise<void> {
    const known = this.#known.at(seq);
    // What was read up to was read whole: nothing can be given a place in it.
    const isNews = known === undefined ? seq > this.#read : known === print;
    if (!isNews || lineage !== this.#parts.shared.lineage()) {
      this.#doubt();
      await this.#trust();
      const held = await this.#printAt(seq);
      // A history that is short may have let it go already.
      if (held === undefined ? seq > this.#head : held !== print) throw anotherLog();
    }
    this.#known.note(seq, print, this.#parts.shared.lineage().newest.name);
  }

  #follow(): { end(): void; again(): void } {
    const { streams } = this.#parts;
    return streams.read({
      name: streamName,
      from: this.#read + 1,
      receive: (stored) => this.#receive(stored),
      prepare: async () => {
        await this.#look();
        const { firstSeq, lastSeq } = await streams.state(streamName);
        return { firstSeq, lastSeq, from: Math.min(this.#read, lastSeq) + 1 };
      },
    });
  }

  #receive(stored: Stored): void {
    const { seq } = stored;
    const print = printOf(stored.subject, stored.payload);
    const known = this.#known.at(seq);
    if (known !== undefined && known !== print) {
      this.#doubt();
      this.#lookSoon();
      return;
    }
    this.#read = Math.max(this.#read, seq);
    this.#head = Math.max(this.#head, seq);
    this.#known.note(seq, print, this.#parts.shared.lineage().newest.name);
    this.#parts.follower?.hear(stored);
  }

  #lookSoon(): void {
    this.#look().catch((error: unknown) => {
      // Looked again at the next check.
      if (!isUnavailable(error)) throw error;
    });
  }

  #look(): Promise<void> {
    this.#looking ??= this.#lookNow().finally(() => {
      this.#looking = undefined;
    });
    return this.#looking;
  }

  /** Compares the stream with what is known of it, until nothing differs. */
  async #lookNow(): Promise<void> {
    for (let looks = 0; looks < looksMax; looks++) {
      const doubts = this.#doubts;
      const lineage = this.#parts.shared.lineage();
      const known = this.#known.newestFirst();
      const state = await this.#state();
      // Who opened the newest branch may have been on another life of the stream than we were.
      const verdict =
        state.created === (this.#parts.shared.created() ?? this.#created)
          ? await compare(known, state, (seq) => this.#printAt(seq))
          : { whole: false as const, first: 1, alone: false };
      // What was found is older than the doubt, or of a history that is no more.
      if (doubts !== this.#doubts || lineage !== this.#parts.shared.lineage()) continue;
      this.#created = state.created;
      if (verdict.whole) {
        this.#head = Math.max(state.lastSeq, this.#known.newest);
        this.#trusted = true;
        return;
      }
      this.#trusted = false;
      const { first, alone } = verdict;
      const { shared, log } = this.#parts;
      log.error("the stream of comments has lost its end: ids from there on are reset", {
        stream: streamName,
        first,
        knownUpTo: this.#known.newest,
        lastSeq: state.lastSeq,
      });
      await shared.turn(lineage, first, state.created, alone);
    }
    throw new LedgerUnavailable("comments go on changing");
  }

  /** Where the stream stands; it is made again when it is gone. */
  async #state(): Promise<StreamState> {
    const { streams, wanted } = this.#parts;
    try {
      return await streams.state(streamName);
    } catch (error) {
      if (!isUnavailable(error) || !streams.connected()) throw error;
    }
    try {
      return await streams.ensure(wanted);
    } catch (error) {
      if ((error as Error).name !== "StreamMismatch") throw error;
      this.#failing = (error as Error).message;
      throw new LedgerUnavailable(this.#failing);
    }
  }

  async #printAt(seq: number): Promise<string | undefined> {
    const held = await this.#parts.streams.at(streamName, seq);
    return held && printOf(held.subject, held.payload);
  }

  /** The lineage has become another one: what does not lie on it is known no longer, and read anew. */
  #turned(lineage: Lineage): void {
    this.#pages.forget();
    this.#parts.follower?.miss();
    this.#known.turn(lineage);
    const before = lineage.newest.first - 1;
    this.#head = Math.min(this.#head, Math.max(before, this.#known.newest));
    if (this.#read <= before) return;
    this.#read = before;
    this.#reading.again();
  }

  // ---- whether it can be written

  #failed(error: unknown): never {
    const { streams, log } = this.#parts;
    // While there is no NATS at all, that is the reason, and the link says so.
    if (!isUnavailable(error) || !streams.connected()) throw error;
    this.#doubt();
    if (this.#failing === undefined) {
      const reason = (error as Error).message;
      log.error("comments cannot be written", { stream: streamName, reason });
    }
    this.#failing = `stream ${streamName}: ${(error as Error).message}`;
    this.#lookSoon();
    throw error;
  }

  #wrote(): void {
    if (this.#failing === undefined) return;
    this.#failing = undefined;
    this.#parts.log.info("comments can be written again", { stream: streamName });
  }

  /** Looks whether all is well, though nobody asks for anything. */
  async #check(): Promise<void> {
    const { streams, shared } = this.#parts;
    if (this.#checking || this.#closed || !streams.connected()) return;
    this.#checking = true;
    const probe = async (): Promise<void> => {
      if (this.#failing === undefined) return;
      await streams.append(probeSubject, new Uint8Array(0), limits.storeMs);
      this.#wrote();
    };
    // One may fail without the others: they are of several streams.
    for (const look of [() => shared.keep(), () => this.#look(), probe]) {
      await look().catch((error: unknown) => {
        if (!isUnavailable(error)) throw error;
      });
    }
    this.#checking = false;
  }
}
