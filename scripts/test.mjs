/**
 * All tests, with everything they need: packages and web pages here; tests/main.ts, under the pinned Bun,
 * runs the tests and has the rest made, and says which words and flags it takes. The last line is the count.
 */
import { delimiter } from "node:path";
import { runBun, setUp } from "./setup.mjs";

// Debian puts servers where the PATH of an ordinary user does not look.
const path = [process.env.PATH, "/usr/local/sbin", "/usr/sbin"].join(delimiter);

setUp();
process.exit(
  await runBun(["scripts/tests/main.ts", ...process.argv.slice(2)], { env: { ...process.env, PATH: path } }),
);
