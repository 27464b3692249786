/**
 * `npm run bench`: every hot function, its time and what it leaves to be collected.
 *
 * `--against=REV` measures the working tree and a revision in turn, each turn in a new process, and prints
 * ratios: the noise of a machine falls on both. The revision is checked out into a temporary folder and given
 * today's bench/, so that both do the same; what did not exist then is left out. `--only=WORDS` picks by
 * name.
 */
import { execFileSync } from "node:child_process";
import { cpSync, mkdtempSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import type { MicroFigure } from "./micro.ts";
import { bunPath, commitOf, place, root } from "./place.ts";
import { median } from "./stats.ts";

/** Turns of each side in a comparison. */
const turns = 5;

type Figures = Map<string, { ns: number[]; p99Ns: number[]; bytes: number[] }>;

/** Runs the benchmarks of one tree once and adds what they say. */
async function run(tree: string, mode: "time" | "allocation", only: string, into: Figures): Promise<void> {
  const child = Bun.spawn({
    cmd: [bunPath, "--no-orphans", join(tree, "bench/micro.ts"), mode, only],
    cwd: tree,
    stdio: ["ignore", "pipe", "inherit"],
    env: { ...process.env, ...(mode === "allocation" && { BUN_JSC_useGC: "false" }) },
  });
  const text = await new Response(child.stdout).text();
  if ((await child.exited) !== 0) throw new Error(`the benchmarks of ${tree} failed`);
  for (const line of text.split("\n").filter(Boolean)) {
    const figure = JSON.parse(line) as MicroFigure;
    const held = into.get(figure.name) ?? { ns: [], p99Ns: [], bytes: [] };
    if (figure.ns !== undefined) held.ns.push(figure.ns);
    if (figure.p99Ns !== undefined) held.p99Ns.push(figure.p99Ns);
    if (figure.bytes !== undefined) held.bytes.push(figure.bytes);
    into.set(figure.name, held);
  }
}

async function alone(only: string): Promise<void> {
  const figures: Figures = new Map();
  await run(root, "time", only, figures);
  await run(root, "allocation", only, figures);
  const rows = [...figures].map(([name, { ns, p99Ns, bytes }]) => [
    name,
    duration(median(ns)),
    duration(median(p99Ns)),
    size(median(bytes)),
  ]);
  table(["per operation", "median", "p99", "allocated"], rows);
}

async function against(revision: string, only: string): Promise<void> {
  const tree = mkdtempSync(join(tmpdir(), "ovation-against-"));
  const git = (...args: string[]) =>
    execFileSync("git", args, { cwd: root, stdio: ["ignore", "ignore", "inherit"] });
  try {
    git("worktree", "add", "--detach", "--force", tree, revision);
    rmSync(join(tree, "bench"), { recursive: true, force: true });
    cpSync(join(root, "bench"), join(tree, "bench"), { recursive: true });
    // Bundled pages are no part of a revision; the door to HTTP wants them.
    cpSync(join(root, "web/dist"), join(tree, "web/dist"), { recursive: true });
    symlinkSync(join(root, "node_modules"), join(tree, "node_modules"));
    await compare(tree, only);
  } finally {
    git("worktree", "remove", "--force", tree);
  }
}

async function compare(tree: string, only: string): Promise<void> {
  const [before, now]: [Figures, Figures] = [new Map(), new Map()];
  for (let turn = 0; turn < turns; turn++) {
    process.stderr.write(`turn ${turn + 1} of ${turns}\n`);
    await run(tree, "time", only, before);
    await run(root, "time", only, now);
  }
  await run(tree, "allocation", only, before);
  await run(root, "allocation", only, now);
  const rows: string[][] = [];
  for (const [name, figure] of now) {
    const old = before.get(name);
    if (!old || old.ns.length === 0) continue;
    const ratio = median(figure.ns) / median(old.ns);
    rows.push([
      name,
      duration(median(old.ns)),
      duration(median(figure.ns)),
      `×${ratio.toFixed(2)}`,
      size(median(old.bytes)),
      size(median(figure.bytes)),
    ]);
  }
  table(["per operation", commitOf(tree), commitOf(root), "time", "allocated", "now"], rows);
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): void {
  const { cpu, runtime } = place();
  const widths = head.map((word, column) =>
    Math.max(word.length, ...rows.map((row) => row[column]?.length ?? 0)),
  );
  const line = (cells: readonly string[]): string =>
    cells
      .map((cell, column) =>
        column === 0 ? cell.padEnd(widths[0] ?? 0) : cell.padStart(widths[column] ?? 0),
      )
      .join("  ");
  process.stdout.write(`${[`${runtime}, ${cpu}`, "", line(head), ...rows.map(line)].join("\n")}\n`);
}

function duration(ns: number): string {
  if (ns < 1) return "< 1 ns";
  if (ns < 1_000) return `${ns.toFixed(ns < 10 ? 1 : 0)} ns`;
  return ns < 1_000_000 ? `${(ns / 1_000).toFixed(2)} µs` : `${(ns / 1_000_000).toFixed(2)} ms`;
}

function size(bytes: number): string {
  // Below this the growth of the process is the compiler's, not the call's.
  if (bytes < 8) return "0 B";
  return bytes < 10_000 ? `${Math.round(bytes)} B` : `${(bytes / 1_000).toFixed(1)} kB`;
}

const { values } = parseArgs({
  options: { against: { type: "string" }, only: { type: "string", default: "" } },
});
await (values.against === undefined ? alone(values.only) : against(values.against, values.only));
process.exit(0);
