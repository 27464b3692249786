/** The memory a program may use, as the files of control groups say it. */
import { afterAll, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { memoryLimit } from "./memory.ts";

const folders: string[] = [];
afterAll(() => {
  for (const folder of folders) rmSync(folder, { recursive: true });
});

const all = 1_000_000;

function limitWith(files: Readonly<Record<string, string>>) {
  const root = mkdtempSync(join(tmpdir(), "ovation-memory-"));
  folders.push(root);
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(root, name)), { recursive: true });
    writeFileSync(join(root, name), `${text}\n`);
  }
  return memoryLimit(root, all);
}

const v2 = "sys/fs/cgroup/system.slice";
const v1 = "sys/fs/cgroup/memory/docker";

test.each<[string, Record<string, string>, number]>([
  ["of a container", { "proc/self/cgroup": "0::/", "sys/fs/cgroup/memory.max": "500" }, 500],
  [
    "of a unit",
    { "proc/self/cgroup": "0::/system.slice/o.service", [`${v2}/o.service/memory.max`]: "400" },
    400,
  ],
  [
    "of the slice that a unit is in",
    {
      "proc/self/cgroup": "0::/system.slice/o.service",
      [`${v2}/o.service/memory.max`]: "max",
      [`${v2}/memory.max`]: "300",
    },
    300,
  ],
  [
    "of version 1",
    {
      "proc/self/cgroup": "5:cpu:/docker\n4:blkio,memory:/docker/a\n0::/",
      [`${v1}/a/memory.limit_in_bytes`]: "200",
    },
    200,
  ],
  [
    "of version 1, as a container sees it",
    { "proc/self/cgroup": "4:memory:/docker/away", "sys/fs/cgroup/memory/memory.limit_in_bytes": "100" },
    100,
  ],
])("the control group %s is its limit", (_, files, bytes) => {
  expect(limitWith(files)).toEqual({ bytes, from: "its control group" });
});

test("without a limit, or with one above it, it is the machine's", () => {
  const machine = { bytes: all, from: "the machine" } as const;
  expect(limitWith({})).toEqual(machine);
  expect(limitWith({ "proc/self/cgroup": "0::/", "sys/fs/cgroup/memory.max": "max" })).toEqual(machine);
  const none = "9223372036854771712";
  expect(
    limitWith({ "proc/self/cgroup": "4:memory:/", "sys/fs/cgroup/memory/memory.limit_in_bytes": none }),
  ).toEqual(machine);
});
