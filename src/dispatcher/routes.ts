/**
 * The (video, node) table as one dispatcher sees it: which videos are watched, and whose turn it is to tick
 * them.
 *
 * A row counts while its node's lease lives and its incarnation is the one the lease names, so a node that
 * died disappears whole, at once, however many rows it left. Both tables come from watches that heal
 * themselves; this is only the state they build and the questions asked of it.
 */
import type { Elapsed } from "../base/clock.ts";
import type { VideoId } from "../core/interaction.ts";
import { limits } from "../core/limits.ts";
import {
  type ClusterView,
  decodeNodeRow,
  type NodeRow,
  ownerOf,
  parseRouteKey,
  routeKey,
} from "../core/nodes.ts";

export interface RouteEvents {
  /** `video` has a node that watches it which had none, or one more: its state should be published. */
  watched(video: VideoId): void;
  /** The set of dispatchers has changed: videos may have a new owner. */
  dispatchersChanged(): void;
  /** A dispatcher has begun a life, under a lease: from now on it should be heard. */
  dispatcherCame(node: string): void;
  /** A node's lease has ended. */
  nodeGone(node: string): void;
  /** `video` may have begun or ceased to be watched: a row of it, or a life behind one, has changed. */
  rowsChanged?(video: VideoId): void;
}

