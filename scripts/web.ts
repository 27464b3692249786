/**
 * Bundles everything a browser is given into web/dist/, and writes web/dist/manifest.ts, which is all
 * that the server imports: a list of paths, types and bodies; and web/dist/topics.ts for `ovation help`.
 *
 * Two kinds of asset: *hashed* ones, whose name changes with their content and which a browser may keep
 * for ever, and *stable* ones (pages, and modules that other people's pages import by name), which it
 * must ask for again. Bodies are strings inside the manifest, so that a compiled executable holds them
 * and plain Node runs them without a loader. Fails when the client outgrows its bound.
 */
import { rm } from "node:fs/promises";
import { basename, join } from "node:path";
import { type DocPage, docIndex, docPages } from "./web-docs.ts";
import { clientTypes } from "./web-types.ts";

const web = join(import.meta.dir, "../web");
const dist = join(web, "dist");
const CLIENT_GZIP_BYTES_MAX = 6 * 1024;

interface Asset {
  readonly path: string;
  readonly type: string;
  readonly immutable: boolean;
  readonly body: string;
}

const types = {
  js: "text/javascript; charset=utf-8",
  css: "text/css; charset=utf-8",
  html: "text/html; charset=utf-8",
  svg: "image/svg+xml",
  ts: "text/plain; charset=utf-8",
} as const;

/**
 * A style sheet without comments and idle spaces. No bundler: Bun's rewrites logical properties
 * (`inset-inline-start`) into lists of `:lang()` for old browsers, which is wrong wherever the direction
 * of writing comes from `dir`.
 */
