/** What several rows of the table of calls say alike: members of the query, and refusals. */
import type { Code } from "./answer.ts";
import type { QueryRow } from "./row.ts";

export const resumeQuery: QueryRow = {
  name: "last_event_id",
  about: "where to resume, for a client that cannot send the header",
  kind: "text",
};
export const heldQuery: QueryRow = {
  name: "held",
  about: "1: with comments that are held for review; needs the right to moderate",
  kind: "whole number",
  max: 1,
};
export const pollingQuery: QueryRow = {
  name: "polling",
  about: "1: was told to poll, and does so until it gets a stream",
  kind: "whole number",
  max: 1,
};
/** Why a like may be refused. */
export const like: readonly Code[] = [
  "bad-field",
  "unknown-kind",
  "bad-count",
  "count-not-one",
  "bad-viewer",
  "like-mode",
  "bad-user",
  "bad-key",
  "key-used",
  "like-rate",
  "closed",
  "banned",
];
/** Why a comment may be refused. */
export const comment: readonly Code[] = [
  "bad-field",
  "text-empty",
  "text-too-long",
  "text-control",
  "text-malformed",
  "bad-user",
  "bad-key",
  "key-used",
  "comment-rate",
  "slow-mode",
  "muted",
  "banned",
  "closed",
  "comments-off",
  "members-only",
  "text-refused",
  "review-denied",
];
/** Why what needs the log may be refused. */
export const log: readonly Code[] = ["busy", "unavailable"];
