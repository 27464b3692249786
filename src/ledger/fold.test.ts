import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import type { VideoId } from "../core/interaction.ts";
import { limits } from "../core/limits.ts";
import { decodeRecord, encodeRecord, type LikeRecord } from "../core/record.ts";
import { emptyCounts, likesOf } from "../core/totals.ts";
import { like, record } from "./contract-bench.ts";
import { Fold } from "./fold.ts";
import type { Change } from "./ledger.ts";
import { decodeFold, encodeFold } from "./snapshot.ts";

/** A key always stands for the same like, as a client that repeats it would have it. */
interface Tap {
  readonly video: string;
  readonly key: number | null;
}

const countOf = ({ key }: Tap): number => (key === null ? 3 : (key % 5) + 1);
const kindOf = ({ key }: Tap): string => ["heart", "clap", "wow"][(key ?? 0) % 3] as string;
const tap: fc.Arbitrary<Tap> = fc.record({
  video: fc.constantFrom("v", "w", "x"),
  key: fc.option(fc.integer({ min: 0, max: 25 }), { freq: 5 }),
});
const taps = fc.array(tap, { minLength: 1, maxLength: 60 });

function recordOf(taps: readonly Tap[]): LikeRecord {
  const likes = taps.map((one) => {
    return like(one.video, one.key === null ? undefined : `${one.key}`, {
      kind: kindOf(one),
      count: countOf(one),
    });
  });
  // Through the bytes, as every fold gets it.
  return decodeRecord(encodeRecord(record(likes))) as LikeRecord;
}

/** Cuts `items` into pieces at the places that `sizes` say, over and over. */
function split<T>(items: readonly T[], sizes: readonly number[]): T[][] {
  const pieces: T[][] = [];
  for (let from = 0, i = 0; from < items.length; i++) {
    const size = sizes[i % sizes.length] as number;
    pieces.push(items.slice(from, from + size));
    from += size;
  }
  return pieces;
}

const sizes = fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1, maxLength: 6 });
const seed = fc.double({ min: 0, max: 0.999, noNaN: true });

/** What the totals must be: distinct keys and all that have none. */
function expectedOf(taps: readonly Tap[]): Record<string, Record<string, number>> {
  const totals: Record<string, Record<string, number>> = {};
  const seen = new Set<string>();
  for (const one of taps) {
    const name = `${one.video} ${one.key}`;
    if (one.key !== null && seen.has(name)) continue;
    seen.add(name);
    totals[one.video] ??= {};
    const counts = totals[one.video] as Record<string, number>;
    counts[kindOf(one)] = (counts[kindOf(one)] ?? 0) + countOf(one);
  }
  return totals;
}

function totalsOf(fold: Fold): Record<string, Record<string, number>> {
  return Object.fromEntries([...fold.videos].map(([video, { counts }]) => [video, { ...counts }]));
}

