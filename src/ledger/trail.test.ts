/** The trail against a stream of which a test decides every record. */
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { limits } from "../core/limits.ts";
import { commonEnd, identify, same, stands, Trail } from "./trail.ts";

const text = (n: number) => ({ payload: new TextEncoder().encode(`record ${n}`), atMs: 1_000 + n });

/** A stream whose first records are those of the trail, up to `common`, and others behind them. */
function bench(folded: number, common: number, others: number, forgotten = 0, remembered = folded) {
  const trail = new Trail();
  trail.reset(folded - remembered, undefined);
  for (let seq = folded - remembered + 1; seq <= folded; seq++) trail.push(identify(text(seq)));
  const state = { firstSeq: forgotten + 1, lastSeq: common + others };
  let asked = 0;
  const at = async (seq: number) => {
    asked++;
    if (seq <= forgotten || seq > state.lastSeq) return undefined;
    return seq <= common ? text(seq) : { ...text(seq), atMs: 1_000_000 + seq };
  };
  const lastMs = text(folded).atMs;
  return { compared: { trail, seq: folded, lastMs, state, at }, asked: () => asked };
}

describe("a log", () => {
  test("that only grew, or was forgotten behind us, stands", async () => {
    expect(await stands(bench(10, 10, 0).compared)).toBe(true);
    expect(await stands(bench(10, 30, 0).compared)).toBe(true);
    expect(await stands(bench(10, 30, 0, 20).compared)).toBe(true);
    expect(await stands(bench(0, 0, 9).compared)).toBe(true);
  });

  test("that is shorter, empty, or other at our place, does not", async () => {
    expect(await stands(bench(10, 9, 0).compared)).toBe(false);
    expect(await stands(bench(10, 0, 0).compared)).toBe(false);
    expect(await stands(bench(10, 9, 1).compared)).toBe(false);
    expect(await stands(bench(10, 4, 100).compared)).toBe(false);
  });

  test("has its common end found in few questions, whatever is forgotten or remembered", async () => {
    const n = fc.integer({ min: 0, max: 300 });
    await fc.assert(
      fc.asyncProperty(n, n, n, n, n, async (folded, back, others, forgotten, kept) => {
        const common = Math.max(0, folded - back);
        const before = Math.min(forgotten, common);
        const { compared, asked } = bench(folded, common, others, before, Math.min(kept, folded));
        expect(await commonEnd(compared)).toBe(common);
        expect(asked()).toBeLessThan(12);
      }),
    );
  });
});

test("a record is known by its bytes and its arrival, told in either of two roundings", () => {
  const [a, b] = [identify(text(1)), identify(text(2))];
  expect(same(a, { ...a, atMs: a.atMs + 0.999 })).toBe(true);
  expect(same(a, { ...a, atMs: a.atMs + 2 })).toBe(false);
  expect(same(a, { ...b, atMs: a.atMs })).toBe(false);
});

test("a trail is bounded, and remembers the newest", () => {
  const trail = new Trail();
  trail.reset(7, { atMs: 1, hash: 1 });
  expect([trail.last, trail.at(7)?.hash, trail.at(6)]).toEqual([7, 1, undefined]);
  const many = 5 * limits.trailMax;
  for (let i = 1; i <= many; i++) trail.push({ atMs: i, hash: i });
  expect(trail.last).toBe(7 + many);
  for (const back of [0, 1, limits.trailMax - 1]) expect(trail.at(7 + many - back)?.hash).toBe(many - back);
  expect(trail.at(7 + many - 2 * limits.trailMax)).toBeUndefined();
  expect(trail.at(7 + many + 1)).toBeUndefined();
});
