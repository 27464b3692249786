/**
 * The door: whether a call is let in, decided in one place and from its row alone.
 *
 * In this order: what its URL names, who makes it, what that takes of their work, whether they may, whether
 * they are banned, and what it takes beyond. Nothing of a body is read before. What only a body tells (how
 * many likes, whose name a comment bears) is asked by `admitLike` and `admitComment`, and nothing goes to the
 * ingest that was not. door.test.ts walks every row of the table with everybody who is to be refused.
 */

import type { Elapsed } from "../base/clock.ts";
import {
  type CommentDraft,
  isRejection,
  type Like,
  parseVideoId,
  type Rejection,
  reject,
  unknownName,
  type VideoId,
} from "../core/interaction.ts";
import { limits } from "../core/limits.ts";
import type { PollOffer } from "../core/sse.ts";
import { addressOf } from "../trust/address.ts";
import { prices } from "../trust/allowance.ts";
import {
  anybody,
  covers,
  type Identity,
  isStaffs,
  type Right,
  speaksForMany,
  type Videos,
  videosOf,
} from "../trust/identity.ts";
import { type Payer, payerAt, payerOf } from "../trust/payer.ts";
import { type Answer, lastAnswer, refused, streamAnswer } from "./answer.ts";
import { unauthorized } from "./auth.ts";
import { type Call, lastEventIdOf, wholeNumber } from "./call.ts";
import type { Doors, Streams } from "./doors.ts";
import type { Entry, Place } from "./entry.ts";
import { pollOffer, toldIfOver } from "./live.ts";
import type { Row } from "./row.ts";
import { isThisMachine } from "./surroundings.ts";

/**
 * Lets `call` in by its row and answers it: at once, where neither the proof nor the answer takes time.
 * Throws or rejects only by a bug.
 */
export function answerBy(row: Row, doors: Doors, call: Call): Answer {
  const entering = enter(doors, row, call);
  if (entering instanceof Promise) return entering.then((entry) => answerTo(entry, row, doors));
  return answerTo(entering, row, doors);
}

function answerTo(entry: Entry | Response, row: Row, doors: Doors): Answer {
  if (entry instanceof Response) return entry;
  const { place } = entry;
  return place ? answerInPlace(entry, place, row, doors) : row.handle(doors, entry);
}

async function answerInPlace(entry: Entry, place: Place, row: Row, doors: Doors): Promise<Response> {
  try {
    return await row.handle(doors, entry);
  } finally {
    if (!place.kept) place.leave();
  }
}

/** The entry of `call`, or the answer that refuses it, counted. At once, unless a proof has to be checked. */
function enter(doors: Doors, row: Row, call: Call): Entry | Response | Promise<Entry | Response> {
  const named = namesIn(row, call);
  if (isRejection(named)) return refusal(doors, row, named, call);
  // Of one that is not listed any more an operator may still take, or take away, what it had.
  const strange = row.right === "admin" ? undefined : strangeVideo(doors, named.videos);
  if (strange) return refusal(doors, row, strange, call);
  if (row.right === "anybody") return ownEntry(call, named);
  if (row.orThisMachine === "always" && isThisMachine(call)) return ownEntry(call, named);
  const address = addressIn(doors, row, call);
  const ask: Ask = { doors, row, call, named, address };
  if (row.signed && doors.auth.mode === "token" && named.query.has("sig")) return admitSigned(ask);
  const found = doors.auth.identify(call.request);
  if (!("prove" in found)) return found instanceof Response ? counted(ask, found) : known(ask, found);
  // Checked at the cost of the address, which gets it back from whoever proves to be somebody.
  const payer = payerAt(address);
  const over = doors.allowance?.work(payer, prices.failedProof, doors.clock.elapsed());
  if (over) return refusal(doors, row, over, call);
  return found.prove().then((proven) => {
    if (isRejection(proven)) return refusal(doors, row, proven, call);
    doors.allowance?.spent(payer, -prices.failedProof, doors.clock.elapsed());
    return admit(ask, proven);
  });
}

/** A call on its way through the door. */
interface Ask {
  readonly doors: Doors;
  readonly row: Row;
  readonly call: Call;
  readonly named: Named;
  readonly address: string | undefined;
}

