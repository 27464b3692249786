/** The feed: whatever the bus loses, repeats or mixes up, viewers are shown all of it, once, in order. */
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import type { Entry } from "../core/entry.ts";
import type { VideoId } from "../core/interaction.ts";
import { limits } from "../core/limits.ts";
import { subjects } from "../core/wire.ts";
import { kit, v, w } from "../frontend/frontend-kit.ts";

const texts = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, i) => `t${from + i}`);
type Kit = Awaited<ReturnType<typeof kit>>;
/** Writes t`from`…t`to` without publishing them. */
async function silently({ log }: Kit, from: number, to: number): Promise<Entry[]> {
  log.live = false;
  const entries: Entry[] = [];
  for (let i = from; i <= to; i++) entries.push(await log.comment(v, `t${i}`));
  log.live = true;
  return entries;
}
async function metric({ metrics }: Kit, name: string): Promise<number> {
  const line = (await metrics.registry.metrics())
    .split("\n")
    .find((one) => one.startsWith(`ovation_${name} `));
  return Number(line?.split(" ")[1]);
}

describe("a hole", () => {
  test("is filled before anything behind it is shown", async () => {
    const bench = await kit();
    const { log, open, rest } = bench;
    const viewer = open();
    await rest();
    await log.comment(v, "t1");
    await silently(bench, 2, 6);
    const asked = log.asked;
    await log.comment(v, "t7");
    await log.comment(v, "t8");
    await rest();
    expect(viewer.texts).toEqual(texts(1, 8));
    expect(log.asked).toBe(asked + 1);
    expect(await metric(bench, "gaps_filled_total")).toBe(1);
  });

  test("is asked for until the log answers", async () => {
    const bench = await kit();
    const { log, open, rest } = bench;
    const viewer = open();
    await rest();
    await silently(bench, 1, 3);
    log.beforeAnswer = () => {
      throw new Error("away");
    };
    await log.comment(v, "t4");
    await rest(3_000);
    expect(viewer.texts).toEqual([]);
    await log.comment(v, "t5");
    log.beforeAnswer = () => {};
    await rest(1_500);
    expect(viewer.texts).toEqual(texts(1, 5));
  });

  test("larger than one page is filled page by page", async () => {
    const bench = await kit({ logHistory: 5_000 });
    const { log, open, rest } = bench;
    const viewer = open();
    await rest();
    await silently(bench, 1, limits.pageEntriesMax + 50);
    await log.comment(v, "last");
    await rest(1_000);
    const told = viewer.texts;
    // More at once than a node holds: what is not shown has been said to be missing.
    if (viewer.of("reset").length === 0) expect(told).toHaveLength(limits.pageEntriesMax + 51);
    expect(told.at(-1)).toBe("last");
  });

  test("that the log has let go makes a reset, never silence", async () => {
    const bench = await kit({ logHistory: 20 });
    const { log, open, rest } = bench;
    const viewer = open();
    await rest();
    await log.comment(v, "t1");
    await rest();
    await silently(bench, 2, 60);
    await log.comment(v, "t61");
    await rest();
    expect(viewer.seen.map(({ event }) => event).slice(-3)).toEqual(["comment", "reset", "snapshot"]);
    expect(viewer.of("reset")[0]?.data.reason).toBe("history");
    expect(viewer.texts.slice(1)).toEqual(texts(42, 61));
    await log.comment(v, "t62");
    await rest();
    expect(viewer.texts.at(-1)).toBe("t62");
  });

  test("wider than this node's history makes a reset, never silence", async () => {
    const bench = await kit({ history: 20 });
    const { log, open, rest } = bench;
    const viewer = open();
    await rest();
    await silently(bench, 1, 200);
    await log.comment(v, "t201");
    await rest();
    expect(viewer.seen.map(({ event }) => event)).toEqual(["hello", "snapshot", "reset", "snapshot"]);
    expect(viewer.texts).toEqual(texts(182, 201));
    await log.comment(v, "t202");
    await rest();
    expect(viewer.texts.at(-1)).toBe("t202");
  });

  test("before an entry that nobody wrote is given up, without a storm of questions", async () => {
    const bench = await kit();
    const { log, open, rest } = bench;
    const viewer = open();
    await rest();
    await log.comment(v, "t1");
    const asked = log.asked;
    const liar: Entry = {
      type: "comment",
      video: v,
      seq: 90,
      previous: 80,
      text: "lie",
      user: undefined,
      atMs: 0,
    };
    log.publish(liar);
    log.publish({ ...liar, seq: 95, previous: 90 });
    await rest(200);
    await log.comment(v, "t2");
    await rest(10_000);
    expect(viewer.texts).toEqual(["t1", "t2"]);
    expect(log.asked - asked).toBeLessThan(12);
    await log.comment(v, "t3");
    await rest();
    expect(viewer.texts).toEqual(["t1", "t2", "t3"]);
  });
});

