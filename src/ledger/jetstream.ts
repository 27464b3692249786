/**
 * The ledger of many nodes: partitions of likes and one stream of comments, shared by all dispatchers.
 *
 * An append is answered by the stream (durable), a change is told by the fold that reads it back (counted),
 * and the two need not be on the same node. Likes of a video are all in one partition, so each partition's
 * order and key window are enough, and each is a lane of its own. What all dispatchers must agree on (the
 * number of partitions, the epoch) is written once, by whichever starts first.
 */
import type { Clock, Timer } from "../base/clock.ts";
import type { Log } from "../base/log.ts";
import type { Prng } from "../base/prng.ts";
import type { Entry, Page } from "../core/entry.ts";
import { laneOf } from "../core/hash.ts";
import type { Like, VideoId } from "../core/interaction.ts";
import { limits } from "../core/limits.ts";
import type { Lineage } from "../core/lineage.ts";
import type { LikeGroup, LikeRecord } from "../core/record.ts";
import type { Totals } from "../core/totals.ts";
import type { Counted } from "./comment-counts.ts";
import { CommentStream, commentStream } from "./comment-stream.ts";
import { commentedIn } from "./commented.ts";
import { CountedComments } from "./counted-comments.ts";
import { countsStream } from "./counts-stream.ts";
import type { Deletions } from "./deletions.ts";
import type { FoldOptions } from "./fold.ts";
import { JetstreamAway } from "./jetstream-away.ts";
import { JetstreamDeletions, taskStream } from "./jetstream-delete.ts";
import {
  type Batch,
  type Change,
  type Holding,
  type Ledger,
  LedgerRefused,
  LedgerUnavailable,
  type Placed,
  type Space,
  type Trouble,
} from "./ledger.ts";
import { logStream, Partition } from "./partition.ts";
import { awayStream } from "./partition-away.ts";
import { isUnavailable, persist, Shared } from "./shared.ts";
import type { Stored, StreamState, Streams } from "./streams.ts";
import type { TimelineView } from "./timeline-view.ts";
import { type TimelineOptions, timelineOf } from "./timelines.ts";

export interface JetstreamOptions {
  readonly streams: Streams;
  readonly clock: Clock;
  readonly prng: Prng;
  readonly log: Log;
  /** Logs the likes are spread over; the same on all nodes, fixed once there is data. */
  readonly partitions: number;
  /** Entries kept per video, at least 1. */
  readonly commentHistory: number;
  /** One like per viewer, and how many at most; undefined: likes only add. All nodes have the same mode. */
  readonly onceMax?: number | undefined;
  /** Videos whose totals are held; the same on all nodes. Default limits.videosMax. */
  readonly videosMax?: number | undefined;
  /** How reactions are kept in their time; by default as the settings have it by default. The same on all. */
  readonly timeline?: TimelineOptions | "off" | undefined;
  /** Time between snapshots, in milliseconds. Default 30,000. */
  readonly snapshotMs?: number;
  /**
   * Whether a dispatcher lives that has seen the log all along: else its end may have been lost with
   * everybody's memory of it. Absent: nobody is asked, and one does.
   */
  readonly vouched?: () => Promise<boolean>;
  /** How much of the log stays behind a snapshot, in milliseconds. Default the key window and a half. */
  readonly keepMs?: number;
}

const snapshotMsDefault = 30_000;
const keepMsDefault = 1.5 * limits.keyWindowMs;

/**
 * Opens the shared log and folds what it holds; waits, saying so in the log, as long as the network is away.
 * Rejects with LedgerRefused when the log there is not one this node can use.
 */
export async function openJetstreamLedger(options: JetstreamOptions): Promise<Ledger> {
  const { streams, clock, partitions, commentHistory, log } = options;
  const start = clock.elapsed();
  try {
    const shared = await Shared.open(options, options);
    const logs = Array.from({ length: partitions }, (_, index) => streams.open(logStream(index)));
    const others = [...logs, ...[taskStream, awayStream, countsStream].map((one) => streams.open(one))];
    const [comments] = await Promise.all([streams.open(commentStream(commentHistory)), ...others]);
    const isCold = options.vouched !== undefined && !(await options.vouched());
    if (isCold) await persist(options, () => turnNow(options, shared));
    const ledger = new JetstreamLedger(options, shared, comments);
    await ledger.start();
    log.info("log read", { ms: Math.round(clock.elapsed() - start), partitions, epoch: shared.epoch });
    return ledger;
  } catch (error) {
    if ((error as Error).name === "StreamMismatch") throw new LedgerRefused((error as Error).message);
    throw error;
  }
}

/**
 * What each partition's fold may hold. Videos spread unevenly, so each may hold twice its share. The same on
 * every node, since what a window forgets decides what counts.
 */
