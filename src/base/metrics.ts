/**
 * What a node tells Prometheus: one table of names, help and labels, over prom-client.
 *
 * Base units (seconds, bytes), `_total` on counters, and never a label per video, viewer or address: the
 * number of series is fixed. Hot paths count in bulk (frames per step, not per viewer), so a metric costs
 * nothing that shows.
 */
import {
  AggregatorRegistry,
  Counter,
  Gauge,
  type MetricObjectWithValues,
  type MetricValue,
  Registry,
} from "prom-client";
import { Durations } from "./durations.ts";

/** Seconds, from a fifth of a millisecond to ten seconds. */
const secondsBuckets = [
  0.0002, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.5, 1, 2.5, 5, 10,
];

/** Is told where the oldest like of a tick was, and when: Unix ms; and of calls. hooks/traces.ts. */
export interface Traced {
  called(
    parent: string | null,
    video: string | undefined,
  ): ((method: string, route: string, status: number) => void) | undefined;
  received(way: {
    readonly video: string;
    readonly atMs: number;
    readonly durableMs: number;
    readonly tickedMs: number;
    readonly receivedMs: number;
  }): void;
  written(atMs: number, writtenMs: number): void;
}

/** All metrics of one node. Each node has its own registry, so several can live in one process. */
export function createMetrics() {
  const registry = new Registry();
  const registers = [registry];
  const counter = <L extends string = never>(name: string, help: string, labelNames: readonly L[] = []) =>
    new Counter<L>({ name: `ovation_${name}`, help, labelNames, registers });
  const gauge = <L extends string = never>(name: string, help: string, labelNames: readonly L[] = []) =>
    new Gauge<L>({ name: `ovation_${name}`, help, labelNames, registers });
  const histogram = <L extends string = never>(name: string, help: string, labelNames: readonly L[] = []) =>
    new Durations<L>(registry, { name: `ovation_${name}`, help, labelNames, bounds: secondsBuckets });
  const readers: (() => void)[] = [];
  return {
    registry,
    /** Runs `count` before the metrics are read: for what is cheaper counted elsewhere meanwhile. */
    beforeRead: (count: () => void): void => {
      readers.push(count);
    },
    buildInfo: new Gauge({
      name: "ovation_build_info",
      help: "Always 1; what runs is in the labels",
      labelNames: ["version", "commit", "runtime"],
      registers,
      aggregator: "first",
      // The registry reads in order of creation, and this is its first metric.
      collect: () => {
        for (const count of readers) count();
      },
    }),
    connections: gauge("connections", "Streams open now"),
    connectionsAccepted: counter("connections_accepted_total", "Streams opened"),
    connectionsClosed: counter("connections_closed_total", "Streams ended, by reason", ["reason"]),
    lagging: gauge("connections_lagging", "Streams whose reader is behind now"),
    videos: gauge("videos_watched", "Videos with a viewer on this node"),
    likesAccepted: counter("likes_accepted_total", "Likes made durable (repeats of a key included)"),
    likesCounted: counter("likes_counted_total", "Likes added to totals by the fold"),
    likesTakenBack: counter("likes_taken_back_total", "Likes taken out of totals by the fold"),
    likesRejected: counter("likes_rejected_total", "Like interactions refused, by reason", ["reason"]),
    commentsAccepted: counter("comments_accepted_total", "Comments made durable"),
    commentsRejected: counter("comments_rejected_total", "Comments refused, by reason", ["reason"]),
    commitSeconds: histogram("commit_seconds", "Time from handing a batch to the ledger to its durability"),
    refused: counter("refused_total", "Requests and streams refused for who or what, by reason", ["reason"]),
    decisions: counter("moderation_decisions_total", "Decisions of moderators taken here", ["action"]),
    ...ledgerMetrics(registry),
    ...hookMetrics(registry),
    ticks: counter("ticks_published_total", "Ticks published"),
    frames: counter("frames_total", "Frames written to viewers, by event", ["event"]),
    bytes: counter("bytes_total", "Bytes of frames written to viewers"),
    likesDelivered: counter(
      "likes_delivered_total",
      "Likes shown to viewers: growth of a total times its viewers",
    ),
    skipped: counter(
      "frames_skipped_total",
      "Frames a lagging viewer did not need: newer state replaced them",
    ),
    passSeconds: histogram("pass_seconds", "Time to write what is due of a video to all its viewers here"),
    hopSeconds: histogram("hop_seconds", "Time of a like from its acceptance to each stop", ["hop"]),
    requests: counter("http_requests_total", "Requests answered", ["route", "code"]),
    loopLag: histogram("event_loop_lag_seconds", "How late a timer of the event loop fired"),
    ...processMetrics(registry),
    busConnected: new Gauge({
      name: "ovation_bus_connected",
      help: "1 while messages travel between nodes",
      registers,
      aggregator: "min",
    }),
    invalidMessages: counter("invalid_messages_total", "Messages from other nodes that were not understood"),
    gapsFilled: counter("gaps_filled_total", "Holes in live comments filled from history"),
    resets: counter("resets_total", "Streams told to start afresh, by reason", ["reason"]),
  };
}

