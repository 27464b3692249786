/**
 * A video's own time over HTTP: its timeline, its moments, and what is shown with its recording, as JSON
 * Lines and as WebVTT.
 *
 * All of it can be cached: each answer has an ETag of its content, and a cache may keep it for a second. Of a
 * video that is closed it keeps pages of the replay for ever, and what names their edition for a minute:
 * whoever asks for pages of that edition (web/client/reel.ts) is shown nothing that was removed since, and
 * all that came since it was opened again. Where a token is asked for, only its holder's own cache may. Held
 * by times.test.ts.
 */
import { createHash } from "node:crypto";
import { isKind, isRejection, type Rejection, reject, type VideoId } from "../core/interaction.ts";
import { limits } from "../core/limits.ts";
import {
  type CommentLine,
  isComment,
  isEdition,
  type LikesLine,
  type Over,
  type ReplayLine,
  type ReplayReply,
  type TimelineReply,
  type TimesRequest,
} from "../core/times.ts";
import { type Counts, emptyCounts } from "../core/totals.ts";
import type { Identity } from "../trust/identity.ts";
import { holds, refuse, refused, takenOut } from "./answer.ts";
import { wholeNumber } from "./call.ts";
import type { Doors } from "./doors.ts";
import { type Entry, videoOf } from "./entry.ts";
import { cueOf, vttHead } from "./vtt.ts";

const secondsOfStepMax = 86_400;
/** How long a cache may keep pages of a video that is over, and the rest of what is told of it. */
const pageSecondsMax = 31_536_000;
const closedSecondsMax = 60;
const shows = ["all", "comments", "reactions"] as const;

/** `GET /v1/videos/:video/timeline?from=&to=&step=&kind=` */
export async function getTimeline(doors: Doors, entry: Entry): Promise<Response> {
  const video = videoOf(entry);
  const { query } = entry;
  const stepS = wholeNumber(query, "step", { min: 1, max: secondsOfStepMax, fallback: 0 });
  const asked = rangeIn(entry);
  if (typeof stepS === "object") return refused(stepS);
  if (isRejection(asked)) return refused(asked);
  const kinds = new Set(query.getAll("kind"));
  for (const kind of kinds) if (!isKind(kind)) return refused(reject("bad-query", "kind must name a kind"));
  const told = await doors.times.timeline({ ...asked, ...(stepS > 0 && { stepS }) });
  if (isRejection(told)) return refused(told);
  // A video may have kinds that were configured once, or are on other nodes.
  const known = new Set([...doors.settings.kinds, ...Object.keys(told.totals)]);
  for (const kind of kinds) {
    if (!known.has(kind)) return refuse("unknown-kind", `kind must be one of ${[...known].join(", ")}`);
  }
  const edition = isOver(doors, video, told) && told.edition !== undefined && { edition: told.edition };
  const body = { video, ...timelineJson(told, kinds), ...edition };
  return cached(doors, entry, "application/json; charset=utf-8", { text: JSON.stringify(body) }, told);
}

/** A timeline as callers are told it: times in Unix ms, of `kinds` only, of all where none is named. */
export function timelineJson(told: TimelineReply, kinds: ReadonlySet<string> = new Set()): object {
  const { fromMs, toMs, skewMs, totals, before, likes, unlikes, people, comments, viewers } = told;
  const of = <T>(rows: Readonly<Record<string, T>>): Record<string, T> => {
    return Object.fromEntries(Object.entries(rows).filter(([kind]) => kinds.size === 0 || kinds.has(kind)));
  };
  return {
    ...{ from: fromMs, to: toMs, step: told.stepS, skewMs: skewMs === null ? null : Math.round(skewMs) },
    ...{ totals: of(totals), before: of(before), likes: of(likes), ...(unlikes && { unlikes: of(unlikes) }) },
    ...{ people, comments, commentsFrom: told.commentsFromMs },
    ...(told.commentsBefore !== undefined && { commentsBefore: told.commentsBefore }),
    viewers,
    resolution: told.resolution.map((kept) => ({ from: kept.fromMs, step: kept.stepS })),
  };
}

