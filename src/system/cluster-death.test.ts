/** Deaths and hangs under load: nodes and the only NATS server, and what every viewer sees at the end. */
import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { limits } from "../core/limits.ts";
import type { ClusterView } from "../core/nodes.ts";
import type { LoadReport } from "../load/report.ts";
import {
  adminKey,
  type Cluster,
  expectExact,
  getJson,
  healed,
  likeTimed,
  refusals,
  startCluster,
  startLoad,
  until,
} from "./cluster.ts";
import { Viewer } from "./events.ts";
import { expectInTime } from "./in-time.ts";
import { startNats } from "./nats.ts";

setDefaultTimeout(90_000);
const hangMs = 10_000;
const outageMs = 5_000;

let cluster: Cluster;
beforeAll(async () => {
  cluster = await startCluster([await startNats()]);
});
afterAll(() => cluster.close());

/** Hurts the cluster in the middle of a load, and holds everything against what was acked. */
async function underLoad(of: string, seconds: number, hurt: () => Promise<void>): Promise<LoadReport> {
  const load = startLoad(cluster, [`--duration=${seconds}`, "--behind=20s"]);
  await load.counted(100);
  await hurt();
  const healedMs = await healed(cluster, performance.now());
  const report = await load.report(of);
  console.info(`  whole again ${Math.round(healedMs)} ms after the fault ended`);
  expectExact(report);
  // And each like stands in its second of the video, on whichever node it is asked for.
  await expectInTime(cluster.nodes, load.video);
  return report;
}

test("nothing happens", async () => {
  const report = await underLoad("calm", 3, async () => {});
  expect(report.audience).toMatchObject({ cuts: 0, byes: 0 });
});

test("kill -9 one dispatcher", async () => {
  const [dispatcher] = cluster.dispatchers;
  await underLoad("a dispatcher dies", 6, async () => {
    await dispatcher?.kill();
    await Bun.sleep(1_000);
    dispatcher?.start();
    await dispatcher?.ready();
  });
});

/** How often `viewer` was shown new totals of `video`. */
function ticksOf(viewer: Viewer, video: string): number {
  return viewer.named("likes").filter(({ says }) => says.video === video).length;
}

test("the videos of a dispatcher that died go on before its lease ends", async () => {
  const [asked, ...others] = cluster.frontends;
  const videos = ["a", "b", "c", "d"];
  const viewer = await Viewer.open(`${asked?.url}/v1/events?${videos.map((v) => `video=${v}`).join("&")}`);
  await until("all are watched", () => viewer.named("snapshot").length === videos.length);
  const view = await getJson<ClusterView>(`${asked?.url}/v1/cluster`, { "x-api-key": adminKey });
  const owner = view?.routes.find(({ video }) => video === "a")?.owner;
  const dispatcher = cluster.dispatchers.find(({ name }) => name === owner);
  expect(dispatcher).toBeDefined();
  const killedMs = performance.now();
  await dispatcher?.kill();
  const before = new Map(videos.map((video) => [video, ticksOf(viewer, video)]));
  const goesOn = (video: string) => ticksOf(viewer, video) >= (before.get(video) ?? 0) + 5;
  for (let n = 0; !videos.every(goesOn); n++) {
    for (const video of videos) await likeTimed(others[n % 2]?.url ?? "", video, `orphan-${n}`);
  }
  const slowestMs = performance.now() - killedMs;
  console.info(`${owner} died: its videos ticked like the others' after ${Math.round(slowestMs)} ms`);
  expect(slowestMs).toBeLessThan(limits.leaseMs);
  viewer.close();
  dispatcher?.start();
  await dispatcher?.ready();
});

test("kill -9 one frontend", async () => {
  const [frontend] = cluster.frontends;
  const report = await underLoad("a frontend dies", 6, async () => {
    await frontend?.kill();
    await Bun.sleep(1_000);
    frontend?.start();
    await frontend?.ready();
  });
  expect(report.audience).toMatchObject({ cuts: 20, reconnected: 20 });
  expect(report.exact.resets).toBe(0);
});

test("kill -9 the only NATS server, and start it again later", async () => {
  const [nats] = cluster.servers;
  const report = await underLoad("NATS dies", 10, async () => {
    await nats?.kill();
    const slowestMs = await refusals(cluster.nodes, outageMs);
    console.info(`  slowest 503 meanwhile ${Math.round(slowestMs)} ms`);
    await nats?.start();
  });
  expect(report.audience).toMatchObject({ cuts: 0, byes: 0 });
});

test("stop NATS for a while", async () => {
  const [nats] = cluster.servers;
  const report = await underLoad("NATS hangs", 14, async () => {
    await nats?.pause();
    const slowestMs = await refusals(cluster.nodes, hangMs);
    console.info(`  slowest 503 meanwhile ${Math.round(slowestMs)} ms`);
    nats?.resume();
  });
  expect(report.audience).toMatchObject({ cuts: 0, byes: 0 });
});

for (const role of ["dispatcher", "frontend"] as const) {
  test(`stop a ${role} for a while`, async () => {
    const node = cluster[`${role}s`][1];
    await underLoad(`a ${role} hangs`, 14, async () => {
      node?.signal("SIGSTOP");
      await Bun.sleep(hangMs);
      node?.signal("SIGCONT");
    });
  });
}
