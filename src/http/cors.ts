/**
 * Which web pages of other origins may call this server (Fetch standard, CORS protocol).
 *
 * Three modes by `--cors-origins`: none (same origin only), a list (the origin is repeated only when it is on
 * the list, exactly), and `*`. Credentials are never allowed: whoever may do something proves it with a
 * header, not with a cookie that another page could borrow. So a page that may call may also send what
 * headers it likes: its tracing and its cache rules are no concern of ours.
 *
 * A browser hides from a refused page everything about the answer but prints to its console what stands in
 * place of the origin, and what we put there says why. That is no origin, so nothing can match it.
 */
import type { Clock, Elapsed } from "../base/clock.ts";
import { longAgo } from "../base/clock.ts";
import type { Log } from "../base/log.ts";
import { limits } from "../core/limits.ts";

const methods = "GET, HEAD, POST, PUT, DELETE";
const requestHeaders = "Authorization, Content-Type, Idempotency-Key, Last-Event-ID, X-API-Key";
const exposed = "Retry-After";
/** Browsers cap it at two hours. */
const preflightSeconds = "7200";
/** Names of headers (RFC 9110, section 5.6.2) between commas. */
const namesPattern = /^[\w!#$%&'*+.^`|~-]+(?: ?, ?[\w!#$%&'*+.^`|~-]+)*$/;
const refusal = "refused (the server's --cors-origins does not list this page's origin)";
const originCharsMax = 200;

export class Cors {
  readonly #any: boolean;
  readonly #origins: ReadonlySet<string>;
  readonly #log: Log;
  readonly #clock: Clock;
  #saidAt: Elapsed = longAgo;

  /** `origins` are those of `--cors-origins`, or `*` alone. */
  constructor(origins: readonly string[], log: Log, clock: Clock) {
    this.#any = origins.includes("*");
    this.#origins = new Set(origins);
    this.#log = log;
    this.#clock = clock;
  }

  /** Adds what the browser must know to `response`, the answer to `request`. */
  mark(request: Request, response: Response): Response {
    const listed = this.#origins.size > 0 && !this.#any;
    const origin = request.headers.get("origin");
    // Headers that nobody touched cost nothing; touched ones stay with a viewer's answer, 400 bytes each.
    if (!listed && origin === null) return response;
    const { headers } = response;
    // What every origin may read keeps its own answer, which is the same for all of them.
    if (headers.has("access-control-allow-origin")) return response;
    if (listed) headers.append("vary", "Origin");
    if (origin === null) return response;
    if (this.#any || this.#origins.has(origin)) {
      headers.set("access-control-allow-origin", this.#any ? "*" : origin);
      headers.set("access-control-expose-headers", exposed);
    } else if (isForeign(request, origin)) {
      if (!listed) headers.append("vary", "Origin");
      headers.set("access-control-allow-origin", refusal);
      this.#say(origin);
    }
    return response;
  }

  /** The answer to OPTIONS on a path that knows `allow`; an origin not allowed is told why, and no more. */
  preflight(request: Request, allow: string): Response {
    const response = new Response(null, { status: 204, headers: { allow } });
    if (request.headers.get("access-control-request-method") === null) return response;
    const { headers } = this.mark(request, response);
    const answer = headers.get("access-control-allow-origin");
    if (answer === null || answer === refusal) return response;
    headers.set("access-control-allow-methods", methods);
    headers.set("access-control-allow-headers", wantedBy(request));
    headers.set("access-control-max-age", preflightSeconds);
    return response;
  }

  #say(origin: string): void {
    const at = this.#clock.elapsed();
    if (at - this.#saidAt < limits.logAgainMs) return;
    this.#saidAt = at;
    this.#log.warn("a page of another origin was refused: --cors-origins does not list it", {
      origin: origin.slice(0, originCharsMax),
    });
  }
}

/** The headers that a preflight asks for; those we know of when what it asks is none. */
function wantedBy(request: Request): string {
  const wanted = request.headers.get("access-control-request-headers") ?? "";
  return wanted.length <= limits.corsHeadersCharsMax && namesPattern.test(wanted) ? wanted : requestHeaders;
}

/**
 * Whether `origin` is another than this server's. Browsers say so themselves; of others only the host can be
 * compared, which a proxy may have written anew.
 */
function isForeign(request: Request, origin: string): boolean {
  const site = request.headers.get("sec-fetch-site");
  if (site !== null) return site === "cross-site" || site === "same-site";
  return URL.parse(origin)?.host !== request.headers.get("host");
}