/** What a process has used, and holds. */
export interface Usage {
  /** Of the processor, user and system. */
  readonly cpuSeconds: number;
  readonly residentBytes: number;
  readonly startedMs: number;
  readonly descriptors: number;
  readonly descriptorsMax: number;
}

/** What every process tells under the names that Prometheus' own clients use. */
function usageMetrics(registry: Registry) {
  const registers = [registry];
  const gauge = (name: string, help: string, aggregator: "sum" | "min" = "sum") =>
    new Gauge({ name: `process_${name}`, help, registers, aggregator });
  const cpu = new Counter({
    name: "process_cpu_seconds_total",
    help: "Time of the processor, user and system, in seconds",
    registers,
  });
  const resident = gauge("resident_memory_bytes", "Memory it holds, in bytes");
  const started = gauge("start_time_seconds", "When it started, Unix seconds; of several the first", "min");
  const open = gauge("open_fds", "Descriptors that are open");
  const most = gauge("max_fds", "Descriptors that may be open");
  let seen = 0;
  return {
    /** Takes what was read of the process. */
    usage(now: Usage): void {
      cpu.inc(Math.max(0, now.cpuSeconds - seen));
      seen = now.cpuSeconds;
      resident.set(now.residentBytes);
      started.set(now.startedMs / 1000);
      open.set(now.descriptors);
      if (Number.isFinite(now.descriptorsMax)) most.set(now.descriptorsMax);
    },
  };
}

/** What is told of a process and what it may take. */
function processMetrics(registry: Registry) {
  return {
    ...usageMetrics(registry),
    /** Set where ways of likes are traced. */
    traced: undefined as Traced | undefined,
    regions: new Gauge({
      name: "ovation_regions",
      help: "Regions whose likes were heard here within a minute, this one too",
      registers: [registry],
      aggregator: "max",
    }),
    ready: new Gauge({
      name: "ovation_ready",
      help: "1 while viewers and publishers should be sent here, as /health/ready has it",
      registers: [registry],
      aggregator: "min",
    }),
    descriptorsMax: new Gauge({
      name: "ovation_descriptors_limit",
      help: "Descriptors that this process may open, one for each connection; 0 when that is not known",
      registers: [registry],
      aggregator: "min",
    }),
    busRefused: new Counter({
      name: "ovation_bus_refused_total",
      help: "Messages the bus refused to carry",
      registers: [registry],
    }),
    acceptPauses: new Counter({
      name: "ovation_accept_pauses_total",
      help: "Times that accepting paused for want of descriptors",
      registers: [registry],
    }),
  };
}

