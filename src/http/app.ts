/**
 * What another program sees of the routes that it mounts. Types only, apart from the routes, so that the
 * package's types hold these and nothing of the inside (system/package.test.ts).
 */
import type { Hono } from "hono";
import type { Peer } from "../trust/address.ts";

/** Node's message, as far as it is looked at. */
export interface Message {
  readonly socket?: { readonly remoteAddress?: string | undefined };
  /** Whether all of it has been read, by somebody. */
  readonly readableEnded?: boolean;
  /** What a body parser made of it. */
  readonly body?: unknown;
  /** All of it, kept by a platform that reads bodies itself: @hono/node-server takes that. */
  readonly rawBody?: unknown;
}

/** What a server hands to Hono beside the request, see surroundings.ts. */
export interface Surroundings {
  readonly peer?: Peer | undefined;
  readonly requestIP?: Peer["requestIP"];
  readonly incoming?: Message;
}

/** The routes of a node; `Bindings` are whatever the program's server gives Hono. */
export type HttpApp = Hono<{ Bindings: Surroundings }>;
