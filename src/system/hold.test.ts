/**
 * Comments held for review at real nodes: one alone, and two over NATS with the moderator on the other one.
 *
 * Nothing here waits for a time: holds are long where something must not be seen yet, and a comment is
 * awaited where it must come. That it did not come too early is read off the clock, which all of them share.
 *
 * Mostly waits: for holds to be over.
 */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { limits } from "../core/limits.ts";
import { until } from "./cluster.ts";
import { type Heard, post, Viewer } from "./events.ts";
import { type NatsServer, startNats } from "./nats.ts";
import { hows, type Running, startServer } from "./server.ts";

const key = "only-for-this-test";
const asModerator = { "x-api-key": key };
type Comment = { readonly id: string; readonly text: string; readonly visibleAt?: number };

const watch = (url: string, video: string, more = "") =>
  Viewer.open(`${url}/v1/videos/${video}/events${more}`);
const review = (url: string, video: string) =>
  Viewer.open(`${url}/v1/videos/${video}/events?held=1`, asModerator);
const snapshot = ({ event }: Heard) => event === "snapshot";
const about = (event: string, text: string) => (heard: Heard) =>
  heard.event === event && heard.says.text === text;

async function read(url: string, headers: Record<string, string> = {}) {
  const answer = await fetch(url, { headers });
  return { status: answer.status, says: (await answer.json()) as { comments: Comment[]; cursor: string } };
}

async function texts(url: string, headers?: Record<string, string>): Promise<string[]> {
  return (await read(url, headers)).says.comments.map(({ text }) => text);
}

async function comment(url: string, video: string, text: string): Promise<string> {
  const { status, says } = await post(`${url}/v1/videos/${video}/comments`, { text, user: "ann" });
  expect(status).toBe(201);
  return (says as { id: string }).id;
}

async function rule(url: string, video: string, rules: object): Promise<void> {
  const body = JSON.stringify(rules);
  const headers = { ...asModerator, "content-type": "application/json" };
  const answer = await fetch(`${url}/v1/admin/videos/${video}`, { method: "PUT", headers, body });
  expect(answer.status).toBe(204);
}

async function remove(url: string, video: string, id: string): Promise<void> {
  const path = `${url}/v1/videos/${video}/comments/${id}`;
  expect((await fetch(path, { method: "DELETE", headers: asModerator })).status).toBe(204);
}

/** What an ordinary viewer can get at of `video`, by every way there is. */
async function seen(url: string, video: string, since: string): Promise<Record<string, string[]>> {
  const path = `${url}/v1/videos/${video}`;
  const fresh = await watch(url, video);
  const { says } = await fresh.until(snapshot);
  // A replay ends where the count of viewers is told.
  const back = await watch(url, video, `?last_event_id=${since}`);
  await back.until(({ event }) => event === "viewers");
  const { cursor } = (await read(`${path}/poll`)).says;
  const found = {
    snapshot: (says.comments as Comment[]).map(({ text }) => text),
    replay: back.named("comment").map(({ says }) => says.text as string),
    poll: await texts(`${path}/poll`),
    next: await texts(`${path}/poll?after=${cursor}&wait=0`),
    listing: await texts(`${path}/comments`),
    behind: await texts(`${path}/comments?after=${since}`),
  };
  fresh.close();
  back.close();
  return found;
}

