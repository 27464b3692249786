/** A map of few pairs answers as a Map does. */
import { expect, test } from "bun:test";
import fc from "fast-check";
import { added, Few, none } from "./few.ts";

test("answers as a Map, whatever is set and deleted", () => {
  const step = fc.record({
    what: fc.constantFrom("set", "delete", "clear"),
    key: fc.integer({ min: 0, max: 5 }),
    value: fc.integer(),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
      const [few, map] = [new Few<number, number>(), new Map<number, number>()];
      for (const { what, key, value } of steps) {
        if (what === "set") {
          few.set(key, value);
          map.set(key, value);
        } else if (what === "delete") expect(few.delete(key)).toBe(map.delete(key));
        else {
          few.clear();
          map.clear();
        }
        expect(few.size).toBe(map.size);
        expect([few.get(key), few.has(key)]).toEqual([map.get(key), map.has(key)]);
      }
      expect([...few]).toEqual([...map]);
      expect([...few.keys()]).toEqual([...map.keys()]);
      expect([...few].map((_, index) => [few.keyAt(index), few.valueAt(index)])).toEqual([...map]);
      expect([...few.values()]).toEqual([...map.values()]);
    }),
  );
});

test("lets whoever goes along it delete, and set", () => {
  const few = new Few<string, number>();
  for (const [index, key] of ["a", "b", "c"].entries()) few.set(key, index);
  const seen: string[] = [];
  for (const [key] of few) {
    seen.push(key);
    few.delete(key);
    few.set("d", 3);
  }
  expect(seen).toEqual(["a", "b", "c"]);
  expect([...few.keys()]).toEqual(["d"]);
});

test("a list of nothing stays one when something is added", () => {
  const list = added<number>(none, 1);
  expect(added(list, 2)).toBe(list);
  expect([list, none]).toEqual([[1, 2], []]);
});
