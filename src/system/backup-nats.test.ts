/** A cluster is backed up under load, and its streams are put back into another NATS. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { callApi } from "../bus/nats-kit.ts";
import { until } from "./cluster.ts";
import { keep, key, Publisher, post, textsOf } from "./keeping.ts";
import { type NatsServer, startNats } from "./nats.ts";
import { type Running, startServer } from "./server.ts";

let root = "";
const servers: NatsServer[] = [];
const admin = { authorization: `Bearer ${key}` };
beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), "ovation-backup-nats-"));
});
afterAll(async () => {
  for (const server of servers) await server.close();
  rmSync(root, { recursive: true, force: true });
});

async function newNats(): Promise<NatsServer> {
  const server = await startNats();
  servers.push(server);
  return server;
}

async function start({ url }: NatsServer): Promise<Running> {
  const node = await startServer("here", [`--nats=${url}`, `--admin-key=${key}`, "--limits=off"]);
  await until("ready", async () => (await fetch(`${node.url}/health/ready`)).ok);
  return node;
}

const totalsOf = async ({ url }: Running): Promise<{ heart: number }> =>
  ((await (await fetch(`${url}/v1/videos/v`)).json()) as { totals: { heart: number } }).totals;

describe("a backup of a cluster", () => {
  test("holds what had been accepted, in order, and is put back into another NATS", async () => {
    const [nats, elsewhere] = [await newNats(), await newNats()];
    const node = await start(nats);
    const publisher = new Publisher(node);
    await publisher.until(30);
    expect((await post(node.url, "admin/bans", { user: "ann", seconds: 3_600 })).status).toBe(204);
    const [likes, comments] = [publisher.likes, publisher.comments];
    const file = join(root, "nats.backup");
    const backed = await keep("backup", file, `--nats=${nats.url}`);
    expect([backed.code, backed.said]).toEqual([0, expect.stringContaining("a whole backup")]);
    expect(statSync(file).mode & 0o777).toBe(0o600);
    const running = await keep("verify", `--nats=${nats.url}`);
    expect([running.code, running.said]).toEqual([0, expect.stringContaining("holds together")]);
    await publisher.until(publisher.comments + 20);
    await publisher.stop();
    const still = await keep("verify", `--nats=${nats.url}`);
    expect(still.said).toContain(`${publisher.likes} likes of 1 video and ${publisher.comments} comments`);
    const { url } = node;
    await until("data bytes", async () =>
      /^ovation_data_bytes [1-9]/m.test(await (await fetch(`${url}/metrics`, { headers: admin })).text()),
    );
    const newest = (await (await fetch(`${node.url}/v1/videos/v/comments`)).json()) as {
      comments: { id: string }[];
    };
    const lost = newest.comments.at(-1)?.id ?? "";
    const over = await keep("restore", file, `--nats=${nats.url}`);
    expect([over.code, over.said]).toEqual([1, expect.stringContaining("nothing is written over a stream")]);
    expect((await keep("restore", file, `--data=${join(root, "data")}`)).said).toContain("give --nats");
    const refused = await fetch(`${node.url}/v1/admin/backup`, { headers: admin });
    expect(refused.status).toBe(404);
    await node.stop();

    // One server keeps one replica, however many the cluster of the backup kept.
    const three = await keep("restore", file, `--nats=${elsewhere.url}`, "--nats-replicas=3");
    expect([three.code, three.said]).toEqual([1, expect.stringContaining("try --nats-replicas=1")]);
    const back = await keep("restore", file, `--nats=${elsewhere.url}`);
    expect([back.code, back.said]).toEqual([0, expect.stringContaining("start the dispatchers")]);
    expect(back.said).toContain("holds together");
    const { streams } = await callApi(elsewhere.url, "STREAM.NAMES");
    expect(streams).not.toContain("KV_ov_nodes");
    const again = await start(elsewhere);
    const { heart } = await totalsOf(again);
    expect(heart).toBeGreaterThanOrEqual(likes);
    expect(heart).toBeLessThan(publisher.likes);
    const texts = await textsOf(again);
    const last = Number(texts.at(-1));
    expect(last).toBeGreaterThanOrEqual(comments);
    expect(texts).toEqual(texts.map((_, index) => `${last - texts.length + 1 + index}`));
    const said = await post(again.url, "videos/v/comments", { text: "anew" });
    const { id } = (await said.json()) as { id: string };
    expect(id).not.toBe(lost);
    const behind = await fetch(`${again.url}/v1/videos/v/comments?after=${lost}`);
    expect(((await behind.json()) as { reset?: true }).reset).toBe(true);
    const banned = await fetch(`${again.url}/v1/admin/moderation`, {
      headers: { authorization: `Bearer ${key}` },
    });
    expect(await banned.text()).toContain("ann");
    await again.stop();
  });

  test("of a NATS that is not there, or has nothing of ours, is told of", async () => {
    const nats = await newNats();
    const file = join(root, "nothing.backup");
    const nothing = await keep("backup", file, `--nats=${nats.url}`);
    const looked = await keep("verify", `--nats=${nats.url}`);
    expect([looked.code, looked.said]).toEqual([1, expect.stringContaining("no streams of this prefix")]);
    expect([nothing.code, nothing.said]).toEqual([1, expect.stringContaining("no streams of this prefix")]);
    expect(statSync(file, { throwIfNoEntry: false })).toBeUndefined();
  });
});