/** `GET /v1/videos/:video/moments?n=10` */
export async function getMoments(doors: Doors, entry: Entry): Promise<Response> {
  const most = wholeNumber(entry.query, "n", { min: 1, max: limits.momentsMax, fallback: 10 });
  if (typeof most === "object") return refused(most);
  const video = videoOf(entry);
  const told = await doors.times.moments({ video, most });
  if (isRejection(told)) return refused(told);
  const moments = told.moments.map(({ startMs, peakMs, endMs, score, people, likes, comments }) => {
    const times = { start: startMs, peak: peakMs, end: endMs };
    return { ...times, score, people, likes, comments: comments.map(commentJson) };
  });
  const text = JSON.stringify({ video, moments });
  return cached(doors, entry, "application/json; charset=utf-8", { text }, told);
}

/** `GET /v1/videos/:video/replay?from=&to=`, one JSON object a line. */
export async function getReplay(doors: Doors, entry: Entry): Promise<Response> {
  const asked = rangeIn(entry);
  const edition = editionIn(entry);
  if (isRejection(asked)) return refused(asked);
  if (typeof edition === "object") return refused(edition);
  const page = await doors.times.replay(asked);
  if (isRejection(page)) return refused(page);
  const lines = [...page.lines.map(lineJson), { next: page.nextMs }];
  const text = lines.map((line) => `${JSON.stringify(line)}\n`).join("");
  return cached(doors, entry, "application/x-ndjson", { text }, page, edition);
}

/** `GET /v1/videos/:video/replay.vtt?start=&from=&to=&show=` */
export async function getReplayTrack(doors: Doors, entry: Entry): Promise<Response> {
  const show = entry.query.get("show") || "all";
  const asked = rangeIn(entry);
  const start = timeIn(entry.query, "start");
  const edition = editionIn(entry);
  if (!shows.some((known) => known === show)) {
    return refused(reject("bad-query", `show must be one of ${shows.join(", ")}`));
  }
  if (isRejection(asked)) return refused(asked);
  if (typeof start === "object") return refused(start);
  if (typeof edition === "object") return refused(edition);
  const { fromMs = start } = asked;
  const from = { ...asked, fromMs: start === undefined ? fromMs : Math.max(start, fromMs ?? start) };
  const page = await doors.times.replay(from);
  if (isRejection(page)) return refused(page);
  const startMs = start ?? Math.floor((page.lines[0]?.atMs ?? 0) / 1000) * 1000;
  const cues = ({ lines }: ReplayReply): string => {
    const wanted = lines.filter((line) => show === "all" || (show === "comments") === isComment(line));
    return wanted.map((line) => cueOf(line, startMs)).join("");
  };
  const type = "text/vtt; charset=utf-8";
  const text = vttHead + cues(page);
  if (page.nextMs === null) return cached(doors, entry, type, { text }, page, edition);
  const stream = streamed(doors, entry.who, from, text, page.nextMs, cues);
  return cached(doors, entry, type, { stream }, page, edition);
}

/** A text in pages: each is asked for when the one before has been taken. */
function streamed(
  { times, auth }: Doors,
  who: Identity,
  asked: Omit<TimesRequest, "want">,
  first: string,
  second: number | null,
  cues: (page: ReplayReply) => string,
): ReadableStream<Uint8Array> {
  const encoder = new TextEncoder();
  let nextMs = second;
  return new ReadableStream({
    start: (controller) => controller.enqueue(encoder.encode(first)),
    async pull(controller) {
      for (let text = ""; text === "" && nextMs !== null; ) {
        const page: ReplayReply | Rejection = await times.replay({ ...asked, fromMs: nextMs });
        // Cut in the middle: whoever reads it must not take it for whole.
        if (isRejection(page)) return controller.error(new Error(page.message));
        if (!auth.stands(who)) return controller.error(new Error(takenOut));
        text = cues(page);
        if (text !== "") controller.enqueue(encoder.encode(text));
        nextMs = page.nextMs;
      }
      if (nextMs === null) controller.close();
    },
  });
}

