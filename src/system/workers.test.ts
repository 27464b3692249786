/** `--workers`: several processes on one port, as their operator meets them. */
import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { Cluster, getJson, likeTimed, NodeProcess, until } from "./cluster.ts";
import { Viewer } from "./events.ts";
import { type NatsServer, startNats } from "./nats.ts";

setDefaultTimeout(60_000);
const count = 3;

let nats: NatsServer;
let cluster: Cluster;
beforeAll(async () => {
  nats = await startNats();
  cluster = new Cluster([nats]);
  (await cluster.add("dispatcher")).start();
});
afterAll(() => cluster.close());

/** A frontend of several workers that all are ready. */
async function started(...flags: string[]): Promise<NodeProcess> {
  const node = await cluster.add("frontend", [`--workers=${count}`, ...flags]);
  node.start();
  await until(
    "all workers are ready",
    () => node.events().filter((event) => event === "ready").length === count,
  );
  await node.ready();
  return node;
}

/** Processes below `pid`. */
function childrenOf(pid = 0): number[] {
  const { stdout } = Bun.spawnSync(["ps", "-o", "pid=", "--ppid", `${pid}`]);
  return stdout.toString().trim().split(/\s+/).filter(Boolean).map(Number);
}

function lives(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

async function metric(url: string, name: string): Promise<number> {
  const text = await (await fetch(`${url}/metrics`, { keepalive: false })).text();
  const lines = text.split("\n").filter((line) => line.startsWith(`${name} `));
  expect(lines).toHaveLength(1);
  return Number(lines[0]?.split(" ")[1]);
}

/** Viewers until every worker holds at least one; the nodes that hold them. */
async function viewersEverywhere(url: string): Promise<{ viewers: Viewer[]; nodes: Set<unknown> }> {
  const viewers: Viewer[] = [];
  const nodes = new Set<unknown>();
  await until("every worker has a viewer", async () => {
    const viewer = await Viewer.open(`${url}/v1/videos/v/events`);
    viewers.push(viewer);
    await viewer.until(({ event }) => event === "snapshot");
    nodes.add(viewer.heard[0]?.says.node);
    return nodes.size === count;
  });
  return { viewers, nodes };
}

test("one port, one name each, one /metrics, and every viewer sees every like", async () => {
  const node = await started();
  const { viewers, nodes } = await viewersEverywhere(node.url);
  expect([...nodes].sort()).toEqual([1, 2, 3].map((n) => `${node.name}-${n}`));
  const all = Promise.all(viewers.map((viewer) => viewer.until(({ event }) => event === "likes")));
  expect((await likeTimed(node.url, "v", "k")).status).toBe(202);
  await all;
  for (let asked = 0; asked < 12; asked++) {
    expect(await metric(node.url, "ovation_connections")).toBe(viewers.length);
    expect(await metric(node.url, "ovation_workers")).toBe(count);
  }
  for (const viewer of viewers) viewer.close();
  expect(await node.stop()).toBe(0);
});

test("one that dies is replaced under its name; its viewers come back, its counts stay", async () => {
  const node = await started();
  const { viewers } = await viewersEverywhere(node.url);
  expect(await metric(node.url, "ovation_connections_accepted_total")).toBe(viewers.length);
  const workers = childrenOf(node.pid);
  expect(workers).toHaveLength(count);
  process.kill(workers[0] as number, "SIGKILL");
  await until(
    "another worker is ready",
    () => node.events().filter((event) => event === "ready").length > count,
  );
  expect(childrenOf(node.pid)).toHaveLength(count);
  expect(await metric(node.url, "ovation_workers")).toBe(count);
  expect(await metric(node.url, "ovation_worker_restarts_total")).toBe(1);
  expect(await metric(node.url, "ovation_connections_accepted_total")).toBe(viewers.length);
  const broken = viewers.filter(({ ended }) => ended).length;
  expect(broken).toBeGreaterThan(0);
  await until("the gone are not counted", async () => {
    return (await metric(node.url, "ovation_connections")) === viewers.length - broken;
  });
  for (const viewer of viewers) viewer.close();
  expect(await node.stop()).toBe(0);
});

test("SIGTERM drains all of them, and a second signal ends them at once", async () => {
  const node = await started("--drain=30s");
  const viewers = await Promise.all(
    Array.from({ length: 8 }, () => Viewer.open(`${node.url}/v1/videos/v/events`)),
  );
  const workers = childrenOf(node.pid);
  node.signal("SIGTERM");
  await until("somebody was told bye", () => viewers.some((viewer) => viewer.named("bye").length > 0));
  // Those without a viewer may have left already.
  expect(workers.some(lives)).toBe(true);
  node.signal("SIGTERM");
  expect(await node.exited).toBe(128 + 15);
  await until("no worker is left", () => !workers.some(lives));
});

test("a parent that is killed leaves no worker behind", async () => {
  const node = await started();
  const viewer = await Viewer.open(`${node.url}/v1/videos/v/events`);
  const workers = childrenOf(node.pid);
  await node.kill();
  await viewer.untilEnd();
  expect(viewer.heard.at(-1)).toMatchObject({ event: "bye" });
  await until("no worker is left", () => !workers.some(lives));
});

test("a port that others use is refused, and so is one of other workers", async () => {
  const node = await started();
  for (const flags of [[], ["--workers=2"]]) {
    const other = new NodeProcess("other", "frontend", node.port, nats.url, flags);
    other.start();
    expect(await other.exited).toBe(1);
    expect(other.lines.at(-1)).toContain(`port ${node.port} of 127.0.0.1 is in use`);
  }
  expect(await getJson(`${node.url}/health/live`)).toEqual({ status: "ok" });
  expect(await node.stop()).toBe(0);
});
