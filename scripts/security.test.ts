/** SECURITY.md: each threat names its tests, and they are there. */
import { expect, test } from "bun:test";
import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";

const root = join(import.meta.dir, "..");
const { scripts } = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as { scripts: object };

/** What is wrong with the table under "## Threats" of `text`. */
function mistakesIn(text: string): string[] {
  const table = /## Threats\n+([\s\S]*?)(\n## |$)/.exec(text)?.[1] ?? "";
  const rows = table.split("\n").filter((line) => line.startsWith("|"));
  if (rows.length < 3) return ["there is no table of threats"];
  return rows.slice(2).flatMap((row) => {
    const cells = row.split("|").slice(1, -1);
    const threat = cells[0]?.trim() ?? "";
    if (cells.length !== 3) return [`${threat}: ${cells.length} cells`];
    const named = [...(cells[2] ?? "").matchAll(/`([^`]+)`/g)].map(([, name]) => name ?? "");
    if (named.length === 0) return [`${threat}: no test`];
    return named.filter((name) => !isThere(name)).map((name) => `${threat}: there is no ${name}`);
  });
}

/** A test, a suite, a folder of tests, or a script with its flags. */
function isThere(name: string): boolean {
  const script = /^npm run ([a-z:-]+)( -- .+)?$/.exec(name)?.[1];
  if (script !== undefined) return script in scripts;
  const path = join(root, name);
  if (!existsSync(path)) return false;
  if (statSync(path).isDirectory()) return readdirSync(path).some((file) => file.endsWith(".test.ts"));
  return /(\.test|\/contract)\.ts$/.test(name);
}

test("each threat has a defence and tests that are there", () => {
  expect(mistakesIn(readFileSync(join(root, "SECURITY.md"), "utf8"))).toEqual([]);
});

test("what is missing is named", () => {
  const of = (cell: string) =>
    mistakesIn(`## Threats\n\n| a | b | c |\n|---|---|---|\n| x | y | ${cell} |\n`);
  expect(of("`scripts/security.test.ts`, `src/http/`, `npm run fuzz`, `src/bus/contract.ts`")).toEqual([]);
  expect(of("by hand")).toEqual(["x: no test"]);
  expect(of("`src/gone.test.ts`, `npm run gone`")).toEqual([
    "x: there is no src/gone.test.ts",
    "x: there is no npm run gone",
  ]);
  expect(of("`src/http/door.ts`, `deploy/`")).toHaveLength(2);
  expect(of("`src/http/` | more")).toEqual(["x: 4 cells"]);
  expect(mistakesIn("# Nothing")).toEqual(["there is no table of threats"]);
});
