import { expect, test } from "bun:test";
import fc from "fast-check";
import { deletionOf, renamingOf } from "./acts.ts";
import type { VideoId } from "./interaction.ts";
import { decodeRecord, encodeRecord } from "./record.ts";

const v = "a-video" as VideoId;
const acts = [deletionOf(v, "key", 12.5), renamingOf(v, { hi: 1, lo: 0xffff_ffff }, "secret", 13)];

test("what was written is read, and nothing that was cut, grown or made up", () => {
  for (const act of acts) {
    const bytes = encodeRecord(act);
    expect(decodeRecord(bytes)).toEqual(act);
    for (let length = 0; length < bytes.length; length++) {
      expect(decodeRecord(bytes.subarray(0, length))).toBeUndefined();
    }
    expect(decodeRecord(new Uint8Array([...bytes, 0]))).toBeUndefined();
    const other = bytes.slice();
    other[12] = 0x2e;
    expect(decodeRecord(other)).toBeUndefined();
  }
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 60 }), fc.constantFrom(3, 4), (noise, version) => {
      const bytes = Uint8Array.of(version, ...noise);
      const read = decodeRecord(bytes);
      if (read) expect(encodeRecord(read)).toEqual(bytes);
    }),
  );
});

test("two deletions have two keys, and nobody is renamed to what they were", () => {
  const [one, other] = [deletionOf(v, "a", 1), deletionOf(v, "b", 1)];
  expect(one.act).not.toEqual(other.act);
  const { act } = renamingOf(v, { hi: 1, lo: 2 }, "s", 1);
  expect(act.type === "renamed" && act.to).not.toEqual({ hi: 1, lo: 2 });
});
