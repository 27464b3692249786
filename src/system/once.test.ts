/** One like per viewer at a real node: over HTTP, with tokens, over restarts, and under `ovation load`. */
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { LoadReport } from "../load/report.ts";
import { mint, parseTokenOptions } from "../program/mint.ts";
import { program } from "./cluster.ts";
import { post, Viewer } from "./events.ts";
import { hows, type Running, startExecutable, startServer } from "./server.ts";

setDefaultTimeout(60_000);

const secret = "0123456789abcdef0123456789abcdef";
const serverKey = "b".repeat(32);
const json = { "content-type": "application/json" };

async function totals(node: Running, video: string, headers = {}): Promise<Record<string, number>> {
  const answer = await fetch(`${node.url}/v1/videos/${video}`, { headers });
  return ((await answer.json()) as { totals: Record<string, number> }).totals;
}

const likesUrl = (node: Running, video: string): string => `${node.url}/v1/videos/${video}/likes`;

function removal(node: Running, video: string, body: object, headers = {}): Promise<Response> {
  const init = { method: "DELETE", headers: { ...json, ...headers }, body: JSON.stringify(body) };
  return fetch(likesUrl(node, video), init);
}

for (const how of hows) {
  describe(how, () => {
    let node: Running;
    beforeAll(async () => {
      node = await startServer(how, ["--like-mode=once", "--kinds=heart,clap"]);
    });
    afterAll(() => node.stop());

    test("a viewer counts once for each kind, and no more after taking it back; all see it", async () => {
      const watching = await Viewer.open(`${node.url}/v1/videos/a/events`);
      for (const viewer of ["ada", "bob", "ada"]) {
        expect((await post(likesUrl(node, "a"), { kind: "heart", viewer })).status).toBe(202);
      }
      expect((await post(likesUrl(node, "a"), { kind: "clap", user: "ada" })).status).toBe(202);
      expect(await totals(node, "a")).toEqual({ heart: 2, clap: 1 });
      expect((await removal(node, "a", { kind: "heart", viewer: "ada" })).status).toBe(202);
      expect((await removal(node, "a", { kind: "heart", viewer: "ada" })).status).toBe(202);
      const query = `${likesUrl(node, "a")}?kind=clap&viewer=ada`;
      expect((await fetch(query, { method: "DELETE" })).status).toBe(202);
      expect(await totals(node, "a")).toEqual({ heart: 1, clap: 0 });
      const { says } = await watching.until(({ says }) => {
        const shown = says.totals as Record<string, number> | undefined;
        return shown?.heart === 1 && shown.clap === 0;
      });
      const versions = watching.heard
        .map(({ says }) => Number(says.version ?? 0))
        .filter((version) => version > 0);
      expect(versions).toEqual(versions.toSorted((a, b) => a - b));
      expect(says.version).toBe(versions.at(-1));
      watching.close();
      expect(await (await fetch(`${node.url}/metrics`)).text()).toContain("ovation_likes_taken_back_total 2");
    });

    test("an old repeat does not undo what came after it", async () => {
      const like = { kind: "heart", viewer: "ada", key: "first" };
      await post(likesUrl(node, "b"), like);
      await removal(node, "b", { kind: "heart", viewer: "ada", key: "second" });
      expect((await post(likesUrl(node, "b"), like)).status).toBe(202);
      expect(await totals(node, "b")).toEqual({ heart: 0 });
    });

    test("a batch likes and takes back, and what is wrong is said clearly", async () => {
      const items = [
        { video: "c", kind: "heart", viewer: "ada" },
        { video: "c", kind: "heart", viewer: "bob" },
        { video: "c", kind: "heart", viewer: "ada", unlike: true },
        { video: "c", kind: "heart", viewer: "eve", count: 2 },
      ];
      const { says } = await post(`${node.url}/v1/likes`, { items });
      const told = says?.items as { status: number; error?: { code: string } }[];
      expect(told.map(({ status, error }) => [status, error?.code] as unknown[])).toEqual([
        [202, undefined],
        [202, undefined],
        [202, undefined],
        [422, "count-not-one"],
      ]);
      expect(await totals(node, "c")).toEqual({ heart: 1 });
      const nameless = await post(likesUrl(node, "c"), { kind: "heart" });
      expect(nameless).toMatchObject({ status: 422, says: { error: { code: "bad-viewer" } } });
    });

    test("with tokens nobody likes in another's name", async () => {
      const flags = [
        "--auth=token",
        `--jwt-secrets=${secret}`,
        `--api-keys=backend:watch+publish:${serverKey}`,
      ];
      const guarded = await startServer(how, ["--like-mode=once", ...flags]);
      const tokenOf = async (sub: string) => {
        const parsed = parseTokenOptions([`--secret=${secret}`, "--video=v", `--sub=${sub}`], {}, () => "");
        if ("mistakes" in parsed) throw new Error(parsed.mistakes.join());
        return { authorization: `Bearer ${await mint(parsed.settings, Date.now(), () => "")}` };
      };
      const [ada, bob, server] = [await tokenOf("ada"), await tokenOf("bob"), { "x-api-key": serverKey }];
      const now = () => totals(guarded, "v", server);
      for (const viewer of ["ada", "x", "y"])
        await post(likesUrl(guarded, "v"), { kind: "heart", viewer }, ada);
      expect(await now()).toEqual({ heart: 1 });
      expect((await removal(guarded, "v", { kind: "heart", viewer: "ada" }, bob)).status).toBe(202);
      expect(await now()).toEqual({ heart: 1 });
      await post(likesUrl(guarded, "v"), { kind: "heart" }, bob);
      expect(await now()).toEqual({ heart: 2 });
      // A server speaks for its viewers: the sub of a token and its viewer are the same.
      await post(likesUrl(guarded, "v"), { kind: "heart", viewer: "bob" }, server);
      expect(await now()).toEqual({ heart: 2 });
      expect((await removal(guarded, "v", { kind: "heart", viewer: "bob" }, server)).status).toBe(202);
      expect(await now()).toEqual({ heart: 1 });
      expect((await removal(guarded, "v", { kind: "heart" })).status).toBe(401);
      await guarded.stop();
    });

    test("`ovation load` proves it: each like is a viewer's own, and merged taps are a mistake", async () => {
      const run = async (...flags: string[]) => {
        const command = [...program, "load", `--url=${node.url}`, "--json", "--viewers=20", "--duration=2"];
        const child = Bun.spawn([...command, ...flags], { cwd: "/", stdio: ["ignore", "pipe", "pipe"] });
        const [out, err] = await Promise.all([
          new Response(child.stdout).text(),
          new Response(child.stderr).text(),
        ]);
        return { code: await child.exited, out, err };
      };
      const kinds = "--kinds=heart,clap";
      const { code, out, err } = await run(kinds, "--likes=100", "--repeat=20");
      expect([code, err]).toEqual([0, ""]);
      const report = JSON.parse(out) as LoadReport;
      expect(report.failures).toEqual([]);
      expect(report.published.likes).toBeGreaterThan(100);
      const merged = await run(kinds, "--likes-batch=3");
      expect(merged.code).toBe(2);
      expect(merged.err).toMatch(/^ovation load: --likes-batch=3: [^\n]+\n$/);
    });
  });
}

test.if(hows.includes("executable"))(
  "who likes what outlives kill -9; the other mode is refused",
  async () => {
    const data = mkdtempSync(join(tmpdir(), "ovation-once-"));
    const flags = [`--data=${data}`, "--like-mode=once"];
    const first = await startExecutable(flags);
    for (let i = 0; i < 30; i++) await post(likesUrl(first, "v"), { kind: "heart", viewer: `${i % 20}` });
    await removal(first, "v", { kind: "heart", viewer: "7" });
    first.kill("SIGKILL");
    await first.exited;
    const second = await startExecutable(flags);
    expect(await totals(second, "v")).toEqual({ heart: 19 });
    await post(likesUrl(second, "v"), { kind: "heart", viewer: "8" });
    await post(likesUrl(second, "v"), { kind: "heart", viewer: "7" });
    expect(await totals(second, "v")).toEqual({ heart: 20 });
    expect(await second.stop()).toBe(0);
    const refused = await startExecutable([`--data=${data}`]).catch((error: Error) => error.message);
    expect(refused).toContain(`${data} has --like-mode=once, this node wants many`);
    rmSync(data, { recursive: true });
  },
);
