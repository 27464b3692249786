/** A log that opens a branch under viewers: what it lost is reset, all else goes on, and totals stay. */
import { describe, expect, test } from "bun:test";
import { parseId } from "../core/entry.ts";
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

describe("a stream of several videos of which not all have heard that the log lost its end", () => {
  /** `v` is watched here and takes the log for what it was, with what it lost behind `keep`; `w` does not. */
  async function halfHeard(said: readonly string[], keep: number, removed?: number, logHistory?: number) {
    const bench = await kit({ logHistory: logHistory ?? 1_000 });
    const { log, rest, open } = bench;
    for (const text of said) await log.comment(text.startsWith("w") ? w : v, text);
    open([v]);
    await rest();
    if (removed !== undefined) await log.retract(v, removed);
    await rest();
    await log.rollBack(keep);
    const continued = (id: string | undefined): boolean => {
      const place = parseId(id ?? "");
      return place !== undefined && log.lineage.continues(place);
    };
    return { ...bench, continued };
  }

  test("begins anew when it comes back, as no place means the same for all it was shown", async () => {
    const { log, open, rest, start, continued } = await halfHeard(["t1", "t2", "t3", "w4"], 4, 2);
    const viewer = open([v, w]);
    await rest(5);
    // The removal is lost, and what was shown of v tells of it.
    expect(viewer.texts).toEqual(["t1", "t3", "w4"]);
    expect(viewer.of("snapshot").map(({ id }) => continued(id))).toEqual([false, false]);
    await viewer.close();
    const other = (await start("f2")).open([v, w], viewer.lastEventId);
    await log.comment(v, "new5");
    await rest();
    expect(other.of("reset").map(({ data }) => data.reason)).toEqual(["epoch", "epoch"]);
    expect(other.texts).toEqual(["t1", "t2", "t3", "new5", "w4"]);
  });

  test("is written no earlier comment of one behind what it was shown of another", async () => {
    const said = Array.from({ length: 64 }, (_, i) => (i === 0 || i === 50 ? `w${i + 1}` : `t${i + 1}`));
    const { log, open, rest, continued } = await halfHeard(said, 62, undefined, 20);
    const viewer = open([v, w], log.id(1));
    await rest(5);
    expect(viewer.of("reset").map(({ data }) => data.video)).toEqual(["v"]);
    expect(viewer.texts.at(-1)).toBe("t64");
    expect(continued(viewer.lastEventId)).toBe(false);
    await log.comment(v, "new63");
    await rest();
    expect(viewer.texts.slice(-2)).toEqual(["new63", "w51"]);
    expect(continued(viewer.lastEventId)).toBe(true);
  });

  test("goes on where none of them was told of what is lost", async () => {
    const { log, open, rest } = await halfHeard(["t1", "t2", "w3"], 3);
    const viewer = open([v, w]);
    await log.comment(w, "new4");
    await log.comment(v, "new5");
    await rest();
    expect(viewer.of("reset")).toEqual([]);
    expect(viewer.texts).toEqual(["t1", "t2", "w3", "new4", "new5"]);
    expect(viewer.lastEventId).toBe(log.id(5));
  });
});
