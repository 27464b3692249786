/**
 * Builds dist/embed/: what `import "ovation"` and `import "ovation/client"` give to Node and to bundlers, and
 * their types. Bun and this repository read the source itself. `--only-code` leaves out the types, and
 * expects everything set up.
 */
import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { bun, fail, note, root, runToEnd, setUp } from "./setup.mjs";

const folder = "dist/embed";
const entries = [
  { source: "src/package/ovation.ts", to: "ovation.js", target: "node" },
  { source: "web/client/client.ts", to: "client.js", target: "browser" },
  { source: "web/client/players.ts", to: "players.js", target: "browser" },
  { source: "web/client/replay.ts", to: "replay.js", target: "browser" },
];

/** Packages stay packages: they are this one's dependencies. */
export function buildEmbed({ types }) {
  for (const { source, to, target } of entries) {
    const flags = [`--target=${target}`, "--packages=external", "--format=esm", `--outfile=${folder}/${to}`];
    if (runToEnd(bun, ["build", ...flags, source]) !== 0) fail(`could not build ${folder}/${to}`);
  }
  if (types) declareTypes();
  note(`built ${folder}`);
}

function declareTypes() {
  // The compiler takes a project's settings from a file only.
  const project = join(root, folder, "tsconfig.json");
  const compilerOptions = { noEmit: false, declaration: true, emitDeclarationOnly: true };
  Object.assign(compilerOptions, { rootDir: root, outDir: join(root, folder, "types") });
  Object.assign(compilerOptions, { typeRoots: [join(root, "node_modules")] });
  const files = entries.map(({ source }) => join(root, source));
  writeFileSync(
    project,
    JSON.stringify({ extends: join(root, "tsconfig.json"), compilerOptions, include: [], files }),
  );
  rmSync(join(root, folder, "types"), { recursive: true, force: true });
  const tsc = join(root, "node_modules/typescript/bin/tsc");
  if (runToEnd(bun, [tsc, "-p", project]) !== 0) fail("could not write types: see above");
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) {
  const types = !process.argv.includes("--only-code");
  if (types) setUp();
  buildEmbed({ types });
}
