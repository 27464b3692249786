/**
 * What a recording's audience did, as far as a page needs it: the reel of replay.ts.
 *
 * Two things are read: the video's *timeline* once, of which the totals at the start of any minute follow,
 * and *windows* of its replay, a minute each, of which the rest follows. Only `WINDOWS_MAX` windows are kept,
 * however long the recording and however often it is wound: a match of three hours with 200,000 comments
 * costs what four of its minutes hold (replay.test.ts).
 */
import type { Comment, Outside, Totals } from "./types.ts";

export const WINDOW_MS = 60_000;
export const WINDOWS_MAX = 4;
/** Pages of 2,000 lines that one window may have; what is beyond them is not shown. */
const PAGES_MAX = 10;
/** A window that had not ended when it was read, by this much, is read again when it is that old. */
const OPEN_MS = 15_000;
const AGAIN_MS = 2000;

/** `GET /v1/videos/:v/timeline`, what is used of it. */
export interface Timeline {
  readonly from: number;
  readonly to: number;
  readonly step: number;
  /** Median of server time less the stream's dates; null: unknown. */
  readonly skewMs?: number | null;
  /** Of a video that is closed: what pages are asked for, so that no cache answers with older ones. */
  readonly edition?: string;
  readonly before: Totals;
  readonly likes: Readonly<Record<string, readonly number[]>>;
  readonly unlikes?: Readonly<Record<string, readonly number[]>>;
  readonly viewers?: readonly (number | null)[];
}

/** One line of `GET /v1/videos/:v/replay`. */
export interface Line {
  readonly at: number;
  readonly spanMs?: number;
  readonly likes?: Totals;
  readonly unlikes?: Totals;
  readonly comment?: { readonly id: string; readonly user?: string; readonly text: string };
  readonly next?: number | null;
}

interface Window {
  readonly readMs: number;
  readonly counts: readonly Line[];
  readonly comments: readonly Comment[];
}

export interface Reel {
  /**
   * Reads what is needed around `at`, or only the timeline; resolves when that is here, rejects when it
   * cannot be read.
   */
  load(at?: number): Promise<void>;
  /** Whether what happened at `at` is here. */
  has(at: number): boolean;
  /** Whether it is here and is all that there will be. */
  fresh(at: number): boolean;
  /** Likes up to `at`; of a second that has begun, its share. */
  totals(at: number): Totals;
  /** Comments after `from`, up to and with `to`, oldest first, of the windows that are here. */
  comments(from: number, to: number): Comment[];
  /** How many watched, as it was sampled; undefined where that is not known. */
  viewers(at: number): number | undefined;
  /** When the first and the last of it happened; undefined while that is not known, or nothing has. */
  span(): { from: number; to: number } | undefined;
  /** Whether it is known that nothing has happened. */
  empty(): boolean;
  /** How many windows are kept now. */
  kept(): number;
}

/** When the window that `at` is in starts. */
export const windowOf = (at: number) => Math.floor(at / WINDOW_MS) * WINDOW_MS;

const isEmpty = ({ from, to }: Timeline) => !(to > from);

/** Adds `count` times `share` of each kind, in whole likes. */
function add(into: Record<string, number>, counts: Totals | undefined, share: number, sign = 1): void {
  for (const [kind, count] of Object.entries(counts ?? {}))
    into[kind] = (into[kind] ?? 0) + sign * Math.floor(count * share);
}

