/**
 * The frontend: holds viewers' streams and shows them what the bus tells. It knows no ledger and no
 * dispatcher.
 *
 * The road through it: bus → sync → watch → supervisor → shard → connection. This file is the door: it opens
 * streams, changes what they watch, and sends them away when the node stops.
 */

import {
  Elsewhere,
  nodeOf,
  tooManyVideos,
  tooManyWatches,
  type Watching,
  type WatchVerdict,
} from "../asking/elsewhere.ts";
import type { Reader } from "../asking/reader.ts";
import type { Clock } from "../base/clock.ts";
import type { Metrics } from "../base/metrics.ts";
import type { Prng } from "../base/prng.ts";
import { Sweep } from "../base/sweep.ts";
import type { Bus, Subscription, Table } from "../bus/bus.ts";
import type { Entry } from "../core/entry.ts";
import type { Rejection, VideoId } from "../core/interaction.ts";
import { limits } from "../core/limits.ts";
import { type ByeReason, bytesOf, earlyRetractFrame, type PollOffer } from "../core/sse.ts";
import { decodeWatch, encodeJson, subjects } from "../core/wire.ts";
import type { Connection, ConnectionClass, EndReason } from "../fanout/connection.ts";
import { Review } from "../fanout/review.ts";
import type { Viewer } from "../fanout/slot.ts";
import { Supervisor } from "../fanout/supervisor.ts";
import { Counts } from "../video/counts.ts";
import { Interest } from "../video/interest.ts";
import type { VideoState } from "../video/state.ts";
import { Sync } from "../video/sync.ts";
import { Closed } from "./closed.ts";
import { Expiry } from "./expiry.ts";
import { Farewell } from "./farewell.ts";
import { type Joiner, Lobby, type Resume, resumeAsking, resumeNow, stillTrue, welcome } from "./joining.ts";
import { type PollAnswer, Polls } from "./poll.ts";
import type { StreamRequest } from "./request.ts";
import { Stream, Streams } from "./streams.ts";
import { Words } from "./words.ts";

export interface FrontendParts {
  readonly node: string;
  readonly incarnation: string;
  /** Of other kinds nothing is shown. */
  readonly kinds: readonly string[];
  readonly tickMs: number;
  readonly commentTickMs: number;
  readonly commentHistory: number;
  /** No stream is silent for longer, in ms. */
  readonly beatMs: number;
  /** No stream lives for longer, in ms; 0: for as long as it likes. */
  readonly streamAgeMs: number;
  readonly bus: Bus;
  readonly routes: Table;
  readonly reader: Reader;
  readonly clock: Clock;
  readonly prng: Prng;
  readonly metrics: Metrics;
  /** `Connection`, or `DirectConnection` where the runtime is Bun. */
  readonly connection: ConnectionClass;
}

export class Frontend implements Watching {
  readonly #parts: FrontendParts;
  readonly #supervisor: Supervisor;
  readonly #interest: Interest;
  readonly #sync: Sync;
  readonly #counts: Counts;
  readonly #polls: Polls;
  readonly #expiry: Expiry;
  readonly #words: Words;
  readonly #elsewhere: Elsewhere;
  readonly #streams: Streams;
  readonly #lobby = new Lobby();
  /** Those whose videos' first state has come. */
  readonly #arrivals: Sweep<Joiner>;
  readonly #farewell: Farewell<Connection>;
  /** Those who are to come back elsewhere, and would come back here over the same connection. */
  readonly #moving: Farewell<Connection>;
  readonly #review: Review;
  readonly #subscriptions: Subscription[] = [];
  /** Which videos are closed. */
  readonly closed: Closed;
  #draining = false;

