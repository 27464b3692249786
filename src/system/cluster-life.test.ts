/** A video deleted and a person erased in a cluster: on every node, over kill -9, and in what NATS stores. */
import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { adminKey, type Cluster, getJson, startCluster, type Told, until } from "./cluster.ts";
import { post, Viewer } from "./events.ts";
import { type NatsServer, startNats } from "./nats.ts";

setDefaultTimeout(120_000);

const marker = "xylomarimba";
const headers = { "x-api-key": adminKey };
let nats: NatsServer;
let cluster: Cluster;
beforeAll(async () => {
  nats = await startNats();
  cluster = await startCluster([nats], { dispatchers: 2, frontends: 2, flags: ["--comment-rate=100000"] });
});
afterAll(() => cluster.close());

const isStored = (text: string): boolean =>
  Bun.spawnSync(["grep", "-rqaF", text, nats.folder]).exitCode === 0;

async function say(video: string, count: number, user: string): Promise<void> {
  await Promise.all(
    Array.from({ length: count }, async (_, i) => {
      const { url } = cluster.nodes[i % cluster.nodes.length] as { url: string };
      const text = `${marker}-${video}-${i}`;
      expect((await post(`${url}/v1/videos/${video}/comments`, { text, user }, headers)).status).toBe(201);
    }),
  );
}

async function everywhere(video: string, totals: object, comments: number): Promise<void> {
  for (const { url, name } of cluster.nodes) {
    await until(`${name} tells ${JSON.stringify(totals)} of ${video}`, async () => {
      const told = await getJson<Told>(`${url}/v1/videos/${video}`);
      const said = await getJson<{ comments: object[] }>(`${url}/v1/videos/${video}/comments`);
      return Bun.deepEquals(told?.totals, totals) && said?.comments.length === comments;
    });
  }
}

test("every node, and who comes back after a kill, knows a fresh video; nothing of it is stored", async () => {
  const [first, second] = cluster.frontends as [Cluster["frontends"][0], Cluster["frontends"][0]];
  const like = { kind: "heart", count: 9, key: "before" };
  await post(`${first.url}/v1/videos/v/likes`, like);
  await say("v", 60, "ann");
  await say("kept", 5, "ann");
  await everywhere("v", { heart: 9 }, 60);
  const viewers = await Promise.all(
    [first, second].map(({ url }) => Viewer.open(`${url}/v1/videos/v/events`)),
  );
  for (const viewer of viewers) await viewer.until(({ event }) => event === "snapshot");
  const deleted = await fetch(`${second.url}/v1/admin/videos/v`, { method: "DELETE", headers });
  expect(deleted.status).toBe(204);
  // What is left of it may be under way on this one; the other, or its next life, goes on.
  await cluster.dispatchers[0]?.kill();
  for (const viewer of viewers) {
    const { says } = await viewer.until(({ event }) => event === "reset");
    expect(says).toEqual({ video: "v", reason: "deleted" });
    viewer.close();
  }
  expect((await post(`${first.url}/v1/videos/v/likes`, like)).status).toBe(202);
  cluster.dispatchers[0]?.start();
  await cluster.ready();
  await everywhere("v", {}, 0);
  await post(`${second.url}/v1/videos/v/likes`, { kind: "heart", key: "after" });
  await everywhere("v", { heart: 1 }, 0);
  await until("its texts are not stored", () => !isStored(`${marker}-v-`), 60_000);
  await everywhere("kept", {}, 5);
  expect(isStored(`${marker}-kept-`)).toBe(true);
});

test("a person is erased from all videos, whichever node was asked", async () => {
  const name = "Zarathustrian";
  await say("a", 20, name);
  await say("b", 20, name);
  await say("b", 4, "somebody");
  const [first, second] = cluster.frontends as [Cluster["frontends"][0], Cluster["frontends"][0]];
  await post(`${first.url}/v1/admin/bans`, { user: name, seconds: 600 }, headers);
  const begun = await fetch(`${first.url}/v1/admin/users/${name}`, { method: "DELETE", headers });
  expect(begun.status).toBe(202);
  await until("it is over", async () => {
    const told = await getJson<{ state: string }>(`${second.url}/v1/admin/users/${name}`, headers);
    return told?.state === "none";
  });
  await everywhere("a", {}, 0);
  await everywhere("b", {}, 4);
  const audit = await getJson<object>(`${second.url}/v1/admin/audit`, headers);
  expect(JSON.stringify(audit)).not.toContain(name);
  expect(JSON.stringify(audit)).toContain("userSha256");
});
