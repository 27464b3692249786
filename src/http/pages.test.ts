/** Files of the page: policy, caching, compression, and who may import them. */
import { describe, expect, test } from "bun:test";
import { gunzipSync } from "node:zlib";
import { call } from "../system/fake-doors.ts";
import type { Asset } from "./doors.ts";

const long = `/* ${"å".repeat(2000)} */`;
const assets: readonly Asset[] = [
  { path: "/", type: "text/html", immutable: false, body: "<!doctype html><p>å</p>" },
  { path: "/ovation.js", type: "text/javascript", immutable: false, body: "export {};" },
  { path: "/chunk-abc123.css", type: "text/css", immutable: true, body: long },
];
const get = (path: string, headers: Record<string, string> = {}, method = "GET") =>
  call({ path, headers, method, doors: { assets } });

describe("pages", () => {
  test("a document carries the whole policy and nothing inline can run", async () => {
    const { response, text } = await get("/?video=x");
    expect(text).toBe("<!doctype html><p>å</p>");
    expect(Object.fromEntries(response.headers)).toMatchObject({
      "content-type": "text/html; charset=utf-8",
      "cache-control": "no-cache",
      "content-security-policy":
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; " +
        "img-src 'self' data: blob:; media-src 'self' https: http: blob:; worker-src 'self'; " +
        "base-uri 'none'; form-action 'none'; " +
        "frame-ancestors 'self'; require-trusted-types-for 'script'",
      "x-content-type-options": "nosniff",
      "referrer-policy": "no-referrer",
    });
    expect(response.headers.get("access-control-allow-origin")).toBeNull();
  });

  test("a script may be imported by any origin", async () => {
    const { response } = await get("/ovation.js", { origin: "https://page.example" });
    expect(response.headers.get("access-control-allow-origin")).toBe("*");
    expect(response.headers.get("cross-origin-resource-policy")).toBe("cross-origin");
    expect(response.headers.get("content-type")).toBe("text/javascript; charset=utf-8");
  });

  test("the config names the client of this version, with the hash that a page can pin it by", async () => {
    const body = "export const a = 1;";
    const own = { path: "/ovation-0123456789.js", type: "text/javascript", immutable: true, body };
    const { text } = await call({ path: "/v1/config", doors: { assets: [...assets, own] } });
    const integrity = `sha384-${new Bun.CryptoHasher("sha384").update(body).digest("base64")}`;
    expect(JSON.parse(text).client).toEqual({ path: own.path, integrity });
    expect(JSON.parse((await call({ path: "/v1/config" })).text).client).toBeUndefined();
  });

  test("a hashed file is kept for good", async () => {
    const { response } = await get("/chunk-abc123.css");
    expect(response.headers.get("cache-control")).toBe("public, max-age=31536000, immutable");
  });

  test("is not sent again while it is the same", async () => {
    const etag = (await get("/")).response.headers.get("etag") ?? "";
    expect(etag).toMatch(/^W\/"[\w-]{22}"$/);
    for (const known of [etag, `"x", ${etag}`, etag.slice(2), "*"]) {
      const again = await get("/", { "if-none-match": known });
      expect([again.status, again.text, again.response.headers.get("etag")]).toEqual([304, "", etag]);
    }
    expect((await get("/", { "if-none-match": 'W/"other"' })).status).toBe(200);
    expect((await get("/ovation.js", { "if-none-match": etag })).status).toBe(200);
  });

  test("is compressed for those who can read it, when it is worth it", async () => {
    const faked = await get("/chunk-abc123.css", { "accept-encoding": "br;q=1, gzip;q=0.5" });
    expect(faked.response.headers.get("content-encoding")).toBe("gzip");
    expect(faked.response.headers.get("vary")).toBe("Accept-Encoding");
    const plain = await get("/chunk-abc123.css", { "accept-encoding": "identity" });
    expect(plain.response.headers.get("content-encoding")).toBeNull();
    expect(plain.response.headers.get("vary")).toBe("Accept-Encoding");
    expect(plain.text).toBe(long);
    const small = await get("/", { "accept-encoding": "gzip" });
    expect(small.response.headers.get("content-encoding")).toBeNull();
  });

  test("answers HEAD without a body, and no other method", async () => {
    const head = await get("/", {}, "HEAD");
    expect([head.status, head.text]).toEqual([200, ""]);
    expect(head.response.headers.get("etag")).toStartWith('W/"');
    expect((await get("/", {}, "POST")).status).toBe(405);
  });
});

test("gzip decodes to the same bytes", async () => {
  const { pagesOf } = await import("./pages.ts");
  const page = pagesOf(assets).get("/chunk-abc123.css");
  const request = new Request("http://node/", { headers: { "accept-encoding": "gzip" } });
  const bytes = await page?.(request).bytes();
  expect(gunzipSync(bytes ?? "").toString()).toBe(long);
});
