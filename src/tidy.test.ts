/**
 * Keeps the source walkable: who may import whom, where each dependency comes in, how long things get, and
 * that docs/source.md leads past every file.
 *
 * Each check is a pure function from a file to its mistakes, so that the same check runs over the real tree
 * and over a bad sample that shows it can fail.
 */
import { describe, expect, test } from "bun:test";
import { dirname, join, normalize } from "node:path";
import { parseSync } from "oxc-parser";
import { isListed, sourceFiles, sourcePage } from "../scripts/docs.ts";
import { road } from "../scripts/road.ts";

type SourceFile = { readonly path: string; readonly text: string };
type Check = (file: SourceFile) => string[];
type Node = {
  readonly type: string;
  readonly start: number;
  readonly end: number;
  readonly [key: string]: unknown;
};

const fileLinesMax = 400;
const functionLinesMax = 70;
const columnsMax = 110;

/** A folder may import itself and lower ranks; two of one rank never meet. */
const ranks: Readonly<Record<string, number>> = {
  base: 0,
  core: 1,
  bus: 2,
  ledger: 2,
  trust: 3,
  hooks: 3,
  dispatcher: 4,
  asking: 4,
  video: 5,
  fanout: 6,
  frontend: 7,
  http: 8,
  settings: 9,
  node: 10,
  load: 10,
  conform: 10,
  plan: 10,
  package: 11,
  program: 11,
};
const topRank = 12;

/** These meet a dispatcher only through the bus, also in one process: the laptop walks the cluster's path. */
const acrossTheBus = /^src\/(asking|video|fanout|frontend)\//;

/** A module, or a global or a member of one, that only files matching `at` may use. */
type Door = { readonly module?: RegExp; readonly global?: RegExp; readonly at: RegExp };
const doors: readonly Door[] = [
  { module: /^hono(\/|$)/, at: /^src\/http\/(server|app)\.ts$/ },
  { module: /^nats$/, at: /^src\/bus\/nats[a-z-]*\.ts$/ },
  { module: /^bun:sqlite$/, at: /^src\/ledger\/sqlite(-file)?\.ts$/ },
  { module: /^jose$/, at: /^src\/(trust\/tokens|program\/mint)\.ts$/ },
  { module: /^unhomoglyph$/, at: /^src\/trust\/words\.ts$/ },
  { module: /^prom-client$/, at: /^src\/base\/(metrics|durations)\.ts$/ },
  { module: /^commander$/, at: /^src\/settings\/(table|text)\.ts$/ },
  {
    module: /^(node:)?process$/,
    global: /^(process|Bun\.(env|argv))$/,
    at: /^src\/(program\/main\.ts|load\/|plan\/)/,
  },
  {
    module: /^(node:)?timers(\/promises)?$/,
    global: /^(set(Timeout|Interval|Immediate)|Bun\.sleep|AbortSignal\.timeout)$/,
    at: /^src\/(base\/clock\.ts|load\/|plan\/)/,
  },
  { global: /^(performance|Date\.now|new Date\(\))$/, at: /^src\/(base\/clock\.ts|load\/|plan\/)/ },
  { global: /^(Math\.random|crypto\.(getRandomValues|randomUUID))$/, at: /^src\/(base\/prng\.ts|load\/)/ },
];

/** Tests, suites that implementations share, fakes and kits for tests, and tests of the whole program. */
function isTest(path: string): boolean {
  return /\.test\.ts$|\/(contract(-[a-z-]+)?|fake-[a-z-]+|[a-z-]+-kit)\.ts$|^src\/system\//.test(path);
}

function rankOf(path: string): number {
  return ranks[path.split("/")[1] ?? ""] ?? topRank;
}

const keepsRanks: Check = ({ path, text }) => {
  if (isTest(path)) return [];
  return importsOf(text)
    .filter((name) => name.startsWith("."))
    .map((name) => normalize(join(dirname(path), name)))
    .filter((target) => {
      if (!target.startsWith("src/")) return !/^(package\.json$|web\/dist\/|docs\/)/.test(target);
      if (isTest(target)) return true;
      if (acrossTheBus.test(path) && target.startsWith("src/dispatcher/")) return true;
      return dirname(target) !== dirname(path) && rankOf(target) >= rankOf(path);
    })
    .map((target) => `${path} may not import ${target}`);
};

const usesDoors: Check = ({ path, text }) => {
  if (isTest(path)) return [];
  const closed = doors.filter(({ at }) => !at.test(path));
  const modules = importsOf(text).filter((name) => closed.some(({ module }) => module?.test(name)));
  const globals = globalsOf(text).filter((name) => closed.some(({ global }) => global?.test(name)));
  return [...new Set([...modules, ...globals])].map((name) => `${path} may not use ${name}`);
};