export function boundsOf(
  options: Pick<JetstreamOptions, "partitions" | "videosMax" | "onceMax" | "timeline">,
): Omit<FoldOptions, "seed"> {
  const { partitions, videosMax = limits.videosMax, onceMax } = options;
  const share = (max: number): number => Math.min(max, Math.ceil((2 * max) / partitions));
  const whole = timelineOf(options.timeline);
  return {
    keysMax: share(limits.keysMax),
    videosMax: share(videosMax),
    onceMax: onceMax === undefined ? undefined : share(onceMax),
    timeline: whole && { ...whole, bytesMax: share(whole.bytesMax) },
  };
}

/** Opens a branch behind all there is: what was lost with everybody's memory of it was given out as well. */
async function turnNow({ streams }: JetstreamOptions, shared: Shared): Promise<void> {
  const { lastSeq, created } = await streams.state(commentStream(1).name);
  await shared.turn(shared.lineage(), lastSeq + 1, created);
}

class JetstreamLedger implements Ledger {
  readonly epoch: string;
  readonly publishesEntries = false;
  readonly once: boolean;
  /** Behind those of likes. */
  readonly commentLane: number;
  readonly away: JetstreamAway;
  readonly deletions: Deletions;
  readonly #options: JetstreamOptions;
  readonly #partitions: readonly Partition[];
  readonly #comments: CommentStream;
  readonly #counted: CountedComments;
  readonly #shared: Shared;
  #sweeping = false;
  #timer: Timer | undefined;
  #changed: (changes: readonly Change[]) => void = () => {};
  #closed = false;

  constructor(options: JetstreamOptions, shared: Shared, state: StreamState) {
    const { streams, clock, prng, log, partitions, keepMs = keepMsDefault } = options;
    this.#options = options;
    this.epoch = shared.epoch;
    this.#shared = shared;
    this.once = options.onceMax !== undefined;
    this.commentLane = partitions;
    const bounds = boundsOf(options);
    const changed = (changes: readonly Change[]): void => {
      if (this.#closed) return;
      this.#changed(changes);
      if (this.once && changes.some(({ deleted }) => deleted)) this.#sweepSoon();
    };
    this.#partitions = Array.from({ length: partitions }, (_, index) => {
      const fold = { seed: prng.next(), ...bounds };
      return new Partition({ index, streams, clock, log, fold, changed, keepMs });
    });
    this.away = new JetstreamAway(this.#partitions, (video) => this.#partition(video));
    const wanted = commentStream(options.commentHistory);
    const follower = {
      hear: (stored: Stored) => this.#counted.hear(stored),
      miss: () => this.#counted?.miss(),
    };
    this.#comments = new CommentStream({ streams, clock, log, shared, wanted, state, follower });
    this.#counted = new CountedComments({
      ...{ streams, clock, comments: this.#comments, lineage: () => this.lineage() },
      ...{
        perSubject: state.perSubject,
        ages: bounds.timeline?.ages,
        timeOf: (video) => this.#timeOf(video),
      },
    });
    this.deletions = new JetstreamDeletions({
      ...{ streams, clock, log, comments: this.#counted },
      append: (record, video) => this.#partition(video).append(record),
      current: (video) => this.#partition(video).current(video),
      isKnown: (video) => this.#isKnown(video),
      forget: async (video, before) => {
        await this.#partition(video).current(video);
        await this.#partition(video).away.forget(video);
        await this.#counted.forget(video, before);
      },
      memberOf: (video, kind, viewer) => this.#partition(video).fold.memberOf(video, kind, viewer),
      attempt: (work) => this.#try(work),
    });
  }

