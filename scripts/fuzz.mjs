/**
 * The long fuzz run against the executable: a million odd requests, as many broken byte streams, and odd
 * requests by somebody who holds a valid token and spends it.
 * `npm run fuzz -- 20000` makes it shorter; FUZZ_SEED, printed by every run, repeats one.
 */
import { build } from "./build.mjs";
import { runBun, setUp } from "./setup.mjs";

const dayMs = 86_400_000;

setUp();
build();
const env = { ...process.env, FUZZ_RUNS: process.argv[2] ?? "1000000" };
const files = ["src/system/fuzz.test.ts", "src/system/fuzz-token.test.ts"];
const flags = ["test", `--timeout=${dayMs}`, ...files, "--test-name-pattern=^executable"];
process.exit(await runBun(flags, { env }));
