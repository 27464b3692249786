/**
 * The control room's stream: once a second what this node does, and what it knows of its cluster.
 *
 * One reading for all who look, and none while nobody does: rates are the growth of the node's own metrics
 * between two readings, so the control room and Prometheus can never disagree. A reader that is behind misses
 * a second; the next one says everything anew.
 */
import type { Elapsed, Timer } from "../base/clock.ts";
import { limits } from "../core/limits.ts";
import type { ClusterView } from "../core/nodes.ts";
import { bytesOf, frame } from "../core/sse.ts";
import type { VideoState } from "../video/state.ts";
import { refuse, streamAnswer } from "./answer.ts";
import type { Doors } from "./doors.ts";
import type { Entry } from "./entry.ts";
import { type Buckets, bucketsOf, countsOf, growthOf, type Percentiles, percentiles } from "./readings.ts";
import type { Seat } from "./seats.ts";

const everyMs = 1_000;
/** The cluster is told of so often even when it is the same. */
const clusterEvery = 5;
/** Those who look at once. Beyond: 503. */
const readersMax = 64;
/** Seconds a reader may be behind. Beyond: its stream is ended. */
const behindMax = 15;
const topMax = 50;
const routesMax = 500;
/** A cluster of more rows is looked at every fifth second only. */
const largeRows = 5_000;
const hops = ["durable", "ticked", "received", "written"] as const;

/** Has a seat, and leaves when its key was taken out. */
interface Reader extends Seat {
  readonly controller: ReadableStreamDefaultController<Uint8Array>;
  behind: number;
}

/** What rates are the growth of. */
interface Reading {
  readonly at: Elapsed;
  readonly likesIn: number;
  readonly likesDelivered: number;
  readonly frames: number;
  readonly bytes: number;
  readonly lag: Buckets;
  readonly hops: ReadonlyMap<string, Buckets>;
  readonly videos: ReadonlyMap<string, { readonly likes: number; readonly tip: number }>;
}

/** `GET /v1/admin/events`; on an open server without any admin key whoever sits at its machine may look. */
export function getAdminEvents(doors: Doors, entry: Entry): Response {
  if (entry.request.method === "HEAD") return streamAnswer(null, true);
  const body = roomOf(doors).open(entry);
  return body ? streamAnswer(body, true) : refuse("busy", "too many look at this already", 10);
}

const rooms = new WeakMap<Doors, ControlRoom>();

function roomOf(doors: Doors): ControlRoom {
  let room = rooms.get(doors);
  if (!room) {
    room = new ControlRoom(doors);
    rooms.set(doors, room);
  }
  return room;
}

export class ControlRoom {
  readonly #doors: Doors;
  readonly #readers = new Set<Reader>();
  #timer: Timer | undefined;
  #last: Reading | undefined;
  #cluster = "";
  #turns = 0;

  constructor(doors: Doors) {
    this.#doors = doors;
  }

