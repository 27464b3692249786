/** One request on its way to a route: what the router found out, so that no route parses a URL twice. */
import { type Rejection, reject, type VideoId } from "../core/interaction.ts";
import type { Peer } from "../trust/address.ts";

export interface Call {
  readonly request: Request;
  /** Path parameters, percent-decoded and otherwise unchecked. */
  readonly params: Readonly<Record<string, string>>;
  /** Tells where the request came from; absent in tests. */
  readonly peer: Peer | undefined;
  /** The video that its path names, where that is known, and that there is no query. */
  readonly video?: VideoId;
}

/** The whole number `name` of `query`, within its bounds; `fallback` when it is absent. */
export function wholeNumber(
  query: URLSearchParams,
  name: string,
  bounds: { readonly min: number; readonly max: number; readonly fallback: number },
): number | Rejection {
  const text = query.get(name);
  if (text !== null && query.getAll(name).length > 1) return reject("bad-query", `${name} is given twice`);
  if (text === null) return bounds.fallback;
  const value = /^[0-9]{1,9}$/.test(text) ? Number(text) : Number.NaN;
  if (value >= bounds.min && value <= bounds.max) return value;
  return reject("bad-query", `${name} must be a whole number from ${bounds.min} to ${bounds.max}`);
}

/**
 * Where a stream is to go on: the header, which a reconnecting browser keeps up to date; then the query, for
 * first loads. A header that is there and empty is that of a client that lost its place (Rust's
 * reqwest-eventsource 0.6.0): it is answered as any place that means nothing, since a snapshot alone would
 * not say that something may lie before it.
 */
export function lastEventIdOf(request: Request, query: URLSearchParams): string | undefined {
  const header = request.headers.get("last-event-id");
  return header || query.get("last_event_id") || query.get("lastEventId") || (header ?? undefined);
}
