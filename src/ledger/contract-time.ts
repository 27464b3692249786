/**
 * What every ledger promises of its timelines: each like stands in its second, once, whatever was repeated
 * and however often the ledger was opened again. That their sum is the totals is looked at after every test
 * of the suite.
 */
import { expect, test } from "bun:test";
import type { VideoId } from "../core/interaction.ts";
import { type Bench, inTime, like, record, type Skip } from "./contract-bench.ts";

const v = "v" as VideoId;
const startMs = 1_700_000_000_000;

/** Likes per second from `startMs` on. */
function seconds(bench: Bench, count: number) {
  const fromS = startMs / 1000;
  const { likes, people } = bench.ledger.timeline(v)?.read({ fromS, toS: fromS + count, stepS: 1 }) ?? {};
  return { likes: { ...likes }, people };
}

export function describeTime(bench: Bench, skip: readonly Skip[]): void {
  test("likes stand in the second they came in, those of a repeated key once", async () => {
    await bench.likes(record([like("v", "a", { count: 3 }), like("v")], startMs));
    await bench.likes(
      record([like("v", "a", { count: 3 }), like("v", "b", { kind: "clap" })], startMs + 2_500),
    );
    await bench.likes(record([like("v", "b", { kind: "clap" })], startMs + 3_000));
    await bench.total("v", 5);
    expect(seconds(bench, 4)).toEqual({
      likes: { heart: [4, 0, 0, 0], clap: [0, 0, 1, 0] },
      people: [2, 0, 1, 0],
    });
    expect(bench.ledger.timeline(v)?.bounds()).toEqual({ fromS: startMs / 1000, toS: startMs / 1000 + 3 });
  });

  test("likes stand where their viewers were, and without a word of it with the median", async () => {
    for (let i = 0; i < 9; i++) {
      const seen = { ...like("v", `k${i}`), mediaMs: startMs + i * 1_000 };
      await bench.likes(record([seen], startMs + i * 1_000 + 7_500));
    }
    await bench.likes(record([like("v", "late", { kind: "wow" })], startMs + 9_900));
    await bench.total("v", 10);
    expect(seconds(bench, 10).likes).toEqual({
      heart: [1, 1, 1, 1, 1, 1, 1, 1, 1, 0],
      wow: [0, 0, 1, 0, 0, 0, 0, 0, 0, 0],
    });
    expect(bench.ledger.timeline(v)?.skewMs).toBe(7_000);
    expect(bench.ledger.timeline(v)?.believes(startMs, startMs + 127_000)).toBe(true);
    expect(bench.ledger.timeline(v)?.believes(startMs, startMs + 127_001)).toBe(false);
    expect(bench.ledger.timeline(v)?.believes(startMs + 3_001, startMs)).toBe(false);
  });

  test("a video that nobody liked has none", () => {
    const nobody = bench.ledger.timeline("nobody" as VideoId);
    expect([nobody?.bounds(), nobody?.before, nobody?.spots(0, 1e12)] as unknown[]).toEqual([
      undefined,
      {},
      [],
    ]);
  });

  test.skipIf(skip.includes("reopen"))(
    "opened again, it has the same likes in the same seconds",
    async () => {
      for (let i = 0; i < 40; i++) {
        const seen = i % 3 === 0 ? { mediaMs: startMs + i * 20_000 } : {};
        const some = {
          ...like("v", `k${i % 30}`, { kind: i % 2 ? "heart" : "clap", count: 1 + (i % 5) }),
          ...seen,
        };
        await bench.likes(record([some, like("v")], startMs + i * 20_000 + 3_000));
      }
      await bench.total("v", 40 + [...Array(30).keys()].reduce((sum, i) => sum + 1 + (i % 5), 0));
      const view = () => {
        const timeline = bench.ledger.timeline(v);
        const { bounds, resolution, spots } = {
          bounds: timeline?.bounds(),
          resolution: timeline?.resolution(),
          spots: timeline?.spots(0, 1e12),
        };
        return { bounds, resolution, spots, skewMs: timeline?.skewMs, ...inTime(bench.ledger, "v") };
      };
      const before = view();
      expect(before.before).toEqual({});
      await bench.reopen();
      await bench.total("v", 130);
      expect(view()).toEqual(before);
    },
  );
}
