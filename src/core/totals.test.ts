import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import {
  addCounts,
  countsJson,
  emptyCounts,
  likesOf,
  newest,
  noTotals,
  sumLogs,
  type Totals,
} from "./totals.ts";

/** Totals as a fold makes them: the counts follow from the version. */
function at(version: number): Totals {
  const counts = emptyCounts();
  for (let i = 1; i <= version; i++) {
    addCounts(counts, { [["heart", "clap", "constructor"][i % 3] as string]: i });
  }
  return version === 0 ? noTotals : { version, counts };
}
const totals = fc.integer({ min: 0, max: 30 }).map(at);

test("counts as JSON are what JSON.stringify says of them", () => {
  fc.assert(
    fc.property(totals, ({ counts }) => {
      expect(countsJson(counts)).toBe(JSON.stringify(counts));
    }),
  );
});

describe("the newest of two totals", () => {
  test("is the same whatever the order, and however often they meet", () => {
    fc.assert(
      fc.property(totals, totals, totals, (a, b, c) => {
        expect(newest(a, b)).toEqual(newest(b, a));
        expect(newest(newest(a, b), c)).toEqual(newest(a, newest(b, c)));
        expect(newest(a, a)).toBe(a);
        expect(newest(newest(a, b), b)).toEqual(newest(a, b));
        expect(likesOf(newest(a, b).counts)).toBeGreaterThanOrEqual(likesOf(a.counts));
      }),
    );
  });

  test("is the first when nothing is newer: no work for what is known", () => {
    const a = at(3);
    expect(newest(a, at(3))).toBe(a);
  });
});

describe("the sum over logs", () => {
  test("adds counts and versions, whatever the order", () => {
    fc.assert(
      fc.property(fc.array(totals, { maxLength: 5 }), (logs) => {
        const sum = sumLogs(logs);
        expect(sum).toEqual(sumLogs([...logs].reverse()));
        expect(sum.version).toBe(logs.reduce((all, { version }) => all + version, 0));
        expect(likesOf(sum.counts)).toBe(logs.reduce((all, { counts }) => all + likesOf(counts), 0));
      }),
    );
  });

  test("grows with every log that grows, and never falls", () => {
    fc.assert(
      fc.property(fc.array(totals, { minLength: 1, maxLength: 4 }), totals, (logs, next) => {
        const before = sumLogs(logs);
        const [first, ...rest] = logs as [Totals, ...Totals[]];
        const after = sumLogs([newest(first, next), ...rest]);
        expect(after.version > before.version).toBe(next.version > first.version);
        for (const kind in before.counts) {
          expect(after.counts[kind] ?? 0).toBeGreaterThanOrEqual(before.counts[kind] ?? 0);
        }
      }),
    );
  });

  test("leaves what it adds as it was, and knows no inherited kind", () => {
    const one = at(2);
    const copy = structuredClone({ ...one.counts });
    const sum = sumLogs([one, one]);
    expect({ ...one.counts }).toEqual(copy);
    expect(sum.counts.toString).toBeUndefined();
    expect(sum.counts.constructor).toBe(4 as never);
  });
});
