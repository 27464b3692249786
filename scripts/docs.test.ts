/** The pages of docs/ hold together: links lead somewhere, sentences have names, the README stays short. */
import { describe, expect, test } from "bun:test";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join, normalize } from "node:path";
import { byeReasons, resetReasons } from "../src/core/sse.ts";
import { statusOf } from "../src/http/answer.ts";
import type { OvationOptions } from "../src/package/options.ts";
import { type Settings, settingsTable } from "../src/settings/config.ts";
import { made, optionsAt } from "./docs.ts";
import { allMetrics } from "./docs-metrics.ts";
import { optionsFile } from "./docs-options.ts";

const root = join(import.meta.dir, "..");
const read = (path: string): string => readFileSync(join(root, path), "utf8");
const pages = readdirSync(join(root, "docs")).filter((name) => name.endsWith(".md"));
const documents = [
  ...pages.map((name) => `docs/${name}`),
  "README.md",
  "SECURITY.md",
  "deploy/proxies/README.md",
];

/** The anchors that a page's headings make, as GitHub names them. */
function anchorsOf(text: string): string[] {
  return [...text.matchAll(/^#+ (.*)$/gm)].map(([, heading = ""]) =>
    heading
      .toLowerCase()
      .replace(/[^\p{L}\p{N} _-]/gu, "")
      .replaceAll(" ", "-"),
  );
}

/** Links of the document at `path`, with its text, that lead nowhere. */
function deadLinks(path: string, text: string): string[] {
  const prose = text.replace(/```[\s\S]*?```/g, "").replace(/`[^`\n]*`/g, "");
  return [...prose.matchAll(/\]\(([^)\s]+)\)/g)].flatMap(([, target = ""]) => {
    if (/^https?:/.test(target)) return [];
    const [file = "", anchor] = target.split("#");
    const at = file === "" ? path : normalize(join(dirname(path), file));
    if (!existsSync(join(root, at))) return [`${path}: ${target}`];
    if (anchor === undefined || anchorsOf(read(at)).includes(anchor)) return [];
    return [`${path}: ${target}`];
  });
}

describe("documents", () => {
  test("every link leads to a file that is there, and to a heading of it", () => {
    expect(documents.flatMap((path) => deadLinks(path, read(path)))).toEqual([]);
    expect(deadLinks("README.md", "[a](docs/gone.md) [b](docs/start.md#gone) [c](docs/start.md)")).toEqual([
      "README.md: docs/gone.md",
      "README.md: docs/start.md#gone",
    ]);
  });

  test("README is for a stranger: short, and it leads to every page", () => {
    const readme = read("README.md");
    expect(readme.split("\n").length).toBeLessThanOrEqual(150);
    for (const name of pages) expect(readme).toContain(`](docs/${name})`);
  });

  test("each page opens with something that runs, and that a test runs", () => {
    const opening = (name: string): string | undefined => /^```(\w+)/m.exec(read(`docs/${name}`))?.[1];
    // snippets.test.ts runs embed.md in Chromium; the clone that start.md begins with is `npm run stranger`.
    const others: Record<string, string> = { "embed.md": "html", "start.md": "console" };
    for (const name of pages) expect(`${name}: ${opening(name)}`).toBe(`${name}: ${others[name] ?? "sh"}`);
  });

  for (const { page, name, text } of made) {
    test(`${page}: its ${name} are what the source says now`, () => {
      const section = new RegExp(`<!-- ${name} -->\\n\\n([\\s\\S]*)\\n\\n<!-- /${name} -->`);
      expect(section.exec(read(page))?.[1], "npm run docs rewrites it").toBe(text());
    });
  }

  test("the options of the package are the settings there are now, with their words", () => {
    expect(read(optionsAt), "npm run docs rewrites it").toBe(optionsFile());
    expect(read(optionsAt)).toContain('Likes held with `likeMode: "once"`, about 16 bytes each');
    expect(read(optionsAt)).toContain("   * @default 50\n   */\n  readonly tickMs?: number;\n");
    // The compiler says when a type written there is another one than the table's.
    const wide = (settings: Settings): Required<Omit<OvationOptions, "log">> => settings;
    const narrow = (options: Required<Omit<OvationOptions, "log">>): Partial<Settings> => options;
    expect([wide, narrow]).toHaveLength(2);
  });

  test("every test and script that a page names is there", () => {
    const named = documents.flatMap(
      (path) => read(path).match(/`(src|scripts|web|bench|deploy)\/[\w./-]+`/g) ?? [],
    );
    expect(named.filter((name) => !existsSync(join(root, name.replaceAll("`", ""))))).toEqual([]);
    expect(named.length).toBeGreaterThan(100);
  });

  test("every command of package.json stands in docs/testing.md, and no other", () => {
    const { scripts } = JSON.parse(read("package.json")) as { scripts: Record<string, string> };
    const told = new Set(
      [...read("docs/testing.md").matchAll(/`npm (?:run )?([a-z:]+)/g)].map(([, name]) => name ?? ""),
    );
    const named = documents.flatMap((path) => [...read(path).matchAll(/\bnpm run ([a-z:-]+)/g)]);
    expect(named.map(([, name = ""]) => name).filter((name) => !(name in scripts))).toEqual([]);
    expect([...told].filter((name) => !(name in scripts))).toEqual([]);
    const apart = /^(bench:.*|web)$/;
    expect(Object.keys(scripts).filter((name) => !told.has(name) && !apart.test(name))).toEqual([]);
  });

  test("docs/decisions.md tells what each dependency is for", () => {
    const { dependencies, devDependencies } = JSON.parse(read("package.json")) as Record<string, object>;
    const told = read("docs/decisions.md").split("## Dependencies")[1] ?? "";
    const names = Object.keys({ ...dependencies, ...devDependencies });
    const untold = names.filter((name) => !told.includes(name) && name !== "@biomejs/biome");
    expect([untold, names.length > 20]).toEqual([[], true]);
  });

  test("docs/http.md tells every code, with its status", () => {
    const told = [...read("docs/http.md").matchAll(/^\| `([a-z-]+)` \| (\d{3}) \| \S/gm)];
    const statuses = Object.fromEntries(told.map(([, code, status]) => [code, Number(status)]));
    expect(told.length).toBe(Object.keys(statuses).length);
    expect(statuses).toEqual(statusOf);
  });

  test("docs/http.md tells why streams are reset, and why they end", () => {
    const reasonsOf = (event: string): string[] => {
      const table = read("docs/http.md").split(`| \`reason\` of \`${event}\` |`)[1]?.split("\n\n")[0] ?? "";
      return [...table.matchAll(/^\| ((?:`[a-z-]+`(?:, )?)+) \|/gm)].flatMap(([, names = ""]) =>
        names.replaceAll("`", "").split(", "),
      );
    };
    expect(reasonsOf("reset").sort()).toEqual([...resetReasons].sort());
    expect(reasonsOf("bye").sort()).toEqual([...byeReasons].sort());
  });

  test("docs/webhooks.md tells every type of event", () => {
    const told = [...read("docs/webhooks.md").matchAll(/^\| `([a-z_]+)` \|/gm)].map(([, type]) => type ?? "");
    expect(told.sort()).toEqual(settingsTable.rows.webhookEvents.fallback.split(",").sort());
  });

  test("every metric that a page names is one", () => {
    const names = new Set(allMetrics().map(({ name }) => name));
    const named = documents.flatMap((path) => read(path).match(/\bovation_[a-z_]+/g) ?? []);
    const other = new Set(["ovation_token", "ovation_nodes", "ovation_routes"]);
    expect(named.filter((name) => !names.has(name) && !other.has(name))).toEqual([]);
    expect(named.length).toBeGreaterThan(names.size);
  });

  test("sentences of the protocol are one line each, and named in order", () => {
    const lines = read("docs/protocol.md")
      .split("\n")
      .filter((line) => line.startsWith("- "));
    const names = lines.map((line) => /^- \*\*([a-z]+-\d+)\*\* \S.*\.$/.exec(line)?.[1] ?? line);
    const counts = new Map<string, number>();
    const wrong = names.filter((name) => {
      const [area = "", number] = name.split("-");
      counts.set(area, (counts.get(area) ?? 0) + 1);
      return Number(number) !== counts.get(area);
    });
    expect(wrong).toEqual([]);
    expect(names.length).toBeGreaterThan(70);
  });
});
