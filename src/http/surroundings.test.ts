/** What a server hands to Hono: where the peer is, and bodies that a parser came to first. */
import { describe, expect, test } from "bun:test";
import { fakeDoors, posted } from "../system/fake-doors.ts";
import type { Message, Surroundings } from "./app.ts";
import { createServer } from "./server.ts";
import { isThisMachine, peerIn, withBody } from "./surroundings.ts";

const request = new Request("http://test/");
const peer = { requestIP: () => ({ address: "192.0.2.1" }) };

class BunServer {
  readonly #address = "192.0.2.1";
  requestIP() {
    return { address: this.#address };
  }
}

test.each([
  ["our own listener", { peer }],
  ["Bun's server", new BunServer()],
  ["@hono/node-server", { incoming: { socket: { remoteAddress: "192.0.2.1" } } }],
])("%s tells it", (_, surroundings) => {
  expect(peerIn(surroundings)?.requestIP(request)?.address).toBe("192.0.2.1");
});

test.each([
  ["nothing", undefined],
  ["an empty object", {}],
  ["a socket that has ended", { incoming: { socket: { remoteAddress: undefined } } }],
  ["another platform's", { ASSETS: {}, incoming: 5 } as unknown as Surroundings],
])("%s tells none", (_, surroundings) => {
  expect(peerIn(surroundings)).toBeUndefined();
});

describe("a body", () => {
  const like = posted("/v1/videos/v/likes", { kind: "heart", count: 2 });
  const asked = () => {
    const headers = { ...like.headers, "content-length": "27" };
    return new Request("http://test/v1/videos/v/likes", { method: "POST", headers, body: like.body ?? "" });
  };
  const answered = async (incoming: Message) => {
    const faked = fakeDoors();
    const { app } = createServer(faked.doors);
    const request = asked();
    // As it is after a parser.
    if (incoming.readableEnded) await request.text();
    const first = await app.fetch(request, { incoming });
    return {
      status: first.status,
      text: await first.text(),
      again: () => app.fetch(asked(), { incoming }),
      faked,
    };
  };

  test.each<[string, Message]>([
    ["nobody has read", { readableEnded: false }],
    ["Express' json() has parsed", { readableEnded: true, body: { kind: "heart", count: 2 } }],
    [
      "Express' raw() has kept",
      { readableEnded: true, body: new TextEncoder().encode('{"kind":"heart","count":2}') },
    ],
    ["Express' text() has kept", { readableEnded: true, body: '{"kind":"heart","count":2}' }],
  ])("that %s arrives", async (_, incoming) => {
    const { status, faked } = await answered(incoming);
    expect(status).toBe(202);
    expect(faked.asked.likes as unknown[]).toMatchObject([{ kind: "heart", count: 2 }]);
  });

  test("that is gone is named in the answer, and in the log once a minute", async () => {
    const { status, text, again, faked } = await answered({ readableEnded: true });
    expect([status, JSON.parse(text).error.message]).toEqual([
      500,
      expect.stringContaining("mount Ovation before its body parsers"),
    ]);
    await again();
    expect(faked.asked.logged).toHaveLength(1);
    expect(faked.asked.logged[0]).toContain("body parsers");
  });

  test("is asked for only where there is one", () => {
    const get = new Request("http://test/v1/videos/v");
    expect(withBody(get, { incoming: { readableEnded: true } })).toBe(get);
    const empty = new Request("http://test/", { method: "DELETE" });
    expect(withBody(empty, { incoming: { readableEnded: true } })).toBe(empty);
  });
});

describe("whoever sits at this machine", () => {
  const own = (address: string, url = "http://localhost:8080/", headers: Record<string, string> = {}) =>
    isThisMachine({
      request: new Request(url, { headers }),
      peer: { requestIP: () => ({ address }) },
    });

  test("has a socket of its own, and calls it by its own name", () => {
    for (const address of ["127.0.0.1", "127.8.9.1", "::1", "::ffff:127.0.0.1"])
      expect(own(address)).toBe(true);
    for (const url of ["http://127.0.0.1/", "https://127.0.0.1:9/x", "http://[::1]:8080/"]) {
      expect(own("127.0.0.1", url)).toBe(true);
    }
  });

  test("is not who comes from elsewhere, through a proxy, or by a name that somebody else gave it", () => {
    for (const address of ["192.0.2.1", "::ffff:192.0.2.1", "2001:db8::1", ""])
      expect(own(address)).toBe(false);
    for (const name of ["x-forwarded-for", "x-real-ip", "forwarded", "via", "x-forwarded-host"]) {
      expect(own("127.0.0.1", undefined, { [name]: "127.0.0.1" })).toBe(false);
    }
    for (const host of ["evil.example", "localhost.evil.example", "127.0.0.1.evil.example", "192.0.2.1"]) {
      expect(own("127.0.0.1", `http://${host}:8080/`)).toBe(false);
    }
    expect(isThisMachine({ request: new Request("http://localhost/"), peer: undefined })).toBe(false);
  });
});
