/**
 * Somebody who holds a valid token and spends it on requests that nobody would write: it opens what it is for
 * and nothing else, gives no more than its allowance, and costs the node neither its memory nor its answers
 * to others. fuzz.test.ts is the same of somebody without any.
 */
import { expect, test } from "bun:test";
import fc from "fast-check";
import { rows } from "../http/routes.ts";
import { mint, parseTokenOptions } from "../program/mint.ts";
import { post } from "./events.ts";
import {
  fitting,
  good,
  growthMax,
  inside,
  megabytes,
  memoryOf,
  request,
  runsOf,
  seed,
  type Tried,
  tryAll,
  warmRuns,
} from "./fuzz-kit.ts";
import { hows, startServer } from "./server.ts";

const secret = "0123456789abcdef0123456789abcdef";
/** Every tenth of what an address without a token may: the run is to meet its bounds. */
const likesPerS = 50;
/** What may come at once; see trust/allowance.ts. */
const burst = 3 * likesPerS;
const key = "only-the-test-knows-it";

async function tokenOf(...flags: string[]): Promise<string> {
  const parsed = parseTokenOptions([`--secret=${secret}`, ...flags], {}, () => "");
  if ("mistakes" in parsed) throw new Error(parsed.mistakes.join("; "));
  return mint(parsed.settings, Date.now(), () => "");
}

/** How a token is carried: as it should be, in ways that are none, or written otherwise. */
const carried = fc.constantFrom(
  "bearer",
  "bearer",
  "bearer",
  "query",
  "cookie",
  "key",
  "padded",
  "spaced",
  "cut",
  "twice",
);

function carry(tried: Tried, how: string, token: string): { query: string; headers: Record<string, string> } {
  const { authorization: _, "x-api-key": __, ...headers } = tried.headers as Record<string, string>;
  const asBearer = (text: string) => ({ query: tried.query, headers: { ...headers, authorization: text } });
  const asQuery = (text: string) => ({ query: `${tried.query || "?"}&token=${text}`, headers });
  if (how === "query") return asQuery(token);
  if (how === "padded") return asQuery(`${token}%3D`);
  if (how === "spaced") return asQuery(`${token.slice(0, -5)}%20${token.slice(-5)}`);
  if (how === "cookie")
    return { query: tried.query, headers: { ...headers, cookie: `ovation_token=${token}` } };
  if (how === "key") return { query: tried.query, headers: { ...headers, "x-api-key": token } };
  if (how === "cut") return asBearer(`Bearer ${token.slice(0, -2)}`);
  return asBearer(how === "twice" ? `Bearer ${token} ${token}` : `Bearer ${token}`);
}

for (const how of hows) {
  test(`${how}: who holds a token does what it is for, and no more (FUZZ_SEED=${seed})`, async () => {
    const node = await startServer(how, [
      ...["--auth=token", `--jwt-secrets=${secret}`, `--admin-key=${key}`, "--demo"],
      ...[`--viewer-likes=${likesPerS}`, "--viewer-work=100000"],
    ]);
    const staff = { "x-api-key": key };
    const token = await tokenOf("--sub=ann", "--video=v");
    // Its own crowd would like what is watched here, too.
    const nobody = {
      method: "PUT",
      body: '{"fans":0}',
      headers: { ...staff, "content-type": "application/json" },
    };
    expect((await fetch(`${node.url}/v1/demo`, nobody)).status).toBe(200);
    const answers: Record<string, number> = {};
    const began = performance.now();
    let accepted = 0;
    const ask = async ([tried, way]: [Tried, string]) => {
      const { method, type } = tried;
      const withBody = !["GET", "HEAD", "OPTIONS"].includes(method);
      const { query, headers } = carry(tried, way, token);
      const leave = new AbortController();
      const response = await fetch(node.url + tried.path + query, {
        ...{ method, signal: leave.signal, redirect: "manual" },
        headers: { ...headers, ...(type && { "content-type": type }) },
        ...(withBody && { body: tried.body }),
      });
      const { status } = response;
      answers[status] = (answers[status] ?? 0) + 1;
      const isStream = response.headers.get("content-type") === "text/event-stream";
      const text = isStream ? "" : await response.text();
      if (isStream) leave.abort();
      expect([status < 500 || status === 503, text]).toEqual([true, text]);
      if (status >= 400) {
        expect(text).not.toMatch(inside);
        expect(text).not.toContain(token);
      }
      const path = tried.path.split("?")[0] ?? "";
      // Not its rights, and not its video.
      const isForbidden = /^\/v1\/(admin|cluster)|^\/v1\/videos\/(?!v\/|v$)/.test(path);
      if (isForbidden && method !== "OPTIONS") expect([path, status >= 400]).toEqual([path, true]);
      if (status === 202 && path === "/v1/videos/v/likes") {
        accepted += Number((JSON.parse(tried.body) as { count?: number }).count ?? 1);
      } else if (status === 202 && path === "/v1/likes") {
        const { items } = JSON.parse(tried.body) as { items: { video: string; count?: number }[] };
        const verdicts = (JSON.parse(text) as { items: { status: number }[] }).items;
        for (const [i, verdict] of verdicts.entries()) {
          if (verdict.status !== 202) continue;
          expect(items[i]?.video).toBe("v");
          accepted += items[i]?.count ?? 1;
        }
      }
    };
    const spent = fc.tuple(
      fc.oneof(
        { weight: 2, arbitrary: request },
        { weight: 2, arbitrary: fitting },
        { weight: 1, arbitrary: good },
      ),
      carried,
    );
    try {
      await fc.assert(fc.asyncProperty(spent, ask), { numRuns: warmRuns, seed });
      const startBytes = memoryOf(node);
      await tryAll(spent, ask, Math.ceil(runsOf(how) / 4));
      const bytes = memoryOf(node);
      const seconds = (performance.now() - began) / 1000;
      const told = Object.entries(answers).map(([status, times]) => `${times} × ${status}`);
      console.log(`fuzz ${how}, with a token: seed ${seed}: ${told.sort().join(", ")}; ${accepted} likes`);
      if (startBytes !== undefined && bytes !== undefined) {
        console.log(`fuzz ${how}: memory ${megabytes(startBytes)} MB before, ${megabytes(bytes)} MB after`);
        expect(bytes).toBeLessThan(growthMax * startBytes);
      }
      expect(accepted).toBeGreaterThan(0);
      expect(accepted).toBeLessThanOrEqual(burst + likesPerS * seconds);
      const totals = async (video: string) => {
        const answer = await fetch(`${node.url}/v1/videos/${video}`, { headers: staff });
        const says = (await answer.json()) as { totals: Record<string, number> };
        return Object.values(says.totals).reduce((sum, count) => sum + count, 0);
      };
      // A repeated key is accepted again and not counted again.
      expect(await totals("v")).toBeLessThanOrEqual(accepted);
      expect(await totals("w")).toBe(0);
      expect((await post(`${node.url}/v1/videos/v/likes`, { kind: "heart" }, staff)).status).toBe(202);
    } finally {
      await node.stop();
    }
  }, 120_000);
}

test("every call of staff is one that this run would notice", () => {
  const staffs = rows
    .filter(({ right }) => right === "moderate" || right === "admin")
    .map(({ path }) => path);
  const known = /^\/v1\/(admin|cluster|demo)|comments\/:comment$/;
  expect(staffs.filter((path) => !known.test(path))).toEqual([]);
});
