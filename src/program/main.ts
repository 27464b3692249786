/**
 * The program: arguments and variables in, an exit code out. The only file that touches the process, its
 * children and its parent.
 *
 * Exit codes: 0 done, 1 failed, 2 mistakes in flags or settings, 128+n ended by signal n. The first SIGTERM
 * or SIGINT drains, the second ends at once. A bug (an uncaught throw) ends the process with one line: a
 * node that no longer knows what it knows is worth less than its restart.
 */
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { availableParallelism, constants } from "node:os";
import { dirname, join } from "node:path";

import { systemClock } from "../base/clock.ts";
import { createLog, type Log, wantsColours } from "../base/log.ts";
import type { Usage } from "../base/metrics.ts";
import { secret, systemPrng } from "../base/prng.ts";
import { build } from "../base/version.ts";
import { runConform } from "../conform/command.ts";
import { LedgerRefused } from "../ledger/ledger.ts";
import { workerRole as loadWorkerRole } from "../load/crew.ts";
import { runLoad, runLoadWorker } from "../load/load.ts";
import { StartRefused } from "../node/company.ts";
import { runCalibrate } from "../plan/calibrate.ts";
import { type PlanIo, runPlan } from "../plan/plan.ts";
import { isOpenToAll, readCredentials } from "../settings/access.ts";
import { parseSettings, readCommand, type Settings } from "../settings/config.ts";
import { announce, stopping } from "./announce.ts";
import { runCheck } from "./check.ts";
import { holdersOf, openCount, openMax, tellRoom } from "./descriptors.ts";
import { askHealth } from "./health.ts";
import { helpAbout } from "./help.ts";
import { runKeep } from "./keep.ts";
import { memoryLimit } from "./memory.ts";
import { runToken } from "./mint.ts";
import { claimFolder, claimPort, giveBack, type ServeParts, type Serving, startServing } from "./serve.ts";
import { Parent, type ParentChannel } from "./worker.ts";
import { type Word, WorkerEnded, type WorkerProcess, Workers, workerRole } from "./workers.ts";

type Signal = "SIGINT" | "SIGTERM";
const signals: readonly Signal[] = ["SIGINT", "SIGTERM"];
/** Characters of log that may wait for a slow reader. Beyond: lines are dropped. */
const logWaitingMax = 1024 * 1024;

const clock = systemClock(() => {
  const { user, system } = process.threadCpuUsage();
  return (user + system) / 1000;
});
const memory = { used: () => process.memoryUsage.rss(), all: memoryLimit().bytes };

const startedMs = clock.date() - process.uptime() * 1000;

function usage(): Usage {
  const { user, system } = process.cpuUsage();
  return {
    cpuSeconds: (user + system) / 1_000_000,
    residentBytes: process.memoryUsage.rss(),
    startedMs,
    descriptors: openCount(),
    descriptorsMax: openMax(),
  };
}

/** What a command that is no node is given of the process. */
const commandIo = {
  ...{ env: process.env, clock, print, readFile: readText },
  complain: (text: string): boolean => process.stderr.write(text),
};

async function main(argv: readonly string[]): Promise<number> {
  if (argv[0] === loadWorkerRole) return runLoadWorker(print);
  if (argv[0] === workerRole) return serveAsWorker();
  const asked = readCommand(argv);
  if ("mistakes" in asked) return mistaken(asked.mistakes);
  switch (asked.command) {
    case "serve":
      // What people said and who was banned is nobody else's on this machine, whoever made the folder.
      process.umask(0o077);
      return serve(asked.flags);
    case "load":
      return load(asked.flags);
    case "check":
      return runCheck(asked.flags, commandIo);
    case "health":
      return health(asked.flags);
    case "plan":
      return runPlan(asked.flags, planIo());
    case "calibrate":
      return runCalibrate(asked.flags, { ...planIo(), interrupt: interruption() });
    case "token":
      return runToken(asked.flags, commandIo);
    case "conform":
      return runConform(asked.flags, { ...commandIo, writeFile: writeFileSync });
    case "backup":
    case "restore":
    case "verify":
      return runKeep(asked.command, asked.flags, { ...commandIo, suffix: secret(8) });
    case "version":
      print(`ovation ${build.version} (${build.commit}), bun ${Bun.version}\n`);
      return 0;
    case "completion":
    case "man":
    case "help":
      return help(asked);
  }
}

function help(about: Parameters<typeof helpAbout>[0]): number {
  const text = helpAbout(about);
  if (typeof text !== "string") return mistaken(text.mistakes);
  print(text);
  return 0;
}