const keepsSizes: Check = ({ path, text }) => {
  const lines = text.replace(/\n$/, "").split("\n");
  const mistakes = lines.length > fileLinesMax ? [`${path} has ${lines.length} lines`] : [];
  for (const [index, line] of lines.entries()) {
    if (line.length > columnsMax) mistakes.push(`${path}:${index + 1} has ${line.length} columns`);
  }
  if (isTest(path)) return mistakes;
  const lineAt = (offset: number) => text.slice(0, offset).split("\n").length;
  for (const { node } of nodesOf(text)) {
    if (!/^(FunctionDeclaration|FunctionExpression|ArrowFunctionExpression)$/.test(node.type)) continue;
    const count = lineAt(node.end) - lineAt(node.start) + 1;
    if (count > functionLinesMax) mistakes.push(`${path}:${lineAt(node.start)} function of ${count} lines`);
  }
  return mistakes;
};

const hasNoAny: Check = ({ path, text }) => {
  return nodesOf(text)
    .filter(({ node }) => node.type === "TSAnyKeyword")
    .map(() => `${path} says any`);
};

const exportsNames: Check = ({ path, text }) => {
  return nodesOf(text)
    .filter(({ node }) => node.type === "ExportDefaultDeclaration" || node.type === "ExportAllDeclaration")
    .map(({ node }) => `${path} has an ${node.type}`);
};

const opensWithWhy: Check = ({ path, text }) => {
  return isTest(path) || text.startsWith("/**") ? [] : [`${path} does not open by saying what it is`];
};

/** A formula that stood at the head of half of the files: it says that something matters, and not what. */
const formula = /\bdistinction\b[^.]{0,24}\brests?\b|\brests? on (one|a|the) (distinction|difference)\b/i;

const saysPlainly: Check = ({ path, text }) => {
  const end = text.startsWith("/**") ? text.indexOf("*/") : 0;
  const head = text.slice(0, end).replace(/\s*\n \*\s*/g, " ");
  return formula.test(head) ? [`${path} opens with a formula`] : [];
};

/** Files that import each other in a circle, types included: each is named by its first file. */
function circles(files: readonly SourceFile[]): string[] {
  const edges = new Map<string, readonly string[]>();
  for (const { path, text } of files) {
    if (isTest(path)) continue;
    const targets = importsOf(text).filter((name) => name.startsWith("."));
    edges.set(
      path,
      targets.map((name) => normalize(join(dirname(path), name))),
    );
  }
  const reaches = (from: string): Set<string> => {
    const seen = new Set<string>();
    const open = [from];
    for (let at = open.pop(); at !== undefined; at = open.pop()) {
      for (const next of edges.get(at) ?? []) if (!seen.has(next)) seen.add(next) && open.push(next);
    }
    return seen;
  };
  return [...edges.keys()].filter((path) => reaches(path).has(path)).map((path) => `${path} is in a circle`);
}

/** Modules a file imports or re-exports, types included, and those it imports while it runs. */
function importsOf(text: string): string[] {
  return nodesOf(text).flatMap(({ node }) => {
    if (!/^(Import|ExportNamed|ExportAll)Declaration$|^(ImportExpression|TSImportType)$/.test(node.type))
      return [];
    const source = node.source as { value?: unknown } | null;
    return typeof source?.value === "string" ? [source.value] : [];
  });
}

/** Free-standing names a file mentions, `Name.member` of them, and `new Date()` without arguments. */
function globalsOf(text: string): string[] {
  return nodesOf(text).flatMap(({ node, parent }) => {
    const source = text.slice(node.start, node.end).replace(/^globalThis\./, "");
    if (node.type === "MemberExpression" && /^\w+(\.\w+)?$/.test(source)) return [source];
    if (node.type === "NewExpression" && /^new Date(\(\))?$/.test(source)) return ["new Date()"];
    if (node.type !== "Identifier") return [];
    const isMember =
      parent?.type === "MemberExpression" && parent.property === node && parent.computed === false;
    const isKey = parent?.key === node && parent.computed === false && parent.shorthand !== true;
    return isMember || isKey ? [] : [String(node.name)];
  });
}

type Placed = { readonly node: Node; readonly parent: Node | undefined };
const parsed = new Map<string, readonly Placed[]>();

/** Every node of a file with its parent, in order. */
function nodesOf(text: string): readonly Placed[] {
  const known = parsed.get(text);
  if (known !== undefined) return known;
  const { program, errors } = parseSync("file.ts", text);
  if (errors.length > 0) throw new Error(errors[0]?.message);
  const found: Placed[] = [];
  const walk = (value: unknown, parent: Node | undefined): void => {
    if (typeof value !== "object" || value === null) return;
    const isNode = "type" in value && typeof value.type === "string" && "start" in value;
    if (isNode) found.push({ node: value as Node, parent });
    for (const child of Object.values(value)) walk(child, isNode ? (value as Node) : parent);
  };
  walk(program, undefined);
  parsed.set(text, found);
  return found;
}

