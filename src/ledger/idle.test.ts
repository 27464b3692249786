/** Forgetting idle videos: what may go, what never does, and that the log alone decides. */
import { Database } from "bun:sqlite";
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import type { VideoId } from "../core/interaction.ts";
import { limits } from "../core/limits.ts";
import type { LikeRecord } from "../core/record.ts";
import { likesOf } from "../core/totals.ts";
import { like, once, record } from "./contract-bench.ts";
import { Fold } from "./fold.ts";
import { createSchema, prepareAll, type Query, type Value } from "./schema.ts";
import { decodeFold, encodeFold } from "./snapshot.ts";
import { Written } from "./written.ts";

const videosMax = 8;
const fold = (): Fold => new Fold({ seed: 0.5, videosMax });
const likes = (of: Fold, video: string): number => likesOf(of.totals(video as VideoId).counts);
const give = (to: Fold, video: string, count: number, logMs: number) =>
  to.apply(record([like(video, undefined, { count })]), logMs, 0);

/** More than half full at log time 1,000, of videos with one like each. */
function halfFull(): Fold {
  const of = fold();
  for (const video of ["a", "b", "c", "d", "e"]) give(of, video, 1, 1_000);
  return of;
}

/** Steps of a log: which video is liked, how often, and how long after the last one. */
const step = fc.record({
  video: fc.constantFrom(..."abcdefghijkl"),
  count: fc.constantFrom(1, 1, 1, 3, limits.fewLikes),
  afterMs: fc.constantFrom(0, 0, 1, 1_000, limits.idleMs / 2, limits.idleMs, limits.idleMs + 1),
});
const steps = fc.array(step, { minLength: 1, maxLength: 40 });

/** The records of `taken`, each with its log time. */
function logOf(taken: readonly { video: string; count: number; afterMs: number }[]): [LikeRecord, number][] {
  let logMs = 1_000;
  return taken.map(({ video, count, afterMs }) => {
    logMs += afterMs;
    return [record([like(video, undefined, { count })]), logMs];
  });
}

/** What `of` would be after its process ended and its file was opened again. */
class File {
  readonly #db = new Database(":memory:");
  readonly #written: Written;

