import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import type { Kind, Like, VideoId } from "./interaction.ts";
import { limits } from "./limits.ts";
import { decodeRecord, encodeRecord, type LikeRecord, RecordBuilder } from "./record.ts";

function like(video: string, over: Partial<Omit<Like, "video">> = {}): Like {
  return {
    video: video as VideoId,
    kind: "heart" as Kind,
    count: 1,
    user: undefined,
    key: undefined,
    ...over,
  };
}

function built(...likes: Like[]): LikeRecord {
  const builder = new RecordBuilder();
  for (const one of likes) builder.add(one, 1_000);
  return builder.take();
}

const u32 = fc.integer({ min: 0, max: 0xffffffff });
const group = (video: string, kind: string) =>
  fc
    .record({
      loose: fc.oneof(fc.nat(1_000), fc.maxSafeNat()),
      keys: fc.array(fc.tuple(u32, u32, fc.integer({ min: 1, max: limits.likeCountMax })), { maxLength: 20 }),
      by: fc.array(
        fc.record({
          user: fc
            .oneof(fc.string({ unit: "grapheme", minLength: 1, maxLength: 20 }), fc.constant("\ufeffbob"))
            .filter((name) => [...name].length <= limits.userCharsMax),
          kind: fc.constant(kind),
          count: fc.integer({ min: 1, max: limits.likeCountMax }),
        }),
        { maxLength: limits.bySizeMax },
      ),
    })
    .map(({ loose, keys, by }) => ({
      video: video as VideoId,
      kind: kind as Kind,
      loose,
      hi: keys.map(([hi]) => hi),
      lo: keys.map(([, lo]) => lo),
      counts: keys.map(([, , count]) => count),
      by,
    }));
const anyRecord: fc.Arbitrary<LikeRecord> = fc.record({
  atMs: fc.double({ min: 0, max: 4e12, noNaN: true }),
  groups: fc
    .uniqueArray(
      fc.tuple(fc.stringMatching(/^[A-Za-z0-9_-]{1,64}$/), fc.constantFrom("heart", "clap", "a-b_9")),
      {
        minLength: 1,
        maxLength: 6,
        selector: (name) => name.join(" "),
      },
    )
    .chain((names) => fc.tuple(...names.map(([video, kind]) => group(video, kind)))),
});

describe("a builder", () => {
  test("merges likes into one group per video and kind", () => {
    const { groups } = built(
      like("v", { count: 3 }),
      like("w"),
      like("v", { count: 2 }),
      like("v", { key: "a", count: 7 }),
      like("v", { kind: "clap" as Kind, key: "a" }),
    );
    const told = groups.map(({ video, kind, loose, counts }) => [video, kind, loose, counts] as unknown[]);
    expect(told).toEqual([
      ["v", "heart", 5, [7]],
      ["v", "clap", 0, [1]],
      ["w", "heart", 1, []],
    ]);
    // The kind is no part of a key: who repeats one repeats it, whatever else changed.
    expect(groups[0]?.hi).toEqual(groups[1]?.hi as number[]);
    expect(groups[0]?.lo).toEqual(groups[1]?.lo as number[]);
  });

  test("keeps when the oldest was accepted, and starts anew after take", () => {
    const builder = new RecordBuilder();
    expect(builder.empty).toBe(true);
    builder.add(like("v"), 5.5);
    builder.add(like("v"), 9);
    expect(builder.empty).toBe(false);
    expect(builder.take().atMs).toBe(5.5);
    expect(builder.empty).toBe(true);
    builder.add(like("w"), 20);
    const { atMs, groups } = builder.take();
    expect([atMs, groups.length, groups[0]?.video]).toEqual([20, 1, "w" as VideoId]);
    expect(() => builder.take()).toThrow("at least one like");
  });

  test("keeps the first names of a group", () => {
    const likes = Array.from({ length: limits.bySizeMax + 2 }, (_, i) =>
      like("v", { user: `u${i}`, count: i + 1 }),
    );
    const { by } = built(like("v"), ...likes).groups[0] as LikeRecord["groups"][0];
    expect(by).toHaveLength(limits.bySizeMax);
    expect(by[0]).toEqual({ user: "u0", kind: "heart", count: 1 });
  });

  test("is full before its record outgrows what NATS carries", () => {
    const keyed = new RecordBuilder();
    let likes = 0;
    for (; !keyed.full; likes++) keyed.add(like("v", { key: `${likes}` }), 1);
    expect(likes).toBe(limits.recordKeysMax);
    const wide = new RecordBuilder();
    const user = "👍".repeat(limits.userCharsMax);
    for (let i = 0; !wide.full; i++) {
      const video = `${i}`.padStart(limits.videoIdCharsMax, "v");
      for (let n = 0; n < limits.bySizeMax; n++) wide.add(like(video, { user }), 1);
    }
    for (let i = 0; i < limits.recordKeysMax - 1; i++) {
      wide.add(like("0".padStart(limits.videoIdCharsMax, "v"), { key: `${i}` }), 1);
    }
    expect(encodeRecord(wide.take()).length).toBeLessThan(1024 * 1024);
    keyed.take();
    expect<boolean>(keyed.full).toBe(false);
  });
});

