import { describe, expect, test } from "bun:test";
import type { Rejection } from "../core/interaction.ts";
import { limits } from "../core/limits.ts";
import { kit, v } from "./frontend-kit.ts";
import type { PollAnswer } from "./poll.ts";

async function polled(options: Parameters<typeof kit>[0] = {}) {
  const bench = await kit(options);
  const never = new AbortController().signal;
  /** A poll, and when it was answered. */
  const poll = (cursor?: string, waitMs = 0, signal = never) => {
    const asked = { answer: undefined as PollAnswer | Rejection | undefined, ms: 0 };
    const startMs = bench.clock.elapsed();
    const done = bench.frontend.poll(v, cursor, waitMs, signal).then((answer) => {
      Object.assign(asked, { answer, ms: bench.clock.elapsed() - startMs });
      return answer as PollAnswer;
    });
    return Object.assign(asked, { done });
  };
  const told = async (cursor?: string) => {
    const { done } = poll(cursor);
    await bench.rest(300);
    return done;
  };
  return { ...bench, poll, told };
}

describe("a poll", () => {
  test("without a cursor shows where the video stands, and where to go on", async () => {
    const { log, told } = await polled();
    log.like(v, false);
    for (let i = 1; i <= 30; i++) await log.comment(v, `t${i}`);
    const answer = await told();
    expect(answer).toMatchObject({ video: "v", totals: { heart: 10 }, version: 1, retracted: [] });
    expect(answer.comments).toHaveLength(limits.snapshotCommentsMax);
    expect(answer.comments.at(-1)?.text).toBe("t30");
    expect(answer.cursor).toBe(`${log.id(30)}-1`);
    expect(answer.reset).toBeUndefined();
  });

  test("with a cursor waits for a comment, then tells it at once", async () => {
    const { log, poll, told, rest } = await polled();
    const { cursor } = await told();
    const waiting = poll(cursor, 20_000);
    await rest(5_000);
    expect(waiting.answer).toBeUndefined();
    await log.comment(v, "t1");
    await rest(5);
    expect(waiting.ms).toBeLessThanOrEqual(5_005);
    expect((await waiting.done).comments.map(({ text }) => text)).toEqual(["t1"]);
  });

  test("gathers likes for a moment, so that a busy video is no storm of polls", async () => {
    const { log, poll, told, rest } = await polled();
    const { cursor } = await told();
    const waiting = poll(cursor, 20_000);
    for (let i = 0; i < 20; i++) {
      log.like(v);
      await rest(10);
    }
    expect(waiting.answer).toBeUndefined();
    await rest(100);
    expect((await waiting.done).totals).toEqual({ heart: 200 });
    expect(waiting.ms).toBeLessThan(300);
  });

  test("is answered when its wait is over, when its asker leaves and when all is closed", async () => {
    const { poll, told, rest, frontend } = await polled();
    const { cursor } = await told();
    const abort = new AbortController();
    const [over, left, closed] = [
      poll(cursor, 1_000),
      poll(cursor, 9_000, abort.signal),
      poll(cursor, 9_000),
    ];
    await rest(1_000);
    expect(over.ms).toBe(1_000);
    abort.abort();
    await rest(5);
    expect(left.answer).toMatchObject({ cursor, comments: [] });
    expect(closed.answer).toBeUndefined();
    await frontend.drain(0);
    await rest(5);
    expect(closed.answer).toMatchObject({ cursor });
  });

  test("chained tells every comment once and every removal", async () => {
    const { log, poll, clock } = await polled();
    const told: string[] = [];
    const removed: string[] = [];
    let cursor: string | undefined;
    let polling = true;
    const loop = (async () => {
      while (polling) {
        const answer = await poll(cursor, 500).done;
        cursor = answer.cursor;
        told.push(...answer.comments.map(({ text }) => text));
        removed.push(...answer.retracted);
      }
    })();
    await clock.run(50, 5);
    for (let i = 1; i <= 100; i++) {
      await log.comment(v, `t${i}`);
      await clock.run(i % 7, 1);
    }
    await log.retract(v, 50);
    await clock.run(100, 5);
    polling = false;
    await clock.run(1_000, 10);
    await loop;
    expect(told).toEqual(Array.from({ length: 100 }, (_, i) => `t${i + 1}`));
    expect(removed).toEqual([log.id(50)]);
  });

  test.each(["garbage", "abcd-5-x", "abcd--1", "zzzz-5-1", `${"x".repeat(200)}`, "abcd-1-1.5"])(
    "with a cursor that means nothing begins anew: %p",
    async (cursor) => {
      const { log, told } = await polled();
      await log.comment(v, "t1");
      const answer = await told(cursor);
      expect(answer.reset).toBe(true);
      expect(answer.comments.map(({ text }) => text)).toEqual(["t1"]);
    },
  );

  test("from before what the log keeps begins anew", async () => {
    const { log, told } = await polled({ logHistory: 20 });
    for (let i = 1; i <= 60; i++) await log.comment(v, `t${i}`);
    expect(await told(`${log.id(5)}-0`)).toMatchObject({ reset: true });
    expect((await told(`${log.id(45)}-0`)).comments).toHaveLength(15);
  });

  test("from before a deletion begins anew, and says why, whether it comes later or waits", async () => {
    const { log, poll, told, rest } = await polled();
    for (const text of ["t1", "t2"]) await log.comment(v, text);
    const { cursor } = await told();
    const waiting = poll(cursor, 20_000);
    await rest(100);
    await log.deleteVideo(v);
    await rest(5);
    const anew = { reset: true, reason: "deleted", comments: [] };
    expect(await waiting.done).toMatchObject(anew);
    expect(await told(cursor)).toMatchObject(anew);
    const after = await told((await waiting.done).cursor);
    expect([after.reset, after.reason]).toEqual([undefined, undefined]);
    expect(await told("nonsense")).not.toHaveProperty("reason");
  });

  test("is refused when the log is away, or when too many are held", async () => {
    const { log, poll, told, rest, frontend } = await polled();
    log.beforeAnswer = () => new Promise(() => {});
    const { done } = poll(undefined, 0);
    await rest(limits.requestMs + 100);
    expect(await done).toMatchObject({ rejected: "unavailable", retryAfterS: 1 });
    log.beforeAnswer = () => {};
    await rest(2_000);
    const { cursor } = await told();
    const mutable = limits as { pollsMax: number };
    const before = limits.pollsMax;
    try {
      mutable.pollsMax = 3;
      for (let i = 0; i < 3; i++) poll(cursor, 1_000);
      expect(await poll(cursor, 1_000).done).toMatchObject({ rejected: "busy" });
      await rest(1_000);
      expect(await told(cursor)).toMatchObject({ cursor });
    } finally {
      mutable.pollsMax = before;
    }
    await rest(limits.lingerMs + 3_000);
    expect([...frontend.watches()]).toEqual([]);
  });
});

