/** Ten thousand farewells: each once, spread over the time given, and no turn ends more than so many. */
import { expect, test } from "bun:test";
import { VirtualClock } from "../base/clock.ts";
import { seededPrng } from "../base/prng.ts";
import { Farewell } from "./farewell.ts";

const all = Array.from({ length: 10_000 }, (_, i) => i);

function bench() {
  const clock = new VirtualClock();
  const ended: { one: number; ms: number }[] = [];
  const startMs = clock.elapsed();
  const farewell = new Farewell<number>(clock, seededPrng(1), (one) =>
    ended.push({ one, ms: clock.elapsed() - startMs }),
  );
  return { clock, ended, farewell };
}

test("a farewell without time begins at once and goes on turn by turn", async () => {
  const { clock, ended, farewell } = bench();
  const done = farewell.all([...all], 0);
  expect(ended.length).toBeGreaterThan(0);
  expect(ended.length).toBeLessThan(1_000);
  clock.advance(0);
  await done;
  expect(ended.map(({ one }) => one).toSorted((a, b) => a - b)).toEqual(all);
});

test("one that is given time is spread over it, in an order that is nobody's", async () => {
  const { clock, ended, farewell } = bench();
  const done = farewell.all([...all], 1_000);
  await clock.run(1_100, 10);
  await done;
  expect(ended.map(({ one }) => one).toSorted((a, b) => a - b)).toEqual(all);
  for (const halfMs of [250, 500, 750]) {
    const gone = ended.filter(({ ms }) => ms <= halfMs).length / all.length;
    expect(Math.abs(gone - halfMs / 1_000)).toBeLessThan(0.1);
  }
  expect(ended.slice(0, 100).filter(({ one }) => one < 5_000).length).toBeLessThan(80);
});
