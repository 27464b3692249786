/**
 * Runs the tests in two halves: first what needs no other process, then whole programs, for which the
 * executable is built and nats-server and Chromium are installed where they are missing. plan.ts says which
 * file is in which half and which runs alone, files.ts runs them.
 *
 * `npm test -- src/core src/bus/memory` runs the files whose paths hold one of the words; what follows the
 * first flag goes to `bun test` (`npm test -- src/core -t hash`); `--quick` in front runs the first half
 * only. The last line is the count, and the exit code says whether it is good. All of it ends within
 * `wholeMs`.
 */
import { availableParallelism, constants } from "node:os";
import { join } from "node:path";
import { endAll, nothing, type Outcome, runFiles } from "./files.ts";
import { planOf } from "./plan.ts";
import { installPrograms } from "./programs.ts";

/** The repository, or what stands for one in tests. */
const root = process.cwd();
const scripts = join(import.meta.dir, "..");
/** CI gives up after fifteen minutes. */
const wholeMs = 13 * 60_000;
/** One file of the first half: the longest takes twelve seconds. */
const quickFileMs = 120_000;
/** One file of the second half: the longest takes a minute and a half. */
const programFileMs = 4 * 60_000;
const cores = availableParallelism();
/** Whole programs wait more than they work; some do hardly anything else, and run beside the others. */
const programsAtOnce = Math.min(16, Math.ceil(cores * 1.5));
const waitingAtOnce = Math.min(16, cores);

const args = process.argv.slice(2);
const isQuick = args[0] === "--quick";
const rest = isQuick ? args.slice(1) : args;
const firstFlag = rest.findIndex((arg) => arg.startsWith("-"));
const words = firstFlag < 0 ? rest : rest.slice(0, firstFlag);
const flags = firstFlag < 0 ? [] : rest.slice(firstFlag);

if (process.stderr.isTTY) process.env.FORCE_COLOR ??= "1";
const plan = planOf(root, words);
const second = isQuick ? [] : [...plan.programs, ...plan.waiting, ...plan.alone];
const planned = [...plan.quick, ...second];
const isLive = planned.length === 1;
const outcomes: Outcome[] = [];
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
  process.on(signal, () => {
    endAll();
    conclude();
    process.exit(128 + constants.signals[signal]);
  });
}

await run("first half", plan.quick, cores, quickFileMs);
if (second.length > 0) {
  if (installPrograms(say) && make("build.mjs")) {
    await Promise.all([
      run("whole programs", plan.programs, programsAtOnce, programFileMs),
      run("whole programs that mostly wait", plan.waiting, waitingAtOnce, programFileMs, programsAtOnce),
    ]);
    await run("whole programs that measure", plan.alone, 1, programFileMs);
  } else for (const file of second) tell(nothing(file, "was not begun: what it needs could not be made"));
}
process.exit(conclude());

/** Runs a script to its end; whether it went well. */
function make(script: string): boolean {
  const { exitCode } = Bun.spawnSync([process.execPath, join(scripts, script)], {
    ...{ cwd: root, timeout: wholeMs / 2 },
    stdio: ["ignore", 2, 2],
  });
  return exitCode === 0;
}

async function run(
  what: string,
  files: readonly string[],
  atOnce: number,
  fileMs: number,
  portsTaken = 0,
): Promise<void> {
  if (files.length === 0) return;
  const startMs = performance.now();
  await runFiles(files, { root, atOnce, portsTaken, fileMs, untilMs: wholeMs, flags, live: isLive, tell });
  say(`${what}: ${files.length} files, ${atOnce} at a time, ${seconds(performance.now() - startMs)}`);
}

/** A line for each file; everything it printed, too, when it failed. */
function tell(outcome: Outcome): void {
  outcomes.push(outcome);
  const { file, passed, failed, skipped, ms, output, wrong } = outcome;
  const isGood = failed === 0 && wrong === undefined;
  if (!isGood && !isLive) say(`\n${output}`);
  const counts = [`${passed} passed`, failed > 0 && `${failed} failed`, skipped > 0 && `${skipped} skipped`];
  const told = [...counts, wrong].filter(Boolean).join(", ");
  say(`${isGood ? "ok  " : "FAIL"} ${seconds(ms).padStart(7)}  ${file}: ${told}`);
}

/** Says once more what failed, then the count; answers the exit code. */
function conclude(): number {
  for (const { file, failed, wrong, output } of outcomes) {
    if (failed === 0 && wrong === undefined) continue;
    const names = new Set(output.match(/^.*\(fail\).*$/gm) ?? []);
    say([file, ...names, ...(wrong ? [wrong] : [])].join("\n  "));
  }
  const told = new Set(outcomes.map(({ file }) => file));
  const missing = planned.filter((file) => !told.has(file));
  for (const file of missing) say(`${file}\n  did not run to its end`);
  const sum = (of: (outcome: Outcome) => number) => outcomes.reduce((all, outcome) => all + of(outcome), 0);
  const passed = sum((outcome) => outcome.passed);
  const failed = sum((outcome) => outcome.failed + (outcome.wrong ? 1 : 0)) + missing.length;
  const skipped = sum((outcome) => outcome.skipped);
  if (skipped > 0) say(`${skipped} skipped`);
  if (passed + failed === 0) say("no test has such a path or name");
  process.stdout.write(`${passed} passed, ${failed} failed\n`);
  return failed > 0 || passed === 0 ? 1 : 0;
}

function say(text: string): void {
  process.stderr.write(`${text}\n`);
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(1)} s`;
}
