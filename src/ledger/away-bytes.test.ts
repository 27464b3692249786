import { expect, test } from "bun:test";
import fc from "fast-check";
import type { VideoId } from "../core/interaction.ts";
import { decodeStowed, emptied, encodeStowed } from "./away-bytes.ts";
import { like, record } from "./contract-bench.ts";
import { Fold } from "./fold.ts";
import { timelineDefault } from "./timelines.ts";

const v = "v" as VideoId;
const startMs = 1_700_000_000_000;
const place = { branch: "first", upTo: 7 };
const kinds = ["heart", "clap", "wow"];
const fold = (): Fold => new Fold({ seed: 1, timeline: timelineDefault });

/** What is counted of it and when, by kind. */
function told(of: Fold) {
  const view = of.timeline(v);
  return { totals: of.totals(v), spots: view?.spots(0, Number.MAX_SAFE_INTEGER), before: view?.before };
}

test("a video is the same in another fold, whatever numbers its series have there", () => {
  const likes = fc.array(fc.tuple(fc.constantFrom(...kinds), fc.nat(400), fc.integer({ min: 1, max: 50 })), {
    minLength: 1,
    size: "max",
    maxLength: 60,
  });
  fc.assert(
    fc.property(likes, fc.shuffledSubarray(kinds), (all, others) => {
      const one = fold();
      for (const [kind, second, count] of all) {
        one.apply(record([like("v", undefined, { kind, count })], startMs + second * 1_000), startMs, 0);
      }
      const other = fold();
      for (const kind of others) other.apply(record([like("w", undefined, { kind })], startMs), startMs, 0);
      other.away.put(v);
      const stowed = decodeStowed(encodeStowed(one, v, place), v, other);
      expect(stowed).toMatchObject({ ...place, raised: 0, totals: one.totals(v) });
      other.takeBack(v, stowed, true);
      expect(told(other)).toEqual(told(one));
    }),
    { numRuns: 50 },
  );
});

test("versions that have jumped since are in it", () => {
  const one = fold();
  one.apply(record([like("v")], startMs), startMs, 0);
  one.away.raised = 1_000_000;
  const bytes = encodeStowed(one, v, place);
  one.away.raised = 3_000_000;
  expect(decodeStowed(bytes, v, one)?.totals).toEqual({ version: 2_000_001, counts: one.totals(v).counts });
  one.idle.forgot(9);
  one.away.raised = 1_000_000;
  const other = encodeStowed(one, v, place);
  one.away.raised = 3_000_000;
  expect(decodeStowed(other, v, one)?.floor).toBe(2_000_009);
  one.away.raised = 0;
  expect(decodeStowed(bytes, v, one)?.totals.version).toBe(1);
});

test("of a deleted one only its version stays", () => {
  const one = fold();
  for (let i = 0; i < 3; i++) one.apply(record([like("v")], startMs), startMs, 0);
  const bytes = encodeStowed(one, v, place);
  const less = emptied(bytes) as Uint8Array;
  expect(less.length).toBeLessThan(bytes.length);
  expect(decodeStowed(less, v, fold())).toMatchObject({ ...place, totals: { version: 3, counts: {} } });
  expect(decodeStowed(less, v, fold())?.timeline).toBeUndefined();
  expect(emptied(bytes.subarray(1))).toBeUndefined();
});

test("bytes that are cut, or others, tell of nothing", () => {
  const one = fold();
  one.apply(record([like("v")], startMs), startMs, 0);
  const bytes = encodeStowed(one, v, place);
  for (let length = 0; length < bytes.length; length++) {
    expect(decodeStowed(bytes.subarray(0, length), v, fold())).toBeUndefined();
  }
  fc.assert(fc.property(fc.uint8Array({ maxLength: 80 }), (any) => void decodeStowed(any, v, fold())));
});