describe("the fold", () => {
  test("totals distinct keys and loose likes, however they are split, repeated and shuffled", () => {
    const shuffled = taps.chain((taps) => {
      const repeats = fc.subarray(taps.filter(({ key }) => key !== null));
      return repeats.chain((again) =>
        fc.shuffledSubarray([...taps, ...again], { minLength: taps.length + again.length }),
      );
    });
    fc.assert(
      fc.property(shuffled, sizes, seed, fc.integer({ min: 0, max: 900 }), (taps, sizes, seed, stepMs) => {
        const fold = new Fold({ seed });
        let logMs = 1_000;
        for (const piece of split(taps, sizes)) {
          logMs += stepMs;
          fold.apply(recordOf(piece), logMs, logMs);
        }
        expect(totalsOf(fold)).toEqual(expectedOf(taps));
      }),
      { numRuns: 500 },
    );
  });

  test("tells of each changed video once per record, and of nothing else", () => {
    fc.assert(
      fc.property(taps, sizes, (taps, sizes) => {
        const fold = new Fold({ seed: 0.5 });
        for (const piece of split(taps, sizes)) {
          const before = new Map([...fold.videos]);
          const changes = fold.apply(recordOf(piece), 1_000, 7);
          expect(new Set(changes.map(({ video }) => video)).size).toBe(changes.length);
          for (const [video, totals] of fold.videos) {
            const change = changes.find((change) => change.video === video);
            const old = before.get(video);
            const added = likesOf(totals.counts) - (old ? likesOf(old.counts) : 0);
            expect(change?.added ?? 0).toBe(added);
            expect(totals.version - (old?.version ?? 0)).toBe(added > 0 ? 1 : 0);
            if (change) expect(change).toMatchObject({ totals, durableMs: 7, atMs: 1_000 });
            if (change) expect(change.before).toEqual(old?.counts ?? emptyCounts());
          }
        }
      }),
      { numRuns: 300 },
    );
  });

  test("gives any node the same changes, whatever its seed", () => {
    const steps = fc.array(
      fc.tuple(taps, fc.constantFrom(0, 1, 500, limits.keyWindowMs, limits.keyWindowMs + 1)),
    );
    fc.assert(
      fc.property(steps, (steps) => {
        const run = (seed: number): Change[] => {
          const fold = new Fold({ seed });
          let logMs = 5_000;
          return steps.flatMap(([taps, stepMs]) => {
            logMs += stepMs;
            return fold.apply(recordOf(taps), logMs, 0);
          });
        };
        expect(run(0.1)).toEqual(run(0.77));
      }),
      { numRuns: 200 },
    );
  });

  test("is the same from a snapshot and the tail as from the start", () => {
    const step = fc.tuple(
      taps,
      fc.constantFrom(-3, 0, 0.5, 40, 60_000, limits.keyWindowMs, limits.keyWindowMs + 1),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 8 }), fc.array(step, { maxLength: 8 }), (head, tail) => {
        const whole = new Fold({ seed: 0.2 });
        let logMs = 5_000.5;
        for (const [taps, stepMs] of head) {
          logMs += stepMs;
          whole.apply(recordOf(taps), logMs, 0);
        }
        const copy = decodeFold(encodeFold(whole), { seed: 0.9 }) as Fold;
        expect(totalsOf(copy)).toEqual(totalsOf(whole));
        expect(copy.logMs).toBe(whole.logMs);
        for (const [taps, stepMs] of tail) {
          const taken = recordOf(taps);
          logMs += stepMs;
          expect(copy.apply(taken, logMs, 0)).toEqual(whole.apply(taken, logMs, 0));
        }
        expect(encodeFold(copy)).toEqual(encodeFold(whole));
      }),
      { numRuns: 300 },
    );
  });

  test("is the same from written totals, the keys of the last window, and the tail", () => {
    const step = fc.tuple(
      taps,
      fc.constantFrom(0, 40, 30_000, 60_000, limits.keyWindowMs, limits.keyWindowMs + 1),
    );
    fc.assert(
      fc.property(
        fc.array(step, { minLength: 1, maxLength: 8 }),
        fc.array(step, { maxLength: 8 }),
        (head, tail) => {
          const whole = new Fold({ seed: 0.2 });
          const log: [LikeRecord, number][] = [];
          let logMs = 5_000.5;
          for (const [taps, stepMs] of head) {
            const taken = recordOf(taps);
            logMs += stepMs;
            whole.apply(taken, logMs, 0);
            log.push([taken, logMs]);
          }
          const again = new Fold({ seed: 0.8 });
          for (const [video, totals] of whole.videos) again.restore(video, totals);
          for (const [taken, atMs] of log)
            if (atMs >= logMs - limits.keyWindowMs - 1) again.remember(taken, atMs);
          for (const [taps, stepMs] of tail) {
            const taken = recordOf(taps);
            logMs += stepMs;
            expect(again.apply(taken, logMs, 0)).toEqual(whole.apply(taken, logMs, 0));
          }
        },
      ),
      { numRuns: 300 },
    );
  });

  test("takes log time that falls as the last one", () => {
    const fold = new Fold({ seed: 0.5 });
    fold.apply(recordOf([{ video: "v", key: 1 }]), 500_000, 0);
    fold.apply(recordOf([{ video: "v", key: 2 }]), 100_000, 0);
    expect(fold.logMs).toBe(500_000);
    expect(fold.apply(recordOf([{ video: "v", key: 1 }]), 500_000 + limits.keyWindowMs, 0)).toEqual([]);
  });

  test("is full at its bound of videos, and still takes what was under way", () => {
    const fold = new Fold({ seed: 0.5, videosMax: 2 });
    fold.apply(record([like("a")]), 1, 0);
    expect(fold.room(like("c"), 1)).toBe("room");
    fold.apply(record([like("b")]), 1, 0);
    expect(fold.room(like("c"), 1)).toBe("videos");
    expect(fold.room(like("a"), 1)).toBe("room");
    fold.apply(record([like("c")]), 1, 0);
    expect(fold.totals("c" as VideoId).counts).toEqual({ heart: 1 });
  });
});

