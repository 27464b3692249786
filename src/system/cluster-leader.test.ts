/** Three NATS servers that keep everything three times: the death of whichever leads. */
import { afterAll, beforeAll, setDefaultTimeout, test } from "bun:test";
import { connect, type NatsConnection } from "nats";
import { electionsMs, leaderOf } from "../bus/nats-kit.ts";
import { type Cluster, expectExact, healed, startCluster, startLoad, until } from "./cluster.ts";
import { startCluster as startNatsCluster } from "./nats.ts";

setDefaultTimeout(300_000);
const partitions = 2;

let cluster: Cluster;
let nats: NatsConnection;
beforeAll(async () => {
  const servers = await startNatsCluster(3);
  const flags = ["--nats-replicas=3", `--partitions=${partitions}`];
  cluster = await startCluster(servers, { dispatchers: 2, frontends: 2, flags });
  nats = await connect({ servers: servers.map(({ url }) => url), maxReconnectAttempts: -1 });
});
afterAll(async () => {
  await nats.close();
  await cluster.close();
});

/** Index of the server that leads `stream`, as the living say; undefined while there is none. */
async function leaderNow(stream: string): Promise<number | undefined> {
  try {
    const answer = await nats.request(`$JS.API.STREAM.INFO.${stream}`, "", { timeout: 2_000 });
    const { leader } = (answer.json() as { cluster?: { leader?: string } }).cluster ?? {};
    return leader === undefined ? undefined : Number(leader.slice(1));
  } catch {
    return undefined;
  }
}

for (const stream of ["ov_log_0", "ov_comments"]) {
  test(`kill -9 the leader of ${stream}`, async () => {
    // What the test before this one killed must be whole again: else two would be lost at once.
    const leader = Number((await leaderOf(cluster.servers[0]?.url ?? "", stream)).slice(1));
    const settle = `--settle=${electionsMs / 1_000}`;
    const load = startLoad(cluster, ["--duration=12", "--videos=4", settle]);
    await load.counted(100);
    const killedMs = performance.now();
    await cluster.servers[leader]?.kill();
    let next = leader;
    // How long an election takes is up to NATS: four to nine seconds in the server that Debian ships.
    const elected = async (): Promise<boolean> => {
      next = (await leaderNow(stream)) ?? leader;
      return next !== leader;
    };
    await until(`${stream} has a leader`, elected, electionsMs);
    const electedMs = performance.now();
    const outageMs = await healed(cluster, electedMs, electionsMs);
    await cluster.servers[leader]?.start();
    const backMs = await healed(cluster, performance.now(), electionsMs);
    const report = await load.report(`the leader of ${stream} dies`);
    console.info(
      `  n${leader} led, n${next} was elected ${Math.round(electedMs - killedMs)} ms after its death; ` +
        `whole again ${Math.round(outageMs)} ms later, ` +
        `and ${Math.round(backMs)} ms after n${leader} came back`,
    );
    expectExact(report);
  });
}
