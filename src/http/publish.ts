/**
 * Likes, comments and removals: from a request to the ingest and back.
 *
 * The distinction it rests on: 2xx means durable, 503 means "not counted or not known: repeat with the same
 * key", any other refusal means "never". What is refused here is counted here; what the ingest refuses, it
 * counts.
 */
import { createHash } from "node:crypto";
import {
  type CommentDraft,
  cannotUnlike,
  isRejection,
  type Kind,
  type Like,
  parseComment,
  parseLike,
  parseLikeItem,
  parseViewer,
  type Rejection,
  reject,
  type VideoId,
} from "../core/interaction.ts";
import { limits } from "../core/limits.ts";
import type { Peer } from "../trust/address.ts";
import { forbids, type Identity } from "../trust/identity.ts";
import { accepted, empty, json, refuse, refused, statusOf } from "./answer.ts";
import { admit, enter } from "./auth.ts";
import { readJson } from "./body.ts";
import { addressIn, type Call, queryOf, videoParam } from "./call.ts";
import type { Doors } from "./doors.ts";

/** The configured kinds as the set that likes are parsed against, made once per list. */
const kindSets = new WeakMap<readonly string[], ReadonlySet<Kind>>();

function kindsOf(doors: Doors): ReadonlySet<Kind> {
  const { kinds } = doors.settings;
  let set = kindSets.get(kinds);
  if (!set) {
    set = new Set(kinds as readonly Kind[]);
    kindSets.set(kinds, set);
  }
  return set;
}

/** Whether each viewer likes once here. */
function isOnce({ settings }: Doors): boolean {
  return settings.likeMode === "once";
}

/** `POST /v1/videos/:video/likes`, the busiest call: the router's fast path comes straight here. */
export async function takeLike(
  doors: Doors,
  request: Request,
  video: VideoId,
  peer: Peer | undefined,
): Promise<Response> {
  const found = doors.auth.identify(request);
  const who = admit(doors, found instanceof Promise ? await found : found, "like", video);
  if (who instanceof Response) return who;
  const body = await readJson(request, limits.bodyBytesMax);
  if (body instanceof Response) return body;
  const like = likeIn(doors, { request, peer }, who, video, body);
  return like instanceof Response ? like : answered(await doors.ingest.like(like));
}

/** `DELETE /v1/videos/:video/likes`, with the fields of a like as its body or as its query. */
export async function deleteLike(doors: Doors, call: Call): Promise<Response> {
  const { request } = call;
  const video = videoParam(call);
  if (video instanceof Response) return video;
  const who = await enter(doors, request, "like", video);
  if (who instanceof Response) return who;
  if (!isOnce(doors)) return refusedLike(doors, cannotUnlike());
  const query = queryOf(call);
  const body = query.has("kind") ? Object.fromEntries(query) : await readJson(request, limits.bodyBytesMax);
  if (body instanceof Response) return body;
  const like = likeIn(doors, call, who, video, body);
  return like instanceof Response ? like : answered(await doors.ingest.like({ ...like, unlike: true }));
}

/** The like in `body` as `who` may give it now, or the answer that refuses it, counted. */
function likeIn(
  doors: Doors,
  call: Pick<Call, "request" | "peer">,
  who: Identity,
  video: VideoId,
  body: unknown,
): Like | Response {
  const key = call.request.headers.get("idempotency-key");
  const parsed = parseLike(video, body, key, kindsOf(doors), isOnce(doors));
  const like = isRejection(parsed) ? parsed : owned(doors, parsed, who);
  if (isRejection(like)) return refusedLike(doors, like);
  const over = overLikes(doors, limitedAddress(doors, call), who, like);
  return over ? refused(over) : like;
}

function answered(refusal: Rejection | undefined): Response {
  return refusal === undefined ? accepted() : refused(refusal);
}

function refusedLike(doors: Doors, refusal: Rejection): Response {
  doors.metrics.likesRejected.inc({ reason: refusal.rejected });
  return refused(refusal);
}

/**
 * The like as `who` gives it. Where each viewer likes once, a token's holder is its `sub` whatever the body
 * says, so nobody likes in another's name; a server with an API key, and anybody in open mode, must say whose
 * like it is.
 */
function owned(doors: Doors, like: Like, who: Identity): Like | Rejection {
  const own = signed(like, who);
  if (!isOnce(doors)) return own;
  const viewer = who.by === "token" ? parseViewer(who.sub) : like.viewer;
  if (typeof viewer === "object") return viewer;
  if (viewer === undefined) {
    return reject("bad-viewer", "each viewer likes once here: say whose like it is, in viewer or user");
  }
  return { ...own, viewer };
}

/** The address that likes of this call count for; not asked for where nothing depends on it. */
function limitedAddress(doors: Doors, call: Pick<Call, "request" | "peer">): string | undefined {
  return doors.allowance || doors.moderation?.restricts ? addressIn(doors, call) : undefined;
}

/** Why `who`, at `address`, may not give `like` now, counted. */
function overLikes(
  doors: Doors,
  address: string | undefined,
  who: Identity,
  { video, count }: Like,
): Rejection | undefined {
  const { allowance, moderation } = doors;
  if (!allowance && !moderation?.restricts) return undefined;
  const nowMs = doors.clock.now();
  const over = moderation?.bans(who, address, video, nowMs) ?? allowance?.like(who, address, count, nowMs);
  if (over) doors.metrics.likesRejected.inc({ reason: over.rejected });
  return over;
}