describe("a key that was used", () => {
  const fold = new Fold({ seed: 0.5 });
  fold.apply(record([like("v", "a", { kind: "clap", count: 3 })]), 1_000, 0);
  const room = (kind: string, count: number, logMs = 1_000): string =>
    fold.room(like("v", "a", { kind, count }), logMs);

  test("stands for that kind and count, and for nothing else, within the window", () => {
    expect(room("clap", 3)).toBe("room");
    expect([room("clap", 4), room("heart", 3)]).toEqual(["other", "other"]);
    expect(fold.room(like("w", "a", { kind: "heart" }), 1_000)).toBe("room");
    expect(room("heart", 3, 1_000 + limits.keyWindowMs)).toBe("other");
    expect(room("heart", 3, 1_001 + limits.keyWindowMs)).toBe("room");
  });

  test("goes on to stand for the first, whatever was repeated under it at once", () => {
    fold.apply(record([like("v", "a", { kind: "heart", count: 9 })]), 2_000, 0);
    expect([room("clap", 3, 2_000), room("heart", 9, 2_000)]).toEqual(["room", "other"]);
    expect(fold.totals("v" as VideoId).counts).toEqual({ clap: 3 });
  });

  test("may stand for anything after a start from a snapshot: all is taken for a repeat", () => {
    const again = decodeFold(encodeFold(fold), { seed: 0.1 });
    expect(again?.room(like("v", "a", { kind: "wow" }), 2_000)).toBe("room");
    expect(again?.apply(record([like("v", "a", { kind: "wow" })]), 2_000, 0)).toEqual([]);
  });
});

describe("where the key window is full", () => {
  const full = (): Fold => {
    const fold = new Fold({ seed: 0.5, keysMax: 2 });
    fold.apply(record([like("v", "a"), like("v", "b")]), 1_000, 0);
    return fold;
  };

  test("there is no room for a new key, until the oldest is forgotten", () => {
    const fold = full();
    expect(fold.room(like("v", "c"), 1_000)).toBe("keys");
    expect(fold.room(like("v"), 1_000)).toBe("room");
    expect(fold.room(like("v", "c"), 1_001 + limits.keyWindowMs)).toBe("room");
  });

  test("a repeat of what counts is told to be counted, for as long as it is remembered", () => {
    const fold = full();
    expect(fold.room(like("v", "a"), 1_000 + limits.keyWindowMs)).toBe("counted");
    expect(fold.room(like("w", "a"), 1_000)).toBe("keys");
    expect(new Fold({ seed: 0.5, keysMax: 2 }).room(like("v", "a"), 1_000)).toBe("room");
  });

  test("nobody who repeats one key pushes out another's", () => {
    const fold = full();
    for (let i = 0; i < 100; i++) {
      if (fold.room(like("v", "b"), 1_000 + i) === "room") fold.apply(record([like("v", "b")]), 1_000 + i, 0);
    }
    expect(fold.apply(record([like("v", "a")]), 2_000, 0)).toEqual([]);
  });
});

describe("a snapshot", () => {
  const sample = (): Fold => {
    const fold = new Fold({ seed: 0.5 });
    fold.apply(
      recordOf([
        { video: "v", key: 1 },
        { video: "w", key: null },
        { video: "v", key: 5 },
      ]),
      1_234.5,
      0,
    );
    return fold;
  };

  test("that is cut, longer, or anything else is none", () => {
    const bytes = encodeFold(sample());
    expect(decodeFold(bytes, { seed: 0.1 })).toBeInstanceOf(Fold);
    for (let length = 0; length < bytes.length; length++) {
      expect(decodeFold(bytes.subarray(0, length), { seed: 0.1 })).toBeUndefined();
    }
    expect(decodeFold(new Uint8Array([...bytes, 0]), { seed: 0.1 })).toBeUndefined();
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (noise) => {
        expect(decodeFold(noise, { seed: 0.1 })).toBeUndefined();
      }),
    );
  });

  test("with any byte changed never throws", () => {
    const bytes = encodeFold(sample());
    fc.assert(
      fc.property(fc.nat(bytes.length - 1), fc.integer({ min: 1, max: 255 }), (at, flip) => {
        const changed = bytes.slice();
        changed[at] = (changed[at] as number) ^ flip;
        decodeFold(changed, { seed: 0.1 });
      }),
      { numRuns: 2_000 },
    );
  });
});
