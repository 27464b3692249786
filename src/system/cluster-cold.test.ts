/** More videos than the dispatchers of a cluster may hold: closed ones leave all of them, over kill -9. */
import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { appendFileSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { systemClock } from "../base/clock.ts";
import { callApi } from "../bus/nats-kit.ts";
import { streamPieces } from "../program/keep-nats.ts";
import { parseKeep } from "../program/keep-options.ts";
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
import { keep } from "./keeping.ts";
import { startNats } from "./nats.ts";

setDefaultTimeout(120_000);

const videosMax = 6;
const videos = Array.from({ length: 14 }, (_, n) => `match-${n + 10}`);
const headers = { "x-api-key": adminKey, "content-type": "application/json" };
const flags = ["--partitions=1", `--videos-max=${videosMax}`, "--cold-after=2s"];
let cluster: Cluster;
beforeAll(async () => {
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

const say = async (video: string, user: string): Promise<number> =>
  (
    await post(
      `${door().url}/v1/videos/${video}/comments`,
      { text: `said of ${video}`, user },
      headers,
    ).catch(() => ({ status: 0 }))
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
  await until(`${video} is spoken of`, async () => (await say(video, n % 2 === 0 ? "ann" : "bob")) === 201);
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

async function allAway(dispatchers = cluster.dispatchers): Promise<void> {
  for (const node of dispatchers) {
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

/** What its owner reads of a video: its row among all, and the export of it. */
async function told(url: string, video: string): Promise<{ row: object | undefined; text: string }> {
  const page = await getJson<{ videos: object[] }>(`${url}/v1/admin/videos?search=${video}`, headers);
  const text = await (await fetch(`${url}/v1/admin/videos/${video}/export`, { headers })).text();
  return { row: page?.videos[0], text };
}

test("they are listed, exported and weighed as they are, and a person is erased from them", async () => {
  const [one] = cluster.dispatchers as [NodeProcess];
  for (const { url } of [one, door()]) {
    const { row, text } = await told(url, videos[4] as string);
    expect(row).toMatchObject({ video: videos[4], totals: { heart: 5 }, state: "closed" });
    expect(text).toContain('"totals":{"heart":5}');
    expect(text).toContain(`said of ${videos[4]}`);
  }
  const begun = await fetch(`${door().url}/v1/admin/users/ann`, { method: "DELETE", headers });
  expect(begun.status).toBe(202);
  const state = async () =>
    (await getJson<{ state: string }>(`${door().url}/v1/admin/users/ann`, headers))?.state;
  await until("it is over", async () => (await state()) === "none");
  for (const [n, video] of videos.entries()) {
    const left = await getJson<{ comments: object[] }>(`${door().url}/v1/videos/${video}/comments`);
    expect([video, left?.comments.length]).toEqual([video, n % 2]);
  }
  expect(await told(door().url, videos[4] as string)).toMatchObject({
    row: { totals: { heart: 5 }, state: "closed" },
    text: expect.not.stringContaining("said of"),
  });
  expect(await holds(one)).toEqual([1, videos.length - 1]);
  const { state: stream } = (await callApi(cluster.nats, "STREAM.INFO.ov_away")) as {
    state: { bytes: number };
  };
  await until("they are weighed", async () => {
    const text = await (await fetch(`${one.url}/metrics`, { headers })).text();
    return Number(/^ovation_data_bytes (\d+)/m.exec(text)?.[1]) > stream.bytes;
  });
});

/** A backup of it, in whose making `meanwhile` happens after what left memory was saved. */
async function backUp(file: string, meanwhile: () => Promise<void>): Promise<void> {
  const parsed = parseKeep([`--nats=${cluster.nats}`], {}, String, { suffix: "x" });
  if ("mistakes" in parsed) throw new Error(parsed.mistakes.join());
  let isSaved = false;
  for await (const piece of streamPieces(parsed.settings, systemClock())) {
    appendFileSync(file, piece);
    if (isSaved || !Buffer.from(piece).includes('"part":"ov_away"')) continue;
    isSaved = true;
    await meanwhile();
  }
  expect(isSaved).toBe(true);
}

test("they hold together, and are put back into another NATS as they were", async () => {
  const folder = mkdtempSync(join(tmpdir(), "ovation-cluster-cold-"));
  const elsewhere = await startNats();
  let again: Cluster | undefined;
  try {
    const max = `--videos-max=${videosMax}`;
    const sums = (likes: number) =>
      `${likes} likes of ${videos.length} videos and 7 comments, holds together`;
    const looked = await keep("verify", `--nats=${cluster.nats}`, max);
    expect(looked).toEqual({ code: 0, said: expect.stringContaining(sums(109)) });
    const file = join(folder, "backup");
    await backUp(file, async () => {
      await turn(videos[0] as string, "closed");
      await turn(videos[1] as string, "open");
      await until("it is liked late", async () => (await like(videos[1] as string, "late", 3)) === 202);
      await turn(videos[1] as string, "closed");
      await allAway();
    });
    const back = await keep("restore", file, `--nats=${elsewhere.url}`, max);
    expect(back).toEqual({ code: 0, said: expect.stringContaining(sums(112)) });
    again = await startCluster([elsewhere], { dispatchers: 1, frontends: 1, flags });
    await again.ready();
    for (const { url, name } of again.nodes) {
      for (const [n, video] of videos.entries()) {
        const likes = n === 0 || n === 1 ? 5 : n + 1;
        await until(`${video} is told`, async () =>
          Bun.deepEquals((await getJson<Told>(`${url}/v1/videos/${video}`))?.totals, { heart: likes }),
        );
        expect(await getJson<object>(`${url}/v1/videos/${video}`)).toMatchObject({ state: "closed" });
        await expectInTime([{ name, url }], video);
      }
    }
    await allAway(again.dispatchers);
    await callApi(elsewhere.url, "STREAM.PURGE.ov_away", { filter: `ov.away.${videos[5]}` });
    const lost = await keep("verify", `--nats=${elsewhere.url}`, max);
    const line = `wrong: ${videos[5]} left memory, and what it came to is not in ov_away`;
    expect(lost).toEqual({ code: 1, said: expect.stringContaining(line) });
  } finally {
    await again?.close();
    await elsewhere.close();
    rmSync(folder, { recursive: true });
  }
});
