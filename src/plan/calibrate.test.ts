/** Coefficients out of what slices showed. The slices themselves are `npm run bench:plan`. */
import { expect, test } from "bun:test";
import { readCoefficients } from "./coefficients.ts";
import { costsOf } from "./costs.ts";
import { seriesIn } from "./proc.ts";
import { names, type Slice } from "./site.ts";

/** A second in which `usedUs` were used beside the 10,000 of a process that does nothing. */
function slice(usedUs: number, megabytes: number, rises: Partial<Record<keyof typeof names, number>>): Slice {
  const known = new Map<string, number>();
  for (const [name, rise] of Object.entries(rises)) known.set(names[name as keyof typeof names], rise);
  return {
    ms: 1_000,
    coreS: (10_000 + usedUs) / 1e6,
    bytes: megabytes * 1e6,
    rise: (name) => known.get(name) ?? 0,
  };
}

const seen = {
  small: [slice(0, 81, {})],
  often: [
    slice(16_000 * 7 + 500 + 200, 90, { likesFrames: 16_000, likes: 5, commits: 1, bytes: 16_000 * 375 }),
  ],
  talk: [slice(8_000 * 7, 90, { commentFrames: 8_000, bytes: 8_000 * 190 })],
  slow: [slice(8_000 * 10, 97, { likesFrames: 8_000, bytes: 8_000 * 150 })],
  idle: [slice(0, 97, {})],
  seldom: [slice(100 * 40 + 50 * 500, 97, { likes: 100, commits: 50 })],
  // Put into the log far more often than every 10 ms, and for less each: what is planned is what it comes to.
  flood: [slice(1_900 * 40 + 95 * 500, 97, { likes: 1_900, commits: 800 })],
  ticks: [slice(10 * 500 + 500 * (60 + 10), 99, { likes: 500, commits: 10, ticks: 500, likesFrames: 500 })],
  viewers: 4_000,
  first: 250,
};

test("costs are what was used for a thing over how often it was done", () => {
  const costs = costsOf(seen);
  expect(costs).toMatchObject({ idleUs: 10_000, likeUs: 40, batchUs: 500, tickUs: 60 });
  expect(costs).toMatchObject({ writeUs: 7, slowWriteUs: 10, frameBytes: 150, nameBytes: 45 });
  expect(costs).toMatchObject({ commentBytes: 190, viewerBytes: 4_000, processBytes: 80e6 });
  expect(readCoefficients(JSON.stringify(costs))).toEqual(costs);
});

test("one slice that a neighbour disturbed says nothing", () => {
  const [often] = seen.often;
  if (!often) throw new Error("no slice");
  const disturbed = { ...often, coreS: 3 * often.coreS };
  expect(costsOf({ ...seen, often: [often, disturbed, often] }).writeUs).toBe(7);
  // Where everything was odd, a file of them is still one that can be read.
  const nothing = slice(0, 50, { likesFrames: 10, likes: 10, commits: 10, ticks: 10, bytes: 1 });
  const odd = costsOf({ ...seen, often: [nothing], talk: [nothing], slow: [nothing], ticks: [nothing] });
  expect(readCoefficients(JSON.stringify(odd))).toEqual(odd);
});

test("series are read by the names they are written with", () => {
  const text = '# HELP a b\na 1\na_total{event="likes, or so"} 2.5\n\n';
  expect([...seriesIn(text)]).toEqual([
    ["a", 1],
    ['a_total{event="likes, or so"}', 2.5],
  ]);
});
