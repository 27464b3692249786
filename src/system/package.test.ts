/**
 * Both packages from their tarballs, in an empty folder: under Node and under Bun, in TypeScript, and in a
 * real page with React, Vue and a store as Svelte wants one. What a package does not name it cannot import.
 */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { openWindow, startBrowser, until } from "./browser.ts";
import { post } from "./events.ts";
import { hosts, hows, startServer } from "./server.ts";

const root = join(import.meta.dir, "../..");
const modules = join(root, "node_modules");

async function run(command: readonly string[], cwd: string): Promise<string> {
  const env = { PATH: `${dirname(process.execPath)}:${process.env.PATH ?? ""}`, HOME: tmpdir() };
  const child = Bun.spawn([...command], { cwd, env, stdin: "ignore", stdout: "pipe", stderr: "pipe" });
  const [out, err] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
  ]);
  if ((await child.exited) !== 0) throw new Error(`${command.join(" ")}\n${out}${err}`);
  return out;
}

/** Unpacks a tarball as npm does, and lays beside it what it names, and no more. */
async function install(folder: string, name: string, tarball: string): Promise<void> {
  const to = join(folder, "node_modules", name);
  mkdirSync(to, { recursive: true });
  await run(["tar", "-xzf", tarball, "-C", to, "--strip-components=1"], folder);
  const { dependencies = {} } = JSON.parse(readFileSync(join(to, "package.json"), "utf8"));
  for (const dependency of Object.keys(dependencies)) link(folder, dependency);
}

const dom = ["DOM", "DOM.Iterable"];

/** What `files` use that the compiler does not know by these options: a newer language, above all. */
async function lacking(folder: string, files: readonly string[], options: object): Promise<string[]> {
  const ours: unknown = Bun.JSONC.parse(readFileSync(join(root, "tsconfig.json"), "utf8"));
  const { compilerOptions } = ours as { compilerOptions: object };
  const given = { typeRoots: [join(modules, "@types")], target: "ES2022", ...options };
  const project = join(folder, "tsconfig.lacking.json");
  const whole = { ...compilerOptions, paths: {}, ...given };
  writeFileSync(
    project,
    JSON.stringify({ compilerOptions: whole, files: files.map((path) => join(root, path)) }),
  );
  const said = await run(
    [process.execPath, join(modules, "typescript/bin/tsc"), "-p", project],
    folder,
  ).catch((error: Error) => error.message);
  return said.split("\n").filter((line) => /error TS(2304|2339|2550|2551|2583):/.test(line));
}

function link(folder: string, name: string): void {
  const to = join(folder, "node_modules", name);
  mkdirSync(dirname(to), { recursive: true });
  if (!existsSync(to)) symlinkSync(join(modules, name), to);
}

const program = `import { serve } from "@hono/node-server";
import { createOvation } from "ovation";
import { Refusal, watch } from "ovation-client";

const ovation = await createOvation({ kinds: ["heart"] });
const server = serve({ fetch: ovation.fetch, hostname: "127.0.0.1", port: 0 }, async ({ port }) => {
  const seen = {};
  const comments = new Promise((resolve) => { seen.comment = resolve; });
  const likes = new Promise((resolve) => { seen.likes = resolve; });
  const live = watch("final", {
    url: \`http://127.0.0.1:\${port}\`,
    user: "Ada",
    likes: ({ totals }) => totals.heart === 3 && seen.likes(totals),
    comment: seen.comment,
  });
  await live.like("heart", 3);
  const id = await live.comment("hello 👏");
  const refused = await live.like("no-such-kind").catch((error) => error);
  const comment = await comments;
  const code = refused instanceof Refusal && refused.code;
  console.log(JSON.stringify([await likes, comment.text, comment.id === id, code]));
  live.close();
  await ovation.close();
  server.close();
  process.exit(0);
});
`;

const alone = `import { Refusal, watch } from "ovation-client";
const live = watch("alone", { url: process.argv[2], user: "Ada" });
await live.like("heart", 120);
const refused = await live.like("no-such-kind").catch((error) => error);
console.log(refused instanceof Refusal && refused.code, typeof (await live.comment("hello")));
live.close();
`;

