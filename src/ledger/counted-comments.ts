/**
 * Comments in their time, in a shared log: what a video's comments came to up to a place is a message of its
 * own in the stream `counts`, and whoever asks counts those behind that place.
 *
 * The stream of comments lets the oldest go as new ones come, so each dispatcher writes only so many before
 * it has had all there are counted (limits.uncountedMax): nothing is let go that is not. What is counted is
 * what the stream tells, whoever wrote it, and written only if nobody else has written since; so it does not
 * matter who counts, how often, or where they are killed. A comment is counted before it is removed, too.
 *
 * Of videos that it writes of, a dispatcher keeps what it has heard of the stream since it last counted, so
 * that counting them is one message. Where it may have missed some it reads them.
 * Where older nodes wrote and let go of what nobody counted, counts begin anew, and say from when.
 * counted-comments.test.ts holds it.
 */
import { type Clock, type Elapsed, later } from "../base/clock.ts";
import { Turns } from "../base/turns.ts";
import { isClearing, type Page } from "../core/entry.ts";
import type { CommentDraft, VideoId } from "../core/interaction.ts";
import { limits } from "../core/limits.ts";
import type { Lineage } from "../core/lineage.ts";
import { decodeEntry, videoOf } from "../core/wire.ts";
import { type Counted, type CountedEntry, strippedOf, withEntries } from "./comment-counts.ts";
import { type CommentStream, commentStream, commentsSubject } from "./comment-stream.ts";
import { CountsStream, type Held } from "./counts-stream.ts";
import { Heard } from "./heard.ts";
import { anotherLog, LedgerUnavailable, type Placed } from "./ledger.ts";
import { isUnavailable, within } from "./shared.ts";
import type { Stored, Streams } from "./streams.ts";
import type { Ages } from "./timeline.ts";

/** Videos that are looked for at once: further ones wait, up to limits.countMs. */
const atOnceMax = 64;
/** Longest it is waited for what was written to be heard of, in ms. Beyond: it is read. */
const hearMs = 200;
/** How often others may have written first. */
const triesMax = 8;

export interface CountedCommentsParts {
  readonly streams: Streams;
  readonly clock: Clock;
  readonly comments: Pick<CommentStream, "place" | "remove" | "clear" | "page">;
  readonly lineage: () => Lineage;
  /** Entries that the stream keeps of a video; undefined: all. */
  readonly perSubject: number | undefined;
  /** As those of likes; undefined: nothing is counted. */
  readonly ages: Ages | undefined;
  /** Log time of a video's part of the log, and the median delay of its viewers, both in ms. */
  readonly timeOf: (video: VideoId) => { readonly logMs: number; readonly skewMs: number };
}

/** What one dispatcher knows of a video that it writes of. */
interface Known {
  /** Entries that it began to write, and those of them that are counted by now. */
  begun: number;
  counted: number;
  /** Being written. */
  readonly under: Set<Promise<unknown>>;
  /** The place of the last comment that it wrote. */
  wrote: number;
  counting: Promise<void> | undefined;
  /** What it heard behind `from`, all of it and in order; undefined: it may have missed some. */
  heard: CountedEntry[] | undefined;
  from: number;
}

export class CountedComments {
  readonly #parts: CountedCommentsParts;
  readonly #written: CountsStream;
  readonly #most: number;
  /** Used longest ago first. */
  readonly #known = new Map<VideoId, Known>();
  readonly #looking = new Map<VideoId, Promise<Known>>();
  readonly #looks = new Turns(atOnceMax);
  /** What was written last of those used last, likewise. */
  readonly #held = new Map<VideoId, Held>();
  readonly #heard: Heard;
  /** Entries of all videos that were heard and are kept. */
  #kept = 0;

