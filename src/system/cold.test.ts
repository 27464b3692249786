/** More videos than memory may hold: closed, put away, told as they were, opened; also after kill -9. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { until } from "./cluster.ts";
import { post, Viewer } from "./events.ts";
import { executable, type RunningExecutable, startExecutable } from "./server.ts";

const key = "only-for-this-test";
const headers = { "x-api-key": key, "content-type": "application/json" };
const videosMax = 8;
const videos = Array.from({ length: 20 }, (_, n) => `match-${n + 10}`);

describe.skipIf(!existsSync(executable))("more videos than memory holds", () => {
  const folder = mkdtempSync(join(tmpdir(), "ovation-cold-"));
  const flags = [`--admin-key=${key}`, `--data=${folder}`, `--videos-max=${videosMax}`, "--cold-after=2s"];
  let node: RunningExecutable;
  beforeAll(async () => {
    node = await startExecutable(flags);
  });
  afterAll(async () => {
    await node.stop();
    rmSync(folder, { recursive: true });
  });
  const turn = async (video: string, state: "open" | "closed"): Promise<void> => {
    const url = `${node.url}/v1/admin/videos/${video}`;
    const { status } = await fetch(url, { method: "PUT", headers, body: JSON.stringify({ state }) });
    expect(status).toBe(204);
  };
  const like = (video: string, key: string, count = 1) =>
    post(`${node.url}/v1/videos/${video}/likes`, { kind: "heart", count, key });
  const get = async (path: string) => {
    const answer = await fetch(node.url + path, { headers });
    const text = await answer.text();
    return { status: answer.status, cache: answer.headers.get("cache-control"), text };
  };
  const json = async (path: string) => JSON.parse((await get(path)).text);
  const metric = async (name: string): Promise<number> => {
    const line = (await get("/metrics")).text.split("\n").find((one) => one.startsWith(`${name}{`));
    return Number(line?.split(" ").at(-1));
  };
  /** Everything that is told of every video. */
  const all = async () => {
    const told: object[] = [];
    for (const video of videos) {
      const { totals, version, state } = await json(`/v1/videos/${video}`);
      const { likes, before } = await json(`/v1/videos/${video}/timeline`);
      const { comments } = await json(`/v1/videos/${video}/comments`);
      const sum = (likes.heart ?? []).reduce((a: number, b: number) => a + b, 0) + (before.heart ?? 0);
      told.push({ video, totals, version, state, sum, texts: comments.map((c: { text: string }) => c.text) });
    }
    return told;
  };
  const wanted = (n: number, video: string) => ({
    ...{
      video,
      totals: { heart: n + 1 },
      version: 1,
      state: "closed",
      sum: n + 1,
      texts: [`said of ${video}`],
    },
  });

  test("are liked, one after the other, as closed ones make room", async () => {
    for (const [n, video] of videos.entries()) {
      await until(`${video} is liked`, async () => {
        const { status } = await like(video, "first", n + 1);
        expect([202, 503]).toContain(status);
        return status === 202;
      });
      expect(
        (await post(`${node.url}/v1/videos/${video}/comments`, { text: `said of ${video}` })).status,
      ).toBe(201);
      await turn(video, "closed");
    }
    await until("all have left", async () => (await metric("ovation_ledger_videos_away")) === videos.length);
    expect(await metric("ovation_ledger_videos")).toBe(0);
  }, 60_000);

  test("are told as they were, closed, and take nothing", async () => {
    expect(await all()).toEqual(videos.map((video, n) => wanted(n, video)));
    const [video] = videos as [string];
    for (const what of ["likes", "comments"]) {
      const body = what === "likes" ? { kind: "heart" } : { text: "more" };
      const { status, says } = await post(`${node.url}/v1/videos/${video}/${what}`, body);
      expect([what, status, says]).toMatchObject([what, 409, { error: { code: "closed" } }]);
    }
    const replay = await get(`/v1/videos/${video}/replay`);
    expect(replay.cache).toContain("immutable");
    expect(replay.text).toContain('"likes":{"heart":1}');
    expect((await get(`/v1/admin/videos/${video}/export`)).text).toContain(`"totals":{"heart":1}`);
    const viewer = await Viewer.open(`${node.url}/v1/videos/${video}/events`);
    const { says } = await viewer.until(({ event }) => event === "snapshot");
    expect(says).toMatchObject({ totals: { heart: 1 }, state: "closed" });
    viewer.close();
    const page = await json("/v1/admin/videos?search=match-&limit=3&after=match-14");
    expect(page).toMatchObject({
      videos: [15, 16, 17].map((n) => ({ video: `match-${n}`, totals: { heart: n - 9 }, state: "closed" })),
      more: true,
    });
    // No row of moderation is left to say so.
    expect((await json("/v1/admin/moderation")).videos).toEqual([]);
    expect(await metric("ovation_ledger_videos")).toBe(0);
  });

  test("are so after kill -9 too, and open again with all they had", async () => {
    node.kill("SIGKILL");
    await node.exited;
    node = await startExecutable(flags);
    const away = async () => (await metric("ovation_ledger_videos_away")) === videos.length;
    await until("they are away", away);
    expect(await all()).toEqual(videos.map((video, n) => wanted(n, video)));
    const [first, second] = videos as [string, string];
    // Rules that say nothing of it leave it closed.
    const slow = JSON.stringify({ slowModeMs: 1_000 });
    await fetch(`${node.url}/v1/admin/videos/${second}`, { method: "PUT", headers, body: slow });
    expect((await like(second, "late")).status).toBe(409);
    const viewer = await Viewer.open(`${node.url}/v1/videos/${first}/events`);
    await viewer.until(({ event }) => event === "snapshot");
    await turn(first, "open");
    expect((await viewer.until(({ event }) => event === "state")).says).toMatchObject({ state: "open" });
    expect((await like(first, "first", 1)).status).toBe(202);
    expect((await like(first, "again", 4)).status).toBe(202);
    expect(await json(`/v1/videos/${first}`)).toMatchObject({ totals: { heart: 5 } });
    viewer.close();
    await turn(first, "closed");
    node.kill("SIGKILL");
    await node.exited;
    node = await startExecutable(flags);
    expect(await json(`/v1/videos/${first}`)).toMatchObject({ totals: { heart: 5 }, state: "closed" });
    expect((await like(second, "late")).status).toBe(409);
  }, 30_000);
});
