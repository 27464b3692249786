import { expect, test } from "bun:test";
import fc from "fast-check";
import type { VideoId } from "../core/interaction.ts";
import { IdSet } from "./id-set.ts";

const ids = fc
  .stringMatching(/^[abAZ09_-]{1,6}$/)
  .filter((id) => id.length > 0)
  .map((id) => id as VideoId);

test("it holds what a set holds, in order, whatever is added and taken out", () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.boolean(), ids), { maxLength: 900, size: "max" }), (steps) => {
      const set = new IdSet();
      const model = new Set<VideoId>();
      for (const [adds, id] of steps) {
        expect(adds ? set.add(id) : set.delete(id)).toBe(adds !== model.has(id));
        if (adds) model.add(id);
        else model.delete(id);
        expect(set.has(id)).toBe(adds);
      }
      const sorted = [...model].sort();
      expect(set.size).toBe(model.size);
      expect([...set.from(undefined, "")]).toEqual(sorted);
      for (const [, id] of steps) expect(set.has(id)).toBe(model.has(id));
      for (const again of [IdSet.of(sorted), IdSet.read(set.pages())]) {
        expect([...(again?.from(undefined, "") ?? [])]).toEqual(sorted);
        expect(again?.size).toBe(sorted.length);
      }
    }),
    { numRuns: 60 },
  );
});

test("a page of them begins behind one, and with what is looked for", () => {
  fc.assert(
    fc.property(
      fc.uniqueArray(ids, { maxLength: 700, size: "max" }),
      ids,
      fc.constantFrom("", "a", "ab", "Z_"),
      (all, after, search) => {
        const set = IdSet.of(all.toSorted());
        const wanted = all.toSorted().filter((id) => id > after && id.startsWith(search));
        expect([...set.from(after, search)]).toEqual(wanted);
        expect([...set.from(undefined, search)]).toEqual(
          all.toSorted().filter((id) => id.startsWith(search)),
        );
      },
    ),
  );
});

test("a hundred thousand ids of eleven characters take less than 12 bytes each", () => {
  const many = Array.from({ length: 100_000 }, (_, i) => {
    return BigInt.asUintN(64, BigInt(i + 1) * 0x9e3779b97f4a7c15n)
      .toString(36)
      .padStart(13, "0")
      .slice(-11);
  });
  const set = IdSet.of([...new Set(many)].sort() as VideoId[]);
  const bytes = set.pages().reduce((sum, page) => sum + page.length, 0);
  expect(bytes / set.size).toBeLessThan(12);
});

test("bytes that are no pages are no set", () => {
  const [page] = IdSet.of(["a", "b"] as VideoId[]).pages() as [Uint8Array];
  expect(IdSet.read([page])?.size).toBe(2);
  expect(IdSet.read([page, page])).toBeUndefined();
  expect(IdSet.read([new Uint8Array(0)])).toBeUndefined();
  expect(IdSet.read([new Uint8Array([0, 1, 0x20])])).toBeUndefined();
  expect(IdSet.read([new Uint8Array([0, 9, 0x61]), page])).toBeUndefined();
});
