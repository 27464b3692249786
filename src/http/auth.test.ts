/** Which call asks for what: every route against every kind of credential, cookies, foreign pages, query. */
import { beforeAll, describe, expect, test } from "bun:test";
import { createHash } from "node:crypto";
import { SignJWT } from "jose";
import { VirtualClock } from "../base/clock.ts";
import { createLog } from "../base/log.ts";
import { call, fakeDoors, nothingAsked, posted, type Try } from "../system/fake-doors.ts";
import { Allowance } from "../trust/allowance.ts";
import { ApiKeys } from "../trust/keys.ts";
import { secretKey } from "../trust/token-keys.ts";
import { Tokens } from "../trust/tokens.ts";
import { Auth } from "./auth.ts";

const secret = "0123456789abcdef0123456789abcdef";
const clock = new VirtualClock();
const log = createLog({ level: "error", format: "json", write: () => {}, now: () => 0 });
const rules = { keys: [secretKey(secret)], jwksUrl: "", issuer: "", audience: "", leewayMs: 0 };
const keys = ApiKeys.read(
  ["studio:publish:publish-key-of-16+", "desk:moderate:moderate-key-of-16", "screen:watch:watch-key-of-16ch"],
  "admin-key-of-16-chars",
) as ApiKeys;

const tokenDoors = () => ({ auth: new Auth(keys, new Tokens(rules, clock, log)), clock });
const token = (claims: object) =>
  new SignJWT({ sub: "u1", name: "Ada", exp: Math.floor(clock.date() / 1000) + 60, videos: ["v"], ...claims })
    .setProtectedHeader({ alg: "HS256" })
    .sign(new TextEncoder().encode(secret));

const bearer = (text: string) => ({ authorization: `Bearer ${text}` });
const like = (headers: Record<string, string> = {}) =>
  posted("/v1/videos/v/likes", { kind: "heart" }, headers);
const ask = async (tried: Try) => {
  const { status, text, asked } = await call({ ...tried, doors: tokenDoors() });
  return { status, code: (/"code":"([^"]+)"/.exec(text) ?? [])[1], text, asked };
};

/** Every call that touches a video, with a right that it needs. */
const calls: [string, string, Try][] = [
  ["watch", "stream", { path: "/v1/videos/v/events" }],
  ["watch", "stream of several", { path: "/v1/events?video=v" }],
  ["watch", "resumed stream", { path: "/v1/videos/v/events?last_event_id=abcd-1" }],
  ["watch", "poll", { path: "/v1/videos/v/poll?after=abcd-1-1" }],
  ["watch", "totals", { path: "/v1/videos/v" }],
  ["watch", "listing", { path: "/v1/videos/v/comments" }],
  ["watch", "watch", { method: "PUT", path: "/v1/connections/n1.open/videos/v" }],
  ["watch", "unwatch", { method: "DELETE", path: "/v1/connections/n1.open/videos/v" }],
  ["like", "like", like()],
  ["like", "like by an unusual path", posted("/v1/videos/v/likes?", { kind: "heart" })],
  ["comment", "comment", posted("/v1/videos/v/comments", { text: "hi" })],
  ["moderate", "stream of what is held", { path: "/v1/videos/v/events?held=1" }],
  ["moderate", "stream of several with what is held", { path: "/v1/events?held=1&video=v" }],
  ["moderate", "resumed stream of what is held", { path: "/v1/videos/v/events?last_event_id=abcd-1&held=1" }],
  ["moderate", "listing of what is held", { path: "/v1/videos/v/comments?limit=5&held=1" }],
  ["watch", "listing of what is not held", { path: "/v1/videos/v/comments?held=0" }],
  ["moderate", "removal", { method: "DELETE", path: "/v1/videos/v/comments/abcd-1" }],
];
const inV = (tried: Try, video: string): Try => ({
  ...tried,
  path: tried.path.replace("video=v", `video=${video}`).replace("/videos/v", `/videos/${video}`),
});

