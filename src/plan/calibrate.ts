/**
 * `ovation calibrate`: measures this machine's coefficients with this program's own server and audience.
 *
 * One server in memory's reach (its log in a temporary folder), three audiences one after the other: viewers
 * who see likes, viewers who see comments, and one who watches a flood of single likes. Processor
 * time and memory are the kernel's (/proc), frames the server's own count; what is measured is the middle of
 * each run, while all are there. Linux only. Held by calibrate.test.ts; beside a run in `npm run bench:plan`.
 */
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Coefficients, shipped } from "./coefficients.ts";
import { parseCalibrateOptions } from "./options.ts";
import type { PlanIo } from "./plan.ts";
import { cpuSeconds, seriesIn, userBytes } from "./proc.ts";

const lookMs = 200;
/** So long after they have come nobody is still being sent what they missed. */
const arrivedMs = 1_000;
const startMs = 15_000;
/** One run may take so long, and is ended then. */
const runMs = 30_000;
/** Characters of the server's log that are looked through at once. */
const logCharsMax = 16 * 1024;

/** What was read at one moment. */
export interface Sight {
  readonly atMs: number;
  readonly coreS: number;
  readonly bytes: number;
  readonly series: ReadonlyMap<string, number>;
}

/** A server that can be looked at. */
export interface Server {
  readonly url: string;
  look(): Promise<Sight>;
  end(): Promise<void>;
}

/** Runs the command; `argv` starts after `calibrate`. Exit code: 0, 1 not measured, 2 a bad flag. */
export async function runCalibrate(argv: readonly string[], io: PlanIo): Promise<number> {
  const parsed = parseCalibrateOptions(argv, io.env, (path) => readFileSync(path, "utf8"));
  if ("mistakes" in parsed) {
    for (const mistake of parsed.mistakes) io.stderr(`ovation calibrate: ${mistake}\n`);
    return 2;
  }
  if (!existsSync("/proc/self/smaps_rollup")) {
    io.stderr(
      "ovation calibrate: reads /proc, which this system has not: plan works with what was shipped\n",
    );
    return 1;
  }
  const folder = mkdtempSync(join(tmpdir(), "ovation-calibrate-"));
  const server = await startServer(io.self, folder);
  try {
    const costs = await measure(server, io, parsed.settings.viewers);
    io.stdout(`${JSON.stringify(costs, undefined, 2)}\n`);
    return 0;
  } catch (error) {
    io.stderr(`ovation calibrate: ${error instanceof Error ? error.message : error}\n`);
    return 1;
  } finally {
    await server.end();
    rmSync(folder, { recursive: true, force: true });
  }
}

async function measure(server: Server, io: PlanIo, viewers: number): Promise<Coefficients> {
  const run = async (what: string, ...flags: readonly string[]): Promise<Middle> => {
    io.stderr(`${what} …\n`);
    const command = [...io.self, "load", `--url=${server.url}`, "--json", "--quiet", ...flags];
    const middle = await middleOf(server, command);
    if (middle === undefined)
      throw new Error(`${what}: the audience did not come together; fewer --viewers?`);
    return middle;
  };
  // Once for warmth: code is compiled, and memory is at its size, before anything is measured.
  await run("warming", "--viewers=200", "--likes=200", "--comments=20", "--duration=2");
  const empty = await server.look();
  const many = `--viewers=${viewers}`;
  const likes = await run("totals to viewers", many, "--likes=40", "--duration=5");
  const talk = await run("comments to viewers", many, "--likes=0", "--comments=10", "--duration=5");
  const flood = await run("taking likes", "--viewers=1", "--likes=2000", "--duration=4");
  return costsOf({ empty, likes, talk, flood, viewers });
}

interface Runs {
  readonly empty: Sight;
  readonly likes: Middle;
  readonly talk: Middle;
  readonly flood: Middle;
  readonly viewers: number;
}

