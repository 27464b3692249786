/** The calls whose answers caches share among viewers: rows of the table in routes.ts. */
import { getLiveState, getTick } from "./live.ts";
import type { QueryRow, Row } from "./row.ts";

const signature: readonly QueryRow[] = [
  { name: "until", about: "with --auth=token: when `sig` ends, as `bye` told it", kind: "text" },
  { name: "sig", about: "with --auth=token: a signature in place of a token", kind: "text" },
];

export const liveRows: readonly Row[] = [
  {
    method: "GET",
    path: "/v1/videos/:video/live",
    id: "getLiveState",
    tag: "streams",
    handle: getLiveState,
    right: "watch",
    signed: true,
    takes: "poll",
    summary: "A video as everybody sees it now, for caches to share among those who have no stream",
    query: signature,
    answer: { status: 200, about: "the state, as of a second ago at most", schema: "Live" },
    refusals: ["no-streams"],
  },
  {
    method: "GET",
    path: "/v1/videos/:video/ticks/:second",
    id: "getTick",
    tag: "times",
    handle: getTick,
    right: "watch",
    signed: true,
    takes: "reading",
    summary: "What came in one second of the video's own time; it never changes once it is told",
    query: signature,
    answer: { status: 200, about: "how much of what", schema: "Tick" },
    refusals: ["not-found", "not-yet", "not-kept", "bad-query"],
  },
];
