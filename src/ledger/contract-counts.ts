/**
 * What every ledger promises of comments in their time: each that was accepted stands in its second, once,
 * whatever was repeated, however short the history is, and however often the ledger was opened again.
 */
import { expect, test } from "bun:test";
import fc from "fast-check";
import { isClearing } from "../core/entry.ts";
import type { VideoId } from "../core/interaction.ts";
import { limits } from "../core/limits.ts";
import { CommentCounts, dateOf } from "./comment-counts.ts";
import { type Bench, draft, type Skip } from "./contract-bench.ts";
import type { Ledger } from "./ledger.ts";

const startMs = 1_700_000_000_000;

/** Comments by the second, as whoever asks counts them: those that were counted, and those behind. */
export async function saidWhen(ledger: Pick<Ledger, "entries" | "comments">, of: string) {
  const video = of as VideoId;
  const left: { seq: number; atMs: number }[] = [];
  let cleared = 0;
  for (let after = 0; ; ) {
    const { entries, more } = await ledger.entries(video, after, limits.pageEntriesMax);
    for (const entry of entries) {
      if (isClearing(entry)) {
        left.length = 0;
        cleared = entry.seq;
      } else if (entry.type === "comment") left.push({ seq: entry.seq, atMs: dateOf(entry, 0) });
    }
    if (!more) break;
    after = entries.at(-1)?.seq ?? 0;
  }
  const { counts: counted, upTo } = await ledger.comments(video);
  const counts = (cleared > upTo ? undefined : counted) ?? new CommentCounts();
  const seconds = new Map<number, number>();
  const add = (atS: number, count: number): unknown => seconds.set(atS, (seconds.get(atS) ?? 0) + count);
  counts.timeline.each(0, Number.MAX_SAFE_INTEGER, (_, atS, __, count) => add(atS, count));
  for (const { seq, atMs } of left) if (seq > upTo) add(Math.floor(atMs / 1000), 1);
  const sum = [...seconds.values()].reduce((more, count) => more + count, counts.before);
  return { seconds: Object.fromEntries(seconds), sum, fromMs: counts.fromMs };
}

const at = (video: string, atS: number, key?: string) => ({
  ...draft(video, `${key ?? atS}`, key),
  atMs: startMs + 1000 * atS,
});

export function describeCounts(bench: Bench, skip: readonly Skip[]): void {
  test("stand in their second, those of a repeated key once, where their writers were", async () => {
    await bench.comments(at("v", 0), at("w", 0), at("v", 0), at("v", 3, "k"));
    await bench.comments(at("v", 9, "k"), { ...at("v", 9), mediaMs: startMs + 1_999 });
    const first = startMs / 1000;
    expect(await saidWhen(bench.ledger, "v")).toEqual({
      ...{ seconds: { [first]: 2, [first + 3]: 1, [first + 1]: 1 }, sum: 4, fromMs: undefined },
    });
    expect((await saidWhen(bench.ledger, "nobody")).sum).toBe(0);
  });

  test.skipIf(skip.includes("history"))(
    "are counted beyond what the history keeps",
    async () => {
      const many = 5 * bench.opened.commentHistory;
      for (let i = 0; i < many; i++) {
        await bench.comments(at("v", i), at("v", 0));
        if (i % 20 === 19) await bench.reopen();
      }
      const { seconds, sum, fromMs } = await saidWhen(bench.ledger, "v");
      expect([sum, seconds[startMs / 1000], seconds[startMs / 1000 + many - 1]]).toEqual([
        ...[2 * many, many + 1, 1],
      ]);
      expect(fromMs).toBeUndefined();
      // All in one batch.
      await bench.comments(...Array.from({ length: many }, (_, i) => at("v", i)));
      expect((await saidWhen(bench.ledger, "v")).sum).toBe(3 * many);
    },
    30_000,
  );

  test("stay counted when they are removed, and go with their video", async () => {
    const seqs = await bench.comments(at("v", 0), at("v", 1), at("v", 2), at("w", 0));
    for (const seq of seqs.slice(0, 3)) expect(await bench.retract("v", seq)).toBe(true);
    expect(await bench.retract("v", seqs[0] as number)).toBe(false);
    expect((await saidWhen(bench.ledger, "v")).sum).toBe(3);
    await bench.reopen();
    expect((await saidWhen(bench.ledger, "v")).sum).toBe(3);
    expect(await bench.ledger.deletions.delete("v" as VideoId)).toBe(true);
    await bench.comments(at("v", 5));
    while (!(await bench.ledger.deletions.sweep("v" as VideoId)));
    await bench.reopen();
    expect(await saidWhen(bench.ledger, "v")).toMatchObject({ sum: 1, fromMs: undefined });
    expect((await saidWhen(bench.ledger, "w")).sum).toBe(1);
  }, 30_000);

  test("are each that was accepted since the last deletion, whatever happens", async () => {
    const some = fc.record({
      what: fc.oneof(
        { weight: 8, arbitrary: fc.constant("say" as const) },
        { weight: 2, arbitrary: fc.constantFrom("again" as const, "remove" as const, "reopen" as const) },
        { weight: 1, arbitrary: fc.constant("delete" as const) },
      ),
      video: fc.constantFrom("a", "b"),
      count: fc.integer({ min: 1, max: 15 }),
    });
    let round = 0;
    await fc.assert(
      fc.asyncProperty(fc.array(some, { maxLength: 25, size: "max" }), async (steps) => {
        round++;
        const accepted = new Map<string, number>();
        const places = new Map<string, number[]>();
        for (const [i, { what, video: of, count }] of steps.entries()) {
          const video = `${of}${round}`;
          if (what === "say") {
            const drafts = Array.from({ length: count }, (_, n) => at(video, n, `${i}-${n}`));
            const seqs = await bench.comments(...drafts);
            accepted.set(video, (accepted.get(video) ?? 0) + count);
            places.set(video, seqs);
          } else if (what === "again") {
            const said = at(video, count, "same");
            const [placed] = await bench.ledger.append({ likes: [], comments: [said] });
            if (!placed?.repeated) accepted.set(video, (accepted.get(video) ?? 0) + 1);
          } else if (what === "remove") {
            for (const seq of places.get(video) ?? []) if (seq % 3 === 0) await bench.retract(video, seq);
          } else if (what === "delete") {
            await bench.ledger.deletions.delete(video as VideoId);
            accepted.delete(video);
            places.delete(video);
          } else if (what === "reopen" && count > 7) await bench.reopen();
          const { sum, fromMs } = await saidWhen(bench.ledger, video);
          expect([what, sum, fromMs]).toEqual([what, accepted.get(video) ?? 0, undefined]);
        }
      }),
      { numRuns: 6 },
    );
  }, 30_000);
}
