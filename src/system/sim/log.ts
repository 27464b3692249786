/**
 * One log for several dispatchers in one process: what JetStream is to a cluster, without sockets.
 *
 * It is one, and stands outside every node; a node's view of it is view.ts. It has lanes, five for likes and
 * one for comments, each of which may lose its leader: until there is another it takes nothing and tells
 * nothing, and what was sent to it in that moment may still be stored. Its comments may lose their end, as a
 * store that is put back does. It keeps everything, and every history it had, so that what viewers were shown
 * can be compared with what was written.
 */
import type { Elapsed, VirtualClock } from "../../base/clock.ts";
import type { Prng } from "../../base/prng.ts";
import type { MemoryBus, MemoryHub } from "../../bus/memory.ts";
import { type Entry, type Page, sinceCleared } from "../../core/entry.ts";
import { laneOf as hashedLaneOf } from "../../core/hash.ts";
import type { CommentDraft, VideoId } from "../../core/interaction.ts";
import { Lineage } from "../../core/lineage.ts";
import { encodeRecord } from "../../core/record.ts";
import { encodeWhose } from "../../core/whose.ts";
import { encodeEntry, subjects } from "../../core/wire.ts";
import { type Batch, LedgerUnavailable, type Placed } from "../../ledger/ledger.ts";
import { pageAfter, pageNewest } from "../../ledger/page.ts";
import { NodeClock } from "./clock.ts";
import type { SimLedger } from "./view.ts";

/** A record of likes with its writer's stamp, if any, and when it arrived as the server's wall said. */
export interface Stored {
  readonly bytes: Uint8Array;
  readonly whose: string;
  readonly stampMs: number | undefined;
  readonly atMs: number;
}

/** So many that each video of a run has one of its own. */
export const likeLanes = 5;
export const commentLane = likeLanes;
/** How often what was sent to a lane in the moment it lost its leader is stored after all. */
const lateShare = 0.3;

/** The lane that likes of `video` go to. */
export function laneOf(video: VideoId): number {
  return hashedLaneOf(video, likeLanes);
}

/** A stretch of time without a leader. */
export interface Absence {
  readonly lane: number;
  readonly from: Elapsed;
  until: Elapsed;
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
  readonly clock: VirtualClock;
  /** Of the machine that it is on. */
  readonly machine: NodeClock;
  readonly lanes: readonly Stored[][] = Array.from({ length: likeLanes }, () => []);
  /** Every entry ever written, and the comments that were removed. */
  readonly entries = new Map<VideoId, Entry[]>();
  readonly removed = new Set<number>();
  /** What is left to be done of deletions, by name. */
  readonly tasks = new Map<string, string>();
  /** How often each video was deleted, in the log of likes. */
  readonly deleted = new Map<VideoId, number>();
  readonly views = new Set<SimLedger>();
  readonly history: number;
  /** When which lane had no leader; those without an end are going on. */
  readonly absences: Absence[] = [];
  head = 0;
  readonly #bus: MemoryBus;
  readonly #weather: Prng;
  readonly #keys = new Map<string, number>();
  /** What will be stored when its lane has a leader again, by lane. */
  readonly #late = new Map<number, (() => void)[]>();

  /** Keeps `history` entries per video for reading. */
  constructor(hub: MemoryHub, clock: VirtualClock, weather: Prng, history: number) {
    this.#bus = hub.connect();
    this.clock = clock;
    this.machine = new NodeClock(clock, 0);
    this.#weather = weather;
    this.history = history;
  }

  /** Every record of likes there is. */
  get records(): readonly Stored[] {
    return this.lanes.flat();
  }

  /** Whether `lane` has a leader. */
  leads(lane: number): boolean {
    return !this.#late.has(lane);
  }

  /** A lane loses its leader for `ms`. */
  lose(lane: number, ms: number): void {
    if (!this.leads(lane)) return;
    this.#late.set(lane, []);
    this.absences.push({ lane, from: this.clock.elapsed(), until: Number.POSITIVE_INFINITY as Elapsed });
    this.clock.after(ms, () => this.#elect(lane));
  }

  /** Every lane has a leader. */
  elect(): void {
    for (const lane of [...this.#late.keys()]) this.#elect(lane);
  }

  /** Whether `lane` had a leader from then till then. */
  led(lane: number, from: Elapsed, until: Elapsed): boolean {
    return !this.absences.some((one) => one.lane === lane && one.from <= until && one.until >= from);
  }

  /** Writes a batch of one lane; from here on it is durable. Throws LedgerUnavailable without a leader. */
  write(lane: number, batch: Batch, stampMs: number | undefined): Placed[] {
    const late = this.#late.get(lane);
    if (!late) return this.#store(lane, batch, stampMs);
    if (this.#weather.next() < lateShare) late.push(() => this.#store(lane, batch, stampMs));
    throw new LedgerUnavailable("no leader");
  }

  remove(video: VideoId, target: number): boolean {
    const found = this.kept(video).some(({ seq, type }) => seq === target && type === "comment");
    if (!found || this.removed.has(target)) return false;
    this.removed.add(target);
    this.taken.add(this.lineage.idOf(target));
    this.#enter(video, (place) => ({ type: "retract", ...place, target }));
    return true;
  }

  /** Puts a removal of all comments of `video` into their order, once for `key`. */
  clear(video: VideoId, key: string): void {
    if (!this.leads(commentLane)) throw new LedgerUnavailable("no leader");
    const name = `${video} clear ${key}`;
    if (this.#keys.has(name)) return;
    const { seq } = this.#enter(video, (place) => ({ type: "retract", ...place, previous: 0, target: 0 }));
    this.#keys.set(name, seq);
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
    const kept = (this.entries.get(video) ?? []).slice(-this.history);
    return [...sinceCleared(kept)];
  }

  page(video: VideoId, after: number | undefined, limit: number): Page {
    const kept = this.kept(video);
    const readable = kept.filter(({ seq }) => !this.removed.has(seq));
    const place = { floor: kept[0]?.previous ?? 0, head: this.head };
    if (after === undefined) return pageNewest(place, limit, readable.reverse());
    const following = readable.filter(({ seq }) => seq > after);
    return pageAfter(after, place, limit, following);
  }

  #elect(lane: number): void {
    const late = this.#late.get(lane);
    if (!late) return;
    this.#late.delete(lane);
    const absence = this.absences.findLast((one) => one.lane === lane);
    if (absence) absence.until = this.clock.elapsed();
    for (const store of late) store();
    for (const view of this.views) view.wake();
  }

  #store(lane: number, batch: Batch, stampMs: number | undefined): Placed[] {
    const atMs = this.machine.date();
    for (const record of batch.likes) {
      const [bytes, whose] = [encodeRecord(record), encodeWhose(record)];
      const video = record.act?.video;
      if (video) this.deleted.set(video, (this.deleted.get(video) ?? 0) + 1);
      this.lanes[lane]?.push({ bytes, whose, stampMs, atMs });
    }
    const placed = batch.comments.map((draft) => this.#place(draft));
    for (const view of this.views) view.wake();
    return placed;
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
