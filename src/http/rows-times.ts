/** The calls about a video's own time: rows of the table in routes.ts. */
import { limits } from "../core/limits.ts";
import type { QueryRow, Row } from "./row.ts";
import { getMoments, getReplay, getReplayTrack, getTimeline } from "./times.ts";

const range: readonly QueryRow[] = [
  {
    name: "from",
    about: "Unix ms in the stream's clock; without it the first there is",
    kind: "whole number",
  },
  {
    name: "to",
    about: "the moment before which it ends; without it the last there is",
    kind: "whole number",
  },
];
const edition: QueryRow = {
  name: "edition",
  about: "of a closed video, as its timeline tells it: what was removed since is in no cache's answer",
  kind: "text",
};
const of = { method: "GET", tag: "times", right: "watch", takes: "reading" } as const;

export const timesRows: readonly Row[] = [
  {
    ...of,
    path: "/v1/videos/:video/timeline",
    id: "getTimeline",
    handle: getTimeline,
    summary: "How many likes, comments and viewers a video had when, in its own time",
    query: [
      ...range,
      {
        name: "step",
        about: "seconds of a step; without it a picture",
        kind: "whole number",
        min: 1,
        max: 86_400,
      },
      { name: "kind", about: "only this kind of like; repeat it for several", kind: "text" },
    ],
    answer: { status: 200, about: "aligned rows", schema: "Timeline" },
    refusals: ["bad-query", "unknown-kind"],
  },
  {
    ...of,
    path: "/v1/videos/:video/moments",
    id: "listMoments",
    handle: getMoments,
    summary: "Where many people began to react at once",
    query: [
      { name: "n", about: "the strongest so many", kind: "whole number", min: 1, max: limits.momentsMax },
    ],
    answer: { status: 200, about: "in their order", schema: "Moments" },
    refusals: ["bad-query"],
  },
  {
    ...of,
    path: "/v1/videos/:video/replay",
    id: "replayVideo",
    handle: getReplay,
    summary:
      "Likes and comments in the order of the video, to be shown with its recording; a JSON object a line",
    query: [...range, edition],
    answer: {
      status: 200,
      about: "JSON Lines; the last says where the next page begins",
      type: "application/x-ndjson",
    },
    refusals: ["bad-query"],
  },
  {
    ...of,
    path: "/v1/videos/:video/replay.vtt",
    id: "replayTrack",
    handle: getReplayTrack,
    summary: "The same as WebVTT: comments as text, likes as cues of JSON",
    query: [
      { name: "start", about: "the date of the recording's 0, Unix ms", kind: "whole number" },
      ...range,
      edition,
      { name: "show", about: "all, comments or reactions", kind: "text" },
    ],
    answer: { status: 200, about: "a track", type: "text/vtt" },
    refusals: ["bad-query"],
  },
];
