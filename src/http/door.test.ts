/**
 * The door's table: every call there is, made by everybody who is to be refused. A new row fails here until
 * `table` says whom it lets in and what it takes; and what `table` says is tried.
 */
import { beforeAll, describe, expect, test } from "bun:test";
import { SignJWT } from "jose";
import { type UnixMs, VirtualClock } from "../base/clock.ts";
import { createLog } from "../base/log.ts";
import { createMetrics } from "../base/metrics.ts";
import { memoryBus } from "../bus/memory.ts";
import { fakeDoors, nothingAsked, type Try } from "../system/fake-doors.ts";
import { Allowance } from "../trust/allowance.ts";
import { isOperators, type Right } from "../trust/identity.ts";
import { fileJournal } from "../trust/journal.ts";
import { ApiKeys } from "../trust/keys.ts";
import { Moderation } from "../trust/moderation.ts";
import { payerAt, payerOf } from "../trust/payer.ts";
import type { Restriction } from "../trust/rules.ts";
import { secretKey } from "../trust/token-keys.ts";
import { Tokens } from "../trust/tokens.ts";
import { Auth } from "./auth.ts";
import type { Doors } from "./doors.ts";
import { rows } from "./routes.ts";
import { isForStaff, type Row } from "./row.ts";
import { schemas } from "./schemas.ts";
import { createServer } from "./server.ts";

/** Method and path, who may, what it takes, and a body that is taken. */
const table: readonly [string, string, string, object?][] = [
  ["POST /v1/videos/:video/likes", "like", "likes", { kind: "heart" }],
  ["DELETE /v1/videos/:video/likes", "like", "likes", { kind: "heart", viewer: "ann" }],
  ["POST /v1/likes", "like", "likes", { items: [{ video: "v", kind: "heart", viewer: "ann" }] }],
  ["POST /v1/videos/:video/comments", "comment", "comment", { text: "hi" }],
  ["DELETE /v1/videos/:video/comments/:comment", "moderate", "call"],
  ["GET /v1/videos/:video", "watch", "question"],
  ["GET /v1/videos/:video/comments", "watch", "reading"],
  ["GET /v1/videos/:video/timeline", "watch", "reading"],
  ["GET /v1/videos/:video/moments", "watch", "reading"],
  ["GET /v1/videos/:video/replay", "watch", "reading"],
  ["GET /v1/videos/:video/replay.vtt", "watch", "reading"],
  ["GET /v1/admin/videos", "admin", "question"],
  ["GET /v1/admin/videos/:video/export", "admin", "reading"],
  ["DELETE /v1/admin/videos/:video", "admin", "call"],
  ["DELETE /v1/admin/users/:user", "admin", "call"],
  ["GET /v1/admin/users/:user", "admin", "call"],
  ["DELETE /v1/admin/users", "admin", "call"],
  ["GET /v1/admin/users", "admin", "call"],
  ["GET /v1/videos/:video/poll", "watch", "poll"],
  ["GET /v1/videos/:video/live", "watch", "poll"],
  ["GET /v1/videos/:video/ticks/:second", "watch", "reading"],
  ["GET /v1/videos/:video/events", "watch", "stream"],
  ["GET /v1/events", "watch", "stream"],
  ["PUT /v1/connections/:connection/videos/:video", "watch", "watch"],
  ["DELETE /v1/connections/:connection/videos/:video", "watch", "call"],
  ["GET /v1/config", "anybody", "nothing"],
  ["GET /v1/cluster", "admin", "question"],
  ["GET /v1/admin/events", "admin", "room"],
  ["POST /v1/admin/mutes", "moderate", "call", { user: "ann", seconds: 5 }],
  ["POST /v1/admin/bans", "moderate", "call", { user: "ann", seconds: 5 }],
  ["PUT /v1/admin/videos/:video", "moderate", "call", { slowModeMs: 5_000 }],
  ["GET /v1/admin/moderation", "moderate", "call"],
  ["GET /v1/admin/audit", "moderate", "reading"],
  ["GET /v1/admin/backup", "admin", "reading"],
  ["GET /v1/demo", "admin", "call"],
  ["PUT /v1/demo", "admin", "call", { fans: 5 }],
  ["GET /health/live", "anybody", "nothing"],
  ["GET /health/ready", "anybody", "nothing"],
  ["GET /metrics", "metrics", "reading"],
  ["GET /media/:file{.+}", "anybody", "nothing"],
];

