/**
 * Another revision of this program, built beside the working tree: checked out into a temporary folder with
 * the packages of this tree, and built by its own script. Nothing of the working tree is touched.
 */
import { execFileSync } from "node:child_process";
import { copyFileSync, existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { root } from "./place.ts";

export interface Revision {
  /** Where it is checked out. */
  readonly tree: string;
  /** Its commit, short. */
  readonly commit: string;
}

export function executableOf(tree: string): string {
  return join(tree, "dist/ovation");
}

/** Builds `revision`, anything git understands. Throws when it is none, or does not build. */
export function buildRevision(revision: string): Revision {
  const tree = mkdtempSync(join(tmpdir(), "ovation-revision-"));
  try {
    const commit = git("rev-parse", "--short", "--verify", `${revision}^{commit}`);
    git("worktree", "add", "--detach", "--force", tree, commit);
    linkPackages(tree);
    execFileSync("node", ["scripts/build.mjs"], { cwd: tree, stdio: ["ignore", "ignore", "inherit"] });
    return { tree, commit };
  } catch (error) {
    removeRevision(tree);
    throw error;
  }
}

export function removeRevision(tree: string): void {
  rmSync(tree, { recursive: true, force: true });
  git("worktree", "prune");
}

function git(...args: string[]): string {
  return execFileSync("git", args, { cwd: root, encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] }).trim();
}

/** As hard links where that can be had; what says which packages they are is its own file. */
function linkPackages(tree: string): void {
  const [from, to] = [join(root, "node_modules"), join(tree, "node_modules")];
  try {
    execFileSync("cp", ["-al", from, to], { stdio: "ignore" });
  } catch {
    rmSync(to, { recursive: true, force: true });
    execFileSync("cp", ["-a", from, to]);
  }
  const stamp = ".ovation-installed";
  if (!existsSync(join(from, stamp))) return;
  rmSync(join(to, stamp), { force: true });
  copyFileSync(join(from, stamp), join(to, stamp));
}
