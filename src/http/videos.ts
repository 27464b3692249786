/** All videos for those who run the place: which there are, and everything of one to take away. */
import { catalogSorts, isSearch } from "../core/catalog.ts";
import { isClearing } from "../core/entry.ts";
import { isRejection, parseVideoId, type VideoId } from "../core/interaction.ts";
import { limits } from "../core/limits.ts";
import { type CommentJson, commentJson } from "../core/sse.ts";
import type { Identity } from "../trust/identity.ts";
import { json, refuse, refused, takenOut } from "./answer.ts";
import { wholeNumber } from "./call.ts";
import type { Doors } from "./doors.ts";
import { type Entry, videoOf } from "./entry.ts";
import { timelineJson } from "./times.ts";

/** `GET /v1/admin/videos?after=ID&limit=N&search=BEGINNING&sort=id|likes` */
export async function getVideos(doors: Doors, { query }: Entry): Promise<Response> {
  const limit = wholeNumber(query, "limit", { min: 1, max: limits.listingMax, fallback: limits.listingMax });
  if (typeof limit === "object") return refused(limit);
  const search = query.get("search") ?? "";
  if (!isSearch(search))
    return refuse("bad-query", "search is what ids begin with: at most 64 of A-Z a-z 0-9 _ -");
  const sort = catalogSorts.find((each) => each === (query.get("sort") ?? "id"));
  if (!sort) return refuse("bad-query", `sort must be one of ${catalogSorts.join(", ")}`);
  const text = query.get("after");
  const after = text === null ? undefined : parseVideoId(text);
  if (typeof after === "object") return refused(after);
  if (after !== undefined && sort === "likes")
    return refuse("bad-query", "sort=likes has one page, without after");
  const told = await doors.catalog.videos({ search, sort, after, limit });
  if (isRejection(told)) return refused(told);
  const known = new Map(told.videos.map((one) => [one.video, one]));
  // Those that moderators have decided about, up to where the page ends.
  const last = told.more ? told.videos.at(-1)?.video : undefined;
  for (const video of sort === "id" ? (doors.moderation?.ruled() ?? []) : []) {
    const isHere = video.startsWith(search) && video > (after ?? "") && video <= (last ?? video);
    if (isHere && !known.has(video)) known.set(video, { video, totals: {}, version: 0 });
  }
  const sorted =
    sort === "id" ? [...known.values()].sort((a, b) => (a.video < b.video ? -1 : 1)) : told.videos;
  const videos = sorted.slice(0, limit).map(({ video, totals, version, closed }) => ({
    ...{ video, totals, version },
    state: closed ? "closed" : (doors.moderation?.rules(video).state ?? "open"),
  }));
  return json(200, { videos, more: told.more || sorted.length > limit });
}

/**
 * `GET /v1/admin/videos/:video/export`: JSON Lines, the totals first, then the timeline, then every comment
 * that is kept, oldest first. Made page by page as it is read; an answer that breaks off has no last line
 * `{"end":true}`.
 */
export async function getExport(doors: Doors, entry: Entry): Promise<Response> {
  const video = videoOf(entry);
  const state = await doors.reader.state(video, undefined, 0);
  if (isRejection(state)) return refused(state);
  const headers = {
    "content-type": "application/x-ndjson",
    "content-disposition": `attachment; filename="${video}.jsonl"`,
    "cache-control": "no-store",
  };
  // All of it would have to be read to know how long it is.
  if (entry.request.method === "HEAD") return new Response(null, { headers });
  const timeline = await doors.times.timeline({ video });
  const { totals } = state;
  const at = Math.floor(doors.clock.date());
  const head: object[] = [{ video, totals: totals.counts, version: totals.version, at }];
  if (!isRejection(timeline)) head.push({ timeline: timelineJson(timeline) });
  return new Response(linesOf(head, commentsOf(doors, entry.who, video, state.page.head)), { headers });
}

/** All that are kept; `head` is where the log was when the totals were told. */
async function* commentsOf(
  doors: Doors,
  who: Identity,
  video: VideoId,
  head: number,
): AsyncGenerator<readonly CommentJson[]> {
  let after = 0;
  for (;;) {
    const state = await doors.reader.state(video, after, limits.listingMax);
    // Cut in the middle: whoever reads it must not take it for whole.
    if (isRejection(state)) throw new Error(state.message);
    if (!doors.auth.stands(who)) throw new Error(takenOut);
    const { page, lineage } = state;
    // Totals of one video, and comments of the next by the same name, are nobody's.
    if (page.entries.some((entry) => isClearing(entry) && entry.seq > head)) {
      throw new Error("the video was deleted meanwhile");
    }
    const gone = new Set(page.entries.map((entry) => (entry.type === "retract" ? entry.target : -1)));
    yield page.entries.flatMap((entry) =>
      entry.type === "comment" && !gone.has(entry.seq) ? [commentJson(lineage, entry)] : [],
    );
    const last = page.entries.at(-1);
    if (!page.more || !last) return;
    after = last.seq;
  }
}

function linesOf(
  head: readonly object[],
  pages: AsyncIterator<readonly object[]>,
): ReadableStream<Uint8Array> {
  const encoder = new TextEncoder();
  const encode = (rows: readonly object[]) =>
    encoder.encode(rows.map((row) => `${JSON.stringify(row)}\n`).join(""));
  let isFirst = true;
  return new ReadableStream({
    async pull(controller) {
      if (isFirst) {
        isFirst = false;
        return controller.enqueue(encode(head));
      }
      const { done, value } = await pages.next();
      if (!done) return controller.enqueue(encode(value));
      controller.enqueue(encode([{ end: true }]));
      controller.close();
    },
    async cancel() {
      await pages.return?.();
    },
  });
}
