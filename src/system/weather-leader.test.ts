/**
 * The server that leads one partition of the log is stopped for a while, in a cluster of three: meanwhile
 * likes of other partitions are not refused, and those of its own only until another server leads it.
 *
 * Mostly waits: for elections of NATS.
 */
import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { callApi, leaderOf } from "../bus/nats-kit.ts";
import { hash32 } from "../core/hash.ts";
import { type Cluster, startCluster, until } from "./cluster.ts";
import { Viewer } from "./events.ts";
import { type NatsServer, startCluster as startServers } from "./nats.ts";
import { expectShown, Shown, Tapping } from "./tapping.ts";

setDefaultTimeout(240_000);
const partitions = 4;
const stoppedMs = 15_000;
const videos = Array.from({ length: partitions }, (_, index) => videoOf(index));

/** A video whose likes are in the partition. */
function videoOf(partition: number): string {
  for (let n = 0; ; n++) if (hash32(`match-${n}`) % partitions === partition) return `match-${n}`;
}

let servers: NatsServer[];
let cluster: Cluster;
beforeAll(async () => {
  servers = await startServers(3);
  // Nodes hang on the others: what is tried is the log, not the loss of a connection.
  cluster = await startCluster(servers.slice(0, 2), {
    ...{ dispatchers: 2, frontends: 1, flags: ["--nats-replicas=3", `--partitions=${partitions}`] },
  });
});
afterAll(async () => {
  await cluster?.close();
  await servers?.[2]?.close();
});

/** Makes the third server lead partition 0, and no other stream of the log. */
async function arrange(url: string): Promise<void> {
  const streams = [...videos.map((_, index) => `ov_log_${index}`), "ov_comments", "ov_snapshots"];
  for (const stream of streams) {
    const wanted = stream === "ov_log_0";
    while (((await leaderOf(url, stream)) === "n2") !== wanted) {
      await callApi(url, `STREAM.LEADER.STEPDOWN.${stream}`);
    }
  }
}

test("the leader of one of four partitions is stopped for 15 s", async () => {
  const [first, , third] = servers as [NatsServer, NatsServer, NatsServer];
  await arrange(first.url);
  const urls = cluster.nodes.map(({ url }) => url);
  const shown = await Promise.all(
    videos.map(
      async (video) => new Shown(await Viewer.open(`${cluster.frontends[0]?.url}/v1/videos/${video}/events`)),
    ),
  );
  const tappings = videos.map((video) => new Tapping({ urls, video, perSecond: 20 }));
  await until("likes of all partitions are shown", () => shown.every(({ likes }) => likes > 10));
  await third.pause();
  await Bun.sleep(stoppedMs);
  const refused = tappings.map(({ answers }) => answers.get(503) ?? 0);
  // One that goes on believes that nobody leads, and has every stream that it holds elect anew.
  third.resume();
  await Promise.all(tappings.map((tapping) => tapping.end()));
  await until("everything accepted is shown", () =>
    tappings.every(({ acceptedMs }, index) => (shown[index]?.likes ?? 0) >= acceptedMs.length),
  );
  tappings.forEach((tapping, index) => {
    const slowestMs = Math.round(shown[index]?.slowestMs(tapping.acceptedMs) ?? 0);
    const whose = index === 0 ? ", whose leader was stopped" : "";
    console.info(
      `partition ${index}${whose}: ${tapping.acceptedMs.length} likes, ${refused[index]} answers 503 while ` +
        `it was, answers ${JSON.stringify([...tapping.answers])}, shown after at most ${slowestMs} ms`,
    );
    expectShown(tapping, [shown[index] as Shown]);
  });
  expect(refused.slice(1)).toEqual(videos.slice(1).map(() => 0));
});
