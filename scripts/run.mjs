/**
 * Sets up, then runs one file of this project under the pinned Bun:
 * `run.mjs src/program/main.ts --port=9000`. Without a file it only sets up.
 */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { fail, root, runBun, setUp } from "./setup.mjs";

const [file, ...flags] = process.argv.slice(2);
setUp();
if (file !== undefined) {
  if (!existsSync(join(root, file))) fail(`there is no ${file}`);
  process.exit(await runBun([file, ...flags]));
}
