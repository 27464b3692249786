/**
 * Starts a real node for a test: inside this process, as the executable that users run, or mounted in another
 * Hono program, under plain Node or under Bun.
 *
 * All give the same face, so one suite holds all: `for (const how of hows) describe(how, …)`. The
 * executable starts with an empty environment in the folder it is told, and tells its address by its log;
 * the other programs are those of scripts/examples, which print theirs.
 */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { systemClock } from "../base/clock.ts";
import { createLog } from "../base/log.ts";
import { seededPrng } from "../base/prng.ts";
import { startServing } from "../program/serve.ts";
import { parseSettings } from "../settings/config.ts";
import { linesOf } from "./child.ts";

export type How = "here" | "executable" | Host;
/** The runtime of the example that holds the node. */
export type Host = "node" | "bun";

const root = join(import.meta.dir, "../..");
export const executable = join(root, "dist/ovation");
/** The executable is tried where it has been built; `npm test` builds it. */
export const hows: readonly How[] = existsSync(executable) ? ["here", "executable"] : ["here"];
/** Where a node can be mounted: Node 20 or newer is asked for, and left out where there is none. */
export const hosts: readonly Host[] = Bun.which("node") ? ["node", "bun"] : ["bun"];

export function isHost(how: How): how is Host {
  return how === "node" || how === "bun";
}

export interface Running {
  readonly url: string;
  readonly port: number;
  /** Lines of its log so far. */
  readonly lines: readonly string[];
  /** Asks it to drain and end; resolves with its exit code, 0 for a node of this process. */
  stop(): Promise<number>;
  /** Begins to drain, without waiting. */
  drain(): void;
}

/** A running executable can also be hurt. */
export interface RunningExecutable extends Running {
  readonly pid: number;
  kill(signal: NodeJS.Signals): void;
  /** Exit code, 128+n after signal n. */
  readonly exited: Promise<number>;
}

/** A node with a ledger in memory, unless `flags` say more. */
export function startServer(how: How, flags: readonly string[] = []): Promise<Running> {
  if (how === "here") return startHere(flags);
  return how === "executable" ? startExecutable(flags) : startMounted(how, flags);
}

function withDefaults(flags: readonly string[]): string[] {
  const defaults = ["--port=0", "--host=127.0.0.1", "--data=:memory:", "--drain=0ms", "--log-format=json"];
  return [...defaults.filter((flag) => !flags.some((f) => f.startsWith(`${flag.split("=")[0]}=`))), ...flags];
}

async function startHere(flags: readonly string[]): Promise<Running> {
  const clock = systemClock();
  const parsed = parseSettings(withDefaults(flags), {}, () => "{}");
  if ("mistakes" in parsed) throw new Error(parsed.mistakes.join("\n"));
  const lines: string[] = [];
  const log = createLog({
    level: "debug",
    format: "json",
    write: (line) => lines.push(line),
    now: () => clock.date(),
  });
  const serving = await startServing({ settings: parsed.settings, clock, prng: seededPrng(1), log });
  let drained: Promise<void> | undefined;
  const drain = () => {
    drained ??= serving.drain();
  };
  return {
    url: serving.url,
    port: serving.port,
    lines,
    drain,
    async stop() {
      drain();
      await drained;
      await serving.stop();
      return 0;
    },
  };
}

/** Starts the executable and waits until it listens. Rejects with what it said when it ends before. */
export async function startExecutable(
  flags: readonly string[] = [],
  options: { readonly cwd?: string; readonly env?: Record<string, string> } = {},
): Promise<RunningExecutable> {
  return startProgram([executable], flags, options);
}

/** As `startExecutable`, whatever `program` is started by. */
export function startProgram(
  program: readonly string[],
  flags: readonly string[],
  options: { readonly cwd?: string; readonly env?: Record<string, string> } = {},
): Promise<RunningExecutable> {
  const command = [...program, ...withDefaults(flags)];
  return running(command, options, (line) =>
    line.includes('"event":"listening"') ? (JSON.parse(line) as { url: string }).url : undefined,
  );
}

/** Starts an example, with what `flags` come to. */
async function startMounted(host: Host, flags: readonly string[]): Promise<RunningExecutable> {
  if (host === "node") bundle();
  const parsed = parseSettings(withDefaults(flags), {}, () => "{}");
  if ("mistakes" in parsed) throw new Error(parsed.mistakes.join("\n"));
  const program =
    host === "node" ? ["node", "scripts/examples/node.mjs"] : [process.execPath, "scripts/examples/bun.ts"];
  const env = { PORT: "0", PATH: process.env.PATH ?? "" };
  const command = [...program, JSON.stringify(parsed.settings)];
  return running(command, { cwd: root, env }, (line) => (line.startsWith("http://") ? line : undefined));
}

let bundled = false;

/** Brings what Node imports up to date with the source, once. */
export function bundle(): void {
  if (bundled) return;
  const script = [process.execPath, "scripts/embed.mjs", "--only-code"];
  const { exitCode, stderr } = Bun.spawnSync(script, { cwd: root, stdio: ["ignore", "ignore", "pipe"] });
  if (exitCode !== 0) throw new Error(`cannot bundle: ${stderr}`);
  bundled = true;
}

/** Runs `command` and waits for the line that tells its address. */
async function running(
  command: string[],
  options: { readonly cwd?: string; readonly env?: Record<string, string> },
  urlIn: (line: string) => string | undefined,
): Promise<RunningExecutable> {
  const child = Bun.spawn(command, {
    cwd: options.cwd ?? "/",
    env: options.env ?? {},
    stdio: ["ignore", "pipe", "inherit"],
  });
  const lines: string[] = [];
  const listening = Promise.withResolvers<string>();
  void (async () => {
    for await (const line of linesOf(child.stdout)) {
      lines.push(line);
      const told = urlIn(line);
      if (told !== undefined) listening.resolve(told.replace(/\/$/, ""));
    }
    listening.reject(new Error(`ended before it listened:\n${lines.join("\n")}`));
  })();
  const exited = child.exited.then((code) => code);
  const url = await listening.promise;
  let draining = false;
  // A second signal would end it at once.
  const drain = (): void => {
    if (!draining && child.exitCode === null) child.kill("SIGTERM");
    draining = true;
  };
  return {
    url,
    port: Number(new URL(url).port),
    lines,
    pid: child.pid,
    exited,
    kill: (signal) => child.kill(signal),
    drain,
    stop() {
      drain();
      return exited;
    },
  };
}
