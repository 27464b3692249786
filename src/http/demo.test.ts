/** The simulated crowd: bounded, human, and only where somebody watches. */
import { describe, expect, test } from "bun:test";
import { VirtualClock } from "../base/clock.ts";
import { seededPrng } from "../base/prng.ts";
import type { Like, VideoId } from "../core/interaction.ts";
import { call, fakeDoors, posted } from "../system/fake-doors.ts";
import { crowdFansFirst, crowdFansMax, DemoCrowd, poisson } from "./demo.ts";

function crowd(videos: string[], likes?: (likes: readonly Like[]) => Promise<never[]>, once = false) {
  const clock = new VirtualClock();
  const { doors, asked } = fakeDoors();
  const turns: number[] = [];
  const ingest = {
    ...doors.ingest,
    likes: (batch: readonly Like[]) => {
      turns.push(batch.length);
      return likes ? likes(batch) : doors.ingest.likes(batch);
    },
  };
  const demo = new DemoCrowd({
    clock,
    prng: seededPrng(7),
    ingest,
    kinds: ["heart", "clap"],
    once,
    watched: () => videos as VideoId[],
  });
  return { demo, clock, asked, turns };
}

describe("a crowd", () => {
  test("of nobody, or with nothing to watch, does nothing", async () => {
    const nobody = crowd(["a"]);
    nobody.demo.set(0);
    await nobody.clock.run(60_000, 100);
    const nothing = crowd([]);
    nothing.demo.set(5000);
    await nothing.clock.run(60_000, 100);
    expect([nobody.asked.likes, nothing.asked.likes, nothing.asked.comments]).toEqual([[], [], []]);
  });

  test("is there from the start, and says something within the first seconds", async () => {
    const { demo, clock, asked } = crowd(["a"]);
    expect(demo.fans).toBe(crowdFansFirst);
    await clock.run(5_000, 100);
    expect(asked.likes.length).toBeGreaterThan(20);
    expect(asked.comments.length).toBeGreaterThan(0);
  });

  test("where each viewer likes once, likes as fans who can take it back", async () => {
    const { demo, clock, asked } = crowd(["a"], undefined, true);
    demo.set(50);
    await clock.run(60_000, 100);
    expect(asked.likes.length).toBeGreaterThan(50);
    for (const { count, viewer } of asked.likes)
      expect([count, viewer?.startsWith("demo-")]).toEqual([1, true]);
    expect(new Set(asked.likes.map(({ viewer }) => viewer)).size).toBeLessThanOrEqual(50);
    expect(new Set(asked.likes.map(({ unlike }) => unlike))).toEqual(new Set([true, false]));
  });

  test("of a thousand taps as people do, and says something now and then", async () => {
    const { demo, clock, asked } = crowd(["a"]);
    demo.set(1000);
    await clock.run(60_000, 100);
    const perFanAndMinute = asked.likes.length / 1000;
    expect(perFanAndMinute).toBeGreaterThan(2);
    expect(perFanAndMinute).toBeLessThan(40);
    expect(asked.comments.length).toBeGreaterThan(50);
    expect(asked.comments.length).toBeLessThan(500);
    expect(new Set(asked.likes.map((like) => like.kind as string))).toEqual(new Set(["heart", "clap"]));
    demo.close();
    const before = asked.likes.length;
    await clock.run(10_000, 100);
    expect(asked.likes.length).toBe(before);
  });

  test("of the greatest size stays within its bounds, however many videos are watched", async () => {
    const { demo, clock, asked, turns } = crowd(Array.from({ length: 100 }, (_, i) => `v${i}`));
    demo.set(crowdFansMax * 2);
    expect(demo.fans).toBe(crowdFansMax);
    await clock.run(30_000, 100);
    expect(Math.max(...turns)).toBeLessThanOrEqual(500);
    expect(asked.comments.length).toBeLessThanOrEqual(30 * 6 * 1.5);
    expect(new Set(asked.likes.map((like) => like.video)).size).toBeLessThanOrEqual(16);
  });

  test("waits for a slow log instead of queueing", async () => {
    const stuck = new Promise<never[]>(() => {});
    const { demo, clock, turns } = crowd(["a"], () => stuck);
    demo.set(10_000);
    await clock.run(10_000, 100);
    expect(turns).toHaveLength(1);
  });

  test("is set and read over HTTP, within bounds", async () => {
    const { demo } = crowd(["a"]);
    const put = (body: unknown) =>
      call({ ...posted("/v1/demo", body), method: "PUT", doors: { crowd: demo } });
    expect(JSON.parse((await put({ fans: 300 })).text)).toEqual({ fans: 300, max: crowdFansMax });
    for (const fans of [-1, 1.5, "5", null, crowdFansMax + 1, undefined]) {
      const { status, text } = await put({ fans });
      expect([status, JSON.parse(text).error.code]).toEqual([422, "bad-field"]);
    }
    expect((await put([])).status).toBe(400);
    expect((await put({ fans: 3, fnas: 4 })).text).toContain("did you mean");
    expect((await put("null")).status).toBe(400);
    expect(JSON.parse((await call({ path: "/v1/demo", doors: { crowd: demo } })).text).fans).toBe(300);
  });
});

test.each([0, 0.1, 3, 29, 31, 400])("poisson draws around its mean of %p", (mean) => {
  const prng = seededPrng(3);
  let sum = 0;
  for (let i = 0; i < 4000; i++) {
    const drawn = poisson(mean, 10_000, prng);
    expect(Number.isInteger(drawn) && drawn >= 0).toBe(true);
    sum += drawn;
  }
  expect(Math.abs(sum / 4000 - mean)).toBeLessThan(0.05 + mean * 0.05);
  expect(poisson(mean, 2, prng)).toBeLessThanOrEqual(2);
});
