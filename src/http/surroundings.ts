/**
 * What a server hands to Hono beside the request: where in it the peer is, and a body that somebody has read.
 *
 * Three programs call us: our own listener (`peer`), a program under `Bun.serve({ fetch: app.fetch })`, whose
 * surroundings are Bun's server itself, and one under @hono/node-server, whose surroundings hold Node's
 * message. Anything else tells no peer, and then nobody is limited by address.
 *
 * In a program that parses bodies before it comes to us (Express' `json()`, Fastify) Node's message has been
 * read to its end. What Express made of it stands in `message.body`, and is the body then; of others nothing
 * is left, and whoever wrote that program is told so instead of its viewers' bodies being called broken.
 */
import { type Clock, type Elapsed, longAgo } from "../base/clock.ts";
import type { Log } from "../base/log.ts";
import { limits } from "../core/limits.ts";
import { groupOf, isLoopback, type Peer } from "../trust/address.ts";
import { refuse } from "./answer.ts";
import type { Surroundings } from "./app.ts";
import type { Call } from "./call.ts";

/** Who tells where a request came from. `surroundings` may be anything at all. */
export function peerIn(surroundings: Surroundings | undefined): Peer | undefined {
  if (surroundings === undefined) return undefined;
  const { peer, requestIP, incoming } = surroundings;
  if (peer !== undefined) return peer;
  if (typeof requestIP === "function") return surroundings as Peer;
  const address = incoming?.socket?.remoteAddress;
  return address === undefined ? undefined : { requestIP: () => ({ address }) };
}

/** What a proxy on the way leaves in a request: then the peer is the proxy, not whoever asks. */
const traces = ["x-forwarded-for", "x-forwarded-proto", "x-forwarded-host", "x-real-ip", "forwarded", "via"];
const ownNames = /^https?:\/\/(localhost|127\.\d+\.\d+\.\d+|\[::1\])([:/]|$)/;

/**
 * Whether whoever calls sits at this machine: a socket of its own, no proxy between, and by the machine's own
 * name, so that no page of another site gets in by a name that it lets point here.
 */
export function isThisMachine({ request, peer }: Pick<Call, "request" | "peer">): boolean {
  const socket = peer?.requestIP(request)?.address;
  const address = socket === undefined ? undefined : groupOf(socket);
  if (address === undefined || !isLoopback(address) || !ownNames.test(request.url)) return false;
  return traces.every((name) => !request.headers.has(name));
}

/**
 * `request` with its body, whoever read that; undefined when nothing is left of it. Asked before it is read.
 */
export function withBody(request: Request, surroundings: Surroundings | undefined): Request | undefined {
  const message = surroundings?.incoming;
  if (message?.readableEnded !== true || !hasBody(request)) return request;
  const { body, rawBody } = message;
  if (rawBody instanceof Uint8Array) return request;
  if (body === undefined) return undefined;
  const { url, method, headers, signal } = request;
  const isRaw = typeof body === "string" || body instanceof Uint8Array;
  return new Request(url, {
    ...{ method, headers, signal },
    body: isRaw ? (body as BodyInit) : JSON.stringify(body),
  });
}

const takenMessage =
  "the program around Ovation read this body before it came here: mount Ovation before its body parsers";
const saidAt = new WeakMap<Log, Elapsed>();

/** The answer to a request whose body is gone; whoever runs the program is told once a minute. */
export function bodyTaken({ log, clock }: { readonly log: Log; readonly clock: Clock }): Response {
  const now = clock.elapsed();
  if (now - (saidAt.get(log) ?? longAgo) >= limits.logAgainMs) {
    saidAt.set(log, now);
    log.error(takenMessage);
  }
  return refuse("internal", takenMessage);
}

function hasBody({ method, headers }: Request): boolean {
  if (method === "GET" || method === "HEAD") return false;
  return Number(headers.get("content-length") ?? 0) > 0 || headers.has("transfer-encoding");
}
