/**
 * Untrusted input becomes an `Interaction` or a `Rejection`, once.
 *
 * A `VideoId`, `Kind` or `Key` can only be made here, so whatever carries one has been checked: the
 * alphabet of a video id is also what makes it safe as a NATS token and in an SSE frame.
 * Nothing here knows HTTP; `http/` maps a rejection's code to its status in one table.
 */
import { nearest } from "../base/nearest.ts";
import { limits } from "./limits.ts";
import { hasControl, isVisible } from "./text.ts";

declare const brand: unique symbol;
/** `^[A-Za-z0-9_-]{1,64}$` */
export type VideoId = string & { readonly [brand]: "VideoId" };
/** One of the configured reactions. */
export type Kind = string & { readonly [brand]: "Kind" };

/** Why an input was refused. The code is part of the HTTP contract; the message is for people. */
export interface Rejection {
  readonly rejected: RejectionCode;
  readonly message: string;
  /** Seconds after which a repeat may succeed. */
  readonly retryAfterS?: number;
}

const rejectionCodes = [
  "bad-json",
  "bad-body",
  "bad-field",
  "bad-video",
  "unknown-video",
  "bad-count",
  "count-not-one",
  "bad-viewer",
  "like-mode",
  "unknown-kind",
  "bad-key",
  "key-used",
  "bad-user",
  "text-empty",
  "text-too-long",
  "text-control",
  "text-malformed",
  "too-many-items",
  "too-many-videos",
  "bad-query",
  "comment-rate",
  "unauthorized",
  "forbidden",
  "like-rate",
  "stream-rate",
  "slow-mode",
  "work-rate",
  "muted",
  "banned",
  "closed",
  "comments-off",
  "members-only",
  "text-refused",
  "review-denied",
  "busy",
  "unavailable",
] as const;

export type RejectionCode = (typeof rejectionCodes)[number];

/** One viewer's merged taps of one kind on one video. */
export interface Like {
  readonly video: VideoId;
  readonly kind: Kind;
  /** 1…50 */
  readonly count: number;
  readonly user: string | undefined;
  readonly key: string | undefined;
  /** With one like per viewer: whose it is. Only then is it there. */
  readonly viewer?: string | undefined;
  /** Takes the viewer's like back; only with one like per viewer. */
  readonly unlike?: boolean;
  /** Date of the picture that its viewer saw, in the stream's own clock, Unix ms; absent: not known. */
  readonly mediaMs?: number;
  /** Whoever gave it liked this video a moment ago already: it tells of nobody new. */
  readonly again?: true;
}

/** A comment before it has its place in the order. */
export interface CommentDraft {
  readonly video: VideoId;
  readonly text: string;
  readonly user: string | undefined;
  readonly key: string | undefined;
  /** When it was accepted, Unix milliseconds. */
  readonly atMs: number;
  /** How long only moderators may see it, in ms; without it nobody has to wait. */
  readonly holdMs?: number;
  /** Date of the picture that its writer saw, in the stream's own clock, Unix ms; absent: not known. */
  readonly mediaMs?: number;
}

const videoPattern = /^[A-Za-z0-9_-]{1,64}$/;
const kindPattern = /^[a-z][a-z0-9_-]{0,15}$/;
const keyPattern = /^[\x21-\x7e]{1,128}$/;
/**
 * Characters of an unknown field's name that are repeated in its refusal. Beyond, or odd: it is not
 * named.
 */
const nameCharsShown = 64;

export function isRejection(value: object): value is Rejection {
  return "rejected" in value;
}

/** A rejection that came from another node, as one of ours; undefined for what is none. */
export function rejectionOf(value: unknown): Rejection | undefined {
  if (typeof value !== "object" || value === null) return undefined;
  const { rejected, message, retryAfterS } = value as Record<string, unknown>;
  const code = rejectionCodes.find((known) => known === rejected);
  if (!code || typeof message !== "string") return undefined;
  return reject(code, message, typeof retryAfterS === "number" && retryAfterS > 0 ? retryAfterS : undefined);
}

export function reject(rejected: RejectionCode, message: string, retryAfterS?: number): Rejection {
  return retryAfterS === undefined ? { rejected, message } : { rejected, message, retryAfterS };
}

/** The video id in `text`, or a rejection. */
export function parseVideoId(text: unknown): VideoId | Rejection {
  if (typeof text === "string" && videoPattern.test(text)) return text as VideoId;
  return reject("bad-video", "a video id is 1 to 64 characters of A-Z a-z 0-9 _ -");
}

