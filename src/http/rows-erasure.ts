/** The calls that delete and erase: rows of the table in routes.ts. */
import { deleteVideo } from "./erasure.ts";
import type { Row } from "./row.ts";

const of = { tag: "moderation", right: "admin", takes: "call" } as const;

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
];