function shorten(css: string): string {
  return css
    .replace(/\/\*[\s\S]*?\*\//g, "")
    .replace(/\s+/g, " ")
    .replace(/ ?([{};,]) ?/g, "$1")
    .replace(/: /g, ":")
    .trim();
}

const styleText: Bun.BunPlugin = {
  name: "style text",
  setup(build) {
    build.onLoad({ filter: /\.css$/ }, async ({ path }) => ({
      contents: shorten(await Bun.file(path).text()),
      loader: "text",
    }));
  },
};

/** What the client fetches only when it needs it: an asset of its own, beside whoever asks for it. */
const laterParts: Bun.BunPlugin = {
  name: "later parts",
  setup(build) {
    build.onResolve({ filter: /\/(polling|locks|dates)\.ts$/ }, ({ kind, path }) =>
      kind === "dynamic-import"
        ? { path: `./ovation-${basename(path, ".ts")}.js`, external: true }
        : undefined,
    );
  },
};

/** One module and all it imports, as one minified text. */
async function bundle(path: string): Promise<string> {
  const built = await Bun.build({
    entrypoints: [path],
    target: "browser",
    format: "esm",
    minify: true,
    plugins: [styleText, laterParts],
  });
  const [output] = built.outputs;
  if (!output) throw new Error(`nothing came of ${path}`);
  return output.text();
}

function hashed(name: string, kind: "js" | "css", body: string): Asset {
  const hash = new Bun.CryptoHasher("sha256").update(body).digest("hex").slice(0, 10);
  return { path: `/${name}-${hash}.${kind}`, type: types[kind], immutable: true, body };
}

/** A page, with `/name.ts` and `/name.css` in it replaced by the hashed names. */
function page(path: string, html: string, parts: readonly Asset[]): Asset {
  const body = html.replace(/"\/(\w+)\.(ts|css)"/g, (_, name: string, kind: string) => {
    const part = parts.find(
      ({ path: made }) => made.startsWith(`/${name}-`) && made.endsWith(kind === "ts" ? ".js" : ".css"),
    );
    if (!part) throw new Error(`${path} asks for ${name}.${kind}, which is not built`);
    return `"${part.path}"`;
  });
  return { path, type: types.html, immutable: false, body };
}

async function buildAll(docs: readonly DocPage[]): Promise<Asset[]> {
  const client = await bundle(join(web, "client/client.ts"));
  const stable = [
    ["ovation", client],
    ["ovation-polling", await bundle(join(web, "client/polling.ts"))],
    ["ovation-locks", await bundle(join(web, "client/locks.ts"))],
    ["ovation-dates", await bundle(join(web, "client/dates.ts"))],
    ["ovation-players", await bundle(join(web, "client/players.ts"))],
    ["ovation-replay", await bundle(join(web, "client/replay.ts"))],
    ["ovation-hearts", await bundle(join(web, "client/hearts.ts"))],
    ["ovation-parts", await bundle(join(web, "client/stage/parts.ts"))],
    ["ovation-stage", await bundle(join(web, "client/stage/stage.ts"))],
  ] as const;
  const parts: Asset[] = [];
  for (const name of ["page", "admin", "docs"]) {
    for (const kind of ["ts", "css"] as const) {
      const source = join(web, name, `${name}.${kind}`);
      if (!(await Bun.file(source).exists())) continue;
      const made = kind === "ts" ? "js" : "css";
      const body = kind === "ts" ? await bundle(source) : shorten(await Bun.file(source).text());
      parts.push(hashed(name, made, body));
    }
  }
  const text = (name: string) => Bun.file(join(web, name)).text();
  const frame = await text("docs.html");
  const document = (path: string, title: string, html: string): Asset =>
    page(
      path,
      frame.replace("<!-- title -->", () => title).replace("<!-- text -->", () => html),
      parts,
    );
  return [
    page("/", await text("index.html"), parts),
    page("/admin", await text("admin.html"), parts),
    document("/docs", "Documents", docIndex()),
    ...docs.map(({ name, title, html }) => document(`/docs/${name}`, title, html)),
    // Where the guide stood before the others came.
    ...docs.filter(({ name }) => name === "embed").map(({ title, html }) => document("/embed", title, html)),
    ...parts,
    ...stable.map(([name, body]) => ({ path: `/${name}.js`, type: types.js, immutable: false, body })),
    hashed("ovation", "js", client),
    { path: "/ovation.d.ts", type: types.ts, immutable: false, body: clientTypes() },
    { path: "/favicon.svg", type: types.svg, immutable: false, body: await text("favicon.svg") },
  ];
}

function report(assets: readonly Asset[]): void {
  for (const { path, body } of assets) {
    const bytes = Buffer.byteLength(body);
    const gzip = Bun.gzipSync(Buffer.from(body), { level: 9 }).byteLength;
    console.log(`${path.padEnd(28)} ${String(bytes).padStart(8)} bytes ${String(gzip).padStart(7)} gzipped`);
    if (path === "/ovation.js" && gzip > CLIENT_GZIP_BYTES_MAX) {
      throw new Error(`ovation.js is ${gzip} bytes gzipped; its bound is ${CLIENT_GZIP_BYTES_MAX}`);
    }
  }
}

const docs = docPages();
const assets = await buildAll(docs);
report(assets);
await rm(dist, { recursive: true, force: true });
for (const { path, body } of assets) {
  const file = path === "/" ? "/index.html" : /\.\w+$/.test(path) ? path : `${path}.html`;
  await Bun.write(join(dist, file), body);
}
const lines = assets.map((asset) => `  ${JSON.stringify(asset)},`).join("\n");
await Bun.write(
  join(dist, "manifest.ts"),
  `/** Written by scripts/web.ts. */
export interface Asset {
  readonly path: string;
  readonly type: string;
  /** True when the name changes with the content. */
  readonly immutable: boolean;
  readonly body: string;
}

export const assets: readonly Asset[] = [
${lines}
];
`,
);
const topics = docs
  .map(({ name, short }) => `  ${JSON.stringify(name)}: ${JSON.stringify(short)},`)
  .join("\n");
await Bun.write(
  join(dist, "topics.ts"),
  `/** Written by scripts/web.ts: the pages of docs/ in short, for \`ovation help TOPIC\`. */
export const topics: Readonly<Record<string, string>> = {
${topics}
};
`,
);