describe("token mode", () => {
  const tokens = new Map<string, string>();
  beforeAll(async () => {
    for (const right of ["watch", "like", "comment", "moderate"])
      tokens.set(right, await token({ can: [right] }));
    tokens.set("viewer", await token({}));
    tokens.set(
      "all but",
      await token({ can: ["watch", "like", "comment", "moderate"], videos: ["other", "w*"] }),
    );
  });
  const as = (name: string, tried: Try): Try => ({
    ...tried,
    headers: { ...tried.headers, ...bearer(tokens.get(name) ?? "") },
  });

  test.each(calls)("%s: %s", async (right, _, tried) => {
    const without = await ask(tried);
    expect([without.status, without.code]).toEqual([401, "unauthorized"]);
    nothingAsked(without.asked);
    for (const other of ["watch", "like", "comment", "moderate"]) {
      const { status, code, asked } = await ask(as(other, tried));
      if (other === right) expect(status).toBeLessThan(300);
      else {
        expect([other, status, code]).toEqual([other, 403, "forbidden"]);
        nothingAsked(asked);
      }
    }
    const elsewhere = await ask(as("all but", tried));
    expect([elsewhere.status, elsewhere.code, elsewhere.text]).toEqual([
      403,
      "forbidden",
      expect.stringContaining("not for this video"),
    ]);
    nothingAsked(elsewhere.asked);
    expect((await ask(as("all but", inV(tried, "w1")))).status).toBeLessThan(300);
    expect(
      (await ask({ ...tried, headers: { ...tried.headers, ...bearer("admin-key-of-16-chars") } })).status,
    ).toBeLessThan(300);
  });

  test("a stream of one allowed and one forbidden video is refused whole", async () => {
    const { status, asked } = await ask(as("viewer", { path: "/v1/events?video=v&video=other" }));
    expect(status).toBe(403);
    nothingAsked(asked);
  });

  test("a batch is judged item by item", async () => {
    const items = ["v", "other"].map((video) => ({ video, kind: "heart" }));
    const { status, text, asked } = await ask(as("viewer", posted("/v1/likes", { items })));
    expect([status, JSON.parse(text).items.map((item: { status: number }) => item.status)]).toEqual([
      202,
      [202, 403],
    ]);
    expect(asked.likes.length).toBe(1);
  });

  test("what pages need to begin is open, and says that a token is needed", async () => {
    for (const path of ["/v1/config", "/health/live", "/health/ready", "/openapi.json"])
      expect((await ask({ path })).status).toBe(200);
    expect(JSON.parse((await ask({ path: "/v1/config" })).text).auth).toBe("token");
  });

  test("the token's name is the name, and its sub scopes keys; a server's own word stands", async () => {
    const body = { text: "hi", user: "Somebody else", key: "k" };
    const said = await ask(as("viewer", posted("/v1/videos/v/comments", body)));
    expect(said.asked.comments[0]).toMatchObject({ user: "Ada" });
    const own = createHash("sha256").update("u1\nk").digest("base64url");
    expect(said.asked.comments[0]?.key).toBe(own);
    const liked = await ask(
      as("viewer", posted("/v1/videos/v/likes", { kind: "heart", user: "X", key: "k" })),
    );
    expect(liked.asked.likes[0]).toMatchObject({ user: "Ada", key: own });
    const nameless = await ask(
      posted("/v1/videos/v/comments", body, bearer(await token({ name: undefined }))),
    );
    expect(nameless.asked.comments[0]?.user).toBeUndefined();
    const server = await ask(posted("/v1/videos/v/comments", body, { "x-api-key": "publish-key-of-16+" }));
    expect(server.asked.comments[0]).toMatchObject({ user: "Somebody else", key: "k" });
  });

  test("a stream and a poll last as long as the token", async () => {
    const untilMs = (Math.floor(clock.date() / 1000) + 60) * 1000;
    const stream = await ask(as("viewer", { path: "/v1/videos/v/events" }));
    expect(stream.asked.streams[0]?.untilMs).toBe(untilMs);
    const short = await token({ exp: Math.floor(clock.date() / 1000) + 3 });
    const poll = await ask({ path: "/v1/videos/v/poll?wait=25&after=c", headers: bearer(short) });
    expect(Number(poll.asked.polls[0]?.[2])).toBeLessThanOrEqual(3_000);
  });

  test("scopes of keys", async () => {
    const of = async (key: string) => {
      const tries = [
        calls[0],
        calls[8],
        calls[10],
        calls[11],
        ["admin", "", { path: "/v1/cluster" }],
      ] as typeof calls;
      const answers = tries.map(([, , tried]) =>
        ask({ ...tried, headers: { ...tried.headers, "x-api-key": key } }),
      );
      return (await Promise.all(answers)).map(({ status }) => (status < 300 ? "yes" : status));
    };
    expect(await of("watch-key-of-16ch")).toEqual(["yes", 403, 403, 403, 403]);
    expect(await of("publish-key-of-16+")).toEqual([403, "yes", "yes", 403, 403]);
    expect(await of("moderate-key-of-16")).toEqual(["yes", 403, 403, "yes", 403]);
    expect(await of("admin-key-of-16-chars")).toEqual(["yes", "yes", "yes", "yes", "yes"]);
    expect(await of("admin-key-of-16-chars-")).toEqual([401, 401, 401, 401, 401]);
  });
});

