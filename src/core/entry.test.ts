import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { formatId, parseId } from "./entry.ts";
import { limits } from "./limits.ts";

describe("an id", () => {
  test("is read back as it was written", () => {
    const epoch = fc.stringMatching(/^[a-z0-9]{4,16}$/);
    fc.assert(
      fc.property(epoch, fc.maxSafeNat(), (name, seq) => {
        expect(parseId(formatId(name, seq))).toEqual({ branch: name, seq });
      }),
    );
  });

  test.each([
    "",
    "5",
    "-5",
    "abcd",
    "abcd-",
    "abcd--1",
    "abcd-01",
    "abcd-+1",
    "abcd-1.5",
    "abcd-1e3",
    "abcd-1 ",
    " abcd-1",
    "abcd-1\n",
    "ABCD-1",
    "abc-1",
    "abcdefghijklmnopq-1",
    "ab.d-1",
    "abcd-9007199254740992",
    "abcd-99999999999999999",
    "abcd-٣",
    `abcd-${"0".repeat(8_000)}`,
    "a".repeat(8_192),
  ])("is not %p", (text) => expect(parseId(text)).toBeUndefined());

  test("of any text is one of ours, to the letter, or none", () => {
    const near = fc.stringMatching(/^[a-z0-9 -]{0,20}-[0-9.-]{0,18}$/);
    fc.assert(
      fc.property(fc.oneof(fc.string({ unit: "binary" }), near), (text) => {
        const id = parseId(text);
        if (!id) return;
        expect(formatId(id.branch, id.seq)).toBe(text);
        expect(text.length).toBeLessThanOrEqual(limits.eventIdCharsMax);
      }),
      { numRuns: 2_000 },
    );
  });
});
