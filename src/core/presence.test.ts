import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import type { VideoId } from "./interaction.ts";
import { limits } from "./limits.ts";
import { Presence } from "./presence.ts";

const v = "v" as VideoId;
const w = "w" as VideoId;
const count = (node: string, viewers: number) => ({ node, incarnation: "i", viewers });

describe("presence", () => {
  test("sums the nodes, each by its last number", () => {
    const presence = new Presence();
    expect(presence.hear(v, count("a", 3), 0)).toBe(true);
    expect(presence.hear(v, count("b", 4), 0)).toBe(true);
    expect(presence.hear(v, count("a", 3), 1)).toBe(false);
    expect(presence.hear(v, count("a", 5), 2)).toBe(true);
    expect(presence.viewers(v, 2)).toBe(9);
    expect(presence.viewers(w, 2)).toBe(0);
    expect(presence.hear(v, count("a", 0), 3)).toBe(true);
    expect(presence.hear(v, count("a", 0), 3)).toBe(false);
    expect(presence.hear(w, count("a", 0), 3)).toBe(false);
    expect(presence.viewers(v, 3)).toBe(4);
  });

  test("forgets a number that is not repeated, and says whose sum changed", () => {
    const presence = new Presence();
    presence.hear(v, count("a", 3), 0);
    presence.hear(v, count("b", 1), 5_000);
    presence.hear(w, count("b", 1), 5_000);
    expect(presence.viewers(v, limits.viewersExpireMs)).toBe(1);
    expect(presence.expire(limits.viewersExpireMs)).toEqual([v]);
    expect(presence.expire(limits.viewersExpireMs)).toEqual([]);
    expect(presence.viewers(v, limits.viewersExpireMs)).toBe(1);
    expect(presence.expire(limits.viewersExpireMs + 5_000)).toEqual([v, w]);
  });

  test("that expired and is heard again before the sweep has changed the sum", () => {
    const presence = new Presence();
    presence.hear(v, count("a", 3), 0);
    expect(presence.viewers(v, limits.viewersExpireMs)).toBe(0);
    expect(presence.hear(v, count("a", 3), limits.viewersExpireMs)).toBe(true);
    expect(presence.viewers(v, limits.viewersExpireMs)).toBe(3);
  });

  test("forgets a node, or a video", () => {
    const presence = new Presence();
    for (const video of [v, w]) for (const node of ["a", "b"]) presence.hear(video, count(node, 2), 0);
    presence.forget({ node: "a" });
    expect([presence.viewers(v, 0), presence.viewers(w, 0)]).toEqual([2, 2]);
    presence.forget({ video: v });
    expect([presence.viewers(v, 0), presence.viewers(w, 0)]).toEqual([0, 2]);
  });

  test("is the sum of the last numbers of the last fifteen seconds, whatever happened", () => {
    const step = fc.record({
      video: fc.constantFrom(v, w),
      node: fc.constantFrom("a", "b", "c"),
      viewers: fc.integer({ min: 0, max: 3 }),
      passMs: fc.integer({ min: 0, max: 6_000 }),
      expire: fc.boolean(),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const presence = new Presence();
        const heard = new Map<string, { viewers: number; atMs: number }>();
        const truth = (video: VideoId, nowMs: number): number => {
          let sum = 0;
          for (const [name, { viewers, atMs }] of heard) {
            if (name.startsWith(video) && nowMs - atMs < limits.viewersExpireMs) sum += viewers;
          }
          return sum;
        };
        let nowMs = 0;
        for (const { video, node, viewers, passMs, expire } of steps) {
          nowMs += passMs;
          if (expire) presence.expire(nowMs);
          const before = truth(video, nowMs);
          const changed = presence.hear(video, count(node, viewers), nowMs);
          heard.set(`${video}${node}`, { viewers, atMs: nowMs });
          if (truth(video, nowMs) !== before) expect(changed).toBe(true);
          for (const each of [v, w]) expect(presence.viewers(each, nowMs)).toBe(truth(each, nowMs));
        }
      }),
    );
  });
});
