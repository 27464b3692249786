import { expect, test } from "bun:test";
import fc from "fast-check";
import type { CommentEntry, Entry } from "../core/entry.ts";
import type { VideoId } from "../core/interaction.ts";
import { limits } from "../core/limits.ts";
import { Lineage } from "../core/lineage.ts";
import { encodeState } from "../core/wire.ts";
import { entryBytes, pageAfter, pageNewest } from "./page.ts";

const video = "v" as VideoId;

function entries(texts: readonly string[]): Entry[] {
  return texts.map((text, i): CommentEntry => {
    return {
      type: "comment",
      video,
      seq: 10 * (i + 1),
      previous: 10 * i,
      text,
      user: "Ann",
      atMs: 1_700_000_000_000.5,
    };
  });
}

test("a page's bytes are counted from above, whatever its text", () => {
  fc.assert(
    fc.property(
      fc.string({ unit: "binary", maxLength: 60 }),
      fc.string({ unit: "grapheme" }),
      (text, user) => {
        const [comment] = entries([text]) as [CommentEntry];
        const entry = {
          ...comment,
          seq: Number.MAX_SAFE_INTEGER,
          previous: Number.MAX_SAFE_INTEGER - 1,
          user,
        };
        // What the door lets through has no control characters, which JSON writes with six.
        fc.pre(!/\p{Cc}/u.test(text + user));
        const page = (all: Entry[]) => {
          const totals = { version: 1, counts: {} };
          const lineage = Lineage.begin("abcd1234");
          const state = { log: "abcd1234", lineage, region: "here", totals, viewers: 1 };
          return encodeState({ ...state, page: { entries: all, floor: 1, head: 1, more: false } }).length;
        };
        expect(page([entry]) - page([])).toBeLessThanOrEqual(entryBytes(entry));
      },
    ),
    { numRuns: 1_000 },
  );
});

test("pages stop at their bytes and say so", () => {
  const long = entries(new Array<string>(1_000).fill("👍".repeat(limits.commentCharsMax)));
  const place = { floor: 0, head: 10_000 };
  const after = pageAfter(0, place, 1_000, long);
  expect(after.more).toBe(true);
  expect(after.entries.length).toBeGreaterThan(100);
  const bytes = after.entries.reduce((sum, entry) => sum + entryBytes(entry), 0);
  expect(bytes).toBeLessThanOrEqual(limits.pageBytesMax);
  const newest = pageNewest(place, 1_000, long.toReversed());
  expect(newest.more).toBe(false);
  expect(newest.entries.at(-1)?.seq).toBe(10_000);
  expect(newest.floor).toBe((newest.entries[0] as Entry).previous);
});

test("pages of any limit, put together, are all entries once", () => {
  fc.assert(
    fc.property(fc.nat(30), fc.integer({ min: 1, max: 9 }), (count, limit) => {
      const all = entries(Array.from({ length: count }, (_, i) => `${i}`));
      const told: Entry[] = [];
      for (let after = 0, more = true; more; after = told.at(-1)?.seq ?? 0) {
        const following = all.filter(({ seq }) => seq > after);
        const page = pageAfter(after, { floor: 0, head: 10 * count }, limit, following);
        expect(page.floor).toBe(after);
        expect(page.entries.length).toBeLessThanOrEqual(limit);
        told.push(...page.entries);
        more = page.more;
      }
      expect(told).toEqual(all);
    }),
  );
});
