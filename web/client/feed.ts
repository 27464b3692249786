/**
 * What the server says, folded into what is known of each video, and told to those who listen.
 *
 * The feed does not care where an event came from: this tab's stream, another tab's, the long poll and a
 * late listener's history all pass through `take`, and because totals carry versions and comments carry
 * ids, hearing something twice is the same as hearing it once. Held by feed.test.ts.
 */
import type { Offer } from "./polling.ts";
import type { Comment, EventName, Events, Listeners, Totals } from "./types.ts";

/** Comments kept for listeners that come late. */
const KEPT_MAX = 50;
/** Ids remembered to drop repeats. */
const SEEN_MAX = 1000;

/** Everything known of one video; also the shape of the server's `snapshot`. */
export interface Snapshot {
  video: string;
  totals: Totals;
  version: number;
  viewers: number;
  comments: readonly Comment[];
}

interface Entry extends Snapshot {
  comments: Comment[];
  readonly seen: Set<string>;
  known: boolean;
  closed: boolean;
  readonly listeners: Set<Listeners>;
}

/** Any message of the server: the union of their fields, all optional but those its name promises. */
export type Message = Partial<Omit<Snapshot, "video">> & {
  video: string;
  id: string;
  text: string;
  at: number;
  now: number;
  reason: string;
  connection: string;
  retry?: number;
  poll?: Offer;
  beat?: number;
  stale?: boolean;
  state?: string;
};

export interface Feed {
  /** Takes one message; `name` is the SSE event's, or "poll": a snapshot of what came since the last. */
  take(name: string, message: Message): void;
  listen(video: string, listeners: Listeners): () => void;
  /** Tells every listener of every video. */
  tell<E extends EventName>(name: E, event: Events[E]): void;
  /** True once a snapshot of this video has come: a resumed stream can carry on from here. */
  known(video: string): boolean;
  videos(): string[];
  snapshot(video: string): Snapshot | undefined;
  latencyMs(): number | undefined;
  /** What the server's clock says now, as far as that is known. */
  now(): number;
}

export function createFeed(now: () => number): Feed {
  const entries = new Map<string, Entry>();
  let offsetMs: number | undefined;
  let latencyMs: number | undefined;

  function emit<E extends EventName>(entry: Entry, name: E, event: Events[E]): void {
    for (const listeners of entry.listeners) listeners[name]?.(event);
  }

  /**
   * The server's clock against ours. A sample is late by the message's travel time, so the largest is
   * the best; it sinks slowly, so that a drifting clock is followed.
   */
  function clock(serverNow: number): void {
    const sample = serverNow - now();
    offsetMs = offsetMs === undefined || sample > offsetMs ? sample : offsetMs + (sample - offsetMs) * 0.02;
  }

  function late(at: number | undefined): number | undefined {
    if (!at || offsetMs === undefined) return;
    const ms = Math.max(0, now() + offsetMs - at);
    latencyMs = latencyMs === undefined ? ms : latencyMs + (ms - latencyMs) * 0.2;
    return ms;
  }

  function likes(entry: Entry, message: Message): void {
    if (!message.totals || !((message.version as number) > entry.version)) return;
    entry.totals = message.totals;
    entry.version = message.version as number;
    const ms = late(message.at);
    emit(entry, "likes", { ...(message as Snapshot), ...(ms !== undefined && { latencyMs: ms }) });
  }

  function viewers(entry: Entry, message: Message): void {
    if (message.viewers === undefined || message.viewers === entry.viewers) return;
    entry.viewers = message.viewers;
    emit(entry, "viewers", { video: entry.video, viewers: entry.viewers });
  }

  function comment(entry: Entry, said: Comment): void {
    if (entry.seen.has(said.id)) return;
    entry.seen.add(said.id);
    if (entry.seen.size > SEEN_MAX) entry.seen.delete(entry.seen.values().next().value as string);
    entry.comments.push(said);
    if (entry.comments.length > KEPT_MAX) entry.comments.shift();
    if (!said.history) late(said.at);
    emit(entry, "comment", said);
  }

  function about(entry: Entry, name: string, message: Message): void {
    if (name === "reset") {
      entry.version = -1;
      entry.comments = [];
      emit(entry, name, { video: entry.video, reason: message.reason });
    } else if (name === "retract") {
      entry.comments = entry.comments.filter((kept) => kept.id !== message.id);
      // A history that still holds it must not bring it back.
      entry.seen.add(message.id);
      emit(entry, name, { video: entry.video, id: message.id });
    } else if (name === "comment") {
      comment(entry, message as Comment);
    } else {
      const isClosed = message.state === "closed";
      // A poll does not say.
      if (isClosed !== entry.closed && /^s/.test(name)) {
        entry.closed = isClosed;
        emit(entry, "closed", { video: entry.video, closed: isClosed });
      }
      entry.known ||= name === "snapshot";
      likes(entry, message);
      viewers(entry, message);
      for (const said of message.comments ?? []) {
        comment(entry, { ...said, video: entry.video, ...(name === "snapshot" && { history: true }) });
      }
    }
  }

  const feed: Feed = {
    take(name, message) {
      if (message.now) clock(message.now);
      if (name === "beat") return feed.tell(name, message);
      const entry = entries.get(message.video);
      if (entry) about(entry, name, message);
    },
    listen(video, listeners) {
      const entry = entries.get(video) ?? {
        video,
        totals: {},
        version: -1,
        viewers: -1,
        comments: [],
        seen: new Set(),
        known: false,
        closed: false,
        listeners: new Set(),
      };
      entries.set(video, entry);
      entry.listeners.add(listeners);
      const late = feed.snapshot(video);
      if (late) {
        listeners.likes?.({ ...late });
        listeners.viewers?.(late);
        if (entry.closed) listeners.closed?.({ video, closed: true });
        for (const said of late.comments) listeners.comment?.({ ...said, history: true });
      }
      return () => {
        entry.listeners.delete(listeners);
        if (!entry.listeners.size) entries.delete(video);
      };
    },
    tell(name, event) {
      for (const entry of entries.values()) emit(entry, name, event);
    },
    known: (video) => !!entries.get(video)?.known,
    videos: () => [...entries.keys()],
    snapshot(video) {
      const entry = entries.get(video);
      if (!entry?.known) return;
      const { totals, version, viewers, comments } = entry;
      return { video, totals, version, viewers, comments };
    },
    latencyMs: () => latencyMs,
    now: () => now() + (offsetMs ?? 0),
  };
  return feed;
}
