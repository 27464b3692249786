/**
 * What `ovation calibrate` measures at: a server of this program in a process of its own, audiences that
 * `ovation load` brings, and looks at both from outside. `npm run bench:plan` looks the same way. Linux only.
 */
import { residentBytes, seriesIn, threadSeconds } from "./proc.ts";

const startMs = 15_000;
const lookMs = 100;
/** Whoever has not come together by then does not. */
const comeMs = 30_000;
/** Characters of the server's log that are looked through at once. */
const logCharsMax = 16 * 1024;

/** What happened between two looks. The looks themselves, which cost the server a little, are not in it. */
export interface Slice {
  readonly ms: number;
  readonly coreS: number;
  /** Resident memory (RSS) at its end. */
  readonly bytes: number;
  /** By how much a series of the server's metrics rose. */
  readonly rise: (name: string) => number;
}

export const names = {
  bytes: "ovation_bytes_total",
  connections: "ovation_connections",
  likes: "ovation_likes_accepted_total",
  comments: "ovation_comments_accepted_total",
  commits: "ovation_commits_total",
  ticks: "ovation_ticks_published_total",
  likesFrames: 'ovation_frames_total{event="likes"}',
  commentFrames: 'ovation_frames_total{event="comment"}',
} as const;

/** A server that can be looked at. */
export interface Site {
  readonly url: string;
  readonly pid: number;
}

/** What is to be ended, last first: noted as soon as it has begun, as a run may be interrupted. */
export type Ends = (() => Promise<void>)[];

/** Starts the program's own server on a free port of the loopback address, its log in `folder`. */
export async function startSite(self: readonly string[], folder: string, ends: Ends): Promise<Site> {
  const flags = ["--port=0", "--host=127.0.0.1", `--data=${folder}`, "--log-format=json", "--log-level=info"];
  const child = Bun.spawn({
    cmd: [...self, "serve", ...flags, "--drain=0ms", "--limits=off"],
    ...{ stdin: "ignore", stdout: "pipe", stderr: "inherit" },
  });
  ends.push(async () => {
    child.kill("SIGTERM");
    await child.exited;
  });
  const url = await Promise.race([urlIn(child.stdout), Bun.sleep(startMs)]);
  if (url === undefined) throw new Error("the server did not start");
  return { url, pid: child.pid };
}

/** The address in the line that says "listening"; the rest of the log is read and let go. */
function urlIn(log: ReadableStream<Uint8Array>): Promise<string | undefined> {
  const { promise, resolve } = Promise.withResolvers<string | undefined>();
  const decoder = new TextDecoder();
  const read = async (): Promise<void> => {
    let text = "";
    for await (const bytes of log) {
      text = (text + decoder.decode(bytes, { stream: true })).slice(-logCharsMax);
      const url = /"url":"(http:[^"]*)"/.exec(text)?.[1];
      if (url !== undefined) resolve(url);
    }
  };
  void read().finally(() => resolve(undefined));
  return promise;
}

/** Looks at `site` before and after `during`. */
export async function sliceOf({ url, pid }: Site, during: () => Promise<void>): Promise<Slice> {
  const from = seriesIn(await (await fetch(`${url}/metrics`)).text());
  const used = () => ({ atMs: performance.now(), coreS: threadSeconds(pid) });
  const before = used();
  await during();
  const after = { ...used(), bytes: residentBytes(pid) };
  const to = seriesIn(await (await fetch(`${url}/metrics`)).text());
  return {
    ...{ ms: after.atMs - before.atMs, coreS: after.coreS - before.coreS, bytes: after.bytes },
    rise: (name) => (to.get(name) ?? 0) - (from.get(name) ?? 0),
  };
}

/** Starts `ovation load` with `flags` at `site`; resolves once `connections` are open there in all. */
export async function bring(
  site: Site,
  self: readonly string[],
  { connections, flags }: { readonly connections: number; readonly flags: readonly string[] },
  ends: Ends,
): Promise<void> {
  const cmd = [...self, "load", `--url=${site.url}`, "--json", "--quiet", ...flags];
  const child = Bun.spawn({ cmd, stdin: "ignore", stdout: "ignore", stderr: "inherit" });
  ends.push(async () => {
    child.kill("SIGKILL");
    await child.exited;
  });
  const untilMs = performance.now() + comeMs;
  while ((await connectionsOf(site)) < connections) {
    if (performance.now() > untilMs || child.exitCode !== null) {
      throw new Error("the audience did not come together; fewer --viewers?");
    }
    await Bun.sleep(lookMs);
  }
}

async function connectionsOf({ url }: Site): Promise<number> {
  return seriesIn(await (await fetch(`${url}/metrics`)).text()).get(names.connections) ?? 0;
}
