/** The settings of reactions in a video's own time. As config.ts, which has them under one heading. */
import { duration, onOff } from "./kinds.ts";

const hourMs = 3_600_000;

export const timelineRows = {
  timeline: {
    kind: onOff(),
    fallback: "true",
    help: "keeps which second each like belongs to, for timelines, moments and replay; the same on all nodes",
  },
  timelineFineMs: {
    kind: duration(hourMs / 4, 24 * hourMs),
    fallback: "2h",
    help: "how long the likes of each second are kept; the same on all nodes, as the next two",
  },
  timelineMiddleMs: {
    kind: duration(hourMs / 4, 240 * hourMs),
    fallback: "24h",
    help: "how long those of each ten seconds are; then those of each minute",
  },
  timelineKeepMs: {
    kind: duration(hourMs / 4, 8_760 * hourMs),
    fallback: "720h",
    help: "how long those of each minute are; then they are only part of the totals",
  },
  mediaBehindMs: {
    kind: duration(1_000, hourMs),
    fallback: "2m",
    help: "how far a viewer's mediaTime may lie behind the video's median; beyond, it is ignored",
  },
  mediaAheadMs: {
    kind: duration(1_000, hourMs),
    fallback: "10s",
    help: "how far it may lie ahead of the median; all nodes have the same two",
  },
} as const;

type Ages = Readonly<Record<"timelineFineMs" | "timelineMiddleMs" | "timelineKeepMs", number>>;

export const timelineRules = [
  {
    uses: ["timelineFineMs", "timelineMiddleMs", "timelineKeepMs"],
    mistake: ({ timelineFineMs, timelineMiddleMs, timelineKeepMs }: Ages) =>
      timelineFineMs > timelineMiddleMs || timelineMiddleMs > timelineKeepMs
        ? "--timeline-fine, --timeline-middle and --timeline-keep must not fall, in this order"
        : undefined,
  },
] as const;
