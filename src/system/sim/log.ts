/**
 * One log for several dispatchers in one process: what JetStream is to a cluster, without sockets.
 *
 * The log is one, and stands outside every node; a ledger is one node's view of it, which may be cut off,
 * fold late, and not hear that what it sent was stored. Every view folds the same records in the same order.
 * Its comments may lose their end, as a store that is put back does. It keeps everything, and every history
 * it had, so that what viewers were shown can be compared with what was written.
 */
import type { Clock } from "../../base/clock.ts";
import type { Prng } from "../../base/prng.ts";
import type { MemoryBus, MemoryHub } from "../../bus/memory.ts";
import type { Entry, Page } from "../../core/entry.ts";
import type { CommentDraft, VideoId } from "../../core/interaction.ts";
import { limits } from "../../core/limits.ts";
import { Lineage } from "../../core/lineage.ts";
import { decodeRecord, encodeRecord, type LikeRecord } from "../../core/record.ts";
import type { Totals } from "../../core/totals.ts";
import { encodeEntry, subjects } from "../../core/wire.ts";
import { Fold } from "../../ledger/fold.ts";
import {
  type Batch,
  type Change,
  type Ledger,
  LedgerUnavailable,
  type Placed,
  type Space,
  type Trouble,
} from "../../ledger/ledger.ts";
import { pageAfter, pageNewest } from "../../ledger/page.ts";

interface Stored {
  readonly bytes: Uint8Array;
  readonly logMs: number;
}

/** The comments of a log as they were until it lost their end. */
export interface SimHistory {
  readonly lineage: Lineage;
  readonly entries: ReadonlyMap<VideoId, readonly Entry[]>;
  readonly head: number;
}

export class SimLog implements SimHistory {
  readonly epoch = "simlog";
  lineage = Lineage.begin("simlog");
  /** What it was before it lost its end, newest first. */
  readonly past: SimHistory[] = [];
  /** Ids of comments that were removed, though their removal may have been lost: nobody is owed those. */
  readonly taken = new Set<string>();
  /** Texts of comments that were lost. */
  readonly lost = new Set<string>();
  readonly clock: Clock;
  readonly records: Stored[] = [];
  /** Every entry ever written, and the comments that were removed. */
  readonly entries = new Map<VideoId, Entry[]>();
  readonly removed = new Set<number>();
  readonly views = new Set<SimLedger>();
  readonly history: number;
  head = 0;
  readonly #bus: MemoryBus;
  readonly #keys = new Map<string, number>();

  /** Keeps `history` entries per video for reading. */
  constructor(hub: MemoryHub, clock: Clock, history: number) {
    this.#bus = hub.connect();
    this.clock = clock;
    this.history = history;
  }

  /** Writes a batch; from here on it is durable. */
  write(batch: Batch): Placed[] {
    const logMs = this.clock.elapsed();
    for (const record of batch.likes) this.records.push({ bytes: encodeRecord(record), logMs });
    const placed = batch.comments.map((draft) => this.#place(draft));
    for (const view of this.views) view.wake();
    return placed;
  }

  remove(video: VideoId, target: number): boolean {
    const found = this.kept(video).some(({ seq, type }) => seq === target && type === "comment");
    if (!found || this.removed.has(target)) return false;
    this.removed.add(target);
    this.taken.add(this.lineage.idOf(target));
    this.#enter(video, (place) => ({ type: "retract", ...place, target }));
    return true;
  }

  /** Comes back without its last `count` entries: a branch begins behind what is left. */
  loseEnd(count: number): void {
    const first = Math.max(1, this.head - count + 1);
    const entries = new Map([...this.entries].map(([video, list]) => [video, [...list]]));
    const { lineage, head } = this;
    this.past.unshift({ lineage, head, entries });
    for (const list of this.entries.values()) {
      while ((list.at(-1)?.seq ?? 0) >= first) this.#lose(list.pop() as Entry);
    }
    for (const [key, seq] of this.#keys) if (seq >= first) this.#keys.delete(key);
    this.head = first - 1;
    this.lineage = lineage.open(`turn${this.past.length}`, first);
    for (const view of this.views) view.wake();
  }

  #lose(entry: Entry): void {
    if (entry.type === "retract") this.removed.delete(entry.target);
    else this.lost.add(entry.text);
  }

  /** Entries that can still be read, oldest first, removed comments among them. */
  kept(video: VideoId): Entry[] {
    return (this.entries.get(video) ?? []).slice(-this.history);
  }

  page(video: VideoId, after: number | undefined, limit: number): Page {
    const kept = this.kept(video);
    const readable = kept.filter(({ seq }) => !this.removed.has(seq));
    const place = { floor: kept[0]?.previous ?? 0, head: this.head };
    if (after === undefined) return pageNewest(place, limit, readable.reverse());
    const following = readable.filter(({ seq }) => seq > after);
    return pageAfter(after, place, limit, following);
  }

  #place(draft: CommentDraft): Placed {
    const { video, text, user, key, atMs } = draft;
    const name = `${video} ${key}`;
    const first = key === undefined ? undefined : this.#keys.get(name);
    if (first !== undefined) return { seq: first, repeated: true };
    const { seq } = this.#enter(video, (place) => ({ type: "comment", ...place, text, user, atMs }));
    if (key !== undefined) this.#keys.set(name, seq);
    return { seq, repeated: false };
  }

