/**
 * The executable as it was at an earlier commit, to be measured beside today's in one run: built from the
 * repository's own past in a temporary folder, with the dependencies of today.
 *
 * OVATION_BENCH_BEFORE names one that has been built already.
 */
import { execFileSync } from "node:child_process";
import { cpSync, existsSync, mkdtempSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { root } from "./place.ts";

export interface Earlier {
  /** Its path. */
  readonly binary: string;
  end(): Promise<void>;
}

/** Builds the executable of `commit`. Throws where git does not know it, as in a shallow clone. */
export function buildEarlier(commit: string): Earlier {
  const given = process.env.OVATION_BENCH_BEFORE;
  if (given) return { binary: given, end: async () => {} };
  const folder = mkdtempSync(join(tmpdir(), "ovation-earlier-"));
  const tree = join(folder, "tree");
  const git = (...args: string[]) => execFileSync("git", args, { cwd: root, stdio: ["ignore", "ignore", 2] });
  const end = async (): Promise<void> => {
    if (existsSync(tree)) git("worktree", "remove", "--force", tree);
    rmSync(folder, { recursive: true, force: true });
  };
  try {
    git("worktree", "add", "--detach", tree, commit);
    symlinkSync(join(root, "node_modules"), join(tree, "node_modules"));
    execFileSync("node", ["scripts/build.mjs"], { cwd: tree, stdio: ["ignore", 2, 2] });
    const binary = join(folder, "ovation");
    cpSync(join(tree, "dist/ovation"), binary);
    return { binary, end };
  } catch (error) {
    void end();
    throw error;
  }
}
