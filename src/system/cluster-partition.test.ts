/**
 * A frontend that cannot reach NATS while everybody else can: both ways, only what it sends, only what it
 * hears. Its viewers keep their streams and are told that they see old news; publishers there are told to
 * repeat.
 */
import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { type Cluster, expectExact, healed, refusals, startCluster, startLoad } from "./cluster.ts";
import { Viewer } from "./events.ts";
import { startNats } from "./nats.ts";
import { type FailingProxy, startProxy } from "./proxy.ts";

setDefaultTimeout(90_000);
const cutMs = 8_000;

let cluster: Cluster;
let network: FailingProxy;
beforeAll(async () => {
  const nats = await startNats();
  network = await startProxy(nats.port);
  cluster = await startCluster([nats], { dispatchers: 2, frontends: 1 });
  const cut = await cluster.add("frontend", [], network.url);
  cut.start();
  await cut.ready();
});
afterAll(async () => {
  await cluster.close();
  await network.close();
});

for (const ways of ["both", "up", "down"] as const) {
  test(`a frontend cut off from NATS (${ways})`, async () => {
    const cut = cluster.frontends[1] as (typeof cluster.frontends)[number];
    const load = startLoad(cluster, ["--duration=12"]);
    await load.counted(100);
    const viewer = await Viewer.open(`${cut.url}/v1/videos/${load.video}/events`);
    await viewer.until(({ event }) => event === "likes");

    const cutAtMs = performance.now();
    let staleMs = Number.NaN;
    network.stall(ways);
    const stale = viewer
      .until(({ event, says }) => event === "beat" && says.stale === true)
      .then(() => {
        staleMs = performance.now() - cutAtMs;
      });
    const slowestMs = await refusals([cut], cutMs);
    await stale;
    const shown = viewer.named("likes").length;

    network.resume();
    const healMs = await healed(cluster, performance.now());
    await viewer.until(({ event, says }) => event === "beat" && says.stale === undefined);
    expect(viewer.named("likes").length).toBeGreaterThan(shown);
    const report = await load.report(`a frontend is cut off (${ways})`);
    console.info(
      `  viewers told after ${Math.round(staleMs)} ms; slowest 503 ${Math.round(slowestMs)} ms; ` +
        `whole again ${Math.round(healMs)} ms after the cut`,
    );
    expect(viewer.named("bye")).toEqual([]);
    expect(viewer.ended).toBe(false);
    viewer.close();
    expectExact(report);
    expect(report.audience).toMatchObject({ cuts: 0, byes: 0 });
  });
}