/** Coefficients out of what the runs showed; no cost is below a tenth of a microsecond, or a byte. */
export function costsOf({ empty, likes, talk, flood, viewers }: Runs): Coefficients {
  const frames = rise(likes, frameName("likes"));
  const writeUs = (1e6 * likes.coreS) / frames;
  const comments = rise(talk, frameName("comment"));
  const frameBytes = rise(likes, bytesName) / frames;
  return {
    of: `this machine, measured with ${viewers} viewers`,
    processBytes: empty.bytes,
    viewerBytes: atLeast(1, (likes.bytes - empty.bytes) / viewers),
    writeUs: atLeast(0.1, writeUs),
    commentUs: atLeast(0.1, (1e6 * talk.coreS) / comments),
    likeUs: atLeast(0.1, (1e6 * flood.coreS) / rise(flood, likesName)),
    busUs: shipped.busUs,
    frameBytes: atLeast(1, frameBytes),
    commentBytes: atLeast(1, rise(talk, bytesName) / comments),
  };
}

/** Three digits: what is measured for five seconds has no more. */
function atLeast(least: number, value: number): number {
  return Math.max(least, Number(value.toPrecision(3)));
}

export const bytesName = "ovation_bytes_total";
const connectionsName = "ovation_connections";
const likesName = "ovation_likes_accepted_total";
const frameName = (event: string): string => `ovation_frames_total{event="${event}"}`;

/** What happened between two looks while everybody was there. */
export interface Middle {
  readonly ms: number;
  readonly coreS: number;
  /** User memory at the second look. */
  readonly bytes: number;
  readonly from: ReadonlyMap<string, number>;
  readonly to: ReadonlyMap<string, number>;
}

/** By how much a series rose between the two looks. */
export function rise({ from, to }: Middle, name: string): number {
  return (to.get(name) ?? 0) - (from.get(name) ?? 0);
}

/** Plays an audience to its end; undefined if it was never seen whole. */
export async function middleOf(
  server: Pick<Server, "look">,
  command: readonly string[],
): Promise<Middle | undefined> {
  const viewers = Number(/--viewers=(\d+)/.exec(command.join(" "))?.[1]);
  const child = Bun.spawn({ cmd: [...command], stdin: "ignore", stdout: "ignore", stderr: "inherit" });
  const late = setTimeout(() => child.kill("SIGKILL"), runMs);
  let isOver = false;
  const over = child.exited.then(() => {
    isOver = true;
  });
  let came: Sight | undefined;
  let first: Sight | undefined;
  let last: Sight | undefined;
  while (!isOver) {
    const sight = await server.look();
    const isWhole = sight.series.get(connectionsName) === viewers;
    // While nothing is sent nothing is looked at: an audience that waits would make everything seem rare.
    const isBusy = (sight.series.get(bytesName) ?? 0) > ((last ?? first)?.series.get(bytesName) ?? 0);
    if (isWhole) came ??= sight;
    if (isWhole && first && isBusy) last = sight;
    // What it cost to take them in, and their first bytes, are not meant.
    if (came && sight.atMs - came.atMs > arrivedMs) first ??= sight;
    await Promise.race([Bun.sleep(lookMs), over]);
  }
  clearTimeout(late);
  if (!first || !last) return undefined;
  const { coreS, series: from, atMs } = first;
  const ms = last.atMs - atMs;
  return { ms, coreS: last.coreS - coreS, bytes: last.bytes, from, to: last.series };
}

async function startServer(self: readonly string[], folder: string): Promise<Server> {
  const flags = ["--port=0", "--host=127.0.0.1", `--data=${folder}`, "--log-format=json", "--log-level=info"];
  const child = Bun.spawn({
    cmd: [...self, "serve", ...flags, "--drain=0ms"],
    ...{ stdin: "ignore", stdout: "pipe", stderr: "inherit" },
  });
  const end = async (): Promise<void> => {
    child.kill("SIGTERM");
    await child.exited;
  };
  const url = await Promise.race([urlIn(child.stdout), Bun.sleep(startMs)]);
  if (url === undefined) {
    await end();
    throw new Error("the server did not start");
  }
  const look = async (): Promise<Sight> => sightOf(child.pid, await (await fetch(`${url}/metrics`)).text());
  return { url, look, end };
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

/** What a process has used, beside what it says in its metrics. */
export function sightOf(pid: number, metrics: string): Sight {
  const used = { coreS: cpuSeconds(pid), bytes: userBytes(pid) };
  return { atMs: performance.now(), series: seriesIn(metrics), ...used };
}
