/**
 * The package `ovation-client` in a page: the same client as `/ovation.js`, for bundlers.
 *
 *     import { watch } from "ovation-client";
 *     const live = watch("final", { url: "https://your.host", likes: (e) => console.log(e.totals) });
 *     live.like("heart");
 *
 * What differs from the module that a server gives: `url` is the page's own origin when it is left out.
 * npm-alone.ts is its twin outside of pages; scripts/pack.mjs makes the package, and system/package.test.ts
 * uses it from its tarball.
 */
import { type Client, createClient as createAny, watch as watchAny } from "./client.ts";
import type { ConnectOptions, Watch, WatchOptions } from "./types.ts";

export type { Client } from "./client.ts";
export { Refusal } from "./send.ts";
export type * from "./types.ts";

/** With the slash that makes a server's address, or the path it is mounted under, a folder. */
const at = <T extends ConnectOptions>(options: T): T => ({
  ...options,
  url: `${(options.url ?? location.origin).replace(/\/+$/, "")}/`,
});

/** A client of the server at `url`. `watch` keeps one for each server; make your own for a second token. */
export function createClient(options: ConnectOptions = {}): Client {
  return createAny(at(options));
}

/**
 * Watches a video. All watches that name the same server share one client, made with the options of the first
 * of them.
 */
export function watch(video: string, options: WatchOptions = {}): Watch {
  return watchAny(video, at(options));
}