for (const how of hows) {
  describe(`${how}, alone`, () => {
    const folder = mkdtempSync(join(tmpdir(), "ovation-hold-"));
    const flags = [`--admin-key=${key}`, "--api-keys=desk:watch:0123456789abcdef", `--data=${folder}`];
    let node: Running;
    beforeAll(async () => {
      node = await startServer(how, flags);
    });
    afterAll(async () => {
      await node.stop();
      rmSync(folder, { recursive: true });
    });

    test("a held comment is seen by moderators only, and by everybody in time", async () => {
      const { url } = node;
      const before = await comment(url, "v", "before");
      const viewer = await watch(url, "v");
      const moderator = await review(url, "v");
      await viewer.until(snapshot);
      await moderator.until(snapshot);
      await rule(url, "v", { holdMs: 1_500 });
      const id = await comment(url, "v", "wait");
      const told = await moderator.until(about("held", "wait"));
      expect(told).toMatchObject({ id: undefined, says: { video: "v", id, user: "ann" } });
      expect(moderator.named("comment")).toEqual([]);
      const shown = await viewer.until(about("comment", "wait"));
      expect(Date.now()).toBeGreaterThanOrEqual((told.says.at as number) + 1_500 - 5);
      expect(shown).toMatchObject({ id, says: { id } });
      await moderator.until(about("comment", "wait"));
      expect(viewer.named("held")).toEqual([]);
      expect(await texts(`${url}/v1/videos/v/comments?after=${before}`)).toEqual(["wait"]);
      for (const one of [viewer, moderator]) one.close();
    });

    test("nothing tells of it meanwhile; removed it never comes", async () => {
      const { url } = node;
      const start = await comment(url, "quiet", "start");
      await rule(url, "quiet", { holdMs: limits.holdMsMax });
      const viewer = await watch(url, "quiet");
      await viewer.until(snapshot);
      const heldMs = Date.now();
      const removed = await comment(url, "quiet", "to be removed");
      const kept = await comment(url, "quiet", "kept");
      const moderator = await review(url, "quiet");
      await moderator.until(about("held", "kept"));
      const found = await seen(url, "quiet", start);
      const listing = await read(`${url}/v1/videos/quiet/comments?held=1`, asModerator);
      await remove(url, "quiet", removed);
      await moderator.until(({ event, says }) => event === "retract" && says.id === removed);
      expect(Date.now() - heldMs).toBeLessThan(limits.holdMsMax);
      expect(found).toEqual({
        snapshot: ["start"],
        replay: [],
        poll: ["start"],
        next: [],
        listing: ["start"],
        behind: [],
      });
      expect(listing.says.comments.map(({ text, visibleAt }) => [text, visibleAt === undefined])).toEqual([
        ["start", true],
        ["to be removed", false],
        ["kept", false],
      ]);
      // In the middle of the hold everything begins anew.
      await node.stop();
      node = await startServer(how, flags);
      const late = await watch(node.url, "quiet", `?last_event_id=${start}`);
      const shown = await late.until(({ event }) => event === "comment");
      expect([shown.id, shown.says.text]).toEqual([kept, "kept"]);
      expect(Date.now()).toBeGreaterThanOrEqual((shown.says.at as number) + limits.holdMsMax - 5);
      expect(await texts(`${node.url}/v1/videos/quiet/comments`)).toEqual(["start", "kept"]);
      expect(viewer.named("comment")).toEqual([]);
      for (const one of [viewer, moderator, late]) one.close();
    }, 60_000);

    test("is told to nobody without the right, and a hold is bounded", async () => {
      const { url } = node;
      const status = async (path: string, headers = {}) => (await read(url + path, headers)).status;
      const desk = { "x-api-key": "0123456789abcdef" };
      for (const path of [
        "/v1/videos/v/events?held=1",
        "/v1/events?video=v&held=1",
        "/v1/videos/v/comments?held=1",
      ]) {
        expect([await status(path), await status(path, desk)]).toEqual([401, 403]);
      }
      const headers = { ...asModerator, "content-type": "application/json" };
      for (const holdMs of [-1, limits.holdMsMax + 1, "5", 0.5]) {
        const body = JSON.stringify({ holdMs });
        const answer = await fetch(`${url}/v1/admin/videos/v`, { method: "PUT", headers, body });
        expect(answer.status).toBe(422);
      }
      // Nobody brings a hold of their own, or does without one.
      await rule(url, "own", { holdMs: limits.holdMsMax });
      await post(`${url}/v1/videos/own/comments`, { text: "at once?", holdMs: 0 });
      expect(await texts(`${url}/v1/videos/own/comments`)).toEqual([]);
    });
  });

  describe(`${how}, two over NATS`, () => {
    let nats: NatsServer;
    let both: Running;
    let frontend: Running;
    beforeAll(async () => {
      nats = await startNats();
      const flags = (node: string, role: string) => [
        ...[`--nats=${nats.url}`, `--node=${node}`, `--role=${role}`, `--admin-key=${key}`],
      ];
      both = await startServer(how, flags("a", "both"));
      frontend = await startServer(how, flags("b", "frontend"));
      for (const { url } of [both, frontend]) {
        await until("ready", async () => (await fetch(`${url}/health/ready`)).status === 200);
      }
    });
    afterAll(async () => {
      await frontend.stop();
      await both.stop();
      await nats.close();
    });

    test("the moderator on one node, the commenter on the other, viewers on both", async () => {
      for (const [here, there] of [
        [both.url, frontend.url],
        [frontend.url, both.url],
      ] as const) {
        const video = here === both.url ? "one" : "two";
        const start = await comment(here, video, "start");
        const viewers = [await watch(here, video), await watch(there, video)];
        const moderator = await review(there, video);
        for (const one of [...viewers, moderator]) await one.until(snapshot);
        await rule(there, video, { holdMs: 8_000 });
        await until("the rule on both nodes", async () => {
          const { says } = await read(`${here}/v1/admin/moderation`, asModerator);
          return JSON.stringify(says).includes(`"${video}"`);
        });
        const removed = await comment(here, video, "to be removed");
        const kept = await comment(here, video, "kept");
        const told = await moderator.until(about("held", "to be removed"));
        await remove(there, video, removed);
        await moderator.until(about("held", "kept"));
        for (const url of [here, there]) {
          const found = await seen(url, video, start);
          const only = ["start"];
          expect(found).toEqual({
            snapshot: only,
            replay: [],
            poll: only,
            next: [],
            listing: only,
            behind: [],
          });
          expect(await texts(`${url}/v1/videos/${video}/comments?held=1`, asModerator)).toEqual([
            "start",
            "kept",
          ]);
        }
        for (const one of [...viewers, moderator]) {
          const shown = await one.until(({ event }) => event === "comment");
          expect(Date.now()).toBeGreaterThanOrEqual((told.says.at as number) + 8_000 - 5);
          expect([shown.id, shown.says.text]).toEqual([kept, "kept"]);
        }
        const back = await watch(there, video, `?last_event_id=${start}`);
        expect((await back.until(({ event }) => event === "comment")).id).toBe(kept);
        for (const one of [...viewers, moderator, back]) one.close();
      }
    }, 60_000);
  });
}