export class Routes {
  readonly #self: string;
  readonly #events: RouteEvents;
  readonly #nodes = new Map<string, NodeRow & { readonly heard: Elapsed }>();
  /** Those that may own videos: they have a lease and can be heard. */
  readonly #dispatchers = new Set<string>();
  readonly #silent = new Set<string>();
  /** video → node → incarnation that wrote the row. */
  readonly #rows = new Map<VideoId, Map<string, string>>();
  /** All videos with a row, live or not, to be read in as many turns as it takes. */
  readonly all: Iterable<VideoId> = { [Symbol.iterator]: () => this.#rows.keys() };
  /** Lives that left rows behind, and since when that is known. */
  #ended = new Map<string, Elapsed>();

  constructor(self: string, events: RouteEvents) {
    this.#self = self;
    this.#events = events;
  }

  /** A row of `nodes` appeared, changed, was renewed or went, at `now`. */
  nodeRow(key: string, value: string | undefined, now: Elapsed): void {
    const row = value === undefined ? undefined : decodeNodeRow(key, value);
    const before = this.#nodes.get(key);
    if (row) this.#nodes.set(key, { ...row, heard: now });
    else this.#nodes.delete(key);
    // Another life under this name has not been silent yet.
    if (row?.incarnation !== before?.incarnation) this.#silent.delete(key);
    if (before && !row) this.#events.nodeGone(key);
    if (row && row.role !== "frontend" && row.incarnation !== before?.incarnation) {
      this.#events.dispatcherCame(key);
    }
    this.#reckon(key);
    // Rows may arrive before the lease that makes them count.
    if (row?.incarnation !== before?.incarnation) {
      for (const [video, rows] of this.#rows) {
        if (row && rows.get(key) === row.incarnation) this.#events.watched(video);
        if (rows.has(key)) this.#events.rowsChanged?.(video);
      }
    }
  }

  /** A dispatcher can be heard no more, or again. */
  silence(node: string, silent: boolean): void {
    if (silent) this.#silent.add(node);
    else this.#silent.delete(node);
    this.#reckon(node);
  }

  #reckon(node: string): void {
    const row = this.#nodes.get(node);
    const dispatches = row !== undefined && row.role !== "frontend" && !this.#silent.has(node);
    if (dispatches === this.#dispatchers.has(node)) return;
    if (dispatches) this.#dispatchers.add(node);
    else this.#dispatchers.delete(node);
    this.#events.dispatchersChanged();
  }

  /** A row of `routes` appeared, changed or went. */
  routeRow(key: string, value: string | undefined): void {
    const route = parseRouteKey(key);
    if (!route) return;
    let rows = this.#rows.get(route.video);
    if (value === undefined) {
      rows?.delete(route.node);
      if (rows?.size === 0) this.#rows.delete(route.video);
      this.#events.rowsChanged?.(route.video);
      return;
    }
    if (!rows) {
      rows = new Map();
      this.#rows.set(route.video, rows);
    }
    if (rows.get(route.node) === value) return;
    rows.set(route.node, value);
    if (this.#nodes.get(route.node)?.incarnation === value) this.#events.watched(route.video);
    this.#events.rowsChanged?.(route.video);
  }

  /**
   * Keys of rows, of videos that this dispatcher ticks, behind which no life has stood for
   * limits.endedRowsMs; to be asked for now and then. Nobody else would ever remove them.
   */
  ended(now: Elapsed): string[] {
    const since = new Map<string, Elapsed>();
    const keys: string[] = [];
    for (const [video, rows] of this.#rows) {
      for (const [node, incarnation] of rows) {
        if (this.#nodes.get(node)?.incarnation === incarnation) continue;
        const life = `${node} ${incarnation}`;
        const ended = this.#ended.get(life) ?? now;
        since.set(life, ended);
        if (now - ended < limits.endedRowsMs || keys.length >= limits.endedRowsMax) continue;
        if (this.owns(video)) keys.push(routeKey(video, node));
      }
    }
    this.#ended = since;
    return keys;
  }

  /** True while a live node watches `video`. */
  watched(video: VideoId): boolean {
    const rows = this.#rows.get(video);
    if (!rows) return false;
    for (const [node, incarnation] of rows) {
      if (this.#nodes.get(node)?.incarnation === incarnation) return true;
    }
    return false;
  }

  /** True when this dispatcher ticks `video`; two may think so for a moment, which is harmless. */
  owns(video: VideoId): boolean {
    if (this.#dispatchers.size <= 1) return true;
    return this.owner(video) === this.#self;
  }

  /** The live dispatcher that ticks `video`. */
  owner(video: VideoId): string | undefined {
    return ownerOf(video, this.#dispatchers);
  }

  /** True while `node` may own videos. */
  dispatches(node: string): boolean {
    return this.#dispatchers.has(node);
  }

  /** All videos with a live row. */
  *videos(): Iterable<VideoId> {
    for (const video of this.#rows.keys()) if (this.watched(video)) yield video;
  }

  /** Both tables for people, at `now`. */
  view(now: Elapsed): ClusterView {
    const owned = new Map<string, number>();
    const watched = new Map<string, number>();
    const routes: ClusterView["routes"][number][] = [];
    let rows = 0;
    for (const [video, holders] of this.#rows) {
      rows += holders.size;
      const live = [...holders].filter(([node, life]) => this.#nodes.get(node)?.incarnation === life);
      const nodes = live.map(([node]) => node);
      const owner = this.owner(video) ?? this.#self;
      if (nodes.length > 0) owned.set(owner, (owned.get(owner) ?? 0) + 1);
      for (const node of nodes) watched.set(node, (watched.get(node) ?? 0) + 1);
      if (routes.length >= limits.clusterVideosMax) continue;
      const ended = [...holders.keys()].filter((node) => !nodes.includes(node));
      const most = limits.clusterRowsMax;
      routes.push({ video, owner, nodes: nodes.slice(0, most), ended: ended.slice(0, most) });
    }
    const nodes = [...this.#nodes.values()].map(({ heard, renewals: _, ...row }) => ({
      ...row,
      leaseLeftMs: Math.max(0, Math.round(heard + limits.leaseMs - now)),
      rows: watched.get(row.node) ?? 0,
      owns: owned.get(row.node) ?? 0,
    }));
    nodes.sort((a, b) => (a.node < b.node ? -1 : 1));
    return { seenBy: this.#self, leaseMs: limits.leaseMs, nodes, videos: this.#rows.size, rows, routes };
  }
}