export function createReel(
  outside: Pick<Outside, "now">,
  video: string,
  get: (path: string) => Promise<string>,
): Reel {
  const windows = new Map<number, Window>();
  const asked = new Map<number, Promise<void>>();
  let timeline: Timeline | undefined;
  let timelineMs = 0;

  async function readTimeline(at: number): Promise<void> {
    if (timeline && (at < timeline.to || outside.now() - timelineMs < AGAIN_MS)) return;
    timelineMs = outside.now();
    const before = timeline;
    timeline = JSON.parse(await get("timeline")) as Timeline;
    // What was read of nothing, or of what has been opened again, is not how it is now.
    if (before && (isEmpty(before) || before.edition !== timeline.edition)) windows.clear();
  }

  async function readWindow(start: number): Promise<void> {
    const counts: Line[] = [];
    const comments: Comment[] = [];
    const readMs = outside.now();
    const edition = timeline?.edition ? `&edition=${timeline.edition}` : "";
    // Nothing is older than 1970, which is before some dates that players say.
    let from: number | null = start < 0 ? null : start;
    for (let pages = 0; from !== null && pages < PAGES_MAX; pages++) {
      const page = await get(`replay?from=${from}&to=${start + WINDOW_MS}${edition}`);
      let next: number | null | undefined;
      for (const text of page.split("\n")) {
        if (!text) continue;
        const line = JSON.parse(text) as Line;
        if (line.next !== undefined) next = line.next;
        else if (line.comment) comments.push({ video, at: line.at, ...line.comment });
        else counts.push(line);
      }
      if (next === undefined) throw new Error("half a page");
      from = next;
    }
    windows.delete(start);
    windows.set(start, { readMs, counts, comments });
    for (const old of windows.keys()) {
      if (windows.size <= WINDOWS_MAX) break;
      windows.delete(old);
    }
  }

  /** A window that is here and will not change. */
  function fresh(start: number): Window | undefined {
    const here = windows.get(start);
    const endMs = start + WINDOW_MS + (timeline?.skewMs ?? 0);
    const wasOpen = here && !timeline?.edition && endMs > here.readMs - OPEN_MS;
    return wasOpen && outside.now() - here.readMs > AGAIN_MS ? undefined : here;
  }

  function need(start: number): Promise<void> {
    const here = fresh(start);
    if (here) {
      // The newest are the last to go.
      windows.delete(start);
      windows.set(start, here);
      return Promise.resolve();
    }
    const reading = asked.get(start) ?? readWindow(start).finally(() => asked.delete(start));
    asked.set(start, reading);
    return reading;
  }

  /** Likes before `start`, of the timeline. */
  function base(start: number): Record<string, number> {
    const sum: Record<string, number> = {};
    if (!timeline) return sum;
    const stepMs = timeline.step * 1000;
    const points = (start - timeline.from) / stepMs;
    add(sum, timeline.before, 1);
    for (const [all, sign] of [
      [timeline.likes, 1],
      [timeline.unlikes ?? {}, -1],
    ] as const) {
      for (const [kind, counts] of Object.entries(all)) {
        for (let n = 0; n < Math.min(points, counts.length); n++)
          add(sum, { [kind]: counts[n] ?? 0 }, Math.min(1, points - n), sign);
      }
    }
    return sum;
  }

  let based: { start: number; of: Timeline | undefined; sum: Record<string, number> } | undefined;

  return {
    async load(at) {
      if (at === undefined) return readTimeline(0);
      const start = windowOf(at);
      // It names the edition of the others.
      await readTimeline(at);
      await Promise.all([need(start - WINDOW_MS), need(start)]);
    },
    has: (at) => !!timeline && windows.has(windowOf(at)),
    fresh: (at) => !!fresh(windowOf(at)),
    totals(at) {
      const start = windowOf(at);
      if (based?.start !== start || based.of !== timeline) based = { start, of: timeline, sum: base(start) };
      const sum = { ...based.sum };
      for (const line of windows.get(start)?.counts ?? []) {
        const share = Math.min(1, (at - line.at) / (line.spanMs ?? 1000));
        if (share <= 0) break;
        add(sum, line.likes, share);
        add(sum, line.unlikes, share, -1);
      }
      return sum;
    },
    comments(from, to) {
      const between: Comment[] = [];
      for (let start = windowOf(from); start <= to; start += WINDOW_MS) {
        for (const said of windows.get(start)?.comments ?? [])
          if (said.at > from && said.at <= to) between.push(said);
      }
      return between;
    },
    viewers(at) {
      if (!timeline) return;
      const point = Math.floor((at - timeline.from) / (timeline.step * 1000));
      return timeline.viewers?.[point] ?? undefined;
    },
    span: () => (timeline && !isEmpty(timeline) ? timeline : undefined),
    empty: () => !!timeline && isEmpty(timeline),
    kept: () => windows.size,
  };
}
