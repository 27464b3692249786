/** The simulation's own eyes: what viewers are told wrong, on purpose, is noticed. */
import { describe, expect, test } from "bun:test";
import { violations } from "./sim/run.ts";
import type { Data, Told } from "./sim/viewer.ts";

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
  const ofDeletions: Record<string, (told: Told) => readonly Told[]> = {
    "a deletion is not told": (told) => (told.data.reason === "deleted" ? [] : [told]),
    "totals stay as before a deletion": (told) =>
      told.event === "likes" && Object.keys(told.data.totals).length === 0 ? [] : [told],
    "what was deleted is shown again": (told) => {
      if (told.event === "snapshot" && told.data.comments.length > 0) kept ??= told;
      const isEmpty = told.event === "snapshot" && told.data.comments.length === 0;
      return kept && isEmpty ? [instead(told, { comments: kept.data.comments })] : [told];
    },
  };
  test.each(Object.entries(ofDeletions))("%s", async (_, tamper) => {
    const wrong: string[] = [];
    for (let seed = 3; wrong.length === 0 && seed <= 60; seed += 3) {
      kept = undefined;
      wrong.push(...(await violations(seed, { tamper, deletes: true })));
    }
    expect(wrong.length).toBeGreaterThan(0);
  });
  test.each(Object.entries(tampers))("%s", async (_, tamper) => {
    const wrong: string[] = [];
    for (let seed = 4; wrong.length === 0 && seed <= 80; seed += 4) {
      kept = undefined;
      wrong.push(...(await violations(seed, { tamper })));
    }
    expect(wrong.length).toBeGreaterThan(0);
  });
});