describe("where a token may be carried", () => {
  test("query, for EventSource; nothing of it comes back", async () => {
    const text = await token({});
    const {
      response,
      text: body,
      asked,
    } = await call({ path: `/v1/events?video=v&token=${text}`, doors: tokenDoors() });
    expect(response.status).toBe(200);
    const wrong = await call({ path: `/v1/events?video=w&token=${text}`, doors: tokenDoors() });
    expect(wrong.status).toBe(403);
    const said = [
      body,
      wrong.text,
      ...asked.logged,
      ...wrong.asked.logged,
      JSON.stringify([...response.headers]),
    ].join();
    for (const part of text.split(".")) expect(said).not.toContain(part);
  });

  test("the header goes before the cookie, the cookie before the query", async () => {
    const [good, bad] = [await token({}), await token({ videos: ["w"] })];
    const path = (query: string) => `/v1/videos/v${query && `?token=${query}`}`;
    const own = { "sec-fetch-site": "same-origin" };
    const tried = (header: string, cookie: string, query: string) =>
      ask({
        path: path(query),
        headers: {
          ...own,
          ...(header && bearer(header)),
          ...(cookie && { cookie: `a=b; ovation_token=${cookie}` }),
        },
      });
    expect((await tried(bad, good, good)).status).toBe(403);
    expect((await tried("", bad, good)).status).toBe(403);
    expect((await tried("", "", bad)).status).toBe(403);
    expect((await tried(good, bad, bad)).status).toBe(200);
    expect((await tried("", good, bad)).status).toBe(200);
  });

  const matrix: [string, Record<string, string>, number, number][] = [
    ["same-origin", { "sec-fetch-site": "same-origin" }, 202, 200],
    ["same-site", { "sec-fetch-site": "same-site" }, 403, 401],
    ["cross-site", { "sec-fetch-site": "cross-site", origin: "https://evil.example" }, 403, 401],
    ["typed in", { "sec-fetch-site": "none" }, 403, 200],
    ["own origin, old browser", { origin: "http://node", host: "node" }, 202, 200],
    ["foreign origin, old browser", { origin: "https://evil.example", host: "node" }, 403, 401],
    ["null origin", { origin: "null", host: "node" }, 403, 401],
    ["origin that begins like ours", { origin: "http://node.evil.example", host: "node" }, 403, 401],
    ["neither", {}, 403, 200],
  ];
  test.each(matrix)("a cookie, %s", async (_, headers, write, read) => {
    const cookie = `ovation_token=${await token({})}`;
    expect((await ask(like({ ...headers, cookie }))).status).toBe(write);
    expect((await ask({ path: "/v1/videos/v", headers: { ...headers, cookie } })).status).toBe(read);
    // A header proves itself, whatever page it comes from.
    expect((await ask(like({ ...headers, ...bearer(await token({})) }))).status).toBe(202);
  });
});