describe("entries", () => {
  test("lost, repeated and reordered in any way are shown whole, once, in order", async () => {
    const fate = fc.record({
      copies: fc.constantFrom(0, 1, 1, 1, 2),
      delays: fc.tuple(fc.integer({ min: 0, max: 60 }), fc.integer({ min: 0, max: 60 })),
      gapMs: fc.integer({ min: 0, max: 30 }),
      retract: fc.boolean(),
    });
    await fc.assert(
      fc.asyncProperty(
        fc.array(fate, { minLength: 1, maxLength: 40 }),
        fc.nat(50),
        async (fates, answerMs) => {
          const { log, open, clock } = await kit();
          log.beforeAnswer = () => new Promise((resolve) => clock.after(answerMs, resolve));
          const viewer = open();
          await clock.run(200, 10);
          log.live = false;
          let count = 0;
          for (const { copies, delays, gapMs } of fates) {
            const entry = await log.comment(v, `t${++count}`);
            for (const delayMs of delays.slice(0, copies)) clock.after(delayMs, () => log.publish(entry));
            await clock.run(gapMs, 5);
          }
          // The last one arrives: it is what makes earlier losses noticed.
          await clock.run(100, 5);
          log.live = true;
          await log.comment(v, `t${++count}`);
          await clock.run(1_500, 10);
          expect(viewer.texts).toEqual(texts(1, count));
          expect(viewer.of("reset")).toEqual([]);
        },
      ),
      { numRuns: 40 },
    );
  }, 30_000);

  test("that are not ours are counted and shown to nobody", async () => {
    const bench = await kit();
    const { log, open, rest } = bench;
    const viewer = open();
    await rest();
    const bytes = new TextEncoder().encode('{"type":"comment","text":5,"at":1}');
    log.bus.publish(subjects.comment(v), bytes, { seq: 1, previous: 0 });
    log.bus.publish(subjects.comment(v), bytes);
    log.bus.publish(subjects.tick(v), bytes);
    await rest();
    expect(viewer.seen).toHaveLength(2);
    expect(await metric(bench, "invalid_messages_total")).toBe(3);
  });
});

describe("a watch", () => {
  test("that cannot be loaded is asked for again until it can", async () => {
    const { log, open, rest } = await kit();
    log.beforeAnswer = () => {
      throw new Error("away");
    };
    log.like(v, false);
    const viewer = open();
    await rest(5_000);
    expect(log.asked).toBeGreaterThan(4);
    expect(log.asked).toBeLessThan(22);
    log.beforeAnswer = () => {};
    await rest(1_200);
    expect(viewer.hearts).toEqual([10]);
  });

  test("is asked for, with very many others, a few at a time", async () => {
    const { log, open, rest } = await kit();
    const answers: (() => void)[] = [];
    log.beforeAnswer = () => new Promise<void>((resolve) => answers.push(resolve));
    const viewers = Array.from({ length: 200 }, (_, i) => open([`v${i}` as VideoId]));
    await rest(100);
    expect(answers.length).toBeGreaterThan(0);
    expect(answers.length).toBeLessThan(64);
    log.beforeAnswer = () => {};
    for (const answer of answers) answer();
    await rest(1_000);
    for (const viewer of viewers) expect(viewer.of("snapshot")).toHaveLength(1);
  });

  test("loses nothing that comes while its first state is on the way", async () => {
    const { log, open, rest, clock } = await kit();
    await log.comment(v, "t1");
    log.beforeAnswer = () => new Promise((resolve) => clock.after(50, resolve));
    const viewer = open();
    await rest(20);
    await log.comment(v, "t2");
    log.like(v);
    await rest();
    expect(viewer.texts).toEqual(["t1", "t2"]);
    expect(viewer.hearts.at(-1)).toBe(10);
  });

  test("asked for twice before its first state has come begins once", async () => {
    const { log, open, rest, bus } = await kit();
    let answers: (() => void)[] = [];
    log.beforeAnswer = () => new Promise<void>((resolve) => answers.push(resolve));
    const viewer = open();
    await rest(10);
    bus.cut();
    bus.heal();
    await rest(2_100);
    expect(answers.length).toBeGreaterThan(1);
    for (const answer of answers.splice(0)) answer();
    await rest(10);
    log.beforeAnswer = () => {};
    for (let i = 1; i <= 3; i++) await log.comment(v, `t${i}`);
    for (const answer of answers) answer();
    answers = [];
    await rest();
    expect(viewer.texts).toEqual(texts(1, 3));
    expect(viewer.of("snapshot")).toHaveLength(1);
  });

  test("is asked for anew when the bus comes back, and shows what was missed", async () => {
    const bench = await kit();
    const { log, open, rest, bus } = bench;
    const viewer = open();
    await rest();
    bus.cut();
    await log.comment(v, "t1");
    log.like(v);
    await rest(500);
    bus.heal();
    await rest();
    expect(viewer.texts).toEqual(["t1"]);
    expect(viewer.hearts).toEqual([0, 10]);
  });
});

