/**
 * The ways to hear of a video: streams, what an open stream watches, and the long poll.
 *
 * EventSource gives up for good on anything but 200, so a stream that cannot be served now is still answered
 * with 200, told when to come back, and closed. Only a request that can never succeed gets an error.
 */
import { parseVideoId, reject, type VideoId } from "../core/interaction.ts";
import { limits } from "../core/limits.ts";
import type { Identity } from "../trust/identity.ts";
import { empty, json, refuse, refused } from "./answer.ts";
import { admit, enter } from "./auth.ts";
import { addressIn, type Call, heldIn, queryOf, videoParam, wholeNumber } from "./call.ts";
import type { Doors, Streams } from "./doors.ts";

const streamHeaders = new Headers({
  "content-type": "text/event-stream",
  "cache-control": "no-cache, no-transform",
  "x-accel-buffering": "no",
  "x-content-type-options": "nosniff",
});
const streamInit = { headers: streamHeaders };
/** Characters of a poll's cursor. Beyond: 400. */
const cursorCharsMax = 256;
const waitSecondsMax = 25;
const connectionPattern = /^[A-Za-z0-9_.-]{1,128}$/;

function noStreams(): Response {
  return refuse("no-streams", "this node holds no streams: ask a node with --role=frontend or --role=both");
}

/** `GET /v1/videos/:video/events` */
export function getVideoEvents(doors: Doors, call: Call): Response | Promise<Response> {
  if (!doors.frontend) return noStreams();
  const video = videoParam(call);
  return video instanceof Response ? video : stream(doors, doors.frontend, call, [video]);
}

/** `GET /v1/events?video=a&video=b` */
export function getEvents(doors: Doors, call: Call): Response | Promise<Response> {
  if (!doors.frontend) return noStreams();
  const videos = new Set<VideoId>();
  for (const text of queryOf(call).getAll("video")) {
    const video = parseVideoId(text);
    if (typeof video !== "string") return refused(video);
    videos.add(video);
    if (videos.size > limits.videosPerStreamMax) {
      return refuse("too-many-videos", `a stream watches at most ${limits.videosPerStreamMax} videos`);
    }
  }
  if (videos.size === 0) return refuse("bad-query", "name at least one video: ?video=…");
  return stream(doors, doors.frontend, call, [...videos]);
}

async function stream(
  doors: Doors,
  frontend: Streams,
  call: Call,
  videos: readonly VideoId[],
): Promise<Response> {
  const { request } = call;
  const reviews = request.url.includes("held=") && heldIn(queryOf(call));
  if (typeof reviews === "object") return refused(reviews);
  const found = await doors.auth.identify(request);
  for (const video of videos) {
    const who = admit(doors, found, reviews ? "moderate" : "watch", video);
    if (who instanceof Response) return who;
  }
  const who = found as Identity;
  // A HEAD is answered by the same route and must not count as a viewer for an instant.
  if (request.method === "HEAD") return new Response(null, streamInit);
  const lastEventId = lastEventIdOf(call);
  const refuseStream = (reason: string) =>
    new Response(frontend.refuse(reason, lastEventId) as BodyInit, streamInit);
  if (frontend.draining) return refuseStream("drain");
  const address = doors.allowance || doors.moderation?.restricts ? addressIn(doors, call) : undefined;
  for (const video of videos) {
    const banned = doors.moderation?.bans(who, address, video, doors.clock.now());
    if (banned) return refused(banned);
  }
  const over = doors.full?.()
    ? reject("busy", "this node holds as much memory as it may")
    : doors.allowance?.stream(who, address, frontend.connections, doors.clock.now());
  if (over) {
    doors.metrics.refused.inc({ reason: over.rejected });
    return refuseStream("limit");
  }
  const ended = doors.allowance?.opened(who);
  const { untilMs } = who;
  const body = frontend.open({ videos, lastEventId, reviews, signal: request.signal, untilMs, ended });
  return new Response(body, streamInit);
}

/**
 * The header, which a reconnecting browser keeps up to date; then the query, for first loads. A header that
 * is there and empty is that of a client that lost its place (Rust's reqwest-eventsource 0.6.0): it is
 * answered as any place that means nothing, since a snapshot alone would not say that something may lie
 * before it.
 */
function lastEventIdOf(call: Call): string | undefined {
  const header = call.request.headers.get("last-event-id");
  if (header) return header;
  const query = call.request.url.includes("?") ? queryOf(call) : undefined;
  return query?.get("last_event_id") || query?.get("lastEventId") || (header ?? undefined);
}

/** `PUT /v1/connections/:connection/videos/:video` */
export function putWatch(doors: Doors, call: Call): Response | Promise<Response> {
  return watch(doors, call, true);
}

/** `DELETE /v1/connections/:connection/videos/:video` */
export function deleteWatch(doors: Doors, call: Call): Response | Promise<Response> {
  return watch(doors, call, false);
}

async function watch(doors: Doors, call: Call, on: boolean): Promise<Response> {
  const video = videoParam(call);
  if (video instanceof Response) return video;
  const who = await enter(doors, call.request, "watch", video);
  if (who instanceof Response) return who;
  const connection = call.params.connection ?? "";
  const outcome = connectionPattern.test(connection)
    ? await doors.watching.watch(connection, video, on, on ? who.untilMs : undefined)
    : "unknown-connection";
  if (outcome === "unknown-connection") return refuse("unknown-connection", "no such stream is open");
  if (outcome !== "done") return refused(outcome);
  return empty(204);
}

/** `GET /v1/videos/:video/poll?after=CURSOR&wait=25` */
export async function getPoll(doors: Doors, call: Call): Promise<Response> {
  if (!doors.frontend) return noStreams();
  const video = videoParam(call);
  if (video instanceof Response) return video;
  const who = await enter(doors, call.request, "watch", video);
  if (who instanceof Response) return who;
  const query = queryOf(call);
  const wait = wholeNumber(query, "wait", { min: 0, max: waitSecondsMax, fallback: 0 });
  if (typeof wait === "object") return refused(wait);
  const after = query.get("after") || undefined;
  if (after !== undefined && after.length > cursorCharsMax) {
    return refuse("bad-query", `after must have at most ${cursorCharsMax} characters`);
  }
  if (call.request.method === "HEAD") return empty(200);
  // A poll ends with its permission, as a stream does.
  const leftMs = (who.untilMs ?? Number.POSITIVE_INFINITY) - doors.clock.now();
  const waitMs = Math.max(0, Math.min(wait * 1000, leftMs));
  const answer = await doors.frontend.poll(video, after, waitMs, call.request.signal);
  return "rejected" in answer ? refused(answer) : json(200, answer);
}
