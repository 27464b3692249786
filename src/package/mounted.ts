/**
 * What a program gets from `createOvation`: the package's face, apart from what is behind it (embed.ts), so
 * that the package's types are these, its options, and Hono's. Held by system/package.test.ts.
 */
import type { HttpApp } from "../http/app.ts";

/** A node without a port. */
export interface Ovation {
  /** Routes for a Hono program: `yours.route("/", ovation.app)`, or under a path of their own. */
  readonly app: HttpApp;
  /**
   * The same as one function, for `Bun.serve({ fetch })` and `serve({ fetch })` of @hono/node-server: a like
   * then costs no routing. The second argument is what these pass, and tells who is asking.
   */
  readonly fetch: (request: Request, surroundings?: object) => Response | Promise<Response>;
  /** Streams open now. */
  connections(): number;
  /** Resolves with the reason when a node over NATS, after all, cannot start. */
  readonly failed: Promise<Error>;
  /** Not ready from now on; resolves when every viewer has been sent away, over `drainMs`. */
  drain(): Promise<void>;
  /** Ends everything; what was accepted is as durable as its ledger. */
  close(): Promise<void>;
}

/** What an option cannot be. One line for each mistake. */
export class OptionsRefused extends Error {
  override readonly name = "OptionsRefused";
}
