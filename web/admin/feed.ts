/**
 * The control room's own stream: `GET /v1/admin/events`, read by `fetch`, because `EventSource` cannot carry
 * the admin key in a header and a key does not belong into a URL.
 *
 * Also every shape that stream carries. What the page does with them is in the files beside this one.
 */
import { createParser } from "eventsource-parser";
import { backoffMs } from "../client/backoff.ts";
import type { Totals } from "../client/types.ts";

export interface Percentiles {
  readonly p50: number;
  readonly p90?: number;
  readonly p99: number;
}

export interface TopVideo {
  readonly video: string;
  readonly viewers: number;
  readonly likes: number;
  readonly likesPerS: number;
  readonly commentsPerS: number;
  readonly totals: Totals;
}

/** Once a second: rates are per second, times in ms. */
export interface Sample {
  readonly now: number;
  readonly node: string;
  readonly viewers: number;
  readonly videos: number;
  readonly lagging: number;
  readonly likesIn: number;
  readonly likesDelivered: number;
  readonly frames: number;
  readonly bytes: number;
  readonly lagMs: number;
  readonly hops: Readonly<Record<string, Percentiles>>;
  readonly latency: Percentiles;
  readonly top: readonly TopVideo[];
  readonly closed: Readonly<Record<string, number>>;
}

export interface ClusterNode {
  readonly node: string;
  readonly role: "both" | "frontend" | "dispatcher";
  readonly region?: string;
  readonly incarnation: number | string;
  readonly leaseMs: number;
  readonly viewers: number;
  readonly self?: boolean;
}

export interface Cluster {
  readonly nodes: readonly ClusterNode[];
  readonly routes: readonly { readonly video: string; readonly node: string }[];
  readonly owners: Readonly<Record<string, string>>;
  /** How old the pictures are that viewers see, by their dates, ms; of videos where that is known. */
  readonly skews?: Readonly<Record<string, number>>;
}

/** How a stream is; `refused`: the key is wrong or missing, or there is nothing to be let into. */
export type StreamState = "live" | "reconnecting" | "refused";

export interface AdminListeners {
  admin(sample: Sample): void;
  cluster(cluster: Cluster): void;
  /** `status` is that of the answer which refused. */
  state(state: StreamState, why?: string, status?: number): void;
}

/** Reads the control room's own stream, as `readStream`. */
export function readAdmin(key: string, listeners: AdminListeners): () => void {
  return readStream("/v1/admin/events", key, {
    // A sample is due every second.
    silentMs: 10_000,
    heard(event, says) {
      if (event === "admin") listeners.admin(says as Sample);
      if (event === "cluster") listeners.cluster(says as Cluster);
    },
    state: listeners.state,
  });
}

export interface StreamOptions {
  /** After so much silence it is opened anew. */
  readonly silentMs: number;
  heard(event: string, says: unknown): void;
  state(state: StreamState, why?: string, status?: number): void;
}

/**
 * Reads until the answer is called; opens again after a failure, never after a refusal. The key travels in a
 * header, which an EventSource cannot send: in an address it would end in logs.
 */
export function readStream(path: string, key: string, options: StreamOptions): () => void {
  let stopped = false;
  let attempt = 0;
  let abort = new AbortController();
  let silent: ReturnType<typeof setTimeout> | undefined;

  function heard(): void {
    clearTimeout(silent);
    silent = setTimeout(() => abort.abort(), options.silentMs);
  }

  /** Why this can never succeed as it is, or undefined when the stream just ended. */
  async function read(): Promise<{ why: string; status: number } | undefined> {
    abort = new AbortController();
    heard();
    const headers = key ? { authorization: `Bearer ${key}` } : {};
    const answer = await fetch(path, { headers, signal: abort.signal });
    if ([401, 403, 404].includes(answer.status)) {
      const body = await answer.json().catch(() => undefined);
      return { why: body?.error?.message ?? "refused", status: answer.status };
    }
    if (!answer.ok || !answer.body) return;
    const parser = createParser({
      onEvent({ event = "", data }) {
        heard();
        attempt = 0;
        options.heard(event, JSON.parse(data));
      },
    });
    options.state("live");
    const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
    for (let part = await reader.read(); !part.done; part = await reader.read()) parser.feed(part.value);
    return;
  }

  async function run(): Promise<void> {
    while (!stopped) {
      const refusal = await read().catch(() => undefined);
      clearTimeout(silent);
      if (stopped) return;
      if (refusal) {
        options.state("refused", refusal.why, refusal.status);
        return;
      }
      options.state("reconnecting");
      await new Promise((resume) => setTimeout(resume, backoffMs(attempt++, Math.random(), 1000, 10_000)));
    }
  }
  void run();

  return () => {
    stopped = true;
    clearTimeout(silent);
    abort.abort();
  };
}
