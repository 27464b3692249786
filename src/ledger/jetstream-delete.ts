/**
 * Deletions in a shared log: a record in the log of likes, a removal of all in the order of comments, and
 * what is left taken out of the stream message by message, which overwrites each.
 *
 * What is under way is a message per task in a stream of its own, written first: whichever dispatcher finds
 * it there later goes on, under the same key, so nothing is deleted twice. cluster-life.test.ts holds
 * that. A key is only remembered for so long: it says too what there was when it was made, and whoever comes
 * late goes by that, and takes nothing newer (jetstream-delete.test.ts).
 */
import type { Clock } from "../base/clock.ts";
import type { Log } from "../base/log.ts";
import { secret } from "../base/prng.ts";
import { deletionOf, renamingOf } from "../core/acts.ts";
import { type Entry, isClearing } from "../core/entry.ts";
import type { VideoId } from "../core/interaction.ts";
import { limits } from "../core/limits.ts";
import type { LikeRecord } from "../core/record.ts";
import type { Totals } from "../core/totals.ts";
import { decodeEntry, videoOf } from "../core/wire.ts";
import { commentStream, commentsSubject } from "./comment-stream.ts";
import type { CountedComments } from "./counted-comments.ts";
import { type Deletions, deletionTask, type Scan, scanMax } from "./deletions.ts";
import type { Fold } from "./fold.ts";
import { readThrough } from "./read-through.ts";
import type { Stored, Streams, StreamWanted } from "./streams.ts";

export const taskStream: StreamWanted = { name: "tasks", subject: "tasks.*", perSubject: 1 };
/** Messages that are taken out in one piece, and at once. */
const pieceMax = 128;
const atOnceMax = 16;
/** So old a task is carried out as if it were new: half of what keys are remembered for, as clocks differ. */
const youngMs = limits.keyWindowMs / 2;
/** So long nothing may come of a stream that has more, in ms. */
const silenceMs = limits.requestMs;
/** On a removal of all comments: the version that the video had. */
const clearedHeader = "Ovation-Deleted";
const encoder = new TextEncoder();
const decoder = new TextDecoder();
const taskSubject = (name: string): string => `tasks.${name}`;

export interface DeletionsParts {
  readonly streams: Streams;
  readonly clock: Clock;
  readonly log: Log;
  readonly comments: Pick<CountedComments, "clear" | "remove">;
  /** Makes a record durable in the log of its video. */
  readonly append: (record: LikeRecord, video: VideoId) => Promise<void>;
  /** As Ledger.current. */
  readonly current: (video: VideoId) => Promise<Totals>;
  /** Whether anybody liked `video`, or closed it. */
  readonly isKnown: (video: VideoId) => Promise<boolean>;
  /**
   * Takes out what was kept of a deleted video that had left memory, and of its comments before the place
   * `before`.
   */
  readonly forget: (video: VideoId, before: number) => Promise<void>;
  /** The member that a viewer's like is, if it stands. */
  readonly memberOf: Fold["memberOf"];
  /** Runs what needs the network. Rejects with LedgerUnavailable. */
  readonly attempt: <T>(work: () => Promise<T>) => Promise<T>;
}

export class JetstreamDeletions implements Deletions {
  readonly #parts: DeletionsParts;
  readonly #stream = commentStream(1).name;

  constructor(parts: DeletionsParts) {
    this.#parts = parts;
  }

  delete(video: VideoId): Promise<boolean> {
    return this.#parts.attempt(() => this.#delete(video));
  }

  sweep(video: VideoId): Promise<boolean> {
    return this.#parts.attempt(() => this.#sweep(video));
  }

  rename(video: VideoId, kind: string, viewer: string): Promise<boolean> {
    const { clock, append, memberOf, attempt } = this.#parts;
    return attempt(async () => {
      const member = memberOf(video, kind, viewer);
      if (member) await append(renamingOf(video, member, secret(24), clock.date()), video);
      return member !== undefined;
    });
  }

