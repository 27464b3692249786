/**
 * How many nodes an audience needs, and what runs out first: arithmetic over coefficients, nothing else.
 *
 * The cost of an audience is writes, not likes: a viewer is written to when the totals of its video changed,
 * at most once in a tick, however many likes there were (pace.ts). So frontends follow viewers and freshness,
 * dispatchers follow requests with likes, and the bus follows videos and frontends. Each resource of a node
 * is filled to `fullAt` at most; the node count is the largest that any resource asks for. Held by
 * model.test.ts (arithmetic, the talk's own figures) and by `npm run bench:plan` (beside a measured run).
 */
import { limits } from "../core/limits.ts";
import { busMessagesPerS, type Coefficients, packetBytes } from "./coefficients.ts";
import { paceOf, ticksPerS } from "./pace.ts";

/** The audience of one event, at its peak. Rates are per second, over all videos and regions. */
export interface Audience {
  readonly viewers: number;
  readonly videos: number;
  /** Taps, and how many of them clients put into one request. */
  readonly likes: number;
  readonly likesBatch: number;
  readonly comments: number;
  readonly regions: number;
  /** The part of viewers that hold a stream, 0…1; the others poll through caches. */
  readonly streamShare: number;
  /** How often a poll is made, ms, and the number of caches that ask the nodes. */
  readonly pollMs: number;
  readonly caches: number;
}

/** One node, and what it costs. */
export interface Machine {
  readonly cores: number;
  readonly memoryBytes: number;
  /** Outward, bits a second. */
  readonly bitsPerS: number;
  /** Streams of one node: descriptors, ports, or a rule of one's own. */
  readonly streams: number;
  /** Its `--tick`: new totals are shown at most once in this time, ms. */
  readonly tickMs: number;
  /** A node's hour, and a gigabyte sent, in any currency. */
  readonly pricePerHour: number;
  readonly pricePerGb: number;
}

/** Share of a resource that a plan uses: the rest is for neighbours' deaths, and the peak of the peak. */
export const fullAt = 0.7;
/** One node's death must not be an outage; a NATS cluster needs a majority. */
const nodesMin = 2;
const natsMin = 3;
/** The talk's own: connections of a frontend, and events a second of a dispatcher. */
const talk = { streams: 100_000, events: 5_000 };
const secondMs = 1_000;
/** A cache asks its origin for a video's state at most so often: once a second, and once for a missed one. */
const originPerS = 2;

/** A resource of a node, as a share of what the node has, 0…1 and beyond where more nodes cannot help. */
export type Uses = Readonly<Record<"cores" | "memory" | "network" | "streams", number>>;

/** One node at the peak, by its processes alone: what the kernel does for them beside is not in it. */
export interface Load {
  /** Resident memory (RSS), and cores in use. */
  readonly memoryBytes: number;
  readonly cores: number;
  /** To viewers, a second: what they read, and that with headers of TCP, IP and Ethernet, in bits. */
  readonly payloadBytesPerS: number;
  readonly bitsPerS: number;
  readonly writesPerS: number;
  /** New totals are shown at most once in this time, ms: the tick, or longer where a core is full. */
  readonly windowMs: number;
}

export interface Plan {
  /** One process without NATS that does all of it; undefined where that is too much for one, or far away. */
  readonly alone: Load | undefined;
  readonly frontends: number;
  /** As many as a tick of a second would take; undefined where it is no shorter. */
  readonly frontendsAtSecond: number | undefined;
  readonly dispatchers: number;
  readonly nats: number;
  /** As the talk would count them: all viewers with a stream, and those that have one here. */
  readonly talk: Readonly<Record<"frontends" | "frontendsWithCaches" | "dispatchers", number>>;
  /** Of one frontend, at the peak. */
  readonly frontend: Load & { readonly viewers: number; readonly uses: Uses };
  readonly dispatcher: { readonly cores: number; readonly memoryBytes: number };
  /** Writes a second to one viewer. */
  readonly writesPerViewerPerS: number;
  /** Messages a second into and out of the NATS servers of all regions. */
  readonly busPerS: number;
  /** Requests a second of those who poll: at the caches, and at the nodes behind them. */
  readonly polls: { readonly atCaches: number; readonly atNodes: number };
  /** What it would be if all had a stream; undefined where all have. */
  readonly withoutCaches: Pick<Plan, "frontends" | "bitsPerS"> | undefined;
  /** Everything sent to viewers, bits a second. */
  readonly bitsPerS: number;
  /** Per hour of the peak. */
  readonly cost: { readonly nodes: number; readonly traffic: number };
  /** What runs out first as the audience grows, and at how many times this one. */
  readonly first: { readonly what: string; readonly at: number };
}