function known(ask: Ask, found: Identity | Rejection): Entry | Response {
  if (!isRejection(found)) return admit(ask, found);
  const { doors, row, call, address } = ask;
  const over = doors.allowance?.work(payerAt(address), prices.failedProof, doors.clock.elapsed());
  return refusal(doors, row, over ?? found, call);
}

/** Lets `who` in, or says why not. */
function admit(ask: Ask, who: Identity): Entry | Response {
  const { doors, row, call, named, address } = ask;
  const payer = payerOf(who, address);
  const now = doors.clock.elapsed();
  const late = doors.allowance?.work(payer, prices.call, now);
  if (late) return refusal(doors, row, late, call);
  const right = named.held ? "moderate" : (row.right as Right);
  const forbidden = forbiddenBy(ask, who, right);
  if (forbidden) return counted(ask, forbidden);
  return letIn(ask, who, right, payer, now);
}

/** Lets in whoever has an address that was signed here: it was given to somebody who may watch the video. */
function admitSigned(ask: Ask): Entry | Response {
  const { doors, row, call, named, address } = ask;
  const { clock, polling, allowance } = doors;
  const payer = payerAt(address);
  const now = clock.elapsed();
  const late = allowance?.work(payer, prices.call, now);
  if (late) return refusal(doors, row, late, call);
  const [video] = named.videos;
  const [until, sig] = [named.query.get("until"), named.query.get("sig")];
  if (video === undefined || !polling.signatures?.holds(video, until, sig, clock.date())) {
    const why = "this address was not signed here, or its time is over: ask for a stream to get another";
    return toldIfOver(doors, video, named.query, refusal(doors, row, reject("forbidden", why), call));
  }
  return letIn(ask, anybody, "watch", payer, now);
}

/** The entry of `who`, who holds `right`, unless they are banned or it takes too much. */
function letIn(
  ask: Ask,
  who: Identity,
  right: Right,
  payer: Payer | undefined,
  now: Elapsed,
): Entry | Response {
  const { doors, row, call, named, address } = ask;
  const banned = isStaffs(right) ? undefined : doors.moderation?.bans(who, address, named.videos);
  if (banned) return refusal(doors, row, banned, call);
  const entry = entryOf(call, named, { who, address, payer });
  // A HEAD is answered by the same row, and opens nothing.
  if (call.request.method === "HEAD") return entry;
  const units = unitsBeyond(doors, row, call, named);
  const over =
    (units === 0 ? undefined : doors.allowance?.work(payer, units, now)) ??
    (watches(row) && doors.allowance ? doors.seats.over(payer, named.videos.length) : undefined);
  if (over) return refusal(doors, row, over, call, offerTo(ask));
  if (row.takes !== "stream") return entry;
  // Moderators work on what they see.
  const isDrawn = named.held || !doors.frontend || isOfShare(doors, doors.frontend, named);
  if (!isDrawn) return polls(ask);
  const place = placeOf(doors, who, address);
  if (place === undefined) return entry;
  return isRejection(place) ? refusal(doors, row, place, call, offerTo(ask)) : { ...entry, place };
}

/** Whether this one is of the share that gets streams. */
function isOfShare({ polling }: Doors, { connections }: Streams, { polls }: Named): boolean {
  return polling.share.admits(connections, polls);
}

/** What a stream is told in place of one, where there is anything: only after it is known to be let in. */
function offerTo({ doors, row, named }: Ask): PollOffer | undefined {
  return row.takes === "stream" ? pollOffer(doors, named.videos, row.path.includes(":video")) : undefined;
}

function polls(ask: Ask): Response {
  const { doors, call, named } = ask;
  doors.metrics.refused.inc({ reason: "share" });
  const place = lastEventIdOf(call.request, named.query);
  return streamAnswer(
    (doors.frontend?.refuse("share", place, offerTo(ask)) ?? null) as BodyInit | null,
    true,
  );
}

/** The entry of somebody who is not asked who they are. */
function ownEntry(call: Call, named: Named): Entry {
  return entryOf(call, named, { who: anybody, address: undefined, payer: undefined });
}

function entryOf(
  { request, params, peer }: Call,
  { videos, query, held }: Named,
  { who, address, payer }: Pick<Entry, "who" | "address" | "payer">,
): Entry {
  return { request, params, peer, videos, query, held, who, address, payer };
}

