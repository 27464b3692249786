/**
 * Where a run happens: the machine, the runtime and the commit that stand beside every figure, and the paths
 * of what is run.
 */
import { execFileSync } from "node:child_process";
import { cpus, release, totalmem } from "node:os";
import { join } from "node:path";

export const root = join(import.meta.dir, "..");
export const bunPath = process.execPath;

export interface Place {
  readonly cpu: string;
  readonly cores: number;
  readonly memoryGB: number;
  readonly kernel: string;
  readonly runtime: string;
  /** Short commit, with a + when files differ from it. */
  readonly commit: string;
}

export function place(): Place {
  return {
    cpu: cpus()[0]?.model ?? "unknown",
    cores: cpus().length,
    memoryGB: Math.round(totalmem() / 2 ** 30),
    kernel: release(),
    runtime: `bun ${Bun.version}`,
    commit: commitOf(root),
  };
}

/** The commit of a working tree. */
export function commitOf(tree: string): string {
  const git = (...args: string[]) => execFileSync("git", args, { cwd: tree, encoding: "utf8" }).trim();
  try {
    const changed =
      git("status", "--porcelain", "--untracked-files=no", "--", "src", "package.json").length > 0;
    return `${git("rev-parse", "--short", "HEAD")}${changed ? "+" : ""}`;
  } catch {
    return "unknown";
  }
}
