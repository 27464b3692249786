/**
 * The server under test: the executable that users run, built when its sources are newer, started on a free
 * port of loopback, watched from outside.
 *
 * OVATION_BENCH_BINARY names another executable, to measure one that was built elsewhere.
 */
import { execFileSync } from "node:child_process";
import { existsSync, readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { seriesIn } from "../src/plan/proc.ts";
import { root } from "./place.ts";
import { familyOf, kill } from "./proc.ts";

/** A start with a million videos takes its time. */
const readyMs = 60_000;
const logCharsMax = 16 * 1024;

/** The executable; built anew if a source is newer. */
export function executable(): string {
  const given = process.env.OVATION_BENCH_BINARY;
  if (given) return given;
  const path = join(root, "dist/ovation");
  const sources = ["src", "web", "package.json", "bun.lock"].map((name) => join(root, name));
  const newest = Math.max(...sources.map(newestMs));
  if (!existsSync(path) || statSync(path).mtimeMs < newest) {
    execFileSync("npm", ["run", "--silent", "build"], { cwd: root, stdio: ["ignore", 2, 2] });
  }
  return path;
}

function newestMs(path: string): number {
  const stat = statSync(path);
  if (!stat.isDirectory()) return stat.mtimeMs;
  const inside = readdirSync(path).filter((name) => name !== "dist" && !name.endsWith(".test.ts"));
  return Math.max(0, ...inside.map((name) => newestMs(join(path, name))));
}

/** A running server. */
export interface Ovation {
  readonly pid: number;
  readonly port: number;
  /** Values of `/metrics` by series, as written there: `ovation_frames_total{event="likes"}`. */
  metrics(): Promise<Map<string, number>>;
  /** How long the garbage collector has stopped it, each time, in ms; empty unless that was asked for. */
  readonly pausesMs: readonly number[];
  end(): Promise<void>;
}

/** Starts a node alone, its log in memory, unless `flags` say otherwise. */
export function startOvation(...flags: readonly string[]): Promise<Ovation> {
  return start(flags, {});
}

/** As `startOvation`, with variables of its own. */
export function startOvationWith(
  env: Readonly<Record<string, string>>,
  ...flags: readonly string[]
): Promise<Ovation> {
  return start(flags, env);
}

/** As `startOvation`, at another executable. */
export function startOvationAt(binary: string, ...flags: readonly string[]): Promise<Ovation> {
  return start(flags, {}, binary);
}

/** As `startOvation`, with its collector telling of every pause (JavaScriptCore's own log). */
export function startTellingPauses(...flags: readonly string[]): Promise<Ovation> {
  return start(flags, { BUN_JSC_logGC: "1" });
}

async function start(
  flags: readonly string[],
  env: Readonly<Record<string, string>>,
  binary = executable(),
): Promise<Ovation> {
  const own = [
    "--port=0",
    "--host=127.0.0.1",
    "--data=:memory:",
    "--log-format=json",
    "--log-level=info",
    "--drain=0ms",
  ];
  const given = new Set(flags.map((flag) => flag.split("=")[0]));
  const child = Bun.spawn({
    cmd: [binary, "serve", ...own.filter((flag) => !given.has(flag.split("=")[0])), ...flags],
    stdin: "ignore",
    stdout: "pipe",
    stderr: "BUN_JSC_logGC" in env ? "pipe" : "inherit",
    env,
  });
  const pausesMs: number[] = [];
  if (child.stderr) void notePauses(child.stderr, pausesMs);
  const end = async (): Promise<void> => {
    // Workers too, which would otherwise end on their own a moment later.
    for (const pid of familyOf(child.pid).reverse()) kill(pid);
    await child.exited;
  };
  const log = followLog(child.stdout);
  const url = await Promise.race([log.url, Bun.sleep(readyMs), child.exited.then(() => undefined)]);
  if (url === undefined || !(await ready(url, () => child.exitCode === null))) {
    await end();
    throw new Error(`the server did not start: ${log.last()}`);
  }
  const port = Number(new URL(url).port);
  return { pid: child.pid, port, metrics: () => metricsOf(port), pausesMs, end };
}

/** `… p=1.475659ms (max 26.380206), …`: one each time the program was stopped. */
async function notePauses(log: ReadableStream<Uint8Array>, pausesMs: number[]): Promise<void> {
  const decoder = new TextDecoder();
  let rest = "";
  for await (const bytes of log) {
    const lines = (rest + decoder.decode(bytes, { stream: true })).split("\n");
    rest = (lines.pop() ?? "").slice(-logCharsMax);
    for (const line of lines) {
      for (const [, ms] of line.matchAll(/ p=([0-9.]+)ms/g)) pausesMs.push(Number(ms));
    }
  }
}

/** A node of a cluster listens before it has found its bus. */
async function ready(url: string, lives: () => boolean): Promise<boolean> {
  const untilMs = performance.now() + readyMs;
  while (performance.now() < untilMs && lives()) {
    const answer = await fetch(`${url}/health/ready`, trusting).catch(() => undefined);
    if (answer?.ok) return true;
    await Bun.sleep(50);
  }
  return false;
}

/** Certificates of a run are its own. */
const trusting = { tls: { rejectUnauthorized: false } } as RequestInit;

/** Reads a log to its end (a full pipe would stop the server): the URL it names, and what it said last. */
function followLog(log: ReadableStream<Uint8Array>): { url: Promise<string>; last(): string } {
  const { promise, resolve } = Promise.withResolvers<string>();
  const decoder = new TextDecoder();
  let text = "";
  const read = async (): Promise<void> => {
    for await (const bytes of log) {
      text = (text + decoder.decode(bytes, { stream: true })).slice(-logCharsMax);
      const url = /"url":"(https?:\/\/[^"]*:\d+)"/.exec(text)?.[1];
      if (url) resolve(url);
    }
  };
  void read();
  return { url: promise, last: () => text.trimEnd().split("\n").at(-1) ?? "" };
}

async function metricsOf(port: number): Promise<Map<string, number>> {
  return seriesIn(await (await fetch(`http://127.0.0.1:${port}/metrics`)).text());
}
