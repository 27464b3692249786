/**
 * One write to the server, repeated until it is answered.
 *
 * *No answer* (a lost connection, 429, 5xx) means "maybe counted", so the same body goes again with the
 * same key and counts once; a *refusal* (any other 4xx) means "never", so it goes to the caller at once,
 * and so does a 429 of slow mode. Repeats stop while the server still remembers the key. Held by
 * taps.test.ts.
 */
import { backoffMs } from "./backoff.ts";
import type { ConnectOptions, Outside } from "./types.ts";

/** The server remembers a key for 120 s; past this a repeat could count twice. */
export const GIVE_UP_MS = 100_000;
const ANSWER_MS = 10_000;

/** Why the server did not take a like or a comment. */
export class Refusal extends Error {
  constructor(
    /** 0 when there was no answer at all. */
    readonly status: number,
    readonly code: string,
    message: string,
  ) {
    super(message);
  }
}

/** 16 random bytes in hex. `crypto.randomUUID` is missing on plain-http pages. */
export function newKey(): string {
  let key = "";
  for (const byte of crypto.getRandomValues(new Uint8Array(16))) key += (byte + 256).toString(16).slice(1);
  return key;
}

async function refusal(answer: Response | undefined): Promise<Refusal> {
  const body = await answer?.json().catch(() => {});
  return new Refusal(
    answer?.status ?? 0,
    body?.error?.code ?? "no-answer",
    body?.error?.message ?? "the server did not answer",
  );
}

/** Sends `body` as JSON under `key`; the answer's body, or a `Refusal` thrown. */
export async function send<T>(
  outside: Outside,
  url: string,
  body: object,
  key: string,
  tokenOf: ConnectOptions["token"],
  method = "POST",
): Promise<T> {
  const until = outside.now() + GIVE_UP_MS;
  let refreshed = false;
  for (let attempt = 0; ; attempt++) {
    const token = await tokenOf?.(refreshed);
    const answer = await outside
      .fetch(url, {
        method,
        // A tap just before the page closes still counts.
        keepalive: true,
        signal: AbortSignal.timeout(ANSWER_MS),
        headers: {
          "content-type": "application/json",
          "idempotency-key": key,
          ...(token && { authorization: `Bearer ${token}` }),
        },
        body: JSON.stringify(body),
      })
      .catch(() => undefined);
    if (answer?.ok) return (await answer.json().catch(() => undefined)) as T;
    const status = answer?.status ?? 0;
    if (status === 401 && tokenOf && !refreshed) {
      refreshed = true;
      continue;
    }
    const refused = await refusal(answer);
    // Slow mode is for a person to know of, not for a comment that comes out of nowhere a minute later.
    const again = status < 400 || status > 499 || status === 408 || status === 429;
    if (!again || refused.code === "slow-mode") throw refused;
    const waitMs = Math.max(
      backoffMs(attempt, outside.random(), 500, 10_000),
      1000 * (Number(answer?.headers.get("retry-after")) || 0),
    );
    if (outside.now() + waitMs > until) throw refused;
    await new Promise<void>((resume) => outside.after(waitMs, resume));
  }
}
