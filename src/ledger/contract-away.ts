/**
 * What a ledger promises of closed videos that leave memory: nobody can tell but by how long an answer takes.
 * They are told as they were, to the like and the second, and so is what still comes of them.
 */
import { expect, test } from "bun:test";
import fc from "fast-check";
import type { VideoId } from "../core/interaction.ts";
import { type Bench, draft, inTime, like, record, type Skip } from "./contract-bench.ts";
import type { AwayVideos, Ledger } from "./ledger.ts";

const v = "v" as VideoId;
const startMs = 1_700_000_000_000;

function awayOf(ledger: Ledger): AwayVideos {
  if (!ledger.away) throw new Error("this ledger puts nothing away");
  return ledger.away;
}

function held(ledger: Ledger) {
  const all = ledger.holdings();
  const sum = (of: "videos" | "away"): number => all.reduce((more, one) => more + one[of], 0);
  return { videos: sum("videos"), away: sum("away") };
}

/** Has a video leave memory, on clocks that stand still too. */
async function put(bench: Bench, video: VideoId): Promise<boolean> {
  const left = awayOf(bench.ledger).put(video);
  bench.opened.advance?.(1_000);
  return left;
}

/** All that is told of a video. */
async function told(ledger: Ledger, video: string) {
  const totals = await ledger.current(video as VideoId);
  return { totals, inTime: inTime(ledger, video), same: ledger.totals(video as VideoId) === totals };
}

