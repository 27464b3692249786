/**
 * One dispatcher's view of the simulated log: it may be cut off, fold late, and not hear that what it sent
 * was stored. Every view folds the same records of a lane in the same order, with the same log times, which
 * go by stamps of their writers as in the real log, and by no wall.
 */
import type { Clock } from "../../base/clock.ts";
import type { Prng } from "../../base/prng.ts";
import type { MemoryBus } from "../../bus/memory.ts";
import type { Page } from "../../core/entry.ts";
import type { VideoId } from "../../core/interaction.ts";
import { limits } from "../../core/limits.ts";
import type { Lineage } from "../../core/lineage.ts";
import { decodeRecord, type LikeRecord } from "../../core/record.ts";
import type { Totals } from "../../core/totals.ts";
import { type Counted, nothingCounted } from "../../ledger/comment-counts.ts";
import type { Deletions } from "../../ledger/deletions.ts";
import { Fold } from "../../ledger/fold.ts";
import {
  type Batch,
  type Change,
  type Holding,
  type Ledger,
  LedgerUnavailable,
  type Placed,
  type Space,
  type Trouble,
} from "../../ledger/ledger.ts";
import { bounded, LogTime } from "../../ledger/log-time.ts";
import type { TimelineView } from "../../ledger/timeline-view.ts";
import { timelineDefault } from "../../ledger/timelines.ts";
import { simDeletions } from "./deletions.ts";
import { commentLane, laneOf, likeLanes, type SimLog, type Stored } from "./log.ts";

export interface SimLedgerParts {
  readonly log: SimLog;
  /** The node's own end of the network: cut off, it reaches the log no more. */
  readonly bus: MemoryBus;
  /** The node's clock: it ends with the node. */
  readonly clock: Clock;
  readonly prng: Prng;
}

interface Lane {
  readonly fold: Fold;
  readonly time: LogTime;
  position: number;
}

export class SimLedger implements Ledger {
  readonly epoch: string;
  readonly publishesEntries = false;
  readonly once = false;
  readonly commentLane = commentLane;
  readonly deletions: Deletions;
  readonly laneOf = laneOf;
  readonly #parts: SimLedgerParts;
  readonly #lanes: readonly Lane[];
  /** As this node has heard of it. */
  #lineage: Lineage;
  #folding = false;
  #changed: (changes: readonly Change[]) => void = () => {};

