/**
 * NATS comes back without its store, with an older one, or without one of our streams, under independent
 * publishers: what was answered is the total on every node and every viewer, no total falls, and all heals.
 */
import { afterEach, expect, setDefaultTimeout, test } from "bun:test";
import { callApi } from "../bus/nats-kit.ts";
import { type Cluster, getJson, healed, startCluster, sum, type Told, until } from "./cluster.ts";
import { Viewer } from "./events.ts";
import { expectInTime } from "./in-time.ts";
import { type NatsServer, startNats } from "./nats.ts";
import { expectShown, Shown, Tapping } from "./tapping.ts";

setDefaultTimeout(120_000);
const closers: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

async function removed(nats: NatsServer, stream: string): Promise<void> {
  await callApi(nats.url, `STREAM.DELETE.${stream}`);
}

/** Asks every node in turn for the video, and notes what was lower than what any had told before. */
function asking({ nodes }: Cluster, video: string) {
  const falls: string[] = [];
  let [reads, last, going] = [0, 0, true];
  const reading = (async () => {
    while (going) {
      const { name, url } = nodes[reads % nodes.length] as Cluster["nodes"][number];
      const told = await getJson<Told>(`${url}/v1/videos/${video}`);
      if (told) {
        reads++;
        const likes = sum(told.totals);
        if (likes < last) falls.push(`${name}: ${last}, then ${likes}`);
        last = Math.max(last, likes);
      } else await Bun.sleep(20);
    }
  })();
  return async () => {
    going = false;
    await reading;
    expect(falls).toEqual([]);
    return reads;
  };
}

const faults: readonly (readonly [string, (nats: NatsServer) => Promise<void>])[] = [
  ["comes back without its store", (nats) => nats.restartEmpty()],
  ["comes back with an older store", (nats) => nats.restartOlder(() => Bun.sleep(3_000))],
  ["loses a stream of likes", (nats) => removed(nats, "ov_log_0")],
  ["loses the snapshots", (nats) => removed(nats, "ov_snapshots")],
];

for (const [what, fault] of faults) {
  test(`NATS ${what}`, async () => {
    const nats = await startNats();
    const cluster = await startCluster([nats], { dispatchers: 2, frontends: 2 });
    closers.push(() => cluster.close());
    const urls = cluster.nodes.map(({ url }) => url);
    const shown: Shown[] = [];
    for (const { url } of cluster.frontends) {
      const viewer = await Viewer.open(`${url}/v1/videos/v/events`);
      closers.push(() => viewer.close());
      shown.push(new Shown(viewer));
    }
    const tapping = new Tapping({ urls, video: "v", perSecond: 100 });
    const asked = asking(cluster, "v");
    await until("some likes are counted", () => shown.every(({ likes }) => likes > 100));
    await fault(nats);
    const sinceMs = performance.now();
    const healedMs = Math.round(await healed(cluster, sinceMs));
    await Bun.sleep(2_000);
    await tapping.end();
    const reads = await asked();
    const accepted = tapping.acceptedMs.length;
    await until("the last like is shown", () => shown.every(({ likes }) => likes >= accepted));
    console.info(`NATS ${what}: whole after ${healedMs} ms, ${accepted} accepted, ${reads} reads`);
    expectShown(tapping, shown);
    for (const url of urls) {
      expect(sum((await getJson<Told>(`${url}/v1/videos/v`))?.totals ?? {})).toBe(accepted);
    }
    await expectInTime(cluster.nodes, "v");
  });
}
