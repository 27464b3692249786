/**
 * Deletions in a shared log: a record in the log of likes, a removal of all in the order of comments, and
 * what is left taken out of the stream message by message, which overwrites each.
 *
 * What is under way is a message per task in a stream of its own, written first: whichever dispatcher finds
 * it there later goes on, under the same key, so nothing is deleted twice. cluster-life.test.ts holds
 * that.
 */
import type { Clock } from "../base/clock.ts";
import { secret } from "../base/prng.ts";
import { deletionOf, renamingOf } from "../core/acts.ts";
import type { Entry } from "../core/entry.ts";
import type { VideoId } from "../core/interaction.ts";
import { limits } from "../core/limits.ts";
import type { LikeRecord } from "../core/record.ts";
import { decodeEntry, videoOf } from "../core/wire.ts";
import { type CommentStream, commentStream, commentsSubject } from "./comment-stream.ts";
import { type Deletions, deletionTask, type Scan, scanMax } from "./deletions.ts";
import type { Fold } from "./fold.ts";
import { LedgerUnavailable } from "./ledger.ts";
import type { Stored, Streams, StreamWanted } from "./streams.ts";

export const taskStream: StreamWanted = { name: "tasks", subject: "tasks.*", perSubject: 1 };
/** Messages that are taken out in one piece, and at once. */
const pieceMax = 128;
const atOnceMax = 16;
const encoder = new TextEncoder();
const decoder = new TextDecoder();
const taskSubject = (name: string): string => `tasks.${name}`;

export interface DeletionsParts {
  readonly streams: Streams;
  readonly clock: Clock;
  readonly comments: CommentStream;
  /** Makes a record durable in the log of its video. */
  readonly append: (record: LikeRecord, video: VideoId) => Promise<void>;
  /** Whether anybody liked `video`, or closed it. */
  readonly isKnown: (video: VideoId) => Promise<boolean>;
  /** Takes out what was kept of a deleted video that had left memory. */
  readonly forget: (video: VideoId) => Promise<void>;
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
    const { streams, isKnown } = this.#parts;
    const held = await streams.last(this.#stream, commentsSubject(video));
    if (!held && !(await isKnown(video))) return false;
    const key = secret(16);
    await this.#setTask(deletionTask(video), key);
    await this.#carryOut(video, key);
    return true;
  }

  async #sweep(video: VideoId): Promise<boolean> {
    const { streams, forget } = this.#parts;
    const noted = await streams.last(taskStream.name, taskSubject(deletionTask(video)));
    if (!noted) return true;
    const [key = "", place] = decoder.decode(noted.payload).split(" ");
    const before = place === undefined ? await this.#carryOut(video, key) : Number(place);
    const seqs = await this.#oldest(video, before);
    for (let i = 0; i < seqs.length; i += atOnceMax) {
      await Promise.all(seqs.slice(i, i + atOnceMax).map((seq) => streams.erase(this.#stream, seq)));
    }
    if (seqs.length === pieceMax) return false;
    await forget(video);
    return true;
  }

  async #scan(after: number, limit: number): Promise<Scan> {
    const entries: Entry[] = [];
    const { lastSeq } = await this.#parts.streams.state(this.#stream);
    let last = after;
    await this.#read({ name: this.#stream, from: after + 1, upTo: lastSeq }, ({ seq, subject, payload }) => {
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
    await this.#read({ name: taskStream.name, from: firstSeq, upTo: lastSeq }, ({ subject, payload }) => {
      found.set(subject.slice(subject.lastIndexOf(".") + 1), decoder.decode(payload));
      return true;
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
   * Deletes under `key`, once however often within limits.keyWindowMs, and notes that it is done; the place
   * of the removal in the comments.
   */
  async #carryOut(video: VideoId, key: string): Promise<number> {
    const { clock, append, comments } = this.#parts;
    await append(deletionOf(video, key, clock.date()), video);
    const seq = await comments.clear(video, key);
    await this.#setTask(deletionTask(video), `${key} ${seq}`);
    return seq;
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

  /** Reads a stretch until `receive` wants no more. Rejects when that takes long. */
  async #read(
    { name, from, upTo }: { readonly name: string; readonly from: number; readonly upTo: number },
    receive: (stored: Stored) => boolean,
  ): Promise<void> {
    if (from > upTo) return;
    const { streams, clock } = this.#parts;
    const { promise, resolve } = Promise.withResolvers<boolean>();
    let isDone = false;
    const reading = streams.read({
      ...{ name, from },
      receive: (stored) => {
        if (isDone) return;
        isDone = !receive(stored) || stored.seq >= upTo;
        if (isDone) resolve(true);
      },
      caughtUp: () => resolve(true),
    });
    const late = clock.after(limits.requestMs, () => resolve(false));
    const whole = await promise;
    isDone = true;
    late.cancel();
    reading.end();
    if (!whole) throw new LedgerUnavailable("the log cannot be read now");
  }
}