  constructor(parts: SimLedgerParts) {
    this.#parts = parts;
    this.epoch = parts.log.epoch;
    const { log, prng, clock } = parts;
    this.deletions = simDeletions({
      ...{ log, view: this, date: () => clock.date() },
      key: () => `${prng.between(0, 2 ** 31)}`,
      stamp: (lane) => this.#lanes[lane]?.time.stamp(),
      send: (lane, write) => this.#send(lane, write),
    });
    this.#lineage = parts.log.lineage;
    const seed = parts.prng.next();
    this.#lanes = Array.from({ length: likeLanes }, () => ({
      fold: new Fold({ seed, timeline: timelineDefault }),
      time: new LogTime(parts.clock),
      position: 0,
    }));
    // What was written before this life is folded before it begins; who starts waits for a leader.
    this.#lanes.forEach((_, lane) => {
      this.#foldLane(lane);
    });
    parts.log.views.add(this);
    parts.bus.onConnected(() => this.wake());
  }

  /** There is something new to fold; it is noticed a moment later, while the log can be reached. */
  wake(): void {
    const { bus, clock, prng } = this.#parts;
    if (this.#folding || !bus.connected()) return;
    this.#folding = true;
    clock.after(prng.between(0, 10), () => {
      this.#folding = false;
      if (!bus.connected()) return;
      this.#lineage = this.#parts.log.lineage;
      this.#foldLed();
    });
  }

  async append(batch: Batch): Promise<readonly Placed[]> {
    const { log } = this.#parts;
    if (!this.#passes()) throw new LedgerUnavailable("cut off");
    const video = batch.likes[0]?.groups[0]?.video;
    const lane = video === undefined ? commentLane : laneOf(video);
    const stampMs = this.#lanes[lane]?.time.stamp();
    return this.#send(lane, () => log.write(lane, batch, stampMs));
  }

  async #send<T>(lane: number, write: () => T): Promise<T> {
    const { log, prng } = this.#parts;
    if (!this.#passes()) throw new LedgerUnavailable("cut off");
    const led = log.leads(lane);
    const broken = log.past.length;
    // Sent, it may be stored whatever becomes of the sender; and stored, nobody may hear of it.
    const placed = await new Promise<T>((resolve, reject) => {
      log.clock.after(prng.between(0, 5), () => {
        if (!this.#passes()) reject(new LedgerUnavailable("not stored"));
        else resolve(Promise.try(write));
      });
    }).catch(async (error: unknown) => {
      // Nobody says that there is no leader: there is no answer.
      if (!led || !log.leads(lane)) await this.#wait(limits.storeMs);
      throw error;
    });
    await this.#wait(prng.between(0, 5));
    // A log that breaks is away while it does, and answers nothing of before.
    const heard = this.#passes() && log.past.length === broken;
    if (!heard) throw new LedgerUnavailable("stored, but nobody heard");
    // What is answered is answered by a node that has looked what the log is.
    this.#lineage = log.lineage;
    return placed;
  }

  async retract(video: VideoId, target: number): Promise<boolean> {
    const { log } = this.#parts;
    const broken = log.past.length;
    await this.#wait(1);
    this.#assertLed(commentLane);
    const isSame = this.#lineage === log.lineage && log.past.length === broken;
    if (!isSame) throw new LedgerUnavailable("not looked at yet");
    return log.remove(video, target);
  }

  async entries(video: VideoId, after: number | undefined, limit: number): Promise<Page> {
    const { log, prng } = this.#parts;
    await this.#wait(prng.between(0, 3));
    this.#assertLed(commentLane);
    if (this.#lineage !== log.lineage) throw new LedgerUnavailable("not looked at yet");
    return log.page(video, after, Math.min(limit, limits.pageEntriesMax));
  }

  lineage = (): Lineage => this.#lineage;
  ready = (): boolean => this.troubles().length === 0;
  *videos(): Iterable<VideoId> {
    for (const { fold } of this.#lanes) yield* fold.videos.keys();
  }

  comments = async (): Promise<Counted> => nothingCounted;
  commented = async (): Promise<readonly VideoId[]> => [];

  totals = (video: VideoId): Totals => (this.#lanes[laneOf(video)] as Lane).fold.totals(video);
  timeline = (video: VideoId): TimelineView | undefined =>
    (this.#lanes[laneOf(video)] as Lane).fold.timeline(video);
  head = (): number => this.#parts.log.head;
  room = (): Space => "room";
  onEntry(): void {}

  troubles(): readonly Trouble[] {
    if (!this.#passes()) return [{ stream: undefined, reason: "cut off" }];
    return Array.from({ length: likeLanes + 1 }, (_, lane) => lane)
      .filter((lane) => !this.#parts.log.leads(lane))
      .map((lane) => ({ stream: `lane-${lane}`, reason: "no leader" }));
  }

  async current(video: VideoId): Promise<Totals> {
    await this.#wait(1);
    // Where a part of the log ends is known to its leader only.
    this.#assertLed(laneOf(video));
    this.#foldLed();
    return this.totals(video);
  }

  onChanges(listener: (changes: readonly Change[]) => void): void {
    this.#changed = listener;
  }

  holdings(): readonly Holding[] {
    return this.#lanes.map(({ fold }, lane) => ({ stream: `lane ${lane}`, ...fold.holding() }));
  }

  async close(): Promise<void> {
    this.#parts.log.views.delete(this);
  }

  #passes(): boolean {
    return this.#parts.bus.connected();
  }

  #assertLed(lane: number): void {
    if (!this.#passes()) throw new LedgerUnavailable("cut off");
    if (!this.#parts.log.leads(lane)) throw new LedgerUnavailable("no leader");
  }

  #wait(ms: number): Promise<void> {
    return new Promise((resolve) => this.#parts.clock.after(ms, resolve));
  }

  #foldLed(): void {
    for (let lane = 0; lane < likeLanes; lane++) if (this.#parts.log.leads(lane)) this.#foldLane(lane);
  }

  #foldLane(index: number): void {
    const { log, clock } = this.#parts;
    const lane = this.#lanes[index] as Lane;
    const records = log.lanes[index] as Stored[];
    while (lane.position < records.length) {
      const { bytes, whose, stampMs, atMs } = records[lane.position++] as Stored;
      const lastMs = lane.fold.logMs;
      const logMs = stampMs === undefined ? Math.max(atMs, lastMs) : bounded(stampMs, lastMs);
      const changes = lane.fold.apply(decodeRecord(bytes, whose) as LikeRecord, logMs, clock.date());
      lane.time.folded(lane.fold.logMs);
      if (changes.length > 0) this.#changed(changes);
    }
  }
}
