/**
 * Who a request comes from: the credential it carries, where it may carry one, and what it is then refused.
 *
 * The distinction it rests on: in open mode viewers are anybody and only keys are looked at; in token mode
 * everybody proves who they are. A credential is taken from a header, else from the cookie, else from the
 * query, and never appears in an answer or a log line. A cookie is sent by browsers without being asked, so
 * it counts only for pages of this origin (OWASP, Cross-Site Request Forgery Prevention).
 */
import type { Metrics } from "../base/metrics.ts";
import { type Rejection, reject, type VideoId } from "../core/interaction.ts";
import { anybody, forbids, type Identity, type Right } from "../trust/identity.ts";
import { ApiKeys } from "../trust/keys.ts";
import type { Tokens } from "../trust/tokens.ts";
import { json, refuse, refused } from "./answer.ts";

/** The cookie that may hold a viewer's token; set it HttpOnly, Secure and SameSite=Lax. */
export const tokenCookie = "ovation_token";

type Found = Identity | Rejection | Response;

export class Auth {
  readonly mode: "open" | "token";
  readonly #tokens: Tokens | undefined;
  #keys: ApiKeys;

  /** Without `tokens`, anybody may watch, like and comment. */
  constructor(keys: ApiKeys, tokens?: Tokens) {
    this.mode = tokens ? "token" : "open";
    this.#keys = keys;
    this.#tokens = tokens;
  }

  /** Other keys from now on. */
  reload(keys: ApiKeys): void {
    this.#keys = keys;
  }

  /** Whether anybody can prove to hold `right`. */
  grantable(right: Right): boolean {
    return this.#keys.has(right) || (this.mode === "token" && right !== "admin");
  }

  /** Who sends `request`: at once, unless a token is seen for the first time. */
  identify(request: Request): Found | Promise<Found> {
    const tokens = this.#tokens;
    if (!tokens && this.#keys.size === 0) return anybody;
    const header = headerCredential(request);
    const jwt = tokens && header?.split(".").length === 3 ? header : undefined;
    const key = header === undefined || jwt !== undefined ? undefined : this.#keys.find(header);
    if (key) return key;
    if (!tokens) return anybody;
    if (header !== undefined) return jwt === undefined ? unknownKey() : tokens.verify(jwt);
    const cookie = cookieToken(request);
    if (cookie !== undefined) {
      const place = siteOf(request);
      if (place === "own") return tokens.verify(cookie);
      if (place === "foreign" && isWrite(request)) {
        return refuse("cross-site", "a cookie counts only for pages of this server's own origin");
      }
    }
    const query = queryToken(request.url);
    if (query !== undefined) return tokens.verify(query);
    return reject("unauthorized", `a token is needed: as bearer, as cookie ${tokenCookie} or as ?token=`);
  }

  /** Why `who` may not do this, or undefined. */
  forbids(who: Identity, right: Right, video: VideoId | undefined): Response | undefined {
    const isStaff = right === "moderate" || right === "admin";
    if (this.mode === "open" && !isStaff) return undefined;
    if (isStaff && !this.grantable(right)) {
      return refuse("admin-off", "admin calls are off: start with --admin-key or --api-keys");
    }
    if (who.by === "nobody") return unauthorized("this call needs the admin key");
    const refusal = forbids(who, right, video);
    return refusal && refused(refusal);
  }
}

/** Auth of a node that only knows an admin key, or "" for none. */
export function openAuth(adminKey: string): Auth {
  const keys = ApiKeys.read([], adminKey);
  return new Auth(keys as ApiKeys);
}

/** What letting somebody in needs of all doors. */
interface Entrance {
  readonly auth: Auth;
  readonly metrics: Metrics;
}

/** Who sends `request`, if they may do `right` to `video`; else the answer that refuses it, counted. */
export async function enter(
  doors: Entrance,
  request: Request,
  right: Right,
  video?: VideoId,
): Promise<Identity | Response> {
  const found = await doors.auth.identify(request);
  return admit(doors, found, right, video);
}

/** As `enter`, for who was found already. */
export function admit(doors: Entrance, found: Found, right: Right, video?: VideoId): Identity | Response {
  const answer = refusalOf(doors, found, right, video);
  if (!answer) return found as Identity;
  doors.metrics.refused.inc({ reason: answer.status === 401 ? "unauthorized" : "forbidden" });
  return answer;
}

function refusalOf(doors: Entrance, found: Found, right: Right, video?: VideoId): Response | undefined {
  if (found instanceof Response) return found;
  if (!("rejected" in found)) return doors.auth.forbids(found, right, video);
  return found.rejected === "unauthorized" ? unauthorized(found.message) : refused(found);
}

function unauthorized(message: string): Response {
  return json(401, { error: { code: "unauthorized", message } }, { "www-authenticate": "Bearer" });
}

function unknownKey(): Rejection {
  return reject("unauthorized", "this is no key of this server, and no token");
}

function headerCredential(request: Request): string | undefined {
  const authorization = request.headers.get("authorization");
  if (authorization !== null) {
    const bearer = /^Bearer[ ]+(\S+)$/i.exec(authorization)?.[1];
    if (bearer !== undefined) return bearer;
  }
  return request.headers.get("x-api-key") ?? undefined;
}

function cookieToken(request: Request): string | undefined {
  const cookies = request.headers.get("cookie");
  if (cookies === null || !cookies.includes(tokenCookie)) return undefined;
  for (const part of cookies.split(";")) {
    const [name, value] = part.trim().split("=", 2);
    if (name === tokenCookie && value) return value;
  }
  return undefined;
}

/** Whose page sent it. Browsers say so themselves; older ones only give the page's origin, with a write. */
function siteOf(request: Request): "own" | "foreign" {
  const site = request.headers.get("sec-fetch-site");
  // "none": typed into the address bar, which never writes.
  if (site !== null)
    return site === "same-origin" || (site === "none" && !isWrite(request)) ? "own" : "foreign";
  const origin = request.headers.get("origin");
  if (origin === null) return isWrite(request) ? "foreign" : "own";
  return URL.parse(origin)?.host === request.headers.get("host") ? "own" : "foreign";
}

function isWrite({ method }: Request): boolean {
  return method !== "GET" && method !== "HEAD";
}

function queryToken(url: string): string | undefined {
  const at = url.indexOf("?");
  if (at < 0 || !url.includes("token=", at)) return undefined;
  return new URLSearchParams(url.slice(at)).get("token") || undefined;
}
