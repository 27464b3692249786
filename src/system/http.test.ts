/** The HTTP table of a real node, row by row: in this process, as the executable, and mounted in examples. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { limits } from "../core/limits.ts";
import { post, Viewer } from "./events.ts";
import { Raw } from "./raw.ts";
import { refusals } from "./refusals.ts";
import { hosts, hows, isHost, type Running, startServer } from "./server.ts";

const json = { "content-type": "application/json" };

/** Rows with doors of their own need fake ones; here an admin key is set, and fetch mends a doubled slash. */
const tried = refusals.filter(
  ([, { doors, path }, , code]) => !doors && code !== "admin-off" && !path.startsWith("//"),
);

/** In another program, a path that is not ours is that program's to answer. */
const ofTheHost = ["an unknown path", "a slash too many"];

function statuses(verdicts: Record<string, unknown> | undefined): number[] {
  return (verdicts?.items as { status: number }[] | undefined)?.map(({ status }) => status) ?? [];
}

for (const how of [...hows, ...hosts]) {
  describe(how, () => {
    let node: Running;
    beforeAll(async () => {
      node = await startServer(how, ["--admin-key=s3cret-of-this-test", "--kinds=heart,clap"]);
    });
    afterAll(() => node.stop());

    const get = async (path: string) => {
      const response = await fetch(node.url + path);
      return { status: response.status, says: (await response.json()) as Record<string, unknown> };
    };
    const totals = async (video: string) => (await get(`/v1/videos/${video}`)).says;

    test("a like is counted by its count; a repeated key once, and for nothing else", async () => {
      const path = `${node.url}/v1/videos/likes/likes`;
      expect(await post(path, { kind: "heart", count: 3 })).toEqual({ status: 202, says: {} });
      expect((await post(path, { kind: "clap" })).status).toBe(202);
      for (const [count, status] of [
        [5, 202],
        [5, 202],
        [7, 409],
      ]) {
        expect((await post(path, { kind: "heart", count }, { "idempotency-key": "k" })).status).toBe(
          status as number,
        );
      }
      const other = await post(path, { kind: "clap", count: 5, key: "k" });
      expect([other.status, other.says]).toMatchObject([409, { error: { code: "key-used" } }]);
      expect((await post(path, { kind: "heart", count: 5, key: "k" })).status).toBe(202);
      expect(await totals("likes")).toEqual({
        video: "likes",
        totals: { heart: 8, clap: 1 },
        viewers: 0,
        version: expect.any(Number),
      });
    });

    test("a batch is counted item by item", async () => {
      const items = [
        { video: "batch-a", kind: "heart", count: 2, key: "1" },
        { video: "batch-a", kind: "heart", count: 2, key: "1" },
        { video: "batch-b", kind: "clap", count: 51 },
        { video: "batch-b", kind: "clap", count: 50 },
      ];
      const { status, says } = await post(`${node.url}/v1/likes`, { items });
      expect(status).toBe(202);
      expect(statuses(says)).toEqual([202, 202, 422, 202]);
      expect((await totals("batch-a")).totals).toEqual({ heart: 2 });
      expect((await totals("batch-b")).totals).toEqual({ clap: 50 });
    });

    test("a full batch of full items fits", async () => {
      const items = Array.from({ length: limits.batchItemsMax }, (_, i) => ({
        video: `full-${i % 7}`,
        kind: "heart",
        count: 1,
        key: `${i}-`.padEnd(limits.keyBytesMax, "x"),
      }));
      const { status, says } = await post(`${node.url}/v1/likes`, { items });
      expect(status).toBe(202);
      expect(new Set(statuses(says))).toEqual(new Set([202]));
    });

    test("comments keep every character, in order, and are listed in pages", async () => {
      const texts = [
        "  spaces stay  ",
        "👩‍👩‍👧‍👦🏳️‍🌈",
        "e\u0301 is not é",
        "\u202eright to left\u202c \u2028\u2029 \ufeff",
        '<script>alert("1")</script> & \\ "quotes" \u00a0',
        "data: x",
        "𝕌".repeat(limits.commentCharsMax),
      ];
      const ids: unknown[] = [];
      for (const text of texts) {
        const { status, says } = await post(`${node.url}/v1/videos/said/comments`, { text, user: "Ünï 名" });
        expect(status).toBe(201);
        ids.push(says?.id);
      }
      expect(new Set(ids).size).toBe(texts.length);
      const all = (await get("/v1/videos/said/comments")).says;
      const listed = all.comments as { id: string; text: string; user: string; video: string; at: number }[];
      expect(listed.map(({ id, text, user, video }) => ({ id, text, user, video }))).toEqual(
        texts.map((text, i) => ({ id: String(ids[i]), text, user: "Ünï 名", video: "said" })),
      );
      expect(all.more).toBe(false);
      const page = (await get(`/v1/videos/said/comments?after=${ids[1]}&limit=2`)).says;
      expect((page.comments as { id: unknown }[]).map(({ id }) => id)).toEqual([ids[2], ids[3]]);
      expect(page.more).toBe(true);
      const foreign = (await get("/v1/videos/said/comments?after=zzzz-1&limit=3")).says;
      expect((foreign.comments as { id: unknown }[]).map(({ id }) => id)).toEqual(ids.slice(-3));
      expect(foreign.reset).toBe(true);
    });

    test("a repeated comment gives the first one's id", async () => {
      const said = () =>
        post(`${node.url}/v1/videos/once/comments`, { text: "once" }, { "idempotency-key": "c" });
      const first = await said();
      expect(await said()).toEqual(first);
      const path = `${node.url}/v1/videos/once/comments`;
      expect((await post(path, { text: "twice" }, { "idempotency-key": "c" })).status).toBe(409);
      expect((await get("/v1/videos/once/comments")).says.comments).toHaveLength(1);
    });

    test("a removed comment leaves the listing", async () => {
      const { says } = await post(`${node.url}/v1/videos/gone/comments`, { text: "oops" });
      const remove = (key: string) =>
        fetch(`${node.url}/v1/videos/gone/comments/${says?.id}`, {
          method: "DELETE",
          headers: { authorization: `Bearer ${key}` },
        });
      expect((await remove("wrong")).status).toBe(401);
      expect((await get("/v1/videos/gone/comments")).says.comments).toHaveLength(1);
      expect((await remove("s3cret-of-this-test")).status).toBe(204);
      expect((await get("/v1/videos/gone/comments")).says.comments).toEqual([]);
    });

    const ours = tried.filter(([name]) => !isHost(how) || !ofTheHost.includes(name));
    test.each(ours)("%s: refused, and nothing changed", async (...row) => {
      const [, { method = "GET", path, headers = {}, body }, status, code] = row;
      const response = await fetch(node.url + path, { method, headers, ...(body && { body }) });
      const says = (await response.json()) as { error: { code: string } };
      expect([response.status, says.error.code]).toEqual([status, code]);
      expect((await totals("v")).totals).toEqual({});
      expect((await get("/v1/videos/v/comments")).says.comments).toEqual([]);
    });

    test.skipIf(!isHost(how))(`the host's own pages and refusals stay its own`, async () => {
      expect(await (await fetch(`${node.url}/hello`)).text()).toBe("this page is ours");
      for (const path of ["/v2/videos/v", "/v1/videos/v/events/"]) {
        const response = await fetch(node.url + path);
        expect([response.status, await response.text()]).toEqual([404, "404 Not Found"]);
      }
    });

    test("a body announced as too large is refused before it is sent", async () => {
      const raw = await Raw.open(node.port);
      const head = "POST /v1/videos/v/likes HTTP/1.1\r\nHost: test\r\nContent-Type: application/json\r\n";
      raw.send(`${head}Content-Length: ${limits.bodyBytesMax + 1}\r\n\r\n`);
      expect(await raw.until((received) => received.includes("too-large"))).toStartWith("HTTP/1.1 413 ");
      raw.close();
    });

    test("a chunked body is refused once it is too large, and never sent in full", async () => {
      const raw = await Raw.open(node.port);
      const head = "POST /v1/videos/v/likes HTTP/1.1\r\nHost: test\r\nContent-Type: application/json\r\n";
      raw.send(`${head}Transfer-Encoding: chunked\r\n\r\n`);
      for (let sent = 0; sent <= limits.bodyBytesMax; sent += 4096)
        raw.send(`1000\r\n${" ".repeat(4096)}\r\n`);
      expect(await raw.until((received) => received.includes("too-large"))).toStartWith("HTTP/1.1 413 ");
      raw.close();
    });

    test("a chunked body within the bound is read whole", async () => {
      const raw = await Raw.open(node.port);
      const head =
        "POST /v1/videos/chunked/likes HTTP/1.1\r\nHost: test\r\nContent-Type: application/json\r\n";
      raw.send(`${head}Transfer-Encoding: chunked\r\n\r\n9\r\n{"kind":"\r\n7\r\nheart"}\r\n0\r\n\r\n`);
      expect(await raw.until((received) => received.includes("\r\n\r\n"))).toStartWith("HTTP/1.1 202 ");
      expect((await totals("chunked")).totals).toEqual({ heart: 1 });
      raw.close();
    });

    test("requests of one connection are answered in order", async () => {
      const raw = await Raw.open(node.port);
      raw.send(
        ["/health/live", "//v1/events", "/v1/videos/a.b"]
          .map((p) => `GET ${p} HTTP/1.1\r\nHost: t\r\n\r\n`)
          .join(""),
      );
      const received = await raw.until(
        (text) => text.split("HTTP/1.1 ").length === 4 && text.includes("bad-video"),
      );
      expect([...received.matchAll(/HTTP\/1\.1 (\d+)/g)].map((m) => m[1])).toEqual(["200", "404", "400"]);
      raw.close();
    });

    test("poll answers at once with what there is, and later with what comes", async () => {
      const first = (await get("/v1/videos/polled/poll?wait=20")).says;
      expect(first).toMatchObject({ video: "polled", totals: {}, comments: [], retracted: [] });
      const waiting = get(`/v1/videos/polled/poll?after=${first.cursor}&wait=20`);
      await post(`${node.url}/v1/videos/polled/likes`, { kind: "heart", count: 4 });
      const second = (await waiting).says;
      expect(second).toMatchObject({ totals: { heart: 4 } });
      const more = get(`/v1/videos/polled/poll?after=${second.cursor}&wait=20`);
      const said = await post(`${node.url}/v1/videos/polled/comments`, { text: "hi" });
      expect((await more).says).toMatchObject({ comments: [{ id: said.says?.id, text: "hi" }] });
      const lost = (await get("/v1/videos/polled/poll?after=garbage")).says;
      expect(lost).toMatchObject({ reset: true, totals: { heart: 4 }, comments: [{ text: "hi" }] });
    });

    test("HEAD on a stream is answered and is no viewer", async () => {
      const response = await fetch(`${node.url}/v1/videos/headed/events`, { method: "HEAD" });
      expect(response.status).toBe(200);
      expect(response.headers.get("content-type")).toBe("text/event-stream");
      expect((await totals("headed")).viewers).toBe(0);
    });

    test("what a page must know", async () => {
      const { says } = await get("/v1/config");
      expect(says).toMatchObject({ kinds: ["heart", "clap"], role: "both", demo: false, media: false });
    });

    test("health and metrics", async () => {
      expect((await get("/health/live")).status).toBe(200);
      expect((await get("/health/ready")).status).toBe(200);
      const viewer = await Viewer.open(`${node.url}/v1/videos/metered/events`);
      await viewer.until(({ event }) => event === "snapshot");
      const response = await fetch(`${node.url}/metrics`);
      expect(response.headers.get("content-type")).toStartWith("text/plain; version=0.0.4");
      const text = await response.text();
      expect(text).toMatch(/^ovation_connections 1$/m);
      expect(text).toMatch(/^ovation_likes_accepted_total \d+$/m);
      expect(text).toMatch(/^ovation_build_info\{.*\} 1$/m);
      expect(text).toMatch(
        /^ovation_http_requests_total\{route="\/v1\/videos\/\{video\}",code="200"\} \d+$/m,
      );
      expect(text).not.toMatch(/video="|metered/);
      viewer.close();
    });

    test("the page, the script and their policies", async () => {
      const page = await fetch(`${node.url}/`);
      expect(page.headers.get("content-type")).toStartWith("text/html");
      expect(page.headers.get("content-security-policy")).toContain("default-src 'none'; script-src 'self'");
      const script = await fetch(`${node.url}/ovation.js`);
      expect(script.headers.get("access-control-allow-origin")).toBe("*");
      const etag = page.headers.get("etag") ?? "";
      expect((await fetch(`${node.url}/`, { headers: { "if-none-match": etag } })).status).toBe(304);
    });

    test("every path knows its methods", async () => {
      const response = await fetch(`${node.url}/v1/videos/v/comments`, { method: "PATCH", headers: json });
      expect([response.status, response.headers.get("allow")]).toEqual([405, "POST, GET, HEAD, OPTIONS"]);
      expect(await response.json()).toMatchObject({ error: { code: "method-not-allowed" } });
    });
  });
}
