/**
 * Who somebody is, and what they may do on which video.
 *
 * An identity is what was *proven* (by a token's signature, by an API key, or nothing at all), never what was
 * claimed in a body; http/auth.test.ts holds that. Pure: how it was proven is tokens.ts and keys.ts, where it
 * was carried is http/auth.ts.
 */
import { type UnixMs, unixMs } from "../base/clock.ts";
import { type Rejection, reject, type VideoId } from "../core/interaction.ts";
import { hasControl, isVisible } from "../core/text.ts";

const rights = ["watch", "like", "comment", "moderate", "metrics", "admin"] as const;
export type Right = (typeof rights)[number];

/** Whether `right` is for those who run this server, not for its audience. */
export function isStaffs(right: Right | "anybody"): boolean {
  return right === "moderate" || isOperators(right);
}

/** Whether `right` is about the machine, not about the audience: only keys carry it, no token does. */
export function isOperators(right: Right | "anybody"): boolean {
  return right === "metrics" || right === "admin";
}

export interface Identity {
  readonly by: "nobody" | "token" | "key";
  /** The viewer, or the API key's name; undefined for nobody. */
  readonly sub: string | undefined;
  /** What others are shown; a token's holder cannot choose another. */
  readonly name: string | undefined;
  /** Free words a token carries (`roles`), for videos on which only some may comment. */
  readonly roles: readonly string[];
  /** When the proof ends. */
  readonly untilMs: UnixMs | undefined;
  /** Names the key that the proof stands on, without telling it: see `Auth.stands`. */
  readonly proof?: string;
  readonly rights: ReadonlySet<Right>;
  /** undefined: all videos. */
  readonly videos: Videos | undefined;
}

/** Exact ids, and beginnings of ids. */
export interface Videos {
  readonly exact: ReadonlySet<string>;
  readonly prefixes: readonly string[];
}

/** Anybody, where nothing has to be proven. */
export const anybody: Identity = {
  by: "nobody",
  sub: undefined,
  name: undefined,
  roles: [],
  untilMs: undefined,
  rights: new Set(["watch", "like", "comment"]),
  videos: undefined,
};

/** Items in a claim that is a list, and characters of each. Beyond: the token is refused. */
const claimItemsMax = 100;
const claimCharsMax = 128;
/** The last instant that JavaScript can name, Unix ms. */
const timeMax = unixMs(8.64e15);
const viewerRights: ReadonlySet<Right> = new Set(["watch", "like", "comment"]);
/** An id, or the beginning of ids behind which a * stands. */
export const videosPattern = /^([A-Za-z0-9_-]{1,64}|[A-Za-z0-9_-]{0,63}\*)$/;

/** Whether `text` is a right that a token or a key can carry. */
export function isRight(text: string): text is Right {
  return (rights as readonly string[]).includes(text);
}

/**
 * The identity in a verified token's claims, or one line that says which claim is wrong. `sub`, `exp` and
 * `videos` must be there; without `can` a viewer may watch, like and comment. A token never carries `admin`
 * or `metrics`, and lasts `leewayMs` longer than its `exp`: clocks are never quite together.
 */
export function identityOf(claims: Readonly<Record<string, unknown>>, leewayMs: number): Identity | string {
  const { sub, exp, name } = claims;
  if (!isText(sub)) return "the token has no sub";
  if (typeof exp !== "number" || !Number.isFinite(exp)) return "the token has no exp";
  if (name !== undefined && !isText(name)) {
    return `the token's name is not 1 to ${claimCharsMax} characters, one visible, none a control character`;
  }
  const videos = textsOf(claims.videos);
  if (videos === undefined)
    return 'the token names no videos: "videos" lists ids, or beginnings like match-*';
  const can = claims.can === undefined ? [...viewerRights] : textsOf(claims.can);
  if (can === undefined) return 'the token\'s "can" is not a list of watch, like, comment, moderate';
  const roles = claims.roles === undefined ? [] : textsOf(claims.roles);
  if (roles === undefined) return 'the token\'s "roles" is not a list';
  const allowed = videosOf(videos);
  if (typeof allowed === "string") return allowed;
  return {
    by: "token",
    sub,
    name,
    roles,
    untilMs: unixMs(Math.min(exp * 1000 + leewayMs, timeMax)),
    rights: new Set(can.filter(isRight).filter((right) => !isOperators(right))),
    videos: allowed,
  };
}

/** Checks and sorts the items of `videos`; a message when one is no id and no beginning. */
export function videosOf(items: readonly string[]): Videos | string | undefined {
  const wrong = items.find((item) => !videosPattern.test(item));
  if (wrong !== undefined) return "the token's videos are ids, or beginnings of ids that end in *";
  if (items.includes("*")) return undefined;
  return {
    exact: new Set(items.filter((item) => !item.endsWith("*"))),
    prefixes: items.filter((item) => item.endsWith("*")).map((item) => item.slice(0, -1)),
  };
}

/**
 * Whether `who` is a server that speaks for many, or one of the staff: no allowance of one person is
 * theirs.
 */
export function speaksForMany({ by, rights }: Identity): boolean {
  return by === "key" && (rights.has("comment") || rights.has("moderate"));
}

const verbs: { readonly [right in Right]?: string } = { admin: "administrate", metrics: "read metrics" };

/** Why `who` may not do this to `video`, or undefined. */
export function forbids(who: Identity, right: Right, video?: VideoId): Rejection | undefined {
  if (!who.rights.has(right)) {
    const holder = who.by === "key" ? "this key" : "this token";
    return reject("forbidden", `${holder} does not allow to ${verbs[right] ?? right}`);
  }
  if (video === undefined || covers(who.videos, video)) return undefined;
  return reject("forbidden", "this token is not for this video");
}

/** Whether `video` is one of `videos`; undefined: all are. */
export function covers(videos: Videos | undefined, video: VideoId): boolean {
  return (
    videos === undefined ||
    videos.exact.has(video) ||
    videos.prefixes.some((start) => video.startsWith(start))
  );
}

function isText(value: unknown): value is string {
  return typeof value === "string" && value.length <= claimCharsMax && isVisible(value) && !hasControl(value);
}

/** A list of texts, or one text alone. */
function textsOf(value: unknown): readonly string[] | undefined {
  const items = typeof value === "string" ? [value] : value;
  if (!Array.isArray(items) || items.length === 0 || items.length > claimItemsMax) return undefined;
  return items.every(isText) ? (items as string[]) : undefined;
}

/** As the audit log names who decided something. */
export function nameOf({ by, sub }: Identity): string {
  return `${by}:${sub ?? ""}`;
}
