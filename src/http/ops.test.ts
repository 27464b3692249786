/** What strangers are not told: metrics, and the crowd's size. */
import { describe, expect, test } from "bun:test";
import { fakeDoors } from "../system/fake-doors.ts";
import { ApiKeys } from "../trust/keys.ts";
import { Auth } from "./auth.ts";
import type { Doors } from "./doors.ts";
import { createServer } from "./server.ts";

const scraper = "scraper-key-of-16-chars";
const keyed = new Auth(
  ApiKeys.read([`prom:metrics:${scraper}`, "shop:publish+watch:shop-key-of-16-chars"], "") as ApiKeys,
);

interface Asking {
  readonly from?: string;
  readonly headers?: Record<string, string>;
  readonly host?: string;
  readonly part?: "all" | "staff";
}

async function get(path: string, changes: Partial<Doors>, asking: Asking = {}): Promise<number> {
  const { from = "192.0.2.7", headers = {}, host = "127.0.0.1:8080", part = "all" } = asking;
  const { doors } = fakeDoors(changes);
  const request = new Request(`http://${host}${path}`, { headers });
  return (await createServer(doors, part).fetch(request, { requestIP: () => ({ address: from }) })).status;
}

describe("metrics", () => {
  const metrics = (changes: Partial<Doors>, asking?: Asking) => get("/metrics", changes, asking);

  test("are told to this machine, whoever else may read them", async () => {
    for (const auth of [undefined, keyed]) {
      const changes = auth ? { auth } : {};
      expect(await metrics(changes, { from: "::ffff:127.0.0.1" })).toBe(200);
      expect(
        await metrics(changes, { from: "127.0.0.1", headers: { "x-forwarded-for": "192.0.2.1" } }),
      ).not.toBe(200);
      expect(await metrics(changes, { from: "127.0.0.1", host: "evil.example" })).not.toBe(200);
    }
  });

  test("are told to nobody else without a key, and to keys with that scope", async () => {
    expect(await metrics({})).toBe(403);
    expect(await metrics({ auth: keyed })).toBe(401);
    const as = (key: string) => metrics({ auth: keyed }, { headers: { authorization: `Bearer ${key}` } });
    expect([await as(scraper), await as("shop-key-of-16-chars")]).toEqual([200, 403]);
  });

  test("are told on a port of their own to whoever reaches it", async () => {
    for (const auth of [undefined, keyed]) {
      expect(await metrics(auth ? { auth } : {}, { part: "staff" })).toBe(200);
      expect(await get("/v1/cluster", auth ? { auth } : {}, { part: "staff" })).not.toBe(200);
    }
  });
});

test("the crowd's slider is for whoever may move it", async () => {
  const crowd = { crowd: { fans: 5, set: () => {} } };
  expect(await get("/v1/demo", crowd)).toBe(403);
  expect(await get("/v1/demo", crowd, { from: "127.0.0.1" })).toBe(200);
  expect(await get("/v1/demo", {}, { from: "127.0.0.1" })).toBe(404);
  const admin = new Auth(ApiKeys.read([], "admin-key-of-16-chars") as ApiKeys);
  expect(await get("/v1/demo", { ...crowd, auth: admin }, { from: "127.0.0.1" })).toBe(401);
  const headers = { "x-api-key": "admin-key-of-16-chars" };
  expect(await get("/v1/demo", { ...crowd, auth: admin }, { headers })).toBe(200);
});
