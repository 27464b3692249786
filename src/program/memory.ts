/**
 * How much memory this program may use: the machine's, or less where a control group holds it or one that it
 * is in (a container, MemoryMax of a unit or of its slice), by either version of them. Held by
 * memory.test.ts.
 */
import { readFileSync } from "node:fs";
import { totalmem } from "node:os";
import { dirname, join } from "node:path";

export interface Memory {
  readonly bytes: number;
  readonly from: "the machine" | "its control group";
}

/** Read anew at each call; `root` is where /proc and /sys lie, and `all` the machine's bytes. */
export function memoryLimit(root = "/", all = totalmem()): Memory {
  const bytes = Math.min(...files(root).map(bytesIn));
  return bytes < all ? { bytes, from: "its control group" } : { bytes: all, from: "the machine" };
}

/** Where limits may stand, of the process's own group and of all above it. */
function files(root: string): string[] {
  const groups = (read(join(root, "proc/self/cgroup")) ?? "0::/").trim().split("\n");
  return groups.flatMap((line) => {
    const [, controllers = "", path = "/"] = /^\d+:([^:]*):(.*)$/.exec(line) ?? [];
    const isNew = controllers === "";
    if (!isNew && !controllers.split(",").includes("memory")) return [];
    const base = join(root, "sys/fs/cgroup", isNew ? "" : "memory");
    const file = isNew ? "memory.max" : "memory.limit_in_bytes";
    return upwards(path).map((group) => join(base, group, file));
  });
}

function upwards(path: string): string[] {
  const above = dirname(path);
  return above === path ? [path] : [path, ...upwards(above)];
}

/** Without end where the file says "max", or is not there. */
function bytesIn(path: string): number {
  return Number(read(path)?.trim() || Number.NaN) || Number.POSITIVE_INFINITY;
}

function read(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return undefined;
  }
}
