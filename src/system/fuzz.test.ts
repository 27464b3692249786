/**
 * Requests that nobody would write, at a real node: it must answer each with a status of its own, tell
 * nothing of its inside, keep its totals to what it accepted, and never let a text become an event.
 */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import fc from "fast-check";
import { Viewer } from "./events.ts";
import {
  growthMax,
  inside,
  lanesOfMany,
  megabytes,
  memoryOf,
  request,
  runsOf,
  seed,
  type Tried,
  tryAll,
  warmRuns,
} from "./fuzz-kit.ts";
import { Raw } from "./raw.ts";
import { hows, type Running, startServer } from "./server.ts";
import { hiddenVideo, smuggled } from "./smuggling.ts";

for (const how of hows) {
  describe(`${how} (FUZZ_SEED=${seed})`, () => {
    const numRuns = runsOf(how);
    const answers: Record<string, number> = {};
    let node: Running;
    let viewer: Viewer;
    beforeAll(async () => {
      node = await startServer(how, [
        "--admin-key=only-the-test-knows",
        "--demo",
        "--cors-origins=https://page.example",
      ]);
      // Only likes of this test are counted.
      const nobody = await fetch(`${node.url}/v1/demo`, {
        method: "PUT",
        headers: { "content-type": "application/json", "x-api-key": "only-the-test-knows" },
        body: '{"fans":0}',
      });
      expect(nobody.ok).toBe(true);
      viewer = await Viewer.open(`${node.url}/v1/events?video=v&video=w`);
      await viewer.until(({ event }) => event === "snapshot");
    });
    afterAll(() => node.stop());

    test("every answer is one of ours", async () => {
      let accepted = 0;
      const ask = async (tried: Tried) => {
        const { method, type } = tried;
        const withBody = !["GET", "HEAD", "OPTIONS"].includes(method);
        const leave = new AbortController();
        const response = await fetch(node.url + tried.path + tried.query, {
          method,
          headers: { ...tried.headers, ...(type && { "content-type": type }) },
          signal: leave.signal,
          redirect: "manual",
          ...(withBody && { body: tried.body }),
        });
        answers[response.status] = (answers[response.status] ?? 0) + 1;
        const stream = response.headers.get("content-type") === "text/event-stream";
        const text = stream ? "" : await response.text();
        if (stream) leave.abort();
        expect([response.status < 500 || response.status === 503, text]).toEqual([true, text]);
        // A head of more than 16 KB is refused by the runtime, without a word.
        if (response.status >= 400 && response.status !== 431 && method !== "HEAD") {
          expect(JSON.parse(text)).toMatchObject({ error: { code: expect.any(String) } });
          expect(text).not.toMatch(inside);
        }
        expect(response.headers.get("access-control-allow-origin") ?? "*").toMatch(
          // A page that is not listed is told why in its console, by a value that lets nobody in.
          /^(\*|https:\/\/page\.example|refused \(the server's --cors-origins does not list .*\))$/,
        );
        if (response.status === 202 && /\/(v|w)\/likes$/.test(tried.path)) {
          accepted += Number((JSON.parse(tried.body) as { count?: number }).count ?? 1);
        } else if (response.status === 202 && tried.path === "/v1/likes") {
          const items = (JSON.parse(tried.body) as { items: { count?: number }[] }).items;
          const verdicts = (JSON.parse(text) as { items: { status: number }[] }).items;
          for (const [i, { status }] of verdicts.entries())
            if (status === 202) accepted += items[i]?.count ?? 1;
        }
      };
      await fc.assert(fc.asyncProperty(request, ask), { numRuns: warmRuns, seed: seed + lanesOfMany });
      const startBytes = memoryOf(node);
      await tryAll(request, ask, numRuns);
      const bytes = memoryOf(node);
      const told = Object.entries(answers).map(([status, times]) => `${times} × ${status}`);
      console.log(`fuzz ${how}: seed ${seed}, ${numRuns} requests: ${told.sort().join(", ")}`);
      if (startBytes !== undefined && bytes !== undefined) {
        console.log(`fuzz ${how}: memory ${megabytes(startBytes)} MB before, ${megabytes(bytes)} MB after`);
        expect(bytes).toBeLessThan(growthMax * startBytes);
      }

      let total = 0;
      for (const video of ["v", "w"]) {
        const says = (await (await fetch(`${node.url}/v1/videos/${video}`)).json()) as { totals: object };
        total += Object.values(says.totals).reduce((sum: number, count: number) => sum + count, 0);
      }
      expect(accepted).toBeGreaterThan(0);
      // A repeated key is accepted again and not counted again.
      expect(total).toBeLessThanOrEqual(accepted);
    });

    test("every event is one of ours", async () => {
      const says = { text: "the last one", user: "fuzz" };
      await fetch(`${node.url}/v1/videos/v/comments`, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify(says),
      });
      await viewer.until((heard) => heard.says.text === says.text);
      const ours = ["hello", "snapshot", "likes", "comment", "viewers", "beat"];
      for (const { event, id, says } of viewer.heard) {
        expect(ours).toContain(event);
        if (event !== "hello" && event !== "beat") expect(["v", "w"]).toContain(String(says.video));
        if (id !== undefined) expect(id).toMatch(/^[a-z0-9]+-\d+$/);
      }
    });

    test("a request hidden in another is never carried out", async () => {
      for (const [name, bytes] of Object.entries(smuggled)) {
        const raw = await Raw.open(node.port);
        raw.send(Buffer.from(bytes, "latin1"));
        // What it is answered differs, and some wait for more; what was hidden would be counted by the end of
        // an exchange that began later.
        const later = fetch(`${node.url}/health/live`).then(() => fetch(`${node.url}/v1/config`));
        await Promise.race([raw.untilEnd(), later]);
        const state = await fetch(`${node.url}/v1/videos/${hiddenVideo}`);
        expect([name, ((await state.json()) as { version: number }).version]).toEqual([name, 0]);
        expect(raw.received).not.toMatch(/^HTTP\/1\.1 202/m);
        raw.close();
      }
    });

    test("bytes that are no request end in a refusal or a closed connection", async () => {
      const bytes = fc.oneof(
        fc.uint8Array({ minLength: 1, maxLength: 300 }).map((list) => Buffer.from(list)),
        fc
          .tuple(request, fc.array(fc.tuple(fc.nat(400), fc.nat(255)), { maxLength: 5 }))
          .map(([{ method, path, query, body }, changes]) => {
            const type = "Content-Type: application/json";
            const head = `${method} ${path}${query} HTTP/1.1\r\nHost: x\r\n${type}\r\n`;
            const text = Buffer.from(`${head}Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`);
            for (const [at, byte] of changes) text[at % text.length] = byte;
            return text;
          }),
      );
      const send = async (sent: Buffer) => {
        const raw = await Raw.open(node.port);
        raw.send(sent);
        // The second request is answered when the first one was whole; a broken one ends the connection, or
        // waits.
        raw.send("\r\n\r\nGET /health/live HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
        await Promise.race([
          raw.untilEnd(),
          fetch(`${node.url}/health/live`).then(() => fetch(`${node.url}/v1/config`)),
        ]);
        for (const [, status] of raw.received.matchAll(/HTTP\/1\.1 (\d{3})/g)) {
          expect(Number(status) < 500 || [501, 503, 505].includes(Number(status))).toBe(true);
        }
        if (!raw.received.includes("text/html")) expect(raw.received).not.toMatch(inside);
        raw.close();
      };
      await tryAll(bytes, send, numRuns);
      expect((await fetch(`${node.url}/health/ready`)).status).toBe(200);
      expect(node.lines.filter((line) => /"level":"error"/.test(line))).toEqual([]);
    });
  });
}
