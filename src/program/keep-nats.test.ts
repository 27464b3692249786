/** How a cluster's streams are kept, as each is kept as of its own moment. */
import { afterEach, expect, test } from "bun:test";
import { systemClock } from "../base/clock.ts";
import { commentStream } from "../ledger/comment-stream.ts";
import { like, record } from "../ledger/contract-bench.ts";
import { taskStream } from "../ledger/jetstream-delete.ts";
import { closeAll, member, server } from "../ledger/jetstream-kit.ts";
import { awayStream } from "../ledger/partition-away.ts";
import { snapshotStream } from "../ledger/snapshots.ts";
import { inOrderOfBackup, saveAll } from "./keep-nats.ts";

afterEach(closeAll);

test("a log is kept behind its snapshots and what left memory, comments behind what is under way", () => {
  const names = ["away", "comments", "log_0", "log_11", "snapshots", "tasks"].map((name) => `ov_${name}`);
  const kept = inOrderOfBackup(["KV_ov_audit", "KV_ov_moderation", ...names]);
  expect(kept).toEqual([
    ...[`ov_${snapshotStream.name}`, `ov_${awayStream.name}`, "ov_log_0", "ov_log_11"],
    ...["KV_ov_audit", "KV_ov_moderation", `ov_${taskStream.name}`, `ov_${commentStream(1).name}`],
  ]);
});

test("a log that was let go of behind its snapshot while the rest was kept is no backup", async () => {
  const { bus, ledger } = await member((await server()).url, { partitions: 1, snapshotMs: 3_600_000 });
  for (const key of ["a", "b"]) await ledger.append({ likes: [record([like("v", key)])], comments: [] });
  const { copies, streams } = bus;
  const give = async () => {};
  await saveAll(bus, systemClock(), give);
  const save: typeof copies.save = async (name, ...rest) => {
    if (name === "ov_log_0") await streams.forget("log_0", 2);
    return copies.save(name, ...rest);
  };
  const slow = { streams, copies: { lasting: () => copies.lasting(), save } };
  await expect(saveAll(slow, systemClock(), give)).rejects.toThrow("give a higher --rate");
});
