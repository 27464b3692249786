/** Coefficients out of what runs showed. The runs themselves are `npm run bench:plan`. */
import { expect, test } from "bun:test";
import { costsOf, type Middle } from "./calibrate.ts";
import { seriesIn } from "./proc.ts";

const of = (series: Record<string, number>) => new Map(Object.entries(series));

function middle(coreS: number, bytes: number, rises: Record<string, number>): Middle {
  const from = of(Object.fromEntries(Object.keys(rises).map((name) => [name, 7])));
  const to = of(Object.fromEntries(Object.entries(rises).map(([name, rise]) => [name, 7 + rise])));
  return { ms: 1_000, coreS, bytes, from, to };
}

test("costs are what was used over what was done", () => {
  const likes = 'ovation_frames_total{event="likes"}';
  const comment = 'ovation_frames_total{event="comment"}';
  const sent = "ovation_bytes_total";
  const costs = costsOf({
    viewers: 1_000,
    empty: { atMs: 0, coreS: 1, bytes: 70e6, series: new Map() },
    likes: middle(1, 75e6, { [likes]: 100_000, [sent]: 20e6 }),
    talk: middle(0.4, 75e6, { [comment]: 50_000, [sent]: 15e6 }),
    flood: middle(0.4, 71e6, { ovation_likes_accepted_total: 8_000 }),
  });
  expect(costs).toMatchObject({ viewerBytes: 5_000, writeUs: 10, commentUs: 8, likeUs: 50 });
  expect(costs).toMatchObject({ frameBytes: 200, commentBytes: 300, processBytes: 70e6 });
});

test("series are read by the names they are written with", () => {
  const text = '# HELP a b\na 1\na_total{event="likes, or so"} 2.5\n\n';
  expect([...seriesIn(text)]).toEqual([
    ["a", 1],
    ['a_total{event="likes, or so"}', 2.5],
  ]);
});
