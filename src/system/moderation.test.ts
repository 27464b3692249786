/** Moderators at a real node: their calls, what viewers then see, and the same after a restart. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { post, Viewer } from "./events.ts";
import { hows, type Running, startExecutable, startServer } from "./server.ts";

const key = "only-for-this-test";
for (const how of hows) {
  describe(how, () => {
    const folder = mkdtempSync(join(tmpdir(), "ovation-moderation-"));
    const flags = [`--admin-key=${key}`, `--data=${folder}`];
    let node: Running;
    beforeAll(async () => {
      node = await startServer(how, flags);
    });
    afterAll(async () => {
      await node.stop();
      rmSync(folder, { recursive: true });
    });
    const admin = async (method: string, path: string, body?: object, as = key) => {
      const headers = { "x-api-key": as, ...(body && { "content-type": "application/json" }) };
      const answer = await fetch(node.url + path, {
        method,
        headers,
        ...(body && { body: JSON.stringify(body) }),
      });
      const text = await answer.text();
      return { status: answer.status, says: text && JSON.parse(text) };
    };
    const comment = async (user: string, text = "hi") => {
      const { status, says } = await post(`${node.url}/v1/videos/v/comments`, { user, text });
      return status === 201 ? 201 : (says as { error: { code: string } }).error.code;
    };

    test("a mute, a video's rules and a removal hold, are written down, and survive a restart", async () => {
      expect(await comment("ann")).toBe(201);
      expect(await admin("POST", "/v1/admin/mutes", { user: "ann", video: "v", seconds: 600 })).toMatchObject(
        { status: 204 },
      );
      expect([await comment("ann"), await comment("bob")]).toEqual(["muted", 201]);

      const viewer = await Viewer.open(`${node.url}/v1/videos/v/events`);
      await viewer.until(({ event }) => event === "snapshot");
      const { says } = await post(`${node.url}/v1/videos/v/comments`, { user: "cat", text: "to be removed" });
      const { id } = says as { id: string };
      expect((await admin("DELETE", `/v1/videos/v/comments/${id}`)).status).toBe(204);
      expect((await viewer.until(({ event }) => event === "retract")).says).toMatchObject({ video: "v", id });
      viewer.close();

      expect((await admin("PUT", "/v1/admin/videos/v", { slowModeMs: 0, comments: "off" })).status).toBe(204);
      expect(await comment("bob")).toBe("comments-off");

      await node.stop();
      node = await startServer(how, flags);
      expect(await comment("bob")).toBe("comments-off");
      await admin("PUT", "/v1/admin/videos/v", { comments: "on" });
      expect([await comment("ann"), await comment("bob")]).toEqual(["muted", 201]);
      const audit = await admin("GET", "/v1/admin/audit");
      expect(
        audit.says.decisions.map(({ by, action }: { by: string; action: string }) => `${by} ${action}`),
      ).toEqual(["key:admin video", "key:admin video", "key:admin remove", "key:admin mute"]);
      expect((await admin("GET", "/v1/admin/moderation")).says.restrictions).toMatchObject([
        { user: "ann", video: "v" },
      ]);
    });

    test("a comment that is not there, or no more, is unknown", async () => {
      const { says } = await post(`${node.url}/v1/videos/gone/comments`, { text: "once" });
      const { id } = says as { id: string };
      const remove = async (video: string, which: string) => {
        const { status, says } = await admin("DELETE", `/v1/videos/${video}/comments/${which}`);
        return [status, says === "" ? "" : says.error.code];
      };
      expect(await remove("other", id)).toEqual([404, "unknown-comment"]);
      expect(await remove("gone", "no-id")).toEqual([404, "unknown-comment"]);
      expect(await remove("gone", id)).toEqual([204, ""]);
      expect(await remove("gone", id)).toEqual([404, "unknown-comment"]);
    });

    test.each([
      ["no key", "POST", "/v1/admin/mutes", { user: "a", seconds: 1 }, "", 401],
      ["neither user nor address", "POST", "/v1/admin/mutes", { seconds: 1 }, key, 422],
      ["both", "POST", "/v1/admin/bans", { user: "a", address: "1.2.3.4", seconds: 1 }, key, 422],
      ["no address", "POST", "/v1/admin/bans", { address: "everybody", seconds: 1 }, key, 422],
      ["forever and a day", "POST", "/v1/admin/mutes", { user: "a", seconds: 1e18 }, key, 422],
      ["a bad video", "POST", "/v1/admin/mutes", { user: "a", video: "a.b", seconds: 1 }, key, 422],
      ["a bad video in the path", "PUT", "/v1/admin/videos/a.b", {}, key, 400],
      ["too slow", "PUT", "/v1/admin/videos/v", { slowModeMs: 1e9 }, key, 422],
      ["half on", "PUT", "/v1/admin/videos/v", { comments: "maybe" }, key, 422],
    ] as const)("%s is refused", async (_, method, path, body, as, status) => {
      expect((await admin(method, path, body, as)).status).toBe(status);
    });

    test("a closed video is watched and read, takes nothing and says so, also after a restart", async () => {
      const like = async () => {
        const { status, says } = await post(`${node.url}/v1/videos/over/likes`, { kind: "heart" });
        return status === 202 ? 202 : (says as { error: { code: string } }).error.code;
      };
      const state = async () => (await (await fetch(`${node.url}/v1/videos/over`)).json()) as object;
      expect(await like()).toBe(202);
      const viewer = await Viewer.open(`${node.url}/v1/videos/over/events`);
      const first = await viewer.until(({ event }) => event === "snapshot");
      expect(first.says).not.toHaveProperty("state");
      const turn = (to: string) => admin("PUT", "/v1/admin/videos/over", { state: to });
      expect((await turn("shut")).status).toBe(422);
      expect((await turn("closed")).status).toBe(204);
      const told = await viewer.until(({ event }) => event === "state");
      expect(told.says).toEqual({ video: "over", state: "closed" });
      const said = await post(`${node.url}/v1/videos/over/comments`, { text: "late" });
      expect([await like(), said.status, said.says]).toMatchObject([
        ...["closed", 409, { error: { code: "closed" } }],
      ]);
      const many = await post(`${node.url}/v1/likes`, { items: [{ video: "over", kind: "heart" }] });
      expect(many.says).toMatchObject({ items: [{ status: 409, error: { code: "closed" } }] });
      viewer.close();

      await node.stop();
      node = await startServer(how, flags);
      expect(await like()).toBe("closed");
      expect(await state()).toMatchObject({ totals: { heart: 1 }, state: "closed" });
      const later = await Viewer.open(`${node.url}/v1/videos/over/events`);
      const snapshot = await later.until(({ event }) => event === "snapshot");
      expect(snapshot.says).toMatchObject({ totals: { heart: 1 }, state: "closed" });
      await turn("open");
      expect((await later.until(({ event }) => event === "state")).says).toMatchObject({ state: "open" });
      expect(await like()).toBe(202);
      expect(await state()).not.toHaveProperty("state");
      later.close();
    });

    test("videos can be listed, and one of them taken away whole", async () => {
      for (const [video, count] of [
        ["list-a", 3],
        ["list-b", 9],
        ["list-c", 1],
      ] as const) {
        await post(`${node.url}/v1/videos/${video}/likes`, { kind: "heart", count });
      }
      for (let i = 0; i < 3; i++)
        await post(`${node.url}/v1/videos/list-b/comments`, { text: `c${i}`, user: "ann" });
      await admin("PUT", "/v1/admin/videos/list-c", { state: "closed" });
      const page = async (query: string) =>
        (await admin("GET", `/v1/admin/videos?search=list-&${query}`)).says;
      expect(await page("limit=2")).toEqual({
        videos: [
          { video: "list-a", totals: { heart: 3 }, version: 1, state: "open" },
          { video: "list-b", totals: { heart: 9 }, version: 1, state: "open" },
        ],
        more: true,
      });
      expect(await page("after=list-b")).toMatchObject({
        videos: [{ video: "list-c", state: "closed" }],
        more: false,
      });
      const { videos } = await page("sort=likes&limit=1");
      expect(videos).toMatchObject([{ video: "list-b" }]);
      await post(`${node.url}/v1/videos/list-aa/comments`, { text: "hi", user: "ann" });
      await admin("PUT", "/v1/admin/videos/list-d", { state: "closed" });
      const known = (await page("")).videos as { video: string; state: string }[];
      expect(known.map(({ video, state }) => `${video} ${state}`)).toEqual([
        ...["list-a open", "list-aa open", "list-b open", "list-c closed", "list-d closed"],
      ]);
      expect((await page("after=list-a&limit=2")).videos).toMatchObject([
        { video: "list-aa", totals: {}, version: 0 },
        { video: "list-b" },
      ]);
      for (const query of ["sort=age", "search=a%20b", "limit=0", "after=a%20b", "sort=likes&after=list-a"]) {
        expect((await admin("GET", `/v1/admin/videos?${query}`)).status).toBe(400);
      }
      const answer = await fetch(`${node.url}/v1/admin/videos/list-b/export`, {
        headers: { "x-api-key": key },
      });
      const lines = (await answer.text())
        .trim()
        .split("\n")
        .map((line) => JSON.parse(line));
      expect(lines[0]).toMatchObject({ video: "list-b", totals: { heart: 9 } });
      expect(Number.isInteger(lines[0].at)).toBe(true);
      const asked = await fetch(`${node.url}/v1/videos/list-b/timeline`);
      const fields = ({ video: _, ...timeline }: object & { video?: string }) => Object.keys(timeline);
      expect(Object.keys(lines[1].timeline)).toEqual(fields((await asked.json()) as object));
      expect(lines[1].timeline.totals).toEqual({ heart: 9 });
      expect(lines.slice(2, -1).map(({ text }) => text)).toEqual(["c0", "c1", "c2"]);
      expect(lines.at(-1)).toEqual({ end: true });
      expect((await fetch(`${node.url}/v1/admin/videos`)).status).toBe(401);
    });
  });
}

test("the crowd of --demo leaves a video that is closed", async () => {
  const key = "only-for-this-test";
  const node = await startExecutable(["--demo", `--admin-key=${key}`]);
  try {
    const [over, other] = [
      await Viewer.open(`${node.url}/v1/videos/over/events`),
      await Viewer.open(`${node.url}/v1/videos/other/events`),
    ];
    await over.until(({ event }) => event === "likes");
    await fetch(`${node.url}/v1/admin/videos/over`, {
      method: "PUT",
      headers: { "x-api-key": key, "content-type": "application/json" },
      body: JSON.stringify({ state: "closed" }),
    });
    await over.until(({ event }) => event === "state");
    const likes = (after: number) =>
      other.until(({ event, says }) => event === "likes" && (says.version as number) > after);
    const version = async (video: string) =>
      ((await (await fetch(`${node.url}/v1/videos/${video}`)).json()) as { version: number }).version;
    // What was on its way is counted; the crowd's next turn begins behind it.
    await likes((await version("other")) + 2);
    const before = await version("over");
    await likes((await version("other")) + 2);
    expect(await version("over")).toBe(before);
    over.close();
    other.close();
  } finally {
    await node.stop();
  }
});
