/**
 * A video deleted at a real node: what its audience is told, what is left of it over a restart, in its
 * folder, and when the process is killed before all of it has been taken out.
 */
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Pseudonym, pseudonymOf } from "../trust/pseudonym.ts";
import { until } from "./cluster.ts";
import { post, Viewer } from "./events.ts";
import { hows, type Running, type RunningExecutable, startExecutable, startServer } from "./server.ts";

setDefaultTimeout(60_000);

const key = "only-for-this-test";
const headers = { "x-api-key": key };
/** In no other text. */
const marker = "xylomarimba";

const isIn = (folder: string, text: string): boolean =>
  Bun.spawnSync(["grep", "-rqaF", text, folder]).exitCode === 0;

async function say(url: string, video: string, count: number): Promise<void> {
  const one = async (i: number): Promise<void> => {
    const text = `${marker}-${i} ${"x".repeat(300)}`;
    const { status } = await post(`${url}/v1/videos/${video}/comments`, { text, user: "ann" }, headers);
    expect(status).toBe(201);
  };
  for (let from = 0; from < count; from += 50) {
    await Promise.all(Array.from({ length: Math.min(50, count - from) }, (_, i) => one(from + i)));
  }
}

const remove = (url: string, video: string): Promise<Response> =>
  fetch(`${url}/v1/admin/videos/${video}`, { method: "DELETE", headers });