  /** A stream for `who`, or undefined when there are too many. */
  open({ who, address }: Pick<Entry, "who" | "address">): ReadableStream<Uint8Array> | undefined {
    if (this.#readers.size >= readersMax) return undefined;
    let reader: Reader | undefined;
    const seat = { at: -1, who, address, payer: undefined, videos: () => [] };
    const end = () => {
      this.#left(reader);
      reader?.controller.close();
    };
    return new ReadableStream<Uint8Array>(
      {
        start: (controller) => {
          controller.enqueue(bytesOf("retry: 2000\n\n"));
          reader = { ...seat, end, controller, behind: 0 };
          this.#readers.add(reader);
          this.#doors.seats.take(reader);
          // Whoever comes is told all at the next turn.
          this.#cluster = "";
          this.#timer ??= this.#doors.clock.every(everyMs, () => void this.#turn());
          if (this.#readers.size === 1) void this.#turn();
        },
        cancel: () => this.#left(reader),
      },
      { highWaterMark: 8 },
    );
  }

  #left(reader: Reader | undefined): void {
    if (reader && this.#readers.delete(reader)) this.#doors.seats.leave(reader);
    if (this.#readers.size > 0) return;
    this.#timer?.cancel();
    this.#timer = undefined;
    this.#last = undefined;
  }

  async #turn(): Promise<void> {
    try {
      this.#write(frame("admin", JSON.stringify(await this.#sample())));
      const due = this.#turns++ % clusterEvery === 0;
      const view = await this.#doors.cluster();
      if ("rejected" in view) return;
      const told = clusterOf(view as ClusterView & { readonly self: string });
      // Leases run down all the time: that alone is no news.
      const news = JSON.stringify([
        told.nodes.map(({ node, incarnation }) => [node, incarnation]),
        told.routes,
      ]);
      const isLarge = (view as ClusterView).rows > largeRows;
      if (!due && (news === this.#cluster || (isLarge && this.#cluster !== ""))) return;
      this.#cluster = news;
      this.#write(frame("cluster", JSON.stringify(told)));
    } catch (error) {
      this.#doors.log.error("the control room cannot be told", { error });
    }
  }

  #write(text: string): void {
    const bytes = bytesOf(text);
    for (const reader of this.#readers) {
      if ((reader.controller.desiredSize ?? 0) > 0) {
        reader.controller.enqueue(bytes);
        reader.behind = 0;
      } else if (++reader.behind > 2 * behindMax) {
        reader.controller.error(new Error("slow"));
        this.#left(reader);
      }
    }
  }

  async #sample(): Promise<object> {
    const { metrics, clock, frontend, settings } = this.#doors;
    const watches = frontend ? topOf(frontend.watches()) : [];
    const reading = await this.#read(watches, clock.elapsed());
    const last = this.#last ?? reading;
    this.#last = reading;
    const seconds = Math.max(0.001, (reading.at - last.at) / 1000);
    const rate = (of: (one: Reading) => number) => Math.max(0, round((of(reading) - of(last)) / seconds));
    const lasted = (hop: string): Percentiles =>
      percentiles(growthOf(reading.hops.get(hop), last.hops.get(hop)), 1000);
    const closed = await metrics.connectionsClosed.get();
    return {
      now: Math.round(clock.date()),
      node: settings.node,
      viewers: frontend?.connections ?? 0,
      videos: (await metrics.videos.get()).values[0]?.value ?? 0,
      lagging: (await metrics.lagging.get()).values[0]?.value ?? 0,
      likesIn: rate((one) => one.likesIn),
      likesDelivered: rate((one) => one.likesDelivered),
      frames: rate((one) => one.frames),
      bytes: rate((one) => one.bytes),
      lagMs: percentiles(growthOf(reading.lag, last.lag), 1000).p99,
      hops: Object.fromEntries(hops.map((hop) => [hop, lasted(hop)])),
      latency: lasted("written"),
      top: watches.map((watch) => videoOf(watch, last, seconds)),
      closed: Object.fromEntries(closed.values.map(({ labels, value }) => [String(labels.reason), value])),
    };
  }

  async #read(watches: readonly VideoState[], at: Elapsed): Promise<Reading> {
    const { metrics } = this.#doors;
    const [likesIn, likesDelivered, frames, bytes] = await Promise.all(
      [metrics.likesAccepted, metrics.likesDelivered, metrics.frames, metrics.bytes].map(countsOf),
    );
    const lag = await bucketsOf(metrics.loopLag);
    const of = await bucketsOf(metrics.hopSeconds, "hop");
    return {
      at,
      likesIn: likesIn ?? 0,
      likesDelivered: likesDelivered ?? 0,
      frames: frames ?? 0,
      bytes: bytes ?? 0,
      lag: lag.get("") ?? new Map(),
      hops: of,
      videos: new Map(watches.map(({ video, likes, history }) => [video, { likes, tip: history.tip }])),
    };
  }
}

/** The watched videos of most viewers, most first. */
function topOf(watches: Iterable<VideoState>): readonly VideoState[] {
  let top: VideoState[] = [];
  for (const watch of watches) {
    if (watch.holders === 0) continue;
    top.push(watch);
    // Cut now and then, so that many videos cost no sorting of all.
    if (top.length >= 8 * topMax) top = largest(top);
  }
  return largest(top);
}

function largest(watches: VideoState[]): VideoState[] {
  return watches.sort((a, b) => b.shownViewers - a.shownViewers || b.likes - a.likes).slice(0, topMax);
}

function videoOf(
  { video, shownViewers, likes, totals, history }: VideoState,
  last: Reading,
  seconds: number,
) {
  const before = last.videos.get(video);
  const { comments } = before
    ? history.changes(Math.max(before.tip, history.floor), history.tip)
    : { comments: [] };
  return {
    video,
    viewers: shownViewers,
    likes,
    likesPerS: before ? Math.max(0, round((likes - before.likes) / seconds)) : 0,
    commentsPerS: round(comments.length / seconds),
    totals: totals.counts,
  };
}

function clusterOf(view: ClusterView & { readonly self: string }) {
  const routes = view.routes.flatMap(({ video, nodes }) => nodes.map((node) => ({ video, node })));
  const shown = routes.slice(0, routesMax);
  const videos = new Set(shown.map(({ video }) => video));
  const owners = view.routes
    .filter(({ video }) => videos.has(video))
    .map(({ video, owner }) => [video, owner]);
  const skews = view.routes.flatMap(({ video, skewMs }) => {
    return skewMs !== undefined && videos.has(video) ? [[video, skewMs]] : [];
  });
  return {
    nodes: view.nodes.map(({ node, role, region, incarnation, leaseLeftMs, viewers }) => ({
      node,
      role,
      region,
      incarnation,
      leaseMs: Math.min(leaseLeftMs, limits.leaseMs),
      viewers,
      self: node === view.self,
    })),
    routes: shown,
    owners: Object.fromEntries(owners) as Record<string, string>,
    skews: Object.fromEntries(skews) as Record<string, number>,
  };
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}
