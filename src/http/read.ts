/** Reads: a video's state, its comments, and what a page must know before it starts. */
import { createHash } from "node:crypto";
import { parseId } from "../core/entry.ts";
import { limits } from "../core/limits.ts";
import { json, refuse, refused } from "./answer.ts";
import { wholeNumber } from "./call.ts";
import type { Asset, Doors } from "./doors.ts";
import { type Entry, videoOf } from "./entry.ts";

/** `GET /v1/videos/:video` */
export async function getVideo(doors: Doors, entry: Entry): Promise<Response> {
  const video = videoOf(entry);
  const state = await doors.reader.state(video, undefined, 0);
  if ("rejected" in state) return refused(state);
  const { totals, viewers } = state;
  const closed = (state.closed ?? doors.moderation?.closed(video)) ? { state: "closed" } : {};
  return json(200, { video, totals: totals.counts, viewers, version: totals.version, ...closed });
}

/**
 * `GET /v1/videos/:video/comments?after=ID&limit=N`, oldest first; without `after`, the newest ones. With
 * `held=1`, for moderators, those that are held for review too.
 */
export async function getComments(doors: Doors, entry: Entry): Promise<Response> {
  const { query, held } = entry;
  const limit = wholeNumber(query, "limit", {
    min: 1,
    max: limits.listingMax,
    fallback: limits.listingMax,
  });
  if (typeof limit === "object") return refused(limit);
  const text = query.get("after");
  const after = text ? parseId(text) : undefined;
  if (text && after === undefined) return refuse("bad-query", "after must be the id of a comment");
  const listing = await doors.reader.listing(videoOf(entry), after, limit, {
    nowMs: doors.clock.date(),
    held,
  });
  return "rejected" in listing ? refused(listing) : json(200, listing);
}

/** `GET /v1/config`: what a page must know of this server; nothing here is secret. */
export function getConfig(doors: Doors): Response {
  const { node, region, role, kinds, likeMode } = doors.settings;
  return json(200, {
    version: doors.version,
    node,
    region,
    role,
    kinds,
    likeMode,
    demo: doors.crowd !== undefined,
    media: doors.media !== undefined,
    admin: doors.auth.grantable("admin"),
    auth: doors.auth.mode,
    client: clientOf(doors.assets),
    limits: {
      likeCount: limits.likeCountMax,
      commentCharacters: limits.commentCharsMax,
      userCharacters: limits.userCharsMax,
      videosPerStream: limits.videosPerStreamMax,
      batchItems: limits.batchItemsMax,
      bodyBytes: limits.bodyBytesMax,
    },
  });
}

const clients = new WeakMap<readonly Asset[], object>();

/**
 * The browser client of this version: where it is, below the path that all of this is mounted under, and what
 * a page can pin it by (W3C, Subresource Integrity).
 */
function clientOf(assets: readonly Asset[]): object | undefined {
  const known = clients.get(assets);
  if (known) return known;
  const asset = assets.find(({ path }) => /^\/ovation-[0-9a-f]{10}\.js$/.test(path));
  if (!asset) return undefined;
  const hash = createHash("sha384").update(asset.body).digest("base64");
  const client = { path: asset.path, integrity: `sha384-${hash}` };
  clients.set(assets, client);
  return client;
}