  constructor(of: Fold) {
    createSchema(this.#db as never, "many");
    this.#written = new Written(this.#statements(), of);
  }

  apply(to: Fold, [taken, logMs]: [LikeRecord, number], upTo: number): void {
    this.#written.changed(taken, to.apply(taken, logMs, 0));
    this.#written.write(upTo);
    this.#written.done();
  }

  open(): Fold {
    const again = fold();
    new Written(this.#statements(), again).read();
    return again;
  }

  #statements() {
    return prepareAll(<Row, Params extends Value[]>(text: string) => {
      return this.#db.prepare(text) as unknown as Query<Row, Params>;
    });
  }
}

describe("an idle video", () => {
  test("with few likes is forgotten once the fold is more than half full", () => {
    const of = halfFull();
    give(of, "f", 1, 1_000 + limits.idleMs + 1);
    expect(of.videos.size).toBe(5);
    expect([..."abcde"].filter((video) => likes(of, video) === 0)).toHaveLength(1);
    expect(likes(of, "f")).toBe(1);
  });

  test("is not while the fold is less full, however long ago it was liked", () => {
    const of = fold();
    for (const video of ["a", "b", "c", "d"]) give(of, video, 1, 1_000);
    give(of, "a", 1, 1_000 + 100 * limits.idleMs);
    expect([..."abcd"].map((video) => likes(of, video))).toEqual([2, 1, 1, 1]);
  });

  test("is not before its time, and a like puts it off", () => {
    const of = halfFull();
    const laterMs = 1_000 + limits.idleMs;
    for (const video of ["a", "b", "c", "d", "e"]) give(of, video, 1, laterMs);
    give(of, "f", 1, laterMs + limits.idleMs);
    expect(of.videos.size).toBe(6);
    for (const video of ["a", "b", "c", "d"]) give(of, video, 1, laterMs + limits.idleMs);
    give(of, "g", 1, laterMs + limits.idleMs + 1);
    expect(likes(of, "e")).toBe(0);
    expect(likes(of, "d")).toBe(3);
  });

  test("comes back with a higher version than it ever had", () => {
    const of = halfFull();
    for (let n = 0; n < 4; n++) give(of, "a", 1, 1_001);
    const before = of.totals("a" as VideoId).version;
    for (const video of ["f", "g", "h", "i", "j"]) give(of, video, 1, 2_000 + limits.idleMs);
    expect(likes(of, "a")).toBe(0);
    give(of, "a", 1, 2_000 + limits.idleMs);
    expect(likes(of, "a")).toBe(1);
    expect(of.totals("a" as VideoId).version).toBeGreaterThan(before);
  });

  test("makes room for a new one where the fold is full", () => {
    const of = fold();
    for (const video of "abcdefgh") give(of, video, 1, 1_000);
    expect(of.room(like("new"), 1_000 + limits.idleMs)).toBe("videos");
    expect(of.room(like("new"), 1_000 + limits.idleMs + 1)).toBe("room");
  });

  test("with one like per viewer is never forgotten", () => {
    const of = new Fold({ seed: 0.5, videosMax, onceMax: 100 });
    expect(of.idle.begun).toBe(false);
    for (const video of "abcdefgh") {
      of.apply(record([once(video, "one")]), 1_000, 0);
    }
    expect(of.videos.size).toBe(8);
    expect(of.idle.begun).toBe(false);
  });
});

describe("whatever the log holds", () => {
  test("enough likes are never forgotten, and no more than what is above the half", () => {
    fc.assert(
      fc.property(steps, (taken) => {
        const of = fold();
        for (const [one, logMs] of logOf(taken)) {
          const before = new Map([...of.videos.keys()].map((video) => [video, likes(of, video)]));
          of.apply(one, logMs, 0);
          expect(of.videos.size).toBeGreaterThanOrEqual(Math.min(before.size, videosMax / 2));
          for (const [video, held] of before) {
            if (held >= limits.fewLikes) expect(likes(of, video)).toBeGreaterThanOrEqual(held);
          }
        }
      }),
    );
  });

  test("a fold from a snapshot, or from a file, forgets the same as one that went on", () => {
    fc.assert(
      fc.property(steps, steps, (head, tail) => {
        const log = logOf([...head, ...tail]);
        const whole = fold();
        const file = new File(whole);
        let copy = fold();
        let again = fold();
        for (const [index, [taken, logMs]] of log.entries()) {
          const versions = new Map([...whole.videos].map(([video, { version }]) => [video, version]));
          file.apply(whole, [taken, logMs], index + 1);
          if (index === head.length - 1) {
            copy = decodeFold(encodeFold(whole), { seed: 0.1, videosMax }) as Fold;
            again = file.open();
          } else if (index >= head.length) {
            copy.apply(taken, logMs, 0);
            again.apply(taken, logMs, 0);
          }
          for (const [video, { version }] of whole.videos)
            expect(version).toBeGreaterThanOrEqual(versions.get(video) ?? 0);
        }
        const sorted = (of: Fold) => [...of.videos].sort(([a], [b]) => (a < b ? -1 : 1));
        expect(sorted(copy)).toEqual(sorted(whole));
        expect([...copy.idle.entries()]).toEqual([...whole.idle.entries()]);
        if (tail.length > 0) expect(sorted(again)).toEqual(sorted(whole));
        if (tail.length > 0) expect([...again.idle.entries()]).toEqual([...whole.idle.entries()]);
        expect(sorted(file.open())).toEqual(sorted(whole));
        expect(copy.idle.mark).toEqual(whole.idle.mark);
        if (tail.length > 0) expect(again.idle.mark).toEqual(whole.idle.mark);
      }),
      { numRuns: 200 },
    );
  });

  test("a snapshot with idle videos that is cut or changed is none, or a fold", () => {
    const of = halfFull();
    for (const video of ["f", "g", "h"]) give(of, video, 1, 2_000 + limits.idleMs);
    const bytes = encodeFold(of);
    for (let length = 0; length < bytes.length; length++) {
      expect(decodeFold(bytes.subarray(0, length), { seed: 0.1, videosMax })).toBeUndefined();
    }
    for (let at = 0; at < bytes.length; at++) {
      const changed = bytes.slice();
      changed[at] = (changed[at] as number) ^ 0xff;
      expect(() => decodeFold(changed, { seed: 0.1, videosMax })).not.toThrow();
    }
  });
});
