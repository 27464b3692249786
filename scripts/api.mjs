/**
 * Other people's tools at the executable's API: `lint` (Redocly, Spectral), `generated` (clients that two
 * generators make of it), `schemathesis` (odd requests by the document). They come from their registries into
 * dist/api, so none of this is part of `npm test`.
 */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { build } from "./build.mjs";
import { fail, root, runBun, setUp } from "./setup.mjs";

const [name = "", ...flags] = process.argv.slice(2);
const script = `scripts/api/${name}.ts`;
if (name === "kit" || !existsSync(join(root, script))) fail("lint, generated or schemathesis?");
setUp();
build();
process.exit(await runBun([script, ...flags]));