describe("what everybody is told", () => {
  const never = new AbortController().signal;

  test("is the same object until there is something else to see, and says which comments went", async () => {
    const { log, frontend, rest } = await polled();
    const live = async () => {
      const asked = frontend.live(v, never);
      await rest(300);
      return (await asked) as PollAnswer;
    };
    log.like(v, false);
    for (let i = 1; i <= 30; i++) await log.comment(v, `t${i}`);
    const first = await live();
    expect(first).toMatchObject({ video: "v", totals: { heart: 10 }, version: 1, retracted: [] });
    expect(first.comments.map(({ text }) => text)).toEqual(
      Array.from({ length: 20 }, (_, i) => `t${i + 11}`),
    );
    expect(await live()).toBe(first);
    log.like(v);
    const liked = await live();
    expect([liked === first, liked.totals.heart]).toEqual([false, 20]);
    await log.retract(v, 30);
    const without = await live();
    expect([without.comments.at(-1)?.text, without.retracted]).toEqual(["t29", [log.id(30)]]);
    expect(await live()).toBe(without);
  });

  test("is told of the last deletion by its place, and of nothing before it", async () => {
    const { log, frontend, rest } = await polled();
    const live = async () => {
      const asked = frontend.live(v, never);
      await rest(300);
      return (await asked) as PollAnswer;
    };
    log.like(v, false);
    await log.comment(v, "t1");
    const first = await live();
    expect(first).not.toHaveProperty("deleted");
    const { seq } = await log.deleteVideo(v);
    const gone = await live();
    expect(gone).toMatchObject({ deleted: log.id(seq), comments: [], retracted: [] });
    expect(await live()).toBe(gone);
    await log.comment(v, "t2");
    expect(await live()).toMatchObject({ deleted: log.id(seq), comments: [{ text: "t2" }] });
  });

  test("is refused while the log cannot be reached", async () => {
    const { log, frontend, rest } = await polled();
    log.beforeAnswer = () => new Promise(() => {});
    const asked = frontend.live(v, never);
    await rest(2 * limits.requestMs);
    expect(await asked).toMatchObject({ rejected: "unavailable" });
  });
});