async function filesOf(pattern: string): Promise<SourceFile[]> {
  const root = dirname(import.meta.dir);
  const paths = [...new Bun.Glob(pattern).scanSync({ cwd: root })].filter(
    (path) => !path.startsWith("web/dist/"),
  );
  return Promise.all(
    paths.sort().map(async (path) => ({ path, text: await Bun.file(join(root, path)).text() })),
  );
}

const source = await filesOf("src/**/*.ts");
const commands = await filesOf("{bench,scripts}/**/*.{ts,mjs}");
const web = await filesOf("web/**/*.ts");

describe("the source", () => {
  test.each([
    ["imports its own folder or a lower rank", keepsRanks, source],
    ["uses each dependency, time, randomness and the process through one door", usesDoors, source],
    ["keeps its sizes", keepsSizes, [...source, ...commands]],
    ["never says any", hasNoAny, [...source, ...commands, ...web]],
    ["exports names only", exportsNames, [...source, ...commands]],
    ["opens every file with what it is", opensWithWhy, [...source, ...commands, ...web]],
    ["says in plain words what it is", saysPlainly, [...source, ...commands, ...web]],
  ])("%s", (_, check, files) => {
    expect(files.length).toBeGreaterThan(10);
    expect(files.flatMap(check)).toEqual([]);
  });

  test("has no circle of imports", () => {
    expect(circles(source)).toEqual([]);
  });

  test("is told in reading order in docs/source.md, as its files' own heads say it now", async () => {
    const [page] = await filesOf("docs/source.md");
    expect(page?.text, "npm run docs rewrites it").toBe(sourcePage(await sourceFiles()));
    for (const { path } of source.filter(({ path }) => !isTest(path) && isListed(path))) {
      expect(page?.text).toContain(`| \`${path}\` |`);
    }
  });
});

