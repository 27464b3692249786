/**
 * The package `ovation-client` outside of pages, in Node and Bun: the face of npm.ts. Where there is no
 * EventSource, streams are read by fetch; nothing is shared between programs; `url` is needed.
 */
import { type Client, createClient as createAny } from "./client.ts";
import { fetchSource } from "./fetch-source.ts";
import type { ConnectOptions, Outside, Source, Watch, WatchOptions } from "./types.ts";

export type { Client } from "./client.ts";
export { Refusal } from "./send.ts";
export type * from "./types.ts";

const outside: Outside = {
  now: () => Date.now(),
  after(ms, run) {
    const timer = setTimeout(run, ms);
    return () => clearTimeout(timer);
  },
  random: () => Math.random(),
  open: (url) =>
    typeof EventSource === "function" ? (new EventSource(url) as Source) : fetchSource(url, fetch),
  fetch: (url, init) => fetch(url, init),
  online: () => true,
};

const clients = new Map<string, Client>();

/** A client of the server at `url`. `watch` keeps one for each server; make your own for a second token. */
export function createClient(options: ConnectOptions = {}): Client {
  const { url } = options;
  if (!url) throw new Error("ovation-client: outside of a page, `url` says where the server is");
  return createAny({ ...options, share: false }, outside);
}

/**
 * Watches a video. All watches that name the same server share one client, made with the options of the first
 * of them.
 */
export function watch(video: string, options: WatchOptions = {}): Watch {
  const { url = "", token, share: _, ...listeners } = options;
  const client = clients.get(url) ?? createClient({ url, ...(token && { token }) });
  clients.set(url, client);
  return client.watch(video, listeners);
}
