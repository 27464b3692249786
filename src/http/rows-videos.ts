/** The calls about all videos, for those who run the place: rows of the table in routes.ts. */
import { catalogSorts } from "../core/catalog.ts";
import { limits } from "../core/limits.ts";
import type { Row } from "./row.ts";
import { getExport, getVideos } from "./videos.ts";

const of = { method: "GET", tag: "moderation", right: "admin" } as const;

export const videosRows: readonly Row[] = [
  {
    ...of,
    takes: "question",
    path: "/v1/admin/videos",
    id: "listVideos",
    handle: getVideos,
    summary:
      "Videos that are known: liked, commented, or closed; with their totals and whether they are open",
    query: [
      { name: "after", about: "an id of a video: those behind it", kind: "text" },
      { name: "limit", about: "most of them", kind: "whole number", min: 1, max: limits.listingMax },
      { name: "search", about: "what their ids begin with", kind: "text" },
      {
        name: "sort",
        about: `${catalogSorts.join(" or ")}: all by id, or of those in memory the most liked first`,
        kind: "text",
      },
    ],
    answer: { status: 200, about: "a page", schema: "Videos" },
    refusals: ["bad-query", "bad-video", "unavailable"],
  },
  {
    ...of,
    takes: "reading",
    path: "/v1/admin/videos/:video/export",
    id: "exportVideo",
    handle: getExport,
    summary: "Everything of a video as JSON Lines: totals, timeline, comments, and a last line that says so",
    answer: { status: 200, about: "a JSON object a line", type: "application/x-ndjson" },
    refusals: ["unavailable"],
  },
];
