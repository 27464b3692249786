/**
 * How many nodes an audience needs, and what runs out first: arithmetic over coefficients, nothing else.
 *
 * The cost of an audience is writes, not likes: a viewer is written to when the totals of its video changed,
 * at most once in `everyMs`, however many likes there were. So frontends follow viewers and freshness,
 * dispatchers follow requests with likes, and the bus follows videos and frontends. Each resource of a node
 * is filled to `fullAt` at most; the node count is the largest that any resource asks for. Held by
 * model.test.ts (arithmetic, the talk's own figures) and by `npm run bench:plan` (beside a measured run).
 */
import { busMessagesPerS, type Coefficients, packetBytes } from "./coefficients.ts";

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
  /** New totals are shown at most once in this time, ms. */
  readonly everyMs: number;
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
/** A cache asks its origin for a video's state at most so often: once a second, and once for a missed one. */
const originPerS = 2;

/** A resource of a node, as a share of what the node has, 0…1 and beyond where more nodes cannot help. */
export type Uses = Readonly<Record<"cores" | "memory" | "network" | "streams", number>>;

export interface Plan {
  readonly frontends: number;
  readonly dispatchers: number;
  readonly nats: number;
  /** As the talk would count them. */
  readonly talk: { readonly frontends: number; readonly dispatchers: number };
  /** Of one frontend, at the peak. */
  readonly frontend: {
    readonly viewers: number;
    readonly memoryBytes: number;
    readonly cores: number;
    /** Outward, bits a second. */
    readonly bitsPerS: number;
    readonly writesPerS: number;
    readonly uses: Uses;
  };
  readonly dispatcher: { readonly cores: number };
  /** Writes a second to one viewer. */
  readonly writesPerViewerPerS: number;
  /** Messages a second into and out of the NATS servers of all regions. */
  readonly busPerS: number;
  /** Requests a second of those who poll: at the caches, and at the nodes behind them. */
  readonly polls: { readonly atCaches: number; readonly atNodes: number };
  /** Everything sent to viewers, bits a second. */
  readonly bitsPerS: number;
  /** Per hour of the peak. */
  readonly cost: { readonly nodes: number; readonly traffic: number };
  /** What runs out first as the audience grows, and at how many times this one. */
  readonly first: { readonly what: string; readonly at: number };
}

/** The plan for `audience` on such machines. Numbers must be positive, `videos` at most `viewers`. */
export function plan(audience: Audience, machine: Machine, costs: Coefficients): Plan {
  const perVideo = 1 / audience.videos;
  const streams = audience.viewers * audience.streamShare;
  const likesOfVideo = audience.likes * perVideo;
  const commentsOfVideo = audience.comments * perVideo;
  const ticks = ticksPerS(likesOfVideo, machine.everyMs);
  const perViewer = viewerCost(ticks, commentsOfVideo, costs);
  const regionStreams = streams / audience.regions;
  const count = Math.max(nodesMin, Math.ceil(regionStreams / viewersOf(perViewer, machine, costs)));
  const frontends = count * audience.regions;
  const viewers = streams / frontends;
  const frontend = frontendOf(viewers, perViewer, machine, costs);

  const requests = audience.likes / audience.likesBatch + audience.comments;
  const wanted = (requests * costs.likeUs) / 1e6 / machine.cores / fullAt;
  const dispatchers = audience.regions * Math.max(nodesMin, Math.ceil(wanted / audience.regions));
  const cores = (requests * costs.likeUs) / 1e6 / dispatchers;

  const reached = frontends * (1 - (1 - 1 / frontends) ** (streams * perVideo));
  const messages = audience.videos * (ticks + commentsOfVideo) * (1 + reached) + requests;
  const nats =
    audience.regions * Math.max(natsMin, Math.ceil(messages / audience.regions / busMessagesPerS / fullAt));
  const polls = pollsOf(audience);
  const bitsPerS = frontend.bitsPerS * frontends + polls.atCaches * (costs.frameBytes + packetBytes) * 8;
  const nodes = frontends + dispatchers + nats;
  return {
    ...{ frontends, dispatchers, nats, frontend, polls, bitsPerS, busPerS: messages },
    dispatcher: { cores },
    writesPerViewerPerS: perViewer.writes,
    talk: {
      frontends: Math.ceil(audience.viewers / talk.streams),
      dispatchers: Math.ceil((audience.likes + audience.comments) / talk.events),
    },
    cost: { nodes: nodes * machine.pricePerHour, traffic: (bitsPerS / 8e9) * 3_600 * machine.pricePerGb },
    first: firstOf({
      "a frontend's cores": frontend.uses.cores,
      "a frontend's memory":
        (viewers * costs.viewerBytes) / Math.max(0, machine.memoryBytes - machine.cores * costs.processBytes),
      "a frontend's network": frontend.uses.network,
      "a frontend's streams": frontend.uses.streams,
      "a dispatcher's cores": cores / machine.cores,
      "the NATS servers": messages / (nats * busMessagesPerS),
    }),
  };
}

/**
 * Ticks a second of a video with so many likes, which come as a crowd's do (Poisson): one with the first
 * like, the next after `everyMs` if there was another meanwhile, else with the next like.
 */
export function ticksPerS(likes: number, everyMs: number): number {
  const everyS = everyMs / 1_000;
  return likes === 0 ? 0 : 1 / (everyS + Math.exp(-likes * everyS) / likes);
}

interface ViewerCost {
  readonly writes: number;
  /** Seconds of a core, and bits, each second. */
  readonly coreS: number;
  readonly bitsPerS: number;
}

function viewerCost(ticks: number, comments: number, costs: Coefficients): ViewerCost {
  const writes = ticks + comments;
  const bytes = ticks * costs.frameBytes + comments * costs.commentBytes + writes * packetBytes;
  return {
    writes,
    coreS: (ticks * costs.writeUs + comments * costs.commentUs) / 1e6,
    bitsPerS: bytes * 8,
  };
}

/** Viewers that one node holds: as few as its scarcest resource allows. */
function viewersOf(viewer: ViewerCost, machine: Machine, costs: Coefficients): number {
  const memory = machine.memoryBytes * fullAt - machine.cores * costs.processBytes;
  const most = Math.min(
    machine.streams,
    memory / costs.viewerBytes,
    viewer.coreS > 0 ? (machine.cores * fullAt) / viewer.coreS : Number.POSITIVE_INFINITY,
    viewer.bitsPerS > 0 ? (machine.bitsPerS * fullAt) / viewer.bitsPerS : Number.POSITIVE_INFINITY,
  );
  return Math.max(1, Math.floor(most));
}

function frontendOf(
  viewers: number,
  viewer: ViewerCost,
  machine: Machine,
  costs: Coefficients,
): Plan["frontend"] {
  const memoryBytes = machine.cores * costs.processBytes + viewers * costs.viewerBytes;
  const cores = viewers * viewer.coreS;
  const bitsPerS = viewers * viewer.bitsPerS;
  return {
    ...{ viewers, memoryBytes, cores, bitsPerS, writesPerS: viewers * viewer.writes },
    uses: {
      cores: cores / machine.cores,
      memory: memoryBytes / machine.memoryBytes,
      network: bitsPerS / machine.bitsPerS,
      streams: viewers / machine.streams,
    },
  };
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
