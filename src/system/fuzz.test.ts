/**
 * Requests that nobody would write, at a real node: it must answer each with a status of its own, tell
 * nothing of its inside, keep its totals to what it accepted, and never let a text become an event.
 */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import fc from "fast-check";
import { rows } from "../http/routes.ts";
import { Viewer } from "./events.ts";
import { Raw } from "./raw.ts";
import { type How, hows, type Running, startServer } from "./server.ts";
import { hiddenVideo, smuggled } from "./smuggling.ts";

/** Of a stack, a source path, a runtime's error page. */
const inside = /\bat [\w.<>]+ \(|\.ts:\d|node_modules|\$bunfs|\/work\/|<!doctype|TypeError|SyntaxError/i;
const seed = Number(process.env.FUZZ_SEED ?? Math.floor(Math.random() * 2 ** 31));
/** Of requests, and again of bytes: 20,000 at the executable unless told otherwise. */
const runsOf = (how: How): number => Number(process.env.FUZZ_RUNS ?? (how === "executable" ? 10_000 : 400));
/** Bytes of memory after the run for each before it, once warm: what was asked must not pile up. */
const growthMax = 1.5;
const warmRuns = 400;
/** Runs from which several go on at once, each with a seed of its own. */
const manyRuns = 100_000;
const lanesOfMany = 8;
/** Runs `numRuns` times in all. */
async function tryAll<T>(
  made: fc.Arbitrary<T>,
  run: (one: T) => Promise<void>,
  numRuns: number,
): Promise<void> {
  const lanes = numRuns < manyRuns ? 1 : lanesOfMany;
  await Promise.all(
    Array.from({ length: lanes }, (_, lane) =>
      fc.assert(fc.asyncProperty(made, run), { numRuns: Math.ceil(numRuns / lanes), seed: seed + lane }),
    ),
  );
}

const nasty = fc.oneof(
  fc.string({ unit: "binary", maxLength: 40 }),
  fc.constantFrom(
    "",
    "__proto__",
    "constructor",
    "a\r\nevent: bye\r\ndata: {}\r\n\r\n",
    "a\n\nid: x",
    "v 5\r\nhello\r\nPUB admin.evil",
    "../../etc/passwd",
    "%2e%2e%2f",
    "\u0000",
    "*",
    ">",
    "a.b",
    "💥".repeat(300),
    "x".repeat(5000),
  ),
);
const segment = fc.oneof(
  { weight: 3, arbitrary: fc.constantFrom("v", "w") },
  nasty.map((text) => encodeURIComponent(text.toWellFormed())),
  fc.string({ unit: "grapheme-ascii", maxLength: 20 }).map((text) => text.replace(/[?#\s]/g, "_")),
);
const path = fc.oneof(
  fc.tuple(fc.constantFrom(...rows.map((row) => row.path)), segment, segment).map(([template, a, b]) => {
    const filled = [a, b];
    return template.replace(/:[a-z]+(\{\.\+\})?/g, () => filled.shift() ?? "v");
  }),
  fc.array(segment, { maxLength: 6 }).map((segments) => `/${segments.join("/")}`),
);
const query = fc.oneof(
  fc.constant(""),
  fc
    .array(fc.tuple(fc.constantFrom("video", "after", "wait", "limit", "last_event_id", "x"), nasty), {
      maxLength: 4,
    })
    .map((pairs) => `?${new URLSearchParams(pairs.map(([name, value]) => [name, value.toWellFormed()]))}`)
    // A poll that waits is an answer too, but this test does not wait for it.
    .map((text) => text.replace(/wait=\d+/g, "wait=0")),
);
const field = fc.oneof(
  nasty,
  fc.integer({ min: -2, max: 60 }),
  fc.double(),
  fc.constantFrom(null, true, [], {}, "heart", "clap"),
  fc.jsonValue({ maxDepth: 3 }),
);
const body = fc.oneof(
  fc
    .dictionary(
      // Without "fans": a crowd called up by chance would add to the totals held against what was accepted.
      fc.constantFrom("kind", "count", "user", "key", "text", "items", "seconds", "__proto__", "x"),
      field,
    )
    .map((fields) => JSON.stringify(fields)),
  fc
    .record({ kind: fc.constantFrom("heart", "clap"), count: fc.integer({ min: 1, max: 50 }) })
    .map((like) => {
      return JSON.stringify(like);
    }),
  fc.record({ text: nasty, user: nasty }).map((comment) => JSON.stringify(comment)),
  fc
    .array(fc.record({ video: fc.constantFrom("v", "a b"), kind: field, count: field }), { maxLength: 20 })
    .map((items) => JSON.stringify({ items })),
  nasty,
  fc.integer({ min: 1, max: 20_000 }).map((depth) => "[".repeat(depth)),
);
const headers = fc.dictionary(
  fc.constantFrom(
    "idempotency-key",
    "last-event-id",
    "origin",
    "authorization",
    "x-api-key",
    "if-none-match",
    "range",
  ),
  fc.string({ unit: "grapheme-ascii", minLength: 1, maxLength: 200 }).map((text) => text.trim()),
);
const odd = fc.record({
  method: fc.constantFrom("GET", "POST", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS", "POST", "POST"),
  path,
  query,
  headers,
  type: fc.constantFrom("application/json", "application/json; charset=utf-8", "text/plain", ""),
  body,
});
/** As odd, at a row of the table and with its method: what gets past the router. */
const fitting: typeof odd = fc
  .tuple(fc.constantFrom(...rows), fc.constantFrom("v", "w"), segment, odd)
  .map(([row, video, other, rest]) => {
    const filled = row.path.includes(":connection") ? [other, video] : [video, other];
    const path = row.path.replace(/:[a-z]+(\{\.\+\})?/g, () => filled.shift() ?? "v");
    return { ...rest, path, method: row.method };
  });
/** Some must be taken, or the totals would be held against nothing. */
const good: typeof odd = fc.record({
  method: fc.constant("POST"),
  path: fc.constantFrom("/v1/videos/v/likes", "/v1/videos/w/likes"),
  query: fc.constant(""),
  headers: fc.constant({}),
  type: fc.constant("application/json"),
  body: fc.integer({ min: 1, max: 50 }).map((count) => JSON.stringify({ kind: "heart", count })),
});
const request = fc.oneof(
  { weight: 4, arbitrary: odd },
  { weight: 5, arbitrary: fitting },
  { weight: 1, arbitrary: good },
);

/** Bytes of memory that an executable holds; undefined where it is not a process of its own. */
function memoryOf(node: Running): number | undefined {
  if (!("pid" in node)) return undefined;
  const status = readFileSync(`/proc/${node.pid}/status`, "utf8");
  return 1024 * Number(/^VmRSS:\s+(\d+) kB/m.exec(status)?.[1]);
}

const megabytes = (bytes: number): string => (bytes / 1_000_000).toFixed(1);

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
      const ask = async (tried: typeof request extends fc.Arbitrary<infer T> ? T : never) => {
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
