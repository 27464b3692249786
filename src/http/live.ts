/**
 * What caches share among viewers: a video as everybody sees it now, and single seconds that are over; and
 * what somebody is told who gets no stream and is to poll these.
 *
 * Both answers are the same bytes for everybody: no cookie, no origin, no name of this node, and no `Vary`.
 * So a hundred thousand who ask every other second are, behind a cache, one request a second here. Where a
 * token is needed, a signature in the address takes its place (trust/signatures.ts); an answer to a token
 * itself is its holder's alone. Held by live.test.ts and system/live.test.ts.
 */
import { createHash } from "node:crypto";
import { isRejection, type VideoId } from "../core/interaction.ts";
import type { PollOffer } from "../core/sse.ts";
import type { TimelineReply } from "../core/times.ts";
import { type Counts, emptyCounts } from "../core/totals.ts";
import type { PollAnswer } from "../frontend/poll.ts";
import { holds, json, refuse, refused } from "./answer.ts";
import type { Doors } from "./doors.ts";
import { type Entry, videoOf } from "./entry.ts";
import { noStreams } from "./streams.ts";

const liveCache = "public, max-age=1, stale-while-revalidate=5, stale-if-error=60";
const foreverCache = "public, max-age=31536000, immutable";
/** Of an address whose time is over: it stays so. */
const overCache = "public, max-age=5";
/** What a like may take on its way into its second, beyond all delays that viewers have, ms. */
const settleMs = 10_000;

interface Text {
  readonly text: string;
  readonly etag: string;
}

/** Written once for all who ask, until there is something else to see. */
const texts = new WeakMap<PollAnswer, Text>();

/** `GET /v1/videos/:video/live` */
export async function getLiveState(doors: Doors, entry: Entry): Promise<Response> {
  if (!doors.frontend) return noStreams();
  const answer = await doors.frontend.live(videoOf(entry), entry.request.signal);
  if ("rejected" in answer) return refused(answer);
  const { video, cursor, ...state } = answer;
  const known = texts.get(answer) ?? textOf({ video, everyMs: doors.polling.everyMs, ...state, cursor });
  texts.set(answer, known);
  return shared(doors, entry, known, liveCache);
}

/** `GET /v1/videos/:video/ticks/:second` */
export async function getTick(doors: Doors, entry: Entry): Promise<Response> {
  const { second: named = "" } = entry.params;
  if (!/^[0-9]{1,11}$/.test(named))
    return refuse("not-found", "a tick is named by its second, in Unix seconds");
  const second = Number(named);
  const video = videoOf(entry);
  const fromMs = 1000 * second;
  const told = await doors.times.timeline({ video, fromMs, toMs: fromMs + 1000, stepS: 1 });
  if (isRejection(told)) return refused(told);
  // In the stream's clock, which may be behind this one.
  const overMs = fromMs + 1000 + Math.max(0, told.skewMs ?? 0) + doors.polling.lateMs + settleMs;
  if (doors.clock.date() < overMs) return notYet();
  if (!isKept(told, fromMs))
    return refuse("not-kept", "what came in this second is only known of longer steps");
  const likes = firstOf(told.likes);
  const unlikes = told.unlikes && { unlikes: firstOf(told.unlikes) };
  const text = textOf({ video, second, likes, ...unlikes, comments: told.comments[0] ?? 0 });
  return shared(doors, entry, text, foreverCache);
}

/**
 * Where a caller who may watch `videos` hears of them without a stream; undefined where a token would be
 * needed and nothing can be signed. `isOne`: the stream's URL names the video in its path.
 */
export function pollOffer(doors: Doors, videos: readonly VideoId[], isOne: boolean): PollOffer | undefined {
  const { polling, auth, clock } = doors;
  const { everyMs, signatures } = polling;
  const [first] = videos;
  if (first === undefined || (auth.mode === "token" && !signatures)) return undefined;
  const nowMs = clock.date();
  const signed = (video: VideoId): string => (signatures ? `?${signatures.query(video, nowMs)}` : "");
  if (isOne) return { url: `live${signed(first)}`, everyMs };
  if (videos.length === 1) return { url: `videos/${first}/live${signed(first)}`, everyMs };
  const url = "videos/{video}/live";
  if (!signatures) return { url, everyMs };
  return { url, urls: Object.fromEntries(videos.map((v) => [v, `videos/${v}/live${signed(v)}`])), everyMs };
}

/**
 * `refusal` of a signed address, which caches may keep where its time is over: one that shows what is old
 * while it asks for new (nginx) would else show the last answer for as long as somebody asks.
 */
export function toldIfOver(
  { polling }: Doors,
  video: VideoId | undefined,
  query: URLSearchParams,
  refusal: Response,
): Response {
  const isSigned =
    video !== undefined && polling.signatures?.isOurs(video, query.get("until"), query.get("sig"));
  if (isSigned && refusal.status === 403) refusal.headers.set("cache-control", overCache);
  return refusal;
}

function notYet(): Response {
  const error = { code: "not-yet", message: "this second may still change" };
  return json(404, { error }, { "cache-control": "public, max-age=1" });
}

/** Whether that second is still known by itself; one before the first of all is, and was empty. */
function isKept({ resolution, before, ...said }: TimelineReply, fromMs: number): boolean {
  if (said.commentsFromMs !== null && fromMs < said.commentsFromMs) return false;
  const finest = resolution.find(({ stepS }) => stepS === 1);
  if (finest && fromMs >= finest.fromMs) return true;
  if (said.commentsBefore !== undefined || resolution.some(({ stepS }) => stepS > 1)) return false;
  return Object.values(before).every((count) => count === 0);
}

/** The counts of the first step, in an order that does not depend on who says it. */
function firstOf(rows: TimelineReply["likes"]): Counts {
  const counts = emptyCounts();
  for (const kind of Object.keys(rows).sort()) {
    const count = rows[kind]?.[0] ?? 0;
    if (count !== 0) counts[kind] = count;
  }
  return counts;
}

function textOf(value: object): Text {
  const text = JSON.stringify(value);
  return { text, etag: `"${createHash("sha256").update(text).digest("base64url").slice(0, 22)}"` };
}

/** An answer that is everybody's, unless it was a token that it was given to. */
function shared({ auth }: Doors, { request, who }: Entry, { text, etag }: Text, cache: string): Response {
  const isOwn = auth.mode === "token" && who.by !== "nobody";
  const headers = {
    "content-type": "application/json; charset=utf-8",
    "cache-control": isOwn ? "private, max-age=1" : cache,
    etag,
    // One answer for all origins: it says nothing of who asks, and a page of any other can have it anyway.
    "access-control-allow-origin": "*",
    "x-content-type-options": "nosniff",
    "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
    "referrer-policy": "no-referrer",
  };
  if (!holds(request.headers.get("if-none-match"), etag)) return new Response(text, { headers });
  return new Response(null, { status: 304, headers });
}
