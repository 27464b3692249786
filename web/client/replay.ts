/**
 * A recording with its audience: `/ovation-replay.js`.
 *
 *     import { replay } from "https://your.host/ovation-replay.js";
 *     const again = replay("final", { media: film, startsAt: kickOff, likes: …, comment: … });
 *
 * What was done while the video was live is told again, when the picture of `media` comes to it: paused with
 * it, at its speed, from wherever it was wound to. A page that shows `watch`'s events shows these without a
 * change: totals are what they were then, comments that were there before carry `history`, and after each
 * seek a `reset` says that the list begins anew. Held by replay.test.ts.
 */
import { backoffMs } from "./backoff.ts";
import { createReel, type Timeline, WINDOW_MS, windowOf } from "./reel.ts";
import type { Comment, ConnectOptions, Likes, Outside } from "./types.ts";

/** Comments told as history after a seek. */
const HISTORY_MAX = 20;
const LOOK_MS = 100;
/** So much further than time goes a picture is wound, not played; 16 is the most that browsers play at. */
const JUMP_MS = 1500;
const RATE_MAX = 16;
/** The next window is read when it is this near at normal speed. */
const AHEAD_MS = 20_000;
/** A page of 2,000 lines on a slow line. */
const ANSWER_MS = 20_000;
/** Places that are read at once: a viewer who winds to and fro does not ask for more. */
const LOADS_MAX = 3;
/** What was not followed for so long, at normal speed, begins anew: a page that slept, a server that was away. */
const LOST_MS = 10_000;
/** A video without anything is looked at again so often, and less and less. */
const EMPTY_MS = 2000;
const EMPTY_MAX_MS = 30_000;

/** What is used of a `<video>`: anything with these will do. */
export interface Media extends EventTarget {
  currentTime: number;
  readonly paused: boolean;
  readonly seeking: boolean;
  readonly playbackRate: number;
}

export interface ReplayState {
  /**
   * Reading what happened at this picture; following it; asking a server again that did not answer; or
   * nothing ever happened, which is looked at again.
   */
  readonly phase: "loading" | "following" | "failed" | "empty";
}

export interface ReplayListeners {
  likes?: (event: Likes) => void;
  comment?: (event: Comment) => void;
  viewers?: (event: { readonly video: string; readonly viewers: number }) => void;
  reset?: (event: { readonly video: string; readonly reason: string }) => void;
  state?: (event: ReplayState) => void;
}

export interface ReplayOptions extends ReplayListeners, Pick<ConnectOptions, "url" | "token"> {
  readonly media: Media;
  /** Unix ms of the recording's 0, in the stream's own dates. Default: the first second anything happened. */
  readonly startsAt?: number | Date;
  /**
   * Unix ms of the picture shown now, as for `watch`: for recordings whose dates do not run evenly, such as
   * those of a stream that had an outage. Without it the recording is off by every outage before.
   */
  readonly playhead?: () => number | null | undefined;
}

/** A peak of the reactions; `GET /v1/videos/:v/moments`. Times are Unix ms in the stream's own dates. */
export interface Moment {
  readonly start: number;
  readonly peak: number;
  readonly end: number;
  readonly score: number;
  readonly people: number;
  readonly likes: Readonly<Record<string, number>>;
  readonly comments: readonly Omit<Comment, "video">[];
}

export interface Replay {
  /** Unix ms of the picture shown, as this replay knows it; undefined while it does not. */
  at(): number | undefined;
  /** Winds the recording to a picture. */
  seek(at: number): void;
  /** The strongest moments, in order of time; rejects when the server does not answer. */
  moments(n?: number): Promise<readonly Moment[]>;
  /** All of it in at most 1,000 points, for drawing; rejects when the server does not answer. */
  timeline(): Promise<Timeline>;
  /** How many minutes of it are kept in memory. */
  kept(): number;
  close(): void;
}

const browser: Pick<Outside, "now" | "after" | "random" | "fetch"> = {
  now: () => Date.now(),
  after(ms, run) {
    const timer = setTimeout(run, ms);
    return () => clearTimeout(timer);
  },
  random: () => Math.random(),
  fetch: (url, init) => fetch(url, init),
};

/**
 * Follows `options.media` until `close`.
 *
 * @example
 * const again = replay("final", {
 *   url: "https://ovation.example",
 *   media: document.querySelector("video"),
 *   likes: ({ totals }) => console.log("hearts then", totals.heart ?? 0),
 *   comment: ({ user = "Guest", text }) => console.log(`${user}: ${text}`),
 * });
 * const [best] = await again.moments(1);
 * console.log(best ? `best at ${new Date(best.peak)}` : "no moment stood out");
 */
