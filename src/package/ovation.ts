/**
 * The package's way in, `import { createOvation } from "ovation"`, for Node 20 and newer: built by
 * scripts/embed.mjs into dist/embed/. Nothing it reaches knows Bun; ovation-bun.ts is its twin under Bun.
 */
import "../base/node20.ts";
import { anywhere } from "../node/runtime.ts";
import { embed } from "./embed.ts";
import type { Ovation } from "./mounted.ts";
import type { OvationOptions } from "./options.ts";

export { OptionsRefused, type Ovation } from "./mounted.ts";
export type { OvationOptions } from "./options.ts";

/**
 * A node to mount in this program, its ledger in memory or, with `nats`, over NATS. Rejects with
 * OptionsRefused for options that cannot be, one line for each mistake.
 *
 * @example
 * import { serve } from "@hono/node-server";
 * import { createOvation } from "ovation";
 *
 * const ovation = await createOvation({ kinds: ["heart"], tickMs: 100 });
 * serve({ fetch: ovation.fetch, hostname: "127.0.0.1", port: 8080 });
 *
 * process.once("SIGTERM", async () => {
 *   await ovation.drain();
 *   process.exit(0);
 * });
 */
export function createOvation(options: OvationOptions = {}): Promise<Ovation> {
  return embed(options, anywhere);
}
