/** One request on its way to a route: what the router found out, so that no route parses a URL twice. */
import { isRejection, parseVideoId, type Rejection, reject, type VideoId } from "../core/interaction.ts";
import { addressOf, type Peer } from "../trust/address.ts";
import { refused } from "./answer.ts";
import type { Doors } from "./doors.ts";

export interface Call {
  readonly request: Request;
  /** Path parameters, percent-decoded and otherwise unchecked. */
  readonly params: Readonly<Record<string, string>>;
  /** Tells where the request came from; absent in tests. */
  readonly peer: Peer | undefined;
}

/** The address that `call` counts for; undefined when it is not known. */
export function addressIn(doors: Doors, call: Pick<Call, "request" | "peer">): string | undefined {
  return addressOf(call.request, call.peer, doors.settings.trustProxy);
}

export type Answer = Response | Promise<Response>;
export type Handle = (doors: Doors, call: Call) => Answer;

/** The `:video` of the path, or the answer that refuses it. */
export function videoParam(call: Call): VideoId | Response {
  const video = parseVideoId(call.params.video);
  return isRejectionValue(video) ? refused(video) : video;
}

/** The query. Its values are untrusted. */
export function queryOf(call: Call): URLSearchParams {
  const { url } = call.request;
  const at = url.indexOf("?");
  return new URLSearchParams(at < 0 ? "" : url.slice(at));
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

/** Whether `?held=1` asks for what is held for review. */
export function heldIn(query: URLSearchParams): boolean | Rejection {
  const held = wholeNumber(query, "held", { min: 0, max: 1, fallback: 0 });
  return typeof held === "object" ? held : held === 1;
}

function isRejectionValue(value: string | Rejection): value is Rejection {
  return typeof value === "object" && isRejection(value);
}
