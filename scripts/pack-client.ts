/**
 * Bundles the modules of `ovation-client` into the folder it is told, each for itself: one for pages, one for
 * programs, and the bindings, which import the package by its name, so that a program has one client only.
 * Used by pack.mjs.
 */
import { basename } from "node:path";
import type { BunPlugin } from "bun";

const [folder = "", ...names] = Bun.argv.slice(2);

const byName: BunPlugin = {
  name: "the client by its name",
  setup(build) {
    // tsconfig.json leads the name to the source.
    build.onResolve({ filter: /^ovation-client$/ }, ({ path }) => ({ path, external: true }));
    // Modules of their own, which few need: see client/polling.ts, client/locks.ts and client/dates.ts.
    build.onResolve({ filter: /\/(polling|locks|dates)\.ts$/ }, ({ kind, path }) =>
      kind === "dynamic-import" ? { path: `./${basename(path, ".ts")}.js`, external: true } : undefined,
    );
  },
};

for (const name of names) {
  await Bun.build({
    entrypoints: [`web/client/${name}.ts`],
    outdir: folder,
    target: name === "npm-alone" ? "node" : "browser",
    format: "esm",
    minify: true,
    packages: "external",
    plugins: [byName],
    // Where the module came from is where the server is; a bundle came with its page.
    define: { "import.meta.url": "location.origin" },
  });
}
