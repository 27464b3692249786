/** Places in what is in order, beside a plain search and a plain sort. */
import { expect, test } from "bun:test";
import fc from "fast-check";
import { insert, placeIn, remove } from "./sorted.ts";

test("numbers are put where a sort has them, and taken out again", () => {
  fc.assert(
    fc.property(
      fc.array(fc.integer({ min: -5, max: 5 })),
      fc.integer({ min: -6, max: 6 }),
      (values, value) => {
        const sorted: number[] = [];
        for (const each of values) insert(sorted, each);
        expect(sorted).toEqual(values.toSorted((a, b) => a - b));
        const first = sorted.findIndex((one) => one >= value);
        expect(placeIn(sorted, (one) => one < value)).toBe(first < 0 ? sorted.length : first);
        const before = [...sorted];
        insert(sorted, value);
        remove(sorted, value);
        expect(sorted).toEqual(before);
      },
    ),
  );
});
