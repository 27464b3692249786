/**
 * Every call there is, in one table: what answers it, and what openapi.json says of it.
 *
 * To add a call, add a row. A row's `refusals` are the codes its handler may answer with, beyond those that
 * its other members imply (a `:video` may be bad, a body may be too large); a test holds the document
 * against the routes.
 */

import { getAudit, getModeration, postBan, postMute, putVideoRules } from "./admin.ts";
import type { Code } from "./answer.ts";
import type { Handle } from "./call.ts";
import { getAdminEvents } from "./control-room.ts";
import { getCluster, getDemo, getLive, getMedia, getMetrics, getReady, putDemo } from "./ops.ts";
import { deleteComment, deleteLike, postComment, postLike, postLikes } from "./publish.ts";
import { getComments, getConfig, getVideo } from "./read.ts";
import type { SchemaName } from "./schemas.ts";
import { deleteWatch, getEvents, getPoll, getVideoEvents, putWatch } from "./streams.ts";

export type Method = "GET" | "POST" | "PUT" | "DELETE";

/** A member of the query. */
export interface QueryRow {
  readonly name: string;
  readonly about: string;
  readonly kind: "text" | "whole number" | "videos";
}

export interface Row {
  readonly method: Method;
  /** With `:name` parameters, as the router takes them. */
  readonly path: string;
  readonly handle: Handle;
  readonly summary: string;
  readonly answer: {
    readonly status: number;
    readonly about: string;
    /** Of a JSON answer. */
    readonly schema?: SchemaName;
    /** Of any other answer. */
    readonly type?: string;
  };
  readonly query?: readonly QueryRow[];
  readonly body?: SchemaName;
  /** Takes an `Idempotency-Key`. */
  readonly keyed?: true;
  /** Takes a `Last-Event-ID`. */
  readonly resumes?: true;
  /** Needs the admin key. */
  readonly admin?: true;
  readonly refusals?: readonly Code[];
}

const resumeQuery: QueryRow = {
  name: "last_event_id",
  about: "where to resume, for a client that cannot send the header",
  kind: "text",
};
const heldQuery: QueryRow = {
  name: "held",
  about: "1: with comments that are held for review; needs the right to moderate",
  kind: "whole number",
};
const like: readonly Code[] = [
  "bad-field",
  "unknown-kind",
  "bad-count",
  "count-not-one",
  "bad-viewer",
  "like-mode",
  "bad-user",
  "bad-key",
  "like-rate",
  "banned",
];
const comment: readonly Code[] = [
  "bad-field",
  "text-empty",
  "text-too-long",
  "text-control",
  "text-malformed",
  "bad-user",
  "bad-key",
  "comment-rate",
  "slow-mode",
  "muted",
  "banned",
  "comments-off",
  "members-only",
  "text-refused",
  "review-denied",
];
const log: readonly Code[] = ["busy", "unavailable"];

