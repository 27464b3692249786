/**
 * Who a request comes from: the credential it carries, where it may carry one, and what it is then refused.
 *
 * In open mode viewers are anybody, and who comes with a key has its scopes; in token mode everybody proves
 * who they are. A credential is taken from a header, else from the cookie, else from the query, and never
 * appears in an answer or a log line. A cookie is sent by browsers without being asked, so it counts only for
 * pages of this origin (OWASP, Cross-Site Request Forgery Prevention). auth.test.ts holds all of it. What
 * else a call is asked before it is let in is enter.ts.
 */
import { type Rejection, reject, type VideoId } from "../core/interaction.ts";
import { anybody, forbids, type Identity, isOperators, isStaffs, type Right } from "../trust/identity.ts";
import { ApiKeys } from "../trust/keys.ts";
import type { Tokens } from "../trust/tokens.ts";
import { json, refuse, refused } from "./answer.ts";

/** The cookie that may hold a viewer's token; set it HttpOnly, Secure and SameSite=Lax. */
export const tokenCookie = "ovation_token";

/** Who it is; why it is nobody; or what has to be checked first, which costs something. */
type Found = Identity | Rejection | Response | Unproven;

/** A token that was not seen before. */
export interface Unproven {
  prove(): Promise<Identity | Rejection>;
}

const adminOff = "admin calls are off: start with --admin-key or --api-keys";
const metricsOff =
  "metrics are told to this machine itself, to keys with the scope metrics (--api-keys), and on --admin-port";

export class Auth {
  readonly mode: "open" | "token";
  readonly #tokens: Tokens | undefined;
  #keys: ApiKeys;
  /** Called when keys went: who came by one of them has no right to be here any more. */
  changed: () => void = () => {};

  /** Without `tokens`, anybody may watch, like and comment. */
  constructor(keys: ApiKeys, tokens?: Tokens) {
    this.mode = tokens ? "token" : "open";
    this.#keys = keys;
    this.#tokens = tokens;
    if (tokens) tokens.changed = () => this.changed();
  }

  /** Other keys from now on. */
  reload(keys: ApiKeys): void {
    this.#keys = keys;
    this.changed();
  }

  /** Whether what `who` has proven once would still be proven now, its time apart. */
  stands({ by, proof }: Identity): boolean {
    if (proof === undefined || by === "nobody") return true;
    return by === "key" ? this.#keys.stands(proof) : this.#tokens?.stands(proof) === true;
  }

  /** Whether anybody can prove to hold `right`. */
  grantable(right: Right): boolean {
    return this.#keys.has(right) || (this.mode === "token" && !isOperators(right));
  }

  /** Who sends `request`. */
  identify(request: Request): Found {
    const tokens = this.#tokens;
    if (!tokens && this.#keys.size === 0) return anybody;
    const header = headerCredential(request);
    // A key may look like a token; a token never is a key.
    const isTokenLike = header !== undefined && tokens !== undefined && header.split(".").length === 3;
    const mayBeKey = header !== undefined && (!isTokenLike || this.#keys.someLikeTokens);
    const key = mayBeKey ? this.#keys.find(header) : undefined;
    if (key) return key;
    if (!tokens) return anybody;
    if (header !== undefined) return isTokenLike ? ofToken(tokens, header) : unknownKey();
    const cookie = cookieToken(request);
    if (cookie !== undefined) {
      const place = siteOf(request);
      if (place === "own") return ofToken(tokens, cookie);
      if (place === "foreign" && isWrite(request)) {
        return refuse("cross-site", "a cookie counts only for pages of this server's own origin");
      }
    }
    const query = queryToken(request.url);
    if (query !== undefined) return ofToken(tokens, query);
    return reject("unauthorized", `a token is needed: as bearer, as cookie ${tokenCookie} or as ?token=`);
  }

  /** Why `who` may not do this, or undefined. */
  forbids(who: Identity, right: Right, video: VideoId | undefined): Response | undefined {
    const isStaff = isStaffs(right);
    if (this.mode === "open" && !isStaff && who.by === "nobody") return undefined;
    if (isStaff && !this.grantable(right)) {
      return refuse("admin-off", right === "metrics" ? metricsOff : adminOff);
    }
    if (who.by === "nobody") {
      return unauthorized(
        right === "admin" ? "this call needs the admin key" : `this call needs an API key of scope ${right}`,
      );
    }
    const refusal = forbids(who, right, video);
    return refusal && refused(refusal);
  }
}

/** Auth of a node that only knows an admin key, or "" for none. */
export function openAuth(adminKey: string): Auth {
  const keys = ApiKeys.read([], adminKey);
  if ("mistakes" in keys) throw new Error(keys.mistakes.join("; "));
  return new Auth(keys);
}

/** 401, with what a client must know to try again. */
export function unauthorized(message: string): Response {
  return json(401, { error: { code: "unauthorized", message } }, { "www-authenticate": "Bearer" });
}

function ofToken(tokens: Tokens, token: string): Found {
  return tokens.known(token) ?? { prove: () => tokens.check(token) };
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
  const page = URL.parse(origin);
  if (page?.host !== request.headers.get("host")) return "foreign";
  // A page that came in the clear may be anybody's on the way: it is no page of a server that is encrypted.
  const isSecure = request.url.startsWith("https:") || request.headers.get("x-forwarded-proto") === "https";
  return isSecure && page?.protocol !== "https:" ? "foreign" : "own";
}

function isWrite({ method }: Request): boolean {
  return method !== "GET" && method !== "HEAD";
}

function queryToken(url: string): string | undefined {
  const at = url.indexOf("?");
  if (at < 0 || !url.includes("token=", at)) return undefined;
  return new URLSearchParams(url.slice(at)).get("token") || undefined;
}