describe("a record's bytes", () => {
  test("give the record back", () => {
    fc.assert(
      fc.property(anyRecord, (record) => {
        expect(decodeRecord(encodeRecord(record))).toEqual(record);
      }),
      { numRuns: 500 },
    );
  });

  test("are what the first log was written in", () => {
    const record = built(like("v", { count: 2, user: "é" }), like("v", { key: "a", count: 50 }));
    expect(Buffer.from(encodeRecord(record)).toString("hex")).toBe(
      "010000000000408f40010001007605006865617274000000000000004001000000a32125e19610075832010200c3a90200",
    );
  });

  test("stay small: nine a key, whatever the taps", () => {
    const few = encodeRecord(built(like("v", { key: "a" }))).length;
    const more = encodeRecord(built(like("v", { key: "a" }), like("v", { key: "b", count: 50 }))).length;
    expect(more - few).toBe(9);
    expect(encodeRecord(built(like("v"))).length).toBe(
      encodeRecord(built(...new Array<Like>(99).fill(like("v")))).length,
    );
  });

  test("lie anywhere in a buffer", () => {
    const bytes = encodeRecord(built(like("v", { key: "a" })));
    const larger = new Uint8Array(bytes.length + 20).fill(255);
    larger.set(bytes, 7);
    expect(decodeRecord(larger.subarray(7, 7 + bytes.length))).toEqual(decodeRecord(bytes) as LikeRecord);
  });

  test("cut, lengthened or made of noise are no record", () => {
    fc.assert(
      fc.property(
        anyRecord,
        fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
        (record, part) => {
          const bytes = encodeRecord(record);
          expect(decodeRecord(bytes.subarray(0, Math.floor(bytes.length * part)))).toBeUndefined();
          expect(decodeRecord(new Uint8Array([...bytes, 0]))).toBeUndefined();
        },
      ),
    );
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (noise) => {
        decodeRecord(noise);
      }),
    );
  });

  test("with any byte changed give a sound record or none, and never throw", () => {
    fc.assert(
      fc.property(anyRecord, fc.nat(), fc.integer({ min: 1, max: 255 }), (record, place, flip) => {
        const bytes = encodeRecord(record).slice();
        const at = place % bytes.length;
        bytes[at] = (bytes[at] as number) ^ flip;
        const told = decodeRecord(bytes);
        for (const { video, loose, counts, hi, by } of told?.groups ?? []) {
          expect(video).toMatch(/^[A-Za-z0-9_-]{1,64}$/);
          expect(Number.isSafeInteger(loose) && loose >= 0).toBe(true);
          expect(counts.every((count) => count >= 1 && count <= limits.likeCountMax)).toBe(true);
          expect(hi.length).toBe(counts.length);
          expect(by.length).toBeLessThanOrEqual(limits.bySizeMax);
        }
      }),
      { numRuns: 2_000 },
    );
  });

  test("of what no builder makes are no record", () => {
    const good = built(like("v", { key: "a" })).groups[0] as LikeRecord["groups"][0];
    const bad = (over: Partial<LikeRecord["groups"][0]>): unknown => {
      return decodeRecord(encodeRecord({ atMs: 1, groups: [{ ...good, ...over }] }));
    };
    expect(bad({})).toBeDefined();
    expect(bad({ video: "v.w" as VideoId })).toBeUndefined();
    expect(bad({ video: "" as VideoId })).toBeUndefined();
    expect(bad({ kind: "" as Kind })).toBeUndefined();
    expect(bad({ kind: "__proto__" as Kind })).toBeUndefined();
    expect(bad({ kind: "Heart\n" as Kind })).toBeUndefined();
    const long = "x".repeat(2 * limits.userCharsMax + 1);
    expect(bad({ by: [{ user: long, kind: "heart", count: 1 }] })).toBeUndefined();
    expect(bad({ loose: -1 })).toBeUndefined();
    expect(bad({ loose: 0.5 })).toBeUndefined();
    expect(bad({ loose: Number.NaN })).toBeUndefined();
    expect(bad({ counts: [0] })).toBeUndefined();
    expect(bad({ counts: [limits.likeCountMax + 1] })).toBeUndefined();
    expect(decodeRecord(encodeRecord({ atMs: Number.NaN, groups: [good] }))).toBeUndefined();
    expect(decodeRecord(encodeRecord({ atMs: 1, groups: [] }))).toBeUndefined();
    const other = encodeRecord(built(like("v"))).slice();
    other[0] = 2;
    expect(decodeRecord(other)).toBeUndefined();
  });
});
