/** Records of likes that each viewer has once: their bytes, and what a builder makes of them. */
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import type { Kind, Like, VideoId } from "./interaction.ts";
import { limits } from "./limits.ts";
import { Changes, hashMember } from "./once.ts";
import { decodeRecord, encodeRecord, type LikeGroup, type LikeRecord, RecordBuilder } from "./record.ts";

function once(video: string, viewer: string, over: Partial<Like> = {}): Like {
  const base = { video: video as VideoId, kind: "heart" as Kind, count: 1, user: undefined, key: undefined };
  return { ...base, viewer, unlike: false, ...over };
}

function built(...likes: Like[]): LikeRecord {
  const builder = new RecordBuilder();
  for (const one of likes) builder.add(one, 1_000);
  return builder.take();
}

const u32 = fc.integer({ min: 0, max: 0xffffffff });
const hash = fc.record({ hi: u32, lo: u32 });
const changes = fc
  .array(fc.tuple(hash, fc.boolean(), fc.option(hash, { nil: undefined })), { maxLength: 30 })
  .map((all) => {
    const changes = new Changes();
    for (const [member, unlike, key] of all) changes.push(member, unlike, key);
    return changes;
  });
const name = fc.stringMatching(/^[A-Za-z0-9_-]{1,64}$/);
const anyRecord: fc.Arbitrary<LikeRecord> = fc.record({
  atMs: fc.double({ min: 0, max: 4e12, noNaN: true }),
  groups: fc.uniqueArray(
    fc
      .record({ video: name, once: changes, users: fc.array(fc.string({ maxLength: 20 }), { maxLength: 5 }) })
      .map(
        ({ video, once, users }): LikeGroup => ({
          video: video as VideoId,
          kind: "clap" as Kind,
          ...{ loose: 0, hi: [], lo: [], counts: [] },
          by: users.filter((user) => user.isWellFormed()).map((user) => ({ user, kind: "clap", count: 1 })),
          once,
        }),
      ),
    { minLength: 1, maxLength: 5, selector: ({ video }) => video },
  ),
});

describe("a record of likes that each viewer has once", () => {
  test("is given back by its bytes", () => {
    fc.assert(
      fc.property(anyRecord, (record) => {
        expect(decodeRecord(encodeRecord(record))).toEqual(record);
      }),
      { numRuns: 500 },
    );
  });

  test("is written like this, and no name is in it", () => {
    const record = built(once("v", "ada"), once("v", "bob", { unlike: true, key: "k" }));
    const bytes = encodeRecord(record);
    expect(Buffer.from(bytes).toString("hex")).toBe(
      "020000000000408f4001000100760500686561727402000000" +
        "00cd4394c9a3d9af53031a5bce26d920e0a78794b9e88e3cff5200",
    );
    expect(Buffer.from(bytes).includes("ada")).toBe(false);
    // The flags of the first change: more than these two nobody has written yet.
    bytes[25] = 4;
    expect(decodeRecord(bytes)).toBeUndefined();
  });

  test("holds changes in order of arrival, a group for each video and kind", () => {
    const clap = { kind: "clap" as Kind };
    const { groups } = built(
      once("v", "ada"),
      once("w", "ada"),
      once("v", "ada", { unlike: true, key: "k" }),
      once("v", "ada", clap),
      once("v", "bob", { user: "Bob" }),
      once("v", "ada", { user: "Ada", unlike: true }),
    );
    const told = groups.map(({ video, kind, once }) => [video, kind, once?.flags] as unknown[]);
    expect(told).toEqual([
      ["v", "heart", [0, 3, 0, 1]],
      ["v", "clap", [0]],
      ["w", "heart", [0]],
    ]);
    const [heart, clapped, other] = groups as [LikeGroup, LikeGroup, LikeGroup];
    expect(heart.once?.hi[0]).toBe(heart.once?.hi[1] as number);
    expect(new Set([heart, clapped, other].map(({ once }) => `${once?.hi[0]} ${once?.lo[0]}`)).size).toBe(3);
    // Who takes a like back is no news to show.
    expect(heart.by).toEqual([{ user: "Bob", kind: "heart", count: 1 }]);
  });

  test("is full before it outgrows what NATS carries", () => {
    const builder = new RecordBuilder();
    const user = "👍".repeat(limits.userCharsMax);
    const wide = (i: number): string => `${i}`.padStart(limits.videoIdCharsMax, "v");
    for (let i = 0; i < 399; i++) {
      for (let n = 0; n < limits.bySizeMax; n++)
        builder.add(once(wide(i), `${n}`, { user, key: `${i} ${n}` }), 1);
    }
    for (let i = 0; !builder.full && i < limits.recordKeysMax; i++)
      builder.add(once(wide(0), `${i}`, { key: `more ${i}` }), 1);
    const record = builder.take();
    const changes = record.groups.reduce((sum, { once }) => sum + (once?.length ?? 0), 0);
    expect(changes).toBe(limits.recordKeysMax);
    const bytes = encodeRecord(record);
    expect(bytes.length).toBeLessThan(1024 * 1024);
  });

  test("cut, lengthened or with a byte changed is a sound one or none, and never throws", () => {
    fc.assert(
      fc.property(anyRecord, fc.nat(), fc.integer({ min: 1, max: 255 }), (record, place, flip) => {
        const bytes = encodeRecord(record).slice();
        const at = place % bytes.length;
        expect(decodeRecord(bytes.subarray(0, at))).toBeUndefined();
        expect(decodeRecord(new Uint8Array([...bytes, 0]))).toBeUndefined();
        bytes[at] = (bytes[at] as number) ^ flip;
        for (const { once } of decodeRecord(bytes)?.groups ?? []) {
          expect(once?.flags.every((flags) => flags <= 3) ?? true).toBe(true);
        }
      }),
      { numRuns: 1_000 },
    );
  });

  test("takes likes of one mode only", () => {
    const builder = new RecordBuilder();
    builder.add({ ...once("v", ""), viewer: undefined }, 1);
    expect(() => builder.add(once("v", "ada"), 1)).toThrow("one mode");
  });
});

test("a viewer's place is its own, by video, kind and name", () => {
  const places = new Set<string>();
  const out = { hi: 0, lo: 0 };
  for (const [video, kind, viewer] of [
    ["v", "heart", "ada"],
    ["w", "heart", "ada"],
    ["v", "clap", "ada"],
    ["v", "heart", "adb"],
    ["v", "hear", "tada"],
    ["vheart", "heart", "ada"],
  ] as const) {
    hashMember(video, kind, viewer, out);
    places.add(`${out.hi} ${out.lo}`);
  }
  expect(places.size).toBe(6);
  hashMember("v", "heart", "ada", out);
  // In every log there is: another value would forget who liked.
  expect(out).toEqual({ hi: 3381937101, lo: 1404033443 });
});
