/**
 * `npm run bench:all`: every run, one after the other, then the page. Flags go to every run, so
 * `--rounds=1 --no-save` is a trial of all. A run that fails does not end the others.
 */
import { join } from "node:path";
import { render } from "./page.ts";
import { bunPath } from "./place.ts";
import { say } from "./run.ts";

const runs = [
  "fanout",
  "million",
  "latency",
  "likes-cost",
  "ingest",
  "memory",
  "storm",
  "siege",
  "workers",
  "scale",
  "replay",
];

let failed = 0;
for (const run of runs) {
  say(`bench:${run}`);
  const child = Bun.spawn({
    cmd: [bunPath, "--no-orphans", join(import.meta.dir, `${run}.ts`), ...process.argv.slice(2)],
    stdio: ["ignore", "inherit", "inherit"],
  });
  if ((await child.exited) !== 0) failed++;
}
render();
process.exit(failed === 0 ? 0 : 1);
