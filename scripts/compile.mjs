/** The executable of one system, and what a build says of itself. What build.mjs and release.mjs share. */
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { bun, root, runToEnd } from "./setup.mjs";

/** The version of package.json. */
export function version() {
  return JSON.parse(readFileSync(join(root, "package.json"), "utf8")).version;
}

/** With a + when changed. Where there is no repository, as in an image's build, SOURCE_COMMIT says it. */
export function commit() {
  if (process.env.SOURCE_COMMIT) return process.env.SOURCE_COMMIT;
  try {
    const git = (...args) => execFileSync("git", args, { cwd: root, stdio: ["ignore", "pipe", "ignore"] });
    const changed = git("status", "--porcelain", "--untracked-files=no").length > 0;
    return `${git("rev-parse", "--short", "HEAD").toString().trim()}${changed ? "+" : ""}`;
  } catch {
    return "unknown";
  }
}

/** The day of that commit, as 2026-11-28; empty where there is no repository. */
function date() {
  try {
    const words = ["log", "-1", "--format=%cd", "--date=short"];
    return execFileSync("git", words, { cwd: root, stdio: ["ignore", "pipe", "ignore"] })
      .toString()
      .trim();
  } catch {
    return "";
  }
}

/** The flag that puts all of it into a build. */
export function aboutFlag() {
  return `--define=OVATION_BUILD=${JSON.stringify({ version: version(), commit: commit(), date: date() })}`;
}

/** Compiles the executable for `target`, this system unless told, to `file`; answers whether it worked. */
export function compile(file, target = "bun") {
  const status = runToEnd(bun, [
    ...["build", "--compile", "--minify", "--keep-names", "--bytecode", "--format=esm", `--target=${target}`],
    // An executable must not change with files that happen to lie where it is started.
    ...["--no-compile-autoload-dotenv", "--no-compile-autoload-bunfig"],
    aboutFlag(),
    `--outfile=${file}`,
    "src/program/main.ts",
  ]);
  return status === 0;
}
