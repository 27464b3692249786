/**
 * The (video, node) table as one dispatcher sees it: which videos are watched, and whose turn it is to tick
 * them.
 *
 * A row counts while its node's lease lives and its incarnation is the one the lease names, so a node that
 * died disappears whole, at once, however many rows it left. Both tables come from watches that heal
 * themselves; this is only the state they build and the questions asked of it.
 */
import type { Elapsed } from "../base/clock.ts";
import { Few } from "../base/few.ts";
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
  /** `video` may have begun or ceased to be watched: a row of it has changed. */
  rowsChanged?(video: VideoId): void;
  /** So may these, in as many turns as it takes to read them: the life behind a row of theirs has changed. */
  lifeChanged(rows: Iterable<RowOfLife>): void;
}

/** A row of a node that began another life, or ended one. */
export interface RowOfLife {
  readonly video: VideoId;
  /** Whether that life has written it: then the video's state should be published. */
  readonly begun: boolean;
}

export class Routes {
  readonly #self: string;
  readonly #events: RouteEvents;
  readonly #nodes = new Map<string, NodeRow & { readonly heard: Elapsed }>();
  /** Those that may own videos: they have a lease and can be heard. */
  readonly #dispatchers = new Set<string>();
  readonly #silent = new Set<string>();
  /** video → node → incarnation that wrote the row. */
  readonly #rows = new Map<VideoId, Few<string, string>>();
  /** All videos with a row, live or not, to be read in as many turns as it takes. */
  readonly all: Iterable<VideoId> = { [Symbol.iterator]: () => this.#rows.keys() };
  /** Lives that left rows behind, since when that is known, and when one was seen last. */
  readonly #ended = new Map<string, { readonly since: Elapsed; readonly seen: Elapsed }>();

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
      const begun = { [Symbol.iterator]: () => this.#rowsOf(key, row?.incarnation) };
      this.#events.lifeChanged(begun);
    }
  }

  *#rowsOf(node: string, life: string | undefined): Iterator<RowOfLife> {
    for (const [video, rows] of this.#rows) {
      const incarnation = rows.get(node);
      if (incarnation !== undefined) yield { video, begun: incarnation === life };
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
      rows = new Few();
      this.#rows.set(route.video, rows);
    }
    if (rows.get(route.node) === value) return;
    rows.set(route.node, value);
    if (this.#nodes.get(route.node)?.incarnation === value) this.#events.watched(route.video);
    this.#events.rowsChanged?.(route.video);
  }

  /**
   * Keys of rows of `video`, if this dispatcher ticks it, behind which no life has stood for
   * limits.endedRowsMs; to be asked for of each video now and then. Nobody else would ever remove them.
   */
  ended(video: VideoId, now: Elapsed): string[] {
    const keys: string[] = [];
    for (const [node, incarnation] of this.#rows.get(video) ?? []) {
      const life = `${node} ${incarnation}`;
      if (this.#nodes.get(node)?.incarnation === incarnation) {
        this.#ended.delete(life);
        continue;
      }
      const { since } = this.#ended.get(life) ?? { since: now };
      this.#ended.set(life, { since, seen: now });
      if (now - since < limits.endedRowsMs) continue;
      if (this.owns(video)) keys.push(routeKey(video, node));
    }
    return keys;
  }

  /** Forgets lives of which no row was seen for long. */
  forgetEnded(now: Elapsed): void {
    for (const [life, { seen }] of this.#ended) {
      if (now - seen > limits.endedRowsMs) this.#ended.delete(life);
    }
  }

  /** True while a live node watches `video`. */
  watched(video: VideoId): boolean {
    const rows = this.#rows.get(video);
    if (!rows) return false;
    for (let at = 0; at < rows.size; at++) {
      if (this.#nodes.get(rows.keyAt(at))?.incarnation === rows.valueAt(at)) return true;
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
