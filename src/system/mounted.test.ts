/**
 * What holds only of a node in another program: under a path of its own, in options' own words, on plain
 * Node without anything of Bun, alone and over NATS. The whole HTTP and SSE tables over it are in
 * http.test.ts and sse.test.ts.
 */
import { afterEach, describe, expect, test } from "bun:test";
import { connect } from "node:net";
import { join } from "node:path";
import { Hono } from "hono";
import { createOvation as createAnywhere } from "../package/ovation.ts";
import { createOvation, type Ovation, type OvationOptions } from "../package/ovation-bun.ts";
import { post, Viewer } from "./events.ts";
import { startNats } from "./nats.ts";
import { Raw } from "./raw.ts";
import { hosts, type Running, startServer } from "./server.ts";

const ends: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

describe.each([
  ["ovation", createAnywhere],
  ["ovation-bun", createOvation],
])("%s in a Hono program", (_, create) => {
  const mounted = async (options: OvationOptions = {}): Promise<{ ovation: Ovation; url: string }> => {
    const ovation = await create({ drainMs: 0, ...options });
    const program = new Hono().get("/", (context) => context.text("home"));
    program.route("/live", ovation.app);
    const server = Bun.serve({ port: 0, hostname: "127.0.0.1", idleTimeout: 60, fetch: program.fetch });
    ends.push(
      () => server.stop(true),
      () => ovation.close(),
    );
    return { ovation, url: `http://127.0.0.1:${server.port}` };
  };

  test("under a path of its own, beside the program's pages", async () => {
    const { ovation, url } = await mounted({ kinds: ["cheer"] });
    expect(await (await fetch(url)).text()).toBe("home");
    const viewer = await Viewer.open(`${url}/live/v1/videos/v/events`);
    await viewer.until(({ event }) => event === "snapshot");
    expect(ovation.connections()).toBe(1);
    expect((await post(`${url}/live/v1/videos/v/likes`, { kind: "cheer", count: 2 })).status).toBe(202);
    expect((await viewer.until(({ event }) => event === "likes")).says.totals).toEqual({ cheer: 2 });
    expect((await fetch(`${url}/live/ovation.js`)).headers.get("content-type")).toContain("javascript");
    expect((await fetch(`${url}/v1/videos/v`)).status).toBe(404);
    viewer.close();
  });

  test("close ends its streams, drain tells them first", async () => {
    const { ovation, url } = await mounted();
    const viewer = await Viewer.open(`${url}/live/v1/videos/v/events`);
    await viewer.until(({ event }) => event === "snapshot");
    await ovation.drain();
    await viewer.untilEnd();
    expect(viewer.heard.at(-1)).toMatchObject({ event: "bye", says: { reason: "drain" } });
    expect(ovation.connections()).toBe(0);
  });

  test("options are checked as flags are, and every mistake is told", async () => {
    const wrong = { tickMs: -1, kinds: ["no comma, please"], demoo: true } as unknown as OvationOptions;
    const refused = await create(wrong).then(
      () => "",
      (error: Error) => `${error.name} ${error.message}`,
    );
    expect(refused).toStartWith("OptionsRefused ");
    expect(refused.split("\n")).toHaveLength(3);
    expect(refused).toContain('did you mean "demo"?');
  });
});

test("where there is no Bun, what needs it is refused in words", async () => {
  const data = createAnywhere({ data: "/tmp/ovation-nowhere" });
  await expect(data).rejects.toThrow("a ledger in a folder needs Bun");
  await expect(createAnywhere({ media: "/tmp" })).rejects.toThrow("media needs Bun");
});

describe.each(hosts)("the example for %s", (host) => {
  const started = async (flags: string[] = []): Promise<Running> => {
    const node = await startServer(host, flags);
    ends.push(() => node.stop());
    return node;
  };
  const connections = async ({ url }: Running) => {
    const text = await (await fetch(`${url}/metrics`)).text();
    return Number(/^ovation_connections (\d+)$/m.exec(text)?.[1]);
  };

  test("a viewer that is cut off is noticed", async () => {
    const node = await started();
    const stays = await Viewer.open(`${node.url}/v1/videos/cut/events`);
    const raws = await Promise.all(
      Array.from({ length: 20 }, () => Raw.get(node.port, "/v1/videos/cut/events")),
    );
    await stays.until(({ says }) => says.viewers === 21);
    expect(await connections(node)).toBe(21);
    for (const raw of raws) raw.close();
    await stays.until(({ event, says }) => event === "viewers" && says.viewers === 1);
    expect(await connections(node)).toBe(1);
    stays.close();
  });

  test("a viewer that stops reading is passed over, and costs nobody else a frame", async () => {
    const node = await started(["--limits=off", "--comment-rate=100000"]);
    const stalled = connect(node.port, "127.0.0.1").pause();
    ends.push(() => stalled.destroy());
    stalled.write("GET /v1/videos/stall/events HTTP/1.1\r\nHost: test\r\n\r\n");
    const reads = await Viewer.open(`${node.url}/v1/videos/stall/events`);
    await reads.until(({ says }) => says.viewers === 2);
    const say = () => post(`${node.url}/v1/videos/stall/comments`, { text: "👏".repeat(500) });
    // More than the buffers of both sockets hold: without a brake the rest would wait in memory.
    let ids = new Set<unknown>();
    for (let i = 0; i < 60; i++) {
      const said = await Promise.all(Array.from({ length: 100 }, say));
      ids = new Set([...ids, ...said.map(({ says }) => says?.id)]);
    }
    const last = [...ids].reduce((a, b) => (placeOf(a) > placeOf(b) ? a : b));
    await reads.until(({ id }) => id === last);
    expect(new Set(reads.named("comment").map(({ id }) => id as unknown))).toEqual(ids);
    const metrics = await (await fetch(`${node.url}/metrics`)).text();
    expect(metrics).toMatch(/^ovation_connections(_lagging|_closed_total\{reason="slow"\}) 1$/m);
    reads.close();
  });

  test("two of them are one cluster over NATS", async () => {
    const nats = await startNats();
    ends.push(() => nats.close());
    const [here, there] = await Promise.all([
      started([`--nats=${nats.url}`, "--node=a"]),
      started([`--nats=${nats.url}`, "--node=b"]),
    ]);
    for (const { url } of [here, there]) await ready(url);
    const viewer = await Viewer.open(`${there.url}/v1/videos/both/events`);
    await viewer.until(({ event }) => event === "snapshot");
    expect((await post(`${here.url}/v1/videos/both/likes`, { kind: "heart", count: 3 })).status).toBe(202);
    await viewer.until(({ says }) => JSON.stringify(says.totals) === '{"heart":3}');
    viewer.close();
  });
});

test("what Node imports knows nothing of Bun", async () => {
  if (!hosts.includes("node")) return;
  await (await startServer("node")).stop();
  const text = await Bun.file(join(import.meta.dir, "../../dist/embed/ovation.js")).text();
  // The guide among the pages may speak of it.
  const code = text.replace(/^(?:var|const) assets = [\s\S]*?^\];$/m, "");
  expect(code).not.toMatch(/["']bun(:\w+)?["']/);
  expect(code).not.toMatch(/\bBun\./);
});

async function ready(url: string): Promise<void> {
  while ((await fetch(`${url}/health/ready`)).status !== 200) await Bun.sleep(20);
}

function placeOf(id: unknown): number {
  return Number(String(id).split("-")[1]);
}
