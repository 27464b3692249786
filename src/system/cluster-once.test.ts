/** One like per viewer in a cluster: over real NATS, on any node, after deaths, and for who comes late. */
import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import {
  type Cluster,
  expectExact,
  getJson,
  type NodeProcess,
  startCluster,
  startLoad,
  type Told,
  until,
} from "./cluster.ts";
import { post } from "./events.ts";
import { expectInTime } from "./in-time.ts";
import { startNats } from "./nats.ts";

setDefaultTimeout(120_000);

let cluster: Cluster;
const flags = ["--like-mode=once"];
beforeAll(async () => {
  cluster = await startCluster([await startNats()], { dispatchers: 2, frontends: 2, flags });
});
afterAll(() => cluster.close());

const at = (index: number): NodeProcess => cluster.nodes[index % cluster.nodes.length] as NodeProcess;

/** Likes on one node, until it is answered 202. */
async function like(node: NodeProcess, video: string, viewer: string, more = {}): Promise<void> {
  const body = { kind: "heart", viewer, key: crypto.randomUUID(), ...more };
  await until(`${node.name} takes a like`, async () => {
    return (
      (await post(`${node.url}/v1/videos/${video}/likes`, body).catch(() => ({ status: 0 }))).status === 202
    );
  });
}

async function unlike({ url }: NodeProcess, video: string, viewer: string): Promise<void> {
  const path = `${url}/v1/videos/${video}/likes?kind=heart&viewer=${viewer}`;
  expect((await fetch(path, { method: "DELETE" })).status).toBe(202);
}

async function everywhere(video: string, hearts: number): Promise<void> {
  const told = ({ url }: NodeProcess) => getJson<Told>(`${url}/v1/videos/${video}`);
  for (const node of cluster.nodes) {
    await until(`${node.name} tells ${hearts}`, async () => (await told(node))?.totals.heart === hearts);
  }
  // The same to the version, whichever dispatcher answers.
  const all = await Promise.all(cluster.nodes.map(told));
  expect(new Set(all.map((one) => one?.version)).size).toBe(1);
  await expectInTime(cluster.nodes, video);
}

test("a viewer on several nodes counts once, and may take it back on another", async () => {
  for (let i = 0; i < 8; i++) await like(at(i), "v", "ada");
  for (let i = 0; i < 8; i++) await like(at(i), "v", `viewer-${i % 4}`);
  await everywhere("v", 5);
  await unlike(at(3), "v", "ada");
  await unlike(at(1), "v", "ada");
  await everywhere("v", 4);
  await like(at(2), "v", "ada");
  await everywhere("v", 5);
});

test("an old repeat on another node does not undo what came after it", async () => {
  await like(at(0), "w", "bob");
  await like(at(2), "w", "ada", { key: "first" });
  await unlike(at(1), "w", "ada");
  await like(at(3), "w", "ada", { key: "first" });
  await everywhere("w", 1);
});

test("whoever comes later knows the same: a dispatcher after kill -9, and a new one", async () => {
  for (let i = 0; i < 40; i++) await like(at(i), "x", `viewer-${i % 10}`);
  await (cluster.dispatchers[0] as NodeProcess).kill();
  await unlike(cluster.frontends[0] as NodeProcess, "x", "viewer-3").catch(() => {});
  await like(cluster.frontends[1] as NodeProcess, "x", "viewer-4");
  cluster.dispatchers[0]?.start();
  const late = await cluster.add("dispatcher", flags);
  late.start();
  await cluster.ready();
  await unlike(late, "x", "viewer-3");
  await like(late, "x", "viewer-5");
  await everywhere("x", 9);
  await unlike(cluster.dispatchers[0] as NodeProcess, "x", "viewer-5");
  await everywhere("x", 8);
});

test("a crowd of viewers who like once is exact on all nodes while a dispatcher dies", async () => {
  const load = startLoad(cluster, ["--duration=6", "--likes=200"]);
  await load.counted(100);
  await (cluster.dispatchers[1] as NodeProcess).kill();
  await Bun.sleep(500);
  cluster.dispatchers[1]?.start();
  expectExact(await load.report("one like per viewer"));
});

test("a node of the other mode is refused, whatever its role", async () => {
  for (const role of ["dispatcher", "frontend"] as const) {
    const node = await cluster.add(role);
    node.start();
    expect(await node.exited).toBe(1);
    expect(node.lines.join()).toContain("the shared log has --like-mode=once, this node wants many");
    (role === "dispatcher" ? cluster.dispatchers : cluster.frontends).pop();
  }
});
