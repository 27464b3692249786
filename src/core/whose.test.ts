import { expect, test } from "bun:test";
import fc from "fast-check";
import type { Kind, Like, VideoId } from "./interaction.ts";
import { decodeRecord, encodeRecord, type LikeRecord, RecordBuilder } from "./record.ts";
import { encodeWhose, readWhose } from "./whose.ts";

const some = fc.record({
  kind: fc.constantFrom("heart", "clap"),
  mediaMs: fc.option(fc.integer({ min: -200_000, max: 20_000 }), { freq: 3 }),
  again: fc.boolean(),
  key: fc.option(fc.integer({ min: 0, max: 9 })),
});
const atMs = 1_700_000_000_123.5;

interface Some {
  readonly kind: string;
  readonly mediaMs: number | null;
  readonly again: boolean;
  readonly key: number | null;
}

function recordOf(likes: readonly Some[]): LikeRecord {
  const builder = new RecordBuilder();
  for (const { kind, mediaMs, again, key } of likes) {
    const like: Like = {
      ...{ video: "v" as VideoId, kind: kind as Kind, count: 2, user: undefined },
      key: key === null ? undefined : `k${key}`,
      ...(mediaMs !== null && { mediaMs: atMs + mediaMs }),
      ...(again && { again }),
    };
    builder.add(like, atMs);
  }
  return builder.take();
}

test("what is written beside a record gives back whose likes it holds and what they saw", () => {
  fc.assert(
    fc.property(fc.array(some, { minLength: 1, maxLength: 40 }), (likes) => {
      const record = recordOf(likes);
      expect(decodeRecord(encodeRecord(record), encodeWhose(record))).toEqual(record);
      const people = record.groups.reduce((sum, group) => sum + (group.people ?? 0), 0);
      expect(people).toBe(likes.filter(({ again }) => !again).length);
    }),
  );
});

test("likes of one second merge, whatever else they say", () => {
  const likes = Array.from({ length: 500 }, (_, i) => ({
    kind: "heart",
    mediaMs: (i % 4) * 0.1,
    again: i > 2,
    key: null,
  }));
  const record = recordOf(likes);
  expect(record.groups).toHaveLength(1);
  expect(record.groups[0]).toMatchObject({ loose: 1_000, people: 3, mediaS: 1_700_000_000 });
  expect(encodeWhose(record)).toBe("3@0");
});

test("nodes of before read the same likes, and who says nothing is read as ever", () => {
  const record = recordOf([
    { kind: "heart", mediaMs: -5_000, again: false, key: 1 },
    { kind: "heart", mediaMs: null, again: true, key: 1 },
  ]);
  const read = decodeRecord(encodeRecord(record)) as LikeRecord;
  expect(read.groups.map(({ kind, hi, lo, counts }) => ({ kind, hi, lo, counts }))).toEqual(
    record.groups.map(({ kind, hi, lo, counts }) => ({ kind, hi, lo, counts })),
  );
  for (const group of read.groups) expect([group.people, group.mediaS]).toEqual([undefined, undefined]);
});

test("what is none of ours says nothing, and never throws", () => {
  const groups = [{ people: 7 }, { people: 8 }];
  for (const text of [
    "",
    "1",
    "1 2 3",
    "1 x",
    "1 2@",
    "1 2@1.5",
    "-1 2",
    "1  2",
    "1 2@9999999999999",
    "1 ٣",
  ]) {
    expect(readWhose(atMs, groups, text)).toBe(groups);
  }
  fc.assert(fc.property(fc.string(), (text) => void readWhose(atMs, groups, text)));
});
