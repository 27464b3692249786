/**
 * Runs test files, each in a process of its own, some at a time, and says what became of every one of them.
 *
 * A file is never silently missing: one that ends without `bun test`'s summary (crashed, or ended by an exit
 * in the middle, which Bun itself takes for success), one that still runs when its time is up and one that
 * was never begun are failures under their names. Each has a folder for temporary files and a range of ports
 * that no other has: see src/system/ports.ts. Held by files.test.ts.
 */
import { spawn } from "node:child_process";
import { closeSync, mkdirSync, mkdtempSync, openSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** Of one test: the longest takes a quarter of it, and not every machine is as quick. */
const testTimeoutMs = 60_000;
/** Below those that Linux gives to whoever asks for any port, 32,768 and up; 64 ranges fit in between. */
const portsFrom = 12_000;
const portsEach = 200;
const atOnceMax = 64;
/** How often what a file prints is looked at, where it is shown at once. */
const liveMs = 100;

/** What came of one file. */
export interface Outcome {
  readonly file: string;
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
  readonly ms: number;
  /** Everything it printed, both streams in order. */
  readonly output: string;
  /** Why the file as a whole failed, where its tests do not say so: counts as one failed test. */
  readonly wrong?: string | undefined;
}

export interface HowToRun {
  /** The repository: paths of files are from here. */
  readonly root: string;
  readonly atOnce: number;
  /** Ranges of ports that others use meanwhile, default none. */
  readonly portsTaken?: number;
  /** How long each file may run. */
  readonly fileMs: number;
  /** When all must have ended, by `performance.now()`. */
  readonly untilMs: number;
  /** Further flags of `bun test`. */
  readonly flags: readonly string[];
  /** Shows what a file prints while it runs: for one that runs by itself. */
  readonly live: boolean;
  /** Is told each outcome as its file ends. */
  readonly tell: (outcome: Outcome) => void;
}

interface Ended {
  readonly code?: number | null;
  readonly signal?: NodeJS.Signals | null;
  readonly error?: Error;
}

/** Runs `files`, begun in their order; tells exactly one outcome for each. */
export async function runFiles(files: readonly string[], how: HowToRun): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "ov-"));
  const remove = (): void => rmSync(folder, { recursive: true, force: true });
  process.once("exit", remove);
  const waiting = [...files];
  const { atOnce, portsTaken = 0 } = how;
  const work = async (slot: number): Promise<void> => {
    for (let file = waiting.shift(); file !== undefined; file = waiting.shift()) {
      const leftMs = how.untilMs - performance.now();
      how.tell(
        leftMs <= 0
          ? nothing(file, "was not begun: the time for all tests is up")
          : await runFile(file, portsTaken + slot, folder, Math.min(how.fileMs, leftMs), how),
      );
    }
  };
  await Promise.all(
    Array.from({ length: Math.min(atOnce, atOnceMax - portsTaken) }, (_, slot) => work(slot)),
  );
  remove();
  process.off("exit", remove);
}

/** Groups of processes that run now, for whoever has to end them early. */
const running = new Set<number>();

/** Ends all files that run now, and what they started. */
export function endAll(): void {
  for (const pid of running) killGroup(pid);
}

async function runFile(
  file: string,
  slot: number,
  folder: string,
  limitMs: number,
  { root, flags, live }: HowToRun,
): Promise<Outcome> {
  const own = join(folder, `${slot}`);
  mkdirSync(own);
  const outputFile = join(folder, `${slot}.out`);
  const fd = openSync(outputFile, "w");
  const ports = portsFrom + slot * portsEach;
  const startMs = performance.now();
  const command = ["--no-orphans", "test", `--timeout=${testTimeoutMs}`, ...flags, `./${file}`];
  const env = { ...process.env, TMPDIR: own, TEST_PORTS: `${ports}-${ports + portsEach - 1}` };
  // Into a file, not a pipe: a process left behind cannot hold it open, and both streams keep their order.
  const child = spawn(process.execPath, command, {
    ...{ cwd: root, env, detached: true },
    stdio: ["ignore", fd, fd],
  });
  closeSync(fd);
  const { pid } = child;
  if (pid !== undefined) running.add(pid);
  const stopShowing = live ? showLive(outputFile) : undefined;
  let isLate = false;
  const limit = setTimeout(() => {
    isLate = true;
    if (pid !== undefined) killGroup(pid);
  }, limitMs);
  const ended = await new Promise<Ended>((resolve) => {
    child.once("error", (error) => resolve({ error }));
    child.once("exit", (code, signal) => resolve({ code, signal }));
  });
  clearTimeout(limit);
  if (pid !== undefined) {
    killGroup(pid);
    running.delete(pid);
  }
  stopShowing?.();
  const output = readFileSync(outputFile, "utf8");
  rmSync(own, { recursive: true, force: true });
  const outcome = { ...read(file, output, ended, flags), ms: performance.now() - startMs };
  return isLate ? { ...outcome, wrong: `still ran after ${Math.round(limitMs / 1000)} s: ended` } : outcome;
}

/** Shows what is written into a file, until the answer is called. */
function showLive(file: string): () => void {
  let shown = 0;
  const show = (): void => {
    const said = readFileSync(file);
    process.stderr.write(said.subarray(shown));
    shown = said.length;
  };
  const timer = setInterval(show, liveMs);
  return () => {
    clearInterval(timer);
    show();
  };
}

/** What `bun test` said of one file, held against how its process ended. */
export function read(
  file: string,
  output: string,
  { code, signal, error }: Ended,
  flags: readonly string[],
): Outcome {
  const plain = Bun.stripANSI(output);
  const summary = /^ *\d+ pass\n(?: *\d+ [^\n]+\n)*Ran (\d+) tests? across 1 file/m.exec(plain);
  if (summary === null) {
    const isNoneAsked = /^error: regex .* matched 0 tests/m.test(plain);
    if (isNoneAsked && flags.length > 0) return { ...nothing(file, undefined), output };
    const how = error?.message ?? (signal ? `killed by ${signal}` : `exit code ${code}`);
    return { ...nothing(file, `ended without a summary (${how})`), output };
  }
  const count = (word: string) => Number(new RegExp(`^ *(\\d+) ${word}`, "m").exec(summary[0])?.[1] ?? 0);
  const ran = Number(summary[1]);
  const [passed, failed, skipped] = [count("pass"), count("fail"), count("skip") + count("todo")];
  const found = { file, passed, failed, skipped, ms: 0, output, wrong: undefined };
  if (ran === 0) return { ...found, wrong: "holds no test" };
  if (passed + failed + skipped !== ran) return { ...found, wrong: `ran ${ran} tests and told of others` };
  const isTold = code === 0 || failed > 0;
  return isTold ? found : { ...found, wrong: `passed its tests and ended with ${signal ?? code}` };
}

/** The outcome of a file of which no test ran, and why that is wrong, if it is. */
export function nothing(file: string, wrong: string | undefined): Outcome {
  return { file, passed: 0, failed: 0, skipped: 0, ms: 0, output: "", wrong };
}

function killGroup(pid: number): void {
  try {
    process.kill(-pid, "SIGKILL");
  } catch {
    // Nobody is left in it.
  }
}
