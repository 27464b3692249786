/** `npm test` loses no test: what is said of files that end in every way, and that none is left over. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type HowToRun, type Outcome, runFiles } from "./files.ts";

const head = 'import { expect, test } from "bun:test";\n';
const files = {
  good: `${head}test("a", () => {});\ntest("b", () => expect(1).toBe(1));`,
  bad: `${head}test("a", () => {});\ntest("sums", () => expect(1 + 1).toBe(3));`,
  skips: `${head}test("a", () => {});\ntest.skip("b", () => {});\ntest.todo("c");`,
  empty: "export {};",
  broken: `${head}throw new Error("at import");`,
  crashes: `${head}test("a", () => {});\ntest("b", () => process.kill(process.pid, "SIGKILL"));`,
  leaves: `${head}test("a", () => {});\ntest("b", () => process.exit(0));\ntest("c", () => {});`,
  hangs: `${head}test("a", () => console.log("before"));\ntest("b", () => { for (;;); });`,
  own: `${head}test("a", () => console.log("own", process.env.TMPDIR, process.env.TEST_PORTS));`,
  forgets: `${head}test("a", () => {
    const child = Bun.spawn(["sleep", "60"]);
    child.unref();
    console.log("child", child.pid);
  });`,
} as const;

let root = "";
beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), "ovation-files-"));
  mkdirSync(join(root, "src"));
  for (const [name, text] of Object.entries(files)) writeFileSync(join(root, pathOf(name)), text);
});
afterAll(() => rmSync(root, { recursive: true, force: true }));

function pathOf(name: string): string {
  return `src/${name}.test.ts`;
}

async function run(names: (keyof typeof files)[], over: Partial<HowToRun> = {}): Promise<Outcome[]> {
  const outcomes: Outcome[] = [];
  await runFiles(names.map(pathOf), {
    ...{ root, atOnce: 2, fileMs: 20_000, untilMs: performance.now() + 25_000, flags: [], live: false },
    tell: (outcome) => outcomes.push(outcome),
    ...over,
  });
  return outcomes.toSorted((a, b) => (a.file < b.file ? -1 : 1));
}

const counted = { passed: 0, failed: 0, skipped: 0, wrong: undefined };

describe("a file of tests", () => {
  test.each([
    ["good", { passed: 2 }],
    ["bad", { passed: 1, failed: 1 }],
    ["skips", { passed: 1, skipped: 2 }],
    ["broken", { failed: 1 }],
    ["crashes", { wrong: "ended without a summary (killed by SIGKILL)" }],
    ["leaves", { wrong: "ended without a summary (exit code 0)" }],
  ] as const)("that is %s is told as %p", async (name, told) => {
    const [outcome] = await run([name]);
    expect(outcome).toMatchObject({ file: pathOf(name), ...counted, ...told });
  });

  test("without a test is a failure", async () => {
    const [outcome] = await run(["empty"]);
    expect(outcome).toMatchObject({ passed: 0, failed: 0, wrong: expect.any(String) });
  });

  test("that fails is shown with all it printed", async () => {
    const [outcome] = await run(["bad"]);
    expect(outcome?.output).toContain("Received: 2");
    expect(outcome?.output).toContain("(fail) sums");
  });

  test("that hangs is ended when its time is up, and the others go on", async () => {
    const [good, hangs] = await run(["hangs", "good"], { fileMs: 1_500, atOnce: 1 });
    expect(good).toMatchObject({ passed: 2, wrong: undefined });
    expect(hangs).toMatchObject({ passed: 0, wrong: "still ran after 2 s: ended" });
    expect(hangs?.output).toContain("before");
  });

  test("that has no test of the name asked for is no failure, and the others' are counted", async () => {
    const outcomes = await run(["good", "bad"], { flags: ["-t", "^sums$"] });
    expect(outcomes).toMatchObject([{ failed: 1 }, { ...counted }]);
  });

  test("that was not begun in time is told, and each is told once", async () => {
    const outcomes = await run(["good", "bad", "own"], { untilMs: performance.now() - 1 });
    expect(outcomes.map(({ file }) => file)).toEqual(["bad", "good", "own"].map(pathOf));
    for (const { wrong } of outcomes) expect(wrong).toContain("was not begun");
  });

  test("has a folder and ports of its own, and nothing of it stays", async () => {
    writeFileSync(join(root, pathOf("own2")), files.own);
    const outcomes = await run(["own", "own2" as "own"]);
    const said = outcomes.map(({ output }) => /^own (\S+) (\d+)-(\d+)$/m.exec(output)?.slice(1) ?? []);
    const [[folder = "", from, to], [folder2, from2]] = said as [string[], string[]];
    expect(folder).not.toBe("");
    expect(folder2).not.toBe(folder);
    expect(Number(from2)).toBeGreaterThan(0);
    expect(from2).not.toBe(from);
    expect(Number(to)).toBeGreaterThan(Number(from));
    expect(existsSync(folder)).toBe(false);
  });

  test("leaves no process behind", async () => {
    const [outcome] = await run(["forgets"]);
    const pid = Number(/^child (\d+)$/m.exec(outcome?.output ?? "")?.[1]);
    expect(outcome).toMatchObject({ passed: 1, wrong: undefined });
    expect(pid).toBeGreaterThan(1);
    // A process that ended a moment ago may still wait to be reaped by whoever inherited it, and one that was
    // just killed, on a busy machine, for its turn to end.
    const stateOf = (): Promise<string> =>
      Bun.file(`/proc/${pid}/stat`)
        .text()
        .catch(() => ") Z");
    const endMs = performance.now() + 5_000;
    let state = await stateOf();
    while (!/\) [ZX]/.test(state) && performance.now() < endMs) {
      await Bun.sleep(10);
      state = await stateOf();
    }
    expect(state).toMatch(/\) [ZX]/);
  });
});

describe("npm test", () => {
  const main = join(import.meta.dir, "main.ts");
  async function npmTest(...args: string[]): Promise<{ code: number; last: string; said: string }> {
    const child = Bun.spawn([process.execPath, main, "--quick", ...args], {
      ...{ cwd: root, stdio: ["ignore", "pipe", "pipe"] },
    });
    const [out, said] = await Promise.all([
      new Response(child.stdout).text(),
      new Response(child.stderr).text(),
    ]);
    return { code: await child.exited, last: out.trimEnd().split("\n").at(-1) ?? "", said };
  }

  test("ends with the sum, and names what failed", async () => {
    const { code, last, said } = await npmTest("good", "bad", "skips");
    expect([last, code]).toEqual(["4 passed, 1 failed", 1]);
    expect(said).toContain("Received: 2");
    expect(said).toContain(`${pathOf("bad")}\n  (fail) sums`);
    expect(said).toContain("2 skipped");
  });

  test("counts a crash as a failure, and says which file", async () => {
    const { code, last, said } = await npmTest("good", "leaves");
    expect([last, code]).toEqual(["2 passed, 1 failed", 1]);
    expect(said).toContain(`${pathOf("leaves")}\n  ended without a summary`);
  });

  test("is good when all is, and not when nothing ran", async () => {
    expect(await npmTest("good")).toMatchObject({ code: 0, last: "2 passed, 0 failed" });
    expect(await npmTest("no-such-file")).toMatchObject({ code: 1, last: "0 passed, 0 failed" });
    expect(await npmTest("good", "-t", "no such name")).toMatchObject({ code: 1 });
  });
});
