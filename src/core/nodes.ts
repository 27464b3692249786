/**
 * Rows of the two tables that all nodes share: `nodes` (who is alive, by lease) and `routes` (which node
 * watches which video), and the rule that names one dispatcher for a video.
 */
import { hash32 } from "./hash.ts";
import { isVideoId, type VideoId } from "./interaction.ts";
import { limits } from "./limits.ts";
import { decodeJson, encodeJson, isCount, isNodeName } from "./wire.ts";

export type Role = "both" | "frontend" | "dispatcher";

/**
 * One node's row in `nodes`. The incarnation is new with every start, so an old life's rows are known as old.
 */
export interface NodeRow {
  readonly node: string;
  readonly role: Role;
  readonly region: string;
  readonly incarnation: string;
  /** Unix ms by the node's own clock. */
  readonly startedMs: number;
  /**
   * How often it has renewed its lease: a row that is renewed is a row that changes, and watchers hear of
   * it.
   */
  readonly renewals: number;
  /** Streams open on it. */
  readonly viewers: number;
}

/** A row of `routes`: its key is `<video>.<node>`, its value the incarnation of the node that wrote it. */
export interface RouteRow {
  readonly video: VideoId;
  readonly node: string;
}

export function encodeNodeRow({ node: _, ...row }: NodeRow): string {
  return JSON.stringify(row);
}

/** The row under `key`, or undefined when it is not one of ours. */
export function decodeNodeRow(key: string, value: string): NodeRow | undefined {
  const m = decodeJson(new TextEncoder().encode(value));
  if (!m || !isNodeName(key) || !isNodeName(m.region) || !isNodeName(m.incarnation)) return undefined;
  if (m.role !== "both" && m.role !== "frontend" && m.role !== "dispatcher") return undefined;
  const { role, region, incarnation, startedMs, renewals, viewers } = m;
  if (!isCount(renewals) || !isCount(viewers)) return undefined;
  if (typeof startedMs !== "number" || !Number.isFinite(startedMs)) return undefined;
  return { node: key, role, region, incarnation, startedMs, renewals, viewers };
}

export function routeKey(video: VideoId, node: string): string {
  return `${video}.${node}`;
}

export function parseRouteKey(key: string): RouteRow | undefined {
  const dot = key.indexOf(".");
  if (dot < 0) return undefined;
  const video = key.slice(0, dot);
  const node = key.slice(dot + 1);
  return isVideoId(video) && isNodeName(node) ? { video, node } : undefined;
}

/**
 * The dispatcher among `names` that ticks `video`: the one of highest weight (rendezvous hashing, Thaler and
 * Ravishankar 1998). When one leaves, only its videos move. Undefined when there is none.
 */
export function ownerOf(video: VideoId, names: Iterable<string>): string | undefined {
  let owner: string | undefined;
  let highest = -1;
  for (const name of names) {
    const weight = hash32(`${name}/${video}`);
    if (weight > highest || (weight === highest && owner !== undefined && name < owner)) {
      highest = weight;
      owner = name;
    }
  }
  return owner;
}

/** What `GET /v1/cluster` tells: both tables as one dispatcher sees them. Times are milliseconds. */
export interface ClusterView {
  /** The dispatcher whose tables these are. */
  readonly seenBy: string;
  readonly leaseMs: number;
  readonly nodes: readonly (Omit<NodeRow, "renewals"> & {
    readonly leaseLeftMs: number;
    /** Videos it watches, and watched videos that it ticks. */
    readonly rows: number;
    readonly owns: number;
  })[];
  readonly videos: number;
  readonly rows: number;
  /** At most limits.clusterVideosMax of the videos; `ended` are rows of nodes without a lease. */
  readonly routes: readonly {
    readonly video: VideoId;
    readonly owner: string;
    readonly nodes: readonly string[];
    readonly ended: readonly string[];
    /** Median of server time less the dates of the pictures its viewers see, in ms; absent: not known. */
    readonly skewMs?: number;
  }[];
}

/** The view in `payload`, or undefined. */
export function decodeClusterView(payload: Uint8Array): ClusterView | undefined {
  const m = decodeJson(payload);
  if (!m || !isNodeName(m.seenBy) || !isCount(m.leaseMs) || !isCount(m.videos) || !isCount(m.rows))
    return undefined;
  return Array.isArray(m.nodes) && Array.isArray(m.routes) ? (m as unknown as ClusterView) : undefined;
}

/** Why a dispatcher cannot be of use to publishers: empty when it can. */
export function encodeHealth(reasons: readonly string[]): Uint8Array {
  return encodeJson({ reasons });
}

export function decodeHealth(payload: Uint8Array): readonly string[] | undefined {
  const reasons = decodeJson(payload)?.reasons;
  if (!Array.isArray(reasons) || reasons.length > limits.reasonsMax) return undefined;
  return reasons.every((reason) => typeof reason === "string" && /^[\x21-\x7e]{1,128}$/.test(reason))
    ? (reasons as string[])
    : undefined;
}
