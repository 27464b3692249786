/** Publishing and refusals against doors with nobody behind them: what is answered, and what was asked. */
import { describe, expect, test } from "bun:test";
import { adminDoors, call, fakeDoors, nothingAsked, posted, type Try } from "../system/fake-doors.ts";
import { refusals } from "../system/refusals.ts";
import type { Doors } from "./doors.ts";
import { createServer } from "./server.ts";

const likes = "/v1/videos/v/likes";
const comments = "/v1/videos/v/comments";

describe("publishing", () => {
  test("a like is handed over whole, and answered 202 with an object of JSON", async () => {
    const like = { kind: "clap", count: 3, user: "Zoë", key: "body" };
    const { status, text, asked } = await call(posted(likes, like, { "idempotency-key": "header" }));
    expect([status, text]).toEqual([202, "{}"]);
    expect(asked.likes as unknown).toEqual([{ ...like, video: "v", key: "header" }]);
  });

  test.each([
    ["the fast path", likes],
    ["an escape in the path", "/v1/videos/%76/likes"],
    ["a query", `${likes}?token=any`],
  ])("%s: the same like", async (_, path) => {
    const { status, asked } = await call(posted(path, { kind: "heart" }));
    expect(status).toBe(202);
    expect(asked.likes as unknown).toMatchObject([{ video: "v", kind: "heart", count: 1 }]);
  });

  test("content types with parameters and in capitals are JSON", async () => {
    for (const type of ["application/json; charset=utf-8", "Application/JSON", "application/json ;x=y"]) {
      expect((await call(posted(likes, { kind: "heart" }, { "content-type": type }))).status).toBe(202);
    }
  });

  test("a comment keeps every character and gets its id", async () => {
    const text = "  👩‍👩‍👧 e\u0301 é \u202eRTL\u202c <b>&amp; \u2028 0\u00001".replace("\u0000", "");
    const { status, response, text: body, asked } = await call(posted(comments, { text, user: "名前" }));
    expect(status).toBe(201);
    expect(response.headers.get("content-type")).toBe("application/json; charset=utf-8");
    expect(JSON.parse(body)).toEqual({ id: "abcd-1" });
    expect(asked.comments).toMatchObject([{ video: "v", text, user: "名前" }] as never);
  });

  test("a batch gives one verdict per item, in order", async () => {
    const items = [
      { video: "a", kind: "heart", count: 50, key: "k1" },
      { video: "a b", kind: "heart" },
      { video: "b", kind: "clap" },
      { video: "b", kind: "clap", count: 51 },
      "not an object",
    ];
    const { status, text, asked } = await call(posted("/v1/likes", { items }));
    expect(status).toBe(202);
    const answers = (JSON.parse(text) as { items: { status: number; error?: { code: string } }[] }).items;
    expect(answers.map((a) => [a.status, a.error?.code])).toEqual([
      [202, undefined],
      [422, "bad-video"],
      [202, undefined],
      [422, "bad-count"],
      [422, "bad-body"],
    ]);
    expect(asked.likes.map((like) => like.video as string)).toEqual(["a", "b"]);
  });

  test("a batch is 503 when nothing of it could be stored, 202 when something was", async () => {
    const away = { rejected: "unavailable", message: "no log", retryAfterS: 2 } as const;
    const ingest = fakeDoors().doors.ingest;
    const items = [
      { video: "a", kind: "heart" },
      { video: "b", kind: "heart" },
    ];
    const none = { ...ingest, likes: async () => [away, away] };
    const all = await call({ ...posted("/v1/likes", { items }), doors: { ingest: none } });
    expect([all.status, all.response.headers.get("retry-after")]).toEqual([503, "2"]);
    const one = { ...ingest, likes: async () => [undefined, away] };
    const some = await call({ ...posted("/v1/likes", { items }), doors: { ingest: one } });
    expect(some.status).toBe(202);
    expect(JSON.parse(some.text).items.map((item: { status: number }) => item.status)).toEqual([202, 503]);
  });

  test("what the ingest refuses is answered with its own status and Retry-After", async () => {
    const cases = [
      ["comment-rate", 3, 429, "3"],
      ["busy", undefined, 503, "1"],
      ["unavailable", 0.2, 503, "1"],
      ["unknown-kind", undefined, 422, null],
    ] as const;
    for (const [rejected, retryAfterS, status, retryAfter] of cases) {
      const refusal = { rejected, message: "no", ...(retryAfterS !== undefined && { retryAfterS }) };
      const ingest = { ...fakeDoors().doors.ingest, like: async () => refusal, comment: async () => refusal };
      for (const [path, body] of [
        [likes, { kind: "heart" }],
        [comments, { text: "hi" }],
      ] as const) {
        const answer = await call({ ...posted(path, body), doors: { ingest } });
        expect(answer.status).toBe(status);
        expect(answer.response.headers.get("retry-after")).toBe(retryAfter);
        expect(JSON.parse(answer.text)).toEqual({ error: { code: rejected, message: "no" } });
      }
    }
  });

  test("only the admin key removes a comment", async () => {
    const path = `${comments}/abcd-1`;
    const remove = (headers: Record<string, string>, doors: Partial<Doors> = adminDoors, id = path) =>
      call({ method: "DELETE", path: id, headers, doors });
    expect((await remove({}, {})).status).toBe(403);
    const without = await remove({});
    expect([without.status, without.response.headers.get("www-authenticate")]).toEqual([401, "Bearer"]);
    expect(JSON.parse(without.text).error.message).toBe("this call needs an API key of scope moderate");
    expect((await remove({ authorization: "Bearer s3cret-of-fake-door" })).status).toBe(401);
    expect((await remove({ authorization: "Basic s3cret-of-fake-doors" })).status).toBe(401);
    expect((await remove({ authorization: "Bearer s3cret-of-fake-doors" })).status).toBe(204);
    expect((await remove({ "x-api-key": "s3cret-of-fake-doors" })).status).toBe(204);
    expect(
      (await remove({ "x-api-key": "s3cret-of-fake-doors" }, adminDoors, `${comments}/abcd-2`)).status,
    ).toBe(404);
  });
});

