/**
 * Likes, comments and removals: from a call that was let in to the ingest and back.
 *
 * 2xx means durable, 503 means "not counted or not known: repeat with the same key", any other refusal means
 * "never". What is refused here is counted here; what the ingest refuses, it counts. Held by server.test.ts.
 */
import { createHash } from "node:crypto";
import {
  type CommentDraft,
  cannotUnlike,
  fieldsOf,
  isRejection,
  type Kind,
  type Like,
  parseComment,
  parseLike,
  parseLikeItem,
  parseViewer,
  type Rejection,
  reject,
} from "../core/interaction.ts";
import { limits } from "../core/limits.ts";
import { forbids, type Identity } from "../trust/identity.ts";
import { accepted, empty, json, refuse, refused, statusOf } from "./answer.ts";
import { readJson } from "./body.ts";
import type { Doors } from "./doors.ts";
import { admitComment, admitLike, markLike, strangeVideo } from "./enter.ts";
import { type Entry, videoOf } from "./entry.ts";

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

/** `POST /v1/videos/:video/likes`, the busiest call. */
export async function postLike(doors: Doors, entry: Entry): Promise<Response> {
  const body = await readJson(doors, entry, limits.bodyBytesMax);
  if (body instanceof Response) return body;
  const like = likeIn(doors, entry, body);
  return isRejection(like) ? refusedLike(doors, like) : answered(await doors.ingest.like(like));
}

/** `DELETE /v1/videos/:video/likes`, with the fields of a like as its body or as its query. */
export async function deleteLike(doors: Doors, entry: Entry): Promise<Response> {
  const { query } = entry;
  if (!isOnce(doors)) return refusedLike(doors, cannotUnlike());
  const body = query.has("kind") ? fieldsIn(query) : await readJson(doors, entry, limits.bodyBytesMax);
  if (body instanceof Response) return body;
  const like = likeIn(doors, entry, body);
  if (isRejection(like)) return refusedLike(doors, like);
  return answered(await doors.ingest.like({ ...like, unlike: true }));
}

/** The fields of a like in a query, which may carry a token too. */
function fieldsIn(query: URLSearchParams): object {
  const { token: _, ...fields } = Object.fromEntries(query);
  return fields;
}

/** The like in `body` as the caller may give it now, or why not. */
function likeIn(doors: Doors, entry: Entry, body: unknown): Like | Rejection {
  const key = entry.request.headers.get("idempotency-key");
  const parsed = parseLike(videoOf(entry), body, key, kindsOf(doors), isOnce(doors));
  const like = isRejection(parsed) ? parsed : owned(doors, parsed, entry.who);
  if (isRejection(like)) return like;
  const now = doors.clock.elapsed();
  return admitLike(doors, entry, like, now) ?? markLike(doors, entry, like, now);
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

const batchFields: ReadonlySet<string> = new Set(["items"]);

/** `POST /v1/likes`: one verdict per item, in order. */
export async function postLikes(doors: Doors, entry: Entry): Promise<Response> {
  const body = await readJson(doors, entry, limits.batchBodyBytesMax);
  if (body instanceof Response) return body;
  const fields = fieldsOf(body, batchFields);
  if (isRejection(fields)) return refused(fields);
  const { items } = fields;
  if (!Array.isArray(items)) return refuse("bad-body", 'the body must be {"items":[…]}');
  if (items.length > limits.batchItemsMax) {
    return refuse("too-many-items", `a batch holds at most ${limits.batchItemsMax} items`);
  }
  const kinds = kindsOf(doors);
  const now = doors.clock.elapsed();
  const parsed = items.map((item) => {
    const parsed = parseLikeItem(item, kinds, isOnce(doors));
    const like = isRejection(parsed) ? parsed : owned(doors, parsed, entry.who);
    if (isRejection(like)) return like;
    const strange = strangeVideo(doors, [like.video]);
    return (
      strange ??
      forbids(entry.who, "like", like.video) ??
      admitLike(doors, entry, like, now) ??
      markLike(doors, entry, like, now)
    );
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
    if (isRejection(item)) doors.metrics.likesRejected.inc({ reason: item.rejected });
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
export async function postComment(doors: Doors, entry: Entry): Promise<Response> {
  const { request, who } = entry;
  const body = await readJson(doors, entry, limits.bodyBytesMax);
  if (body instanceof Response) return body;
  const key = request.headers.get("idempotency-key");
  const parsed = parseComment(videoOf(entry), body, key, doors.clock.date());
  if (isRejection(parsed)) return refusedComment(doors, parsed);
  const draft = signed(parsed, who);
  const denied = await admitComment(doors, entry, draft);
  if (denied) return refusedComment(doors, denied);
  const holdMs = doors.moderation?.holdMs(draft.video) ?? 0;
  const id = await doors.ingest.comment(holdMs > 0 ? { ...draft, holdMs } : draft);
  return typeof id === "string" ? json(201, { id }) : refused(id);
}

function refusedComment(doors: Doors, refusal: Rejection): Response {
  doors.metrics.commentsRejected.inc({ reason: refusal.rejected });
  return refused(refusal);
}

/** `DELETE /v1/videos/:video/comments/:comment` */
export async function deleteComment(doors: Doors, entry: Entry): Promise<Response> {
  const video = videoOf(entry);
  const { comment: id = "" } = entry.params;
  const removed = await doors.ingest.retract(video, id);
  if (typeof removed === "object") return refused(removed);
  if (!removed) return refuse("unknown-comment", "there is no such comment");
  // Removed it is, whether or not that can be written down now.
  await doors.moderation?.removed(video, id, entry.who).catch(() => {
    doors.log.warn("a removal is not in the audit log", { video });
  });
  return empty(204);
}