export function replay(video: string, options: ReplayOptions, outside = browser): Replay {
  const { media, token } = options;
  const base = new URL(".", options.url ? new URL(options.url, globalThis.location?.href) : import.meta.url);
  const path = `${base.href}v1/videos/${encodeURIComponent(video)}/`;

  async function ask(what: string, signal: AbortSignal, refresh = false): Promise<string> {
    const bearer = await token?.(refresh);
    const headers = bearer ? { authorization: `Bearer ${bearer}` } : undefined;
    const answer = await outside.fetch(path + what, { signal, ...(headers && { headers }) });
    // A recording may be longer than a token's life.
    if (answer.status === 401 && token && !refresh) return ask(what, signal, true);
    if (!answer.ok) throw new Error(`${answer.status} ${what}`);
    return answer.text();
  }

  /** What does not come at all would be waited for until the page is left. */
  function get(what: string): Promise<string> {
    const stop = new AbortController();
    return new Promise<string>((answer, fail) => {
      const cancelStop = outside.after(ANSWER_MS, () => {
        stop.abort();
        fail(new Error(`no answer: ${what}`));
      });
      ask(what, stop.signal).finally(cancelStop).then(answer, fail);
    });
  }

  const reel = createReel(outside, video, get);
  let cancel: (() => void) | undefined;
  let closed = false;
  /** Up to where it was told, and when; undefined while the place is to be found anew. */
  let told: { at: number; ms: number } | undefined;
  let phase: ReplayState["phase"] | undefined;
  let version = 0;
  let shown = "";
  let viewers: number | undefined;
  let attempts = 0;
  let looks = 0;
  let againMs = 0;
  const loading = new Set<number | undefined>();

  function say(next: ReplayState["phase"]): void {
    if (phase !== next) options.state?.({ phase: next });
    phase = next;
  }

  function at(): number | undefined {
    let date = Number.NaN;
    try {
      if (options.playhead) date = Number(options.playhead() ?? date);
      else date = Number(options.startsAt ?? reel.span()?.from ?? date) + 1000 * media.currentTime;
    } catch {
      // Some players throw until they have a picture.
    }
    return date >= 0 && date < Number.POSITIVE_INFINITY ? date : undefined;
  }

  function tellTotals(now: number, quiet: boolean): void {
    const totals = reel.totals(now);
    const text = JSON.stringify(totals);
    if (text !== shown || quiet)
      options.likes?.({ video, totals, version: ++version, ...(quiet && { quiet }) });
    shown = text;
    const watching = reel.viewers(now);
    if (watching !== undefined && watching !== viewers) options.viewers?.({ video, viewers: watching });
    viewers = watching ?? viewers;
  }

  /** Begins anew where the picture is: what was before it is history. */
  function begin(now: number): void {
    options.reset?.({ video, reason: "seek" });
    tellTotals(now, true);
    for (const said of reel.comments(now - 2 * WINDOW_MS, now).slice(-HISTORY_MAX))
      options.comment?.({ ...said, history: true });
  }

  /** Reads around a place, or only where the recording starts; looks again when that is here. */
  function load(place?: number): void {
    const name = place === undefined ? place : windowOf(place);
    if (loading.has(name) || loading.size >= LOADS_MAX) return;
    const waitMs = againMs - outside.now();
    if (waitMs > 0) {
      if (!cancel) later(waitMs);
      return;
    }
    loading.add(name);
    reel.load(place).then(
      () => {
        loading.delete(name);
        attempts = 0;
        if (reel.empty()) nothing();
        else if (at() === undefined) later(EMPTY_MS);
        else look();
      },
      () => {
        loading.delete(name);
        againMs = outside.now() + backoffMs(attempts++, outside.random(), 500, 10_000);
        const now = at();
        if (now === undefined || !reel.has(now)) say("failed");
        later(LOOK_MS);
      },
    );
  }

  /** Nothing has happened yet, but for what has no place in time. */
  function nothing(): void {
    if (phase !== "empty") tellTotals(0, true);
    say("empty");
    later(backoffMs(looks++, outside.random(), EMPTY_MS, EMPTY_MAX_MS));
  }

  function later(ms: number): void {
    cancel?.();
    cancel = closed ? undefined : outside.after(ms, look);
  }

  function wound(now: number, ms: number): boolean {
    if (!told) return true;
    const wentOn = now - told.at;
    const most = Math.min((ms - told.ms) * RATE_MAX + JUMP_MS, LOST_MS * Math.max(1, media.playbackRate));
    return wentOn < 0 || wentOn > most;
  }

  function look(): void {
    cancel?.();
    cancel = undefined;
    if (closed || media.seeking) return;
    const now = at();
    const ms = outside.now();
    const anew = now === undefined || wound(now, ms);
    // The history of a beginning reaches back into the window before.
    const isEmpty = reel.empty();
    if (isEmpty || now === undefined || !reel.has(now) || (anew && !reel.has(now - WINDOW_MS))) {
      if (phase !== "failed" && !isEmpty) say("loading");
      // Without a date there is nothing to read; without a start, the timeline says it.
      if (now === undefined && options.playhead) later(LOOK_MS);
      else load(isEmpty ? undefined : now);
      return;
    }
    say("following");
    if (anew) begin(now);
    else {
      tellTotals(now, false);
      for (const said of reel.comments(told?.at ?? now, now)) options.comment?.(said);
    }
    told = { at: now, ms };
    if (!media.paused) later(LOOK_MS);
    const next = now + AHEAD_MS * Math.max(1, media.playbackRate);
    for (const place of [now, next]) if (!reel.fresh(place)) load(place);
  }

  const lost = () => {
    told = undefined;
  };
  const follows: Record<string, () => void> = { seeking: lost, emptied: lost };
  for (const name of ["play", "playing", "pause", "seeked", "ratechange", "loadeddata"]) follows[name] = look;
  for (const [name, follow] of Object.entries(follows)) media.addEventListener(name, follow);
  look();

  return {
    at,
    seek(to) {
      const now = at();
      if (now !== undefined) media.currentTime = Math.max(0, media.currentTime + (to - now) / 1000);
    },
    moments: async (n = 10) =>
      (JSON.parse(await get(`moments?n=${n}`)) as { moments: readonly Moment[] }).moments,
    timeline: async () => JSON.parse(await get("timeline")) as Timeline,
    kept: reel.kept,
    close() {
      closed = true;
      cancel?.();
      for (const [name, follow] of Object.entries(follows)) media.removeEventListener(name, follow);
    },
  };
}
