/**
 * What the checks of the API by other people's tools have in common: the executable, its two documents in a
 * folder, and the tools at pinned versions from their registries, kept in dist/api between runs.
 */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type RunningExecutable, startExecutable } from "../../src/system/server.ts";
import { say } from "../trial.ts";

export const folder = join(import.meta.dir, "../../dist/api");
export const adminKey = "a-key-for-the-checks-of-the-api";

/** Runs `command` in `folder`; throws its last lines when it fails. */
export async function run(command: readonly string[], cwd = folder): Promise<string> {
  const env = { ...process.env, REDOCLY_TELEMETRY: "off", SCARF_ANALYTICS: "false", NO_COLOR: "1" };
  const child = Bun.spawn([...command], { cwd, env, stdin: "ignore", stdout: "pipe", stderr: "pipe" });
  const [out, err] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
  ]);
  if ((await child.exited) !== 0) {
    throw new Error(`${command.map((word) => word.replace(folder, "dist/api")).join(" ")}\n${out}${err}`);
  }
  return out;
}

/** Packages of npm at their versions, under dist/api/node_modules. */
export async function npm(packages: Readonly<Record<string, string>>): Promise<void> {
  mkdirSync(folder, { recursive: true });
  const manifest = join(folder, "package.json");
  const known = existsSync(manifest)
    ? (JSON.parse(readFileSync(manifest, "utf8")) as { dependencies?: Record<string, string> }).dependencies
    : {};
  const all = { ...known, ...packages };
  if (Object.entries(packages).every(([name]) => existsSync(join(folder, "node_modules", name)))) return;
  say(`installing ${Object.keys(packages).join(", ")}`);
  writeFileSync(manifest, JSON.stringify({ private: true, type: "module", dependencies: all }));
  await run(["npm", "install", "--silent", "--ignore-scripts", "--no-audit", "--no-fund"]);
}

/** Packages of PyPI at their versions, in dist/api/venv; answers the folder of their programs. */
export async function pip(...packages: readonly string[]): Promise<string> {
  mkdirSync(folder, { recursive: true });
  const programs = join(folder, "venv/bin");
  const marks = packages.map((name) => join(folder, `venv/${name}`));
  if (marks.every((mark) => existsSync(mark))) return programs;
  say(`installing ${packages.join(", ")}`);
  await run(["python3", "-m", "venv", "venv"]);
  await run([join(programs, "pip"), "install", "--quiet", "--disable-pip-version-check", ...packages]);
  for (const mark of marks) writeFileSync(mark, "");
  return programs;
}

/** Runs `check` against the executable, whose openapi.json and asyncapi.json then lie in dist/api. */
export async function withExecutable(
  flags: readonly string[],
  check: (node: RunningExecutable) => Promise<void>,
): Promise<void> {
  mkdirSync(folder, { recursive: true });
  const node = await startExecutable([`--admin-key=${adminKey}`, ...flags]);
  try {
    for (const name of ["openapi.json", "asyncapi.json"]) {
      const document: unknown = await (await fetch(`${node.url}/${name}`)).json();
      writeFileSync(join(folder, name), JSON.stringify(document, undefined, 2));
    }
    await check(node);
  } finally {
    node.kill("SIGKILL");
    await node.exited;
  }
}