describe("refusals change nothing", () => {
  test.each(refusals)("%s", async (_, tried, status, code) => {
    const { response, text, asked } = await call(tried);
    expect(response.status).toBe(status);
    const { error } = JSON.parse(text) as { error: { code: string; message: string } };
    expect(error.code).toBe(code);
    expect(error.message).toMatch(/^.{5,120}$/);
    expect(response.headers.get("retry-after")).toBeNull();
    nothingAsked(asked);
  });

  test("a body sent in pieces without a length is refused once it is too large, unread", async () => {
    let pulled = 0;
    const body = new ReadableStream<Uint8Array>({
      pull: (controller) => {
        pulled++;
        controller.enqueue(new Uint8Array(4096).fill(0x20));
      },
    });
    const { status, asked } = await call({ ...posted(likes, ""), body });
    expect(status).toBe(413);
    expect(pulled).toBeLessThan(16);
    nothingAsked(asked);
  });

  test("a body sent in pieces is put together", async () => {
    const bytes = new TextEncoder().encode('{"kind":"heart","user":"Zoë"}');
    const body = new ReadableStream<Uint8Array>({
      start: (controller) => {
        for (const byte of bytes) controller.enqueue(Uint8Array.of(byte));
        controller.close();
      },
    });
    const { status, asked } = await call({ ...posted(likes, ""), body });
    expect(status).toBe(202);
    expect(asked.likes[0]?.user).toBe("Zoë");
  });

  test("a bug is one fixed answer outside and one line in the log", async () => {
    const ingest = {
      ...fakeDoors().doors.ingest,
      like: async () => Promise.reject(new Error("secret /path")),
    };
    for (const path of [likes, `${likes}?token=any`]) {
      const { status, text, asked } = await call({ ...posted(path, { kind: "heart" }), doors: { ingest } });
      expect(status).toBe(500);
      expect(JSON.parse(text)).toEqual({
        error: { code: "internal", message: "something went wrong on this server" },
      });
      expect(asked.logged).toHaveLength(1);
    }
  });

  test("what is refused is counted by its reason, and answers by route and code", async () => {
    const { doors } = fakeDoors();
    const server = createServer(doors, "staff");
    const send = async (tried: Try) =>
      server.fetch(new Request(`http://node${tried.path}`, { method: "GET", ...(tried as RequestInit) }));
    await send(posted(likes, { kind: "boo" }));
    await send(posted(likes, { kind: "heart" }));
    await send(posted(comments, { text: "" }));
    await send({ path: "/nowhere" });
    const text = await (await send({ path: "/metrics" })).text();
    expect(text).toContain('ovation_likes_rejected_total{reason="unknown-kind"} 1');
    expect(text).toContain('ovation_comments_rejected_total{reason="text-empty"} 1');
    expect(text).toContain('ovation_http_requests_total{route="/v1/videos/{video}/likes",code="422"} 1');
    expect(text).toContain('ovation_http_requests_total{route="/v1/videos/{video}/likes",code="202"} 1');
    expect(text).toContain('ovation_http_requests_total{route="other",code="404"} 1');
    expect(text).not.toContain("nowhere");
  });
});
