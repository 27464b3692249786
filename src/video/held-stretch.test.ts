/** The stretch that is held, by itself: what comes out of it when, and what moderators are told meanwhile. */
import { describe, expect, test } from "bun:test";
import { VirtualClock } from "../base/clock.ts";
import type { CommentEntry, RetractEntry } from "../core/entry.ts";
import type { VideoId } from "../core/interaction.ts";
import { limits } from "../core/limits.ts";
import { Lineage } from "../core/lineage.ts";
import { Held } from "./held.ts";

const video = "v" as VideoId;
const lineage = Lineage.begin("abcd");
/** Its date says what has elapsed. */
const clock = new VirtualClock();
clock.setWall(clock.elapsed() - clock.date());
const comment = (seq: number): CommentEntry => ({
  ...{ type: "comment", video, seq, previous: seq - 1, text: `t${seq}`, user: undefined, atMs: 0 },
});
const retract = (seq: number, target: number): RetractEntry => ({
  ...{ type: "retract", video, seq, previous: seq - 1, target, atMs: 0 },
});
const seqs = (held: Held, nowMs: number, max = 100) => held.take(nowMs, max).entries.map(({ seq }) => seq);
const told = (held: Held, after = 0) => [...held.texts(lineage, after, clock)];

describe("what is held", () => {
  test("comes in order: a shorter hold waits for a longer one before it, and moderators are told so", () => {
    const held = new Held();
    held.add(comment(1), 2_000);
    held.add(comment(2), 1_000);
    held.add(comment(3), 3_000);
    const times = told(held).map(({ text }) => /"visibleAt":(\d+)/.exec(text)?.[1]);
    expect(times).toEqual(["2000", "2000", "3000"]);
    expect([seqs(held, 1_999), held.first, held.tip, held.dueMs]).toEqual([[], 1, 3, 2_000]);
    expect(seqs(held, 2_000)).toEqual([1, 2]);
    expect([seqs(held, 2_999), seqs(held, 3_000), held.first, held.tip]).toEqual([[], [3], undefined, 0]);
  });

  test("and removed meanwhile never comes, though its place is passed", () => {
    const held = new Held();
    for (const seq of [1, 2, 3]) held.add(comment(seq), 1_000);
    held.add(retract(4, 2), 1_000);
    held.add(retract(5, 9), 1_000);
    expect(told(held).map(({ seq, text }) => [seq, text === ""])).toEqual([
      [1, false],
      [2, true],
      [3, false],
      [4, false],
      [5, false],
    ]);
    expect(held.take(1_000, 2)).toEqual({ passed: 2, entries: [comment(1)] });
    expect(seqs(held, 1_000)).toEqual([3, 4, 5]);
  });

  test("is told to moderators from behind the place they have, at most so much comes at once", () => {
    const held = new Held();
    for (let seq = 1; seq <= 9; seq++) held.add(comment(seq), seq);
    expect(told(held, 6).map(({ seq }) => seq)).toEqual([7, 8, 9]);
    expect(told(held, 9)).toEqual([]);
    expect([seqs(held, 5, 3), seqs(held, 5, 3), seqs(held, 5, 3)]).toEqual([[1, 2, 3], [4, 5], []]);
  });

  test("has a bound, and room again when half has gone", () => {
    const held = new Held();
    for (let seq = 1; seq <= limits.heldEntriesMax; seq++) {
      expect(held.full).toBe(false);
      held.add(comment(seq), seq);
    }
    expect([held.full, held.roomy]).toEqual([true, false]);
    held.take(limits.heldEntriesMax / 2, limits.heldEntriesMax);
    expect([held.full, held.roomy]).toEqual([false, true]);
  });
});
