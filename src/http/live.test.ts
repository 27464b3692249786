import { describe, expect, test } from "bun:test";
import { SignJWT } from "jose";
import { type UnixMs, VirtualClock } from "../base/clock.ts";
import { createLog } from "../base/log.ts";
import { seededPrng } from "../base/prng.ts";
import { reject, type VideoId } from "../core/interaction.ts";
import type { TimelineReply } from "../core/times.ts";
import { emptyCounts } from "../core/totals.ts";
import { Words } from "../frontend/words.ts";
import { call, fakeDoors, fakeFrontend } from "../system/fake-doors.ts";
import { ApiKeys } from "../trust/keys.ts";
import { Signatures } from "../trust/signatures.ts";
import { secretKey } from "../trust/token-keys.ts";
import { Tokens } from "../trust/tokens.ts";
import { Auth } from "./auth.ts";
import type { Doors } from "./doors.ts";
import { StreamShare } from "./share.ts";

const secret = "0123456789abcdef0123456789abcdef";
const signatures = new Signatures([secret]);
const clock = new VirtualClock();
const v = "v" as VideoId;
const liveCache = "public, max-age=1, stale-while-revalidate=5, stale-if-error=60";
const rules = { keys: [secretKey(secret)], jwksUrl: "", issuer: "", audience: "", leewayMs: 0 };
const log = createLog({ level: "error", format: "json", write: () => {}, now: () => 0 });

function doors(share = 1, changes: Partial<Doors> = {}): Partial<Doors> {
  const { asked } = fakeDoors();
  const words = new Words({
    prng: seededPrng(1),
    node: "",
    beatMs: 15_000,
    streamAgeMs: 0,
    streams: () => 0,
  });
  return {
    clock,
    polling: {
      ...{ everyMs: 3_000, lateMs: 20_000, signatures: undefined },
      share: new StreamShare(share, seededPrng(1), clock),
    },
    frontend: { ...fakeFrontend(asked), refuse: (...said) => words.bye(...said) },
    ...changes,
  };
}

function withTokens(share = 1): Partial<Doors> {
  const open = doors(share);
  const auth = new Auth(ApiKeys.read([], "") as ApiKeys, new Tokens(rules, clock, log));
  return { ...open, auth, ...(open.polling && { polling: { ...open.polling, signatures } }) };
}

const tokenFor = (videos: string) =>
  new SignJWT({ sub: "ann", exp: 4e9, videos })
    .setProtectedHeader({ alg: "HS256" })
    .sign(new TextEncoder().encode(secret));

const byeOf = (text: string) => JSON.parse(/event: bye\ndata: (.*)\n/.exec(text)?.[1] ?? "{}");

describe("a video as everybody sees it", () => {
  test("is the same bytes for all, for caches to share: no cookie, no Vary, any origin", async () => {
    const settings = { ...fakeDoors().doors.settings, corsOrigins: ["https://a.example"] };
    const from = (headers: Record<string, string>) =>
      call({ path: "/v1/videos/v/live", headers, doors: doors(1, { settings }) });
    const answers = await Promise.all([
      from({}),
      from({ origin: "https://a.example" }),
      from({ origin: "https://b.example", cookie: "a=b", "accept-language": "de" }),
    ]);
    expect(new Set(answers.map(({ text }) => text)).size).toBe(1);
    for (const { status, response } of answers) {
      const told = (name: string) => response.headers.get(name);
      expect([status, told("cache-control"), told("vary"), told("set-cookie")]).toEqual([
        ...[200, liveCache, null, null],
      ]);
      expect(told("access-control-allow-origin")).toBe("*");
    }
    expect(JSON.parse(answers[0]?.text ?? "")).toEqual({
      ...{ video: "v", everyMs: 3_000, totals: { heart: 7 }, viewers: 2, version: 3 },
      ...{ comments: [], retracted: [], cursor: "c1" },
    });
  });

  test("is not told again to whoever has it, nor to a cache that has made its tag a weak one", async () => {
    const path = "/v1/videos/v/live";
    const etag = (await call({ path, doors: doors() })).response.headers.get("etag") ?? "";
    expect(etag).toMatch(/^"[\w-]{22}"$/);
    for (const condition of [etag, `W/${etag}`, `"x", ${etag}`, "*"]) {
      const again = await call({ path, headers: { "if-none-match": condition }, doors: doors() });
      expect([again.status, again.text]).toEqual([304, ""]);
      expect(again.response.headers.get("cache-control")).toBe(liveCache);
    }
    const other = await call({ path, headers: { "if-none-match": '"x"' }, doors: doors() });
    expect(other.status).toBe(200);
    const head = await call({ path, method: "HEAD", doors: doors() });
    expect([head.status, head.text, head.response.headers.get("etag")]).toEqual([200, "", etag]);
    expect(head.response.headers.get("content-length")).toBe(String(other.text.length));
  });

  test("is no cache's to keep while it cannot be had", async () => {
    const { frontend } = doors();
    const away = async () => reject("unavailable", "the log cannot be reached", 1);
    const { status, response } = await call({
      path: "/v1/videos/v/live",
      doors: doors(1, { frontend: frontend && { ...frontend, live: away } }),
    });
    expect([status, response.headers.get("cache-control")]).toEqual([503, "no-store"]);
  });
});

