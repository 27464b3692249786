/** A log that opens a branch under viewers: what it lost is reset, all else goes on, and totals stay. */
import { describe, expect, test } from "bun:test";
import { limits } from "../core/limits.ts";
import { Lineage } from "../core/lineage.ts";
import { kit, v, w } from "../frontend/frontend-kit.ts";

describe("a log that has another branch", () => {
  /** Viewers who were told `count` comments, and their totals. */
  async function told(count: number) {
    const bench = await kit();
    const viewers = [bench.open(), bench.open()];
    await bench.rest();
    for (let i = 1; i <= count; i++) await bench.log.comment(v, `t${i}`);
    bench.log.like(v);
    await bench.rest();
    return { ...bench, viewers };
  }

  test("behind all that viewers were told goes on as if nothing had been", async () => {
    const { log, rest, viewers, open } = await told(5);
    const place = log.id(5);
    log.turn(6);
    await log.comment(v, "t6");
    await rest();
    for (const viewer of viewers) {
      expect(viewer.of("reset")).toEqual([]);
      expect(viewer.texts).toEqual(["t1", "t2", "t3", "t4", "t5", "t6"]);
      expect(viewer.lastEventId).toBe(log.id(6));
      expect(viewer.lastEventId).toStartWith("turn1-");
      expect(viewer.hearts.at(-1)).toBe(10);
    }
    const resumed = open([v], place);
    await rest();
    expect([resumed.texts, resumed.of("reset")]).toEqual([["t6"], []]);
    // Older comments keep the ids they were told under.
    expect(open([v]).lastEventId ?? log.id(5)).toBe(place);
  });

  test("before what they were told resets them at the first comment of it, and totals stay", async () => {
    const { log, rest, viewers, open } = await told(8);
    const lost = log.id(7);
    await log.rollBack(5);
    await log.comment(v, "new6");
    await rest();
    for (const viewer of viewers) {
      expect(viewer.of("reset").map(({ data }) => data.reason)).toEqual(["epoch"]);
      expect(
        viewer
          .of("snapshot")
          .at(-1)
          ?.data.comments?.map(({ text }) => text),
      ).toEqual([...["t1", "t2", "t3", "t4", "t5", "new6"]]);
      expect(viewer.hearts.every((hearts) => hearts === 0 || hearts === 10)).toBe(true);
      expect(viewer.hearts.at(-1)).toBe(10);
      expect(viewer.lastEventId).toBe(log.id(6));
    }
    const resumed = open([v], lost);
    await rest();
    expect(resumed.of("reset").map(({ data }) => data.reason)).toEqual(["epoch"]);
    await log.comment(v, "new7");
    await rest();
    expect(viewers[0]?.texts.at(-1)).toBe("new7");
  });

  test("is found without a comment of it, and when what was lost was another video's", async () => {
    const { log, rest, viewers, clock } = await told(3);
    for (let i = 0; i < 4; i++) await log.comment(w, `w${i}`);
    await clock.run(limits.recheckMs + 1_000, 10);
    await log.rollBack(3);
    await clock.run(limits.recheckMs + 1_000, 10);
    // Their places may be of what was lost: places 4 to 7 will be given out once more.
    for (let i = 4; i <= 6; i++) await log.comment(v, `t${i}`);
    await rest();
    for (const viewer of viewers) {
      expect(viewer.texts.slice(-3)).toEqual(["t4", "t5", "t6"]);
      expect(viewer.lastEventId).toBe(log.id(6));
    }
  });

  test("is asked for again while the dispatcher that answers has not heard of it", async () => {
    const { log, rest, viewers, clock } = await told(8);
    await log.rollBack(5);
    const now = log.lineage;
    log.live = false;
    const entry = await log.comment(v, "new6");
    log.publish(entry);
    log.live = true;
    // The one who answers still takes the log for what it was.
    log.lineage = Lineage.begin(log.epoch);
    await clock.run(300, 10);
    log.lineage = now;
    await clock.run(2_000, 10);
    expect(viewers[0]?.of("reset")).toHaveLength(1);
    expect(viewers[0]?.of("snapshot").at(-1)?.data.comments?.at(-1)?.text).toBe("new6");
    await rest();
  });
});
