/**
 * What moderators have decided, as rows: who is muted or banned until when, and how a video takes comments.
 *
 * A row's key follows from what it is about, so deciding again replaces what was decided before, on whichever
 * node; its value says everything, so a reader needs nothing else. Pure: where rows live is moderation.ts.
 */
import { createHash } from "node:crypto";
import { type UnixMs, unixMs } from "../base/clock.ts";
import { sameUser } from "../core/erasure.ts";
import {
  fieldsOf,
  isHold,
  isRejection,
  isVideoId,
  parseVideoId,
  type Rejection,
  reject,
  type VideoId,
} from "../core/interaction.ts";
import { limits } from "../core/limits.ts";
import { isVisible } from "../core/text.ts";
import { groupOf } from "./address.ts";

/** Somebody may not comment (mute), or may do nothing at all (ban), on one video or on all. */
export interface Restriction {
  readonly type: "mute" | "ban";
  readonly user?: string;
  readonly address?: string;
  readonly video?: VideoId;
  readonly untilMs: UnixMs;
}

/** What a video takes. */
export interface VideoRules {
  /** Closed: it is over. It is watched and read as before, and takes neither likes nor comments. */
  readonly state: "open" | "closed";
  /** Least time between two comments of one viewer, in ms. */
  readonly slowModeMs: number;
  readonly comments: "on" | "off";
  /** A role that a token must carry to comment; "" for none. */
  readonly only: string;
  /** How long only moderators see a comment before everybody does, in ms. */
  readonly holdMs: number;
}

export const noRules: VideoRules = { state: "open", slowModeMs: 0, comments: "on", only: "", holdMs: 0 };
/** Whether rules say no more than that a video is closed. */
export function isClosedOnly(rules: VideoRules): boolean {
  const { state, slowModeMs, comments, only, holdMs } = rules;
  return state === "closed" && slowModeMs === 0 && comments === "on" && only === "" && holdMs === 0;
}

export const slowModeMsMax = 600_000;
const secondsMax = 10 * 365 * 86_400;

/** What a restriction is about, as it is looked up: one text for all that say the same. */
export function aboutOf({ type, user, address, video }: Omit<Restriction, "untilMs">): string {
  const about = user === undefined ? `address ${address}` : `user ${sameUser(user)}`;
  return `${type} ${about}\n${video ?? ""}`;
}

/** What a restriction is about, as the row's key. */
export function restrictionKey(restriction: Omit<Restriction, "untilMs">): string {
  const about = aboutOf(restriction);
  const text = about.slice(about.indexOf(" ") + 1);
  return `${restriction.type}.${createHash("sha256").update(text).digest("base64url").slice(0, 32)}`;
}

export function videoKey(video: VideoId): string {
  return `video.${video}`;
}

const restrictionFields: ReadonlySet<string> = new Set(["user", "address", "video", "seconds"]);
const rulesFields: ReadonlySet<string> = new Set(Object.keys(noRules));

/** `{"user" or "address", "video"?, "seconds"}` as a restriction; 0 seconds lift it. */
export function parseRestriction(
  type: Restriction["type"],
  body: unknown,
  now: UnixMs,
): Restriction | Rejection {
  const fields = fieldsOf(body, restrictionFields);
  if (isRejection(fields)) return fields;
  const { user, address, video, seconds } = fields;
  if ((user === undefined) === (address === undefined)) {
    return reject("bad-field", "name a user or an address");
  }
  if (typeof seconds !== "number" || !(seconds >= 0 && seconds <= secondsMax)) {
    return reject("bad-field", `seconds must be a number from 0 to ${secondsMax}`);
  }
  const on = video === undefined ? undefined : parseVideoId(video);
  if (typeof on === "object") return reject("bad-field", on.message);
  const rest = { type, untilMs: unixMs(Math.floor(now + seconds * 1000)), ...(on && { video: on }) };
  if (address !== undefined) {
    const group = typeof address === "string" ? groupOf(address.replace(/\/64$/, "")) : undefined;
    return group ? { ...rest, address: group } : reject("bad-field", "address must be an IP address");
  }
  if (typeof user !== "string" || !isVisible(user) || user.length > 128) {
    return reject("bad-field", "user must be 1 to 128 characters, one of them visible");
  }
  return { ...rest, user };
}

/** `{"state"?, "slowModeMs"?, "comments"?, "only"?, "holdMs"?}` over what holds now. */
export function parseVideoRules(body: unknown, before: VideoRules): VideoRules | Rejection {
  const given = fieldsOf(body, rulesFields);
  if (isRejection(given)) return given;
  const { state, slowModeMs, comments, only, holdMs } = { ...before, ...given };
  if (state !== "open" && state !== "closed") return reject("bad-field", 'state is "open" or "closed"');
  if (!isMs(slowModeMs, slowModeMsMax)) return reject("bad-field", `slowModeMs is 0 to ${slowModeMsMax}`);
  if (comments !== "on" && comments !== "off") return reject("bad-field", 'comments is "on" or "off"');
  if (typeof only !== "string" || only.length > 128) return reject("bad-field", "only is a role, or empty");
  if (!isHold(holdMs)) return reject("bad-field", `holdMs is 0 to ${limits.holdMsMax}`);
  return { state, slowModeMs, comments, only, holdMs };
}

/** Whether both say the same of a video. */
export function sameRules(one: VideoRules, other: VideoRules): boolean {
  return (Object.keys(noRules) as (keyof VideoRules)[]).every((name) => one[name] === other[name]);
}

/** The row under `key`, or undefined when it is not one of ours: another node may be newer or broken. */
export function decodeRow(
  key: string,
  value: string,
): { restriction: Restriction } | { video: VideoId; rules: VideoRules } | undefined {
  let m: unknown;
  try {
    m = JSON.parse(value);
  } catch {
    return undefined;
  }
  if (typeof m !== "object" || m === null) return undefined;
  const dot = key.indexOf(".");
  const [type, about] = [key.slice(0, dot), key.slice(dot + 1)];
  if (type === "video" && isVideoId(about)) {
    // A newer node may say more of it: what is known of that holds.
    const known = Object.entries(m).filter(([name]) => rulesFields.has(name));
    const rules = parseVideoRules(Object.fromEntries(known), noRules);
    return "rejected" in rules ? undefined : { video: about, rules };
  }
  if (type !== "mute" && type !== "ban") return undefined;
  const { user, address, video, untilMs } = m as Record<string, unknown>;
  if (typeof untilMs !== "number" || !Number.isFinite(untilMs)) return undefined;
  const parsed = parseRestriction(type, { user, address, video, seconds: 0 }, unixMs(untilMs));
  return "rejected" in parsed || restrictionKey(parsed) !== key ? undefined : { restriction: parsed };
}

function isMs(value: unknown, max: number): value is number {
  return typeof value === "number" && Number.isInteger(value) && value >= 0 && value <= max;
}
