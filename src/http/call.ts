/** One request on its way to a route: what the router found out, so that no route parses a URL twice. */
import { type Rejection, reject } from "../core/interaction.ts";
import type { Peer } from "../trust/address.ts";

export interface Call {
  readonly request: Request;
  /** Path parameters, percent-decoded and otherwise unchecked. */
  readonly params: Readonly<Record<string, string>>;
  /** Tells where the request came from; absent in tests. */
  readonly peer: Peer | undefined;
}

/** The whole number `name` of `query`, within its bounds; `fallback` when it is absent. */
export function wholeNumber(
  query: URLSearchParams,
  name: string,
  bounds: { readonly min: number; readonly max: number; readonly fallback: number },
): number | Rejection {
  const text = query.get(name);
  if (text === null || text === "") return bounds.fallback;
  const value = /^[0-9]{1,9}$/.test(text) ? Number(text) : Number.NaN;
  if (value >= bounds.min && value <= bounds.max) return value;
  return reject("bad-query", `${name} must be a whole number from ${bounds.min} to ${bounds.max}`);
}
