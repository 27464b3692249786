/** What is said of a log that fills up, and how often. */
import { describe, expect, test } from "bun:test";
import { createLog } from "../base/log.ts";
import { createMetrics } from "../base/metrics.ts";
import type { Holding } from "../ledger/ledger.ts";
import { Fullness } from "./fullness.ts";

function bench() {
  const metrics = createMetrics();
  const lines: string[] = [];
  const write = (line: string): void => void lines.push(line);
  const fullness = new Fullness(metrics, createLog({ level: "warn", format: "json", write, now: () => 0 }));
  const look = (videos: number, more: Partial<Holding> = {}): number => {
    lines.length = 0;
    fullness.look([{ stream: "s", videos, videosMax: 100, away: 0, forgotten: 0, ...more }]);
    return lines.length;
  };
  return { metrics, lines, look };
}

describe("a log that fills up", () => {
  test("is told of at the half and at nine tenths, once each", () => {
    const { look } = bench();
    expect([0, 49, 50, 51, 89, 90, 100, 95].map((videos) => look(videos))).toEqual([0, 0, 1, 0, 0, 1, 0, 0]);
  });

  test("is told of again when it had been a tenth emptier", () => {
    const { look } = bench();
    expect([50, 45, 50, 39, 50].map((videos) => look(videos))).toEqual([1, 0, 0, 0, 1]);
    expect([90, 85, 90, 79, 90].map((videos) => look(videos))).toEqual([1, 0, 0, 0, 1]);
  });

  test("is told of by what it holds, with what helps", () => {
    const { look, lines } = bench();
    expect(look(1, { likes: 95, likesMax: 100 })).toBe(1);
    expect(lines[0]).toContain("--likes-max");
    expect(look(60)).toBe(1);
    expect(lines[0]).toContain("--videos");
  });

  test("shows in the metrics, part by part", async () => {
    const { look, metrics } = bench();
    look(7, { forgotten: 3, likes: 5, likesMax: 9 });
    const text = await metrics.registry.metrics();
    for (const [name, value] of [
      ["videos", 7],
      ["videos_limit", 100],
      ["videos_forgotten", 3],
      ["viewer_likes", 5],
      ["viewer_likes_limit", 9],
    ]) {
      expect(text).toContain(`ovation_ledger_${name}{stream="s"} ${value}\n`);
    }
  });
});
