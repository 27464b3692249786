/** Deletions in the fold: the same on every node, whatever it began from, and exact. */
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { deletionOf, renamingOf } from "../core/acts.ts";
import type { VideoId } from "../core/interaction.ts";
import { limits } from "../core/limits.ts";
import type { LikeRecord } from "../core/record.ts";
import { likesOf } from "../core/totals.ts";
import { like, once, record } from "./contract-bench.ts";
import { Fold, type FoldOptions } from "./fold.ts";
import { decodeWhole, encodeWhole } from "./snapshot.ts";
import { timelineDefault } from "./timelines.ts";

const v = "v" as VideoId;
const many: FoldOptions = { seed: 0.3, timeline: timelineDefault };
const each: FoldOptions = { ...many, onceMax: 1_000 };
const likesIn = (fold: Fold, video: VideoId = v): number => likesOf(fold.totals(video).counts);
const again = (fold: Fold, options: FoldOptions): Fold =>
  decodeWhole(encodeWhole(fold), { ...options, seed: 0.7 }) as Fold;

type Step = { video: string; who: number; unlike: boolean } | { deletes: string } | { sweeps: true };
const video = fc.constantFrom("v", "w");
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 8, arbitrary: fc.record({ video, who: fc.nat(5), unlike: fc.boolean() }) },
  { weight: 2, arbitrary: fc.record({ deletes: video }) },
  { weight: 1, arbitrary: fc.constant({ sweeps: true as const }) },
);

describe("a fold with deletions", () => {
  for (const [name, options] of [
    ["many likes", many],
    ["one like per viewer", each],
  ] as const) {
    test(`is the model, and the same from a snapshot at any place: ${name}`, () => {
      fc.assert(
        fc.property(fc.array(step, { maxLength: 40 }), fc.nat(40), (steps, cut) => {
          let fold = new Fold(options);
          const model = new Map<string, Map<number, number>>();
          const versions = new Map<string, number>();
          for (const [i, one] of steps.entries()) {
            if (i === cut) fold = again(fold, options);
            let taken: LikeRecord | undefined;
            if ("deletes" in one) {
              taken = deletionOf(one.deletes as VideoId, `${i}`, 1);
              model.delete(one.deletes);
            } else if ("sweeps" in one) {
              for (let n = 0; n < 60; n++) fold.members?.sweep();
            } else {
              const { video, who, unlike } = one;
              const set = model.get(video) ?? new Map();
              model.set(video, set);
              const isOnce = options.onceMax !== undefined;
              taken = record([isOnce ? once(video, `${who}`, { unlike }) : like(video)]);
              if (!isOnce) set.set(0, (set.get(0) ?? 0) + 1);
              else if (unlike) set.delete(who);
              else set.set(who, 1);
            }
            if (taken) fold.apply(taken, 1_000 + i, 0);
            for (const name of ["v", "w"] as VideoId[]) {
              const sum = [...(model.get(name)?.values() ?? [])].reduce((all, count) => all + count, 0);
              expect(likesIn(fold, name)).toBe(sum);
              // Whoever holds what was told before takes what is told now for newer.
              expect(fold.totals(name).version).toBeGreaterThanOrEqual(versions.get(name) ?? 0);
              versions.set(name, fold.totals(name).version);
            }
          }
          for (let n = 0; n < 300; n++) fold.members?.sweep();
          const left = [...model.values()].reduce((all, set) => all + set.size, 0);
          if (fold.members) expect(fold.members.size).toBe(left);
        }),
      );
    });
  }

  test("counts nothing twice: neither the deletion, nor a like of before it that is repeated", () => {
    const fold = new Fold(many);
    fold.apply(record([like("v", "a"), like("v", "b")]), 1, 0);
    const deletion = deletionOf(v, "once", 1);
    expect(fold.apply(deletion, 2, 7)).toMatchObject([{ video: "v", deleted: true, before: { heart: 2 } }]);
    fold.apply(record([like("v", "a"), like("v", "c")]), 3, 0);
    expect(fold.apply(deletion, 4, 0)).toEqual([]);
    expect(likesIn(fold)).toBe(1);
    fold.apply(record([like("v", "a")]), 4 + limits.keyWindowMs + 1, 0);
    expect(likesIn(fold)).toBe(2);
  });

  test("tells of a video that nobody knows the highest version that was deleted", () => {
    const fold = new Fold(many);
    for (let i = 0; i < 9; i++) fold.apply(record([like("v")]), i, 0);
    fold.apply(deletionOf(v, "k", 1), 10, 0);
    const { version } = fold.totals("never" as VideoId);
    expect(version).toBe(10);
    expect(again(fold, many).totals(v)).toEqual({ version, counts: {} });
    const raised = decodeWhole(encodeWhole(fold, 1_000), many) as Fold;
    expect(raised.totals(v).version).toBe(1_010);
  });

  test("has members of a snapshot without owners belong to the videos that are in it", () => {
    const fold = new Fold(each);
    fold.apply(record([once("v", "ada"), once("w", "ada")]), 1, 0);
    const old = decodeWhole({ fold: encodeWhole(fold).fold }, each) as Fold;
    old.apply(record([once("v", "ada")]), 2, 0);
    expect(likesIn(old)).toBe(1);
    old.apply(deletionOf(v, "k", 2), 3, 0);
    old.apply(record([once("v", "ada")]), 4, 0);
    expect([likesIn(old), likesIn(old, "w" as VideoId)]).toEqual([1, 1]);
    old.apply(record([once("w", "ada", { unlike: true })]), 5, 0);
    expect(likesIn(old, "w" as VideoId)).toBe(0);
  });

  test("renames a like: it stays, and is nobody's", () => {
    const fold = new Fold(each);
    fold.apply(record([once("v", "ada"), once("v", "bob")]), 1, 0);
    const member = fold.memberOf(v, "heart", "ada");
    if (!member) throw new Error("ada likes it");
    expect(fold.apply(renamingOf(v, member, "nobody knows", 2), 2, 0)).toEqual([]);
    expect([likesIn(fold), fold.members?.size]).toEqual([2, 2]);
    expect(fold.memberOf(v, "heart", "ada")).toBeUndefined();
    const copy = again(fold, each);
    copy.apply(record([once("v", "ada", { unlike: true })]), 3, 0);
    expect(likesIn(copy)).toBe(2);
    copy.apply(deletionOf(v, "k", 3), 4, 0);
    for (let n = 0; n < 300; n++) copy.members?.sweep();
    expect(copy.members?.size).toBe(0);
  });

  test("takes no bytes that are cut or grown for what was deleted", () => {
    const fold = new Fold(each);
    fold.apply(record([once("v", "ada"), once("w", "bob")]), 1, 0);
    fold.apply(deletionOf(v, "k", 1), 2, 0);
    const { fold: bytes, lives = new Uint8Array(0) } = encodeWhole(fold);
    for (let length = 1; length < lives.length; length++) {
      expect(decodeWhole({ fold: bytes, lives: lives.subarray(0, length) }, each)).toBeUndefined();
    }
  });
});