/** The plan for `audience` on such machines. Numbers must be positive, `videos` at most `viewers`. */
export function plan(audience: Audience, machine: Machine, costs: Coefficients): Plan {
  const { viewers, videos, regions, streamShare, comments } = audience;
  const streams = viewers * streamShare;
  const likes = audience.likes / audience.likesBatch;
  const crowd = { viewers: streams, videos, likes: likes / videos, comments: comments / videos, regions };
  const inRegion = { ...crowd, viewers: streams / regions };
  const frontends = regions * frontendsOf(inRegion, machine, costs);
  const slower = { ...machine, tickMs: secondMs };
  const atSecond = machine.tickMs < secondMs ? regions * frontendsOf(inRegion, slower, costs) : undefined;
  const frontend = frontendOf(crowd, frontends, machine, costs);

  const take = takeOf({ likes, comments }, costs);
  const ticks = videos * regions * ticksPerS(crowd.likes / regions, machine.tickMs);
  const dispatching = take + (ticks * costs.tickUs) / 1e6;
  const wanted = dispatching / machine.cores / fullAt;
  const dispatchers = regions * Math.max(nodesMin, Math.ceil(wanted / regions));
  const dispatcher = {
    cores: dispatching / dispatchers + costs.idleUs / 1e6,
    // Each of a region folds all of its log.
    memoryBytes: costs.processBytes + videosBytes(videos, costs) + keysOf(likes / regions) * costs.keyBytes,
  };

  const messages = (ticks + comments) * (1 + reachOf(crowd, frontends)) + likes + comments;
  const nats = regions * Math.max(natsMin, Math.ceil(messages / regions / busMessagesPerS / fullAt));
  const polls = pollsOf(audience);
  const pollBytes = costs.frameBytes + packetBytes;
  const bitsPerS = frontend.bitsPerS * frontends + polls.atCaches * pollBytes * 8;
  const nodes = frontends + dispatchers + nats;
  return {
    ...{ frontends, dispatchers, nats, frontend, dispatcher, polls, bitsPerS, busPerS: messages },
    ...{ alone: aloneOf(crowd, machine, costs), frontendsAtSecond: atSecond },
    withoutCaches: withoutCaches(audience, machine, costs),
    writesPerViewerPerS: frontend.writesPerS / frontend.viewers,
    talk: {
      frontends: Math.ceil(viewers / talk.streams),
      frontendsWithCaches: Math.ceil(streams / talk.streams),
      dispatchers: Math.ceil((audience.likes + comments) / talk.events),
    },
    cost: { nodes: nodes * machine.pricePerHour, traffic: (bitsPerS / 8e9) * 3_600 * machine.pricePerGb },
    first: firstOf({
      "a frontend's cores": frontend.uses.cores,
      "a frontend's memory":
        (frontend.viewers * costs.viewerBytes) /
        Math.max(0, machine.memoryBytes - machine.cores * costs.processBytes),
      "a frontend's network": frontend.uses.network,
      "a frontend's streams": frontend.uses.streams,
      "a dispatcher's cores": dispatcher.cores / machine.cores,
      "a dispatcher's memory": dispatcher.memoryBytes / machine.memoryBytes,
      "the keys of likes that a region remembers": keysOf(likes / regions) / limits.keysMax,
      "the NATS servers": messages / (nats * busMessagesPerS),
    }),
  };
}

/** Those with a stream, evenly over their videos; rates are a second's of one video. */
interface Crowd {
  readonly viewers: number;
  readonly videos: number;
  readonly likes: number;
  readonly comments: number;
  readonly regions: number;
}

/** Keys remembered at once where so many requests with likes come a second. */
function keysOf(likes: number): number {
  return (likes * limits.keyWindowMs) / 1_000;
}

function videosBytes(videos: number, costs: Coefficients): number {
  return videos * costs.videoBytes + (videos / (videos + 300)) * costs.spareBytes;
}

/** Cores for taking these requests a second: those of some milliseconds are put into the log together. */
function takeOf({ likes, comments }: { likes: number; comments: number }, costs: Coefficients): number {
  const requestsUs = (likes + comments) * costs.likeUs;
  return (requestsUs + (batchesOf(likes) + batchesOf(comments)) * costs.batchUs) / 1e6;
}

