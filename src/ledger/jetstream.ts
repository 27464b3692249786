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
import { type Prng, secret } from "../base/prng.ts";
import type { Entry, Page } from "../core/entry.ts";
import { laneOf } from "../core/hash.ts";
import type { Like, VideoId } from "../core/interaction.ts";
import { limits } from "../core/limits.ts";
import { Lineage } from "../core/lineage.ts";
import type { LikeGroup, LikeRecord } from "../core/record.ts";
import type { Totals } from "../core/totals.ts";
import { decodeJson, encodeJson } from "../core/wire.ts";
import { CommentStream, commentStream } from "./comment-stream.ts";
import {
  type Batch,
  type Change,
  type Ledger,
  LedgerRefused,
  LedgerUnavailable,
  type Placed,
  type Space,
  type Trouble,
} from "./ledger.ts";
import { logStream, Partition } from "./partition.ts";
import { snapshotStream } from "./snapshots.ts";
import type { Streams } from "./streams.ts";

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
  /** Time between snapshots, in milliseconds. Default 30,000. */
  readonly snapshotMs?: number;
  /** How much of the log stays behind a snapshot, in milliseconds. Default the key window and a half. */
  readonly keepMs?: number;
}

const snapshotMsDefault = 30_000;
const keepMsDefault = 1.5 * limits.keyWindowMs;
const retryMs = 500;
const sharedSubject = "snapshot.shared";

/**
 * Opens the shared log and folds what it holds; waits, saying so in the log, as long as the network is away.
 * Rejects with LedgerRefused when the log there is not one this node can use.
 */
export async function openJetstreamLedger(options: JetstreamOptions): Promise<Ledger> {
  const { streams, clock, partitions, commentHistory, log } = options;
  const start = clock.elapsed();
  try {
    await streams.open(snapshotStream);
    const shared = await persist(options, () => agree(options));
    const logs = Array.from({ length: partitions }, (_, index) => streams.open(logStream(index)));
    const [comments] = await Promise.all([streams.open(commentStream(commentHistory)), ...logs]);
    const ledger = new JetstreamLedger(options, shared, comments.lastSeq);
    await ledger.start();
    log.info("log read", { ms: Math.round(clock.elapsed() - start), partitions, epoch: shared.epoch });
    return ledger;
  } catch (error) {
    if ((error as Error).name === "StreamMismatch") throw new LedgerRefused((error as Error).message);
    throw error;
  }
}

/**
 * For a node that holds no ledger: rejects with LedgerRefused when the shared log is there and counts likes
 * in the other mode. Waits as long as the network is away.
 */
export async function checkMode(
  options: Pick<JetstreamOptions, "streams" | "clock" | "prng" | "log">,
  once: boolean,
): Promise<void> {
  const { streams } = options;
  await streams.open(snapshotStream);
  const held = await persist(options, () => streams.last(snapshotStream.name, sharedSubject));
  const shared = held && decodeJson(held.payload);
  if (shared) refuseOtherMode(shared, once);
}

function refuseOtherMode(shared: Record<string, unknown>, once: boolean): void {
  const [held, wanted] = [shared.likes === "once", once].map((is) => (is ? "once" : "many"));
  if (held === wanted) return;
  throw new LedgerRefused(`the shared log has --like-mode=${held}, this node wants ${wanted}`);
}

/** What all dispatchers share, as the first one wrote it. */
interface Shared {
  readonly epoch: string;
  /** Entries kept per video when the log began. */
  readonly history: number;
}

/**
 * Writes what all share, or reads what the first wrote. Rejects with LedgerRefused when partitions or the
 * mode of likes differ.
 */
async function agree(options: JetstreamOptions): Promise<Shared> {
  const { streams, partitions, commentHistory, onceMax } = options;
  const once = onceMax !== undefined;
  const shape = { epoch: secret(8), partitions, history: commentHistory };
  const mine = encodeJson(once ? { ...shape, likes: "once" } : shape);
  await streams.appendIfLast(sharedSubject, mine, limits.requestMs, 0);
  const held = await streams.last(snapshotStream.name, sharedSubject);
  const shared = held && decodeJson(held.payload);
  if (
    typeof shared?.epoch !== "string" ||
    typeof shared.partitions !== "number" ||
    typeof shared.history !== "number"
  ) {
    throw new LedgerRefused("the shared log was written by another version");
  }
  if (shared.partitions !== partitions) {
    throw new LedgerRefused(
      `the shared log has ${shared.partitions} partitions, this node wants ${partitions}`,
    );
  }
  refuseOtherMode(shared, once);
  return { epoch: shared.epoch, history: shared.history };
}