/** The stretch that a query names, if it names one. */
function rangeIn(entry: Entry): Omit<TimesRequest, "want"> | Rejection {
  const [fromMs, toMs] = [timeIn(entry.query, "from"), timeIn(entry.query, "to")];
  if (typeof fromMs === "object") return fromMs;
  if (typeof toMs === "object") return toMs;
  if (fromMs !== undefined && toMs !== undefined && toMs < fromMs) {
    return reject("bad-query", "to must not be before from");
  }
  return { video: videoOf(entry), fromMs, toMs };
}

/** The time `name` of a query, whole Unix milliseconds. */
function timeIn(query: URLSearchParams, name: string): number | undefined | Rejection {
  const text = query.get(name);
  if (text === null) return undefined;
  return /^[0-9]{1,15}$/.test(text)
    ? Number(text)
    : reject("bad-query", `${name} must be a time in Unix milliseconds`);
}

/** The edition whose pages are wanted; "": whichever there is. */
function editionIn({ query }: Entry): string | Rejection {
  const edition = query.get("edition") ?? "";
  if (edition === "" || isEdition(edition)) return edition;
  return reject("bad-query", "edition must be one that the timeline told");
}

/** Whether nothing more comes of a video, as far as is known now. */
function isOver({ moderation }: Doors, video: VideoId, { over }: Over): boolean {
  return over || (moderation?.over(video) ?? false);
}

function lineJson(line: ReplayLine): object {
  if (isComment(line)) return { at: line.atMs, comment: said(line) };
  const { atMs: at, spanMs, likes, unlikes }: LikesLine = line;
  return {
    at,
    ...(spanMs !== 1_000 && { spanMs }),
    likes: plain(likes),
    ...(unlikes && { unlikes: plain(unlikes) }),
  };
}

function commentJson(line: CommentLine): object {
  return { ...said(line), at: line.atMs };
}

function said({ id, user, text }: CommentLine): object {
  return { id, ...(user !== undefined && { user }), text };
}

/** Counts that are not 0. */
function plain(counts: Counts): Counts {
  const some = emptyCounts();
  for (const kind in counts) if (counts[kind]) some[kind] = counts[kind];
  return some;
}

/**
 * An answer that caches may keep, and that whoever has it already is not given again. `edition`: of a page,
 * the one that was asked for; pages of one that is no more are kept no longer than any.
 */
function cached(
  doors: Doors,
  entry: Entry,
  type: string,
  body: { readonly text: string } | { readonly stream: ReadableStream<Uint8Array> },
  told: Over,
  edition?: string,
): Response {
  const { request } = entry;
  const whose = doors.auth.mode === "token" ? "private" : "public";
  const isSettled = isOver(doors, videoOf(entry), told);
  const isNamed = edition === "" || (edition !== undefined && edition === told.edition);
  const age = isSettled ? (isNamed ? `${pageSecondsMax}, immutable` : closedSecondsMax) : 1;
  const headers: Record<string, string> = {
    "content-type": type,
    "cache-control": `${whose}, max-age=${age}`,
    "x-content-type-options": "nosniff",
    "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
    "referrer-policy": "no-referrer",
  };
  if ("stream" in body) return new Response(body.stream, { headers });
  const etag = `"${createHash("sha256").update(body.text).digest("base64url").slice(0, 22)}"`;
  headers.etag = etag;
  if (holds(request.headers.get("if-none-match"), etag)) return new Response(null, { status: 304, headers });
  return new Response(body.text, { headers });
}