describe("a loss behind which nothing comes", () => {
  test("is made good within seconds, of likes and of comments", async () => {
    const bench = await kit();
    const { log, open, rest } = bench;
    const viewer = open();
    await rest();
    await silently(bench, 1, 2);
    log.like(v, false);
    await rest(limits.recheckMs + limits.recheckEveryMs);
    expect(viewer.texts).toEqual(texts(1, 2));
    expect(viewer.hearts.at(-1)).toBe(10);
  });

  test("costs few questions, however many videos are watched, none for those without viewers", async () => {
    const { log, open, rest, clock } = await kit();
    const many = Array.from({ length: 200 }, (_, i) => `v${i}` as VideoId);
    const viewers = many.map((video) => open([video]));
    const left = open([w]);
    await rest(1_000);
    await left.close();
    const { asked } = log;
    const startMs = clock.elapsed();
    await clock.run(10_000, 50);
    const questions = log.asked - asked;
    expect(questions).toBeGreaterThan(5);
    expect(questions).toBeLessThanOrEqual((clock.elapsed() - startMs) / limits.recheckEveryMs);
    for (const viewer of viewers) await viewer.close();
    const { asked: before } = log;
    await rest(limits.lingerMs - 2_000);
    expect(log.asked).toBe(before);
  });
});

describe("another log", () => {
  test("is begun anew from its newest page, and everything goes on", async () => {
    const { log, open, rest, bus } = await kit();
    const viewers = [open(), open(), open()];
    await rest();
    for (let i = 1; i <= 40; i++) await log.comment(v, `old${i}`);
    for (let i = 0; i < 5; i++) log.like(v);
    await rest();
    log.replace();
    await log.comment(v, "new1");
    bus.cut();
    bus.heal();
    await rest();
    log.like(v);
    await log.comment(v, "new2");
    await rest();
    for (const viewer of viewers) {
      expect(viewer.of("reset").map(({ data }) => data.reason)).toEqual(["epoch"]);
      expect(viewer.texts.slice(-2)).toEqual(["new1", "new2"]);
      expect(viewer.hearts.slice(-2)).toEqual([0, 10]);
      expect(viewer.lastEventId).toBe(log.id(2));
    }
  });
});

describe("places that are too far back", () => {
  test("are read for once, and everybody who comes from there is told at once", async () => {
    const bench = await kit({ history: 20, logHistory: 40 });
    const { log, open, rest } = bench;
    const viewer = open();
    await rest();
    for (let i = 1; i <= 200; i++) await log.comment(v, `t${i}`);
    await rest();
    const { read } = log;
    const first = open([v], log.id(5));
    await rest();
    expect(log.read).toBe(read);
    const asked = log.asked;
    const others = [1, 5, 20, 100].map((seq) => open([v], log.id(seq)));
    await rest();
    expect([first, ...others].map(({ seen }) => seen[1]?.data.reason)).toEqual(Array(5).fill("history"));
    expect(log.asked).toBe(asked);
    // What the log still holds is still continued, by one more reading.
    const inTime = open([v], log.id(170));
    await rest();
    expect(inTime.texts).toEqual(Array.from({ length: 30 }, (_, i) => `t${171 + i}`));
    expect(viewer.ended).toBe(false);
  });

  test("are forgotten with their history: in another log they may mean something", async () => {
    const bench = await kit({ history: 20, logHistory: 40 });
    const { log, open, rest } = bench;
    open();
    await rest();
    for (let i = 1; i <= 100; i++) await log.comment(v, `t${i}`);
    await rest();
    open([v], log.id(5));
    await rest();
    log.replace();
    for (let i = 1; i <= 10; i++) await log.comment(v, `u${i}`);
    await rest(10_000);
    const resumed = open([v], log.id(5));
    await rest();
    expect(resumed.texts).toEqual(["u6", "u7", "u8", "u9", "u10"]);
  });
});
