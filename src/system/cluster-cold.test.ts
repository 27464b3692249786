/** More videos than the dispatchers of a cluster may hold: closed ones leave all of them, over kill -9. */
import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import {
  adminKey,
  type Cluster,
  getJson,
  type NodeProcess,
  startCluster,
  type Told,
  until,
} from "./cluster.ts";
import { post } from "./events.ts";
import { expectInTime } from "./in-time.ts";
import { startNats } from "./nats.ts";

setDefaultTimeout(120_000);

const videosMax = 6;
const videos = Array.from({ length: 14 }, (_, n) => `match-${n + 10}`);
const headers = { "x-api-key": adminKey, "content-type": "application/json" };
let cluster: Cluster;
beforeAll(async () => {
  const flags = ["--partitions=1", `--videos-max=${videosMax}`, "--cold-after=2s"];
  cluster = await startCluster([await startNats()], { dispatchers: 2, frontends: 1, flags });
});
afterAll(() => cluster.close());

const door = (): NodeProcess => cluster.frontends[0] as NodeProcess;
const like = async (video: string, key: string, count: number): Promise<number> =>
  (
    await post(`${door().url}/v1/videos/${video}/likes`, { kind: "heart", count, key }).catch(() => ({
      status: 0,
    }))
  ).status;

async function turn(video: string, state: "open" | "closed"): Promise<void> {
  const body = JSON.stringify({ state });
  await until(`${video} is ${state}`, async () => {
    const answer = await fetch(`${door().url}/v1/admin/videos/${video}`, { method: "PUT", headers, body });
    return answer.status === 204;
  });
}

/** Likes it until it counts, then closes it. */
async function likeAndClose(n: number): Promise<void> {
  const video = videos[n] as string;
  await until(`${video} is liked`, async () => (await like(video, "first", n + 1)) === 202);
  await turn(video, "closed");
}

/** How many videos a dispatcher holds, and how many have left it. */
async function holds({ url }: NodeProcess): Promise<number[]> {
  const text = await (await fetch(`${url}/metrics`, { headers })).text();
  return ["videos", "videos_away"].map((name) => {
    const line = text.split("\n").find((one) => one.startsWith(`ovation_ledger_${name}{`));
    return Number(line?.split(" ").at(-1));
  });
}

async function allAway(): Promise<void> {
  for (const node of cluster.dispatchers) {
    await until(`all have left ${node.name}`, async () => `${await holds(node)}` === `0,${videos.length}`);
  }
}

async function expectAll(): Promise<void> {
  for (const node of cluster.nodes) {
    for (const [n, video] of videos.entries()) {
      const told = (await getJson(`${node.url}/v1/videos/${video}`)) as
        | (Told & { state?: string })
        | undefined;
      expect([node.name, video, told?.totals, told?.state]).toEqual([
        ...[node.name, video, { heart: n + 1 }, "closed"],
      ]);
    }
  }
  await expectInTime(cluster.nodes, videos[3] as string);
}

test("closed ones make room, on all dispatchers, and are told by all as they were", async () => {
  for (let n = 0; n < videos.length - 2; n++) await likeAndClose(n);
  const [one] = cluster.dispatchers as [NodeProcess];
  await one.kill();
  await likeAndClose(videos.length - 2);
  one.start();
  await one.ready();
  await likeAndClose(videos.length - 1);
  await allAway();
  await expectAll();
  expect(await like(videos[0] as string, "late", 1)).toBe(409);
});

test("they are so after all dispatchers died, and open again with all they had", async () => {
  await Promise.all(cluster.dispatchers.map((node) => node.kill()));
  for (const node of cluster.dispatchers) node.start();
  await cluster.ready();
  await allAway();
  await expectAll();
  const [video] = videos as [string];
  await turn(video, "open");
  await until("it takes a repeat", async () => (await like(video, "first", 1)) === 202);
  await until("it is liked again", async () => (await like(video, "again", 4)) === 202);
  for (const { url } of cluster.nodes) {
    await until(
      "it is counted",
      async () => (await getJson<Told>(`${url}/v1/videos/${video}`))?.totals.heart === 5,
    );
  }
  for (const node of cluster.dispatchers) {
    await until(
      `it is back in ${node.name}`,
      async () => `${await holds(node)}` === `1,${videos.length - 1}`,
    );
  }
});