  scan(after: number, limit: number): Promise<Scan> {
    return this.#parts.attempt(() => this.#scan(after, limit));
  }

  tasks(): Promise<ReadonlyMap<string, string>> {
    return this.#parts.attempt(() => this.#allTasks());
  }

  setTask(name: string, value: string | undefined): Promise<void> {
    return this.#parts.attempt(() => this.#setTask(name, value));
  }

  async #delete(video: VideoId): Promise<boolean> {
    const { streams, clock, current, isKnown } = this.#parts;
    const held = await streams.last(this.#stream, commentsSubject(video));
    if (!held && !(await isKnown(video))) return false;
    const { version } = await current(video);
    const key = `${secret(16)}.${version}.${held?.seq ?? 0}`;
    const atMs = clock.date();
    await this.#setTask(deletionTask(video), key);
    while ((await this.#carryOut(video, key, atMs)) === undefined);
    return true;
  }

  async #sweep(video: VideoId): Promise<boolean> {
    const { streams, forget } = this.#parts;
    const noted = await streams.last(taskStream.name, taskSubject(deletionTask(video)));
    if (!noted) return true;
    const [key = "", place] = decoder.decode(noted.payload).split(" ");
    const isDone = place !== undefined && (await this.#isCleared(video, Number(place)));
    const before = isDone ? Number(place) : await this.#carryOut(video, key, place ? 0 : noted.atMs);
    if (before === undefined) return false;
    const seqs = await this.#oldest(video, before);
    for (let i = 0; i < seqs.length; i += atOnceMax) {
      await Promise.all(seqs.slice(i, i + atOnceMax).map((seq) => streams.erase(this.#stream, seq)));
    }
    if (seqs.length === pieceMax) return false;
    await forget(video, before);
    return true;
  }

  async #scan(after: number, limit: number): Promise<Scan> {
    const entries: Entry[] = [];
    const { lastSeq } = await this.#parts.streams.state(this.#stream);
    let last = after;
    const stretch = { name: this.#stream, from: after + 1, upTo: lastSeq, silenceMs };
    await readThrough(this.#parts, stretch, ({ seq, subject, payload }) => {
      const video = videoOf(subject);
      const entry = video && decodeEntry(payload, video, seq, 0);
      if (entry) entries.push(entry);
      last = seq;
      return entries.length < Math.min(limit, scanMax);
    });
    return { entries, last };
  }

  async #allTasks(): Promise<ReadonlyMap<string, string>> {
    const found = new Map<string, string>();
    const { firstSeq, lastSeq } = await this.#parts.streams.ensure(taskStream);
    const stretch = { name: taskStream.name, from: firstSeq, upTo: lastSeq, silenceMs };
    await readThrough(this.#parts, stretch, ({ subject, payload }) => {
      found.set(subject.slice(subject.lastIndexOf(".") + 1), decoder.decode(payload));
    });
    return found;
  }

  async #setTask(name: string, value: string | undefined): Promise<void> {
    const { streams } = this.#parts;
    await streams.ensure(taskStream);
    const before = await streams.last(taskStream.name, taskSubject(name));
    if (value !== undefined) await streams.append(taskSubject(name), encoder.encode(value), limits.storeMs);
    // It may have been let go already, as only the newest is kept; this overwrites it.
    if (before) await streams.erase(taskStream.name, before.seq);
  }

  /**
   * Deletes under `key`, which was noted at `atMs`, once however often, and notes that it is done; the place
   * in the comments before which all are gone, or undefined: there is more to do.
   */
  async #carryOut(video: VideoId, key: string, atMs: number): Promise<number | undefined> {
    const isYoung = Math.abs(this.#parts.clock.date() - atMs) < youngMs;
    const seq = isYoung ? await this.#deleteNow(video, key) : await this.#deleteLate(video, key);
    if (seq !== undefined) await this.#setTask(deletionTask(video), `${key} ${seq}`);
    return seq;
  }

  /** Whether the removal of all still stands at `seq`, or before what there is: a log may have gone back. */
  async #isCleared(video: VideoId, seq: number): Promise<boolean> {
    // Noted where comments had come meanwhile, which were removed one by one.
    if (seq === 0) return true;
    const { streams } = this.#parts;
    const held = await streams.at(this.#stream, seq);
    const entry = held && decodeEntry(held.payload, video, seq, 0);
    if (entry && held.subject === commentsSubject(video)) return isClearing(entry);
    // Let go for newer ones, or never there.
    return !held && (await streams.state(this.#stream)).lastSeq > seq && (await this.#behind(video, seq)).any;
  }

  /** Once within limits.keyWindowMs; the place of the removal. */
  async #deleteNow(video: VideoId, key: string): Promise<number> {
    const { clock, append, comments } = this.#parts;
    await append(deletionOf(video, key, clock.date()), video);
    return comments.clear(video, key, headOf(key));
  }

  /**
   * Where nobody remembers the key. Of likes an entry takes all or none: they are deleted if the video is at
   * the version it was at; else it was deleted, or liked since, and stays as it is. Of comments those go
   * that there were.
   */
  async #deleteLate(video: VideoId, key: string): Promise<number | undefined> {
    const { clock, log, append, comments, current } = this.#parts;
    const { version, tip } = notedIn(key);
    const newer = await this.#behind(video, tip);
    if (newer.clearedAt > 0) return newer.clearedAt;
    if (newer.any && !(await this.#removeUpTo(video, tip))) return undefined;
    if ((await current(video)).version === version) await append(deletionOf(video, key, clock.date()), video);
    else log.warn("a deletion was cut off: if it had not begun, likes of the video stay", { video });
    return newer.any ? 0 : comments.clear(video, key, headOf(key));
  }

  /** Whether `video` has entries behind the place `tip`; where the first of them is that clears it, or 0. */
  async #behind(video: VideoId, tip: number): Promise<{ any: boolean; clearedAt: number }> {
    const { streams } = this.#parts;
    for (let at = tip; ; ) {
      const held = await streams.next(this.#stream, commentsSubject(video), at + 1);
      if (!held) return { any: at > tip, clearedAt: 0 };
      at = held.seq;
      const entry = decodeEntry(held.payload, video, at, 0);
      if (entry && isClearing(entry)) return { any: true, clearedAt: at };
    }
  }

  /** Removes comments of `video` up to the place `tip` as a moderator does, at most a piece; true: all. */
  async #removeUpTo(video: VideoId, tip: number): Promise<boolean> {
    const { streams, comments } = this.#parts;
    for (let at = 0, left = pieceMax; left > 0; ) {
      const held = await streams.next(this.#stream, commentsSubject(video), at + 1);
      if (!held || held.seq > tip) return true;
      at = held.seq;
      if (await comments.remove(video, at)) left--;
    }
    return false;
  }

  /** Places of the oldest entries of `video` before `before`, at most a piece of them. */
  async #oldest(video: VideoId, before: number): Promise<number[]> {
    const { streams } = this.#parts;
    const seqs: number[] = [];
    for (let from = 1; seqs.length < pieceMax; ) {
      const held = await streams.next(this.#stream, commentsSubject(video), from);
      if (!held || held.seq >= before) break;
      seqs.push(held.seq);
      from = held.seq + 1;
    }
    return seqs;
  }
}

/** What goes with the removal of all comments under `key`. */
function headOf(key: string): Readonly<Record<string, string>> {
  return { [clearedHeader]: `${notedIn(key).version}` };
}

/** The version that a video had when all its comments were removed, where `stored` says that. */
export function clearedVersion({ header }: Stored): number | undefined {
  const version = Number(header?.(clearedHeader) || Number.NaN);
  return Number.isSafeInteger(version) ? version : undefined;
}

/** What there was when `key` was made: the version of the likes, and the last place of the comments. */
function notedIn(key: string): { readonly version: number; readonly tip: number } {
  const [, version = Number.NaN, tip = 0] = key.split(".").map(Number);
  return { version, tip };
}