describe("where a token is needed", () => {
  const path = `/v1/videos/v/live?${signatures.query(v, clock.date())}`;

  test("a signed address is as good, and shared by all who have it", async () => {
    const { status, response } = await call({ path, doors: withTokens() });
    expect([status, response.headers.get("cache-control")]).toEqual([200, liveCache]);
  });

  test("the answer to a token itself is its holder's alone", async () => {
    const headers = { authorization: `Bearer ${await tokenFor("v")}` };
    const own = await call({ path: "/v1/videos/v/live", headers, doors: withTokens() });
    expect([own.status, own.response.headers.get("cache-control")]).toEqual([200, "private, max-age=1"]);
  });

  test("one that is over is refused, which caches keep in place of what it showed", async () => {
    const over = `until=300&sig=${new URLSearchParams(signatures.query(v, -300_000)).get("sig")}`;
    const late = new VirtualClock();
    await late.advance(600_000);
    const asked = { path: `/v1/videos/v/live?${over}`, doors: { ...withTokens(), clock: late } };
    const { status, response } = await call(asked);
    expect([status, response.headers.get("cache-control")]).toEqual([403, "public, max-age=5"]);
  });

  test("one of another video or changed is refused, and no cache keeps that", async () => {
    const refusals = await Promise.all([
      call({ path: path.replace("/v/", "/w/"), doors: withTokens() }),
      call({ path: path.replace(/until=\d+/, "until=9999999999"), doors: withTokens() }),
      call({ path: `${path}x`, doors: withTokens() }),
      call({ path: "/v1/videos/v/live?sig=", doors: withTokens() }),
    ]);
    for (const { status, response } of refusals) {
      expect([status, response.headers.get("cache-control")]).toEqual([403, "no-store"]);
    }
    expect((await call({ path: "/v1/videos/v/live", doors: withTokens() })).status).toBe(401);
    // It is for reading alone.
    const elsewhere = await call({ path: path.replace("/live", "/comments"), doors: withTokens() });
    expect(elsewhere.status).toBe(400);
  });
});

describe("whoever gets no stream", () => {
  test("is told to poll, and when to ask for a stream again", async () => {
    const one = await call({ path: "/v1/videos/v/events", doors: doors(0) });
    expect([one.status, byeOf(one.text)]).toMatchObject([
      200,
      { reason: "share", poll: { url: "live", everyMs: 3_000 } },
    ]);
    const { retry } = byeOf(one.text);
    expect(retry >= 30_000 && retry <= 90_000).toBe(true);
    const two = await call({ path: "/v1/events?video=v&video=w", doors: doors(0) });
    expect(byeOf(two.text).poll).toEqual({ url: "videos/{video}/live", everyMs: 3_000 });
    expect((await call({ path: "/v1/events?video=v&polling=2", doors: doors(0) })).status).toBe(400);
    expect((await call({ path: "/v1/videos/v/events", doors: doors(1) })).text).toContain("hello");
  });

  test("is told to where the node is full too", async () => {
    const { text } = await call({ path: "/v1/events?video=v", doors: doors(1, { full: () => "full" }) });
    expect(byeOf(text)).toMatchObject({ reason: "limit", poll: { url: "videos/v/live", everyMs: 3_000 } });
  });

  test("gets a signed address of each video that its token is for, and none without the right", async () => {
    const headers = { authorization: `Bearer ${await tokenFor("*")}` };
    const path = "/v1/events?video=v&video=w";
    const { url, urls } = byeOf((await call({ path, headers, doors: withTokens(0) })).text).poll;
    expect([url, Object.keys(urls)]).toEqual(["videos/{video}/live", ["v", "w"]]);
    expect(urls.v).toBe(`videos/v/live?${signatures.query(v, clock.date())}`);
    const one = await call({ path: "/v1/videos/v/events", headers, doors: withTokens(0) });
    expect(byeOf(one.text).poll.url).toBe(`live?${signatures.query(v, clock.date())}`);
    const other = { authorization: `Bearer ${await tokenFor("w")}` };
    const refused = await call({ path, headers: other, doors: { ...withTokens(0), full: () => "full" } });
    expect([refused.status, refused.text.includes("sig=")]).toEqual([403, false]);
    const unsigned = await call({
      path,
      headers,
      doors: { ...withTokens(0), ...doors(0), auth: withTokens().auth } as Partial<Doors>,
    });
    expect(byeOf(unsigned.text).poll).toBeUndefined();
  });
});

