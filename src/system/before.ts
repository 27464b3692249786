/**
 * The program as it was at an earlier commit, run from source: taken out of the repository into a temporary
 * folder, with the dependencies of today, which are no older than its own.
 */
import { mkdtempSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const root = join(import.meta.dir, "../..");

export interface Before {
  /** Starts it. */
  readonly command: readonly string[];
  remove(): void;
}

/** The program at `commit`; a string says why there is none: a shallow clone does not know its past. */
export function programAt(commit: string, main: string): Before | string {
  const folder = mkdtempSync(join(tmpdir(), "ovation-before-"));
  const remove = (): void => rmSync(folder, { recursive: true, force: true });
  const archive = Bun.spawnSync(["git", "archive", "--format=tar", commit], { cwd: root });
  if (archive.exitCode !== 0) {
    remove();
    return `git has no ${commit} here: ${archive.stderr.toString().trim()}`;
  }
  const unpacked = Bun.spawnSync(["tar", "-x", "-C", folder], { stdin: archive.stdout });
  symlinkSync(join(root, "node_modules"), join(folder, "node_modules"));
  const bundled = Bun.spawnSync([process.execPath, "scripts/web.ts"], { cwd: folder });
  if (unpacked.exitCode !== 0 || bundled.exitCode !== 0) {
    remove();
    throw new Error(`${commit} cannot be run: ${unpacked.stderr}${bundled.stderr}`);
  }
  return { command: [process.execPath, join(folder, main)], remove };
}