/**
 * What a token's holder sends, in the holder's own name: whatever the body says, others see the token's name,
 * and a key is the holder's own, so nobody's key can swallow another's like.
 */
function signed<T extends Like | CommentDraft>(interaction: T, who: Identity): T {
  if (who.by !== "token") return interaction;
  const { key } = interaction;
  const own = key && createHash("sha256").update(`${who.sub}\n${key}`).digest("base64url");
  return { ...interaction, user: who.name, key: own };
}

export function postLike(doors: Doors, call: Call): Response | Promise<Response> {
  const video = videoParam(call);
  return video instanceof Response ? video : takeLike(doors, call.request, video, call.peer);
}

/** `POST /v1/likes`: one verdict per item, in order. */
export async function postLikes(doors: Doors, call: Call): Promise<Response> {
  const who = await enter(doors, call.request, "like");
  if (who instanceof Response) return who;
  const body = await readJson(call.request, limits.batchBodyBytesMax);
  if (body instanceof Response) return body;
  const items = (body as { items?: unknown } | null)?.items;
  if (!Array.isArray(items)) return refuse("bad-body", 'the body must be {"items":[…]}');
  if (items.length > limits.batchItemsMax) {
    return refuse("too-many-items", `a batch holds at most ${limits.batchItemsMax} items`);
  }
  const kinds = kindsOf(doors);
  const address = limitedAddress(doors, call);
  const parsed = items.map((item) => {
    const parsed = parseLikeItem(item, kinds, isOnce(doors));
    const like = isRejection(parsed) ? parsed : owned(doors, parsed, who);
    if (isRejection(like)) return like;
    const forbidden = doors.auth.mode === "token" ? forbids(who, "like", like.video) : undefined;
    return forbidden ?? overLikes(doors, address, who, like) ?? like;
  });
  const likes = parsed.filter((item): item is Like => !isRejection(item));
  const verdicts = likes.length === 0 ? [] : await doors.ingest.likes(likes);
  let next = 0;
  let taken = 0;
  let away: Rejection | undefined;
  const answers = parsed.map((item) => {
    const refusal = isRejection(item) ? item : verdicts[next++];
    if (refusal === undefined) {
      taken++;
      return { status: 202 };
    }
    const known = statusOf[refusal.rejected];
    if (isRejection(item) && known !== 429) doors.metrics.likesRejected.inc({ reason: item.rejected });
    // What is wrong with an item, its video included, is wrong inside a well-formed body.
    const status = isRejection(item) && known < 403 ? 422 : known;
    if (status === 503) away = refusal;
    return { status, error: { code: refusal.rejected, message: refusal.message } };
  });
  // Never 2xx when the log took nothing because it cannot.
  if (taken === 0 && away !== undefined) {
    return refuse(away.rejected, away.message, away.retryAfterS, { items: answers });
  }
  return json(202, { items: answers });
}

/** `POST /v1/videos/:video/comments` */
export async function postComment(doors: Doors, call: Call): Promise<Response> {
  const { request } = call;
  const video = videoParam(call);
  if (video instanceof Response) return video;
  const who = await enter(doors, request, "comment", video);
  if (who instanceof Response) return who;
  const body = await readJson(request, limits.bodyBytesMax);
  if (body instanceof Response) return body;
  const draft = parseComment(video, body, request.headers.get("idempotency-key"), doors.clock.now());
  if (isRejection(draft)) {
    doors.metrics.commentsRejected.inc({ reason: draft.rejected });
    return refused(draft);
  }
  const said = signed(draft, who);
  const address = addressIn(doors, call);
  const nowMs = doors.clock.now();
  const over =
    doors.allowance?.comment(who, address, nowMs) ?? doors.moderation?.comment(said, who, address, nowMs);
  if (over) {
    doors.metrics.commentsRejected.inc({ reason: over.rejected });
    return refused(over);
  }
  const denied = await reviewed(doors, said, who, address);
  if (denied) return refused(denied);
  const holdMs = doors.moderation?.holdMs(video, said.atMs) ?? 0;
  const id = await doors.ingest.comment(holdMs > 0 ? { ...said, holdMs } : said);
  return typeof id === "string" ? json(201, { id }) : refused(id);
}

/** Why the review hook does not let `draft` pass, counted; its turn in slow mode is then given back. */
async function reviewed(
  doors: Doors,
  draft: CommentDraft,
  who: Identity,
  address: string | undefined,
): Promise<Rejection | undefined> {
  const { review, moderation, metrics } = doors;
  if (!review || who.by === "key" || who.rights.has("moderate")) return undefined;
  const denied = await review.comment(draft, who.sub);
  if (!denied) return undefined;
  moderation?.giveBack(draft, who, address);
  metrics.commentsRejected.inc({ reason: denied.rejected });
  return denied;
}

/** `DELETE /v1/videos/:video/comments/:comment`, for whoever holds the admin key. */
export async function deleteComment(doors: Doors, call: Call): Promise<Response> {
  const video = videoParam(call);
  if (video instanceof Response) return video;
  const who = await enter(doors, call.request, "moderate", video);
  if (who instanceof Response) return who;
  const removed = await doors.ingest.retract(video, call.params.comment ?? "");
  if (typeof removed === "object") return refused(removed);
  if (!removed) return refuse("unknown-comment", "there is no such comment");
  // Removed it is, whether or not that can be written down now.
  await doors.moderation?.removed(video, call.params.comment ?? "", who).catch(() => {
    doors.log.warn("a removal is not in the audit log", { video });
  });
  return empty(204);
}
