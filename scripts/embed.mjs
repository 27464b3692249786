/**
 * Builds dist/embed/: what the package `ovation` holds, beside its documents. `import "ovation"` and
 * `import "ovation/client"` for Node, Bun and bundlers, their types, and the command, which runs under Bun.
 * This repository itself reads the source. `--only-code` makes what its own tests import, and expects
 * everything set up.
 */
import { readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { aboutFlag } from "./compile.mjs";
import { bun, fail, note, root, runToEnd, setUp } from "./setup.mjs";

const folder = "dist/embed";
const entries = [
  { source: "src/package/ovation.ts", to: "ovation.js", target: "node" },
  { source: "web/client/client.ts", to: "client.js", target: "browser" },
];
const packed = [
  { source: "web/client/players.ts", to: "players.js", target: "browser" },
  { source: "web/client/replay.ts", to: "replay.js", target: "browser" },
  { source: "src/package/ovation-bun.ts", to: "ovation-bun.js", target: "bun" },
  { source: "src/program/main.ts", to: "bin.js", target: "bun", flags: ["--banner=#!/usr/bin/env bun"] },
];

/** Packages stay packages: they are this one's dependencies. `whole`: with types and with what is for Bun. */
export function buildEmbed({ whole }) {
  for (const { source, to, target, flags = [] } of whole ? [...entries, ...packed] : entries) {
    const common = ["--packages=external", "--format=esm", ...(whole ? [aboutFlag()] : [])];
    // In one step, for who reads the old one meanwhile.
    const fresh = join(folder, `.${process.pid}`, to);
    const made = [`--target=${target}`, `--outfile=${fresh}`, ...common, ...flags];
    if (runToEnd(bun, ["build", ...made, source]) !== 0) fail(`could not build ${folder}/${to}`);
    renameSync(join(root, fresh), join(root, folder, to));
    rmSync(join(root, folder, `.${process.pid}`), { recursive: true });
  }
  const files = [
    "src/package/ovation.ts",
    ...["client", "players", "replay"].map((name) => `web/client/${name}.ts`),
  ];
  if (whole) declareTypes(files, { to: join(root, folder), from: root });
  note(`built ${folder}`);
}

/** Writes the types of `files`, and of all that these name, into `to`/types, in folders as below `from`. */
export function declareTypes(files, { to, from }) {
  // The compiler takes a project's settings from a file only.
  const project = join(to, "tsconfig.json");
  const compilerOptions = { noEmit: false, declaration: true, emitDeclarationOnly: true };
  Object.assign(compilerOptions, { rootDir: from, outDir: join(to, "types") });
  Object.assign(compilerOptions, { typeRoots: [join(root, "node_modules")] });
  writeFileSync(
    project,
    JSON.stringify({
      ...{ extends: join(root, "tsconfig.json"), compilerOptions, include: [] },
      files: files.map((file) => join(root, file)),
    }),
  );
  rmSync(join(to, "types"), { recursive: true, force: true });
  const tsc = join(root, "node_modules/typescript/bin/tsc");
  if (runToEnd(bun, [tsc, "-p", project]) !== 0) fail("could not write types: see above");
  rmSync(project);
  const types = join(to, "types");
  const doors = files.map((file) => join(types, relative(from, join(root, file)).replace(/\.ts$/, ".d.ts")));
  dropUnnamed(types, doors);
}

/**
 * Removes what is below `folder` and no type of `doors` names. A program's compiler reads all that a package
 * holds, and fails where the inside needs more than that program has: `node:crypto`, the types of pages.
 */
function dropUnnamed(folder, doors) {
  const named = new Set(doors);
  for (const file of named) {
    for (const [, path] of readFileSync(file, "utf8").matchAll(
      /(?:from|import|import\() ?"(\.[^"]+)\.ts"/g,
    )) {
      named.add(resolve(dirname(file), `${path}.d.ts`));
    }
  }
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true });
  for (const entry of entries) {
    const path = join(entry.parentPath ?? entry.path, entry.name);
    if (entry.isFile() && !named.has(path)) rmSync(path);
  }
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) {
  const whole = !process.argv.includes("--only-code");
  if (whole) setUp();
  buildEmbed({ whole });
}