/** True when `text` may name a video; for input already known to be ours. */
export function isVideoId(text: unknown): text is VideoId {
  return typeof text === "string" && videoPattern.test(text);
}

/** True when `text` may name a kind, configured here or on another node. */
export function isKind(text: unknown): text is Kind {
  return typeof text === "string" && kindPattern.test(text);
}

/** True when `value` may be how long a comment is held, in ms. */
export function isHold(value: unknown): value is number {
  return typeof value === "number" && Number.isInteger(value) && value >= 0 && value <= limits.holdMsMax;
}

/** The configured kinds, checked by config.ts, as a set to parse against. */
export function kindSet(kinds: readonly string[]): ReadonlySet<Kind> {
  return new Set(kinds as readonly Kind[]);
}

/**
 * `body` as an object all of whose members are `known`; else a rejection that names the first one that is
 * not, and the nearest known name: a field that was mistyped is never taken for one that was left out.
 */
export function fieldsOf(body: unknown, known: ReadonlySet<string>): Record<string, unknown> | Rejection {
  if (typeof body !== "object" || body === null || Array.isArray(body)) {
    return reject("bad-body", "the body must be a JSON object");
  }
  for (const name in body)
    if (!known.has(name)) return reject("bad-field", unknownName("field", name, known));
  return body as Record<string, unknown>;
}

/** Says that there is no `what` called `name`, in one line, and which of `known` may have been meant. */
export function unknownName(what: string, name: string, known: ReadonlySet<string>): string {
  if (name.length > nameCharsShown || /[^\w.-]/.test(name)) return `there is no ${what} of that name here`;
  const meant = nearest(name, [...known]);
  const hint = meant === undefined ? "" : `: did you mean ${JSON.stringify(meant)}?`;
  return `there is no ${what} ${JSON.stringify(name)} here${hint}`;
}

const likeFields: ReadonlySet<string> = new Set([
  ...["kind", "count", "user", "key", "viewer", "unlike", "mediaTime"],
]);
const itemFields: ReadonlySet<string> = new Set(["video", ...likeFields]);
const commentFields: ReadonlySet<string> = new Set(["text", "user", "key", "mediaTime"]);

/**
 * Parses the body of `POST …/likes`; `headerKey` is the `Idempotency-Key`, which wins over `key`. `once`: one
 * like per viewer, who is `viewer`, else `user`, else undefined: then whoever calls knows, or refuses.
 */
export function parseLike(
  video: VideoId,
  body: unknown,
  headerKey: string | null,
  kinds: ReadonlySet<Kind>,
  once = false,
): Like | Rejection {
  const fields = fieldsOf(body, likeFields);
  if (isRejection(fields)) return fields;
  return likeOf(video, fields, headerKey, kinds, once);
}

/** Parses one item of `POST /v1/likes`; `once` as above. */
export function parseLikeItem(item: unknown, kinds: ReadonlySet<Kind>, once = false): Like | Rejection {
  const fields = fieldsOf(item, itemFields);
  if (isRejection(fields)) return fields;
  const video = parseVideoId(fields.video);
  if (typeof video !== "string") return video;
  return likeOf(video, fields, null, kinds, once);
}

function likeOf(
  video: VideoId,
  fields: Record<string, unknown>,
  headerKey: string | null,
  kinds: ReadonlySet<Kind>,
  once: boolean,
): Like | Rejection {
  const kind = fields.kind;
  if (typeof kind !== "string" || !kinds.has(kind as Kind)) {
    return reject("unknown-kind", `kind must be one of ${[...kinds].join(", ")}`);
  }
  const count = fields.count ?? 1;
  if (once && count !== 1) {
    return reject("count-not-one", "count must be 1 or left out: here each viewer likes once");
  }
  if (typeof count !== "number" || !Number.isInteger(count) || count < 1 || count > limits.likeCountMax) {
    return reject("bad-count", `count must be a whole number from 1 to ${limits.likeCountMax}`);
  }
  const user = parseUser(fields.user);
  if (typeof user === "object") return user;
  const key = keyOf(headerKey, fields.key);
  if (typeof key === "object") return key;
  const seen = parseMediaTime(fields.mediaTime);
  if (typeof seen === "object") return seen;
  const said: Like = { video, kind: kind as Kind, count, user, key };
  const like: Like = seen === undefined ? said : { ...said, mediaMs: seen };
  if (once) return onceOf(like, fields);
  return fields.unlike === undefined || fields.unlike === false ? like : cannotUnlike();
}

