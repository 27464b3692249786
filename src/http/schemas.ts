/**
 * The shapes of bodies and answers, as JSON Schema for openapi.json. Descriptions for people and
 * generators: what is taken is decided by core/interaction.ts alone, and a test holds real answers against
 * these.
 */
import { limits } from "../core/limits.ts";
import { crowdFansMax } from "./demo.ts";
import { body, list, object, ref, type Schema } from "./schema.ts";

export const text: Schema = { type: "string" };
export const whole: Schema = { type: "integer", minimum: 0 };
const yesNo: Schema = { type: "boolean" };
export const timeMs: Schema = { type: "integer", minimum: 0, description: "Unix time in milliseconds" };
const count: Schema = { type: "integer", minimum: 1, maximum: limits.likeCountMax, default: 1 };
const user: Schema = { type: "string", minLength: 1, maxLength: limits.userCharsMax };
export const keyText: Schema = {
  type: "string",
  pattern: `^[\\x21-\\x7e]{1,${limits.keyBytesMax}}$`,
  description: "makes a repeat harmless: within 120 s the same key on the same video counts once",
};
const viewer: Schema = {
  type: "string",
  minLength: 1,
  maxLength: limits.viewerCharsMax,
  description: "with --like-mode=once: whose like it is, unless a token says so; without it the user",
};
const unlike: Schema = { type: "boolean", description: "with --like-mode=once: takes the like back" };
const mediaTime: Schema = {
  type: "number",
  minimum: 0,
  maximum: 8.64e15,
  description: "date of the picture that was seen, Unix ms in the stream's clock; too far off it is ignored",
};
const kind: Schema = { type: "string", description: "one of the kinds in /v1/config" };
export const totals: Schema = {
  type: "object",
  additionalProperties: whole,
  description: "likes by kind, absolute; falls only by likes taken back, with --like-mode=once",
};
export const version: Schema = {
  type: "integer",
  minimum: 0,
  description: "grows with every change of the totals",
};
export const eventId: Schema = { type: "string", description: "opaque; resumes a stream behind this place" };
const visibleAt = "of a comment that is held for review: when everybody sees it, at the earliest, Unix ms";
const reset: Schema = {
  type: "boolean",
  description: "true: what lies between the place asked for and this is gone",
};

export const videoId: Schema = { type: "string", pattern: "^[A-Za-z0-9_-]{1,64}$" };

const likeOptional = ["count", "user", "key", "viewer", "unlike", "mediaTime"] as const;

const orNull: Schema = { type: ["integer", "null"] };
const rowsByKind: Schema = { type: "object", additionalProperties: list(whole) };

