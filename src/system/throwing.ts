/** A program with a bug in its request handler, for a test that compiles it: what do strangers see? */
import { createLog } from "../base/log.ts";
import { listen } from "../http/listen.ts";

const log = createLog({
  level: "info",
  format: "json",
  write: (line) => process.stderr.write(line),
  now: () => 0,
});
const secretOfTheSource = "in-the-source";
const listener = listen(
  (request) => {
    if (request.url.endsWith("/later")) return Promise.reject(new Error(`later ${secretOfTheSource}`));
    throw new Error(`now ${secretOfTheSource}`);
  },
  { port: 0, host: "127.0.0.1", reusePort: false, log, beatMs: 15_000 },
);
process.stdout.write(`${listener.url}\n`);