  constructor(parts: CountedCommentsParts) {
    this.#parts = parts;
    this.#written = new CountsStream(parts.streams, parts.lineage);
    this.#heard = new Heard(parts.clock);
    const kept = parts.perSubject ?? Number.POSITIVE_INFINITY;
    const [eighth, quarter] = [Math.floor(kept / 8), Math.floor(kept / 4)];
    this.#most = Math.max(1, Math.min(limits.uncountedMax, eighth), Math.min(4, quarter));
  }

  /** Gives comments their places, in their order, as CommentStream.place. */
  async place(drafts: readonly CommentDraft[]): Promise<Placed[]> {
    // Those that are new here are looked for together; who needs one of them hears how that went.
    for (const { video } of drafts) if (!this.#known.has(video)) this.#look(video).catch(() => {});
    const placed: Promise<Placed>[] = [];
    for (const draft of drafts) {
      const room = this.#room(draft.video);
      placed.push(this.#placing(draft, room instanceof Promise ? await room : room));
    }
    return Promise.all(placed);
  }

  #placing(draft: CommentDraft, known: Known): Promise<Placed> {
    const placing = this.#under(draft.video, known, async () => {
      const first = await this.#parts.comments.place(draft);
      known.wrote = Math.max(known.wrote, first.seq);
      return first;
    });
    // Whoever waits for all of them hears of it.
    placing.catch(() => {});
    return placing;
  }

  /** As CommentStream.remove. */
  async remove(video: VideoId, target: number): Promise<boolean> {
    const { comments, ages } = this.#parts;
    const { promise: done, resolve } = Promise.withResolvers<void>();
    // Who removes it at the same moment has looked for it by now, too.
    const counted = async (): Promise<void> => {
      void this.#under(video, await this.#room(video), () => done);
      if (ages && (await this.#written.read(video)).upTo < target) await this.#inTime(this.#write(video));
    };
    return comments.remove(video, target, counted).finally(resolve);
  }

  /** As CommentStream.clear. */
  async clear(...wanted: Parameters<CommentStream["clear"]>): Promise<number> {
    const { comments } = this.#parts;
    const [video] = wanted;
    return this.#under(video, await this.#room(video), () => comments.clear(...wanted));
  }

  /** As Ledger.comments. */
  async read(video: VideoId): Promise<Counted> {
    if (!this.#parts.ages) return { counts: undefined, upTo: 0 };
    const { counts, upTo } = await this.#written.read(video);
    return { counts, upTo };
  }

  /** Takes out what was counted of a video up to the place `before`, at which it was deleted. */
  async forget(video: VideoId, before: number): Promise<void> {
    if (this.#parts.ages) await this.#written.forget(video, before);
  }

  /** The stream told this, behind all that it told before. */
  hear({ seq, subject, payload }: Stored): void {
    const video = videoOf(subject);
    const known = video && this.#known.get(video);
    if (known?.heard && seq > (known.heard.at(-1)?.seq ?? 0)) {
      const entry = decodeEntry(payload, video as VideoId, seq, 0);
      if (entry) known.heard.push(strippedOf(entry));
      if (entry && ++this.#kept > limits.uncountedHeardMax) this.#makeRoom();
    }
    this.#heard.tell(seq);
  }

  /** The stream may be another one: what was heard of it is nothing to go by. */
  miss(): void {
    for (const known of this.#known.values()) {
      this.#keep(known, undefined);
      known.wrote = 0;
    }
    this.#held.clear();
    this.#heard.miss();
  }

  /** Takes room for one more entry of a video, which `under` then writes. */
  #room(video: VideoId): Known | Promise<Known> {
    const known = this.#looking.has(video) ? undefined : this.#known.get(video);
    if (known && this.#takes(known)) return known;
    return this.#freed(video);
  }

  /** In one turn: of many who wait for it as many as there is room for find it. */
  #takes(known: Known): boolean {
    const isFree = known.begun - known.counted < this.#most || !this.#parts.ages;
    if (isFree) known.begun++;
    return isFree;
  }

  async #freed(video: VideoId): Promise<Known> {
    for (;;) {
      const looking = this.#looking.get(video);
      const known = looking ? undefined : this.#known.get(video);
      const found = known ?? (await this.#inTime(looking ?? this.#look(video)));
      if (this.#takes(found)) return found;
      await this.#inTime(this.#count(video, found));
    }
  }

  /** Writes an entry that has room; has all counted while there is room for some more. */
  #under<T>(video: VideoId, known: Known, write: () => Promise<T>): Promise<T> {
    // Used longest ago comes first.
    if (this.#known.delete(video)) this.#known.set(video, known);
    const writing = write().finally(() => known.under.delete(writing));
    known.under.add(writing);
    if (this.#parts.ages && 2 * (known.begun - known.counted) >= this.#most) {
      this.#count(video, known).catch((error: unknown) => {
        // Whoever finds no room any more tries again, and hears of it.
        if (!isUnavailable(error)) throw error;
      });
    }
    return writing;
  }

  /** Has all entries counted that were begun by now. */
  #count(video: VideoId, known: Known): Promise<void> {
    known.counting ??= this.#countOnce(video, known).finally(() => {
      known.counting = undefined;
    });
    return known.counting;
  }

  async #countOnce(video: VideoId, known: Known): Promise<void> {
    const { begun } = known;
    // What is not known to be there, or not, may come to be there later: for few of those there is room.
    await Promise.allSettled([...known.under]);
    if (!(await this.#heard.upTo(known.wrote, hearMs)) || !(await this.#writeHeard(video, known))) {
      // From here on all is heard. Until it is known where that begins it is nothing to go by.
      this.#keep(known, []);
      known.from = Number.POSITIVE_INFINITY;
      known.from = (await this.#write(video)).upTo;
    }
    known.counted = begun;
  }

  #drop(video: VideoId): void {
    const known = this.#known.get(video);
    if (known) this.#keep(known, undefined);
    this.#known.delete(video);
  }

  #keep(known: Known, heard: CountedEntry[] | undefined): void {
    this.#kept += (heard?.length ?? 0) - (known.heard?.length ?? 0);
    known.heard = heard;
  }

  /** What was heard of videos that this dispatcher wrote of longest ago is read when it is wanted. */
  #makeRoom(): void {
    for (const known of this.#known.values()) {
      if (this.#kept <= limits.uncountedHeardMax / 2) break;
      this.#keep(known, undefined);
    }
  }

  /** Counts what was heard; false when that may not be all. */
  async #writeHeard(video: VideoId, known: Known): Promise<boolean> {
    for (let tries = 0; tries < triesMax && known.heard; tries++) {
      const held = this.#held.get(video) ?? (await this.#written.read(video));
      // What is added to it is not what was written, until it is.
      this.#held.delete(video);
      if (!known.heard || held.upTo < known.from) return false;
      const entries = known.heard.filter(({ seq }) => seq > held.upTo);
      // Somebody else may have counted what is ours.
      const isDone = known.wrote <= held.upTo;
      const next = isDone ? held : this.#added(video, held, entries);
      const seq = isDone ? held.seq : await this.#written.append(video, next, held.seq);
      if (seq === undefined) continue;
      if (!known.heard) return true;
      const rest = known.heard.filter((entry) => entry.seq > next.upTo);
      this.#keep(known, rest);
      known.from = next.upTo;
      this.#hold(video, { ...next, seq });
      return true;
    }
    return false;
  }

  #hold(video: VideoId, held: Held): void {
    this.#held.set(video, held);
    for (const quietest of this.#held.keys()) {
      if (this.#held.size <= limits.commentCountsHeldMax) break;
      this.#held.delete(quietest);
    }
  }

  /** A video that this dispatcher writes of for the first time: others, or another life, may have before. */
  #look(video: VideoId): Promise<Known> {
    let looking = this.#looking.get(video);
    if (!looking) {
      const due = later(this.#parts.clock.elapsed(), limits.countMs);
      const look = () => this.#lookNow(video, due);
      looking = this.#looks.take(look).finally(() => this.#looking.delete(video));
      this.#looking.set(video, looking);
    }
    return looking;
  }

  async #lookNow(video: VideoId, due: Elapsed): Promise<Known> {
    // Nobody waits for it any more.
    if (this.#parts.clock.elapsed() >= due) throw late();
    const known: Known = {
      ...{ begun: 0, counted: 0, under: new Set(), wrote: 0 },
      ...{ counting: undefined, heard: [], from: Number.POSITIVE_INFINITY },
    };
    // From here on it is heard of.
    this.#known.set(video, known);
    try {
      const { streams, ages } = this.#parts;
      const last = ages && (await streams.last(commentStream(1).name, commentsSubject(video)));
      // Most videos that are new here are new at all, or counted: no page is read of those.
      known.from = last ? (await this.#write(video, last.seq)).upTo : 0;
    } catch (error) {
      this.#drop(video);
      throw error;
    }
    for (const [quietest, { under, counting }] of this.#known) {
      if (this.#known.size <= limits.uncountedVideosMax) break;
      if (under.size === 0 && !counting && quietest !== video) this.#drop(quietest);
    }
    return known;
  }

  /** Has all counted as it is read, or those up to `until`; answers what is written then, by whomever. */
  async #write(video: VideoId, until = Number.POSITIVE_INFINITY): Promise<Held> {
    for (let tries = 0; tries < triesMax; tries++) {
      const held = await this.#written.read(video);
      if (held.upTo >= until) return held;
      const next = await this.#readUnlessPassed(video, held);
      if (!next) continue;
      if (next.upTo === held.upTo) return held;
      until = Math.min(until, next.upTo);
      const seq = await this.#written.append(video, next, held.seq);
      if (seq !== undefined) return { ...next, seq };
    }
    throw late();
  }

  /** As `read`; undefined when somebody else has counted meanwhile, and what stood there was let go of. */
  async #readUnlessPassed(video: VideoId, held: Held): Promise<Counted | undefined> {
    try {
      return await this.#read(video, held);
    } catch (error) {
      if (!isUnavailable(error) || (await this.#written.read(video)).seq === held.seq) throw error;
      return undefined;
    }
  }

  /** All that stand behind `held`, added to it. */
  async #read(video: VideoId, held: Counted): Promise<Counted> {
    const { lineage } = this.#parts;
    const now = lineage();
    for (let counted = held, gap = false; ; ) {
      const page: Page = await this.#page(video, counted);
      if (lineage() !== now) throw anotherLog();
      gap ||= page.floor > counted.upTo;
      counted = this.#added(video, counted, page.entries, gap);
      gap &&= !page.entries.some((entry) => entry.type === "comment" || isClearing(entry));
      // Behind a gap counts begin with the next comment.
      if (!page.more || page.entries.length === 0) return gap ? held : counted;
    }
  }

  /**
   * What stands behind what was counted. Of a video that nobody counted yet, and that has more than can be
   * read at once, the newest: it is counted from there on.
   */
  async #page(video: VideoId, { counts, upTo }: Counted): Promise<Page> {
    const { comments } = this.#parts;
    try {
      return await comments.page(video, upTo, limits.pageEntriesMax);
    } catch (error) {
      if (counts || upTo > 0 || !isUnavailable(error)) throw error;
      return comments.page(video, undefined, limits.pageEntriesMax);
    }
  }

  /** As `withEntries`, of a video of ours. */
  #added(video: VideoId, counted: Counted, entries: readonly CountedEntry[], gap = false): Counted {
    const { ages, timeOf } = this.#parts;
    return ages ? withEntries(counted, entries, { ...timeOf(video), ages, gap }) : counted;
  }

  #inTime<T>(work: Promise<T>): Promise<T> {
    return within(this.#parts.clock, limits.countMs, work, late);
  }
}

function late(): LedgerUnavailable {
  return new LedgerUnavailable("comments cannot be counted now");
}