function forbiddenBy({ doors, row, call, named }: Ask, who: Identity, right: Right): Response | undefined {
  if (row.orThisMachine === true && doors.auth.mode === "open" && !doors.auth.grantable(right)) {
    return isThisMachine(call) ? undefined : doors.auth.forbids(who, right, undefined);
  }
  if (named.videos.length === 0) return doors.auth.forbids(who, right, undefined);
  for (const video of named.videos) {
    const forbidden = doors.auth.forbids(who, right, video);
    if (forbidden) return forbidden;
  }
  return undefined;
}

/** Whether a call of this row has its videos watched. */
function watches({ takes }: Pick<Row, "takes">): boolean {
  return takes === "stream" || takes === "poll" || takes === "watch";
}

/** Why one of `videos` is none of this server's, or undefined. */
export function strangeVideo({ settings }: Doors, videos: readonly VideoId[]): Rejection | undefined {
  if (settings.videos.length === 0) return undefined;
  const isOurs = (video: VideoId): boolean => covers(videosKnown(settings.videos), video);
  return videos.every(isOurs) ? undefined : reject("unknown-video", "there is no such video here");
}

const patterns = new WeakMap<readonly string[], Videos | undefined>();

function videosKnown(items: readonly string[]): Videos | undefined {
  if (!patterns.has(items)) patterns.set(items, videosOf(items) as Videos | undefined);
  return patterns.get(items);
}

/** What a call of this row costs beyond being a call. */
function unitsBeyond({ frontend }: Doors, { takes }: Row, { request }: Call, named: Named): number {
  if (takes === "question") return prices.question;
  if (takes === "reading") return prices.reading;
  if (takes === "room") return prices.stream;
  if (!watches({ takes })) return 0;
  let units = takes === "stream" ? prices.stream : 0;
  // Whether a place is still good may have to be asked, video by video.
  const resumes = takes === "stream" && lastEventIdOf(request, named.query) !== undefined;
  for (const video of named.videos) {
    units += prices.video + (resumes ? prices.question : 0) + (frontend?.watched(video) ? 0 : prices.watch);
  }
  return units;
}

/** A place among the streams of `who`, or why there is none; undefined: nobody counts theirs. */
function placeOf(doors: Doors, who: Identity, address: string | undefined): Place | Rejection | undefined {
  const { allowance, frontend, clock } = doors;
  const full = doors.full?.();
  const over = full
    ? reject("busy", full)
    : allowance?.stream(who, address, frontend?.connections ?? 0, clock.elapsed());
  if (over || !allowance || who.by !== "token") return over;
  return { kept: false, leave: () => allowance.left(who) };
}

// ---- what only a body tells

/** Why `like` of the caller of `entry` is not taken at `now`, or undefined. */
export function admitLike(doors: Doors, entry: Entry, like: Like, now: Elapsed): Rejection | undefined {
  const { who, address, payer } = entry;
  return (
    doors.moderation?.bans(who, address, [like.video], like.user) ??
    doors.moderation?.closed(like.video) ??
    doors.allowance?.like(payer, like.count, now) ??
    doors.allowance?.video(payer, like.video, now)
  );
}

/** The like that was admitted at `now`, marked where that caller is nobody new to its video. */
export function markLike({ people }: Doors, { payer }: Entry, like: Like, now: Elapsed): Like {
  return people?.mark(like, payer, now) ?? like;
}

/** Why `draft` of the caller of `entry` is not taken, or undefined; a review may take its time. */
export async function admitComment(
  doors: Doors,
  entry: Entry,
  draft: CommentDraft,
): Promise<Rejection | undefined> {
  const { who, address, payer } = entry;
  const { allowance, moderation, review, clock } = doors;
  const now = clock.elapsed();
  const over =
    allowance?.comment(payer, now) ??
    allowance?.video(payer, draft.video, now) ??
    moderation?.comment(draft, who, address);
  if (over || !review || speaksForMany(who) || who.rights.has("moderate")) return over;
  const denied =
    allowance?.work(payer, prices.review, clock.elapsed()) ??
    (await review.comment(draft, who.sub, payer && `${payer.by} ${payer.purses[0]?.name}`));
  if (denied) moderation?.giveBack(draft, who, address);
  return denied;
}

// ---- what a URL names

interface Named {
  readonly videos: readonly VideoId[];
  readonly query: URLSearchParams;
  readonly held: boolean;
  /** Asks for a stream, and polls until it gets one. */
  readonly polls: boolean;
}

