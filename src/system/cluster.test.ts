/**
 * A cluster as its operators and clients meet it: how it starts, who answers what, and what travels over
 * NATS.
 */
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connect, type NatsConnection } from "nats";
import type { ClusterView } from "../core/nodes.ts";
import {
  adminKey,
  Cluster,
  getJson,
  healed,
  likeTimed,
  NodeProcess,
  startCluster,
  sum,
  type Told,
  until,
} from "./cluster.ts";
import { post, Viewer } from "./events.ts";
import { NatsServer, startNats } from "./nats.ts";
import { freePorts } from "./ports.ts";

setDefaultTimeout(60_000);

describe("before NATS is there", () => {
  async function early(): Promise<Cluster> {
    const [port = 0] = await freePorts(1);
    const folder = mkdtempSync(join(tmpdir(), "ovation-nats-"));
    const cluster = new Cluster([new NatsServer(port, folder, `jetstream { store_dir: "${folder}" }`)]);
    for (const role of ["dispatcher", "frontend", "both"] as const) (await cluster.add(role)).start();
    for (const { name, url } of cluster.nodes)
      await until(`${name} lives`, async () => (await getJson(`${url}/health/live`)) !== undefined);
    return cluster;
  }

  test("nodes live, refuse and say why; then they are ready by themselves", async () => {
    const cluster = await early();
    for (const { url, role } of cluster.nodes) {
      const ready = await fetch(`${url}/health/ready`);
      expect(ready.status).toBe(503);
      expect(await ready.json()).toMatchObject({ reasons: ["starting", "bus-disconnected"] });
      expect(await likeTimed(url, "v", "k")).toMatchObject({ status: 503, retryAfter: "2" });
      expect((await post(`${url}/v1/videos/v/comments`, { text: "hi" })).status).toBe(503);
      expect((await fetch(`${url}/v1/videos/v`)).status).toBe(503);
      expect((await fetch(`${url}/metrics`)).status).toBe(200);
      if (role === "dispatcher") continue;
      const viewer = await Viewer.open(`${url}/v1/videos/v/events`);
      await viewer.untilEnd();
      expect(viewer.heard.map(({ event, says }) => [event, says.reason])).toEqual([["bye", "starting"]]);
      expect(viewer.retries).toHaveLength(1);
    }
    for (const node of cluster.nodes) expect(node.events()).toContain("waiting for NATS");
    await cluster.servers[0]?.start();
    await cluster.ready();
    await healed(cluster, performance.now());
    for (const node of cluster.nodes) expect(node.events().at(-1)).toBe("ready");
    await cluster.close();
  });

  test("a node that waits can be told to end", async () => {
    const cluster = await early();
    for (const node of cluster.nodes) expect(await node.stop()).toBe(0);
    await cluster.close();
  });
});

