/** A roster holds what a set would, whatever comes and goes. */
import { expect, test } from "bun:test";
import fc from "fast-check";
import { Roster } from "./roster.ts";

test("a roster holds what a set would", () => {
  const steps = fc.array(fc.tuple(fc.boolean(), fc.nat(20)), { maxLength: 200 });
  fc.assert(
    fc.property(steps, (all) => {
      const ones = Array.from({ length: 21 }, (_, name) => ({ name, at: -1 }));
      const set = new Set<(typeof ones)[number]>();
      const roster = new Roster<(typeof ones)[number]>();
      for (const [adds, which] of all) {
        const one = ones[which] as (typeof ones)[number];
        if (!adds) expect(roster.delete(one)).toBe(set.delete(one));
        else if (!set.has(one)) {
          set.add(one);
          roster.add(one);
        }
        expect(roster.size).toBe(set.size);
        expect(new Set(roster.all)).toEqual(set);
        for (const member of roster.all) expect(roster.all[member.at]).toBe(member);
      }
    }),
  );
});