export const rows: readonly Row[] = [
  {
    method: "POST",
    path: "/v1/videos/:video/likes",
    handle: postLike,
    summary: "Like a video; a client merges quick taps into one call",
    body: "Like",
    keyed: true,
    answer: { status: 202, about: "counted, durably; a repeated key is counted once", schema: "Taken" },
    refusals: [...like, ...log],
  },
  {
    method: "DELETE",
    path: "/v1/videos/:video/likes",
    handle: deleteLike,
    summary: "Take a viewer's like back, with --like-mode=once; a JSON body of the same fields does too",
    query: [
      { name: "kind", about: "the kind of like", kind: "text" },
      { name: "viewer", about: "whose like it is, unless a token says so", kind: "text" },
    ],
    keyed: true,
    answer: { status: 202, about: "taken back, durably, or not there", schema: "Taken" },
    refusals: [...like, "bad-json", "bad-body", "bad-content-type", "too-large", ...log],
  },
  {
    method: "POST",
    path: "/v1/likes",
    handle: postLikes,
    summary: "Like many videos in one call, from a server",
    body: "Likes",
    answer: { status: 202, about: "one verdict per item, in order", schema: "Verdicts" },
    refusals: ["too-many-items", ...log],
  },
  {
    method: "POST",
    path: "/v1/videos/:video/comments",
    handle: postComment,
    summary: "Comment on a video",
    body: "Comment",
    keyed: true,
    answer: { status: 201, about: "placed, durably", schema: "Placed" },
    refusals: [...comment, ...log],
  },
  {
    method: "DELETE",
    path: "/v1/videos/:video/comments/:comment",
    handle: deleteComment,
    summary: "Remove a comment",
    admin: true,
    answer: { status: 204, about: "removed, durably" },
    refusals: ["unknown-comment", "unavailable"],
  },
  {
    method: "GET",
    path: "/v1/videos/:video",
    handle: getVideo,
    summary: "Totals and viewers of a video",
    answer: { status: 200, about: "as of now", schema: "Video" },
    refusals: ["unavailable"],
  },
  {
    method: "GET",
    path: "/v1/videos/:video/comments",
    handle: getComments,
    summary: "Comments of a video, oldest first; without `after` the newest ones",
    query: [
      { name: "after", about: "the id of a comment: those behind it", kind: "text" },
      { name: "limit", about: "at most so many", kind: "whole number" },
      heldQuery,
    ],
    answer: { status: 200, about: "a page of comments", schema: "Comments" },
    refusals: ["bad-query", "busy", "unavailable", "admin-off"],
  },
  {
    method: "GET",
    path: "/v1/videos/:video/poll",
    handle: getPoll,
    summary: "What is new on a video, by long poll, for networks that hold streams back",
    query: [
      { name: "after", about: "the cursor of the last answer", kind: "text" },
      { name: "wait", about: "seconds to wait for something new", kind: "whole number" },
    ],
    answer: { status: 200, about: "the state, and the comments since", schema: "Poll" },
    refusals: ["bad-query", "no-streams", "unavailable"],
  },
  {
    method: "GET",
    path: "/v1/videos/:video/events",
    handle: getVideoEvents,
    summary: "Stream of one video's events",
    query: [resumeQuery, heldQuery],
    resumes: true,
    answer: { status: 200, about: "Server-Sent Events", type: "text/event-stream" },
    refusals: ["bad-query", "no-streams", "admin-off"],
  },
  {
    method: "GET",
    path: "/v1/events",
    handle: getEvents,
    summary: "Stream of several videos' events",
    query: [
      { name: "video", about: "the videos to watch; repeat it for several", kind: "videos" },
      resumeQuery,
      heldQuery,
    ],
    resumes: true,
    answer: { status: 200, about: "Server-Sent Events", type: "text/event-stream" },
    refusals: ["bad-query", "bad-video", "too-many-videos", "no-streams", "admin-off"],
  },
  {
    method: "PUT",
    path: "/v1/connections/:connection/videos/:video",
    handle: putWatch,
    summary: "Start watching a video on an open stream, whichever node holds it",
    answer: { status: 204, about: "watching" },
    refusals: ["unknown-connection", "too-many-videos", ...log],
  },
  {
    method: "DELETE",
    path: "/v1/connections/:connection/videos/:video",
    handle: deleteWatch,
    summary: "Stop watching a video on an open stream",
    answer: { status: 204, about: "not watching" },
    refusals: ["unknown-connection", "unavailable"],
  },
  {
    method: "GET",
    path: "/v1/config",
    handle: getConfig,
    summary: "What a page must know of this server",
    answer: { status: 200, about: "kinds, bounds and names", schema: "Config" },
  },
  {
    method: "GET",
    path: "/v1/cluster",
    handle: getCluster,
    summary: "The cluster as this node sees it",
    admin: true,
    answer: { status: 200, about: "nodes, leases, routes and owners", schema: "Cluster" },
    refusals: ["unavailable"],
  },
  {
    method: "GET",
    path: "/v1/admin/events",
    handle: getAdminEvents,
    summary: "Once a second what this node does, and what it knows of its cluster",
    admin: true,
    answer: { status: 200, about: "Server-Sent Events: admin, cluster", type: "text/event-stream" },
    refusals: ["busy", "forbidden"],
  },
  {
    method: "POST",
    path: "/v1/admin/mutes",
    handle: postMute,
    summary: "Keep a user or an address from commenting for a time; 0 seconds lift it",
    admin: true,
    body: "Restriction",
    answer: { status: 204, about: "decided, on all nodes within moments" },
    refusals: ["bad-field", "forbidden", ...log],
  },
  {
    method: "POST",
    path: "/v1/admin/bans",
    handle: postBan,
    summary: "Keep a user or an address from everything for a time; 0 seconds lift it",
    admin: true,
    body: "Restriction",
    answer: { status: 204, about: "decided, on all nodes within moments" },
    refusals: ["bad-field", "forbidden", ...log],
  },
  {
    method: "PUT",
    path: "/v1/admin/videos/:video",
    handle: putVideoRules,
    summary: "How a video takes comments",
    admin: true,
    body: "VideoRules",
    answer: { status: 204, about: "decided, on all nodes within moments" },
    refusals: ["bad-field", "forbidden", ...log],
  },
  {
    method: "GET",
    path: "/v1/admin/moderation",
    handle: getModeration,
    summary: "What moderators' decisions hold now",
    admin: true,
    answer: { status: 200, about: "as of now", schema: "Moderation" },
    refusals: ["forbidden", "unavailable"],
  },
  {
    method: "GET",
    path: "/v1/admin/audit",
    handle: getAudit,
    summary: "Who decided what, newest first",
    admin: true,
    query: [{ name: "limit", about: "at most so many", kind: "whole number" }],
    answer: { status: 200, about: "decisions", schema: "Audit" },
    refusals: ["bad-query", "forbidden", "unavailable"],
  },
  {
    method: "GET",
    path: "/v1/demo",
    handle: getDemo,
    summary: "Size of the simulated crowd, with --demo",
    answer: { status: 200, about: "the crowd", schema: "Fans" },
    refusals: ["not-found"],
  },
  {
    method: "PUT",
    path: "/v1/demo",
    handle: putDemo,
    summary: "Set the size of the simulated crowd, with --demo",
    body: "FansWanted",
    answer: { status: 200, about: "the crowd", schema: "Fans" },
    refusals: ["bad-field", "not-found"],
  },
  {
    method: "GET",
    path: "/health/live",
    handle: getLive,
    summary: "This process answers",
    answer: { status: 200, about: "alive", schema: "Status" },
  },
  {
    method: "GET",
    path: "/health/ready",
    handle: getReady,
    summary: "Whether viewers and publishers should be sent here",
    answer: { status: 200, about: "ready", schema: "Status" },
    refusals: ["not-ready"],
  },
  {
    method: "GET",
    path: "/metrics",
    handle: getMetrics,
    summary: "Metrics for Prometheus",
    answer: { status: 200, about: "text format 0.0.4", type: "text/plain" },
  },
  {
    method: "GET",
    path: "/media/:file{.+}",
    handle: getMedia,
    summary: "A file of the --media folder; ranges are answered",
    answer: { status: 200, about: "the file", type: "application/octet-stream" },
    refusals: ["not-found"],
  },
];