const rendered = `import { createElement } from "react";
import { renderToString } from "react-dom/server";
import { reactions } from "ovation-client/svelte";
import { useReactions } from "ovation-client/react";
import { useReactions as inVue } from "ovation-client/vue";
import { render } from "svelte/server";
import { createSSRApp, h } from "vue";
import { renderToString as vueToString } from "vue/server-renderer";
import Reactions from "./reactions.js";

const options = process.argv[2] ? { url: process.argv[2] } : {};
const react = () => createElement("b", null, useReactions("ssr", options).state.phase);
const vue = {
  setup() {
    const { seen } = inVue("ssr", options);
    return () => h("b", seen.value.state.phase);
  },
};
const svelte = render(Reactions, { props: { live: reactions("ssr", options) } });
const said = [renderToString(createElement(react)), await vueToString(createSSRApp(vue)), svelte.body];
console.log(said.join(" ").replace(/<!--.*?-->/g, ""));
`;

const typed = `import { createOvation, type Ovation } from "ovation";
import { Refusal, type Totals, watch } from "ovation-client";
import { useReactions as inReact } from "ovation-client/react";
import { reactions } from "ovation-client/svelte";
import { useReactions as inVue } from "ovation-client/vue";

export async function all(): Promise<[Ovation, Totals, number, string]> {
  const ovation = await createOvation({ kinds: ["heart"], tickMs: 100 });
  const live = watch("v", { url: "http://x", likes: ({ totals, version }) => console.log(totals, version) });
  await live.like("heart").catch((error: unknown) => error instanceof Refusal);
  const { totals } = inReact("v", { url: "http://x" });
  const { seen } = inVue("v");
  let phase = "";
  reactions("v").subscribe(({ state }) => {
    phase = state.phase;
  });
  return [ovation, totals, seen.value.viewers, phase];
}
// @ts-expect-error there is no such option
void createOvation({ kind: ["heart"] });
// @ts-expect-error a count is a number
void watch("v").like("heart", "3");
`;

const served = `import { Refusal, watch } from "./ovation.js";
export async function all(): Promise<void> {
  `;

const page = `import { createElement, StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { createApp, h, nextTick } from "vue";
import { useReactions } from "ovation-client/react";
import { reactions } from "ovation-client/svelte";
import { useReactions as inVue } from "ovation-client/vue";

const url = URL_OF_THE_SERVER;
const told = ({ totals, comments }) => (totals.heart ?? 0) + " " + comments.map(({ text }) => text).join();

function Reactions() {
  const live = useReactions("page", { url });
  return createElement("button", { id: "react", onClick: () => live.like() }, told(live));
}
createRoot(document.querySelector("#one")).render(createElement(StrictMode, null, createElement(Reactions)));

createApp({
  setup() {
    const { seen, like } = inVue("page", { url });
    return () => h("button", { id: "vue", onClick: () => like() }, told(seen.value));
  },
}).mount("#two");

const store = reactions("page", { url });
const button = document.querySelector("#svelte");
store.subscribe((known) => { button.textContent = told(known); });
button.onclick = () => store.like();
`;

