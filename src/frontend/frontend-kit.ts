/**
 * What the frontend's tests work with: a log that answers as a dispatcher does and says on the bus only what
 * it is told to, and viewers that read real streams, or stop reading.
 */
import { createParser } from "eventsource-parser";
import { Reader } from "../asking/reader.ts";
import { VirtualClock } from "../base/clock.ts";
import { createMetrics } from "../base/metrics.ts";
import { seededPrng } from "../base/prng.ts";
import { type MemoryBus, type MemoryHub, memoryHub } from "../bus/memory.ts";
import type { Entry } from "../core/entry.ts";
import type { CommentDraft, VideoId } from "../core/interaction.ts";
import type { Lineage } from "../core/lineage.ts";
import { decodeStateRequest, encodeEntry, encodeState, encodeTick, subjects } from "../core/wire.ts";
import { Connection } from "../fanout/connection.ts";
import type { Batch, Ledger } from "../ledger/ledger.ts";
import { openMemoryLedger } from "../ledger/memory.ts";
import { Frontend } from "./frontend.ts";

export const v = "v" as VideoId;
export const w = "w" as VideoId;

/** The other side of the bus. */
export class FakeLog {
  readonly bus: MemoryBus;
  readonly clock: VirtualClock;
  ledger: Ledger;
  /** Whether entries are published as they are written. */
  live = true;
  /** Called before a state request is answered; may wait, or throw to answer nothing. */
  beforeAnswer: () => void | Promise<void> = () => {};
  asked = 0;
  /** Of these, how often for pages of entries. */
  read = 0;
  /** Names the log; its branches begin with it. */
  epoch: string;
  lineage: Lineage;
  #said: CommentDraft[] = [];
  #branches = 0;
  #versions = new Map<VideoId, number>();

  constructor(bus: MemoryBus, clock: VirtualClock, history = 1_000) {
    this.bus = bus;
    this.clock = clock;
    this.ledger = openMemoryLedger({ clock, commentHistory: history });
    this.epoch = this.ledger.epoch;
    this.lineage = this.ledger.lineage();
    bus.serve(subjects.state, (payload) => this.#serve(payload));
  }

  /** Begins another log, with another epoch. */
  replace(): void {
    this.ledger = openMemoryLedger({ clock: this.clock, commentHistory: 1_000 });
    this.epoch = this.ledger.epoch;
    this.lineage = this.ledger.lineage();
    this.#said = [];
    this.#versions.clear();
  }

  /** Comes back older than it was, with its first `keep` comments: a branch begins behind them. */
  async rollBack(keep: number): Promise<void> {
    this.ledger = openMemoryLedger({ clock: this.clock, commentHistory: 1_000 });
    const said = this.#said.splice(0).slice(0, keep);
    for (const draft of said) await this.ledger.append({ likes: [], comments: [draft] });
    this.#said = said;
    this.turn(keep + 1);
  }

  /** Opens a branch. */
  turn(first: number): void {
    this.lineage = this.lineage.open(`turn${++this.#branches}`, first);
  }

  totalsOf(video: VideoId) {
    const version = this.#versions.get(video) ?? 0;
    return { version, counts: version === 0 ? {} : { heart: 10 * version } };
  }

  /** Ten more hearts, with or without a tick that says so. */
  like(video: VideoId, told = true): void {
    this.#versions.set(video, this.totalsOf(video).version + 1);
    if (told) this.tick(video);
  }

  tick(video: VideoId): void {
    const nowMs = this.clock.date();
    const times = { atMs: nowMs, durableMs: nowMs, tickedMs: nowMs };
    const tick = { video, region: "r", totals: this.totalsOf(video), ...times, by: [] };
    this.bus.publish(subjects.tick(video), encodeTick(tick));
  }

  /** Writes a comment; its entry, published or not. */
  async comment(video: VideoId, text: string, holdMs = 0): Promise<Entry> {
    const draft = { video, text, user: undefined, key: undefined, atMs: this.clock.date(), holdMs };
    this.#said.push(draft);
    return this.#enter({ likes: [], comments: [draft] }, video);
  }

  async retract(video: VideoId, seq: number): Promise<void> {
    await this.ledger.retract(video, seq);
    const page = await this.ledger.entries(video, this.ledger.head() - 1, 1);
    for (const entry of page.entries) if (this.live) this.publish(entry);
  }

  /** Deletes `video`; the entry that says so, published or not. Its totals stay as they are told. */
  async deleteVideo(video: VideoId): Promise<Entry> {
    await this.ledger.deletions.delete(video);
    return this.#newest(video);
  }

  /** Publishes an entry, now or once more. */
  publish(entry: Entry): void {
    const { video, seq, previous } = entry;
    const bytes = encodeEntry(entry, this.lineage.newest.name);
    this.bus.publish(subjects.comment(video), bytes, { seq, previous });
  }

  id(seq: number): string {
    return this.lineage.idOf(seq);
  }

  async #enter(batch: Batch, video: VideoId): Promise<Entry> {
    await this.ledger.append(batch);
    return this.#newest(video);
  }

