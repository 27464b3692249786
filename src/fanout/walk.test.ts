/** Walks: whoever leaves meanwhile, nobody is skipped and nobody is visited twice. */
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import type { Elapsed } from "../base/clock.ts";
import { Walk } from "./walk.ts";

const nowMs = 0 as Elapsed;

describe("a walk", () => {
  test("is left in the middle and resumed; each costs what its visit says", () => {
    const visited: number[] = [];
    const walk = new Walk([1, 2, 3, 4, 5, 6], (one) => {
      visited.push(one);
      return one % 2;
    });
    expect([walk.step(1, nowMs), visited.length]).toEqual([1, 1]);
    expect([walk.step(1, nowMs), visited.length]).toEqual([1, 3]);
    expect([walk.over, walk.awaits(3), walk.awaits(4)]).toEqual([false, false, true]);
    expect(walk.step(100, nowMs)).toBe(1);
    expect([walk.over, visited]).toEqual([true, [1, 2, 3, 4, 5, 6]]);
    expect(walk.step(100, nowMs)).toBe(0);
  });

  test("does not await the one it is visiting", () => {
    const walk: Walk<string> = new Walk(["a"], (one) => (walk.awaits(one) ? 7 : 1));
    expect(walk.step(1, nowMs)).toBe(1);
  });

  test("visits all but who is let out in time, each once, in order", () => {
    const step = fc.oneof(
      fc.record({ do: fc.constant("step" as const), budget: fc.integer({ min: 1, max: 5 }) }),
      fc.record({ do: fc.constant("out" as const), one: fc.nat(29) }),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40, size: "max" }), (steps) => {
        const visited: number[] = [];
        const out = new Set<number>();
        const all = Array.from({ length: 30 }, (_, i) => i);
        const walk = new Walk([...all], (one) => visited.push(one) && 1);
        for (const one of steps) {
          if (one.do === "step") walk.step(one.budget, nowMs);
          else {
            if (!visited.includes(one.one)) out.add(one.one);
            walk.without(one.one);
          }
        }
        while (!walk.over) walk.step(3, nowMs);
        expect(visited).toEqual(all.filter((one) => !out.has(one)));
      }),
    );
  });
});
