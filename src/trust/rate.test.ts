/** Rates and allowances: what is let in over time, by whom, and that the memory of it is bounded. */
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import type { Elapsed } from "../base/clock.ts";
import { limits } from "../core/limits.ts";
import { Allowance } from "./allowance.ts";
import { Generations } from "./generations.ts";
import { anybody, type Identity } from "./identity.ts";
import { payerOf } from "./payer.ts";
import { Rate } from "./rate.ts";

const at = (ms: number) => ms as Elapsed;

describe("a rate", () => {
  test("lets a burst in, then so many a second, and says when to come back", () => {
    const rate = new Rate(10, 30, 100);
    let taken = 0;
    for (let i = 0; i < 100; i++) if (rate.take("k", 1, at(1_000)) === 0) taken++;
    expect(taken).toBe(30);
    const waitMs = rate.take("k", 1, at(1_000));
    expect(waitMs).toBeCloseTo(90, 0);
    expect(rate.take("k", 1, at(1_000 + waitMs))).toBe(0);
    expect(rate.take("other", 1, at(1_000))).toBe(0);
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
          if (rate.take("k", count, at(nowMs)) === 0) taken += count;
          expect(taken).toBeLessThanOrEqual(61 + (20 * (nowMs - 1e12)) / 1000);
        }
      }),
    );
  });

  test("holds a bounded number of keys, and forgetting the quiet ones changes nothing", () => {
    const rate = new Rate(1, 1, 1_000);
    for (let i = 0; i < 100_000; i++) rate.take(`k${i}`, 1, at(5_000));
    expect(rate.size).toBeLessThanOrEqual(2_000);
    const busy = new Rate(1, 1, 1_000);
    busy.take("busy", 1, at(5_000));
    for (let i = 0; i < 900; i++) busy.take(`k${i}`, 1, at(5_100));
    expect(busy.take("busy", 1, at(5_200))).toBeGreaterThan(0);
  });
});

test("generations keep what is used and forget what is not", () => {
  const memory = new Generations<number>(10, 1_000);
  memory.set("used", 1, at(0));
  memory.set("unused", 2, at(0));
  for (let nowMs = 900; nowMs < 10_000; nowMs += 900) expect(memory.get("used", at(nowMs))).toBe(1);
  expect(memory.get("unused", at(10_000))).toBeUndefined();
});

test("generations of items that weigh hold so much of them, however few or many", () => {
  const memory = new Generations<number>(100, 1_000, (weight) => weight);
  for (let i = 0; i < 1_000; i++) memory.set(`k${i}`, 10, at(0));
  expect(memory.size).toBeLessThanOrEqual(20);
  // What took the place of something else, or was deleted, weighs no more.
  const other = new Generations<number>(100, 1_000, (weight) => weight);
  for (const weight of [60, 10, 90]) other.set("same", weight, at(0));
  other.delete("same");
  for (let i = 0; i < 10; i++) other.set(`l${i}`, 10, at(0));
  for (let i = 0; i < 10; i++) expect(other.get(`l${i}`, at(0))).toBe(10);
  for (let i = 0; i < 10; i++) other.set(`m${i}`, 10, at(0));
  expect(other.size).toBe(20);
  memory.set("heavy", 1_000, at(0));
  expect(memory.get("heavy", at(1))).toBe(1_000);
});

describe("an allowance", () => {
  const settings = {
    viewerLikes: 20,
    viewerComments: 3,
    viewerStreams: 2,
    viewerWork: 100,
    addressLikes: 100,
    addressComments: 5,
    addressStreams: 4,
    addressWork: 1_000,
    nodeStreams: 1_000,
    nodeAccepts: 500,
  };
  const viewer = (sub: string): Identity => ({ ...anybody, by: "token", sub });
  const server: Identity = { ...anybody, by: "key", sub: "studio" };
  const screen: Identity = { ...server, rights: new Set(["watch"]) };
  const now = at(50_000);

  test("a full interaction of a client always fits an untouched allowance", () => {
    const small = new Allowance({ ...settings, viewerLikes: 1 });
    expect(small.like(payerOf(viewer("a"), "1.2.3.4"), limits.likeCountMax, at(0))).toBeUndefined();
  });

  test("likes: by viewer with a token, by address without, not at all for servers and this machine", () => {
    const allowance = new Allowance(settings);
    const taken = (who: Identity, address: string) => {
      let count = 0;
      for (let i = 0; i < 1_000; i++) if (!allowance.like(payerOf(who, address), 1, now)) count++;
      return count;
    };
    expect(taken(viewer("a"), "1.2.3.4")).toBe(60);
    expect(taken(viewer("b"), "1.2.3.4")).toBe(60);
    expect(taken(viewer("a"), "5.6.7.8")).toBe(0);
    expect(taken(anybody, "1.2.3.4")).toBe(300);
    expect(taken(anybody, "1.2.3.4")).toBe(0);
    expect(taken(screen, "1.2.3.4")).toBe(0);
    expect(taken(anybody, "127.0.0.1")).toBe(1_000);
    expect(taken(server, "1.2.3.4")).toBe(1_000);
    expect(allowance.like(payerOf(viewer("a"), "1.2.3.4"), 50, now)).toEqual({
      rejected: "like-rate",
      message: expect.stringContaining("20 likes a second"),
      retryAfterS: 3,
    });
  });

  test("comments", () => {
    const allowance = new Allowance(settings);
    const some = (who: Identity) =>
      [1, 2, 3, 4, 5, 6].filter(() => !allowance.comment(payerOf(who, "1.2.3.4"), now)).length;
    expect([some(viewer("a")), some(viewer("b")), some(anybody), some(server)]).toEqual([3, 3, 5, 6]);
    expect(allowance.comment(payerOf(viewer("a"), "1.2.3.4"), at(54_000))).toBeUndefined();
  });

  test("streams: open at once by viewer, new ones by address, all by node", () => {
    const allowance = new Allowance(settings);
    const open = (who: Identity, address: string) => allowance.stream(who, address, 0, now)?.message;
    expect(open(viewer("a"), "127.0.0.1")).toBeUndefined();
    expect(open(viewer("a"), "127.0.0.1")).toBeUndefined();
    expect(open(viewer("a"), "127.0.0.1")).toContain("2 streams");
    allowance.left(viewer("a"));
    expect(open(viewer("a"), "127.0.0.1")).toBeUndefined();
    for (let i = 0; i < 40; i++) expect(open(anybody, "1.2.3.4")).toBeUndefined();
    expect(open(anybody, "1.2.3.4")).toContain("4 streams a second");
    expect(open(anybody, "1.2.3.5")).toBeUndefined();
    expect(allowance.stream(anybody, "1.2.3.6", 1_000, now)?.message).toContain("as many streams");
    for (let i = 0; i < 1_000; i++) open(anybody, "127.0.0.1");
    expect(open(anybody, "127.0.0.1")).toContain("no more streams a second");
  });
});
