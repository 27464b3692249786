/** Types, lint and format of everything. `check.mjs --write` also repairs what Biome can. */
import { bun, fail, root, runToEnd, setUp } from "./setup.mjs";

setUp();
const biome = `${root}/node_modules/@biomejs/biome/bin/biome`;
const tsc = `${root}/node_modules/typescript/bin/tsc`;
const write = process.argv.includes("--write") ? ["--write"] : [];
const types = runToEnd(bun, [tsc, "--noEmit", "-p", "."]);
const style = runToEnd(bun, [biome, "check", "--error-on-warnings", ...write, "."]);
if (types !== 0) fail("types: see above");
if (style !== 0) fail("lint or format: see above (npm run check -- --write repairs format)");
