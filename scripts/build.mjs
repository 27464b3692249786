/**
 * Builds dist/ovation: one executable with the web pages inside, for this system; and what embed.mjs builds.
 */
import { execFileSync } from "node:child_process";
import { mkdirSync, readFileSync, renameSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { buildEmbed } from "./embed.mjs";
import { bun, fail, note, root, runToEnd, setUp } from "./setup.mjs";

const executable = join(root, "dist/ovation");

/** Builds; the old executable is replaced in one step, so that one that is running is not disturbed. */
export function build() {
  const fresh = `${executable}.${process.pid}`;
  const { version } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
  const about = JSON.stringify({ version, commit: commit() });
  mkdirSync(join(root, "dist"), { recursive: true });
  const status = runToEnd(bun, [
    ...["build", "--compile", "--minify", "--keep-names", "--bytecode", "--format=esm", "--target=bun"],
    // An executable must not change with files that happen to lie where it is started.
    ...["--no-compile-autoload-dotenv", "--no-compile-autoload-bunfig"],
    `--define=OVATION_BUILD=${about}`,
    `--outfile=${fresh}`,
    "src/program/main.ts",
  ]);
  if (status !== 0) {
    rmSync(fresh, { force: true });
    fail("could not build dist/ovation");
  }
  renameSync(fresh, executable);
  const megabytes = (statSync(executable).size / 1_000_000).toFixed(1);
  note(`built dist/ovation ${version} (${commit()}), ${megabytes} MB`);
}

/** Where there is no repository to ask, as in an image's build, SOURCE_COMMIT says it. */
function commit() {
  if (process.env.SOURCE_COMMIT) return process.env.SOURCE_COMMIT;
  try {
    const git = (...args) => execFileSync("git", args, { cwd: root, stdio: ["ignore", "pipe", "ignore"] });
    const changed = git("status", "--porcelain", "--untracked-files=no").length > 0;
    return `${git("rev-parse", "--short", "HEAD").toString().trim()}${changed ? "+" : ""}`;
  } catch {
    return "unknown";
  }
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) {
  setUp();
  build();
  buildEmbed({ types: true });
}
