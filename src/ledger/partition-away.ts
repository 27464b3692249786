/**
 * Videos of one partition of a shared log that leave memory: what they came to is a message of its own in the
 * stream `away`, written before the log says that they left.
 *
 * That a video leaves, and that it is open again, are records of the log which count nothing and carry a
 * header. So every dispatcher has the same videos in memory at the same place, and forgets the same idle ones
 * (idle.ts). A video leaves only if its version is still the one that was written down. What then comes to be
 * folded of a video that is away waits, and all behind it, until it is back. jetstream-away.test.ts holds it.
 */
import { type Clock, type Elapsed, longAgo } from "../base/clock.ts";
import type { Log } from "../base/log.ts";
import type { VideoId } from "../core/interaction.ts";
import { limits } from "../core/limits.ts";
import type { Appender } from "./appender.ts";
import { decodeStowed, emptied, encodeStowed, type Stowed } from "./away-bytes.ts";
import { awayHeader, type Copy, openHeader } from "./copy.ts";
import { LedgerUnavailable } from "./ledger.ts";
import type { Stored, Streams, StreamWanted } from "./streams.ts";

/** What videos that are away came to, the newest of each. */
export const awayStream: StreamWanted = { name: "away", subject: "away.*", perSubject: 1 };
/** Time between two tries to bring back what the log waits for, in ms. */
const againMs = 200;
/** Without its stream nobody knows what a video came to that is in no dispatcher's memory. */
const remedy = "put the stream back from a backup; a like of an opened one begins at nothing";
/** Of a message, what is left for its headers and its subject. */
const headBytes = 1_024;

export interface PartitionAwayParts {
  readonly streams: Streams;
  readonly clock: Clock;
  readonly log: Log;
  readonly copy: Copy;
  readonly appender: Appender;
  /** Resolves when `is` holds, looked at whenever something was folded; rejects when that takes long. */
  readonly met: (is: () => boolean) => Promise<void>;
  /** Takes a record that had to wait. */
  readonly receive: (stored: Stored) => void;
  /** Has reading begin anew behind what is folded. */
  readonly again: () => void;
}

export class PartitionAway {
  readonly #parts: PartitionAwayParts;
  readonly #reads = new Map<VideoId, Promise<void>>();
  /** Records that wait for a video that is being brought back; undefined: none is. */
  #held: Stored[] | undefined;
  #overflown = false;
  #saidAt: Elapsed = longAgo;
  #drained: () => void = () => {};
  #closed = false;

  constructor(parts: PartitionAwayParts) {
    this.#parts = parts;
  }

  /** As AwayVideos.put. Rejects with LedgerUnavailable or BusUnavailable. */
  async put(video: VideoId): Promise<boolean> {
    const { streams, copy, appender, met } = this.#parts;
    if (copy.fold.lacks(video)) return true;
    if (copy.behind || appender.refused) throw new LedgerUnavailable("the log is being looked at");
    if (copy.fold.away.ids.size >= limits.awayMax && !copy.fold.away.back.has(video)) return false;
    await streams.ensure(awayStream);
    const last = await streams.last(awayStream.name, subjectOf(video));
    // From here to the message in one turn: it is as the fold is at this place.
    const { version } = copy.fold.totals(video);
    const stowed = last && decodeStowed(last.payload, video, copy.fold);
    if (stowed && stowed.totals.version > version) return false;
    if (stowed?.totals.version !== version) {
      const bytes = encodeStowed(copy.fold, video, { branch: copy.branch.branch, upTo: copy.seq });
      if (bytes.length > limits.payloadBytesMin - headBytes) return false;
      const placed = await streams.appendIfLast(subjectOf(video), bytes, limits.requestMs, last?.seq ?? 0);
      if (placed === undefined) return false;
    }
    const seq = await appender.mark({ [awayHeader]: `${video} ${version}` });
    await met(() => copy.seq >= seq);
    return copy.fold.lacks(video);
  }