/** How often a second something is put into the log where `perS` requests come. */
export function batchesOf(perS: number): number {
  return perS / (1 + (perS * limits.batchMs) / 1_000);
}

/** Frontends that have a video's viewers, of so many. */
function reachOf({ viewers, videos }: Crowd, frontends: number): number {
  return frontends * (1 - (1 - 1 / frontends) ** (viewers / videos));
}

/** Frontends of one region: as few as fill none of their resources, two at least. */
function frontendsOf(crowd: Crowd, machine: Machine, costs: Coefficients): number {
  const fits = (count: number): boolean => {
    const { viewers, uses } = frontendOf(crowd, count, machine, costs);
    const { cores, memory, network, streams } = uses;
    return viewers <= 1 || (Math.max(cores, memory, network) <= fullAt && streams <= 1);
  };
  let many = nodesMin;
  while (!fits(many)) many *= 2;
  let few = many === nodesMin ? nodesMin - 1 : many / 2;
  while (many - few > 1) {
    const middle = Math.floor((few + many) / 2);
    if (fits(middle)) many = middle;
    else few = middle;
  }
  return many;
}

/** One of so many frontends, each with as many processes as cores. */
function frontendOf(
  crowd: Crowd,
  frontends: number,
  machine: Machine,
  costs: Coefficients,
): Plan["frontend"] {
  const { cores } = machine;
  const viewers = crowd.viewers / frontends;
  const process = { ...crowd, viewers: viewers / cores };
  const load = loadOf(process, (crowd.videos * reachOf(crowd, frontends * cores)) / frontends / cores, {
    ...{ machine, costs },
  });
  const node: Load = {
    memoryBytes: load.memoryBytes * cores,
    cores: load.cores * cores,
    payloadBytesPerS: load.payloadBytesPerS * cores,
    bitsPerS: load.bitsPerS * cores,
    writesPerS: load.writesPerS * cores,
    windowMs: load.windowMs,
  };
  const uses = {
    cores: node.cores / cores,
    memory: node.memoryBytes / machine.memoryBytes,
    network: node.bitsPerS / machine.bitsPerS,
    streams: viewers / machine.streams,
  };
  return { ...node, viewers, uses };
}

/** One process with viewers of so many videos. */
function loadOf(
  crowd: Crowd,
  videosHere: number,
  { machine, costs }: { readonly machine: Machine; readonly costs: Coefficients },
): Load {
  const { viewers } = crowd;
  const { ticks, writes, writeUs, bytes, windowMs } = paceOf(crowd, machine.tickMs, costs);
  const us = costs.idleUs + viewers * writes * writeUs + videosHere * ticks * costs.tickUs;
  return {
    memoryBytes: costs.processBytes + viewers * costs.viewerBytes + videosBytes(videosHere, costs),
    cores: us / 1e6,
    payloadBytesPerS: viewers * bytes,
    bitsPerS: viewers * (bytes + writes * packetBytes) * 8,
    writesPerS: viewers * writes,
    windowMs,
  };
}

function aloneOf(crowd: Crowd, machine: Machine, costs: Coefficients): Plan["alone"] {
  const { viewers, videos, likes, comments, regions } = crowd;
  if (viewers > machine.streams || regions > 1) return undefined;
  const load = loadOf(crowd, Math.min(videos, viewers), { machine, costs });
  const all = { likes: likes * videos, comments: comments * videos };
  const cores = load.cores + takeOf(all, costs);
  const memoryBytes = load.memoryBytes + keysOf(all.likes) * costs.keyBytes;
  return cores > 1 || memoryBytes > machine.memoryBytes ? undefined : { ...load, cores, memoryBytes };
}

function withoutCaches(audience: Audience, machine: Machine, costs: Coefficients): Plan["withoutCaches"] {
  if (audience.streamShare === 1) return undefined;
  const { frontends, bitsPerS } = plan({ ...audience, streamShare: 1 }, machine, costs);
  return { frontends, bitsPerS };
}

function pollsOf({ viewers, streamShare, pollMs, videos, caches }: Audience): Plan["polls"] {
  const atCaches = (viewers * (1 - streamShare)) / (pollMs / 1_000);
  return { atCaches, atNodes: Math.min(atCaches, originPerS * videos * caches) };
}

/** What runs out first of what grows with the audience; what a process takes without any does not. */
function firstOf(uses: Readonly<Record<string, number>>): Plan["first"] {
  const [what = "", use = 0] = Object.entries(uses).sort(([, a], [, b]) => b - a)[0] ?? [];
  return { what, at: 1 / use };
}
