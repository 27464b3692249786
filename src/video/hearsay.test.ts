/** The log is the authority: whatever is said beside it, a video goes on, with what is true. */
import { describe, expect, test } from "bun:test";
import type { Entry } from "../core/entry.ts";
import { limits } from "../core/limits.ts";
import { encodeTick, subjects } from "../core/wire.ts";
import { kit, v } from "../frontend/frontend-kit.ts";

type Kit = Awaited<ReturnType<typeof kit>>;

/** Says, as any peer could, that the totals of `v` are these. */
function lie({ log, clock }: Kit, version: number, counts: Record<string, number>, more: object = {}): void {
  const nowMs = clock.date();
  const times = { atMs: nowMs, durableMs: nowMs, tickedMs: nowMs };
  const tick = { video: v, region: "r", totals: { version, counts }, ...times, by: [], ...more };
  log.bus.publish(subjects.tick(v), encodeTick(tick));
}

const entry = (seq: number, previous: number): Entry => {
  return { type: "comment", video: v, seq, previous, text: "lie", user: undefined, atMs: 0 };
};

async function metric({ metrics }: Kit, name: string): Promise<number> {
  const text = await metrics.registry.metrics();
  return Number(new RegExp(`^ovation_${name} (.*)$`, "m").exec(text)?.[1]);
}

describe("totals that are not in the log", () => {
  test("far beyond what is known are asked for, and never shown", async () => {
    for (const version of [limits.leapMax + 2, limits.countMax, Number.MAX_SAFE_INTEGER]) {
      const bench = await kit();
      const { log, open, rest } = bench;
      log.like(v);
      const viewer = open();
      await rest();
      lie(bench, version, { heart: 999 });
      await rest(200);
      log.like(v);
      await rest(200);
      expect(viewer.of("likes").map(({ data }) => data.totals)).toEqual([{ heart: 20 }]);
      expect(viewer.of("reset")).toEqual([]);
    }
  });

  test("a little beyond stand until the log is asked, and then the video begins anew from it", async () => {
    const bench = await kit();
    const { log, open, rest } = bench;
    log.like(v);
    const viewer = open();
    await rest();
    lie(bench, 50, { heart: 999 });
    await rest(200);
    log.like(v);
    await rest(2 * limits.recheckMs);
    expect(viewer.of("reset")).toHaveLength(1);
    expect(viewer.of("snapshot").at(-1)?.data.totals).toEqual({ heart: 20 });
    log.like(v);
    await rest(200);
    expect(viewer.of("likes").at(-1)?.data.totals).toEqual({ heart: 30 });
    expect(await metric(bench, "watches_contradicted_total")).toBe(1);
  });

  test("of a log that was seeded anew are taken at once", async () => {
    const bench = await kit();
    const { log, open, rest } = bench;
    log.like(v);
    const viewer = open();
    await rest();
    lie(bench, 1 + limits.seedVersions, { heart: 10 });
    await rest(200);
    expect(viewer.of("likes")).toHaveLength(1);
  });

  test("of kinds that are not configured are not shown, nor who gave them", async () => {
    const bench = await kit();
    const { open, rest } = bench;
    const viewer = open();
    await rest();
    const by = [
      { user: "a", kind: "heart", count: 1 },
      { user: "b", kind: "skull", count: 9 },
    ];
    lie(bench, 5, { heart: 2, skull: 9 }, { by });
    await rest(200);
    expect(viewer.of("likes")[0]?.data).toMatchObject({ totals: { heart: 2 } });
    expect(JSON.stringify(viewer.seen)).not.toContain("skull");
  });

  test("heard while the log answers are no reason to begin anew", async () => {
    const bench = await kit();
    const { log, open, rest, clock } = bench;
    log.like(v);
    const viewer = open();
    await rest();
    // Each answer tells of what was when it was asked, and comes long after.
    for (let i = 0; i < 20; i++) {
      await rest(limits.recheckMs / 3);
      log.beforeAnswer = () => new Promise<void>((resolve) => clock.after(700, resolve));
      log.like(v);
    }
    await rest(limits.recheckMs);
    expect(viewer.of("reset")).toEqual([]);
    expect(await metric(bench, "watches_contradicted_total")).toBe(0);
  });
});

describe("a comment that is not in the log", () => {
  test("at a far place is not shown, and those of the log go on", async () => {
    for (const seq of [limits.leapMax + 10, Number.MAX_SAFE_INTEGER]) {
      const bench = await kit();
      const { log, open, rest } = bench;
      const viewer = open();
      await rest();
      await log.comment(v, "t1");
      log.publish(entry(seq, 1));
      await rest(200);
      await log.comment(v, "t2");
      await rest(200);
      expect(viewer.texts).toEqual(["t1", "t2"]);
      expect(viewer.of("reset")).toEqual([]);
    }
  });

  test("at a place that the log has not come to holds others up only until the log is asked", async () => {
    const bench = await kit();
    const { log, open, rest } = bench;
    const viewer = open();
    await rest();
    await log.comment(v, "t1");
    log.publish(entry(5_000, 1));
    await rest(100);
    await log.comment(v, "t2");
    await rest(2 * limits.recheckMs);
    expect(viewer.of("reset")).toHaveLength(1);
    expect(
      viewer
        .of("snapshot")
        .at(-1)
        ?.data.comments?.map(({ text }) => text),
    ).toEqual(["t1", "t2"]);
    await log.comment(v, "t3");
    await rest(200);
    expect(viewer.texts.at(-1)).toBe("t3");
    expect(await metric(bench, "watches_contradicted_total")).toBe(1);
  });
});