/** Does `work`, again and again while the network is away. */
async function persist<T>(
  { streams, clock, prng, log }: Pick<JetstreamOptions, "streams" | "clock" | "prng" | "log">,
  work: () => Promise<T>,
): Promise<T> {
  for (;;) {
    try {
      return await work();
    } catch (error) {
      if (!isUnavailable(error) || streams.closed()) throw error;
      log.warn("waiting for the log", { reason: (error as Error).message });
    }
    await new Promise<void>((resolve) => clock.after(retryMs * (1 + prng.next()), resolve));
  }
}

function isUnavailable(error: unknown): boolean {
  return error instanceof LedgerUnavailable || (error as Error)?.name === "BusUnavailable";
}

class JetstreamLedger implements Ledger {
  readonly epoch: string;
  readonly publishesEntries = false;
  readonly once: boolean;
  /** Behind those of likes. */
  readonly commentLane: number;
  readonly #options: JetstreamOptions;
  readonly #partitions: readonly Partition[];
  readonly #comments: CommentStream;
  readonly #lineage: Lineage;
  #timer: Timer | undefined;
  #changed: (changes: readonly Change[]) => void = () => {};
  #closed = false;

  constructor(options: JetstreamOptions, shared: Shared, head: number) {
    const { streams, clock, prng, log, partitions, keepMs = keepMsDefault } = options;
    this.#options = options;
    this.epoch = shared.epoch;
    this.#lineage = Lineage.begin(shared.epoch);
    this.once = options.onceMax !== undefined;
    this.commentLane = partitions;
    // Videos spread unevenly: each partition may hold twice its share. The same on every node, since what a
    // window forgets decides what counts.
    const share = (max: number): number => Math.min(max, Math.ceil((2 * max) / partitions));
    const [keysMax, videosMax] = [share(limits.keysMax), share(limits.videosMax)];
    const onceMax = options.onceMax === undefined ? undefined : share(options.onceMax);
    const changed = (changes: readonly Change[]): void => {
      if (!this.#closed) this.#changed(changes);
    };
    this.#partitions = Array.from({ length: partitions }, (_, index) => {
      const fold = { seed: prng.next(), keysMax, videosMax, onceMax };
      return new Partition({ index, streams, clock, log, fold, changed, keepMs });
    });
    this.#comments = new CommentStream(streams, clock, shared.history, head);
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
    return this.#partitions.flatMap(({ stream, trouble: reason }) =>
      reason === undefined ? [] : [{ stream, reason }],
    );
  }

  async append(batch: Batch): Promise<readonly Placed[]> {
    this.#assertOpen();
    try {
      const likes = batch.likes
        .flatMap((record) => this.#split(record))
        .map(([i, record]) => (this.#partitions[i] as Partition).append(record));
      const comments = batch.comments.map((draft) => this.#comments.place(draft));
      // All are under way; what is durable of a batch that rejects counts, and its keys stop a repeat.
      const [placed] = await Promise.all([Promise.all(comments), Promise.all(likes)]);
      return placed;
    } catch (error) {
      throw unavailable(error);
    }
  }

  async retract(video: VideoId, target: number): Promise<boolean> {
    this.#assertOpen();
    try {
      return await this.#comments.remove(video, target);
    } catch (error) {
      throw unavailable(error);
    }
  }

  lineage(): Lineage {
    return this.#lineage;
  }

  totals(video: VideoId): Totals {
    return this.#partition(video).totals(video);
  }

  async current(video: VideoId): Promise<Totals> {
    return this.#partition(video).current(video);
  }

  head(): number {
    return this.#comments.head();
  }

  async entries(video: VideoId, after: number | undefined, limit: number): Promise<Page> {
    this.#assertOpen();
    try {
      return await this.#comments.page(video, after, limit);
    } catch (error) {
      throw unavailable(error);
    }
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

  async close(): Promise<void> {
    this.#closed = true;
    this.#timer?.cancel();
    for (const partition of this.#partitions) partition.close();
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
