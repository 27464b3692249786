/**
 * `npm run schemathesis`: Schemathesis asks the executable what its openapi.json says may be asked, and what
 * it says may not, call by call and in chains. `-- 60` ends it after so many seconds, 300 otherwise, and
 * `-- 60 7` draws what it asks from the seed 7.
 *
 * Left out: streams, which do not end; and the check that all that fits the document is taken, because what
 * is taken depends on settings (which kinds there are) and on what JSON Schema cannot say (text in which
 * something can be seen).
 */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { say } from "../trial.ts";
import { adminKey, folder, pip, withExecutable } from "./kit.ts";

/**
 * A body may be refused for its length before it is read. A batch is answered 202 with a verdict for each
 * item, bad ones too; in likes and comments null counts as left out, which the document does not offer. A
 * video is never unknown, so of one that was deleted there is an export, which holds nothing.
 */
const config = `[checks.negative_data_rejection]
expected-statuses = [400, 401, 403, 404, 405, 408, 409, 413, 415, 422, 429, 503]
${["/v1/likes", "/v1/videos/{video}/likes", "/v1/videos/{video}/comments"]
  .map(
    (path) => `[[operations]]\ninclude-name = "POST ${path}"\nchecks.negative_data_rejection.enabled = false`,
  )
  .join("\n")}
[[operations]]
include-name = "GET /v1/admin/videos/{video}/export"
checks.use_after_free.enabled = false
`;
const streams = ["streamVideo", "streamVideos", "streamControlRoom"];

const [, , seconds = "300", seed] = Bun.argv;
const programs = await pip("schemathesis==4.32.5");
writeFileSync(join(folder, "schemathesis.toml"), config);
const flags = ["--limits=off", "--comment-rate=100000", "--demo"];
await withExecutable(flags, async ({ url }) => {
  const child = Bun.spawn(
    [
      ...[join(programs, "schemathesis"), "--config-file", "schemathesis.toml"],
      ...["run", "openapi.json", "--url", url, "-H", `Authorization: Bearer ${adminKey}`],
      ...streams.flatMap((id) => ["--exclude-operation-id", id]),
      ...["--exclude-checks", "positive_data_acceptance", "--max-time", seconds],
      ...(seed === undefined ? [] : ["--seed", seed]),
    ],
    { cwd: folder, stdin: "ignore", stdout: "inherit", stderr: "inherit" },
  );
  process.exitCode = await child.exited;
  const alive = await fetch(`${url}/health/ready`);
  say(`the server is ${alive.status === 200 ? "ready" : "not ready"} after it`);
});
