/**
 * The package's way in under Bun, straight from source. The same face as ovation.ts; `data` may be a folder
 * here, and streams go out as those of the server do.
 */

import { bun } from "../node/runtime-bun.ts";
import { embed } from "./embed.ts";
import type { Ovation } from "./mounted.ts";
import type { OvationOptions } from "./options.ts";

export { OptionsRefused, type Ovation } from "./mounted.ts";
export type { OvationOptions } from "./options.ts";

/**
 * A node to mount in this program; with `data` a folder it keeps what was answered. Rejects with
 * OptionsRefused for options that cannot be, one line for each mistake.
 *
 * @example
 * import { createOvation } from "ovation";
 *
 * const ovation = await createOvation({ data: "./likes", kinds: ["heart"] });
 * Bun.serve({ fetch: ovation.fetch, hostname: "127.0.0.1", port: 8080, idleTimeout: 60 });
 *
 * process.once("SIGTERM", async () => {
 *   await ovation.drain();
 *   process.exit(0);
 * });
 */
export function createOvation(options: OvationOptions = {}): Promise<Ovation> {
  return embed(options, bun);
}