const [secret, stranger] = ["0123456789abcdef0123456789abcdef", "192.0.2.7"];
const clock = new VirtualClock();
const nameOf = ({ method, path }: Row) => `${method} ${path}`;
const bodyOf = (row: Row) => table.find(([name]) => name === nameOf(row))?.[3];
const rightOf = (row: Row) => row.right as Right;
const rights = ["watch", "like", "comment", "moderate"] as const;
const guarded = rows.filter(({ right }) => right !== "anybody");
const audience = guarded.filter((row) => !isForStaff(row));
const named = (list: readonly Row[]) => list.map((row): [string, Row] => [nameOf(row), row]);

const keys = ApiKeys.read(["boss:admin:admin-key-of-16-chars"], "") as ApiKeys;
const log = createLog({ level: "error", format: "json", write: () => {}, now: () => 0 });
const rules = { keys: [secretKey(secret)], jwksUrl: "", issuer: "", audience: "", leewayMs: 0 };
const tokens = new Map<string, string>();

beforeAll(async () => {
  for (const right of rights) {
    const token = new SignJWT({ sub: `u-${right}`, name: `N-${right}`, exp: 4e9, videos: "*", can: [right] });
    const signed = token.setProtectedHeader({ alg: "HS256" }).sign(new TextEncoder().encode(secret));
    tokens.set(right, await signed);
  }
});

const params: Record<string, string> = { connection: "n1.open", comment: "abcd-1", second: "1" };
/** A call of `row` that its handler takes, from a stranger's address. */
function tried(row: Row, more: { body?: object; query?: string; as?: string } = {}): Try {
  const path = row.path
    .replace(/:(video|connection|comment|second|user)/g, (_, name) => params[name] ?? "v")
    .replace(/:file.*/, "a.mp4");
  const videos = row.query?.some(({ kind }) => kind === "videos") ? "video=v" : "";
  const query = [videos, row.id.endsWith("ByName") ? "user=v" : "", more.query ?? ""];
  const text = query.filter((part) => part !== "").join("&");
  const body = more.body ?? bodyOf(row);
  const headers = {
    ...(body && { "content-type": "application/json" }),
    ...(more.as !== undefined && { authorization: `Bearer ${more.as}` }),
  };
  return {
    ...{ method: row.method, headers, from: stranger },
    path: text ? `${path}?${text}` : path,
    ...(body && { body: JSON.stringify(body) }),
  };
}

async function doorsOf(decide?: (moderation: Moderation) => Promise<unknown>): Promise<Partial<Doors>> {
  const table = await memoryBus({ clock }).table("moderation");
  const parts = { table, journal: fileJournal(":memory:"), clock, metrics: createMetrics() };
  const moderation = await Moderation.open(parts);
  await decide?.(moderation);
  const settings = {
    node: "n1",
    ...({ region: "main", role: "both", kinds: ["heart"] } as const),
    videos: [] as string[],
    corsOrigins: [],
    trustProxy: 0,
  } as const;
  const media = async () => new Response("film");
  return {
    ...{ auth: new Auth(keys, new Tokens(rules, clock, log)), clock, moderation, media },
    ...{ crowd: { fans: 0, set: () => {} }, settings: { ...settings, likeMode: "once" } },
  };
}

const boss = "admin-key-of-16-chars";
const restrict = (restriction: Omit<Restriction, "untilMs">) => (moderation: Moderation) =>
  moderation.restrict(
    { ...restriction, untilMs: (clock.date() + 60_000) as UnixMs },
    {
      by: "key",
      sub: "boss",
      name: undefined,
      roles: [],
      untilMs: undefined,
      rights: new Set(),
      videos: undefined,
    },
  );

