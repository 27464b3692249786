/** Which origins may call, and what is told to those who may not. */
import { describe, expect, test } from "bun:test";
import { call, fakeDoors, posted, type Try } from "../system/fake-doors.ts";

const page = "https://page.example";
const allowed = (...corsOrigins: string[]) => ({
  settings: { ...fakeDoors().doors.settings, corsOrigins },
});
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
    expect(await from(page)).toEqual({ origin: null, vary: null, credentials: null });
    expect(await from(page, page)).toEqual({ origin: page, vary: "Origin", credentials: null });
    expect(await from(page, "https://other.example", page)).toMatchObject({ origin: page });
    expect(await from(undefined, page)).toEqual({ origin: null, vary: "Origin", credentials: null });
    expect(await from(page, "*")).toEqual({ origin: "*", vary: null, credentials: null });
    const strangers = ["https://evil.example", "null", "https://page.example.evil", "http://page.example"];
    for (const stranger of [...strangers, "https://PAGE.example", "https://page.example:8443"]) {
      expect(await from(stranger, page)).toEqual({ origin: null, vary: "Origin", credentials: null });
    }
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

  test("of any other is told nothing", async () => {
    for (const origins of [[], ["https://other.example"]]) {
      const { status, response } = await preflight(page, "/v1/videos/v/likes", ...origins);
      expect(status).toBe(204);
      const names = [...response.headers.keys()].filter((name) => name.startsWith("access-control-"));
      expect(names).toEqual([]);
    }
    expect((await preflight(page, "/nope", page)).status).toBe(404);
  });

  test("is not what every OPTIONS is", async () => {
    const { response } = await call({ method: "OPTIONS", path: "/v1/likes", doors: allowed("*") });
    expect([response.status, response.headers.get("allow")]).toEqual([204, "POST, OPTIONS"]);
    expect(response.headers.get("access-control-allow-methods")).toBeNull();
  });
});
