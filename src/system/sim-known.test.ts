/** Faults that the simulation found once, from the seeds that showed them; and a seed is always the same. */
import { describe, expect, test } from "bun:test";
import { simulate, violations } from "./sim/run.ts";

describe("a cluster", () => {
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
    [21205, "a stream waited for one of its videos, was told to stop watching it, and was shown no other"],
  ])("does not do again what it did from seed %d: %s", async (seed) => {
    expect(await violations(seed)).toEqual([]);
  });

  test("is the same again from the same seed", async () => {
    const [one, two] = [await simulate(7), await simulate(7)];
    expect(one.done).toEqual(two.done);
    expect(one.virtualMs).toBe(two.virtualMs);
  });
});
