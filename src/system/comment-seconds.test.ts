/**
 * The compiled program counts each comment in its second: with a history far too short for all of them, over
 * kill -9 of every process in the middle of them, the same on every node.
 */
import { afterEach, expect, setDefaultTimeout, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { adminKey, getJson, program, startCluster, until } from "./cluster.ts";
import { post } from "./events.ts";
import { keep } from "./keeping.ts";
import { startNats } from "./nats.ts";
import { type RunningExecutable, startProgram } from "./server.ts";

setDefaultTimeout(120_000);

const headers = { "x-api-key": adminKey };
const flags = ["--comment-history=20", "--comment-rate=100000"];
const closers: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

interface Timeline {
  readonly from: number;
  readonly comments: readonly number[];
  readonly commentsFrom: number | null;
  readonly commentsBefore?: number;
}

const timelineOf = (url: string, video = "v") =>
  getJson<Timeline>(`${url}/v1/videos/${video}/timeline?step=1`);
const sumOf = ({ comments, commentsBefore = 0 }: Timeline): number =>
  comments.reduce((sum, count) => sum + count, commentsBefore);

/** Says `count` comments at any of these nodes, each until it is answered under its key; their ids. */
async function say(urls: readonly string[], name: string, count: number, video = "v"): Promise<string[]> {
  const one = async (i: number): Promise<string> => {
    for (let tries = i; ; tries++) {
      const url = urls[tries % urls.length] as string;
      const body = { text: `${name} ${i}`, key: `${name}-${i}` };
      const answer = await post(`${url}/v1/videos/${video}/comments`, body, headers).catch(() => undefined);
      if (answer?.status === 201) return String(answer.says?.id);
      await Bun.sleep(50);
    }
  };
  const ids: string[] = [];
  for (let from = 0; from < count; from += 25) {
    const some = Array.from({ length: Math.min(25, count - from) }, (_, i) => one(from + i));
    ids.push(...(await Promise.all(some)));
  }
  return ids;
}

/** Each of these nodes tells `count` of them, and the same. */
async function everywhere(nodes: readonly { readonly url: string }[], count: number): Promise<void> {
  const all = await Promise.all(nodes.map(({ url }) => timelineOf(url)));
  for (const one of all) expect(one).toMatchObject({ commentsFrom: null });
  expect(all.map((one) => sumOf(one as Timeline))).toEqual(nodes.map(() => count));
  for (const one of all) expect(one?.comments).toEqual(all[0]?.comments as number[]);
}

test("a node alone, over a stop, a kill and a backup", async () => {
  const folder = mkdtempSync(join(tmpdir(), "ovation-seconds-"));
  closers.push(async () => rmSync(folder, { recursive: true }));
  const start = async (name: string): Promise<RunningExecutable> => {
    const own = [`--data=${join(folder, name)}`, `--admin-key=${adminKey}`];
    const node = await startProgram(program, [...flags, ...own]);
    closers.push(() => node.stop());
    return node;
  };
  let node = await start("a");
  const ids = await say([node.url], "first", 110);
  const path = `${node.url}/v1/videos/v/comments/${ids.at(-1)}`;
  expect((await fetch(path, { method: "DELETE", headers })).status).toBe(204);
  await everywhere([node], 110);
  await node.stop();
  node = await start("a");
  await everywhere([node], 110);
  // In the middle of them; whoever was not answered says it again to the next life.
  const urls = [node.url];
  const saying = say(urls, "second", 150);
  await until("some of them are there", async () => sumOf((await timelineOf(node.url)) as Timeline) > 160);
  node.kill("SIGKILL");
  await node.exited;
  node = await start("a");
  urls[0] = node.url;
  await saying;
  await everywhere([node], 260);
  const file = join(folder, "kept");
  const kept = await keep("backup", file, `--url=${node.url}`, `--admin-key=${adminKey}`);
  expect(kept.code).toBe(0);
  await say([node.url], "third", 40);
  await node.stop();
  expect((await keep("verify", `--data=${join(folder, "a")}`)).code).toBe(0);
  expect((await keep("restore", file, `--data=${join(folder, "b")}`)).code).toBe(0);
  node = await start("b");
  await everywhere([node], 260);
});

test("a cluster, over kills of each dispatcher and of all, on every node", async () => {
  const nats = await startNats();
  const cluster = await startCluster([nats], { dispatchers: 3, frontends: 1, flags });
  closers.push(() => cluster.close());
  const urls = cluster.nodes.map(({ url }) => url);
  await say(urls, "first", 110);
  await everywhere(cluster.nodes, 110);
  const saying = say(urls, "second", 200);
  for (const dispatcher of cluster.dispatchers) {
    await dispatcher.kill();
    dispatcher.start();
    await dispatcher.ready();
  }
  await saying;
  await everywhere(cluster.nodes, 310);
  const more = say(urls, "third", 100);
  await Promise.all(cluster.dispatchers.map((dispatcher) => dispatcher.kill()));
  for (const dispatcher of cluster.dispatchers) dispatcher.start();
  await cluster.ready();
  await more;
  await everywhere(cluster.nodes, 410);
});