  #enter(video: VideoId, make: (place: Pick<Entry, "video" | "seq" | "previous">) => Entry): Entry {
    const all = this.entries.get(video) ?? [];
    this.entries.set(video, all);
    const entry = make({ video, seq: ++this.head, previous: all.at(-1)?.seq ?? 0 });
    all.push(entry);
    const { seq, previous } = entry;
    const bytes = encodeEntry(entry, this.lineage.newest.name);
    this.#bus.publish(subjects.comment(video), bytes, { seq, previous });
    return entry;
  }
}

export interface SimLedgerParts {
  readonly log: SimLog;
  /** The node's own end of the network: cut off, it reaches the log no more. */
  readonly bus: MemoryBus;
  /** The node's clock: it ends with the node. */
  readonly clock: Clock;
  readonly prng: Prng;
}

export class SimLedger implements Ledger {
  readonly epoch: string;
  readonly publishesEntries = false;
  readonly once = false;
  readonly #parts: SimLedgerParts;
  readonly #fold: Fold;
  /** As this node has heard of it. */
  #lineage: Lineage;
  #position = 0;
  #folding = false;
  #changed: (changes: readonly Change[]) => void = () => {};

  constructor(parts: SimLedgerParts) {
    this.#parts = parts;
    this.epoch = parts.log.epoch;
    this.#lineage = parts.log.lineage;
    this.#fold = new Fold({ seed: parts.prng.next() });
    // What was written before this life is folded before it begins.
    this.#foldAll();
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
      this.#foldAll();
    });
  }

  async append(batch: Batch): Promise<readonly Placed[]> {
    const { log, prng } = this.#parts;
    if (!this.#passes()) throw new LedgerUnavailable("cut off");
    const broken = log.past.length;
    // Sent, it may be stored whatever becomes of the sender; and stored, nobody may hear of it.
    const placed = await new Promise<Placed[]>((resolve, reject) => {
      log.clock.after(prng.between(0, 5), () => {
        if (this.#passes()) resolve(log.write(batch));
        else reject(new LedgerUnavailable("not stored"));
      });
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
    const broken = this.#parts.log.past.length;
    await this.#wait(1);
    const isSame = this.#lineage === this.#parts.log.lineage && this.#parts.log.past.length === broken;
    if (!this.#passes() || !isSame) throw new LedgerUnavailable("cut off");
    return this.#parts.log.remove(video, target);
  }

  async entries(video: VideoId, after: number | undefined, limit: number): Promise<Page> {
    const { log, prng } = this.#parts;
    await this.#wait(prng.between(0, 3));
    if (!this.#passes()) throw new LedgerUnavailable("cut off");
    if (this.#lineage !== log.lineage) throw new LedgerUnavailable("not looked at yet");
    return log.page(video, after, Math.min(limit, limits.pageEntriesMax));
  }

  lineage = (): Lineage => this.#lineage;
  ready = (): boolean => this.#passes();
  totals = (video: VideoId): Totals => this.#fold.totals(video);
  head = (): number => this.#parts.log.head;
  readonly commentLane = 0;
  laneOf = (): number => 0;
  room = (): Space => "room";
  troubles = (): readonly Trouble[] => (this.ready() ? [] : [{ stream: undefined, reason: "cut off" }]);
  onEntry(): void {}

  async current(video: VideoId): Promise<Totals> {
    await this.#wait(1);
    if (!this.#passes()) throw new LedgerUnavailable("cut off");
    this.#foldAll();
    return this.totals(video);
  }

  onChanges(listener: (changes: readonly Change[]) => void): void {
    this.#changed = listener;
  }

  async close(): Promise<void> {
    this.#parts.log.views.delete(this);
  }

  #passes(): boolean {
    return this.#parts.bus.connected();
  }

  #wait(ms: number): Promise<void> {
    return new Promise((resolve) => this.#parts.clock.after(ms, resolve));
  }

  #foldAll(): void {
    const { log, clock } = this.#parts;
    while (this.#position < log.records.length) {
      const { bytes, logMs } = log.records[this.#position++] as Stored;
      const changes = this.#fold.apply(decodeRecord(bytes) as LikeRecord, logMs, clock.date());
      if (changes.length > 0) this.#changed(changes);
    }
  }
}