/** `like` as one of those of which each viewer has one. */
function onceOf(like: Like, fields: Record<string, unknown>): Like | Rejection {
  const unlike = fields.unlike ?? false;
  if (typeof unlike !== "boolean") return reject("bad-field", "unlike must be true or false");
  const named = fields.viewer ?? undefined;
  const viewer = named === undefined ? undefined : parseViewer(named);
  if (typeof viewer === "object") return viewer;
  return { ...like, viewer: viewer ?? like.user, unlike };
}

/** Whose like it is: a text of 1 to 128 characters (UTF-16 units) without control characters. */
export function parseViewer(viewer: unknown): string | Rejection {
  const max = limits.viewerCharsMax;
  const isOne = typeof viewer === "string" && viewer.length <= max && isVisible(viewer);
  if (isOne && !hasControl(viewer) && viewer.isWellFormed()) return viewer;
  return reject("bad-viewer", `a viewer is 1 to ${max} characters, one visible, none a control character`);
}

/** Why a like cannot be taken back where likes only add. */
export function cannotUnlike(): Rejection {
  return reject("like-mode", "likes only add up here: taking one back needs --like-mode=once");
}

/** Parses the body of `POST …/comments`. Text is kept as it came: never trimmed, never normalised. */
export function parseComment(
  video: VideoId,
  body: unknown,
  headerKey: string | null,
  atMs: number,
): CommentDraft | Rejection {
  const fields = fieldsOf(body, commentFields);
  if (isRejection(fields)) return fields;
  const text = fields.text;
  if (typeof text !== "string") return reject("bad-field", "text must be a string");
  if (!isVisible(text)) return reject("text-empty", "text must hold a character that can be seen");
  const problem = textProblem(text, limits.commentCharsMax, "text");
  if (problem) return problem;
  const user = parseUser(fields.user);
  if (typeof user === "object") return user;
  const key = keyOf(headerKey, fields.key);
  if (typeof key === "object") return key;
  const seen = parseMediaTime(fields.mediaTime);
  if (typeof seen === "object") return seen;
  const draft: CommentDraft = { video, text, user, key, atMs };
  return seen === undefined ? draft : { ...draft, mediaMs: seen };
}

/** The last instant that JavaScript can name, Unix ms. */
const timeMaxMs = 8.64e15;

/** True when `value` may be a date, Unix ms. */
export function isTime(value: unknown): value is number {
  return typeof value === "number" && value >= 0 && value <= timeMaxMs;
}

/** What was seen, whether or not that is to be believed; nothing where it is not said. */
function parseMediaTime(mediaMs: unknown): number | undefined | Rejection {
  if (mediaMs === undefined || mediaMs === null) return undefined;
  return isTime(mediaMs) ? mediaMs : reject("bad-field", "mediaTime must be a time in Unix milliseconds");
}

function parseUser(user: unknown): string | undefined | Rejection {
  if (user === undefined || user === null) return undefined;
  if (typeof user !== "string") return reject("bad-user", "user must be a string");
  const problem = textProblem(user, limits.userCharsMax, "user");
  if (problem) return reject("bad-user", problem.message);
  return isVisible(user) ? user : reject("bad-user", "user must hold a character that can be seen");
}

/** The header's key, else the field's. A bad one is refused also where the other is meant. */
function keyOf(headerKey: string | null, field: unknown): string | undefined | Rejection {
  const header = parseKey(headerKey);
  const named = parseKey(field);
  if (typeof header === "object") return header;
  return typeof named === "object" ? named : (header ?? named);
}

function parseKey(key: unknown): string | undefined | Rejection {
  if (key === undefined || key === null) return undefined;
  if (typeof key === "string" && keyPattern.test(key)) return key;
  return reject("bad-key", `a key is 1 to ${limits.keyBytesMax} visible ASCII characters`);
}

function textProblem(text: string, charsMax: number, name: string): Rejection | undefined {
  // UTF-16 units bound code points from above and below: count only when it can matter.
  if (text.length > charsMax && (text.length > 2 * charsMax || [...text].length > charsMax)) {
    return reject("text-too-long", `${name} must have at most ${charsMax} characters`);
  }
  if (hasControl(text)) return reject("text-control", `${name} must not hold control characters`);
  if (!text.isWellFormed()) return reject("text-malformed", `${name} must be well-formed Unicode`);
  return undefined;
}
