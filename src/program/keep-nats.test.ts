/** In which order a cluster's streams are kept, as each is kept as of its own moment. */
import { expect, test } from "bun:test";
import { awayStream } from "../ledger/partition-away.ts";
import { snapshotStream } from "../ledger/snapshots.ts";
import { inOrderOfBackup } from "./keep-nats.ts";

test("a log is kept behind its snapshots, and behind what its videos came to that left memory", () => {
  const names = ["away", "comments", "log_0", "log_1", "snapshots", "tasks"].map((name) => `ov_${name}`);
  const kept = inOrderOfBackup(names);
  expect(kept.slice(0, 2)).toEqual([`ov_${snapshotStream.name}`, `ov_${awayStream.name}`]);
  expect(kept.slice(2)).toEqual(["ov_comments", "ov_log_0", "ov_log_1", "ov_tasks"]);
});