test("a page that came in the clear is no page of a server that is encrypted", async () => {
  const cookie = `ovation_token=${await token({})}`;
  const page = { host: "node", cookie };
  const write = (origin: string, more: Record<string, string> = {}, base?: string) =>
    ask({ ...like({ ...page, origin, ...more }), ...(base && { base }) });
  expect((await write("http://node", {}, "https://node")).status).toBe(403);
  expect((await write("http://node", { "x-forwarded-proto": "https" })).status).toBe(403);
  expect((await write("https://node", {}, "https://node")).status).toBe(202);
  expect((await write("https://node", { "x-forwarded-proto": "https" })).status).toBe(202);
  // The other way round it is the same owner's.
  expect((await write("https://node")).status).toBe(202);
});

test("an API key may look like a token", async () => {
  const dotted = ApiKeys.read(["odd:watch:aaaaaaaa.bbbbbbbb.cccccccc"], "") as ApiKeys;
  const doors = { auth: new Auth(dotted, new Tokens(rules, clock, log)), clock };
  const as = async (text: string) =>
    (await call({ path: "/v1/videos/v", headers: bearer(text), doors })).status;
  expect(await as("aaaaaaaa.bbbbbbbb.cccccccc")).toBe(200);
  expect(await as("aaaaaaaa.bbbbbbbb.ccccccc")).toBe(401);
  expect(await as(await token({}))).toBe(200);
});

describe("open mode", () => {
  test("asks viewers for nothing, and staff for a key", async () => {
    expect((await call(like({ authorization: "Bearer whatever" }))).status).toBe(202);
    const removal: Try = { method: "DELETE", path: "/v1/videos/v/comments/abcd-1" };
    const doors = { auth: new Auth(keys) };
    const of = async (headers: Record<string, string>) => (await call({ ...removal, headers, doors })).status;
    expect(await of({})).toBe(401);
    expect(await of(bearer("wrong"))).toBe(401);
    expect(await of(bearer("publish-key-of-16+"))).toBe(403);
    expect(await of(bearer("moderate-key-of-16"))).toBe(204);
    expect((await call({ ...removal })).status).toBe(403);
  });
});

describe("limits", () => {
  const allowance = () =>
    new Allowance({
      viewerLikes: 20,
      viewerComments: 2,
      viewerStreams: 1,
      viewerWork: 1_000,
      addressLikes: 20,
      addressComments: 2,
      addressStreams: 1,
      addressWork: 1_000,
      nodeStreams: 100,
      nodeAccepts: 100,
    });

  test("what is over them is 429 with Retry-After and counted; a stream hears bye", async () => {
    const doors = { allowance: allowance(), settings: { ...fakeDoors().doors.settings, trustProxy: 1 } };
    const from = { "x-forwarded-for": "1.2.3.4" };
    const likes = await Promise.all(Array.from({ length: 80 }, () => call({ ...like(from), doors })));
    const refused = likes.filter(({ status }) => status === 429);
    expect(refused.length).toBe(20);
    expect(refused[0]?.response.headers.get("retry-after")).toBe("1");
    expect(JSON.parse(refused[0]?.text ?? "")).toMatchObject({ error: { code: "like-rate" } });
    nothingAsked(refused[0]?.asked as never);
    const elsewhere = await call({ ...like({ "x-forwarded-for": "1.2.3.5" }), doors });
    expect(elsewhere.status).toBe(202);

    const comment = () => call({ ...posted("/v1/videos/v/comments", { text: "hi" }, from), doors });
    expect([await comment(), await comment(), await comment()].map(({ status }) => status)).toEqual([
      201, 201, 429,
    ]);

    const stream = () => call({ path: "/v1/videos/v/events", headers: from, doors });
    const streams = await Promise.all(Array.from({ length: 11 }, stream));
    expect(streams.every(({ status }) => status === 200)).toBe(true);
    expect(streams.at(-1)?.text).toContain('event: bye\ndata: {"reason":"limit"}');
    nothingAsked(streams.at(-1)?.asked as never);
  });
});
