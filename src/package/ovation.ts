/**
 * The package's way in, `import { createOvation } from "ovation"`, for Node 20 and newer: built by
 * scripts/embed.mjs into dist/embed/. Nothing it reaches knows Bun; ovation-bun.ts is its twin under Bun.
 */
import "../base/node20.ts";
import { anywhere } from "../node/runtime.ts";
import { embed, type Ovation, type OvationOptions } from "./embed.ts";

export { OptionsRefused, type Ovation, type OvationOptions } from "./embed.ts";

/** A node to mount in this program, its ledger in memory or, with `nats`, over NATS. See embed.ts. */
export function createOvation(options: OvationOptions = {}): Promise<Ovation> {
  return embed(options, anywhere);
}
