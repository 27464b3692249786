/** Rates and allowances: what is let in over time, by whom, and that the memory of it is bounded. */
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { limits } from "../core/limits.ts";
import { Allowance } from "./allowance.ts";
import { Generations } from "./generations.ts";
import { anybody, type Identity } from "./identity.ts";
import { Rate } from "./rate.ts";

describe("a rate", () => {
  test("lets a burst in, then so many a second, and says when to come back", () => {
    const rate = new Rate(10, 30, 100);
    let taken = 0;
    for (let i = 0; i < 100; i++) if (rate.take("k", 1, 1_000) === 0) taken++;
    expect(taken).toBe(30);
    const waitMs = rate.take("k", 1, 1_000);
    expect(waitMs).toBeCloseTo(90, 0);
    expect(rate.take("k", 1, 1_000 + waitMs)).toBe(0);
    expect(rate.take("other", 1, 1_000)).toBe(0);
  });

  test("never lets in more than burst + rate × time, whatever the order", () => {
    const step = fc.record({
      gapMs: fc.double({ min: 0, max: 400, noNaN: true }),
      count: fc.integer({ min: 1, max: 50 }),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
        const rate = new Rate(20, 60, 100);
        let nowMs = 1e12;
        let taken = 0;
        for (const { gapMs, count } of steps) {
          nowMs += gapMs;
          if (rate.take("k", count, nowMs) === 0) taken += count;
          expect(taken).toBeLessThanOrEqual(61 + (20 * (nowMs - 1e12)) / 1000);
        }
      }),
    );
  });

  test("holds a bounded number of keys, and forgetting the quiet ones changes nothing", () => {
    const rate = new Rate(1, 1, 1_000);
    for (let i = 0; i < 100_000; i++) rate.take(`k${i}`, 1, 5_000);
    expect(rate.size).toBeLessThanOrEqual(2_000);
    const busy = new Rate(1, 1, 1_000);
    busy.take("busy", 1, 5_000);
    for (let i = 0; i < 900; i++) busy.take(`k${i}`, 1, 5_100);
    expect(busy.take("busy", 1, 5_200)).toBeGreaterThan(0);
  });
});

test("generations keep what is used and forget what is not", () => {
  const memory = new Generations<number>(10, 1_000);
  memory.set("used", 1, 0);
  memory.set("unused", 2, 0);
  for (let nowMs = 900; nowMs < 10_000; nowMs += 900) expect(memory.get("used", nowMs)).toBe(1);
  expect(memory.get("unused", 10_000)).toBeUndefined();
});

describe("an allowance", () => {
  const settings = {
    viewerLikes: 20,
    viewerComments: 3,
    viewerStreams: 2,
    addressLikes: 100,
    addressComments: 5,
    addressStreams: 4,
    nodeStreams: 1_000,
    nodeAccepts: 500,
  };
  const viewer = (sub: string): Identity => ({ ...anybody, by: "token", sub });
  const server: Identity = { ...anybody, by: "key", sub: "studio" };

  test("a full interaction of a client always fits an untouched allowance", () => {
    const small = new Allowance({ ...settings, viewerLikes: 1 });
    expect(small.like(viewer("a"), "1.2.3.4", limits.likeCountMax, 0)).toBeUndefined();
  });

  test("likes: by viewer with a token, by address without, not at all for servers and this machine", () => {
    const allowance = new Allowance(settings);
    const taken = (who: Identity, address: string) => {
      let count = 0;
      for (let i = 0; i < 1_000; i++) if (!allowance.like(who, address, 1, 50_000)) count++;
      return count;
    };
    expect(taken(viewer("a"), "1.2.3.4")).toBe(60);
    expect(taken(viewer("b"), "1.2.3.4")).toBe(60);
    expect(taken(viewer("a"), "5.6.7.8")).toBe(0);
    expect(taken(anybody, "1.2.3.4")).toBe(300);
    expect(taken(anybody, "1.2.3.4")).toBe(0);
    expect(taken(anybody, "127.0.0.1")).toBe(1_000);
    expect(taken(server, "1.2.3.4")).toBe(1_000);
    expect(allowance.like(viewer("a"), "1.2.3.4", 50, 50_000)).toEqual({
      rejected: "like-rate",
      message: expect.stringContaining("20 likes a second"),
      retryAfterS: 3,
    });
  });

  test("comments", () => {
    const allowance = new Allowance(settings);
    const some = (who: Identity) =>
      [1, 2, 3, 4, 5, 6].filter(() => !allowance.comment(who, "1.2.3.4", 50_000)).length;
    expect([some(viewer("a")), some(viewer("b")), some(anybody), some(server)]).toEqual([3, 3, 5, 6]);
    expect(allowance.comment(viewer("a"), "1.2.3.4", 54_000)).toBeUndefined();
  });

  test("streams: open at once by viewer, new ones by address, all by node", () => {
    const allowance = new Allowance(settings);
    const open = (who: Identity, address: string) => {
      const over = allowance.stream(who, address, 0, 50_000);
      return over ? over.message : allowance.opened(who);
    };
    const ended = open(viewer("a"), "127.0.0.1") as () => void;
    open(viewer("a"), "127.0.0.1");
    expect(open(viewer("a"), "127.0.0.1")).toContain("2 streams");
    ended();
    expect(open(viewer("a"), "127.0.0.1")).toBeFunction();
    for (let i = 0; i < 40; i++) expect(open(anybody, "1.2.3.4")).toBeUndefined();
    expect(open(anybody, "1.2.3.4")).toContain("4 streams a second");
    expect(open(anybody, "1.2.3.5")).toBeUndefined();
    expect(allowance.stream(anybody, "1.2.3.6", 1_000, 50_000)?.message).toContain("as many streams");
    for (let i = 0; i < 1_000; i++) open(anybody, "127.0.0.1");
    expect(open(anybody, "127.0.0.1")).toContain("no more streams a second");
  });
});
