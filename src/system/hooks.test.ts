/** Webhooks and the review hook at a real node: alone, as the executable, and mounted under Node. */
import { afterAll, afterEach, beforeAll, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Event, Receiver, signedBy } from "../hooks/receiver-kit.ts";
import { reviewLimits } from "../hooks/review.ts";
import { linesOf } from "./child.ts";
import { until } from "./cluster.ts";
import { post, Viewer } from "./events.ts";
import { executable, hosts, hows, isHost, type Running, startExecutable, startServer } from "./server.ts";

const secret = "only-for-this-test-0123456789abcdef";
const key = "only-for-this-test";

for (const how of [...hows, ...hosts.filter((host) => host === "node")]) {
  describe(how, () => {
    const receiver = new Receiver();
    const reviewer = new Receiver();
    let node: Running;
    beforeAll(async () => {
      node = await startServer(how, [
        `--webhook-urls=${receiver.url}`,
        `--webhook-secrets=${secret}`,
        "--milestones=3,10",
        `--review-url=${reviewer.url}`,
        // A machine that is busy with other things must not turn a verdict into a fallback.
        "--review-deadline=10s",
        `--admin-key=${key}`,
        "--log-level=debug",
      ]);
    });
    afterAll(async () => {
      await node.stop();
      await receiver.goAway();
      await reviewer.goAway();
    });
    afterEach(() => {
      reviewer.answer = () => Response.json({ verdict: "allow" });
    });
    const comment = (video: string, text: string, headers: Record<string, string> = {}) =>
      post(`${node.url}/v1/videos/${video}/comments`, { user: "Ann", text }, headers);
    const of = (video: string): Event[] => receiver.events.filter((event) => event.video === video);

    test("what happens is told, each once, signed, in order", async () => {
      reviewer.answer = () => Response.json({ verdict: "allow" });
      const video = "told";
      const viewer = await Viewer.open(`${node.url}/v1/videos/${video}/events`);
      await viewer.until(({ event }) => event === "snapshot");
      const { says } = await comment(video, "one for the hook", { "idempotency-key": "k1" });
      expect((await comment(video, "one for the hook", { "idempotency-key": "k1" })).says).toEqual(says);
      const { id } = says as { id: string };
      for (const count of [2, 2, 1]) {
        await post(`${node.url}/v1/videos/${video}/likes`, { kind: "heart", count });
      }
      const headers = { "x-api-key": key };
      await fetch(`${node.url}/v1/videos/${video}/comments/${id}`, { method: "DELETE", headers });
      await receiver.until(() => of(video).some(({ type }) => type === "comment_removed"));
      viewer.close();
      const sorted = of(video).map(({ id: _, at: __, ...more }) => more);
      expect(sorted).toEqual([
        { type: "video_occupied", video },
        { type: "comment_published", video, comment: id, user: "Ann", text: "one for the hook" },
        { type: "milestone", video, kind: "heart", mark: 3, total: 4 },
        { type: "milestone", video, mark: 3, total: 4 },
        { type: "comment_removed", video, comment: id },
      ]);
      expect(new Set(of(video).map(({ id }) => id)).size).toBe(5);
      for (const got of receiver.got) {
        expect(await signedBy(got, secret)).toEqual([true]);
        expect(Math.abs(Number(got.timestamp) * 1000 - Date.now())).toBeLessThan(120_000);
      }
      for (const { at } of of(video)) expect(Math.abs(at - Date.now())).toBeLessThan(120_000);
    });

    test("a comment that the reviewer denies is never there; one it cannot judge falls back", async () => {
      const video = "reviewed";
      reviewer.answer = ({ body }) =>
        Response.json(
          body.includes("bad") ? { verdict: "deny", message: "mind the rules" } : { verdict: "allow" },
        );
      expect((await comment(video, "a bad one")).says).toEqual({
        error: { code: "review-denied", message: "mind the rules" },
      });
      expect((await comment(video, "a good one")).status).toBe(201);
      reviewer.answer = () => new Response("no", { status: 500 });
      expect((await comment(video, "one that nobody judged")).status).toBe(201);
      for (const got of reviewer.got) expect(await signedBy(got, secret)).toEqual([true]);
      const listed = await (await fetch(`${node.url}/v1/videos/${video}/comments`)).text();
      expect(listed).toContain("a good one");
      expect(listed).not.toContain("a bad one");
      const metrics = await (await fetch(`${node.url}/metrics`)).text();
      expect(metrics).toContain('ovation_reviews_total{outcome="deny"} 1');
      expect(metrics).toContain('ovation_reviews_total{outcome="failed"} 1');
    });

    test("what is waiting at the end is brought first, and nothing secret is in the log", async () => {
      receiver.answer = () => new Response(null, { status: 503 });
      await comment("away", "said while nobody listened");
      await receiver.until(() => of("away").length === 1);
      receiver.answer = () => new Response();
      await comment("last", "said just before the end");
      await node.stop();
      expect(of("last").map(({ text }) => text)).toEqual(["said just before the end"]);
      const logged = node.lines.join("\n");
      if (!isHost(how)) expect(logged).toContain("webhooks are not taken");
      for (const word of [secret, "secret-in-the-url", "nobody listened", "one for the hook", "a good one"]) {
        expect(logged).not.toContain(word);
      }
    });
  });
}

