/** Which origins may call, and what is told to those who may not. */
import { describe, expect, test } from "bun:test";
import type { VirtualClock } from "../base/clock.ts";
import { call, fakeDoors, posted, type Try } from "../system/fake-doors.ts";
import { createServer } from "./server.ts";

const page = "https://page.example";
const allowed = (...corsOrigins: string[]) => ({
  settings: { ...fakeDoors().doors.settings, corsOrigins },
});
/** What a refused page finds in its console. */
const refusal = "refused (the server's --cors-origins does not list this page's origin)";
const told = (headers: Headers) => ({
  origin: headers.get("access-control-allow-origin"),
  vary: headers.get("vary"),
  credentials: headers.get("access-control-allow-credentials"),
});

describe("an answer to another origin", () => {
  const like = posted("/v1/videos/v/likes", { kind: "heart" });
  const kinds: [string, Try][] = [
    ["a like", like],
    ["a refusal", posted("/v1/videos/v/likes", { kind: "boo" })],
    ["a stream", { path: "/v1/videos/v/events" }],
    ["a read", { path: "/v1/videos/v" }],
    ["an unknown path", { path: "/nope" }],
    ["a wrong method", { path: "/v1/events", method: "PATCH" }],
  ];
  test.each(kinds)("%s", async (_, tried) => {
    const from = async (origin: string | undefined, ...origins: string[]) => {
      const headers = { ...tried.headers, ...(origin && { origin }) };
      const { response } = await call({ ...tried, headers, doors: allowed(...origins) });
      return told(response.headers);
    };
    expect(await from(page)).toEqual({ origin: refusal, vary: "Origin", credentials: null });
    expect(await from(undefined)).toEqual({ origin: null, vary: null, credentials: null });
    expect(await from(page, page)).toEqual({ origin: page, vary: "Origin", credentials: null });
    expect(await from(page, "https://other.example", page)).toMatchObject({ origin: page });
    expect(await from(undefined, page)).toEqual({ origin: null, vary: "Origin", credentials: null });
    expect(await from(page, "*")).toEqual({ origin: "*", vary: null, credentials: null });
    const strangers = ["https://evil.example", "null", "https://page.example.evil", "http://page.example"];
    for (const stranger of [...strangers, "https://PAGE.example", "https://page.example:8443"]) {
      expect(await from(stranger, page)).toEqual({ origin: refusal, vary: "Origin", credentials: null });
    }
  });

  test("is none to a page of this server's own", async () => {
    const own = async (headers: Record<string, string>, ...origins: string[]) => {
      const { response, asked } = await call({ path: "/v1/videos/v", headers, doors: allowed(...origins) });
      return [response.headers.get("access-control-allow-origin"), asked.logged];
    };
    expect(await own({ origin: "http://node", host: "node" })).toEqual([null, []]);
    // A proxy may have written Host anew; the browser's own word counts.
    const browser = {
      origin: "https://live.example",
      host: "10.0.0.1:8080",
      "sec-fetch-site": "same-origin",
    };
    expect(await own(browser)).toEqual([null, []]);
    expect(await own({ ...browser, "sec-fetch-site": "same-site" })).toMatchObject([
      refusal,
      [expect.anything()],
    ]);
  });

  test("that was refused is logged, once a minute", async () => {
    const { doors, asked } = fakeDoors({ ...allowed(page) });
    const { fetch } = createServer(doors);
    const from = (origin: string) => fetch(new Request("http://node/v1/videos/v", { headers: { origin } }));
    for (let i = 0; i < 5; i++) await from("https://evil.example");
    await from(page);
    expect(asked.logged.map((line) => JSON.parse(line))).toMatchObject([{ origin: "https://evil.example" }]);
    (doors.clock as VirtualClock).advance(60_000);
    await from(`https://${"e".repeat(5_000)}.example`);
    expect(asked.logged).toHaveLength(2);
    expect(asked.logged[1]?.length).toBeLessThan(500);
  });

  test("may read Retry-After", async () => {
    const { response } = await call({
      ...like,
      headers: { ...like.headers, origin: page },
      doors: allowed(page),
    });
    expect(response.headers.get("access-control-expose-headers")).toBe("Retry-After");
  });
});

describe("a preflight", () => {
  const preflight = async (origin: string, path: string, ...origins: string[]) => {
    const headers = { origin, "access-control-request-method": "POST" };
    return call({ method: "OPTIONS", path, headers, doors: allowed(...origins) });
  };

  test("of an allowed origin is told what it may send", async () => {
    for (const origins of [[page], ["*"]]) {
      const { status, response, asked } = await preflight(page, "/v1/videos/v/likes", ...origins);
      expect(status).toBe(204);
      expect(response.headers.get("access-control-allow-methods")).toBe("GET, HEAD, POST, PUT, DELETE");
      const sent = response.headers.get("access-control-allow-headers")?.toLowerCase();
      for (const name of ["idempotency-key", "last-event-id", "authorization", "content-type"]) {
        expect(sent).toContain(name);
      }
      expect(response.headers.get("access-control-allow-credentials")).toBeNull();
      expect(asked.likes).toEqual([]);
    }
  });

  test.each([
    ["Cache-Control, X-Requested-With,traceparent", "Cache-Control, X-Requested-With,traceparent"],
    ["content-type", "content-type"],
    ["x-bad\u00e4, b", undefined],
    ["a b", undefined],
    [`x${"y".repeat(3_000)}`, undefined],
  ])("asks for %p and may send it, if that is what headers are called", async (asks, may) => {
    const headers = {
      ...{ origin: page, "access-control-request-method": "POST", "access-control-request-headers": asks },
    };
    const { response } = await call({ method: "OPTIONS", path: "/v1/likes", headers, doors: allowed(page) });
    const usual = "Authorization, Content-Type, Idempotency-Key, Last-Event-ID, X-API-Key";
    expect(response.headers.get("access-control-allow-headers")).toBe(may ?? usual);
  });

  test.each([
    "capacitor://localhost",
    "ionic://localhost",
    "tauri://localhost",
    "chrome-extension://abcd",
    "null",
  ])("of a program's page, %s, is answered as any other that is listed", async (origin) => {
    const { response } = await preflight(origin, "/v1/likes", origin);
    expect(response.headers.get("access-control-allow-origin")).toBe(origin);
    const other = await preflight(origin, "/v1/likes", page);
    expect(other.response.headers.get("access-control-allow-origin")).toBe(refusal);
  });

  test("of any other is told why, and nothing more", async () => {
    for (const origins of [[], ["https://other.example"]]) {
      const { status, response } = await preflight(page, "/v1/videos/v/likes", ...origins);
      expect(status).toBe(204);
      const names = [...response.headers.keys()].filter((name) => name.startsWith("access-control-"));
      expect(names).toEqual(["access-control-allow-origin"]);
      expect(response.headers.get("access-control-allow-origin")).toBe(refusal);
    }
    expect((await preflight(page, "/nope", page)).status).toBe(404);
  });

  test("is not what every OPTIONS is", async () => {
    const { response } = await call({ method: "OPTIONS", path: "/v1/likes", doors: allowed("*") });
    expect([response.status, response.headers.get("allow")]).toEqual([204, "POST, OPTIONS"]);
    expect(response.headers.get("access-control-allow-methods")).toBeNull();
  });
});
