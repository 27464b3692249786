/**
 * The shapes of the events of a stream, as JSON Schema: the one set of them. asyncapi.json tells it, every
 * event that a test's viewer hears is held against it (system/events.ts), and so is what `ovation conform`
 * hears.
 */
import { limits } from "../core/limits.ts";
import { byeReasons, resetReasons } from "../core/sse.ts";
import { list, object, ref, type Schema, type Schemas } from "./schema.ts";
import { eventId, schemas, text, timeMs, totals, version, videoId, whole } from "./schemas.ts";

const rate: Schema = { type: "number", minimum: 0 };
const us: Schema = {
  type: "integer",
  minimum: 0,
  maximum: 999,
  description: "what `at` leaves out, in microseconds, for whoever measures latency",
};
const now: Schema = { ...timeMs, description: "the server's wall clock, Unix ms" };
const retry: Schema = { ...whole, description: "ms after which to come back, as the field `retry:` says" };
const percentiles = object({ p50: rate, p90: rate, p99: rate });
const counts: Schema = { type: "object", additionalProperties: whole };

/** Whether a block has an `id:` field: always, never, or sometimes, and then when. */
export type Carries = "always" | "never" | string;

export interface EventRow {
  readonly about: string;
  readonly id: Carries;
  readonly payload: Schema;
}

/** The events of a video's stream, in the order in which a viewer may meet them. */
export const videoEvents = {
  hello: {
    about: "The first event of every stream. It also carries the field `retry:`.",
    id: "the place that was asked for, on a stream that was asked to resume",
    payload: object({
      connection: { ...text, description: "names this stream, to watch more videos on it" },
      node: { ...text, description: "the node that holds it" },
      now,
      beat: { ...whole, description: "ms: the stream is never silent for much longer" },
      retry,
    }),
  },
  snapshot: {
    about: "The whole state of a video: at the beginning, and after a reset. Forget what came before.",
    id: "always, but where nothing is known of the log's place yet",
    payload: object(
      {
        video: videoId,
        totals,
        viewers: whole,
        comments: { ...list(ref("SaidComment")), description: "the newest ones, oldest first" },
        version,
        state: { enum: ["closed"], description: "it is over and takes nothing more; else absent" },
      },
      "state",
    ),
  },
  likes: {
    about: "Totals, absolute, at most once per tick. The highest version is the truth, also out of order.",
    id: "never",
    payload: object(
      {
        video: videoId,
        totals,
        version,
        at: { ...timeMs, description: "when the oldest like of this tick was accepted, Unix ms" },
        us,
        by: {
          ...list(
            object({ user: text, kind: text, count: { type: "integer", minimum: 1 } }),
            limits.bySizeMax,
          ),
          description: "some of those who liked and gave a name",
        },
      },
      "us",
      "by",
    ),
  },
  comment: {
    about: "A comment, in the order of its video; it may come twice, with the same id.",
    id: "always",
    payload: object(
      {
        video: videoId,
        id: eventId,
        user: text,
        text,
        at: { ...timeMs, description: "when it was accepted, Unix ms" },
        us,
      },
      "user",
      "us",
    ),
  },
  viewers: {
    about: "How many watch, about.",
    id: "never",
    payload: object({ video: videoId, viewers: whole }),
  },
  state: {
    about: "A video was closed and takes neither likes nor comments any more, or was opened again.",
    id: "never",
    payload: object({ video: videoId, state: { enum: ["open", "closed"] } }),
  },
  held: {
    about: "A comment that is held for review, on streams of moderators with `held=1`.",
    id: "never",
    payload: schemas.SaidComment,
  },
  retract: {
    about: "A comment was removed: take it from the screen.",
    id: "where it stands in the order; none where it goes before its turn",
    payload: object({ video: videoId, id: eventId }),
  },
  reset: {
    about: "What was missed cannot be filled in. A snapshot of the video follows.",
    id: "never",
    payload: object({
      video: videoId,
      reason: { ...text, description: `${resetReasons.join(", ")}; others may come` },
    }),
  },
  beat: {
    about: "Nothing else was to be said for a while; the connection is there.",
    id: "never",
    payload: object(
      {
        now,
        stale: { const: true, description: "the server is cut off from its log: what it shows is old" },
      },
      "stale",
    ),
  },
  bye: {
    about: "The last event of a stream: come back after `retry` ms. It also carries the field `retry:`.",
    id: "the place that was asked for, on a stream that holds nothing else",
    payload: object(
      {
        reason: {
          ...text,
          description: `${byeReasons.join(", ")}; others may come`,
        },
        retry,
        poll: {
          ...object(
            {
              url: {
                ...text,
                description:
                  "what to poll, relative to the stream's own URL; of several videos with {video} for each",
              },
              urls: { type: "object", additionalProperties: text },
              everyMs: whole,
            },
            "urls",
          ),
          description:
            "there is no stream for you now: poll this, and ask for a stream again about once a minute",
        },
      },
      "poll",
    ),
  },
} as const satisfies Readonly<Record<string, EventRow>>;

const shownVideo = object({
  video: videoId,
  viewers: whole,
  likes: whole,
  likesPerS: rate,
  commentsPerS: rate,
  totals,
});

/** The events of the control room's stream. */
export const controlRoomEvents = {
  admin: {
    about: "Once a second: what this node does.",
    id: "never",
    payload: object({
      now,
      node: text,
      viewers: whole,
      videos: whole,
      lagging: { ...whole, description: "viewers that are behind" },
      likesIn: { ...rate, description: "likes accepted, per second" },
      likesDelivered: rate,
      frames: rate,
      bytes: rate,
      lagMs: { ...rate, description: "p99 of how late the event loop is, ms" },
      hops: { type: "object", additionalProperties: percentiles },
      latency: percentiles,
      top: { ...list(shownVideo, 50), description: "the videos of most viewers" },
      closed: { ...counts, description: "streams ended so far, by reason" },
    }),
  },
  cluster: {
    about: "The cluster as this node knows it: when it changes, and every fifth second.",
    id: "never",
    payload: object({
      nodes: list(
        object({
          node: text,
          role: text,
          region: text,
          incarnation: text,
          leaseMs: { type: "integer", description: "until its lease ends unless it is renewed" },
          viewers: whole,
          self: { type: "boolean", description: "the node that tells this" },
        }),
      ),
      routes: list(object({ video: videoId, node: text }), 500),
      owners: { type: "object", additionalProperties: text },
      skews: {
        type: "object",
        additionalProperties: { type: "integer" },
        description:
          "how old the pictures are that viewers see, by their dates, ms; of videos where it is known",
      },
    }),
  },
} as const satisfies Readonly<Record<string, EventRow>>;

/** By name, for checks. */
export const eventSchemas: Schemas = Object.fromEntries(
  Object.entries({ ...videoEvents, ...controlRoomEvents }).map(([name, { payload }]) => [name, payload]),
);
