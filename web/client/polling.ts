/**
 * What the line does without a stream: long polls on a network that holds streams back, and polls of what
 * caches share where the server has told it to. A module of its own, fetched when it is needed, since most
 * viewers never need it. Held by line.test.ts and polling.test.ts.
 */
import { backoffMs } from "./backoff.ts";
import type { Message } from "./feed.ts";
import type { Outside } from "./types.ts";

const POLL_WAIT_S = 25;
const POLL_PAUSE_MS = 300;
const ANSWER_MS = 10_000;
/** So many answers in a row that are older than what is known are no slow cache: the log has begun anew. */
const OLDER_MAX = 10;
/** The last deletion of each video that this page was told of: it is told to poll more than once. */
const deletions = new WeakMap<Outside, Map<string, string>>();

/** What a server offers in place of a stream: URLs relative to the stream's own. */
export interface Offer {
  url: string;
  urls?: Readonly<Record<string, string>>;
  everyMs: number;
}

export interface PollingOptions {
  readonly outside: Outside;
  /** With the slash at the end. */
  readonly base: string;
  /** Without one, long polls. */
  readonly offer: Offer | undefined;
  /** Asks the server itself, as this viewer. */
  request(path: string, init: RequestInit): Promise<Response>;
  /** Whether `video` is still wanted, and wanted from here. */
  wants(video: string): boolean;
  known(video: string): boolean;
  take(name: string, message: Message, id: string): void;
  /** An answer came. */
  heard(): void;
  /** It is over: `status` of the answer that ended it, if one did. */
  failed(status?: number): void;
}

export interface Polling {
  /** Polls these too. */
  more(videos: Iterable<string>): void;
}

export function createPolling(options: PollingOptions): Polling {
  const { outside, base, offer, request, wants, known, take, heard, failed } = options;
  const polled = new Set<string>();

  const pause = (ms: number) => new Promise<void>((resume) => outside.after(ms, resume));

  async function longPoll(video: string): Promise<void> {
    for (let cursor = ""; ; ) {
      const wait = cursor ? `?wait=${POLL_WAIT_S}&after=${encodeURIComponent(cursor)}` : "";
      const answer = await request(`v1/videos/${video}/poll${wait}`, {
        signal: AbortSignal.timeout((cursor ? POLL_WAIT_S * 1000 : 0) + ANSWER_MS),
      });
      if (!wants(video)) return;
      if (!answer.ok) return failed(answer.status);
      const { cursor: next, reset, reason = "poll", retracted, ...message } = await answer.json();
      if (!wants(video)) return;
      if (reset) take("reset", { video, reason } as Message, "");
      take(cursor && reason !== "deleted" ? "poll" : "snapshot", message, "");
      for (const id of retracted ?? []) take("retract", { video, id } as Message, "");
      heard();
      cursor = next;
      await pause(POLL_PAUSE_MS);
      if (!wants(video)) return;
    }
  }

  async function cachedPoll(video: string, { url, urls, everyMs }: Offer): Promise<void> {
    const at = new URL((urls?.[video] ?? url).replace("{video}", video), `${base}v1/events`).href;
    // Told what everybody is: a token or a cookie would keep caches from sharing it. And what this browser has
    // kept is asked about: it would pass for new as long as a cache's may be old.
    const init: RequestInit = { cache: "no-cache", credentials: "omit" };
    let gone: readonly string[] | undefined;
    let newest = -1;
    let older = 0;
    const told = deletions.get(outside) ?? new Map<string, string>();
    deletions.set(outside, told);
    // Who has been here before comes back at any time: those who were sent away together do not ask together.
    if (known(video)) await pause(everyMs * outside.random());
    for (let failures = 0; wants(video); ) {
      const signal = AbortSignal.timeout(ANSWER_MS);
      const answer = await outside.fetch(at, { ...init, signal }).catch(() => undefined);
      const said = answer?.ok ? await answer.json().catch(() => undefined) : undefined;
      if (!wants(video)) return;
      // It is refused, or signed for too long ago: whoever asks for a stream is told what to do.
      if (answer && answer.status >= 400 && answer.status < 500 && answer.status !== 429) {
        return failed(answer.status);
      }
      if (said) {
        failures = 0;
        const { cursor, retracted, everyMs: paceMs, deleted, ...message } = said;
        older = message.version < newest ? older + 1 : 0;
        const isNew = !older || older > OLDER_MAX;
        if (older > OLDER_MAX) take("reset", { video, reason: "epoch" } as Message, "");
        if (isNew) newest = message.version;
        const isDeleted = isNew && deleted && told.get(video) !== deleted;
        if (isDeleted && known(video)) take("reset", { video, reason: "deleted" } as Message, "");
        if (isDeleted) told.set(video, deleted);
        everyMs = paceMs;
        heard();
        // What a slow cache still has of before a deletion is shown no more.
        if (isNew || told.get(video) === deleted) {
          const before = gone ?? (known(video) ? [] : retracted);
          take(known(video) && !isDeleted ? "poll" : "snapshot", message, "");
          for (const id of retracted) if (!before.includes(id)) take("retract", { video, id } as Message, "");
          gone = retracted;
        }
      }
      await pause(
        said ? everyMs * (0.75 + outside.random() / 2) : backoffMs(++failures, outside.random(), everyMs),
      );
    }
  }

  return {
    more(videos) {
      for (const video of videos) {
        if (polled.has(video)) continue;
        polled.add(video);
        const done = () => polled.delete(video);
        (offer ? cachedPoll(video, offer) : longPoll(video)).then(done, () => wants(video) && failed());
      }
    },
  };
}
