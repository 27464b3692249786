/**
 * One signed POST to another server, and what came of it: within a time, following nobody elsewhere, and
 * reading no more of the answer than is of use.
 *
 * An *answer* is anything with a status, however unwelcome; "late" and "away" are the absence of one. What
 * either means is for the caller to decide. Nothing here throws, and nothing of a body, a secret or a path
 * ever comes near the log: webhooks.test.ts.
 */
import type { Clock } from "../base/clock.ts";
import { signatureHeaders } from "./signature.ts";

/** As much of `fetch` as is used. */
export type Fetch = (url: string, init: RequestInit) => Promise<Response>;

export interface Sender {
  readonly fetch: Fetch;
  readonly clock: Clock;
  /** The secrets of now; they may be others at the next attempt. */
  readonly secrets: () => readonly Uint8Array[];
  /** What this program calls itself. */
  readonly agent: string;
}

export interface Post {
  readonly url: string;
  readonly id: string;
  readonly body: string;
  /** From the first byte out to the last one read, in ms. */
  readonly withinMs: number;
  /** Bytes of the answer's body that are read. Beyond: the answer has no text. 0: none is looked at. */
  readonly readBytesMax: number;
  /** Ends the attempt early. */
  readonly signal?: AbortSignal;
}

export interface Answered {
  readonly status: number;
  /** What `Retry-After` asks for, in ms from now. */
  readonly retryAfterMs: number | undefined;
  readonly text: string | undefined;
}

/** No answer: not in time, or nobody there; `why` is one word for the log. */
export interface Unanswered {
  readonly status: 0;
  readonly why: string;
  readonly late: boolean;
}

/** Sends it. Never rejects. */
export async function post(sender: Sender, what: Post): Promise<Answered | Unanswered> {
  const { fetch, clock, secrets, agent } = sender;
  const { url, id, body, withinMs, readBytesMax, signal } = what;
  const abort = new AbortController();
  const stop = (): void => abort.abort();
  const timer = clock.after(withinMs, stop);
  signal?.addEventListener("abort", stop);
  if (signal?.aborted) stop();
  try {
    const headers = {
      "content-type": "application/json",
      "user-agent": agent,
      ...signatureHeaders(secrets(), id, clock.now(), body),
    };
    const init: RequestInit = { method: "POST", headers, body, redirect: "manual", signal: abort.signal };
    const response = await fetch(url, init);
    const retryAfterMs = retryAfter(response.headers.get("retry-after"), clock.now());
    const text = await readUpTo(response, readBytesMax);
    return { status: response.status, retryAfterMs, text };
  } catch (error) {
    return abort.signal.aborted
      ? { status: 0, why: "no answer in time", late: true }
      : { status: 0, why: wordOf(error), late: false };
  } finally {
    timer.cancel();
    signal?.removeEventListener("abort", stop);
  }
}

/** Where `url` leads, for the log: never its path or query, which may hold a secret. */
export function originOf(url: string): string {
  return URL.parse(url)?.origin ?? "";
}

async function readUpTo(response: Response, bytesMax: number): Promise<string | undefined> {
  const reader = response.body?.getReader();
  if (!reader) return "";
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  try {
    while (bytes <= bytesMax && bytesMax > 0) {
      const { done, value } = await reader.read();
      if (done) return new TextDecoder().decode(Buffer.concat(chunks));
      chunks.push(value);
      bytes += value.byteLength;
    }
    return undefined;
  } finally {
    // A body that nobody reads would hold its connection.
    reader.cancel().catch(() => {});
  }
}

/** Seconds or a date (RFC 9110, section 10.2.3) as ms from now; undefined for neither. */
function retryAfter(text: string | null, nowMs: number): number | undefined {
  if (text === null) return undefined;
  if (/^\d{1,9}$/.test(text)) return Number(text) * 1000;
  const atMs = Date.parse(text);
  return Number.isNaN(atMs) ? undefined : Math.max(0, atMs - nowMs);
}

/** The code of a failed connection, wherever this runtime puts it. */
function wordOf(error: unknown): string {
  const { code, cause, name } = error as { code?: unknown; cause?: { code?: unknown }; name?: unknown };
  const word = [code, cause?.code, name].find((each) => typeof each === "string");
  return String(word ?? "failed").slice(0, 64);
}
