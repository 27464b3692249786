/** Comments in their time: counted once, whatever ages or is written down and read back. */
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { limits } from "../core/limits.ts";
import {
  CommentCounts,
  dateOf,
  decodeCounts,
  decodeCountsHead,
  encodeCounts,
  encodeCountsHead,
} from "./comment-counts.ts";
import { timelineDefault } from "./timelines.ts";

const { ages } = timelineDefault;
const startS = 1_700_000_000;
const told = (counts: CommentCounts) => {
  const at: [number, number, number][] = [];
  counts.timeline.each(0, Number.MAX_SAFE_INTEGER, (_, atS, widthS, count) => at.push([atS, widthS, count]));
  return { at: at.sort(), before: counts.before, fromMs: counts.fromMs, sum: counts.sum };
};

test("a comment belongs to what its writer saw, else to the median behind the server's time", () => {
  expect(dateOf({ atMs: 9_000, mediaMs: 2_500 }, 1_000)).toBe(2_500);
  expect(dateOf({ atMs: 9_000 }, 1_000)).toBe(8_000);
  expect(dateOf({ atMs: 9_000 }, 10_000)).toBe(0);
});

describe("counts", () => {
  const said = fc.record({ atS: fc.integer({ min: -5, max: 40_000 }), logS: fc.nat(4_000_000) });

  test("hold each once, however old they get, also when they were written down and read back", () => {
    fc.assert(
      fc.property(fc.array(said, { maxLength: 60 }), fc.option(fc.nat(1e9)), (all, from) => {
        let counts = new CommentCounts(from ?? undefined);
        for (const [i, { atS, logS }] of all.entries()) {
          counts.add(1000 * (startS + atS), 1000 * logS, ages);
          if (i % 7 !== 6) continue;
          const kept = { counts, upTo: i, branches: ["epoch", "turn"] };
          const read = decodeCounts(encodeCounts(kept));
          expect(read && { ...read, counts: told(read.counts) }).toEqual({ ...kept, counts: told(counts) });
          counts = read?.counts ?? counts;
        }
        expect(counts.sum).toBe(all.length);
        expect(counts.fromMs).toBe(from ?? undefined);
      }),
      { numRuns: 200 },
    );
  });

  test("weigh no more than they may, and fit a message: what does not is merged, and then a number", () => {
    const counts = new CommentCounts();
    const many = 100_000;
    for (let i = 0; i < many; i++) counts.add(1000 * (startS + 2 * i), 2_000 * i, [1e12, 1e12, 1e12]);
    expect(counts.timeline.weight).toBeLessThanOrEqual(limits.commentCountsBytesMax);
    expect(encodeCounts({ counts, upTo: many, branches: ["epoch"] }).length).toBeLessThan(
      limits.payloadBytesMin / 2,
    );
    expect(counts.sum).toBe(many);
  });

  test("are counted where there is no such time", () => {
    const counts = new CommentCounts();
    for (const dateMs of [-1, 1e30, Number.NaN]) counts.add(dateMs, 0, ages);
    expect(told(counts)).toEqual({ at: [], before: 3, fromMs: undefined, sum: 3 });
  });

  test("are read from none but their own bytes", () => {
    const counts = new CommentCounts(7);
    for (let i = 0; i < 50; i++) counts.add(1000 * (startS + 37 * i), 1000, ages);
    const bytes = encodeCounts({ counts, upTo: 50, branches: ["epoch"] });
    for (let length = 0; length < bytes.length; length++) {
      expect(decodeCounts(bytes.subarray(0, length))).toBeUndefined();
    }
    expect(decodeCounts(Uint8Array.of(...bytes, 0))).toBeUndefined();
    expect(decodeCounts(Uint8Array.of(2, ...bytes.subarray(1)))).toBeUndefined();
    expect(decodeCountsHead(encodeCountsHead(counts))?.fromMs).toBe(7);
    expect(decodeCountsHead(new Uint8Array(7))).toBeUndefined();
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 80 }), (other) => {
        decodeCounts(other);
        decodeCounts(Uint8Array.of(...bytes.subarray(0, 40), ...other));
      }),
    );
  });
});
