/** The parts joined: watches share one line, say what is known, and send under keys. */
import { describe, expect, test } from "bun:test";
import { createClient } from "./client.ts";
import { FakeAir, FakeLocks, FakeOutside } from "./fakes.ts";
import type { Comment, Likes, State } from "./types.ts";

function connected() {
  const outside = new FakeOutside();
  const client = createClient({ url: "http://s/", share: false }, outside);
  return { outside, client };
}

const snapshot = (video: string, more = {}) => ({
  video,
  totals: { heart: 1 },
  version: 1,
  viewers: 2,
  comments: [],
  ...more,
});

describe("client", () => {
  test("two videos and two watches of one: one stream", async () => {
    const { outside, client } = connected();
    client.watch("a");
    client.watch("b");
    client.watch("a");
    await outside.pass(0);
    expect(outside.sources.length).toBe(1);
    expect(outside.source.query().getAll("video")).toEqual(["a", "b"]);
  });

  test("events reach the watches of their video, state reaches all", async () => {
    const { outside, client } = connected();
    const a: Likes[] = [];
    const b: Likes[] = [];
    const states: State[] = [];
    client.watch("a", { likes: (event) => a.push(event), state: (state) => states.push(state) });
    client.watch("b").on("likes", (event) => b.push(event));
    await outside.pass(0);
    outside.source.say("hello", { connection: "c", now: outside.nowMs });
    outside.source.say("snapshot", snapshot("a"));
    outside.source.say("snapshot", snapshot("b", { totals: { heart: 7 } }));
    outside.source.say("likes", { video: "a", totals: { heart: 2 }, version: 2, at: outside.nowMs - 30 });
    expect(a.map((event) => event.totals.heart)).toEqual([1, 2]);
    expect(b.map((event) => event.totals.heart)).toEqual([7]);
    expect(a[1]?.latencyMs).toBe(30);
    expect(states.at(0)?.phase).toBe("connecting");
    expect(states.at(-1)?.phase).toBe("live");
  });

  test("a watch that comes late hears what is known, also of comments", async () => {
    const { outside, client } = connected();
    client.watch("a");
    await outside.pass(0);
    outside.source.say("hello", { connection: "c" });
    outside.source.say("snapshot", snapshot("a", { comments: [{ id: "1", text: "hi", at: 1 }] }), "e-1");
    const heard: Comment[] = [];
    const states: string[] = [];
    const late = client.watch("a", { comment: (said) => heard.push(said) });
    late.on("state", ({ phase }) => states.push(phase));
    expect(heard).toMatchObject([{ id: "1", video: "a", history: true }]);
    expect(states).toEqual(["live"]);
  });

  test("taps are one request with a key and the name; a comment answers its id", async () => {
    const { outside, client } = connected();
    outside.answer = (call) =>
      new Response(JSON.stringify({ id: "e-9" }), { status: call.url.endsWith("comments") ? 201 : 202 });
    const live = client.watch("a", { user: "Ada" });
    const taps = [live.like("fire"), live.like("fire"), live.like("fire", 3)];
    expect(live.comment("hi")).resolves.toBe("e-9");
    await outside.pass(1000);
    await Promise.all(taps);
    const likes = outside.calls.filter((call) => call.url === "http://s/v1/videos/a/likes");
    expect(likes.map((call) => JSON.parse(call.body))).toEqual([{ kind: "fire", count: 5, user: "Ada" }]);
    expect(likes[0]?.headers["idempotency-key"]).toMatch(/^[0-9a-f]{32}$/);
    const [comment] = outside.calls.filter((call) => call.url === "http://s/v1/videos/a/comments");
    expect(JSON.parse(comment?.body ?? "")).toEqual({ text: "hi", user: "Ada" });
  });

  test("likes of one viewer each go one by one, in order, under this browser's own id", async () => {
    const { outside, client } = connected();
    const answers = [503, 202, 202, 422, 202];
    outside.answer = () => new Response("{}", { status: answers.shift() ?? 500 });
    const live = client.watch("a", { user: "Ada" });
    const set = [true, false, true, false].map((liked) => live.setLike("fire", liked));
    await outside.pass(30_000);
    const ends = await Promise.allSettled(set);
    expect(ends.map(({ status }) => status)).toEqual(["fulfilled", "fulfilled", "rejected", "fulfilled"]);
    const likes = outside.calls.filter((call) => call.url === "http://s/v1/videos/a/likes");
    expect(likes.map((call) => call.method)).toEqual(["POST", "POST", "DELETE", "POST", "DELETE"]);
    const bodies = likes.map((call) => JSON.parse(call.body));
    expect(bodies[0]).toEqual({ kind: "fire", user: "Ada", viewer: expect.stringMatching(/^[0-9a-f]{32}$/) });
    for (const body of bodies) expect(body).toEqual(bodies[0]);
    // Only a repeat has the key of what it repeats.
    const keys = likes.map((call) => call.headers["idempotency-key"]);
    expect(keys[1]).toBe(keys[0]);
    expect(new Set(keys).size).toBe(4);
  });

  test("with a token, whose like it is stands in the token", async () => {
    const outside = new FakeOutside();
    const client = createClient({ url: "http://s/", share: false, token: () => "t" }, outside);
    outside.answer = () => new Response(null, { status: 202 });
    await client.watch("a").setLike("fire", true);
    const [like] = outside.calls.filter((call) => call.url.endsWith("/likes"));
    expect(JSON.parse(like?.body ?? "")).toEqual({ kind: "fire" });
  });

  test("tabs share a line as one viewer only: whoever has other rights has another, also once they changed", async () => {
    const jwt = (claims: object) => `e30.${btoa(JSON.stringify(claims))}.c2ln`;
    const locks = new Map<string, FakeLocks>();
    const channels: string[] = [];
    const request = (name: string, ...more: [never, never]) => {
      const lock = locks.get(name) ?? new FakeLocks();
      locks.set(name, lock);
      return lock.request(name, ...more);
    };
    const air = new FakeAir();
    const page = { addEventListener() {}, visibilityState: "visible" };
    const before = [
      globalThis.BroadcastChannel,
      Object.getOwnPropertyDescriptor(navigator, "locks"),
    ] as const;
    globalThis.BroadcastChannel = class {
      constructor(name: string) {
        channels.push(name);
        Object.assign(this, air.open());
      }
    } as never;
    Object.defineProperty(navigator, "locks", { value: { request }, configurable: true });
    Object.assign(globalThis, { document: page });
    try {
      const outside = new FakeOutside();
      let mine: string | undefined = jwt({ sub: "ann", exp: 1 });
      const tabs = [undefined, () => mine, () => jwt({ sub: "ann", exp: 2 }), () => jwt({ sub: "mod" })];
      const settled = async () => {
        await outside.settle();
      };
      const clients = tabs.map((token) =>
        createClient({ url: "http://s/", ...(token && { token }) }, outside),
      );
      for (const client of clients) client.watch("a");
      await settled();
      const [guest, ann, again, mod] = channels;
      expect([channels.length, guest, ann === again, new Set([guest, ann, mod]).size]).toEqual([
        4,
        "http://s/ ",
        true,
        3,
      ]);
      mine = undefined;
      outside.nowMs += 60_000;
      const live = clients[1]?.watch("b");
      void live?.comment("hi").catch(() => {});
      await settled();
      expect(channels.slice(4)).toEqual([guest as string]);
      for (const client of clients) client.close();
    } finally {
      globalThis.BroadcastChannel = before[0];
      Reflect.deleteProperty(globalThis, "document");
      if (before[1]) Object.defineProperty(navigator, "locks", before[1]);
      else delete (navigator as { locks?: unknown }).locks;
    }
  });

  test("closing a watch takes its video off the stream; the last sends its taps and ends it", async () => {
    const { outside, client } = connected();
    const a = client.watch("a");
    const b = client.watch("b");
    await outside.pass(0);
    outside.source.say("hello", { connection: "c" });
    b.close();
    await outside.settle();
    expect(outside.calls.map((call) => call.url)).toEqual(["http://s/v1/connections/c/videos/b"]);
    void a.like();
    a.close();
    await outside.settle();
    expect(outside.source.readyState).toBe(2);
    expect(outside.calls.at(-1)?.url).toBe("http://s/v1/videos/a/likes");
    client.watch("a");
    await outside.pass(0);
    expect(outside.sources.length).toBe(2);
  });

  test("a base inside a path stays inside it", async () => {
    const outside = new FakeOutside();
    createClient({ url: "http://s/live/", share: false }, outside).watch("a");
    await outside.pass(0);
    expect(outside.source.url).toStartWith("http://s/live/v1/events?");
  });
});
