/** Taps into batches, batches into requests, requests into answers: the way up, by hand-moved clock. */
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { backoffMs } from "./backoff.ts";
import { FakeOutside } from "./fakes.ts";
import { GIVE_UP_MS, newKey, Refusal, send } from "./send.ts";
import { COUNT_MAX, createTaps, MERGE_MS } from "./taps.ts";

const refused = (status: number, headers = {}) =>
  new Response(JSON.stringify({ error: { code: "nope", message: "no" } }), { status, headers });

describe("backoff", () => {
  test("doubles, keeps half as a floor, spreads the other half, and is bounded", () => {
    fc.assert(
      fc.property(fc.nat(60), fc.double({ min: 0, max: 0.999, noNaN: true }), (attempt, random) => {
        const ms = backoffMs(attempt, random, 1000, 30_000);
        const full = Math.min(30_000, 1000 * 2 ** Math.min(attempt, 16));
        expect(ms).toBeGreaterThanOrEqual(full / 2);
        expect(ms).toBeLessThanOrEqual(full);
      }),
    );
  });
});

describe("taps", () => {
  test("taps of one window leave as one batch", async () => {
    const outside = new FakeOutside();
    const posted: [string, number][] = [];
    const taps = createTaps(outside, async (kind, count) => void posted.push([kind, count]));
    for (let tap = 0; tap < 7; tap++) void taps.tap("heart", 1);
    void taps.tap("fire", 2);
    await outside.pass(MERGE_MS - 1);
    expect(posted).toEqual([]);
    await outside.pass(1);
    expect(posted).toEqual([
      ["heart", 7],
      ["fire", 2],
    ]);
  });

  test("any taps at any pace: sums match and no batch is over the server's bound", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.record({ count: fc.integer({ min: 1, max: 130 }), pauseMs: fc.nat(500) }), {
          maxLength: 20,
        }),
        fc.integer({ min: 0, max: 900 }),
        async (pressed, answerMs) => {
          const outside = new FakeOutside();
          const posted: number[] = [];
          const taps = createTaps(outside, async (_kind, count) => {
            posted.push(count);
            await new Promise<void>((answered) => outside.after(answerMs, answered));
          });
          const done: Promise<void>[] = [];
          for (const { count, pauseMs } of pressed) {
            done.push(taps.tap("heart", count));
            await outside.pass(pauseMs);
          }
          await outside.pass(200_000);
          await Promise.all(done);
          const sum = pressed.reduce((total, { count }) => total + count, 0);
          expect(posted.reduce((total, count) => total + count, 0)).toBe(sum);
          expect(Math.max(0, ...posted)).toBeLessThanOrEqual(COUNT_MAX);
        },
      ),
      { numRuns: 60 },
    );
  });

  test("one like of a kind on its way at a time; a refused batch rejects only its own taps", async () => {
    const outside = new FakeOutside();
    const answers: PromiseWithResolvers<void>[] = [];
    const posted: number[] = [];
    const taps = createTaps(outside, (_kind, count) => {
      posted.push(count);
      const answer = Promise.withResolvers<void>();
      answers.push(answer);
      return answer.promise;
    });
    const first = taps.tap("heart", 1);
    await outside.pass(MERGE_MS);
    const second = taps.tap("heart", 2);
    await outside.pass(MERGE_MS * 3);
    expect(posted).toEqual([1]);
    answers[0]?.reject(new Error("no"));
    expect(first).rejects.toThrow("no");
    await outside.pass(MERGE_MS);
    expect(posted).toEqual([1, 2]);
    answers[1]?.resolve();
    await second;
  });

  test("flush sends what is gathered now", async () => {
    const outside = new FakeOutside();
    const posted: number[] = [];
    const taps = createTaps(outside, async (_kind, count) => void posted.push(count));
    void taps.tap("heart", 3);
    taps.flush();
    await outside.settle();
    expect(posted).toEqual([3]);
  });
});

describe("send", () => {
  test("repeats with the same key and body until answered", async () => {
    const outside = new FakeOutside();
    let left = 3;
    outside.answer = () => {
      if (left-- > 0) throw new TypeError("no network");
      return new Response(JSON.stringify({ id: "c1" }), { status: 201 });
    };
    const sent = send<{ id: string }>(outside, "http://x/likes", { kind: "heart" }, "k1", undefined);
    await outside.pass(60_000);
    expect(await sent).toEqual({ id: "c1" });
    expect(outside.calls.length).toBe(4);
    expect(new Set(outside.calls.map((call) => call.headers["idempotency-key"]))).toEqual(new Set(["k1"]));
    expect(new Set(outside.calls.map((call) => call.body)).size).toBe(1);
  });

  test("waits as long as Retry-After says", async () => {
    const outside = new FakeOutside();
    let first = true;
    outside.answer = () => {
      const answer = first ? refused(429, { "retry-after": "7" }) : new Response("{}");
      first = false;
      return answer;
    };
    const sent = send(outside, "http://x/likes", {}, "k", undefined);
    await outside.pass(6999);
    expect(outside.calls.length).toBe(1);
    await outside.pass(1);
    await sent;
  });

  test("a refusal goes to the caller at once", async () => {
    const outside = new FakeOutside();
    outside.answer = () => refused(422);
    const error = await send(outside, "http://x/likes", {}, "k", undefined).catch((thrown) => thrown);
    expect(error).toBeInstanceOf(Refusal);
    expect(error).toMatchObject({ status: 422, code: "nope", message: "no" });
    expect(outside.calls.length).toBe(1);
  });

  test("never repeats after the server may have forgotten the key", async () => {
    const outside = new FakeOutside();
    outside.answer = () => refused(503);
    const sent = send(outside, "http://x/likes", {}, "k", undefined).catch((thrown) => thrown);
    const from = outside.nowMs;
    const at: number[] = [];
    const { answer } = outside;
    outside.answer = (call) => {
      at.push(outside.nowMs - from);
      return answer(call);
    };
    await outside.pass(GIVE_UP_MS * 2);
    expect(await sent).toMatchObject({ status: 503 });
    expect(Math.max(...at)).toBeLessThanOrEqual(GIVE_UP_MS);
  });

  test("a 401 asks for a fresh token once", async () => {
    const outside = new FakeOutside();
    outside.answer = (call) =>
      call.headers.authorization === "Bearer new" ? new Response("{}") : refused(401);
    await send(outside, "http://x/likes", {}, "k", (refresh) => (refresh ? "new" : "old"));
    expect(outside.calls.map((call) => call.headers.authorization)).toEqual(["Bearer old", "Bearer new"]);
    const again = send(outside, "http://x/likes", {}, "k", () => "old");
    expect(again).rejects.toMatchObject({ status: 401 });
  });

  test("keys do not repeat", () => {
    const keys = new Set(Array.from({ length: 1000 }, newKey));
    expect(keys.size).toBe(1000);
    for (const key of keys) expect(key).toMatch(/^[0-9a-f]{32}$/);
  });
});
