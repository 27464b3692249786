import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import type { VideoId } from "../core/interaction.ts";
import { likesOf } from "../core/totals.ts";
import { reached } from "./milestones.ts";

const change = (before: Record<string, number>, counts: Record<string, number>) => ({
  ...{
    video: "v" as VideoId,
    totals: { version: 1, counts },
    before,
    added: 1,
    removed: 0,
    atMs: 0,
    durableMs: 0,
    by: [],
  },
});

describe("milestones", () => {
  test("are reached by the change that brings a count to a mark or past it", () => {
    const marks = [10, 100, 1000];
    const found = (low: number, high: number) =>
      reached(change({ heart: low, clap: 5 }, { heart: high, clap: 5 }), marks).map(
        ({ kind, mark, total }) => `${kind ?? "all"} ${mark} at ${total}`,
      );
    expect(found(8, 9)).toEqual([]);
    expect(found(9, 10)).toEqual(["heart 10 at 10"]);
    expect(found(10, 11)).toEqual([]);
    expect(found(4, 5)).toEqual(["all 10 at 10"]);
    expect(found(9, 100)).toEqual(["heart 10 at 100", "heart 100 at 100", "all 100 at 105"]);
    expect(reached(change({}, { heart: 10 }), marks)).toEqual([
      { kind: "heart", mark: 10, total: 10 },
      { kind: undefined, mark: 10, total: 10 },
    ]);
    expect(reached(change({}, { heart: 10_000 }), [])).toEqual([]);
  });

  test("are each reached once, lower ones first, however the likes come in", () => {
    const kinds = fc.constantFrom("heart", "clap", "constructor");
    const likes = fc.array(fc.tuple(kinds, fc.integer({ min: 1, max: 5_000 })), { maxLength: 60 });
    const marks = fc.uniqueArray(fc.integer({ min: 1, max: 50_000 }), { maxLength: 20 });
    fc.assert(
      fc.property(likes, marks, (taken, unsorted) => {
        const sorted = unsorted.sort((a, b) => a - b);
        let counts: Record<string, number> = Object.create(null);
        const seen: Record<string, number[]> = Object.create(null);
        for (const [kind, count] of taken) {
          const before = counts;
          counts = Object.assign(Object.create(null), before, { [kind]: (before[kind] ?? 0) + count });
          for (const { kind: of = "all", mark } of reached(change(before, counts), sorted)) {
            seen[of] = [...(seen[of] ?? []), mark];
          }
        }
        const passed = (total: number) => sorted.filter((mark) => mark <= total);
        for (const kind in counts) expect(seen[kind] ?? []).toEqual(passed(counts[kind] ?? 0));
        expect(seen.all ?? []).toEqual(passed(likesOf(counts)));
      }),
    );
  });
});
