/** Every node of a cluster replaced under load, one after the other, as an operator deploys. */
import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { type Cluster, expectExact, healed, startCluster, startLoad } from "./cluster.ts";
import { startNats } from "./nats.ts";

setDefaultTimeout(120_000);

let cluster: Cluster;
beforeAll(async () => {
  cluster = await startCluster([await startNats()]);
});
afterAll(() => cluster.close());

test("a rolling restart of all nodes", async () => {
  const load = startLoad(cluster, ["--duration=15"]);
  await load.counted(100);
  const startMs = performance.now();
  for (const node of cluster.nodes) {
    expect(await node.stop()).toBe(0);
    node.start();
    await node.ready();
  }
  const rolledMs = performance.now();
  const healedMs = await healed(cluster, rolledMs);
  const report = await load.report("rolling restart");
  console.info(
    `  ${cluster.nodes.length} nodes in ${Math.round(rolledMs - startMs)} ms, ` +
      `whole ${Math.round(healedMs)} ms after`,
  );
  expectExact(report);
  const { byes, cuts, reconnected } = report.audience;
  expect(cuts).toBe(0);
  expect(byes).toBeGreaterThanOrEqual(60);
  expect(reconnected).toBe(byes);
  expect(report.exact.resets).toBe(0);
});
