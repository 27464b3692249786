/**
 * The long fuzz run against the executable: a million odd requests, as many broken byte streams, and odd
 * requests by somebody who holds a valid token and spends it. Then a simulated cluster (src/system/sim) for
 * every hundred of them, from SIM_SEED on.
 * `npm run fuzz -- 20000` makes it shorter; FUZZ_SEED, printed by every run, repeats one.
 */
import { build } from "./build.mjs";
import { runBun, setUp } from "./setup.mjs";

const dayMs = 86_400_000;

setUp();
build();
const runs = process.argv[2] ?? "1000000";
const files = ["src/system/fuzz.test.ts", "src/system/fuzz-token.test.ts"];
const flags = ["test", `--timeout=${dayMs}`];
const fuzzed = await runBun([...flags, ...files, "--test-name-pattern=^executable"], {
  env: { ...process.env, FUZZ_RUNS: runs },
});
if (fuzzed !== 0) process.exit(fuzzed);
const SIM_RUNS = `${Math.max(1, Math.ceil(Number(runs) / 100))}`;
const SIM_SEED = process.env.SIM_SEED ?? `${1_000 * (Date.now() % 1_000_000)}`;
const env = { ...process.env, SIM_RUNS, SIM_SEED };
process.exit(await runBun([...flags, "src/system/sim.test.ts"], { env }));
