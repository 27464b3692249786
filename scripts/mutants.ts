/**
 * `npm run mutants`: plants small faults, one at a time, and sees whether the tests near each notice.
 *
 * A fault that no test notices is a hole in the tests, and is named; fewer than `caughtMin` caught is a
 * failure. Each is planted in a copy of the tree and undone before the next, as many copies as there are
 * cores; a run that goes on for too long has noticed too. `npm run mutants -- fanout hash` plants those whose
 * file or name holds one of the words. mutants/*.ts are the faults, mutants/plant.ts says what one is.
 */
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { availableParallelism, tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { mutants } from "./mutants/all.ts";
import { type Mutant, planted } from "./mutants/plant.ts";

const root = join(import.meta.dir, "..");
const caughtMin = 0.95;
/** The tests near a fault take seconds: what hangs is ended, and what is slow on a busy machine is not. */
const runMs = 120_000;
const testMs = 60_000;
// Debian puts nats-server where the PATH of an ordinary user does not look.
const env = { ...process.env, PATH: [process.env.PATH, "/usr/local/sbin", "/usr/sbin"].join(delimiter) };
const copied = [
  ...["src", "web", "scripts", "bench", "docs", "deploy", "README.md", "SECURITY.md", "LICENSE"],
  ...["package.json", "tsconfig.json", "bunfig.toml"],
];

interface Ended {
  readonly how: "passed" | "failed" | "late";
  readonly output: string;
}

const words = process.argv.slice(2);
const chosen = mutants.filter(
  ({ file, name }) => words.length === 0 || words.some((word) => file.includes(word) || name.includes(word)),
);
const wrong = chosen.flatMap((mutant) => {
  const text = planted(mutant, readFileSync(join(root, mutant.file), "utf8"));
  return typeof text === "string" ? [] : [text.wrong];
});
if (wrong.length > 0) end(wrong);
if (chosen.length === 0) end(["no fault has such a file or name"]);

const copies = Array.from({ length: availableParallelism() }, copyTree);
process.on("exit", () => {
  for (const folder of copies) rmSync(folder, { recursive: true, force: true });
});
for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, () => process.exit(130));
const startMs = performance.now();
await withoutFault();
const survivors: Mutant[] = [];
const waiting = [...chosen];
await Promise.all(copies.map(work));
const seconds = ((performance.now() - startMs) / 1000).toFixed(0);
const caught = chosen.length - survivors.length;
const percent = ((100 * caught) / chosen.length).toFixed(1);
for (const { file, name } of survivors) console.log(`survived: ${file}: ${name}`);
console.log(`${caught} of ${chosen.length} faults caught, ${percent} %, in ${seconds} s`);
process.exit(caught >= caughtMin * chosen.length ? 0 : 1);

function end(why: readonly string[]): never {
  for (const line of why) console.error(`mutants: ${line}`);
  process.exit(1);
}

function copyTree(): string {
  const folder = mkdtempSync(join(tmpdir(), "ovation-mutants-"));
  for (const name of copied) cpSync(join(root, name), join(folder, name), { recursive: true });
  symlinkSync(join(root, "node_modules"), join(folder, "node_modules"));
  return folder;
}

/** Without a fault every test passes, else a failure would say nothing. */
async function withoutFault(): Promise<void> {
  const tests = [...new Set(chosen.flatMap((mutant) => mutant.tests))];
  await Promise.all(
    copies.map(async (folder) => {
      for (let test = tests.pop(); test !== undefined; test = tests.pop()) {
        const { how, output } = await run(folder, [test]);
        if (how !== "passed") end([output, `${test} ${how} without any fault`]);
      }
    }),
  );
}

async function work(folder: string): Promise<void> {
  for (let mutant = waiting.shift(); mutant !== undefined; mutant = waiting.shift()) {
    const file = join(folder, mutant.file);
    const text = readFileSync(file, "utf8");
    const edited = planted(mutant, text);
    if (typeof edited !== "string") end([edited.wrong]);
    writeFileSync(file, edited);
    const { how } = await run(folder, mutant.tests);
    writeFileSync(file, text);
    if (how === "passed") survivors.push(mutant);
    const said = { passed: "SURVIVED", failed: "caught  ", late: "hung    " }[how];
    console.log(`${said} ${mutant.file}: ${mutant.name}`);
  }
}

async function run(folder: string, tests: readonly string[]): Promise<Ended> {
  const child = Bun.spawn(
    [
      process.execPath,
      "--no-orphans",
      "test",
      "--bail",
      `--timeout=${testMs}`,
      ...tests.map((test) => `./${test}`),
    ],
    { cwd: folder, env, stdio: ["ignore", "pipe", "pipe"] },
  );
  let isLate = false;
  const limit = setTimeout(() => {
    isLate = true;
    child.kill("SIGKILL");
  }, runMs);
  const said = await Promise.all([new Response(child.stdout).text(), new Response(child.stderr).text()]);
  const code = await child.exited;
  clearTimeout(limit);
  if (isLate) return { how: "late", output: said.join("") };
  return { how: code === 0 ? "passed" : "failed", output: said.join("") };
}
