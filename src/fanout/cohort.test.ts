/** Newcomers and those who were there before: whose pace is whose, and how the one become the other. */
import { expect, test } from "bun:test";
import { limits } from "../core/limits.ts";
import { v } from "../frontend/frontend-kit.ts";
import { bench } from "./supervisor-kit.ts";

/** As the kit has it, and a little more. */
const newcomersMs = 46_000;
const before = 500;

/** Longest time between two writes to each of those who were there before, and to each newcomer. */
function gapsOf({ writes }: ReturnType<typeof bench>, sinceMs: number): { before: number; after: number } {
  const last = new Map<number, number>();
  const longest = { before: 0, after: 0 };
  for (const { who, ms } of writes) {
    if (ms < sinceMs) continue;
    const whose = who < before ? "before" : "after";
    longest[whose] = Math.max(longest[whose], ms - (last.get(who) ?? ms));
    last.set(who, ms);
  }
  return longest;
}

/** Newcomers for two seconds of likes, after those who were there before have been there for `stayMs`. */
function crowd(
  newcomers: number,
  stayMs: number,
  cost: { writeMs: number; turnMs?: number } = { writeMs: 0.0075 },
) {
  const all = bench(cost);
  const watch = all.watching(v);
  all.join([watch], before);
  all.clock.advance(stayMs);
  all.join([watch], newcomers, before);
  all.writes.length = 0;
  const sinceMs = all.clock.elapsed();
  // The dispatcher keeps the window.
  for (let ms = 0; ms < 2_000; ms += 50) {
    all.like(watch);
    all.clock.advance(50);
  }
  return { ...all, watch, gaps: gapsOf(all, sinceMs) };
}

test("twenty thousand newcomers do not stretch the pace of those who were there before", () => {
  const { gaps } = crowd(20_000, newcomersMs);
  // A window of 50 ms, and a lap over one shard of which they have half of each turn.
  expect(gaps.before).toBeLessThanOrEqual(75);
  // Nor do these take more from newcomers than they need, who would have 170 ms and an eighth for themselves.
  expect(gaps.after).toBeLessThanOrEqual(2 * 170);
});

test("nor does a loop that newcomers keep busy, which has a turn each 24 ms", () => {
  const { gaps } = crowd(10_000, newcomersMs, { writeMs: 0, turnMs: 24 });
  // Two turns of three quarters of a lap, and the window.
  expect(gaps.before).toBeLessThanOrEqual(50 + 3 * 24);
});

test("whoever came at about the same time is shown everything at the same pace", () => {
  const { gaps } = crowd(20_000, 1_000);
  expect(gaps.before).toBeGreaterThan(150);
  expect(Math.abs(gaps.after - gaps.before)).toBeLessThan(50);
});

test.each([0, 50])(
  "newcomers become like the others, also in the middle of a lap: window %d ms",
  (tickMs) => {
    const all = bench({ writeMs: 0.0075, tickMs });
    const watch = all.watching(v);
    const viewers = 3 * limits.connectionsPerShardMax;
    all.join([watch], viewers);
    for (let ms = 0; ms < newcomersMs; ms += 5) {
      // Never at rest while they settle.
      if (ms > newcomersMs - 2_000) all.like(watch);
      all.clock.advance(5);
    }
    all.clock.advance(1_000);
    all.writes.length = 0;
    for (let i = 0; i < 3; i++) {
      all.like(watch);
      all.clock.advance(1_000);
    }
    expect(all.writes).toHaveLength(3 * viewers);
  },
);

test("a shard that everybody has left is one of newcomers again", () => {
  const all = bench({ writeMs: 0.0075 });
  const watch = all.watching(v);
  all.join([watch], before);
  all.clock.advance(newcomersMs);
  for (const viewer of [...all.supervisor.viewers()]) viewer.ended(viewer.connection, "client");
  all.clock.advance(100);
  all.join([watch], before);
  all.clock.advance(100);
  const sinceMs = all.clock.elapsed();
  all.join([watch], 20_000, before);
  all.writes.length = 0;
  for (let ms = 0; ms < 1_000; ms += 10) {
    all.like(watch);
    all.clock.advance(10);
  }
  expect(gapsOf(all, sinceMs).before).toBeGreaterThan(150);
});
