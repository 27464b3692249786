/**
 * The package's way in under Bun, straight from source. The same face as ovation.ts; `data` may be a folder
 * here, and streams go out as those of the server do.
 */

import { bun } from "../node/runtime-bun.ts";
import { embed, type Ovation, type OvationOptions } from "./embed.ts";

export { OptionsRefused, type Ovation, type OvationOptions } from "./embed.ts";

/** A node to mount in this program. See embed.ts. */
export function createOvation(options: OvationOptions = {}): Promise<Ovation> {
  return embed(options, bun);
}