describe("a cluster", () => {
  let cluster: Cluster;
  let nats: NatsConnection;
  const seed = Number(process.env.SEED ?? Math.floor(Math.random() * 2 ** 31));
  beforeAll(async () => {
    cluster = await startCluster([await startNats()]);
    nats = await connect({ servers: cluster.nats });
  });
  afterAll(async () => {
    await nats.close();
    await cluster.close();
  });

  const view = async ({ url }: NodeProcess): Promise<ClusterView & { self: string }> => {
    const seen = await getJson<ClusterView & { self: string }>(`${url}/v1/cluster`, {
      "x-api-key": adminKey,
    });
    if (!seen) throw new Error("no view");
    return seen;
  };
  const frontend = (index: number): NodeProcess => cluster.frontends[index] as NodeProcess;
  const dispatcher = (index: number): NodeProcess => cluster.dispatchers[index] as NodeProcess;

  test("a dispatcher holds no streams, and says who does", async () => {
    for (const path of ["/v1/videos/v/events", "/v1/events?video=v", "/v1/videos/v/poll"]) {
      const response = await fetch(dispatcher(0).url + path);
      expect(response.status).toBe(404);
      const { error } = (await response.json()) as { error: { code: string; message: string } };
      expect(error.code).toBe("no-streams");
      expect(error.message).toContain("--role=frontend");
    }
  });

  test("everybody tells of the same nodes, rows and owners, and forgets who died", async () => {
    const viewers = [await Viewer.open(`${frontend(0).url}/v1/events?video=a&video=b`)];
    viewers.push(await Viewer.open(`${frontend(1).url}/v1/videos/a/events`));
    const live = async (node: NodeProcess): Promise<string> => {
      const { routes } = await view(node);
      const rows = routes.map(({ video, nodes, owner }) => [video, [...nodes].sort().join(), owner]);
      return JSON.stringify(rows.filter(([, nodes]) => nodes !== "").sort());
    };
    await until("both dispatchers see the rows", async () => {
      const [one, two] = [await live(dispatcher(0)), await live(dispatcher(1))];
      return one === two && one.includes('["a","frontend-1,frontend-2"') && one.includes('["b","frontend-1"');
    });
    for (const node of cluster.nodes) {
      const seen = await view(node);
      expect(seen.self).toBe(node.name);
      expect(seen.nodes.map(({ node, role }) => [node, role])).toEqual(
        cluster.nodes.map(({ name, role }) => [name, role]),
      );
      for (const { leaseLeftMs } of seen.nodes) expect(leaseLeftMs).toBeGreaterThan(0);
      for (const { owner } of seen.routes) expect(owner).toMatch(/^dispatcher-[12]$/);
    }
    const lives = (await view(dispatcher(0))).nodes.map(({ incarnation }) => incarnation);
    await frontend(1).kill();
    await until("the dead one is gone", async () => {
      const { nodes } = await view(dispatcher(0));
      return nodes.length === cluster.nodes.length - 1;
    });
    const { routes } = await view(dispatcher(0));
    expect(routes.find(({ video }) => video === "a")).toMatchObject({
      nodes: ["frontend-1"],
      ended: ["frontend-2"],
    });
    frontend(1).start();
    await frontend(1).ready();
    await until("it is back as another life", async () => {
      const { nodes } = await view(dispatcher(0));
      return (
        nodes
          .filter(({ incarnation }) => !lives.includes(incarnation))
          .map(({ node }) => node)
          .join() === "frontend-2"
      );
    });
    viewers.push(await Viewer.open(`${frontend(1).url}/v1/videos/a/events`));
    await until("its new row replaces the old one", async () =>
      (await live(dispatcher(0))).includes("frontend-1,frontend-2"),
    );
    for (const viewer of viewers) viewer.close();
  });

  test("a video's news travel on its own subjects, and only while a node watches it", async () => {
    const heard: string[] = [];
    const subscription = nats.subscribe("ov.tick.*", { callback: (_, { subject }) => heard.push(subject) });
    await nats.flush();
    const viewer = await Viewer.open(`${frontend(2).url}/v1/videos/watched/events`);
    await viewer.until(({ event }) => event === "snapshot");
    const seen = viewer.until(({ event }) => event === "likes");
    for (const video of ["unwatched", "watched"]) {
      expect((await likeTimed(frontend(0).url, video, "k")).status).toBe(202);
    }
    await seen;
    expect([...new Set(heard)]).toEqual(["ov.tick.watched"]);
    subscription.unsubscribe();
    viewer.close();
  });

  test("a stream is told what to watch through any node", async () => {
    const viewer = await Viewer.open(`${frontend(0).url}/v1/videos/one/events`);
    await viewer.until(({ event }) => event === "snapshot");
    for (const [node, video] of [
      [frontend(0), "held"],
      [frontend(1), "two"],
      [dispatcher(0), "three"],
    ] as const) {
      const path = `/v1/connections/${viewer.connection}/videos/${video}`;
      expect((await fetch(node.url + path, { method: "PUT" })).status).toBe(204);
      await viewer.until(({ event, says }) => event === "snapshot" && says.video === video);
      expect((await likeTimed(dispatcher(1).url, video, "k")).status).toBe(202);
      await viewer.until(({ event, says }) => event === "likes" && says.video === video);
      expect((await fetch(node.url + path, { method: "DELETE" })).status).toBe(204);
      const gone = `/v1/connections/frontend-1.${"x".repeat(20)}/videos/${video}`;
      expect((await fetch(node.url + gone, { method: "PUT" })).status).toBe(404);
    }
    viewer.close();
  });

  test("an id given by one frontend resumes on another, without hole or repeat", async () => {
    const url = (node: NodeProcess) => `${node.url}/v1/videos/moving/events`;
    const say = (n: number) => post(`${frontend(n % 3).url}/v1/videos/moving/comments`, { text: `${n}` });
    const first = await Viewer.open(url(frontend(0)));
    await first.until(({ event }) => event === "snapshot");
    for (let n = 0; n < 10; n++) expect((await say(n)).status).toBe(201);
    const left = await first.until(({ says }) => says.text === "6");
    first.close();
    const second = await Viewer.open(url(frontend(1)), { "last-event-id": left.id ?? "" });
    for (let n = 10; n < 15; n++) expect((await say(n)).status).toBe(201);
    await second.until(({ says }) => says.text === "14");
    expect(second.named("comment").map(({ says }) => says.text)).toEqual([
      "7",
      "8",
      "9",
      "10",
      "11",
      "12",
      "13",
      "14",
    ]);
    expect(second.named("reset")).toEqual([]);
    second.close();
  });

  test("each key counts once, wherever and however often it is sent", async () => {
    let state = seed;
    const next = (below: number): number => {
      state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
      return state % below;
    };
    const counts = { keys: 2_000, sent: 0, acked: 0, twice: 0, elsewhere: 0 };
    const send = async (key: number, node: number): Promise<void> => {
      counts.sent++;
      const { status } = await likeTimed(cluster.nodes[node % 5]?.url ?? "", "keys", `key-${key}`);
      expect(status).toBe(202);
      counts.acked++;
    };
    const work = Array.from({ length: counts.keys }, (_, key) => ({
      key,
      node: next(5),
      fate: next(10),
      far: 1 + next(4),
    }));
    const worker = async (): Promise<void> => {
      for (let one = work.pop(); one; one = work.pop()) {
        const { key, node, fate, far } = one;
        const copies = [send(key, node)];
        if (fate === 0) copies.push(send(key, node));
        if (fate === 1) copies.push(send(key, node + far));
        counts.twice += Number(fate === 0);
        counts.elsewhere += Number(fate === 1);
        await Promise.all(copies);
      }
    };
    await Promise.all(Array.from({ length: 32 }, worker));
    const totals = async () =>
      (await Promise.all(cluster.nodes.map(({ url }) => getJson<Told>(`${url}/v1/videos/keys`)))).map(
        (told) => sum(told?.totals ?? {}),
      );
    await until("all nodes tell one number", async () => new Set(await totals()).size === 1);
    console.info(`keys (seed ${seed}): ${JSON.stringify(counts)}, counted ${(await totals()).join()}`);
    expect(await totals()).toEqual(cluster.nodes.map(() => counts.keys));
  });

  test("the way of a like is measured at each stop, and each stop is later", async () => {
    const viewer = await Viewer.open(`${frontend(0).url}/v1/videos/hops/events`);
    await viewer.until(({ event }) => event === "snapshot");
    const read = async (): Promise<Map<string, number>> => {
      const text = await (await fetch(`${frontend(0).url}/metrics`)).text();
      return new Map(
        [...text.matchAll(/^ovation_hop_seconds_(sum|count)\{hop="(\w+)"\} (\S+)$/gm)].map(
          ([, what, hop, value]) => [`${hop} ${what}`, Number(value)],
        ),
      );
    };
    const hops = ["durable", "ticked", "received", "written"];
    const told: number[][] = [];
    for (let n = 0; n < 20; n++) {
      const before = await read();
      const shown = viewer.named("likes").length;
      expect((await likeTimed(frontend(1).url, "hops", `hop-${n}`)).status).toBe(202);
      await until("the like is shown", () => viewer.named("likes").length > shown);
      let after = before;
      const grown = (name: string) => (after.get(name) ?? 0) - (before.get(name) ?? 0);
      await until("each stop has measured it", async () => {
        after = await read();
        return hops.every((hop) => grown(`${hop} count`) > 0);
      });
      // Where something else was measured meanwhile, nobody can say which number is this like's.
      if (hops.some((hop) => grown(`${hop} count`) > 1)) continue;
      told.push(hops.map((hop) => 1000 * grown(`${hop} sum`)));
    }
    console.info(
      `hops, ms since acceptance: ${hops.join()}: ${told.map((ms) => ms.map(Math.round)).join("; ")}`,
    );
    expect(told.length).toBeGreaterThan(10);
    for (const ms of told) {
      // Dates of one machine, of several processes: good to a millisecond.
      for (const [i, later] of ms.entries()) expect(later).toBeGreaterThan((ms[i - 1] ?? 0) - 1);
      expect(ms[0]).toBeGreaterThan(0);
      expect(ms[3]).toBeLessThan(1_000);
    }
    viewer.close();
  });

  test("a node that wants the shared log otherwise ends, with one line", async () => {
    const [port = 0] = await freePorts(1);
    const odd = new NodeProcess("odd", "dispatcher", port, cluster.nats, ["--partitions=3"]);
    odd.start();
    expect(await odd.exited).toBe(1);
    const last = JSON.parse(odd.lines.at(-1) ?? "{}") as { event: string; reason: string };
    expect(last).toMatchObject({ level: "error", event: "cannot start" });
    expect(last.reason).toContain("4 partitions");
  });
});
