/** Likes that each viewer has once, at the door: whose they are, and what is refused in which mode. */
import { describe, expect, test } from "bun:test";
import { call, fakeDoors, nothingAsked, posted, type Try } from "../system/fake-doors.ts";
import { ApiKeys } from "../trust/keys.ts";
import type { Tokens } from "../trust/tokens.ts";
import { Auth } from "./auth.ts";
import type { Doors } from "./doors.ts";

const likes = "/v1/videos/v/likes";
const { settings } = fakeDoors().doors;
const once: Partial<Doors> = { settings: { ...settings, likeMode: "once" } };
/** Everybody who comes with a token of three parts is Ada, in token mode; the key is a server's. */
const serverKey = "k".repeat(32);
const tokens = {
  known: () => ({
    by: "token",
    sub: "ada",
    name: "Ada",
    roles: [],
    untilMs: undefined,
    rights: new Set(["like"]),
    videos: undefined,
  }),
} as unknown as Tokens;
const withTokens: Partial<Doors> = {
  ...once,
  auth: new Auth(ApiKeys.read([`backend:publish:${serverKey}`], "") as ApiKeys, tokens),
};
const asAda = { authorization: "Bearer a.b.c" };
const asServer = { authorization: `Bearer ${serverKey}` };

function removed(body: unknown, headers: Record<string, string> = {}, path = likes): Try {
  return { ...posted(path, body, headers), method: "DELETE" };
}

const code = (text: string): string | undefined =>
  (JSON.parse(text || "{}") as { error?: { code: string } }).error?.code;

describe("one like per viewer", () => {
  test("a like carries its viewer, else its user; taking it back does too, by body or query", async () => {
    const tries: [Try, object][] = [
      [posted(likes, { kind: "clap", viewer: "ada", user: "Ada" }), { viewer: "ada", unlike: false }],
      [posted(likes, { kind: "clap", count: 1, user: "Ada" }), { viewer: "Ada", unlike: false }],
      [posted(likes, { kind: "clap", viewer: "ada", unlike: true }), { viewer: "ada", unlike: true }],
      [removed({ kind: "clap", viewer: "ada", unlike: false }), { viewer: "ada", unlike: true }],
      [
        { method: "DELETE", path: `${likes}?kind=clap&viewer=ada` },
        { viewer: "ada", unlike: true },
      ],
    ];
    for (const [one, expected] of tries) {
      const { status, text, asked } = await call({ ...one, doors: once });
      expect([status, text]).toEqual([202, "{}"]);
      expect(asked.likes as unknown[]).toMatchObject([{ video: "v", kind: "clap", count: 1, ...expected }]);
    }
    const keyed = await call({
      ...removed({ kind: "clap", viewer: "a" }, { "idempotency-key": "k" }),
      doors: once,
    });
    expect(keyed.asked.likes).toMatchObject([{ key: "k", unlike: true }]);
  });

  test.each([
    ["count-not-one", 422, { kind: "clap", viewer: "ada", count: 2 }],
    ["count-not-one", 422, { kind: "clap", viewer: "ada", count: "1" }],
    ["bad-viewer", 422, { kind: "clap" }],
    ["bad-viewer", 422, { kind: "clap", viewer: "" }],
    ["bad-viewer", 422, { kind: "clap", viewer: 5 }],
    ["bad-viewer", 422, { kind: "clap", viewer: "a\nb" }],
    ["bad-viewer", 422, { kind: "clap", viewer: "\ud800" }],
    ["bad-viewer", 422, { kind: "clap", viewer: "x".repeat(129) }],
    ["bad-field", 422, { kind: "clap", viewer: "ada", unlike: "yes" }],
    ["unknown-kind", 422, { viewer: "ada" }],
    ["bad-body", 400, [1]],
  ])("%s (%i): %j", async (expected, status, body) => {
    for (const one of [posted(likes, body), ...(status === 422 && "unlike" in body ? [] : [removed(body)])]) {
      const answer = await call({ ...one, doors: once });
      expect([answer.status, code(answer.text)]).toEqual([status, expected]);
      nothingAsked(answer.asked);
    }
  });

  test("with a token it is its holder's, whatever the body says; a server says whose it is", async () => {
    const { asked } = await call({
      ...posted(likes, { kind: "clap", viewer: "bob", user: "Bob", key: "k" }, asAda),
      doors: withTokens,
    });
    expect(asked.likes).toMatchObject([{ viewer: "ada", user: "Ada" }]);
    const back = await call({ ...removed({ kind: "clap", viewer: "bob" }, asAda), doors: withTokens });
    expect(back.asked.likes).toMatchObject([{ viewer: "ada", unlike: true }]);
    const bare = await call({ ...posted(likes, { kind: "clap" }, asAda), doors: withTokens });
    expect(bare.asked.likes).toMatchObject([{ viewer: "ada" }]);
    const served = await call({
      ...posted(likes, { kind: "clap", viewer: "bob" }, asServer),
      doors: withTokens,
    });
    expect(served.asked.likes).toMatchObject([{ viewer: "bob" }]);
    const nameless = await call({ ...posted(likes, { kind: "clap" }, asServer), doors: withTokens });
    expect([nameless.status, code(nameless.text)]).toEqual([422, "bad-viewer"]);
    const nobody = await call({ ...removed({ kind: "clap", viewer: "bob" }), doors: withTokens });
    expect(nobody.status).toBe(401);
    nothingAsked(nobody.asked);
  });

  test("a batch has its verdicts item by item, un-likes among them", async () => {
    const items = [
      { video: "a", kind: "clap", viewer: "ada" },
      { video: "a", kind: "clap", viewer: "ada", unlike: true },
      { video: "a", kind: "clap" },
      { video: "a", kind: "clap", viewer: "bob", count: 3 },
    ];
    const { status, text, asked } = await call({ ...posted("/v1/likes", { items }), doors: once });
    expect(status).toBe(202);
    const told = (JSON.parse(text) as { items: { status: number }[] }).items;
    expect(told.map(({ status }) => status)).toEqual([202, 202, 422, 422]);
    expect(asked.likes).toMatchObject([{ unlike: false }, { unlike: true }]);
  });

  test("the page learns the mode", async () => {
    expect(JSON.parse((await call({ path: "/v1/config", doors: once })).text)).toMatchObject({
      likeMode: "once",
    });
    expect(JSON.parse((await call({ path: "/v1/config" })).text)).toMatchObject({ likeMode: "many" });
  });
});

describe("where likes only add", () => {
  test("nothing can be taken back, and every way to try says so", async () => {
    for (const one of [
      removed({ kind: "clap", viewer: "ada" }),
      { method: "DELETE", path: `${likes}?kind=clap&viewer=ada` },
      posted(likes, { kind: "clap", viewer: "ada", unlike: true }),
    ]) {
      const { status, text, asked } = await call(one);
      expect([status, code(text)]).toEqual([409, "like-mode"]);
      nothingAsked(asked);
    }
    const item = { video: "a", kind: "clap", unlike: true };
    const { text } = await call(posted("/v1/likes", { items: [item] }));
    expect(JSON.parse(text)).toMatchObject({ items: [{ status: 409, error: { code: "like-mode" } }] });
  });

  test("a viewer in the body is nothing, and counts stay counts", async () => {
    const { asked } = await call(posted(likes, { kind: "clap", viewer: "ada", count: 7 }));
    expect(asked.likes as unknown[]).toEqual([
      { video: "v", kind: "clap", count: 7, user: undefined, key: undefined },
    ]);
  });
});