describe.skipIf(!hows.includes("executable"))("the executable", () => {
  test("takes other secrets on SIGHUP, and tells no milestone again after a restart", async () => {
    const receiver = new Receiver();
    const folder = mkdtempSync(join(tmpdir(), "ovation-hooks-"));
    const file = join(folder, "secrets");
    writeFileSync(file, `${secret}\n`);
    const flags = [
      ...[`--webhook-urls=${receiver.url}`, `--webhook-secrets-file=${file}`, "--milestones=3,6"],
      ...[`--data=${join(folder, "data")}`, "--webhook-events=milestone"],
    ];
    const like = (url: string) => post(`${url}/v1/videos/v/likes`, { kind: "heart", count: 3 });
    const marks = () => receiver.events.map(({ mark, kind }) => `${kind ?? "all"} ${mark}`);

    let node = await startExecutable(flags);
    await like(node.url);
    await receiver.until(() => receiver.got.length === 1);
    writeFileSync(file, `${secret}\nthe-next-one-0123456789abcdef012345\n`);
    node.kill("SIGHUP");
    await until("it has reloaded", () => node.lines.some((line) => line.includes('"event":"reloaded"')));
    await node.stop();
    node = await startExecutable(flags);
    await like(node.url);
    await receiver.until(() => receiver.got.length === 2);
    expect(marks()).toEqual(["heart 3", "all 3", "heart 6", "all 6"]);

    writeFileSync(file, "the-next-one-0123456789abcdef012345\n");
    node.kill("SIGHUP");
    await until("it has reloaded", () => node.lines.some((line) => line.includes('"event":"reloaded"')));
    await post(`${node.url}/v1/videos/w/likes`, { kind: "heart", count: 3 });
    await receiver.until(() => receiver.got.length === 3);
    const signed = (which: string) => Promise.all(receiver.got.map((got) => signedBy(got, which)));
    expect(await signed(secret)).toEqual([[true], [true, false], [false]]);
    expect(await signed("the-next-one-0123456789abcdef012345")).toEqual([[false], [false, true], [true]]);
    await node.stop();
    await receiver.goAway();
    rmSync(folder, { recursive: true });
  });

  test.each(hosts)("is understood by the example receiver, under %s", async (host) => {
    const script = join(import.meta.dir, "../../scripts/examples/webhooks.mjs");
    const receiver = Bun.spawn([host === "node" ? "node" : process.execPath, script], {
      env: { PATH: process.env.PATH ?? "", WEBHOOK_SECRET: secret, PORT: "0", DENY: "spoiler" },
      stdio: ["ignore", "pipe", "inherit"],
    });
    const printed = linesOf(receiver.stdout);
    const url = (await printed.next()).value as string;
    const node = await startExecutable([
      ...[`--webhook-urls=${url}`, `--review-url=${url}`, `--webhook-secrets=${secret}`],
      ...["--webhook-events=comment_published", "--review-deadline=10s", "--review-fallback=deny"],
    ]);
    const comment = async (text: string) => (await post(`${node.url}/v1/videos/v/comments`, { text })).status;
    expect([await comment("a spoiler"), await comment("a goal")]).toEqual([422, 201]);
    expect(JSON.parse((await printed.next()).value as string)).toMatchObject({ video: "v", text: "a goal" });
    const forged = await fetch(url, { method: "POST", body: '{"events":[]}' });
    expect(forged.status).toBe(401);
    await node.stop();
    receiver.kill("SIGKILL");
    await receiver.exited;
  });

  test("is not started with a secret that can be guessed, and does not show it", async () => {
    const flags = ["--review-url=http://127.0.0.1:1/", "--webhook-secrets=easily-guessed"];
    const { exitCode, stderr } = Bun.spawnSync([executable, "check", ...flags], { env: {} });
    expect(exitCode).toBe(2);
    expect(stderr.toString()).toContain("webhook secret 1 has 14 bytes, it needs 32");
    expect(stderr.toString()).not.toContain("easily-guessed");
  });
});

for (const how of hows.slice(-1)) {
  test(`${how}: of many comments at once none passes unseen, and the reviewer is not run over`, async () => {
    let [under, most] = [0, 0];
    const reviewer = new Receiver(async ({ body }) => {
      most = Math.max(most, ++under);
      await Bun.sleep(20);
      under--;
      return Response.json({ verdict: body.includes("rude") ? "deny" : "allow" });
    });
    const review = [`--review-url=${reviewer.url}`, "--review-deadline=10s", `--webhook-secrets=${secret}`];
    const node = await startServer(how, review);
    const texts = Array.from({ length: 300 }, (_, i) => (i % 3 === 0 ? `rude ${i}` : `kind ${i}`));
    const url = `${node.url}/v1/videos/flood/comments`;
    const said = await Promise.all(texts.map((text) => post(url, { text })));
    const seen = new Set(reviewer.got.map(({ body }) => (JSON.parse(body) as { text: string }).text));
    for (const [i, text] of texts.entries()) {
      expect([text, said[i]?.status]).toEqual([text, text.startsWith("rude") ? 422 : 201]);
      expect(seen.has(text)).toBe(true);
    }
    expect(most).toBeLessThanOrEqual(reviewLimits.reviewsMax);
    await node.stop();
    await reviewer.goAway();
  });
}
