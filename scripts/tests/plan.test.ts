/** Which half of the tests a file is in, and that none is in no half. */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { longFirst, planOf } from "./plan.ts";

const root = join(import.meta.dir, "../..");
let tree = "";
beforeAll(() => {
  tree = mkdtempSync(join(tmpdir(), "ovation-plan-"));
});
afterAll(() => rmSync(tree, { recursive: true, force: true }));

function write(path: string, text: string): void {
  mkdirSync(dirname(join(tree, path)), { recursive: true });
  writeFileSync(join(tree, path), text);
}

test("what starts a process, or imports what does, is of the second half; what measures runs alone", () => {
  write("src/a/plain.test.ts", 'import { one } from "./one.ts";');
  write("src/a/one.ts", 'import { two } from "../b/two.ts";');
  write("src/b/two.ts", 'import { one } from "../a/one.ts";');
  write("src/b/far.test.ts", 'import { kit } from "./kit.ts";');
  write("src/b/kit.ts", 'import type { X } from "../a/one.ts";\nexport { server } from "../c/server.ts";');
  write("src/c/server.ts", 'import { spawn } from "node:child_process";');
  write("src/c/direct.test.ts", `Bun.${"spawn"}(["ls"]);`);
  write("src/c/late.test.ts", 'const kit = await import("./server.ts");');
  write("src/d/slow.test.ts", '/**\n * Mostly waits: for votes.\n */\nimport "../c/server.ts";');
  write("src/d/quick.test.ts", "/**\n * Mostly waits: and starts nothing.\n */");
  write("web/page.test.ts", `import { chromium } from "playwright${"-core"}";`);
  write("web/dist/old.test.ts", "");
  write("bench/fast.test.ts", '/**\n * Runs alone: it measures.\n */\nimport "../src/c/server.ts";');
  expect(planOf(tree, [])).toEqual({
    quick: ["src/a/plain.test.ts", "src/d/quick.test.ts"],
    programs: ["src/b/far.test.ts", "src/c/direct.test.ts", "src/c/late.test.ts", "web/page.test.ts"],
    waiting: ["src/d/slow.test.ts"],
    alone: ["bench/fast.test.ts"],
  });
  expect(planOf(tree, ["src/c", "./bench/fa"])).toEqual({
    quick: [],
    programs: ["src/c/direct.test.ts", "src/c/late.test.ts"],
    waiting: [],
    alone: ["bench/fast.test.ts"],
  });
});

test("every test file of this repository is in one place", () => {
  const found = [...new Bun.Glob("**/*.test.ts").scanSync({ cwd: root })];
  const files = found.filter((path) => !/(^|\/)(node_modules|dist)\//.test(path));
  const { quick, programs, waiting, alone } = planOf(root, []);
  expect([...quick, ...programs, ...waiting, ...alone].toSorted()).toEqual(files.toSorted());
  expect(quick).toContain("src/system/sim.test.ts");
  expect(programs).toContain("src/system/cluster.test.ts");
  expect(longFirst.filter((path) => !files.includes(path))).toEqual([]);
  expect(programs[0]).toBe(longFirst[0]);
});