async function serve(flags: readonly string[]): Promise<number> {
  const hangUp = onHangUp();
  const parsed = parseSettings(flags, process.env, readText);
  if ("mistakes" in parsed) return mistaken(parsed.mistakes);
  const { settings } = parsed;
  const credentials = readCredentials(settings, readText);
  if ("mistakes" in credentials) return mistaken(credentials.mistakes);
  const log = logOf(settings);
  for (const warning of parsed.warnings) log.warn("setting", { warning });
  if (isOpenToAll(settings)) {
    const hint = "--auth=token asks everybody for a token; --host=127.0.0.1 keeps strangers out";
    log.warn("OPEN TO EVERYONE who can reach this address", { hint });
  }
  const workers = settings.workers === "auto" ? availableParallelism() : settings.workers;
  const parts = { settings, clock, prng: systemPrng(), log, memory, usage };
  return workers > 1 ? superviseWorkers(parts, hangUp, workers) : serveUntilDrained(parts, hangUp);
}

/** Serves until a signal says to drain, or a worker's parent is gone. */
async function serveUntilDrained(parts: ServeParts, hangUp: HangUp, parent?: Parent): Promise<number> {
  const { settings, log } = parts;
  endOnBugs(log);
  const signalled = firstSignal((signal) => end(128 + constants.signals[signal]));
  try {
    const serving = await startServing(parts);
    const { role, node, region, nats, data } = settings;
    const ledger = nats.length > 0 ? "nats" : data;
    const room = parent ? {} : tellRoom(log, settings, holdersOf(settings, 1));
    const about = { role, node, region, ledger, version: build.version, ...room };
    // Only other workers come to one that has the ledger for them.
    if (serving.url !== "") log.info("listening", { url: serving.url, ...about });
    parent?.serve(serving);
    hangUp.rereadBy(() => reload(serving, log));
    if (!parent) say("READY=1");
    const reason = await Promise.race([signalled, serving.failed, ...(parent ? [parent.gone] : [])]);
    if (reason instanceof Error) {
      await serving.stop();
      throw reason;
    }
    if (!parent) say(stopping(settings.drainMs));
    log.info("draining", { reason, viewers: serving.connections(), ms: settings.drainMs });
    await serving.drain();
    await serving.stop();
    log.info("stopped");
    return 0;
  } catch (error) {
    return cannotStart(log, error);
  }
}

/** The parent of workers: serves nothing itself. */
async function superviseWorkers(parts: ServeParts, hangUp: HangUp, count: number): Promise<number> {
  const { log } = parts;
  endOnBugs(log);
  let workers: Workers | undefined;
  let folder: string | undefined;
  const leaveNothing = (): void => {
    if (folder) rmSync(folder, { recursive: true, force: true });
  };
  const signalled = firstSignal((signal) => {
    workers?.signal("SIGKILL");
    leaveNothing();
    end(128 + constants.signals[signal]);
  });
  try {
    const settings = { ...parts.settings, port: await claimPort(parts) };
    if (settings.nats.length === 0) folder = claimFolder();
    const path = folder && join(folder, "bus");
    workers = new Workers({ ...parts, settings, count, path, start: startWorker });
    const url = await workers.start();
    const { role, node, region, drainMs } = settings;
    const room = tellRoom(log, settings, holdersOf(settings, count));
    log.info("listening", { url, role, node, region, workers: count, version: build.version, ...room });
    hangUp.rereadBy(() => workers?.reload());
    say("READY=1");
    giveBack();
    const signal = await signalled;
    say(stopping(drainMs));
    log.info("draining", { reason: signal, workers: count, ms: drainMs });
    workers.signal(signal);
    const well = await workers.ended();
    log.info("stopped");
    return well ? 0 : 1;
  } catch (error) {
    workers?.signal("SIGKILL");
    return cannotStart(log, error);
  } finally {
    leaveNothing();
  }
}

interface HangUp {
  /** From now on `reread` answers it. */
  rereadBy(reread: () => void): void;
}

/**
 * SIGHUP means "read your files again", except from a terminal, which sends it when it is closed. One that
 * comes during the start, when nobody can reread yet, is answered as soon as somebody can.
 */
function onHangUp(): HangUp {
  let reread: (() => void) | undefined;
  let came = false;
  if (!process.stdout.isTTY) {
    process.on("SIGHUP", () => {
      came = true;
      reread?.();
    });
  }
  return {
    rereadBy(run) {
      reread = run;
      if (came) run();
    },
  };
}

/** Reads keys, secrets, word lists and certificates again. What is wrong changes nothing. */
function reload(serving: Serving, log: Log): void {
  const mistakes = serving.reload();
  for (const mistake of mistakes) log.error("not reloaded", { mistake });
  if (mistakes.length === 0) log.info("reloaded");
}