  constructor(parts: FrontendParts) {
    this.#parts = parts;
    const { bus, clock, metrics } = parts;
    this.#streams = new Streams(parts.node);
    this.#words = new Words({ ...parts, streams: () => this.#streams.size });
    this.#review = new Review(clock, metrics);
    this.#farewell = new Farewell(clock, parts.prng, (connection) =>
      connection.end("drain", this.refuse("drain")),
    );
    const cut = (run: () => void): void => void clock.after(limits.byeMs, run);
    this.#moving = new Farewell(clock, parts.prng, (connection) =>
      connection.end("spread", this.refuse("spread"), cut),
    );
    const act = (joiner: Joiner): boolean => {
      this.#joinOrWait(joiner);
      return true;
    };
    this.#arrivals = new Sweep({ clock, turnMax: limits.stepWritesMax, act });
    this.#supervisor = new Supervisor({
      ...{ clock, metrics, tickMs: parts.tickMs, commentTickMs: parts.commentTickMs },
      beatSweepMs: this.#words.beats.sweepMs,
      // Who took nothing for so long has left.
      newcomersMs: this.#words.beats.idleMs,
      // Every viewer here is one that `open` has made.
      left: (viewer, reason) => this.#left(viewer as Stream, reason),
      stale: () => !bus.connected(),
    });
    this.closed = new Closed(clock, {
      find: (video) => this.#interest.find(video),
      tell: (watch, bytes) => this.#supervisor.tellAll(watch, "state", bytes),
    });
    this.#sync = new Sync(parts, {
      ready: (watch) => this.#ready(watch),
      stateChanged: (watch) => this.#stateChanged(watch),
      entriesCame: (watch) => {
        this.#supervisor.changed(watch);
        this.#polls.wake(watch);
      },
      entryHeld: (watch, entry) => this.#entryHeld(watch, entry),
      restarted: (watch, reason) => this.#restarted(watch, reason),
    });
    this.#elsewhere = new Elsewhere(bus);
    this.#counts = new Counts({ ...parts, changed: (watch) => this.#stateChanged(watch) });
    this.#interest = new Interest({
      ...parts,
      began: (watch) => {
        watch.over.byRules = this.closed.has(watch.video);
        this.#sync.follow(watch);
        this.#counts.follow(watch);
        metrics.videos.inc();
      },
      ended: (watch) => {
        this.#sync.unfollow(watch);
        this.#counts.unfollow(watch);
        this.#arrivals.addAll(this.#lobby.take(watch));
        metrics.videos.dec();
      },
    });
    this.#polls = new Polls(parts.clock, this.#interest, this.#sync, parts.reader);
    this.#expiry = new Expiry(clock, (connection, why) => connection.end(why, this.refuse(why)));
    this.#subscriptions.push(
      bus.serve(subjects.node(parts.node), (payload) => this.#serve(payload)),
      bus.onConnected((connected) => {
        this.#supervisor.staleChanged();
        if (!connected) return;
        this.#sync.refresh();
        this.#interest.rewrite();
      }),
    );
  }

  /** Whether streams are being sent away. */
  get draining(): boolean {
    return this.#draining;
  }

  /** Whether somebody watches `video` here, or did a moment ago: one more costs little then. */
  watched(video: VideoId): boolean {
    return this.#interest.find(video) !== undefined;
  }

  /** Streams open now. */
  get connections(): number {
    return this.#streams.size;
  }

  /** What this node watches. */
  watches(): Iterable<VideoState> {
    return this.#interest.watches();
  }

  /** Opens a stream; `hello` is its first bytes. That there are videos, and not too many, was checked. */
  open(request: StreamRequest): ReadableStream<Uint8Array> {
    const { clock, metrics } = this.#parts;
    const nowMs = clock.elapsed();
    const [first] = request.videos;
    const shard = this.#supervisor.place(first && this.#interest.find(first));
    const { holder } = request;
    const { connection: kind } = this.#parts;
    const viewer = new Stream({ connection: kind, words: this.#words, shard, holder, nowMs });
    const { connection } = viewer;
    shard.add(viewer);
    this.#streams.add(viewer);
    this.#expiry.until(connection, request.untilMs);
    holder?.opened(viewer);
    const ageMs = this.#words.drawAge();
    if (ageMs !== undefined) this.#expiry.age(connection, ageMs);
    metrics.connections.inc();
    metrics.connectionsAccepted.inc();
    const stream = connection.stream(request.asked);
    const id = this.#streams.idOf(viewer);
    connection.write(this.#words.hello(id, clock.date(), request.lastEventId), nowMs);
    // Whoever has left already releases nothing any more.
    if (connection.gone) return stream;
    if (this.#interest.size + request.videos.length > limits.watchesMax) {
      connection.end("limit", this.refuse("busy", request.lastEventId));
      return stream;
    }
    this.#hold(viewer, [...new Set(request.videos)], request.lastEventId, request.reviews);
    return stream;
  }

  /** The whole body of a stream that is not to be: come back later, or elsewhere, with the same place. */
  refuse(reason: ByeReason, lastEventId?: string, poll?: PollOffer): Uint8Array {
    return this.#words.bye(reason, lastEventId, poll);
  }

  async watch(connection: string, video: VideoId, on: boolean, untilMs?: number): Promise<WatchVerdict> {
    if (nodeOf(connection) !== this.#parts.node) {
      return this.#elsewhere.watch(connection, video, on, untilMs);
    }
    return this.#change(connection, video, on, untilMs);
  }

  /** How `video` stands for everybody; the same object until it changes. */
  live(video: VideoId, signal: AbortSignal): Promise<PollAnswer | Rejection> {
    return this.#polls.live(video, signal);
  }

  /** Answers when `video` has something newer than `cursor`, or after `waitMs`. */
  poll(
    video: VideoId,
    cursor: string | undefined,
    waitMs: number,
    signal: AbortSignal,
  ): Promise<PollAnswer | Rejection> {
    return this.#polls.poll(video, cursor, waitMs, signal);
  }

  /** Sends so many viewers away, over limits.shedMs; they come back at once, to another process by chance. */
  async shed(count: number): Promise<void> {
    const { prng } = this.#parts;
    let [wanted, left] = [count, this.#streams.size];
    const isChosen = (): boolean => prng.next() * left-- < wanted && wanted-- > 0;
    await this.#moving.all(this.#connections().filter(isChosen), limits.shedMs);
  }

  /** Sends every viewer away, each with its own delay to return after, spread over `overMs`. */
  async drain(overMs: number): Promise<void> {
    this.#draining = true;
    this.#polls.close();
    await this.#farewell.all(this.#connections(), overMs);
    // Those whose request was already on its way when the draining began.
    await this.#farewell.all(this.#connections(), 0);
  }

  #connections(): Connection[] {
    return this.#streams.all().map(({ connection }) => connection);
  }

  /** Ends every stream, timer and subscription, and takes back the rows of the table. */
  async close(): Promise<void> {
    await this.drain(0);
    for (const subscription of this.#subscriptions.splice(0)) subscription.end();
    this.#sync.close();
    await this.#interest.close();
    this.#counts.close();
    this.#expiry.close();
    this.#arrivals.close();
    this.#supervisor.close();
  }

  // ---- joining

  #hold(viewer: Viewer, videos: readonly VideoId[], lastEventId: string | undefined, reviews = false): void {
    const watches = videos.map((video) => this.#interest.hold(video));
    viewer.watches = [...viewer.watches, ...watches];
    for (const watch of watches) this.#sync.wake(watch);
    this.#joinOrWait({ viewer, watches, lastEventId, reviews });
  }

  #joinOrWait(joiner: Joiner): void {
    const ready = this.#lobby.pass(joiner);
    if (ready) this.#join(ready);
  }

  #ready(watch: VideoState): void {
    this.#arrivals.start(this.#lobby.take(watch));
    this.#polls.wake(watch);
  }

  #join(joiner: Joiner): void {
    const { watches, lastEventId } = joiner;
    if (lastEventId === undefined) {
      this.#admit(joiner, undefined);
      return;
    }
    const resumes = watches.map((watch) => resumeNow(watch, lastEventId));
    if (resumes.every((resume) => resume !== undefined)) {
      this.#admit(joiner, resumes);
      return;
    }
    const asked = watches.map((watch) => resumeAsking(watch, lastEventId, this.#sync, this.#parts.reader));
    void Promise.all(asked).then((answers) => {
      const still = answers.map((answer, index) =>
        stillTrue(answer, watches[index] as VideoState, lastEventId),
      );
      this.#admit(joiner, still);
    });
  }

  /**
   * From here to the end of `welcome` nothing may wait: what comes after the cursor is the viewer's from now
   * on.
   */
  #admit({ viewer, watches, reviews }: Joiner, resumes: readonly Resume[] | undefined): void {
    if (viewer.connection.gone) return;
    const joined: number[] = [];
    const slots = watches.flatMap((watch, index) => {
      // It may have been told to stop watching, or told twice to begin, while its state was on the way.
      if (!viewer.watches.includes(watch) || viewer.slots.some((slot) => slot.watch === watch)) return [];
      joined.push(index);
      // Counted before it joins, so that its snapshot counts it too.
      this.#counts.moved(watch, 1);
      return [viewer.shard.join(viewer, watch)];
    });
    const chosen = resumes && joined.map((index) => resumes[index] as Resume);
    welcome(viewer, slots, chosen, this.#parts.clock.elapsed());
    // Whoever left while it was being welcomed has left this too.
    for (const { watch } of reviews ? slots : [])
      if (!viewer.connection.gone) this.#review.join(viewer, watch);
  }

  /** Moderators are told; a removal of what all see already does not wait behind what is held. */
  #entryHeld(watch: VideoState, entry: Entry): void {
    this.#review.held(watch);
    if (entry.type !== "retract" || entry.target > watch.history.tip) return;
    this.#supervisor.tellAll(watch, "retract", bytesOf(earlyRetractFrame(watch.lineage, entry)));
  }

  #stateChanged(watch: VideoState): void {
    this.#supervisor.changed(watch);
    this.#polls.wake(watch);
  }

  #restarted(watch: VideoState, reason: "epoch" | "history" | "deleted"): void {
    if (reason === "deleted") this.closed.deleted(watch.video);
    this.#supervisor.restart(watch, reason);
    this.#review.restarted(watch);
    this.#stateChanged(watch);
  }

  // ---- changing and leaving

  #change(id: string, video: VideoId, on: boolean, untilMs?: number): WatchVerdict {
    const viewer = this.#streams.find(id);
    if (!viewer) return "unknown-connection";
    this.#expiry.until(viewer.connection, untilMs);
    const held = viewer.watches.find((watch) => watch.video === video);
    if (on) {
      if (held) return "done";
      if (viewer.watches.length >= limits.videosPerStreamMax) return tooManyVideos();
      if (this.#interest.size >= limits.watchesMax) return tooManyWatches();
      this.#hold(viewer, [video], undefined);
    } else if (held) {
      viewer.watches = viewer.watches.filter((watch) => watch !== held);
      if (viewer.shard.leave(viewer, video)) this.#counts.moved(held, -1);
      this.#review.leave(viewer, held);
      this.#arrivals.addAll(this.#lobby.takeOne(held, viewer));
      this.#interest.release(held);
    }
    return "done";
  }

  #serve(payload: Uint8Array): Uint8Array {
    const request = decodeWatch(payload);
    if (!request) {
      this.#parts.metrics.invalidMessages.inc();
      return encodeJson({ verdict: "unknown-connection" });
    }
    const verdict = this.#change(request.connection, request.video, request.watch, request.untilMs);
    return encodeJson({ verdict: typeof verdict === "string" ? verdict : verdict.rejected });
  }

  #left(viewer: Stream, reason: EndReason): void {
    if (!this.#streams.delete(viewer)) return;
    this.#expiry.left(viewer.connection);
    viewer.holder?.ended();
    this.#parts.metrics.connections.dec();
    this.#parts.metrics.connectionsClosed.inc({ reason });
    for (const slot of viewer.slots) this.#counts.moved(slot.watch, -1);
    for (const watch of viewer.watches) {
      this.#review.leave(viewer, watch);
      this.#interest.release(watch);
    }
  }
}
