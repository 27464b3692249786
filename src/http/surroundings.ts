/**
 * What a server hands to Hono beside the request, and where in it the peer is.
 *
 * Three programs call us: our own listener (`peer`), a program under `Bun.serve({ fetch: app.fetch })`, whose
 * surroundings are Bun's server itself, and one under @hono/node-server, whose surroundings hold Node's
 * message. Anything else tells no peer, and then nobody is limited by address.
 */
import { groupOf, isLoopback, type Peer } from "../trust/address.ts";
import type { Call } from "./call.ts";

export interface Surroundings {
  readonly peer?: Peer | undefined;
  readonly requestIP?: Peer["requestIP"];
  readonly incoming?: { readonly socket?: { readonly remoteAddress?: string | undefined } };
}

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
