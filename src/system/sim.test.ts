/**
 * Whole clusters on a virtual clock, from seeds: 300 by default, SIM_RUNS=n for more, SIM_SEED=n to begin
 * elsewhere. A run that fails tells its seed; `SIM_SEED=seed SIM_RUNS=1 bun test src/system/sim.test.ts`
 * shows it again.
 */
import { describe, expect, test } from "bun:test";
import { type Options, type Outcome, simulate } from "./sim/run.ts";
import type { Data, Told } from "./sim/viewer.ts";

const runs = Number(process.env.SIM_RUNS ?? 300);
const firstSeed = Number(process.env.SIM_SEED ?? 1);

async function violations(seed: number, options: Options = {}): Promise<readonly string[]> {
  const outcome = await simulate(seed, options);
  return outcome.violations.map((what) => `seed ${seed}: ${what}`);
}

describe("a cluster under an audience and under faults", () => {
  test("keeps every promise", async () => {
    const startMs = performance.now();
    const outcomes: Outcome[] = [];
    const wrong: string[] = [];
    for (let seed = firstSeed; seed < firstSeed + runs; seed++) {
      const outcome = await simulate(seed);
      outcomes.push(outcome);
      wrong.push(...outcome.violations.map((what) => `seed ${seed}: ${what}`));
    }
    expect(wrong).toEqual([]);
    const sum = (name: string) => outcomes.reduce((all, { done }) => all + (done[name] ?? 0), 0);
    const hours = outcomes.reduce((all, { virtualMs }) => all + virtualMs, 0) / 3_600_000;
    const minutes = (performance.now() - startMs) / 60_000;
    console.log(
      `simulation: seeds ${firstSeed} to ${firstSeed + runs - 1}, ${hours.toFixed(2)} simulated hours, ` +
        `${(hours / minutes).toFixed(1)} a minute: ${sum("comments")} comments, ${sum("attempts")} ` +
        `attempts of which ${sum("refused")} in vain, ${sum("joined")} viewers, ${sum("resumes")} resumed, ` +
        `${sum("resets")} resets, ${sum("crashed")} crashes, ${sum("cut")} cuts, ${sum("disturbed")} ` +
        `disturbances, ${sum("set")} walls set, ${sum("lost")} times comments lost their end, ` +
        `${sum("leaderless")} lanes without a leader`,
    );
    // A run in which nothing happens proves nothing.
    for (const name of ["attempts", "comments", "joined", "compared"]) {
      expect(sum(name)).toBeGreaterThan(10 * runs);
    }
    if (runs >= 50)
      for (const name of ["resumes", "crashed", "cut", "set", "lost", "leaderless"])
        expect(sum(name)).toBeGreaterThan(runs);
  }, 3_600_000);

  test("takes likes of every lane that has a leader, whatever becomes of others and of walls", async () => {
    let refused = 0;
    for (let seed = firstSeed; seed < firstSeed + runs / 4; seed++) {
      const { violations: wrong, done } = await simulate(seed, { weatherOnly: true });
      expect(wrong.map((what) => `seed ${seed}: ${what}`)).toEqual([]);
      refused += done.apart ?? 0;
    }
    // Those of lanes without one were.
    expect(refused).toBeGreaterThan(runs / 4);
  }, 600_000);

  // Seeds that failed once. They show it again only while a run draws its numbers in the same order.
  test.each([
    [102, "a stream came back to a place before what it was shown of a video that had lost its end"],
    [109, "what was lost of one video stayed on a screen that came back to a place before it"],
    [530, "a stream went back with one video, by whose id what was lost of another stayed on its screen"],
    [5023, "a comment lost last of all was never shown"],
    [5061, "two comments lost last of all were never shown"],
    [5100, "more comments at once than a node holds left a hole"],
    [5114, "more comments at once than a node holds left a hole on a stream of one video"],
    [3505, "a stream of two videos that broke lost comments of one, by the id of the other"],
    [3718, "a stream of three videos that broke lost comments of one, by the id of another"],
    [5022, "a stream that was further on than its new node was told comments again"],
    [5028, "a node that died left its rows in the table for good"],
    [10, "a wall that was set back stopped a node's timers until it had come as far again"],
    [12, "a wall that was set back stopped the ticks of a dispatcher"],
    [60, "an answer to a question of before the log lost its end began a history with a hole"],
    [33, "a lost comment that came while a video was loading was shown under the id of another"],
    [105, "a lost comment that came while a video was loading was shown under the id of another"],
    [6583, "a video without viewers was not asked for when one came, and stood on a lost place"],
    [3718, "two dispatchers with walls far apart began one log, and its first keys were forgotten"],
  ])("does not do again what it did from seed %d: %s", async (seed) => {
    expect(await violations(seed)).toEqual([]);
  });

  test("is the same again from the same seed", async () => {
    const [one, two] = [await simulate(7), await simulate(7)];
    expect(one.done).toEqual(two.done);
    expect(one.virtualMs).toBe(two.virtualMs);
  });
});

describe("what viewers are told wrong is noticed", () => {
  /** Falsifies about every twentieth event of a kind. */
  const every = (event: string, falsify: (told: Told) => readonly Told[]) => {
    let count = 0;
    return (told: Told) => (told.event === event && ++count % 20 === 7 ? falsify(told) : [told]);
  };
  const instead = (told: Told, data: Partial<Data>): Told => ({ ...told, data: { ...told.data, ...data } });
  let kept: Told | undefined;
  const tampers: Record<string, (told: Told) => readonly Told[]> = {
    "a comment is lost": every("comment", () => []),
    "a comment comes twice": every("comment", (told) => [told, told]),
    "two comments change places": (told) => {
      if (told.event !== "comment") return [told];
      const [before, now] = [kept, told];
      kept = before ? undefined : now;
      return before ? [now, before] : [];
    },
    "a removal is lost": (told) => (told.event === "retract" ? [] : [told]),
    "a reset is not told": (told) => (told.event === "reset" ? [] : [told]),
    "a snapshot is lost": every("snapshot", () => []),
    "a snapshot misses a comment": (told) =>
      told.event === "snapshot" && told.data.comments.length > 3
        ? [instead(told, { comments: told.data.comments.filter((_, i) => i !== 1) })]
        : [told],
    "a total falls": every("likes", (told) => [told, instead(told, { totals: {} })]),
    "a total is one too high": every("likes", (told) => [
      instead(told, { totals: { ...told.data.totals, heart: (told.data.totals.heart ?? 0) + 1 } }),
    ]),
    "a version goes back": every("likes", (told) => [told, instead(told, { version: 0 })]),
    "likes never come": (told) => (told.event === "likes" ? [] : [told]),
    "the number of viewers never comes": (told) => (told.event === "viewers" ? [] : [told]),
  };
  test.each(Object.entries(tampers))("%s", async (_, tamper) => {
    const wrong: string[] = [];
    for (let seed = 4; wrong.length === 0 && seed <= 80; seed += 4) {
      kept = undefined;
      wrong.push(...(await violations(seed, { tamper })));
    }
    expect(wrong.length).toBeGreaterThan(0);
  });
});