/** Starts this program again as a worker, in a session of its own: Ctrl-C is the parent's to pass on. */
function startWorker(heard: (word: Word) => void, ended: (code: number) => void): WorkerProcess {
  let open = true;
  const child = Bun.spawn({
    cmd: [...self(), workerRole],
    stdio: ["ignore", "inherit", "inherit"],
    detached: true,
    serialization: "json",
    ipc: (word: Word) => heard(word),
    onDisconnect: () => {
      open = false;
    },
    onExit: (_, code, signal) => {
      open = false;
      ended(code ?? 128 + (typeof signal === "string" ? constants.signals[signal] : (signal ?? 0)));
    },
  });
  return {
    pid: child.pid,
    // One that ends hears no more: Bun 1.4.5 closes its channel before it tells (system/workers.test.ts).
    tell: (order) => {
      try {
        if (open) child.send(order);
      } catch {
        open = false;
      }
    },
    signal: (signal) => child.kill(signal),
  };
}

/** A worker: a node with the settings that its parent sends. */
async function serveAsWorker(): Promise<number> {
  if (!process.send) return mistaken([`${workerRole} is started by ovation --workers`]);
  const hangUp = onHangUp();
  const channel: ParentChannel = {
    tell: (word) => {
      if (process.connected) process.send?.(word);
    },
    onOrder: (heard) => process.on("message", heard),
    onGone: (gone) => process.on("disconnect", gone),
  };
  const parent = new Parent(channel, clock);
  const { settings, local } = await parent.start;
  const log = logOf(settings).child({ node: settings.node });
  const allMetrics = () => parent.allMetrics();
  const parts = { settings, clock, prng: systemPrng(), log, memory, usage, allMetrics, local };
  const code = await serveUntilDrained(parts, hangUp, parent);
  // Without a parent nobody else would, and the others have left before.
  if (local?.ledger && !process.connected) rmSync(dirname(local.path), { recursive: true, force: true });
  return code;
}

/** Tells the service manager. Workers have their parent's variable, and are not asked. */
function say(state: string): void {
  announce(process.env.NOTIFY_SOCKET, state);
}

/** Resolves with the first SIGTERM or SIGINT; `again` is called for each one after it. */
function firstSignal(again: (signal: Signal) => void): Promise<Signal> {
  return new Promise((resolve) => {
    let first = true;
    for (const signal of signals) {
      process.on(signal, () => {
        if (!first) again(signal);
        first = false;
        resolve(signal);
      });
    }
  });
}

function cannotStart(log: Log, error: unknown): number {
  const isKnown =
    error instanceof LedgerRefused || error instanceof StartRefused || error instanceof WorkerEnded;
  if (!isKnown) throw error;
  log.error("cannot start", { reason: error.message });
  return 1;
}

async function health(flags: readonly string[]): Promise<number> {
  const parsed = parseSettings(flags, process.env, readText);
  if ("mistakes" in parsed) return mistaken(parsed.mistakes);
  const { ready, said } = await askHealth(parsed.settings, clock);
  print(`${said}\n`);
  return ready ? 0 : 1;
}

/** Aborted by the first SIGTERM or SIGINT; the second ends the program at once. */
function interruption(): AbortSignal {
  const interrupt = new AbortController();
  for (const signal of signals) {
    process.on(signal, () => {
      if (interrupt.signal.aborted) end(128 + constants.signals[signal]);
      interrupt.abort();
    });
  }
  return interrupt.signal;
}

async function load(flags: readonly string[]): Promise<number> {
  const { isTTY = false, columns = 80 } = process.stderr;
  return runLoad(flags, { ...planIo(), isTTY, columns, interrupt: interruption() });
}

function planIo(): PlanIo {
  const stderr = (text: string): boolean => process.stderr.write(text);
  return { env: process.env, stdout: print, stderr, self: self() };
}

/** The command that starts this program; inside an executable the script is part of it. */
function self(): string[] {
  return Bun.main.startsWith("/$bunfs/") ? [process.execPath] : [process.execPath, Bun.main];
}

function logOf({ logLevel, logFormat }: Settings): Log {
  const auto = process.stdout.isTTY ? "pretty" : "json";
  return createLog({
    level: logLevel,
    format: logFormat === "auto" ? auto : logFormat,
    colours: wantsColours(process.stdout, process.env),
    write: (line) => {
      if (process.stdout.writableLength < logWaitingMax) process.stdout.write(line);
    },
    now: () => clock.date(),
  });
}

function endOnBugs(log: Log): void {
  for (const event of ["uncaughtException", "unhandledRejection"] as const) {
    process.on(event, (error: unknown) => {
      log.error("bug", { error });
      end(1);
    });
  }
}

function mistaken(mistakes: readonly string[]): number {
  for (const mistake of mistakes) process.stderr.write(`ovation: ${mistake}\n`);
  return 2;
}

function print(text: string): void {
  process.stdout.write(text);
}

function readText(path: string): string {
  return readFileSync(path, "utf8");
}

/** Ends the process once what was printed has left it. */
function end(code: number): void {
  process.stdout.write("", () => process.exit(code));
}

// A reader of our output who left is no reason to stop serving.
process.stdout.on("error", () => {});
end(await main(process.argv.slice(2)));
