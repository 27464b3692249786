/** A deletion on its way to viewers: whatever the bus loses, it is told once, and nothing of before. */
import { describe, expect, test } from "bun:test";
import { kit, v } from "../frontend/frontend-kit.ts";

type Kit = Awaited<ReturnType<typeof kit>>;
/** Writes t`from`…t`to` without publishing them. */
async function silently({ log }: Kit, from: number, to: number): Promise<void> {
  log.live = false;
  for (let i = from; i <= to; i++) await log.comment(v, `t${i}`);
  log.live = true;
}

describe("a deletion", () => {
  const told = (viewer: ReturnType<Kit["open"]>) => viewer.of("reset").map(({ data }) => data.reason);

  test("is told once, however often it comes, and then what came since", async () => {
    const { log, open, rest } = await kit();
    const viewer = open();
    await rest();
    await log.comment(v, "t1");
    await rest();
    const entry = await log.deleteVideo(v);
    log.publish(entry);
    await rest();
    await log.comment(v, "t2");
    log.publish(entry);
    await rest();
    expect(told(viewer)).toEqual(["deleted"]);
    expect(viewer.of("snapshot").map(({ data }) => data.comments?.length)).toEqual([0, 0]);
    expect(viewer.texts).toEqual(["t1", "t2"]);
  });

  test.each([
    ["itself", 0],
    ["with what came before it", 3],
  ])("that was lost, %s, is found by what comes next", async (_, lost) => {
    const bench = await kit();
    const { log, open, rest } = bench;
    const viewer = open();
    await rest();
    await log.comment(v, "t1");
    await silently(bench, 2, 1 + lost);
    log.live = false;
    await log.deleteVideo(v);
    log.live = true;
    await log.comment(v, "after");
    await rest(1_000);
    expect(told(viewer)).toEqual(["deleted"]);
    expect(viewer.texts).toEqual(["t1", "after"]);
  });

  test("that comes while a hole is filled is told, and nothing of before it after it", async () => {
    const bench = await kit();
    const { log, open, rest } = bench;
    const viewer = open();
    await rest();
    await log.comment(v, "t1");
    await silently(bench, 2, 3);
    let asked = 0;
    log.beforeAnswer = async () => {
      if (asked++ === 0) await log.deleteVideo(v);
    };
    await log.comment(v, "t4");
    await rest(1_000);
    await log.comment(v, "t5");
    await rest(1_000);
    expect(told(viewer)).toEqual(["deleted"]);
    const at = viewer.seen.findIndex(({ event }) => event === "reset");
    const after = viewer.seen.slice(at).filter(({ event }) => event === "comment");
    expect(after.map(({ data }) => data.text)).toEqual(["t5"]);
  });

  test("has what is held shown to nobody", async () => {
    const { log, open, rest } = await kit();
    const viewer = open();
    await rest();
    await log.comment(v, "held", 2_000);
    await log.deleteVideo(v);
    await log.comment(v, "new", 2_000);
    await rest(5_000);
    expect(viewer.texts).toEqual(["new"]);
  });
});