/** What is told of the log, by dispatchers and by those who ask them. */
function ledgerMetrics(registry: Registry) {
  const held = (name: string, help: string) =>
    new Gauge({
      name: `ovation_ledger_${name}`,
      help,
      labelNames: ["stream"],
      registers: [registry],
      // Each of several workers holds the same.
      aggregator: "max",
    });
  return {
    contradicted: new Counter({
      name: "ovation_watches_contradicted_total",
      help: "Videos begun anew here as the log knows nothing of what was heard of them",
      registers: [registry],
    }),
    commitsWaiting: new Gauge({
      name: "ovation_commit_waiting",
      help: "Likes and comments that wait for their batch, or for it to be durable",
      registers: [registry],
    }),
    dataBytes: new Gauge({
      name: "ovation_data_bytes",
      help: "Bytes of the ledger: its file and its write-ahead log, or the streams on one NATS server",
      registers: [registry],
      aggregator: "max",
    }),
    commits: new Counter({
      name: "ovation_commits_total",
      help: "Batches made durable",
      registers: [registry],
    }),
    mediaTimesIgnored: new Counter({
      name: "ovation_media_times_ignored_total",
      help: "Media times too far from their video's median to be believed",
      registers: [registry],
    }),
    ledgerVideos: held("videos", "Videos whose totals a part of the log holds"),
    ledgerVideosLimit: held("videos_limit", "Videos whose totals it may hold"),
    ledgerAway: held("videos_away", "Closed videos that have left its memory"),
    ledgerViewerLikes: held("viewer_likes", "With one like per viewer: likes that a part of the log holds"),
    ledgerViewerLikesLimit: held("viewer_likes_limit", "Such likes that it may hold"),
    ledgerForgotten: held(
      "videos_forgotten",
      "Idle videos with few likes that it forgot since this node began",
    ),
    ledgerTroubles: new Gauge({
      name: "ovation_ledger_unavailable",
      help: "1 for a part of the log that takes nothing now",
      labelNames: ["stream"],
      registers: [registry],
    }),
  };
}

/** What a node tells of other servers that it tells and asks. */
function hookMetrics(registry: Registry) {
  const registers = [registry];
  return {
    reviews: new Counter({
      name: "ovation_reviews_total",
      help: "Comments that the review hook was to be asked about, by outcome",
      labelNames: ["outcome"],
      registers,
    }),
    reviewSeconds: new Durations(registry, {
      name: "ovation_review_seconds",
      help: "Time a comment waited for its review",
      labelNames: [],
      bounds: secondsBuckets,
    }),
    webhookDelivered: new Counter({
      name: "ovation_webhook_events_delivered_total",
      help: "Events that a receiver took",
      registers,
    }),
    webhookDropped: new Counter({
      name: "ovation_webhook_events_dropped_total",
      help: "Events that a receiver will not get, by reason",
      labelNames: ["reason"],
      registers,
    }),
    webhookRetries: new Counter({
      name: "ovation_webhook_retries_total",
      help: "Requests with events that had to be made again",
      registers,
    }),
    webhookQueue: new Gauge({
      name: "ovation_webhook_events_waiting",
      help: "Events not taken yet, of all receivers",
      registers,
    }),
  };
}

export type Metrics = ReturnType<typeof createMetrics>;

/** What the parent of several workers knows beside their own metrics. */
export function createWorkersMetrics() {
  const registry = new Registry();
  const registers = [registry];
  return {
    registry,
    workers: new Gauge({ name: "ovation_workers", help: "Worker processes running now", registers }),
    restarts: new Counter({
      name: "ovation_worker_restarts_total",
      help: "Workers started anew because one ended",
      registers,
    }),
  };
}

/** The metrics of one process as plain JSON, so that they can travel to another. */
export type Readings = readonly MetricObjectWithValues<MetricValue<string>>[];

/** Reads all of `registry`. */
export function readingsOf(registry: Registry): Promise<Readings> {
  return registry.getMetricsAsJSON();
}

/** Several processes as one: counters, gauges and buckets are added up, name by name and label by label. */
export function addReadings(all: readonly Readings[]): Promise<Readings> {
  return readingsOf(AggregatorRegistry.aggregate(all.map((readings) => [...readings])));
}

/** What stays true of a process that has ended: what it counted, not what it held. */
export function countsOf(readings: Readings): Readings {
  // prom-client says its own enum here, and the word itself after a journey as JSON.
  return readings.filter(({ type }) => ["counter", "histogram"].includes(String(type)));
}

/** Readings in the text format of Prometheus. */
export function textOf(all: readonly Readings[]): Promise<string> {
  return AggregatorRegistry.aggregate(all.map((readings) => [...readings])).metrics();
}