/** Whoever may do just that. */
const rightful = (row: Row) => (row.right === "admin" ? boss : (tokens.get(row.right) ?? boss));
const ask = async ({ method, path, headers, body, from }: Try, changes: Partial<Doors>) => {
  const { doors, asked } = fakeDoors(changes);
  const request = new Request(`http://localhost${path}`, { method, headers, ...(body && { body }) } as never);
  const { status, body: said } = await createServer(doors).fetch(request, {
    requestIP: () => ({ address: from ?? "" }),
  });
  // A stream may never end: its beginning says whether it is one.
  const reader = said?.getReader();
  const text = new TextDecoder().decode((await reader?.read())?.value);
  await reader?.cancel();
  const code = /"code":"([^"]+)"/.exec(text)?.[1] ?? /"reason":"([^"]+)"/.exec(text)?.[1];
  return { status, code, text, asked };
};

test("the door's table", () => {
  const lines = rows.map(
    (row) =>
      `${nameOf(row).padEnd(50)} ${row.right.padEnd(9)} ${row.takes.padEnd(9)}` +
      (row.orThisMachine ? "or this machine" : ""),
  );
  console.log(`\n${"call".padEnd(50)} right     takes\n${lines.join("\n")}\n`);
  const said = table.map(([name, right, takes]) => [name, right, takes]);
  expect(rows.map((row) => [nameOf(row), row.right, row.takes])).toEqual(said as never);
});

describe("whoever may", () => {
  test.each(named(rows))("%s", async (_, row) => {
    const { status, code } = await ask(tried(row, { as: rightful(row) }), await doorsOf());
    expect([code, status < 300]).toEqual([undefined, true]);
  });
});

describe("nobody", () => {
  test.each(named(guarded))("%s", async (_, row) => {
    const { status, code, asked } = await ask(tried(row), await doorsOf());
    expect([status, code]).toEqual([401, "unauthorized"]);
    nothingAsked(asked);
  });

  test.each(named(guarded.filter(isForStaff)))("of an open server, as staff: %s", async (_, row) => {
    for (const [auth, status, code] of [
      [new Auth(keys), 401, "unauthorized"],
      [new Auth(ApiKeys.read([], "") as ApiKeys), 403, "admin-off"],
    ] as const) {
      const refused = await ask(tried(row), { ...(await doorsOf()), auth });
      expect([refused.status, refused.code]).toEqual([status, code]);
      nothingAsked(refused.asked);
    }
  });
});

describe("the wrong scope", () => {
  test.each(named(guarded))("%s", async (_, row) => {
    for (const right of rights) {
      if (right === row.right) continue;
      const { status, code, asked } = await ask(tried(row, { as: tokens.get(right) ?? "" }), await doorsOf());
      expect([right, status, code]).toEqual([right, 403, "forbidden"]);
      nothingAsked(asked);
    }
  });

  test.each(named(guarded.filter(({ query }) => query?.some(({ name }) => name === "held"))))(
    "for what is held: %s",
    async (_, row) => {
      const as = (right: string) => ask(tried(row, { query: "held=1", as: tokens.get(right) ?? "" }), doors);
      const doors = await doorsOf();
      expect([(await as("watch")).code, (await as("moderate")).status]).toEqual(["forbidden", 200]);
    },
  );

  // A key has its scopes in either mode; what anybody may do, nobody needs a key for.
  test.each(named(audience))("of a key, on an open server: %s", async (_, row) => {
    const watch = "watch-key-of-16-chars";
    const auth = new Auth(ApiKeys.read([`screen:watch:${watch}`], "") as ApiKeys);
    const { status, code } = await ask(tried(row, { as: watch }), { ...(await doorsOf()), auth });
    if (row.right === "watch") expect(status).toBeLessThan(300);
    else expect([status, code]).toEqual([403, "forbidden"]);
  });
});

describe("the banned and the muted", () => {
  const bans: [string, (row: Row) => Omit<Restriction, "untilMs">][] = [
    ["address", () => ({ type: "ban", address: stranger })],
    ["address on the video", () => ({ type: "ban", address: stranger, video: "v" as never })],
    ["user", (row) => ({ type: "ban", user: `u-${row.right}` })],
    ["user's name", (row) => ({ type: "ban", user: `n-${row.right}` })],
    ["user on the video", (row) => ({ type: "ban", user: `u-${row.right}`, video: "v" as never })],
  ];
  for (const [what, about] of bans) {
    test.each(named(rows))(`banned ${what}: %s`, async (_, row) => {
      const doors = await doorsOf(restrict(about(row)));
      const { status, code, text, asked } = await ask(tried(row, { as: rightful(row) }), doors);
      if (!audience.includes(row)) expect(status).toBeLessThan(300);
      else {
        // A batch is judged item by item, as its items name the videos.
        const isItem = nameOf(row) === "POST /v1/likes" && what.endsWith("video");
        expect([status, code]).toEqual([isItem ? 202 : 403, "banned"]);
        if (isItem) expect(text).toContain('"status":403');
        nothingAsked(asked);
      }
    });
  }

  test.each(named(audience))(
    "banned by the name that is claimed, where nobody proves one: %s",
    async (_, row) => {
      const body = bodyOf(row);
      if (!body) return;
      const claimed =
        "items" in body ? { items: [{ video: "v", kind: "heart", user: "ann" }] } : { ...body, user: "ann" };
      const doors = { ...(await doorsOf(restrict({ type: "ban", user: "ANN" }))), auth: new Auth(keys) };
      const { code, asked } = await ask(tried(row, { body: claimed }), doors);
      expect(code).toBe("banned");
      nothingAsked(asked);
    },
  );

  test.each(named(rows))("muted: %s", async (_, row) => {
    const doors = await doorsOf(restrict({ type: "mute", user: `u-${row.right}` }));
    const { status, code } = await ask(tried(row, { as: rightful(row) }), doors);
    if (row.takes === "comment") expect([status, code]).toEqual([403, "muted"]);
    else expect(status).toBeLessThan(300);
  });
});

describe("over its allowance", () => {
  const settings = {
    ...{ viewerLikes: 20, viewerComments: 5, viewerStreams: 1, viewerWork: 10 },
    ...{ addressLikes: 20, addressComments: 5, addressStreams: 1, addressWork: 10 },
    ...{ nodeStreams: 100, nodeAccepts: 100 },
  };
  const now = clock.elapsed();
  const spent = (what: "likes" | "comments" | "work" | "streams", row: Row, by: "viewer" | "address") => {
    const allowance = new Allowance(settings);
    const who = { by: "token", sub: `u-${row.right}`, rights: new Set() } as never;
    const payer = by === "viewer" ? payerOf(who, undefined) : payerAt(stranger);
    if (what === "likes") for (let i = 0; i < 60; i++) allowance.like(payer, 1, now);
    if (what === "comments") for (let i = 0; i < 5; i++) allowance.comment(payer, now);
    if (what === "work") allowance.spent(payer, 2_000, now);
    if (what === "streams" && by === "viewer") allowance.stream(who, undefined, 0, now);
    for (let i = 0; i < 10 && what === "streams" && by === "address"; i++) {
      allowance.stream(who, stranger, 0, now);
      allowance.left(who);
    }
    return allowance;
  };
  const cases: [string, "likes" | "comments" | "work" | "streams", (row: Row) => string | undefined][] = [
    ["of likes", "likes", ({ takes }) => (takes === "likes" ? "like-rate" : undefined)],
    ["of comments", "comments", ({ takes }) => (takes === "comment" ? "comment-rate" : undefined)],
    ["of streams", "streams", ({ takes }) => (takes === "stream" ? "limit" : undefined)],
    ["of work", "work", ({ takes }) => (takes === "stream" ? "limit" : "work-rate")],
  ];
  for (const [name, what, code] of cases) {
    for (const by of ["viewer", "address"] as const) {
      // Staff with keys have no allowance, those with tokens have one of work.
      const asked = guarded.filter((row) => !isOperators(row.right) && (by === "viewer" || !isForStaff(row)));
      test.each(named(asked))(`${name}, by ${by}: %s`, async (_, row) => {
        const doors = { ...(await doorsOf()), allowance: spent(what, row, by) };
        const auth = by === "viewer" ? doors.auth : new Auth(keys);
        const as = by === "viewer" ? { as: rightful(row) } : {};
        const open = by === "address" && bodyOf(row) && !("items" in (bodyOf(row) ?? {}));
        const body = open && row.takes === "likes" ? { body: { ...bodyOf(row), viewer: "ann" } } : {};
        const over = await ask(tried(row, { ...as, ...body }), { ...doors, auth: auth as Auth });
        expect(over.code).toBe(code(row) as never);
        if (code(row) !== undefined) nothingAsked(over.asked);
        else expect(over.status).toBeLessThan(300);
      });
    }
  }

  test.each(named(guarded))("of proofs that prove nothing: %s", async (_, row) => {
    const doors = { ...(await doorsOf()), allowance: new Allowance(settings) };
    const codes: (string | undefined)[] = [];
    // Every other one has none at all.
    for (let i = 0; i < 80; i++) {
      codes.push((await ask(tried(row, i % 2 ? {} : { as: `no.such.token${i}` }), doors)).code);
    }
    const most = codes.indexOf(row.takes === "stream" ? "limit" : "work-rate");
    expect(most).toBeGreaterThan(50);
    expect(new Set(codes.slice(0, most))).toEqual(new Set(["unauthorized"]));
    expect(new Set(codes.slice(most)).size).toBe(1);
    // Whoever proves to be somebody pays as that, wherever others fail.
    const fresh = { ...doors, allowance: new Allowance(settings) };
    const known = await ask(tried(row, { as: rightful(row) }), fresh);
    expect(known.status).toBeLessThan(300);
  });
});

describe("a video that is none of this server's", () => {
  const touches = rows.filter(
    ({ path, query }) => path.includes(":video") || query?.some(({ kind }) => kind === "videos"),
  );
  test.each(named(touches.filter(({ right }) => right !== "admin")))("%s", async (_, row) => {
    const doors = await doorsOf();
    const settings = (videos: string[]) => ({ ...doors, settings: { ...doors.settings, videos } as never });
    for (const videos of [["w"], ["vv*"], ["match-*", "final"]]) {
      const { status, code, asked } = await ask(tried(row, { as: rightful(row) }), settings(videos));
      expect([videos, status, code]).toEqual([videos, 404, "unknown-video"]);
      nothingAsked(asked);
    }
    for (const videos of [["v"], ["v*"], ["*"], ["w", "v"]]) {
      expect((await ask(tried(row, { as: rightful(row) }), settings(videos))).status).toBeLessThan(300);
    }
  });

  test("in a batch, item by item", async () => {
    const doors = await doorsOf();
    const items = ["v", "w"].map((video) => ({ video, kind: "heart", viewer: "ann" }));
    const row = rows.find((one) => nameOf(one) === "POST /v1/likes") as Row;
    const settings = { ...doors.settings, videos: ["w"] } as never;
    const { text } = await ask(tried(row, { body: { items }, as: rightful(row) }), { ...doors, settings });
    expect(JSON.parse(text).items).toMatchObject([{ error: { code: "unknown-video" } }, { status: 202 }]);
  });
});

describe("a mistyped name", () => {
  test.each(named(rows.filter(({ body }) => body !== undefined)))("in the body: %s", async (_, row) => {
    const { properties = {} } = schemas[row.body as keyof typeof schemas] as { properties?: object };
    for (const name of [...Object.keys(properties), "xyzzy"]) {
      const mistyped = name === "xyzzy" ? name : `${name}s`;
      const body = { ...bodyOf(row), [mistyped]: 1 };
      const { status, code, text, asked } = await ask(
        tried(row, { body, as: rightful(row) }),
        await doorsOf(),
      );
      expect([mistyped, status, code]).toEqual([mistyped, 422, "bad-field"]);
      if (name !== "xyzzy" && name.length > 2) expect(text).toContain(`did you mean \\"${name}\\"?`);
      nothingAsked(asked);
    }
  });

  test.each(named(rows.filter(({ path }) => path.startsWith("/v1/"))))("in the query: %s", async (_, row) => {
    const names = [...(row.query ?? []).map(({ name }) => name), "token", "xyzzy"];
    for (const name of names) {
      const mistyped = name === "xyzzy" ? name : `${name}x`;
      const one = tried(row, { query: `${mistyped}=1`, as: rightful(row) });
      const { status, code, text, asked } = await ask(one, await doorsOf());
      expect([mistyped, status, code]).toEqual([mistyped, 400, "bad-query"]);
      if (name !== "xyzzy" && name.length > 2) expect(text).toContain(`did you mean \\"${name}\\"?`);
      nothingAsked(asked);
    }
  });
});

test("every right is somebody's, and what anybody may is little", () => {
  for (const row of guarded) expect([...rights, "metrics", "admin"]).toContain(rightOf(row));
  const unasked = rows.filter(({ takes }) => takes === "nothing");
  expect(unasked.every(({ right, method }) => right === "anybody" && method === "GET")).toBe(true);
});