export function describeAway(bench: Bench, skip: readonly Skip[]): void {
  test.skipIf(skip.includes("away"))("are told as they were, and take no room", async () => {
    await bench.likes(record([like("v", "a", { count: 3 }), like("w")], startMs));
    await bench.likes(record([like("v", "b", { kind: "clap" })], startMs + 2_000));
    await bench.total("v", 4);
    await bench.total("w", 1);
    const away = awayOf(bench.ledger);
    const before = await told(bench.ledger, "v");
    expect([away.isClosed(v), held(bench.ledger)]).toEqual([false, { videos: 2, away: 0 }]);
    expect(await put(bench, v)).toBe(true);
    expect([away.isClosed(v), held(bench.ledger)]).toEqual([true, { videos: 1, away: 1 }]);
    expect([...away.from(undefined, "")]).toEqual([v]);
    expect([...bench.ledger.videos()]).toEqual(["w"] as VideoId[]);
    expect(await told(bench.ledger, "v")).toEqual(before);
    expect(held(bench.ledger)).toEqual({ videos: 1, away: 1 });
  });

  test.skipIf(skip.includes("away"))("count what was still under way, once, and stay closed", async () => {
    await bench.likes(record([like("v", "a", { count: 3 })], startMs));
    await bench.total("v", 3);
    const away = awayOf(bench.ledger);
    await put(bench, v);
    await bench.likes(record([like("v", "a", { count: 3 }), like("v", "late")], startMs + 1_000));
    await bench.total("v", 4);
    expect(bench.changes.at(-1)).toMatchObject({ totals: { version: 2 }, before: { heart: 3 }, added: 1 });
    expect([away.isClosed(v), [...away.back()], held(bench.ledger)]).toEqual([
      ...[true, [v]],
      { videos: 1, away: 0 },
    ]);
    expect(await put(bench, v)).toBe(true);
    expect([[...away.back()], held(bench.ledger)]).toEqual([[], { videos: 0, away: 1 }]);
    expect(await told(bench.ledger, "v")).toMatchObject({
      totals: { version: 2, counts: { heart: 4 } },
      inTime: { placed: { heart: 4 } },
    });
  });

  test.skipIf(skip.includes("away"))("are open again with all they had", async () => {
    await bench.likes(record([like("v", "a", { count: 3 })], startMs));
    await bench.total("v", 3);
    const away = awayOf(bench.ledger);
    expect(await away.open(v)).toBe(false);
    await put(bench, v);
    expect(await away.open(v)).toBe(true);
    await bench.total("v", 3);
    expect([away.isClosed(v), held(bench.ledger)]).toEqual([false, { videos: 1, away: 0 }]);
    await bench.likes(record([like("v", "b")], startMs + 1_000));
    await bench.total("v", 4);
  });

  test.skipIf(skip.includes("away"))("may be such that nobody ever liked", async () => {
    const away = awayOf(bench.ledger);
    const quiet = "quiet" as VideoId;
    await put(bench, quiet);
    expect([away.isClosed(quiet), held(bench.ledger)]).toEqual([true, { videos: 0, away: 1 }]);
    expect((await bench.ledger.current(quiet)).version).toBe(0);
    await bench.likes(record([like("quiet")]));
    await bench.total("quiet", 1);
    expect([away.isClosed(quiet), held(bench.ledger)]).toEqual([true, { videos: 1, away: 0 }]);
  });

  test.skipIf(skip.includes("away"))("are deleted with all they had, and are closed no more", async () => {
    await bench.likes(record([like("v", "a", { count: 3 }), like("w")], startMs));
    await bench.total("v", 3);
    await bench.comments(draft("v", "said"));
    await put(bench, v);
    expect(await bench.ledger.deletions.delete(v)).toBe(true);
    const gone = async () => {
      const { version, counts } = await bench.ledger.current(v);
      return [version > 1, { ...counts }, awayOf(bench.ledger).isClosed(v), held(bench.ledger).away];
    };
    expect(await gone()).toEqual([true, {}, false, 0]);
    expect(inTime(bench.ledger, "v").sum).toEqual({});
    expect(await bench.ledger.deletions.sweep(v)).toBe(true);
    if (!skip.includes("reopen")) await bench.reopen();
    expect(await gone()).toEqual([true, {}, false, 0]);
    await bench.likes(record([like("v", "a", { count: 3 }), like("v", "new")], startMs));
    await bench.total("v", 1);
  });

  test.skipIf(skip.includes("away"))(
    "keep their version, deleted and closed with nothing since",
    async () => {
      await bench.likes(record([like("v", "a", { count: 3 })], startMs));
      await bench.total("v", 3);
      await bench.ledger.deletions.delete(v);
      await bench.comesTo("v", 0);
      const before = await bench.ledger.current(v);
      const now = async () => [bench.ledger.totals(v), await bench.ledger.current(v)];
      await put(bench, v);
      expect((await now())[1]).toEqual(before);
      if (!skip.includes("reopen")) await bench.reopen();
      expect((await now())[1]).toEqual(before);
      expect(await now()).toEqual([before, before]);
      expect(await awayOf(bench.ledger).open(v)).toBe(true);
      expect(await now()).toEqual([before, before]);
      await bench.likes(record([like("v", "b")], startMs));
      await bench.total("v", 1);
      expect(bench.ledger.totals(v).version).toBe(before.version + 1);
    },
  );

  test.skipIf(skip.includes("away") || skip.includes("reopen"))("are away after a restart", async () => {
    await bench.likes(record([like("v", "a"), like("w", "a"), like("x", "a"), like("y", "a")], startMs));
    for (const video of ["v", "w", "x", "y"]) await bench.total(video, 1);
    const away = awayOf(bench.ledger);
    for (const video of ["v", "w", "x"]) await put(bench, video as VideoId);
    await away.open("w" as VideoId);
    await bench.likes(record([like("x", "late")], startMs));
    await bench.total("x", 2);
    const before = await told(bench.ledger, "v");
    await bench.reopen();
    const now = awayOf(bench.ledger);
    expect(held(bench.ledger)).toEqual({ videos: 3, away: 1 });
    expect([...now.from(undefined, ""), ...now.back()]).toEqual(["v", "x"] as VideoId[]);
    expect(["v", "w", "x", "y"].map((video) => now.isClosed(video as VideoId))).toEqual([
      ...[true, false, true, false],
    ]);
    expect(await told(bench.ledger, "v")).toEqual(before);
  });

  test.skipIf(skip.includes("away"))("are as if they had stayed, whatever happens to them", async () => {
    const video = fc.constantFrom("a", "b", "c");
    const step = fc.oneof(
      { weight: 4, arbitrary: fc.tuple(fc.constant("like" as const), video, fc.nat(9)) },
      { weight: 2, arbitrary: fc.tuple(fc.constantFrom("put" as const, "open" as const), video, fc.nat(9)) },
      {
        weight: 1,
        arbitrary: fc.tuple(fc.constantFrom("read" as const, "reopen" as const), video, fc.nat(9)),
      },
    );
    let round = 0;
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 30, size: "max" }), async (steps) => {
        round++;
        const name = (video: string): string => `${video}${round}`;
        const counted = new Map<string, Set<number>>();
        const closed = new Set<string>();
        for (const [what, of, n] of steps) {
          const [id, keys] = [name(of) as VideoId, counted.get(name(of)) ?? new Set<number>()];
          if (what === "like") {
            await bench.likes(record([like(id, `${n}`)], startMs + 1_000 * n));
            counted.set(id, keys.add(n));
            await bench.total(id, keys.size);
          } else if (what === "put") {
            expect(await put(bench, id)).toBe(true);
            closed.add(id);
          } else if (what === "open") {
            expect(await awayOf(bench.ledger).open(id)).toBe(closed.delete(id));
          } else if (what === "reopen" && !skip.includes("reopen") && n > 4) {
            await bench.reopen();
          }
          const { totals, inTime: placed } = await told(bench.ledger, id);
          expect([what, totals.counts.heart ?? 0]).toEqual([what, keys.size]);
          expect(placed.sum.heart ?? 0).toBe(keys.size);
          expect(awayOf(bench.ledger).isClosed(id)).toBe(closed.has(id));
        }
      }),
      { numRuns: 8 },
    );
  });
}
