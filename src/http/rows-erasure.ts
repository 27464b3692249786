/** The calls that delete and erase: rows of the table in routes.ts. */
import { deleteVideo, eraseUser, getErasure } from "./erasure.ts";
import type { QueryRow, Row } from "./row.ts";

const of = { tag: "moderation", right: "admin", takes: "call" } as const;
const named = "by names that no path can hold, such as .., or that a proxy might change";
const userQuery: QueryRow = { name: "user", about: "the person's name", kind: "text" };

export const erasureRows: readonly Row[] = [
  {
    ...of,
    method: "DELETE",
    path: "/v1/admin/videos/:video",
    id: "deleteVideo",
    handle: deleteVideo,
    summary: "Delete a video with everything it had: likes, timeline, comments, rules",
    answer: { status: 204, about: "deleted, durably, or not there" },
    refusals: ["unavailable"],
  },
  {
    ...of,
    method: "DELETE",
    path: "/v1/admin/users/:user",
    id: "eraseUser",
    handle: eraseUser,
    summary: "Erase a person from all videos: comments, names, mutes, bans, whose likes were theirs",
    answer: { status: 202, about: "begun, durably, or under way", schema: "Erasing" },
    refusals: ["bad-field", "forbidden", "unavailable"],
  },
  {
    ...of,
    method: "GET",
    path: "/v1/admin/users/:user",
    id: "getErasure",
    handle: getErasure,
    summary: "How far the erasure of a person has come",
    answer: { status: 200, about: "as of now", schema: "Erasing" },
    refusals: ["bad-field", "forbidden", "unavailable"],
  },
  {
    ...of,
    method: "DELETE",
    path: "/v1/admin/users",
    id: "eraseUserByName",
    handle: eraseUser,
    summary: `Erase a person from all videos, ${named}`,
    query: [userQuery],
    answer: { status: 202, about: "begun, durably, or under way", schema: "Erasing" },
    refusals: ["bad-field", "forbidden", "unavailable"],
  },
  {
    ...of,
    method: "GET",
    path: "/v1/admin/users",
    id: "getErasureByName",
    handle: getErasure,
    summary: `How far the erasure of a person has come, ${named}`,
    query: [userQuery],
    answer: { status: 200, about: "as of now", schema: "Erasing" },
    refusals: ["bad-field", "forbidden", "unavailable"],
  },
];
