/**
 * Viewers whose machine vanished without a word stop counting within 45 s, whether or not something is said.
 *
 * Mostly waits: for them to be missed.
 */
import { expect, test } from "bun:test";
import { join } from "node:path";

const inOwnNetwork = ["unshare", "--map-root-user", "--net"];
const canOwn = process.platform === "linux" && Bun.spawnSync([...inOwnNetwork, "true"]).success;

test.skipIf(!canOwn)(
  "viewers whose link died count for 45 s at most",
  async () => {
    const script = join(import.meta.dir, "half-open.ts");
    const inside = Bun.spawn([...inOwnNetwork, process.execPath, script], { stderr: "inherit" });
    const printed = await new Response(inside.stdout).text();
    const { silentMs, busyMs } = JSON.parse(printed.trim().split("\n").at(-1) ?? "{}");
    expect(silentMs).toBeWithin(1_000, 45_000);
    expect(busyMs).toBeWithin(1_000, 45_000);
  },
  150_000,
);
