/**
 * What a server hands to Hono beside the request, and where in it the peer is.
 *
 * Three programs call us: our own listener (`peer`), a program under `Bun.serve({ fetch: app.fetch })`, whose
 * surroundings are Bun's server itself, and one under @hono/node-server, whose surroundings hold Node's
 * message. Anything else tells no peer, and then nobody is limited by address.
 */
import type { Peer } from "../trust/address.ts";

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
