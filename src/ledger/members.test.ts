import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { Members } from "./members.ts";

// Few values, so that members come again; zeros among them, since a free slot is two zeros.
const half = fc.constantFrom(0, 1, 2, 0x7fffffff, 0xffffffff);
const step = fc.tuple(fc.constantFrom("add", "remove", "has"), half, half);
const seed = fc.double({ min: 0, max: 0.999, noNaN: true });
/** Two zeros are taken for their neighbour. */
const nameOf = (hi: number, lo: number): string => (hi === 0 && lo === 0 ? "0 1" : `${hi} ${lo}`);

function all(members: Members): string[] {
  const found: string[] = [];
  members.each((hi, lo) => found.push(nameOf(hi, lo)));
  return found.sort();
}

describe("members", () => {
  test("are a set, whatever is put in and taken out", () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 200 }), seed, (steps, seed) => {
        const members = new Members(10, seed);
        const model = new Set<string>();
        for (const [what, hi, lo] of steps) {
          const name = nameOf(hi, lo);
          const was = model.has(name);
          if (what === "has") expect(members.has(hi, lo)).toBe(was);
          else if (what === "add") expect(members.add(hi, lo)).toBe(!was);
          else expect(members.remove(hi, lo)).toBe(was);
          if (what === "add") model.add(name);
          if (what === "remove") model.delete(name);
          expect(members.size).toBe(model.size);
          expect(members.full).toBe(model.size >= 10);
        }
        expect(all(members)).toEqual([...model].sort());
      }),
      { numRuns: 500 },
    );
  });

  test("grow and shrink by the hundred thousand, and none is lost", () => {
    const members = new Members(1, 0.3);
    const count = 200_000;
    const hi = (n: number): number => Math.imul(n, 0x9e3779b1) >>> 0;
    for (let n = 0; n < count; n++) expect(members.add(hi(n), n)).toBe(true);
    expect(members.size).toBe(count);
    for (let n = 0; n < count; n++) if (!members.has(hi(n), n)) throw new Error(`${n} is lost`);
    expect(members.has(hi(count), count)).toBe(false);
    for (let n = 0; n < count; n += 2) expect(members.remove(hi(n), n)).toBe(true);
    for (let n = 0; n < count; n++) expect(members.has(hi(n), n)).toBe(n % 2 === 1);
    for (let n = 1; n < count; n += 2) expect(members.remove(hi(n), n)).toBe(true);
    expect(members.size).toBe(0);
    expect(all(members)).toEqual([]);
  });
});