  /** Resolves when all there was is folded. */
  async start(): Promise<void> {
    await Promise.all(this.#partitions.map((partition) => persist(this.#options, () => partition.start())));
    this.#snapshotLater();
  }

  laneOf(video: VideoId): number {
    return laneOf(video, this.#options.partitions);
  }

  ready(): boolean {
    return this.troubles().length === 0;
  }

  troubles(): readonly Trouble[] {
    const away = this.#closed ? "the ledger is closed" : "NATS is away";
    if (this.#closed || !this.#options.streams.connected()) return [{ stream: undefined, reason: away }];
    const likes = this.#partitions.map(({ stream, trouble }) => [stream, trouble] as const);
    return [
      ...likes,
      [this.#options.streams.full(commentStream(1).name), this.#comments.trouble()] as const,
    ].flatMap(([stream, reason]) => (reason === undefined ? [] : [{ stream, reason }]));
  }

  async append(batch: Batch): Promise<readonly Placed[]> {
    this.#assertOpen();
    try {
      const likes = batch.likes
        .flatMap((record) => this.#split(record))
        .map(([i, record]) => (this.#partitions[i] as Partition).append(record));
      const comments = this.#counted.place(batch.comments);
      // All are under way; what is durable of a batch that rejects counts, and its keys stop a repeat.
      const [placed] = await Promise.all([comments, Promise.all(likes)]);
      return placed;
    } catch (error) {
      throw unavailable(error);
    }
  }

  async retract(video: VideoId, target: number): Promise<boolean> {
    return this.#try(() => this.#counted.remove(video, target));
  }

  lineage(): Lineage {
    return this.#shared.lineage();
  }

  *videos(): Iterable<VideoId> {
    for (const partition of this.#partitions) yield* partition.videos();
  }

  async commented(after: VideoId | undefined, search: string, most: number): Promise<readonly VideoId[]> {
    this.#assertOpen();
    try {
      return await commentedIn(this.#options.streams, after, search, most);
    } catch (error) {
      throw unavailable(error);
    }
  }

  totals(video: VideoId): Totals {
    return this.#partition(video).totals(video);
  }

  timeline(video: VideoId): TimelineView | undefined {
    return this.#partition(video).timeline(video);
  }

  async comments(video: VideoId): Promise<Counted> {
    return this.#try(() => this.#counted.read(video));
  }

  async current(video: VideoId): Promise<Totals> {
    return this.#try(() => this.#partition(video).current(video));
  }

  head(): number {
    return this.#comments.head();
  }

  async entries(video: VideoId, after: number | undefined, limit: number): Promise<Page> {
    return this.#try(() => this.#comments.page(video, after, limit));
  }

  onChanges(listener: (changes: readonly Change[]) => void): void {
    this.#changed = listener;
  }

  onEntry(_listener: (entry: Entry) => void): void {
    // The stream publishes its entries itself: see publishesEntries.
  }

  room(like: Like): Space {
    return this.#partition(like.video).room(like);
  }

  holdings(): readonly Holding[] {
    return this.#partitions.map(({ stream, fold }) => ({ stream, ...fold.holding() }));
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#timer?.cancel();
    this.#comments.close();
    this.#shared.close();
    for (const partition of this.#partitions) partition.close();
  }

  async #try<T>(work: () => Promise<T>): Promise<T> {
    this.#assertOpen();
    try {
      return await work();
    } catch (error) {
      throw unavailable(error);
    }
  }

  /** What deleted videos had of viewers' likes is taken out a part a turn. */
  #sweepSoon(): void {
    if (this.#sweeping || this.#closed) return;
    this.#sweeping = true;
    this.#options.clock.soon(() => {
      this.#sweeping = false;
      if (this.#partitions.map((partition) => partition.sweep()).includes(true)) this.#sweepSoon();
    });
  }

  #timeOf(video: VideoId): { readonly logMs: number; readonly skewMs: number } {
    const { fold } = this.#partition(video);
    return { logMs: fold.logMs, skewMs: fold.timeline(video)?.skewMs ?? 0 };
  }

  async #isKnown(video: VideoId): Promise<boolean> {
    if (this.away.isClosed(video)) return true;
    const partition = this.#partition(video);
    await partition.current(video);
    // Of one whose likes were all taken back there is still what came when.
    return partition.fold.videos.has(video);
  }

  #assertOpen(): void {
    if (this.#closed) throw new LedgerUnavailable("the ledger is closed");
  }

  #partition(video: VideoId): Partition {
    return this.#partitions[this.laneOf(video)] as Partition;
  }

  /** A record by partition: the groups of one video never part. */
  #split(record: LikeRecord): [number, LikeRecord][] {
    const parts = new Map<number, LikeGroup[]>();
    for (const group of record.groups) {
      const index = this.laneOf(group.video);
      const groups = parts.get(index);
      if (groups) groups.push(group);
      else parts.set(index, [group]);
    }
    return [...parts].map(([index, groups]) => [index, { atMs: record.atMs, groups }]);
  }

  /** One partition after the other, each period drawn anew, so that dispatchers rarely meet. */
  #snapshotLater(): void {
    const { clock, prng, log, snapshotMs = snapshotMsDefault } = this.#options;
    if (this.#closed) return;
    this.#timer = clock.after(snapshotMs * (0.75 + prng.next() / 2), async () => {
      for (const partition of this.#partitions) {
        try {
          if (!this.#closed) await partition.snapshot();
        } catch (error) {
          if (!isUnavailable(error)) throw error;
          log.warn("snapshot put off", { reason: (error as Error).message });
        }
      }
      this.#snapshotLater();
    });
  }
}

function unavailable(error: unknown): unknown {
  if (!isUnavailable(error) || error instanceof LedgerUnavailable) return error;
  return new LedgerUnavailable((error as Error).message, { cause: error });
}
