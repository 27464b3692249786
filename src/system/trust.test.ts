/**
 * Who may do what, and how much, at a real node: with tokens from `ovation token`, over real sockets.
 *
 * Runs alone: how soon a stream ends after its token, and what is taken of a flood in how long.
 */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mint, parseTokenOptions } from "../program/mint.ts";
import { post, Viewer } from "./events.ts";
import { hows, type Running, startServer } from "./server.ts";

const secret = "0123456789abcdef0123456789abcdef";

async function tokenOf(...flags: string[]): Promise<string> {
  const parsed = parseTokenOptions([`--secret=${secret}`, ...flags], {}, () => "");
  if ("mistakes" in parsed) throw new Error(parsed.mistakes.join("; "));
  return mint(parsed.settings, Date.now(), () => "");
}

for (const how of hows) {
  describe(how, () => {
    let node: Running;
    beforeAll(async () => {
      const flags = ["--auth=token", `--jwt-secrets=${secret}`, "--admin-key=only-for-this-test"];
      node = await startServer(how, flags);
    });
    afterAll(() => node.stop());
    const likes = (video: string) => `${node.url}/v1/videos/${video}/likes`;
    const total = async (video: string) => {
      const answer = await fetch(`${node.url}/v1/videos/${video}`, {
        headers: { "x-api-key": "only-for-this-test" },
      });
      return ((await answer.json()) as { totals: { heart?: number } }).totals.heart ?? 0;
    };

    test("a token for one video watches that one only; each refusal says why in one line", async () => {
      const token = await tokenOf("--video=final", "--can=watch");
      const viewer = await Viewer.open(`${node.url}/v1/videos/final/events?token=${token}`);
      expect((await viewer.until(({ event }) => event === "snapshot")).says.video).toBe("final");
      viewer.close();
      const headers = { authorization: `Bearer ${token}`, "content-type": "application/json" };
      const refusals: string[] = [];
      for (const [method, path, body] of [
        ["GET", "/v1/videos/other/events", undefined],
        ["GET", "/v1/events?video=final&video=other", undefined],
        ["GET", "/v1/videos/other", undefined],
        ["GET", "/v1/videos/other/comments", undefined],
        ["GET", "/v1/videos/other/poll", undefined],
        ["POST", "/v1/videos/final/likes", { kind: "heart" }],
        ["POST", "/v1/videos/final/comments", { text: "hi" }],
        ["DELETE", "/v1/videos/final/comments/abcd-1", undefined],
        ["GET", "/v1/cluster", undefined],
      ] as const) {
        const answer = await fetch(node.url + path, {
          method,
          headers,
          ...(body && { body: JSON.stringify(body) }),
        });
        expect([path, answer.status]).toEqual([path, 403]);
        const { error } = (await answer.json()) as { error: { message: string } };
        expect(error.message).toMatch(/^[^\n]{10,100}$/);
        refusals.push(error.message);
      }
      expect(new Set(refusals).size).toBeGreaterThan(3);
      expect((await fetch(`${node.url}/v1/videos/final`)).status).toBe(401);
      // Neither the token nor any of its parts is in the log.
      for (const part of token.split(".")) expect(node.lines.join("")).not.toContain(part);
    });

    test("a stream ends within a second after its token and the leeway, and says why", async () => {
      const token = await tokenOf("--video=v", "--ttl=2s");
      const endMs =
        Number(JSON.parse(atob((token.split(".")[1] ?? "").replace(/-/g, "+").replace(/_/g, "/"))).exp) *
        1000;
      // --jwt-leeway: clocks of issuers differ.
      const overMs = endMs + 5_000;
      const viewer = await Viewer.open(`${node.url}/v1/events?video=v&token=${token}`);
      const { says } = await viewer.until(({ event }) => event === "bye");
      expect(says.reason).toBe("expired");
      expect(Date.now() - overMs).toBeGreaterThan(-50);
      expect(Date.now() - overMs).toBeLessThan(1_300);
      expect((await fetch(`${node.url}/v1/videos/v?token=${token}`)).status).toBe(401);
    });

    test("a flood of one viewer counts for its allowance, and every refusal is told", async () => {
      const token = await tokenOf("--video=flood", "--sub=flooder");
      const began = Date.now();
      const answers = await Promise.all(
        Array.from({ length: 1_000 }, () =>
          post(likes("flood"), { kind: "heart" }, { authorization: `Bearer ${token}` }),
        ),
      );
      const seconds = (Date.now() - began) / 1000;
      const taken = answers.filter(({ status }) => status === 202).length;
      expect(answers.filter(({ status }) => status === 429).length).toBe(1_000 - taken);
      expect(taken).toBeGreaterThanOrEqual(60);
      expect(taken).toBeLessThanOrEqual(62 + 20 * seconds);
      expect(await total("flood")).toBe(taken);
      const other = await tokenOf("--video=flood", "--sub=somebody-else");
      expect(
        (await post(likes("flood"), { kind: "heart" }, { authorization: `Bearer ${other}` })).status,
      ).toBe(202);
      const metrics = await (await fetch(`${node.url}/metrics`)).text();
      expect(metrics).toContain('ovation_likes_rejected_total{reason="like-rate"}');
    });

    test("a key of one viewer does not swallow the like of another", async () => {
      for (const sub of ["a", "b", "a"]) {
        const token = await tokenOf("--video=keys", `--sub=${sub}`);
        const sent = await post(
          likes("keys"),
          { kind: "heart", key: "same" },
          { authorization: `Bearer ${token}` },
        );
        expect(sent.status).toBe(202);
      }
      expect(await total("keys")).toBe(2);
    });
  });
}

test.if(hows.includes("executable"))(
  "past its memory a node is not ready and takes no new streams",
  async () => {
    const node = await startServer("executable", ["--memory-max=1"]);
    const ready = await fetch(`${node.url}/health/ready`);
    expect([ready.status, await ready.json()]).toMatchObject([503, { reasons: ["memory"] }]);
    const stream = await (await fetch(`${node.url}/v1/videos/v/events`)).text();
    expect(stream).toContain('"reason":"limit"');
    // Likes are still taken: they cost nothing that stays.
    expect((await post(`${node.url}/v1/videos/v/likes`, { kind: "heart" })).status).toBe(202);
    await node.stop();
  },
);