describe("every check can fail", () => {
  const lines = (count: number) => "x();\n".repeat(count);
  const samples: [Check, string, string, number][] = [
    [keepsRanks, "src/core/a.ts", 'import { b } from "../bus/bus.ts";', 1],
    [keepsRanks, "src/core/a.ts", 'import type { B } from "../bus/bus.ts";', 1],
    [keepsRanks, "src/core/a.ts", 'export { b } from "../bus/bus.ts";', 1],
    [keepsRanks, "src/core/a.ts", 'const b = await import("../bus/bus.ts");', 1],
    [keepsRanks, "src/core/a.ts", 'type B = import("../bus/bus.ts").B;', 1],
    [keepsRanks, "src/ledger/a.ts", 'import { b } from "../bus/bus.ts";', 1],
    [keepsRanks, "src/frontend/a.ts", 'import { b } from "../dispatcher/b.ts";', 1],
    [keepsRanks, "src/dispatcher/a.ts", 'import { b } from "../frontend/b.ts";', 1],
    [keepsRanks, "src/http/a.ts", 'import { b } from "../settings/config.ts";', 1],
    [keepsRanks, "src/http/a.ts", 'import { b } from "../core/b.test.ts";', 1],
    [keepsRanks, "src/http/a.ts", 'import { b } from "./fake-b.ts";', 1],
    [keepsRanks, "src/http/a.ts", 'import { b } from "../../scripts/b.ts";', 1],
    [keepsRanks, "src/http/a.ts", 'import { b } from "../bus/bus.ts"; import { c } from "./c.ts";', 0],
    [keepsRanks, "src/node/a.ts", 'import { b } from "../load/load.ts";', 1],
    [keepsRanks, "src/node/a.ts", 'import { b } from "../program/main.ts";', 1],
    [
      keepsRanks,
      "src/program/main.ts",
      'import { b } from "../node/node.ts"; import { c } from "./b.ts";',
      0,
    ],
    [keepsRanks, "src/core/a.test.ts", 'import { b } from "../bus/bus.ts";', 0],
    [usesDoors, "src/http/read.ts", 'import { Hono } from "hono"; import { cors } from "hono/cors";', 2],
    [usesDoors, "src/http/server.ts", 'import { Hono } from "hono";', 0],
    [usesDoors, "src/ledger/jetstream.ts", 'import type { Msg } from "nats";', 1],
    [usesDoors, "src/bus/nats.ts", 'import { connect } from "nats";', 0],
    [usesDoors, "src/settings/config.ts", "const nats = settings.nats; use(nats);", 0],
    [usesDoors, "src/ledger/fold.ts", 'import { Database } from "bun:sqlite";', 1],
    [usesDoors, "src/node/node.ts", "process.exit(1);", 1],
    [usesDoors, "src/node/node.ts", "const { env } = globalThis.process; use(Bun.env.HOME);", 2],
    [usesDoors, "src/node/node.ts", 'import { exit } from "node:process";', 1],
    [usesDoors, "src/program/main.ts", "process.exit(1);", 0],
    [usesDoors, "src/bus/a.ts", "setTimeout(f, 1); const later = setImmediate; Bun.sleep(1);", 3],
    [usesDoors, "src/bus/a.ts", "Date.now(); performance.now(); new Date(); new Date;", 3],
    [usesDoors, "src/bus/a.ts", "clock.performance; new Date(ms); x.setTimeout(1); ({ process: 1 });", 0],
    [usesDoors, "src/bus/a.ts", "Math.random(); crypto.randomUUID();", 2],
    [usesDoors, "src/base/clock.ts", "setTimeout(f, 1); Date.now();", 0],
    [keepsSizes, "src/core/a.ts", lines(fileLinesMax + 1), 1],
    [keepsSizes, "src/core/a.ts", lines(fileLinesMax), 0],
    [keepsSizes, "src/core/a.ts", `// ${"x".repeat(columnsMax - 2)}`, 1],
    [keepsSizes, "src/core/a.ts", `// ${"x".repeat(columnsMax - 3)}`, 0],
    [keepsSizes, "src/core/a.ts", `function f() {\n${lines(functionLinesMax - 1)}}`, 1],
    [keepsSizes, "src/core/a.ts", `function f() {\n${lines(functionLinesMax - 2)}}`, 0],
    [keepsSizes, "src/core/a.ts", `class A {\n  m() {\n${lines(functionLinesMax - 1)}}}`, 1],
    [keepsSizes, "src/core/a.ts", `const f = () => {\n${lines(functionLinesMax - 1)}};`, 1],
    [keepsSizes, "src/core/a.test.ts", `test(() => {\n${lines(functionLinesMax)}});`, 0],
    [hasNoAny, "src/core/a.ts", "function f(x: any): Map<string, any> { return x as any; }", 3],
    [hasNoAny, "src/core/a.ts", 'const any = "any"; // any', 0],
    [exportsNames, "src/core/a.ts", "export default class A {}", 1],
    [exportsNames, "src/core/a.ts", 'export * from "./b.ts";', 1],
    [exportsNames, "src/core/a.ts", "export const a = 1;", 0],
    [opensWithWhy, "src/core/a.ts", "export const a = 1;", 1],
    [opensWithWhy, "src/core/a.ts", "/** One. */\nexport const a = 1;", 0],
    [saysPlainly, "src/core/a.ts", "/**\n * One.\n *\n * The distinction it\n * rests on: two.\n */", 1],
    [saysPlainly, "src/core/a.ts", "/** One. It rests on one distinction: two. */", 1],
    [saysPlainly, "src/core/a.ts", "/** One, and two. */\nconst a = 1; // rests on one distinction", 0],
  ];
  for (const [index, [check, path, text, count]] of samples.entries()) {
    test(`${index} ${path}: ${count} in ${JSON.stringify(text.slice(0, 60))}`, () => {
      expect(check({ path, text }).length).toBe(count);
    });
  }

  test("a circle of imports, by types too", () => {
    const files = [
      { path: "src/a/a.ts", text: 'import type { B } from "./b.ts";' },
      { path: "src/a/b.ts", text: 'import { c } from "./c.ts";' },
      { path: "src/a/c.ts", text: 'import { a } from "./a.ts"; import { d } from "./d.ts";' },
      { path: "src/a/d.ts", text: "" },
    ];
    expect(circles(files)).toHaveLength(3);
    expect(circles(files.slice(1))).toEqual([]);
  });

  test("docs/source.md: a file that road.ts misses, invents or names twice", () => {
    const files = [...road.flatMap(({ first }) => first)].map((name) => ({
      path: `src/${name}.ts`,
      text: "/** What it is. More of it. */",
    }));
    expect(sourcePage(files)).toContain("| `src/program/main.ts` | What it is |");
    expect(sourcePage([...files, { path: "src/core/new.ts", text: "/** New: a `|`. */" }])).toContain(
      "| `src/core/new.ts` | New: a `\\|` |",
    );
    expect(() => sourcePage(files.slice(1))).toThrow("src/program/main.ts, which is not there");
    expect(() => sourcePage([...files, { path: "src/new/a.ts", text: "/** New. */" }])).toThrow(
      "no section of scripts/road.ts takes the folder of src/new/a.ts",
    );
  });
});
