/**
 * Which web pages of other origins may call this server (Fetch standard, CORS protocol).
 *
 * Three modes by `--cors-origins`: none (same origin only: no header at all), a list (the origin is
 * repeated only when it is on the list, exactly), and `*`. Credentials are never allowed: whoever may
 * do something proves it with a header, not with a cookie that another page could borrow.
 */

const methods = "GET, HEAD, POST, PUT, DELETE";
const requestHeaders = "Authorization, Content-Type, Idempotency-Key, Last-Event-ID, X-API-Key";
const exposed = "Retry-After";
/** Browsers cap it at two hours. */
const preflightSeconds = "7200";

export class Cors {
  readonly #any: boolean;
  readonly #origins: ReadonlySet<string>;

  constructor(origins: readonly string[]) {
    this.#any = origins.includes("*");
    this.#origins = new Set(origins);
  }

  /** Adds what the browser must know to `response`, the answer to `request`. */
  mark(request: Request, response: Response): Response {
    if (this.#origins.size === 0) return response;
    const headers = response.headers;
    if (!this.#any) headers.append("vary", "Origin");
    // A file that every origin may import keeps its own answer.
    if (headers.has("access-control-allow-origin")) return response;
    const origin = request.headers.get("origin");
    if (origin === null) return response;
    if (!this.#any && !this.#origins.has(origin)) return response;
    headers.set("access-control-allow-origin", this.#any ? "*" : origin);
    headers.set("access-control-expose-headers", exposed);
    return response;
  }

  /** The answer to OPTIONS on a path that knows `allow`; an origin not allowed is told nothing more. */
  preflight(request: Request, allow: string): Response {
    const response = new Response(null, { status: 204, headers: { allow } });
    if (request.headers.get("access-control-request-method") === null) return response;
    this.mark(request, response);
    if (response.headers.has("access-control-allow-origin")) {
      response.headers.set("access-control-allow-methods", methods);
      response.headers.set("access-control-allow-headers", requestHeaders);
      response.headers.set("access-control-max-age", preflightSeconds);
    }
    return response;
  }
}
