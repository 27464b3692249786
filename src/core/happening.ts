/**
 * Happenings: what a program outside may want to hear of, and who is told.
 *
 * A tick says where a video stands and may be told again; a happening is a change and is told once, by one
 * dispatcher. Whoever finds one out knows nothing of how it travels on: it hands it to a `Herald`. Ids follow
 * from what happened wherever that is unique, so that one told twice (after an owner died) can be known as
 * one: dispatcher/happenings.test.ts.
 */
import type { VideoId } from "./interaction.ts";
import type { Counts } from "./totals.ts";

export const happeningTypes = [
  "video_occupied",
  "video_vacated",
  "comment_published",
  "comment_removed",
  "milestone",
  "moment",
] as const;
export type HappeningType = (typeof happeningTypes)[number];

interface Common {
  /** Its type and what makes it unique, between colons. */
  readonly id: string;
  readonly video: VideoId;
  /** When it happened, Unix ms. */
  readonly atMs: number;
}

export type Happening = Common &
  (
    | { readonly type: "video_occupied" | "video_vacated" }
    | {
        readonly type: "comment_published";
        readonly comment: string;
        readonly user: string | undefined;
        readonly text: string;
        /** Of one that is held for review: when its audience sees it, at the earliest, Unix ms. */
        readonly visibleAt?: number;
      }
    | { readonly type: "comment_removed"; readonly comment: string }
    | {
        readonly type: "milestone";
        /** undefined: likes of all kinds together. */
        readonly kind: string | undefined;
        readonly mark: number;
        /** Where the count stands that reached the mark. */
        readonly total: number;
      }
    | {
        readonly type: "moment";
        /** Unix ms in the stream's clock, as `peak` and `end`. */
        readonly start: number;
        readonly peak: number;
        readonly end: number;
        /** How far it stood out of what was usual (moments.ts). */
        readonly score: number;
        readonly people: number;
        readonly likes: Readonly<Counts>;
      }
  );

/** Who is told what happened. */
export interface Herald {
  /** Counts of likes that are worth a word, rising. */
  readonly milestones: readonly number[];
  /** Whether moments are. */
  readonly moments?: boolean;
  /** Never waits and never throws: what becomes of it is the herald's own. */
  tell(happening: Happening): void;
}
