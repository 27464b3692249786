/**
 * Answers: JSON with a status, streams, and the one table from a refusal's code to its status.
 *
 * A *code* is the contract and never changes its status; a *message* is for people and may. An error body
 * holds these two and nothing else: never a path, a stack or the input, but for a mistyped name
 * (server.test.ts).
 */
import type { Rejection, RejectionCode } from "../core/interaction.ts";

/** Refusals that only HTTP knows. */
type HttpCode =
  | "bad-content-type"
  | "too-large"
  | "too-slow"
  | "not-found"
  | "method-not-allowed"
  | "unknown-comment"
  | "unknown-connection"
  | "not-yet"
  | "not-kept"
  | "no-streams"
  | "cross-site"
  | "admin-off"
  | "not-ready"
  | "internal";

export type Answer = Response | Promise<Response>;

export type Code = RejectionCode | HttpCode;

export const statusOf: Readonly<Record<Code, number>> = {
  "bad-json": 400,
  "bad-body": 400,
  "bad-video": 400,
  "bad-query": 400,
  unauthorized: 401,
  "admin-off": 403,
  "cross-site": 403,
  forbidden: 403,
  muted: 403,
  banned: 403,
  "comments-off": 403,
  "members-only": 403,
  "not-found": 404,
  "unknown-video": 404,
  "unknown-comment": 404,
  "unknown-connection": 404,
  "no-streams": 404,
  "not-yet": 404,
  "not-kept": 404,
  "method-not-allowed": 405,
  "too-slow": 408,
  "like-mode": 409,
  "key-used": 409,
  closed: 409,
  "too-large": 413,
  "bad-content-type": 415,
  "bad-field": 422,
  "bad-count": 422,
  "count-not-one": 422,
  "bad-viewer": 422,
  "unknown-kind": 422,
  "bad-key": 422,
  "bad-user": 422,
  "text-empty": 422,
  "text-too-long": 422,
  "text-control": 422,
  "text-malformed": 422,
  "text-refused": 422,
  "review-denied": 422,
  "too-many-items": 422,
  "too-many-videos": 422,
  "comment-rate": 429,
  "like-rate": 429,
  "stream-rate": 429,
  "slow-mode": 429,
  "work-rate": 429,
  internal: 500,
  busy: 503,
  unavailable: 503,
  "not-ready": 503,
};

/** Nothing of an answer may be cached or taken for another type. */
const jsonHeaders = {
  "cache-control": "no-store",
  "x-content-type-options": "nosniff",
  "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
  "referrer-policy": "no-referrer",
  "content-type": "application/json; charset=utf-8",
};

/** Why what has begun breaks off: its reader has no right to it any more. */
export const takenOut = "the key that asked for it was taken out";

/**
 * Whether `If-None-Match` names `etag`, compared as RFC 9110, section 13.1.2, has it: caches that compress
 * make a strong one weak.
 */
export function holds(condition: string | null, etag: string): boolean {
  const bare = (tag: string): string => tag.trim().replace(/^W\//, "");
  return condition?.split(",").some((tag) => bare(tag) === "*" || bare(tag) === bare(etag)) ?? false;
}

const streamHeaders = {
  "content-type": "text/event-stream",
  "cache-control": "no-cache, no-transform",
  "x-accel-buffering": "no",
  "x-content-type-options": "nosniff",
};
const streamInit = { headers: new Headers(streamHeaders) };
/** Of a stream that only its viewer may see: no cache on the way may keep any of it. */
const privateInit = {
  headers: new Headers({ ...streamHeaders, "cache-control": "no-store, private, no-transform" }),
};

/** Server-Sent Events. `isPrivate`: what they say depends on who asked. */
export function streamAnswer(body: BodyInit | null, isPrivate = false): Response {
  return new Response(body, isPrivate ? privateInit : streamInit);
}

/** A stream that holds nothing but a farewell: its connection, which others may want, is closed behind it. */
export function lastAnswer(body: BodyInit): Response {
  return new Response(body, { headers: { ...streamHeaders, connection: "close" } });
}

/** An answer without a body. */
export function empty(status: number): Response {
  return new Response(null, { status });
}

const acceptedInit = {
  status: 202,
  headers: new Headers({ "cache-control": "no-store", "content-type": "application/json" }),
};

/** 202 to a like, the busiest answer: JSON, since clients in many languages parse every answer of an API. */
export function accepted(): Response {
  return new Response("{}", acceptedInit);
}

/** The head of an answer in JSON that nobody waited for. */
export function jsonHead(): Response {
  return new Response(null, { headers: jsonHeaders });
}

export function json(status: number, value: object, headers?: Readonly<Record<string, string>>): Response {
  return new Response(JSON.stringify(value), {
    status,
    headers: headers ? { ...jsonHeaders, ...headers } : jsonHeaders,
  });
}

/** `{"error":{"code","message"}}`, plus `more`; `Retry-After` on 429 and 503, one second unless told. */
export function refuse(code: Code, message: string, retryAfterS = 1, more?: object): Response {
  const status = statusOf[code];
  const again = status === 429 || status === 503;
  const headers = again ? { "retry-after": String(Math.max(1, Math.ceil(retryAfterS))) } : undefined;
  return json(status, { error: { code, message }, ...more }, headers);
}

/** The answer to an input that was refused. */
export function refused(rejection: Rejection): Response {
  return refuse(rejection.rejected, rejection.message, rejection.retryAfterS);
}

/** The answer to a bug: nothing of it is told outside. */
export function internalError(): Response {
  return refuse("internal", "something went wrong on this server");
}