describe("the packages, from their tarballs", () => {
  const folder = mkdtempSync(join(tmpdir(), "ovation-package-"));
  beforeAll(async () => {
    await run([process.execPath, join(root, "scripts/pack.mjs"), `--to=${folder}`], root);
    const { version } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
    writeFileSync(join(folder, "package.json"), JSON.stringify({ private: true, type: "module" }));
    for (const name of ["ovation", "ovation-client"]) {
      await install(folder, name, join(folder, `${name}-${version}.tgz`));
    }
    for (const name of ["react", "react-dom", "scheduler", "vue", "@types/react", "@types/node", "svelte"])
      link(folder, name);
  }, 60_000);
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  test("ovation-client needs nothing, and both hold no source and no test", async () => {
    const read = (name: string) =>
      JSON.parse(readFileSync(join(folder, "node_modules", name, "package.json"), "utf8"));
    expect(read("ovation-client").dependencies).toBeUndefined();
    for (const name of ["ovation", "ovation-client"]) {
      const { exports, main, module, types, typesVersions } = read(name);
      const ways = [exports, main, module, types, typesVersions];
      const named = [...JSON.stringify(ways).matchAll(/"\.\/([^"]+\.\w+)"(?=[,}\]])/g)];
      expect(named.length).toBeGreaterThan(8);
      for (const [, path = ""] of named)
        expect([path, existsSync(join(folder, "node_modules", name, path))]).toEqual([path, true]);
    }
    const files = (await run(["find", "node_modules", "-type", "f"], folder)).split("\n");
    expect(files.filter((path) => /\.test\.|(?<!\.d)\.ts$|tsconfig/.test(path))).toEqual([]);
    expect(files.filter((path) => path.endsWith("/LICENSE"))).toHaveLength(2);
  });

  test.each(hosts)("a server and its client in one program, under %s", async (host) => {
    writeFileSync(join(folder, "program.mjs"), program);
    const runtime = host === "node" ? "node" : process.execPath;
    expect(JSON.parse(await run([runtime, "program.mjs"], folder))).toEqual([
      { heart: 3 },
      "hello 👏",
      true,
      "unknown-kind",
    ]);
  });

  test.each(hosts)("the client alone, under %s", async (host) => {
    const node = await startServer(hows.at(-1) ?? "here", []);
    try {
      writeFileSync(join(folder, "alone.mjs"), alone);
      const runtime = host === "node" ? "node" : process.execPath;
      expect(await run([runtime, "alone.mjs", node.url], folder)).toBe("unknown-kind string\n");
      const { totals } = (await (await fetch(`${node.url}/v1/videos/alone`)).json()) as { totals: object };
      expect(totals).toEqual({ heart: 120 });
    } finally {
      await node.stop();
    }
  });

  test("what both need runs on Node 20, and pages ask for nothing newer than ES2022", async () => {
    for (const name of Object.keys(
      JSON.parse(readFileSync(join(root, "package.json"), "utf8")).dependencies,
    )) {
      const { engines } = JSON.parse(readFileSync(join(modules, name, "package.json"), "utf8"));
      // Yarn, and npm where it is told to be strict, install nothing where one of them refuses.
      const admitted = engines?.node === undefined || Bun.semver.satisfies("20.0.0", engines.node);
      expect([name, admitted]).toEqual([name, true]);
    }
    const paths = {
      "ovation-client": [join(root, "web/client/npm.ts")],
      react: [join(modules, "@types/react")],
    };
    const web = [...new Bun.Glob("web/**/*.ts").scanSync(root)];
    const pages = web.filter((path) => !/\.test\.ts$|fakes\.ts$|^web\/dist\//.test(path));
    expect(pages.length).toBeGreaterThan(50);
    expect(await lacking(folder, pages, { lib: ["ES2022", ...dom], types: [], paths })).toEqual([]);
    // Node 20 has these two of ES2024; the promises' one is added by base/node20.ts.
    const lib = ["ES2023", "ES2024.String", "ES2024.Promise", ...dom];
    expect(await lacking(folder, ["src/package/ovation.ts"], { lib, types: ["node"] })).toEqual([]);
  }, 60_000);

  test("rendered on a server, each binding shows what is known before anything is", async () => {
    const { compile } = await import("svelte/compiler");
    const component = "<script>let { live } = $props();</script><b>{$live.state.phase}</b>";
    writeFileSync(join(folder, "reactions.js"), compile(component, { generate: "server" }).js.code);
    writeFileSync(join(folder, "rendered.mjs"), rendered);
    const node = await startServer(hows.at(-1) ?? "here", []);
    try {
      for (const url of ["", node.url]) {
        const said = await run(["node", "rendered.mjs", url], folder);
        expect(said).toBe("<b>connecting</b> <b>connecting</b> <b>connecting</b>\n");
      }
      const metrics = await (await fetch(`${node.url}/metrics`)).text();
      expect(metrics).not.toMatch(/route="\/v1\/events"/);
    } finally {
      await node.stop();
    }
  });

  test("the command runs under Bun", async () => {
    const bin = JSON.parse(readFileSync(join(folder, "node_modules/ovation/package.json"), "utf8")).bin
      .ovation;
    expect(readFileSync(join(folder, "node_modules/ovation", bin), "utf8")).toStartWith(
      "#!/usr/bin/env bun\n",
    );
    const said = await run([process.execPath, join("node_modules/ovation", bin), "version"], folder);
    expect(said).toMatch(/^ovation \d+\.\d+\.\d+ \(.+\), bun \d/);
  });

  test("the types say what is there, and what is not", async () => {
    writeFileSync(join(folder, "typed.ts"), typed);
    const strict = ["--noEmit", "--strict", "--exactOptionalPropertyTypes", "--target", "es2022"];
    const flags = [...strict, "--module", "nodenext"];
    const libs = ["--lib", "es2022,dom,dom.iterable", "--skipLibCheck", "false", "--types", "react"];
    const tsc = join(modules, "typescript/bin/tsc");
    await run([process.execPath, tsc, ...flags, ...libs, "typed.ts"], folder);
    const bundler = [...strict, "--module", "preserve", "--moduleResolution", "bundler"];
    await run([process.execPath, tsc, ...bundler, ...libs, "typed.ts"], folder);
    // A program without pages has neither the DOM's types nor a framework's.
    const here = ["--lib", "es2022", "--skipLibCheck", "false", "--types", "node"];
    writeFileSync(
      join(folder, "typed-here.ts"),
      typed
        .replace(/^.*ovation-client\/.*\n|^ .*in(React|Vue).*\n/gm, "")
        .replace(/ {2}let phase[\s\S]*? {2}\}\);\n/, "")
        .replace(/return \[.*/, "return [ovation, {}, 0, live.video];"),
    );
    await run([process.execPath, tsc, ...flags, ...here, "typed-here.ts"], folder);
    // What a server gives beside its module.
    writeFileSync(join(folder, "ovation.d.ts"), readFileSync(join(root, "web/dist/ovation.d.ts"), "utf8"));
    writeFileSync(
      join(folder, "served.ts"),
      typed
        .replace(/^import .*\n/gm, "")
        .replace(/[\s\S]*?(?=const live)/, served)
        .replace(/ {2}const \{ totals[\s\S]*/, "}\n"),
    );
    await run([process.execPath, tsc, ...flags, ...libs, "served.ts"], folder);
  }, 60_000);

  test("React, Vue and a Svelte store in a page of another origin", async () => {
    const node = await startServer(hows.at(-1) ?? "here", ["--cors-origins=*"]);
    writeFileSync(join(folder, "page.js"), page.replace("URL_OF_THE_SERVER", JSON.stringify(node.url)));
    const built = await Bun.build({
      entrypoints: [join(folder, "page.js")],
      target: "browser",
      define: { "process.env.NODE_ENV": '"production"' },
    });
    const script = (await built.outputs[0]?.text()) ?? "";
    const { client } = (await (await fetch(`${node.url}/v1/config`)).json()) as {
      client: { path: string; integrity: string };
    };
    const pinned = (integrity: string, done: string) =>
      `<script type="module" crossorigin src="${node.url}${client.path}?${done}" integrity="${integrity}"
        onload="document.body.dataset.${done} = 'loaded'" onerror="document.body.dataset.${done} = 'refused'">
      </script>`;
    const html = `<!doctype html><div id="one"></div><div id="two"></div><button id="svelte"></button>
      ${pinned(client.integrity, "right")} ${pinned(`sha384-${"A".repeat(64)}`, "wrong")}
      <script type="module" src="page.js"></script>`;
    const elsewhere = Bun.serve({
      port: 0,
      hostname: "127.0.0.1",
      fetch: ({ url }) =>
        url.endsWith(".js")
          ? new Response(script, { headers: { "content-type": "text/javascript" } })
          : new Response(html, { headers: { "content-type": "text/html" } }),
    });
    const browser = await startBrowser();
    try {
      const { page, wrong } = await openWindow(browser, `http://127.0.0.1:${elsewhere.port}/`);
      for (const id of ["react", "vue", "svelte"]) await page.locator(`#${id}`).click();
      await post(`${node.url}/v1/videos/page/comments`, { text: "hello" });
      for (const id of ["react", "vue", "svelte"]) {
        await until(id, async () => (await page.locator(`#${id}`).textContent()) === "3 hello");
      }
      expect(await page.evaluate(() => ({ ...document.body.dataset }))).toEqual({
        right: "loaded",
        wrong: "refused",
      });
      // One client for all three: the package is in the page once.
      const text = await (await fetch(`${node.url}/metrics`)).text();
      expect(text).toMatch(/^ovation_connections 1$/m);
      expect(wrong).toEqual([]);
    } finally {
      await browser.close();
      await elsewhere.stop(true);
      await node.stop();
    }
  }, 60_000);
});
