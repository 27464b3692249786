import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { Places, Reading, type Seen } from "./places.ts";

/** What a list of everything seen would say. */
function model(arrivals: readonly number[]): { repeats: number; disorder: number } {
  const seen = new Set<number>();
  let newest = -1;
  let repeats = 0;
  let disorder = 0;
  for (const comment of arrivals) {
    if (seen.has(comment)) repeats++;
    else if (comment < newest) disorder++;
    seen.add(comment);
    newest = Math.max(newest, comment);
  }
  return { repeats, disorder };
}

function count(seen: readonly Seen[], what: Seen): number {
  return seen.filter((each) => each === what).length;
}

describe("places", () => {
  test("every viewer's holes, repeats and disorder are those of a list of all it saw", () => {
    const arrivals = fc.array(fc.nat(12), { maxLength: 25 });
    fc.assert(
      fc.property(fc.array(arrivals, { minLength: 1, maxLength: 5 }), (viewers) => {
        const places = new Places();
        const readings = viewers.map((order) => {
          const reading = new Reading();
          const seen = order.map((comment) => reading.see(places.place(`e-${comment}`), places));
          return { order, reading, seen };
        });
        for (const { order, reading, seen } of readings) {
          expect({ repeats: count(seen, "repeat"), disorder: count(seen, "disorder") }).toEqual(model(order));
          for (let comment = 0; comment <= 12; comment++) {
            const place = places.known(`e-${comment}`);
            if (place !== undefined) expect(reading.has(place)).toBe(order.includes(comment));
          }
        }
      }),
      { numRuns: 1000 },
    );
  });

  test("a viewer that joins starts with what its snapshot shows", () => {
    const places = new Places();
    for (let n = 1; n <= 30; n++) places.place(`e-${n}`);
    const reading = new Reading();
    const shown = Array.from({ length: 20 }, (_, index) => places.place(`e-${index + 9}`));
    expect(reading.show(shown, true, places)).toBe(8);
    expect(reading.has(places.place("e-1"))).toBe(true);
    expect(reading.see(places.place("e-28"), places)).toBe("repeat");
    expect(reading.see(places.place("e-30"), places)).toBe("skipped");
    expect(reading.has(places.place("e-29"))).toBe(false);
  });

  test("a reset passes over what is owed, and says how much", () => {
    const places = new Places();
    for (let n = 1; n <= 10; n++) places.place(`e-${n}`);
    const reading = new Reading();
    for (const n of [1, 2, 4]) reading.see(places.place(`e-${n}`), places);
    expect(reading.show([places.place("e-9"), places.place("e-10")], true, places)).toBe(5);
    expect(reading.has(places.place("e-3"))).toBe(true);
    expect(reading.see(places.place("e-11"), places)).toBe("next");
  });

  test("a comment under two ids is counted", () => {
    const places = new Places();
    places.place("e-1", "goal");
    places.place("e-1", "goal");
    places.place("e-2", "goal");
    expect(places.doubled).toBe(1);
  });
});