for (const how of hows) {
  describe(how, () => {
    const folder = mkdtempSync(join(tmpdir(), "ovation-life-"));
    const flags = [`--admin-key=${key}`, `--data=${folder}`, "--comment-rate=100000"];
    let node: Running;
    beforeAll(async () => {
      node = await startServer(how, flags);
    });
    afterAll(async () => {
      await node.stop();
      rmSync(folder, { recursive: true });
    });
    const video = async (id: string) => (await (await fetch(`${node.url}/v1/videos/${id}`)).json()) as object;
    const comments = async (id: string) =>
      ((await (await fetch(`${node.url}/v1/videos/${id}/comments`)).json()) as { comments: object[] })
        .comments;
    const admin = async (path: string) =>
      (await (await fetch(node.url + path, { headers })).json()) as Record<string, unknown>;

    test("its viewers are told, and see a fresh one; nothing of it is in the folder", async () => {
      const like = { kind: "heart", count: 7, key: "once" };
      await post(`${node.url}/v1/videos/v/likes`, like);
      await post(`${node.url}/v1/videos/other/likes`, { kind: "heart" });
      await say(node.url, "v", 60);
      await post(`${node.url}/v1/videos/other/comments`, { text: "stays here" });
      await fetch(`${node.url}/v1/admin/videos/v`, {
        method: "PUT",
        headers: { ...headers, "content-type": "application/json" },
        body: JSON.stringify({ slowModeMs: 1_000, state: "closed" }),
      });
      const viewer = await Viewer.open(`${node.url}/v1/videos/v/events`);
      const shown = await viewer.until(({ event }) => event === "snapshot");
      expect(shown.says).toMatchObject({ totals: { heart: 7 }, state: "closed" });

      expect((await remove(node.url, "v")).status).toBe(204);
      expect((await viewer.until(({ event }) => event === "reset")).says).toEqual({
        video: "v",
        reason: "deleted",
      });
      const fresh = await viewer.until(({ event, says }) => event === "snapshot" && says !== shown.says);
      expect(fresh.says).toMatchObject({ totals: {}, comments: [] });
      expect(fresh.says.state).toBeUndefined();
      expect(await video("v")).toMatchObject({ totals: {}, version: 2 });
      expect(await comments("v")).toEqual([]);
      expect(await admin("/v1/admin/videos")).toMatchObject({ videos: [{ video: "other" }], more: false });
      expect(await admin("/v1/admin/moderation")).toEqual({ restrictions: [], videos: [] });

      // A repeat of before counts nothing, a new like begins the new video.
      expect((await post(`${node.url}/v1/videos/v/likes`, like)).status).toBe(202);
      await post(`${node.url}/v1/videos/v/likes`, { kind: "heart" });
      await post(`${node.url}/v1/videos/v/comments`, { text: "anew" });
      await viewer.until(({ event, says }) => event === "likes" && says.version === 3);
      await viewer.until(({ event, says }) => event === "comment" && says.text === "anew");
      viewer.close();
      await until("nothing of it is in the folder", () => !isIn(folder, marker));
      expect(isIn(folder, "stays here")).toBe(true);

      // Whoever comes back from before is told as well.
      const back = await Viewer.open(`${node.url}/v1/videos/v/events`, {
        "last-event-id": shown.id as string,
      });
      expect((await back.until(({ event }) => event === "reset")).says).toMatchObject({ reason: "deleted" });
      back.close();

      await node.stop();
      node = await startServer(how, flags);
      expect(await video("v")).toMatchObject({ totals: { heart: 1 }, version: 3 });
      expect(await comments("v")).toMatchObject([{ text: "anew" }]);
      expect(await video("other")).toMatchObject({ totals: { heart: 1 } });
      const { decisions } = (await admin("/v1/admin/audit")) as { decisions: object[] };
      expect(decisions[0]).toMatchObject({ action: "delete", about: { video: "v" }, by: "key:admin" });
    });

    test("closed after its deletion, it is told so to those who come then", async () => {
      await post(`${node.url}/v1/videos/again/likes`, { kind: "heart" });
      expect((await remove(node.url, "again")).status).toBe(204);
      await fetch(`${node.url}/v1/admin/videos/again`, {
        method: "PUT",
        headers: { ...headers, "content-type": "application/json" },
        body: JSON.stringify({ state: "closed" }),
      });
      const viewer = await Viewer.open(`${node.url}/v1/videos/again/events`);
      const shown = await viewer.until(({ event }) => event === "snapshot");
      expect(shown.says).toMatchObject({ totals: {}, state: "closed" });
      viewer.close();
      const live = await (await fetch(`${node.url}/v1/videos/again/live`)).json();
      expect(live).toMatchObject({ state: "closed" });
    });

    test("a person is erased from all videos, from the audit log and from the folder", async () => {
      const name = "Zarathustrian";
      const asked = async (method: string) => {
        const answer = await fetch(`${node.url}/v1/admin/users/${name.toUpperCase()}`, { method, headers });
        return { status: answer.status, says: (await answer.json()) as Record<string, unknown> };
      };
      const mute = { user: name, seconds: 1 };
      for (let i = 0; i < 20; i++) {
        const body = { text: `words ${i}`, user: i % 2 ? name : "somebody" };
        await post(`${node.url}/v1/videos/u${i % 4}/comments`, body, headers);
      }
      await post(`${node.url}/v1/admin/mutes`, mute, headers);
      await post(`${node.url}/v1/admin/bans`, { ...mute, seconds: 600 }, headers);
      const viewer = await Viewer.open(`${node.url}/v1/videos/u1/events`);
      await viewer.until(({ event }) => event === "snapshot");
      expect(await asked("GET")).toMatchObject({ status: 200, says: { state: "none" } });
      expect(await asked("DELETE")).toMatchObject({ status: 202, says: { state: "running" } });
      await viewer.until(({ event }) => event === "retract");
      viewer.close();
      await until("it is done", async () => (await asked("GET")).says.state === "none");
      for (const id of ["u1", "u3"]) expect(await comments(id)).toEqual([]);
      expect(await comments("u0")).toHaveLength(5);
      await until("the name is nowhere in the folder", () => !isIn(folder, name));
      const told = JSON.stringify([await admin("/v1/admin/audit"), await admin("/v1/admin/moderation")]);
      expect(told.toLowerCase()).not.toContain(name.toLowerCase());
      const { decisions } = (await admin("/v1/admin/audit")) as { decisions: { about: Pseudonym }[] };
      const { about } = decisions[0] as { about: Pseudonym };
      expect(about).toEqual(pseudonymOf(name, about.salt));
      await node.stop();
      node = await startServer(how, flags);
      expect((await post(`${node.url}/v1/videos/u1/comments`, { text: "back", user: name })).status).toBe(
        201,
      );
      expect((await fetch(`${node.url}/v1/admin/users/%20`, { method: "DELETE", headers })).status).toBe(422);
    });

    test("one that nobody knows is none, and it needs the right to", async () => {
      expect((await remove(node.url, "nobody")).status).toBe(204);
      const bad = await remove(node.url, "not%20an%20id");
      expect(bad.status).toBe(400);
      const unasked = await fetch(`${node.url}/v1/admin/videos/other`, { method: "DELETE" });
      expect(unasked.status).toBe(401);
      expect(await video("other")).toMatchObject({ totals: { heart: 1 } });
    });
  });
}

test.skipIf(!hows.includes("executable"))(
  "killed while it is taken out, the next start goes on",
  async () => {
    const folder = mkdtempSync(join(tmpdir(), "ovation-life-kill-"));
    const flags = [
      `--admin-key=${key}`,
      `--data=${folder}`,
      "--comment-rate=100000",
      "--comment-history=5000",
    ];
    let node: RunningExecutable = await startExecutable(flags);
    try {
      await say(node.url, "v", 1_200);
      await post(`${node.url}/v1/videos/v/likes`, { kind: "heart" });
      await until("it is in the file", () => isIn(folder, `${marker}-1199`));
      expect((await remove(node.url, "v")).status).toBe(204);
      node.kill("SIGKILL");
      await node.exited;
      node = await startExecutable(flags);
      expect(await (await fetch(`${node.url}/v1/videos/v`)).json()).toMatchObject({ totals: {} });
      const said = await (await fetch(`${node.url}/v1/videos/v/comments`)).json();
      expect(said).toMatchObject({ comments: [] });
      await until("nothing of it is in the folder", () => !isIn(folder, marker));
    } finally {
      await node.stop();
      rmSync(folder, { recursive: true });
    }
  },
);