  /** As AwayVideos.open. Rejects likewise. */
  async open(video: VideoId): Promise<boolean> {
    const { copy, appender, met } = this.#parts;
    if (!copy.fold.isClosed(video)) return false;
    const seq = await appender.mark({ [openHeader]: video });
    await met(() => copy.seq >= seq);
    return true;
  }

  /** As AwayVideos.read. Rejects likewise. */
  async read(video: VideoId): Promise<void> {
    const { copy } = this.#parts;
    const { fold } = copy;
    if (!copy.lacks(video) || fold.away.read(video)) return;
    let reading = this.#reads.get(video);
    if (!reading) {
      if (this.#reads.size >= limits.awayReadsMax)
        throw new LedgerUnavailable("too many videos are read back");
      reading = this.#stowed(video)
        .then((stowed) => {
          if (!stowed) throw new LedgerUnavailable("what this closed video came to is lost");
          fold.away.warm(video, stowed);
        })
        .finally(() => this.#reads.delete(video));
      this.#reads.set(video, reading);
    }
    await reading;
  }

  /** Takes out what a deleted video came to that had left memory. Rejects likewise. */
  async forget(video: VideoId): Promise<void> {
    const { streams, copy } = this.#parts;
    // Closed anew, and what there was is written over.
    if (copy.fold.isClosed(video)) return;
    await streams.ensure(awayStream);
    const last = await streams.last(awayStream.name, subjectOf(video));
    const bytes = last && emptied(last.payload);
    if (!bytes || bytes.length === last.payload.length) return;
    await streams.appendIfLast(subjectOf(video), bytes, limits.requestMs, last.seq);
    // Only the newest is kept, and what is let go lies on disk until this overwrites it.
    await streams.erase(awayStream.name, last.seq);
  }

  /** Whether records wait now: then `stored` is taken when it is its turn. */
  waits(stored: Stored): boolean {
    if (!this.#held) return false;
    if (this.#held.length < limits.awayHeldMax) this.#held.push(stored);
    else this.#overflown = true;
    return true;
  }

  /** Whether `stored`, the next record, is about a video that is away: then it waits until that is back. */
  recalls(stored: Stored): boolean {
    const wanted = this.#parts.copy.wants(stored);
    if (wanted.length === 0) return false;
    this.#held = [stored];
    void this.#recall(wanted);
    return true;
  }

  /** Calls `then` when nothing waits: now, or when that has been taken. */
  whenTaken(then: () => void): void {
    if (this.#held) this.#drained = then;
    else then();
  }

  close(): void {
    this.#closed = true;
  }

  async #recall(videos: readonly VideoId[]): Promise<void> {
    const { copy, clock, log } = this.#parts;
    for (const video of videos) {
      while (!this.#closed && copy.fold.lacks(video)) {
        try {
          copy.bring(video, await this.#stowed(video));
        } catch (error) {
          log.warn("waiting for a video that left memory", { video, reason: (error as Error).message });
          await new Promise<void>((resolve) => clock.after(againMs, resolve));
        }
      }
    }
    if (!this.#closed) this.#take();
  }

  #take(): void {
    const { receive, again } = this.#parts;
    const held = this.#held ?? [];
    const isShort = this.#overflown;
    this.#held = undefined;
    this.#overflown = false;
    for (const stored of held) receive(stored);
    if (isShort) again();
    if (isShort || this.#held) return;
    const then = this.#drained;
    this.#drained = () => {};
    then();
  }

  /** What was written down of `video`; undefined when that is lost. */
  async #stowed(video: VideoId): Promise<Stowed | undefined> {
    const { streams, copy, clock, log } = this.#parts;
    await streams.ensure(awayStream);
    const held = await streams.last(awayStream.name, subjectOf(video));
    const stowed = held && decodeStowed(held.payload, video, copy.fold);
    const now = clock.elapsed();
    if (stowed || now - this.#saidAt < limits.logAgainMs) return stowed;
    this.#saidAt = now;
    log.error("a video that left memory is lost", { video, stream: streams.full(awayStream.name), remedy });
    return undefined;
  }
}

function subjectOf(video: VideoId): string {
  return `away.${video}`;
}
