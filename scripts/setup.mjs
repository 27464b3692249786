/**
 * What every command of package.json needs first: the locked packages, Bun itself among them, and the web
 * pages.
 *
 * These scripts must start on a machine that has Node and npm but no Bun, or Bun but no Node. So they use
 * only `node:` modules, which both have, and everything after them runs under the one Bun that the lock file
 * pins. (`bun run` lends its own executable to a script that calls `node` where there is none.)
 */
import { spawn, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { constants } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

export const root = dirname(dirname(fileURLToPath(import.meta.url)));
/** The pinned Bun; the package gives it this name on every system. */
export const bun = join(root, "node_modules/bun/bin/bun.exe");

const stamp = join(root, "node_modules/.ovation-installed");
/**
 * A terminal's Ctrl-C arrives twice under npm: from the terminal and from npm. A person is slower than this.
 */
const sameSignalMs = 250;
/** How long bundling may take before it is started anew, in ms. */
const bundleMs = 60_000;

/** Installs and bundles whatever is missing or changed; quiet and quick when nothing is. */
export function setUp() {
  installPackages();
  bundleWeb();
}

function installPackages() {
  const lock = readFileSync(join(root, "bun.lock"));
  const manifest = readFileSync(join(root, "package.json"));
  const wanted = createHash("sha256").update(lock).update(manifest).digest("hex");
  if (existsSync(bun) && existsSync(stamp) && readFileSync(stamp, "utf8") === wanted) return;

  const version = JSON.parse(manifest.toString()).devDependencies.bun;
  // Another Bun may not read the lock file, but it can run the one that does.
  const pinned = `bun@${version}`;
  const under = process.versions.bun ? [process.execPath, "x", pinned] : ["npx", "--yes", pinned];
  const [command, ...args] = process.versions.bun === version ? [process.execPath] : under;
  note("installing the packages of bun.lock");
  const status = runToEnd(command, [...args, "install", "--frozen-lockfile"]);
  if (status !== 0 || !existsSync(bun)) {
    fail(
      `could not install packages with ${command} (it needs Bun, or Node 20 with npm, and the npm registry)`,
    );
  }
  // As a file of its own: a folder linked from another tree's shares that one's.
  rmSync(stamp, { force: true });
  writeFileSync(stamp, wanted);
}

function bundleWeb() {
  if (!existsSync(join(root, "scripts/web.ts"))) return;
  // Bun 1.4.5's bundler was seen to hang now and then on a busy machine; it takes a second otherwise.
  for (let tries = 0; tries < 3; tries++) {
    if (runToEnd(bun, ["scripts/web.ts"], { timeoutMs: bundleMs }) === 0) return;
  }
  fail("could not bundle the web pages");
}

/**
 * Runs a command to its end, its output on our standard error; answers its exit code, 1 when it was cut off.
 */
export function runToEnd(command, args, { env = process.env, timeoutMs } = {}) {
  const limit = timeoutMs && { timeout: timeoutMs, killSignal: "SIGKILL" };
  const { status, error } = spawnSync(command, args, { cwd: root, env, stdio: ["ignore", 2, 2], ...limit });
  if (error) note(`${command}: ${error.message}`);
  return status ?? 1;
}

/**
 * Runs Bun in front of the user and answers its exit code. It lives in a process group of its own and gets
 * each signal exactly once, because a second one ends a draining server at once.
 */
export function runBun(args, { env = process.env } = {}) {
  const child = spawn(bun, ["--no-orphans", ...args], { cwd: root, env, stdio: "inherit", detached: true });
  const lastMs = new Map();
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) {
    process.on(signal, () => {
      const nowMs = performance.now();
      if (nowMs - (lastMs.get(signal) ?? Number.NEGATIVE_INFINITY) < sameSignalMs) return;
      lastMs.set(signal, nowMs);
      child.kill(signal === "SIGHUP" ? "SIGTERM" : signal);
    });
  }
  return new Promise((resolve) => {
    child.on("error", (error) => fail(`cannot run ${bun}: ${error.message}`));
    child.on("close", (code, signal) => resolve(code ?? 128 + constants.signals[signal]));
  });
}

export function note(text) {
  process.stderr.write(`ovation: ${text}\n`);
}

export function fail(text) {
  note(text);
  process.exit(1);
}
