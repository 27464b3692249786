/**
 * Which tests there are, and how each file of them is run.
 *
 * A file whose tests start another process, or import what does, is of the second half; everything else is of
 * the first. That is read from the files themselves, so a new file is in the right half by being written. Of
 * the second half a file may say more of itself in its head: `Runs alone: …` where it measures how long
 * something takes, and then nothing runs beside it; `Mostly waits: …` where it leaves a core idle for most of
 * its time, and then it runs beside those that work. Held by plan.test.ts.
 */
import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { dirname, join, normalize } from "node:path";

export interface Plan {
  /** The first half: nothing but itself is needed, or started. */
  readonly quick: readonly string[];
  /** The second half: whole programs, the longest first. */
  readonly programs: readonly string[];
  /** Those of the second half that mostly wait. */
  readonly waiting: readonly string[];
  /** Those of the second half that run by themselves. */
  readonly alone: readonly string[];
}

const folders = ["src", "web", "bench", "scripts"];
const startsProcesses = /\bBun\.spawn|"node:child_process"|"playwright-core"/;
const runsAlone = /^ \* Runs alone: \S/m;
const mostlyWaits = /^ \* Mostly waits: \S/m;
/** The longest files, the longest first: begun last, each would run on by itself while a core stands idle. */
export const longFirst = [
  "src/system/cluster-death.test.ts",
  "src/system/page.test.ts",
  "src/system/hold.test.ts",
  "src/bus/nats-faults.test.ts",
  "src/system/cluster-partition.test.ts",
  "src/system/half-open.test.ts",
  "src/ledger/jetstream-faults.test.ts",
  "src/system/cluster-leader.test.ts",
  "src/system/sim.test.ts",
  "src/system/sim-known.test.ts",
  "src/system/sim-noticed.test.ts",
];

/** The test files below `root` whose paths hold one of `words`; all, where there are none. */
export function planOf(root: string, words: readonly string[]): Plan {
  const starts = finder(root);
  const quick: string[] = [];
  const programs: string[] = [];
  const waiting: string[] = [];
  const alone: string[] = [];
  for (const file of testFiles(root)) {
    if (words.length > 0 && !words.some((word) => file.includes(word.replace(/^\.\//, "")))) continue;
    const text = readFileSync(join(root, file), "utf8");
    if (runsAlone.test(text)) alone.push(file);
    else if (!starts(file)) quick.push(file);
    else (mostlyWaits.test(text) ? waiting : programs).push(file);
  }
  return {
    quick: longestFirst(quick),
    programs: longestFirst(programs),
    waiting: longestFirst(waiting),
    alone,
  };
}

function longestFirst(files: readonly string[]): string[] {
  const rank = (file: string) => (longFirst.includes(file) ? longFirst.indexOf(file) : longFirst.length);
  return files.toSorted((a, b) => rank(a) - rank(b));
}

/** Every test file, in the order of names. */
function testFiles(root: string): string[] {
  return folders
    .filter((folder) => existsSync(join(root, folder)))
    .flatMap((folder) =>
      readdirSync(join(root, folder), { recursive: true }).map((path) => `${folder}/${path}`),
    )
    .filter((path) => path.endsWith(".test.ts") && !path.includes("/dist/"))
    .sort();
}

interface Looked {
  readonly starts: boolean;
  readonly imports: readonly string[];
}

/** Answers whether a file starts processes, or imports one that does, however far away. */
function finder(root: string): (file: string) => boolean {
  const known = new Map<string, Looked>();
  const look = (file: string): Looked => {
    const path = join(root, file);
    const text = existsSync(path) && statSync(path).isFile() ? readFileSync(path, "utf8") : "";
    const imports = [...text.matchAll(/\b(?:from|import) ?\(?"(\.[^"]+)"/g)];
    return {
      starts: startsProcesses.test(text),
      imports: imports.map(([, to = ""]) => normalize(join(dirname(file), to))),
    };
  };
  return (first) => {
    const open = [first];
    const seen = new Set(open);
    for (let file = open.pop(); file !== undefined; file = open.pop()) {
      const { starts, imports } = known.get(file) ?? look(file);
      if (starts) return true;
      known.set(file, { starts, imports });
      for (const next of imports) {
        if (seen.has(next)) continue;
        seen.add(next);
        open.push(next);
      }
    }
    return false;
  };
}