export const schemas = {
  Like: body({ kind, count, user, key: keyText, viewer, unlike, mediaTime }, ...likeOptional),
  Likes: body({
    items: list(
      body({ video: videoId, kind, count, user, key: keyText, viewer, unlike, mediaTime }, ...likeOptional),
      limits.batchItemsMax,
    ),
  }),
  Verdicts: object({
    items: list(object({ status: { type: "integer" }, error: ref("ErrorCode") }, "error")),
  }),
  Comment: body(
    {
      text: { type: "string", minLength: 1, maxLength: limits.commentCharsMax },
      user,
      key: keyText,
      mediaTime,
    },
    "user",
    "key",
    "mediaTime",
  ),
  Placed: object({ id: eventId }),
  Video: object({ video: videoId, totals, viewers: whole, version, state: { enum: ["closed"] } }, "state"),
  Videos: object({
    videos: list(object({ video: videoId, totals, version, state: { enum: ["open", "closed"] } })),
    more: { type: "boolean" },
  }),
  SaidComment: object(
    {
      video: videoId,
      id: eventId,
      user: text,
      text,
      at: timeMs,
      mediaTime: { ...timeMs, description: "date of the picture its writer saw, as he said" },
      visibleAt: { ...timeMs, description: visibleAt },
    },
    "user",
    "mediaTime",
    "visibleAt",
  ),
  Comments: object({ comments: list(ref("SaidComment")), more: yesNo, reset }, "reset"),
  Poll: object(
    {
      cursor: { type: "string", description: "opaque; the `after` of the next call" },
      video: videoId,
      totals,
      viewers: whole,
      version,
      comments: list(ref("SaidComment")),
      retracted: list(eventId),
      reset,
      reason: { enum: ["deleted"], description: "of `reset`: all before was deleted; show it no longer" },
    },
    "reset",
    "reason",
  ),
  Live: object(
    {
      video: videoId,
      everyMs: { ...whole, description: "ask again after so many ms, some more or less" },
      totals,
      viewers: whole,
      version,
      comments: {
        ...list(ref("SaidComment"), limits.snapshotCommentsMax),
        description: "the newest, oldest first",
      },
      retracted: { ...list(eventId, limits.snapshotCommentsMax), description: "comments removed last" },
      cursor: { type: "string", description: "the place of all this, for a poll that waits" },
      deleted: { ...eventId, description: "the place of the last deletion: show nothing of before" },
      state: { enum: ["closed"], description: "it is over and takes nothing more; else absent" },
    },
    "deleted",
    "state",
  ),
  Tick: object(
    {
      video: videoId,
      second: { ...whole, description: "Unix seconds in the stream's clock" },
      likes: totals,
      unlikes: { ...totals, description: "with --like-mode=once: likes taken back" },
      comments: whole,
    },
    "unlikes",
  ),
  Timeline: object(
    {
      ...{ video: videoId, from: timeMs, to: timeMs },
      step: { type: "integer", minimum: 1, description: "seconds of each step" },
      skewMs: {
        type: ["integer", "null"],
        description: "median of server time less mediaTime; null: unknown",
      },
      totals,
      before: { ...totals, description: "of the totals what has no place in time" },
      likes: rowsByKind,
      unlikes: { ...rowsByKind, description: "with --like-mode=once: likes taken back" },
      people: {
        ...list(whole),
        description: "callers who began to react: no like of theirs in the 10 s before",
      },
      comments: { ...list(whole), description: "each that was accepted, removed ones too" },
      commentsFrom: { ...orNull, description: "before it they were not counted; null: all are" },
      commentsBefore: { ...whole, description: "those without a place in time any more; absent: none" },
      viewers: { ...list(orNull), description: "sampled by the dispatcher that answers; null: unknown" },
      resolution: list(object({ from: timeMs, step: whole })),
      edition: { ...text, description: "of a closed video: changes with what is told of it" },
    },
    "unlikes",
    "commentsBefore",
    "edition",
  ),
  Moments: object({
    video: videoId,
    moments: list(
      object({
        ...{ start: timeMs, peak: timeMs, end: timeMs },
        score: { type: "number", description: "how far its peak stood out of what was usual" },
        people: whole,
        likes: totals,
        comments: list(object({ id: eventId, user: text, text, at: timeMs }, "user")),
      }),
      limits.momentsMax,
    ),
  }),
  Config: object(
    {
      version: text,
      node: text,
      region: text,
      role: text,
      kinds: list(text),
      likeMode: { type: "string", description: "many: likes add up; once: one like per viewer" },
      demo: yesNo,
      media: yesNo,
      admin: yesNo,
      auth: { type: "string", description: "open, or token: a token is needed" },
      client: {
        ...object({
          path: text,
          integrity: { type: "string", description: "sha384-…, for a page's `integrity`" },
        }),
        description: "the browser client of this version, which stays the same under its path",
      },
      limits: { type: "object", additionalProperties: whole },
    },
    "client",
  ),
  Cluster: object({
    self: { type: "string", description: "the node that answers" },
    seenBy: { type: "string", description: "the dispatcher whose tables these are" },
    leaseMs: whole,
    nodes: list(
      object({
        node: text,
        role: text,
        region: text,
        incarnation: { type: "string", description: "new with every start" },
        startedMs: timeMs,
        leaseLeftMs: {
          type: "integer",
          description: "until the node counts as gone, unless it says otherwise",
        },
        viewers: { type: "integer", minimum: 0, description: "streams open, as of its last renewal" },
        rows: { type: "integer", minimum: 0, description: "videos it watches" },
        owns: { type: "integer", minimum: 0, description: "watched videos that it ticks" },
      }),
    ),
    videos: whole,
    rows: { type: "integer", minimum: 0, description: "of the (video, node) table, ended ones included" },
    routes: list(
      object(
        {
          video: videoId,
          owner: { type: "string", description: "the dispatcher that ticks it" },
          nodes: list(text),
          ended: { type: "array", items: text, description: "rows of nodes whose lease has ended" },
          skewMs: { type: "integer", description: "median of server time less mediaTime; absent: unknown" },
        },
        "skewMs",
      ),
      limits.clusterVideosMax,
    ),
  }),
  Restriction: body(
    { user, address: text, video: videoId, seconds: { type: "number", minimum: 0 } },
    "user",
    "address",
    "video",
  ),
  VideoRules: body(
    {
      state: { type: "string", enum: ["open", "closed"], description: "closed takes no likes or comments" },
      slowModeMs: { type: "integer", minimum: 0, description: "between two comments of one viewer" },
      comments: { type: "string", enum: ["on", "off"] },
      only: { type: "string", description: "a role that a token must carry to comment; empty for none" },
      holdMs: {
        type: "integer",
        minimum: 0,
        maximum: limits.holdMsMax,
        description: "how long only moderators see a comment before everybody does",
      },
    },
    "state",
    "slowModeMs",
    "comments",
    "only",
    "holdMs",
  ),
  Moderation: object({ restrictions: list({ type: "object" }), videos: list({ type: "object" }) }),
  Audit: object({ decisions: list({ type: "object" }) }),
  Erasing: object({
    state: { type: "string", enum: ["none", "running"], description: "none: nothing is under way" },
    looked: { ...whole, description: "places of comments that were looked at" },
    of: { ...whole, description: "how many there are to be looked at" },
    removed: { ...whole, description: "comments that were removed" },
  }),
  Taken: object({}),
  Fans: object({ fans: whole, max: whole }),
  FansWanted: body({ fans: { ...whole, maximum: crowdFansMax } }),
  Status: object({ status: text }),
  ErrorCode: object({
    code: { type: "string", description: "one of those that the answer lists; never changes its meaning" },
    message: { type: "string", description: "for people" },
  }),
  Error: object(
    { error: ref("ErrorCode"), reasons: { ...list(text), description: "of not-ready: each reason" } },
    "reasons",
  ),
} as const satisfies Readonly<Record<string, Schema>>;

export type SchemaName = keyof typeof schemas;
