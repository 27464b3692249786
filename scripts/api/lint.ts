/**
 * `npm run lint:api`: the executable's openapi.json under Redocly and Spectral, its asyncapi.json under
 * Spectral, which reads it with AsyncAPI's own parser. An error or a warning fails, but for the rules that
 * are off here, each with its reason.
 */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { say } from "../trial.ts";
import { folder, npm, run, withExecutable } from "./kit.ts";

/** Calls that nobody is refused: health and metrics. */
const redocly = `extends: [recommended]\nrules: { operation-4xx-response: off }\n`;
/** Who to turn to is for whoever runs a server to say; 3.0 is what tools read today. */
const spectral = `extends: ["spectral:oas", "spectral:asyncapi"]
rules: { info-contact: off, asyncapi-info-contact: off, asyncapi-latest-version: off }\n`;

const programs = join(folder, "node_modules/.bin");

await npm({ "@redocly/cli": "2.77.0", "@stoplight/spectral-cli": "6.16.3" });
writeFileSync(join(folder, "redocly.yaml"), redocly);
writeFileSync(join(folder, "spectral.yaml"), spectral);
try {
  await withExecutable([], async () => {
    const found = await run([
      ...[join(programs, "redocly"), "lint", "openapi.json", "--format=json", "--config=redocly.yaml"],
    ]);
    const { totals } = JSON.parse(found) as { totals: { errors: number; warnings: number } };
    if (totals.errors + totals.warnings > 0) throw new Error(found);
    say("openapi.json: Redocly has nothing to say");
    for (const name of ["openapi.json", "asyncapi.json"]) {
      const lint = [
        join(programs, "spectral"),
        "lint",
        name,
        "--ruleset=spectral.yaml",
        "--fail-severity=warn",
      ];
      await run(lint);
      say(`${name}: Spectral has nothing to say`);
    }
  });
} catch (error) {
  say(String(error));
  process.exit(1);
}
