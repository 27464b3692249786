/**
 * What 8c5741b wrote is opened as it is, and a cluster of it is replaced node by node under load: everything
 * accepted is counted once and shown, ids of before are resumed, keys of before are recognised.
 */
import { afterAll, afterEach, describe, expect, setDefaultTimeout, test } from "bun:test";
import { cpSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Before, programAt } from "./before.ts";
import { type Cluster, expectExact, healed, program, startCluster, startLoad } from "./cluster.ts";
import { post, Viewer } from "./events.ts";
import { startNats } from "./nats.ts";
import { type RunningExecutable, startProgram } from "./server.ts";

setDefaultTimeout(120_000);
const before = programAt("8c5741b", "src/main.ts");
if (typeof before === "string") console.warn(`nothing is upgraded: ${before}`);
const upgrades = typeof before === "string" ? test.skip : test;
const { command: old } = typeof before === "string" ? ({ command: [] } as Partial<Before>) : before;

const closers: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});
afterAll(() => {
  if (typeof before !== "string") before.remove();
});

/** Two likes and three comments under keys, as a publisher sends them; ids of the comments. */
async function publish({ url }: { url: string }): Promise<string[]> {
  for (const key of ["one", "two"]) {
    const { status } = await post(`${url}/v1/videos/v/likes`, { kind: "heart", count: 3, key });
    expect(status).toBe(202);
  }
  const ids: string[] = [];
  for (const text of ["first", "second", "third"]) {
    const { status, says } = await post(`${url}/v1/videos/v/comments`, { text, key: text });
    expect(status).toBe(201);
    ids.push(String(says?.id));
  }
  return ids;
}

describe("8c5741b", () => {
  upgrades("leaves a folder that is opened, resumed and gone on with", async () => {
    const data = mkdtempSync(join(tmpdir(), "ovation-upgrade-"));
    closers.push(() => rmSync(data, { recursive: true, force: true }));
    const flags = [`--data=${data}`];
    let node: RunningExecutable = await startProgram(old ?? [], flags);
    const ids = await publish(node);
    expect(await node.stop()).toBe(0);

    node = await startProgram(program, flags);
    closers.push(() => node.stop());
    // Repeated, as by one who got no answer.
    expect(await publish(node)).toEqual(ids);
    const { says } = await post(`${node.url}/v1/videos/v/comments`, { text: "fourth" });
    const viewer = await Viewer.open(`${node.url}/v1/videos/v/events`, { "last-event-id": ids[0] as string });
    closers.push(() => viewer.close());
    await viewer.until(({ event, says: told }) => event === "comment" && told.id === says?.id);
    expect(viewer.named("comment").map((told) => told.says.text)).toEqual(["second", "third", "fourth"]);
    expect(viewer.named("reset")).toEqual([]);
    const { totals } = (await (await fetch(`${node.url}/v1/videos/v`)).json()) as { totals: object };
    expect(totals).toEqual({ heart: 6 });
  });

  upgrades("refuses what has been opened since, and goes on with a copy of before", async () => {
    const data = mkdtempSync(join(tmpdir(), "ovation-rollback-"));
    closers.push(() => rmSync(data, { recursive: true, force: true }));
    const [now, kept] = [join(data, "now"), join(data, "kept")];
    let node: RunningExecutable = await startProgram(old ?? [], [`--data=${now}`]);
    const ids = await publish(node);
    expect(await node.stop()).toBe(0);
    cpSync(now, kept, { recursive: true });
    node = await startProgram(program, [`--data=${now}`]);
    expect(await node.stop()).toBe(0);

    const refused = Bun.spawnSync([...(old ?? []), "--port=0", `--data=${now}`], { timeout: 20_000 });
    expect(refused.exitCode).not.toBe(0);
    expect(`${refused.stdout}${refused.stderr}`).toContain("has schema 2, this program knows 1");
    node = await startProgram(old ?? [], [`--data=${kept}`]);
    closers.push(() => node.stop());
    expect(await publish(node)).toEqual(ids);
    const { totals } = (await (await fetch(`${node.url}/v1/videos/v`)).json()) as { totals: object };
    expect(totals).toEqual({ heart: 6 });
  });

  upgrades("is replaced node by node under load", async () => {
    const cluster: Cluster = await startCluster([await startNats()], {
      ...{ dispatchers: 2, frontends: 3, command: old ?? [] },
    });
    closers.push(() => cluster.close());
    const ids = await publish(cluster.nodes[0] as Cluster["nodes"][number]);
    const load = startLoad(cluster, ["--duration=20"]);
    await load.counted(100);
    const startMs = performance.now();
    for (const node of cluster.nodes) {
      expect(await node.stop()).toBe(0);
      node.command = program;
      node.start();
      await node.ready();
    }
    const rolledMs = performance.now();
    const healedMs = await healed(cluster, rolledMs);
    const report = await load.report("upgrade of 8c5741b");
    console.info(
      `  ${cluster.nodes.length} nodes in ${Math.round(rolledMs - startMs)} ms, whole ` +
        `${Math.round(healedMs)} ms after, resets ${report.exact.resets}`,
    );
    expectExact(report);
    expect(report.exact.resets).toBe(0);
    const { url } = cluster.frontends[0] as Cluster["nodes"][number];
    const viewer = await Viewer.open(`${url}/v1/videos/v/events`, { "last-event-id": ids[1] as string });
    closers.push(() => viewer.close());
    await viewer.until(({ event, says }) => event === "comment" && says.text === "third");
    expect(viewer.named("reset")).toEqual([]);
  });
});