describe("a tick", () => {
  const second = 1_700_000_000;
  const counts = (heart: number) => Object.assign(emptyCounts(), { heart });
  const told: TimelineReply = {
    ...{ fromMs: second * 1000, toMs: second * 1000 + 1000, stepS: 1, skewMs: null },
    ...{ totals: counts(9), before: counts(0), likes: { heart: [4], clap: [0] }, people: [2], comments: [1] },
    ...{ commentsFromMs: null, viewers: [null], resolution: [{ fromMs: (second - 60) * 1000, stepS: 1 }] },
  };
  const at = (ms: number, reply: Partial<TimelineReply> = {}, path = `/v1/videos/v/ticks/${second}`) => {
    const timeline = async () => ({ ...told, ...reply });
    const { times } = fakeDoors().doors;
    const now = { ...clock, date: () => (second * 1000 + ms) as UnixMs, elapsed: () => clock.elapsed() };
    return call({ path, doors: doors(1, { clock: now as never, times: { ...times, timeline } }) });
  };
  const codeOf = async (answer: ReturnType<typeof at>) => {
    const { status, text, response } = await answer;
    return [status, JSON.parse(text).error.code, response.headers.get("cache-control")];
  };

  test("is what came in its second, for ever", async () => {
    const { status, text, response } = await at(31_000);
    expect([status, JSON.parse(text)]).toEqual([
      200,
      { video: "v", second, likes: { heart: 4 }, comments: 1 },
    ]);
    expect(response.headers.get("cache-control")).toBe("public, max-age=31536000, immutable");
    const once = await at(31_000, { unlikes: { heart: [1] } });
    expect(JSON.parse(once.text).unlikes).toEqual({ heart: 1 });
  });

  test("is not there before nobody can add to it any more, however late they see it", async () => {
    const notYet = [404, "not-yet", "public, max-age=1"];
    expect(await codeOf(at(30_999))).toEqual(notYet);
    expect(await codeOf(at(35_999, { skewMs: 5_000 }))).toEqual(notYet);
    expect((await at(36_000, { skewMs: 5_000 })).status).toBe(200);
  });

  test("is not made up where only longer steps are known, and 0 where there was nothing", async () => {
    const kept = (fromS: number, stepS: number) => ({ fromMs: (second + fromS) * 1000, stepS });
    const gone = [404, "not-kept", "no-store"];
    expect(await codeOf(at(31_000, { resolution: [kept(-600, 10), kept(60, 1)] }))).toEqual(gone);
    expect(await codeOf(at(31_000, { resolution: [kept(60, 1)], before: counts(3) }))).toEqual(gone);
    expect(await codeOf(at(31_000, { commentsFromMs: second * 1000 + 1 }))).toEqual(gone);
    const none = { likes: {}, comments: [0] };
    const empty = await at(31_000, { ...none, resolution: [kept(60, 1)] });
    expect(JSON.parse(empty.text)).toMatchObject({ likes: {}, comments: 0 });
    for (const name of ["x", "-1", "1.5", "999999999999"]) {
      expect(await codeOf(at(31_000, {}, `/v1/videos/v/ticks/${name}`))).toEqual([
        404,
        "not-found",
        "no-store",
      ]);
    }
  });
});