const noQuery = new URLSearchParams();
/** Tokens may come in every query, for clients that can set no header. */
const everywhere = ["token"];
const namesOf = new WeakMap<Row, ReadonlySet<string>>();

/** What was named last by nothing but a path: many calls in a row name the same video. */
let plain: Named = { videos: [], query: noQuery, held: false, polls: false };

function namesIn(row: Row, { request, params, video }: Call): Named | Rejection {
  if (video !== undefined) {
    if (plain.videos[0] !== video) plain = { ...plain, videos: [video] };
    return plain;
  }
  const at = request.url.indexOf("?");
  const query = at < 0 ? noQuery : new URLSearchParams(request.url.slice(at));
  if (at >= 0 && row.path.startsWith("/v1/")) {
    const names = queryNames(row);
    for (const name of query.keys()) {
      if (!names.has(name)) return reject("bad-query", unknownName("query parameter", name, names));
    }
  }
  const held = yesIn(query, "held");
  const polls = yesIn(query, "polling");
  if (typeof held === "object") return held;
  if (typeof polls === "object") return polls;
  const videos = params.video === undefined ? videosIn(row, query) : parseVideoId(params.video);
  if (typeof videos === "string") return { videos: [videos], query, held, polls };
  return isRejection(videos) ? videos : { videos, query, held, polls };
}

/** Whether `name` is 1; 0 where it is not there. */
function yesIn(query: URLSearchParams, name: string): boolean | Rejection {
  if (query === noQuery) return false;
  const said = wholeNumber(query, name, { min: 0, max: 1, fallback: 0 });
  return typeof said === "object" ? said : said === 1;
}

function queryNames(row: Row): ReadonlySet<string> {
  const before = namesOf.get(row);
  if (before) return before;
  const names = new Set([...(row.query ?? []).map(({ name }) => name), ...everywhere]);
  // Polyfills of EventSource spell it so.
  if (row.resumes) names.add("lastEventId");
  namesOf.set(row, names);
  return names;
}

/** The videos that a query names, where it may name any. */
function videosIn({ query: members }: Row, query: URLSearchParams): readonly VideoId[] | Rejection {
  if (!members?.some(({ kind }) => kind === "videos")) return [];
  const videos = new Set<VideoId>();
  for (const text of query.getAll("video")) {
    const video = parseVideoId(text);
    if (typeof video !== "string") return video;
    videos.add(video);
    if (videos.size > limits.videosPerStreamMax) {
      return reject("too-many-videos", `a stream watches at most ${limits.videosPerStreamMax} videos`);
    }
  }
  return videos.size > 0 ? [...videos] : reject("bad-query", "name at least one video: ?video=…");
}

/** The address that `call` counts for; not asked for where nothing depends on it. */
function addressIn(doors: Doors, { takes }: Row, { request, peer }: Call): string | undefined {
  const isOpen = takes === "stream" || takes === "poll";
  if (!isOpen && !doors.allowance && !doors.moderation?.restricts) return undefined;
  return addressOf(request, peer, doors.settings.trustProxy);
}

// ---- refusing

/** The answer to a refusal, counted. An EventSource gives up on anything but 200, so a stream gets that. */
function refusal(doors: Doors, row: Row, rejection: Rejection, call: Call, poll?: PollOffer): Response {
  const { metrics, frontend } = doors;
  const reason = rejection.rejected;
  if (row.takes === "likes" && reason !== "unauthorized") metrics.likesRejected.inc({ reason });
  else if (row.takes === "comment" && reason !== "unauthorized") metrics.commentsRejected.inc({ reason });
  else metrics.refused.inc({ reason });
  if (reason === "unauthorized") return unauthorized(rejection.message);
  const answer = refused(rejection);
  const isLater = answer.status === 429 || answer.status === 503;
  if (row.takes !== "stream" || !isLater || !frontend) return answer;
  const query = new URL(call.request.url, "http://any").searchParams;
  const place = lastEventIdOf(call.request, query);
  return lastAnswer(frontend.refuse("limit", place, poll) as BodyInit);
}

function counted({ doors }: Ask, answer: Response): Response {
  doors.metrics.refused.inc({ reason: answer.status === 401 ? "unauthorized" : "forbidden" });
  return answer;
}
