/**
 * The package `ovation-client` in a page: the same client as `/ovation.js`, for bundlers.
 *
 *     import { watch } from "ovation-client";
 *     const live = watch("final", { url: "https://your.host", likes: (e) => console.log(e.totals) });
 *     live.like("heart");
 *
 * A bundle has not come from the server, so `url` is the page's own origin when it is left out
 * (scripts/pack-client.ts). npm-alone.ts is its twin outside of pages; scripts/pack.mjs makes the package, and
 * system/package.test.ts uses it from its tarball.
 */
export { type Client, createClient, watch } from "./client.ts";
export { Refusal } from "./send.ts";
export type * from "./types.ts";