  async #newest(video: VideoId): Promise<Entry> {
    const { entries } = await this.ledger.entries(video, this.ledger.head() - 1, 1);
    const entry = entries[0] as Entry;
    if (this.live) this.publish(entry);
    return entry;
  }

  async #serve(payload: Uint8Array): Promise<Uint8Array> {
    this.asked++;
    await this.beforeAnswer();
    const request = decodeStateRequest(payload);
    if (!request) throw new Error("not a state request");
    const { video, after, limit, branch } = request;
    if (limit > 1) this.read++;
    const page = await this.ledger.entries(video, after, limit);
    const totals = this.totalsOf(video);
    const { epoch: log, lineage } = this;
    return encodeState({ log, lineage, region: "r", totals, sure: true, viewers: 0, page }, branch);
  }
}

export interface Seen {
  readonly event: string;
  readonly id: string | undefined;
  readonly data: {
    readonly video?: string;
    readonly text?: string;
    readonly totals?: Readonly<Record<string, number>>;
    readonly viewers?: number;
    readonly version?: number;
    readonly comments?: readonly { readonly text: string }[];
    readonly connection?: string;
    readonly reason?: string;
    readonly retry?: number;
    readonly beat?: number;
    readonly stale?: boolean;
    readonly visibleAt?: number;
  };
  /** When it was read. */
  readonly nowMs: number;
}

/** A viewer that reads a real stream and remembers what it was shown. */
export class FakeViewer {
  readonly seen: Seen[] = [];
  /** As EventSource keeps it. */
  lastEventId: string | undefined;
  ended = false;
  readonly #reader: ReadableStreamDefaultReader<Uint8Array>;
  readonly #decoder = new TextDecoder();
  readonly #now: () => number;
  #stalled: boolean;
  #resume: (() => void) | undefined;

  /** `now` stamps what is read. */
  constructor(stream: ReadableStream<Uint8Array>, stalled = false, now = () => 0) {
    this.#now = now;
    this.#reader = stream.getReader();
    this.#stalled = stalled;
    void this.#read();
  }

  /** Stops reading; what is under way is still read. */
  stall(): void {
    this.#stalled = true;
  }

  resume(): void {
    this.#stalled = false;
    this.#resume?.();
  }

  async close(): Promise<void> {
    await this.#reader.cancel().catch(() => {});
  }

  of(event: string): Seen[] {
    return this.seen.filter((one) => one.event === event);
  }

  get hello(): Seen["data"] {
    return this.of("hello")[0]?.data ?? {};
  }

  /** Texts of the comments, in order, those in snapshots first seen there. */
  get texts(): string[] {
    return this.seen.flatMap(({ event, data }) => {
      if (event === "snapshot") return (data.comments ?? []).map(({ text }) => text);
      return event === "comment" ? [data.text as string] : [];
    });
  }

  /** Hearts of each totals shown, in order. */
  get hearts(): number[] {
    return this.seen.flatMap(({ data }) => (data.totals ? [data.totals.heart ?? 0] : []));
  }

  async #read(): Promise<void> {
    const parser = createParser({
      onEvent: ({ event = "message", id, data }) => {
        this.seen.push({ event, id, data: JSON.parse(data), nowMs: this.#now() });
        if (id !== undefined) this.lastEventId = id;
      },
    });
    for (;;) {
      if (this.#stalled) {
        await new Promise<void>((resolve) => {
          this.#resume = resolve;
        });
      }
      const chunk = await this.#reader.read().catch(() => ({ done: true, value: undefined }));
      if (chunk.done) break;
      parser.feed(this.#decoder.decode(chunk.value, { stream: true }));
    }
    this.ended = true;
  }
}

export interface KitOptions {
  readonly history?: number;
  readonly tickMs?: number;
  readonly beatMs?: number;
  readonly streamAgeMs?: number;
  readonly logHistory?: number;
}

/** A frontend, a log and the network between them. */
export async function kit(options: KitOptions = {}) {
  const clock = new VirtualClock();
  const hub: MemoryHub = memoryHub({ clock });
  const log = new FakeLog(hub.connect(), clock, options.logHistory);
  const start = async (node: string) => {
    const bus = hub.connect();
    const metrics = createMetrics();
    const frontend = new Frontend({
      connection: Connection,
      kinds: ["heart", "clap"],
      ...{ node, incarnation: `${node}-life`, tickMs: options.tickMs ?? 50, commentTickMs: 20 },
      ...{ beatMs: options.beatMs ?? 15_000, streamAgeMs: options.streamAgeMs ?? 0 },
      ...{ commentHistory: options.history ?? 1_000, bus, clock, metrics },
      routes: await bus.table("routes"),
      reader: new Reader(bus),
      prng: seededPrng(1),
    });
    const open = (videos: readonly VideoId[] = [v], lastEventId?: string, stalled = false, reviews = false) =>
      new FakeViewer(frontend.open({ videos, lastEventId, reviews }), stalled, () => clock.date());
    return { frontend, bus, metrics, open };
  };
  const rest = (ms = 100) => clock.run(ms, 5);
  return { clock, hub, log, start, rest, ...(await start("f1")) };
}
