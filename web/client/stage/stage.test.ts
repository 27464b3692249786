/** What the stage shows, apart from how: the number, the flow of comments, the badge, the words. */
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { floatingOf } from "../hearts.ts";
import { hueOf } from "../icons.ts";
import { badgeText } from "./badge.ts";
import { createFlow, HELD_MAX, NOTICE_MS, ROWS_PER_FLUSH } from "./flow.ts";
import { createTally, FLOOR_MS } from "./tally.ts";
import { wordsFor } from "./words.ts";

describe("tally", () => {
  test("an own tap shows at once, and its tick changes nothing", () => {
    const tally = createTally(() => 0);
    tally.totals({ heart: 10 });
    tally.tapped("heart", 2);
    expect(tally.sum()).toBe(12);
    tally.totals({ heart: 12 });
    expect(tally.sum()).toBe(12);
    tally.answered("heart", 2, true);
    expect(tally.sum()).toBe(12);
  });

  test("a refused tap is taken back", () => {
    const tally = createTally(() => 0);
    tally.totals({ heart: 10 });
    tally.tapped("heart", 2);
    tally.answered("heart", 2, false);
    expect(tally.sum()).toBe(10);
  });

  test("a floor that no total reaches is given up", () => {
    let now = 0;
    const tally = createTally(() => now);
    tally.tapped("heart", 1);
    tally.answered("heart", 1, true);
    expect(tally.shown("heart")).toBe(1);
    now = FLOOR_MS + 1;
    expect(tally.shown("heart")).toBe(0);
  });

  test("whatever the order of taps, ticks and answers: never falls, never too high, ends exact", () => {
    const step = fc.oneof(
      fc.record({ do: fc.constant("tap" as const), count: fc.integer({ min: 1, max: 5 }) }),
      fc.record({ do: fc.constant("others" as const), count: fc.integer({ min: 1, max: 9 }) }),
      fc.record({ do: fc.constant("commit" as const), count: fc.constant(0) }),
      fc.record({ do: fc.constant("answer" as const), count: fc.constant(0) }),
      fc.record({ do: fc.constant("tick" as const), count: fc.constant(0) }),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const tally = createTally(() => 0);
        let truth = 0;
        const sent: number[] = [];
        const committed: number[] = [];
        let shown = 0;
        const commit = () => {
          const count = sent.shift();
          if (count === undefined) return;
          truth += count;
          committed.push(count);
        };
        const answer = () => {
          const count = committed.shift();
          if (count !== undefined) tally.answered("heart", count, true);
        };
        for (const { do: what, count } of steps) {
          if (what === "tap") {
            tally.tapped("heart", count);
            sent.push(count);
          } else if (what === "others") truth += count;
          else if (what === "commit") commit();
          else if (what === "answer") answer();
          else tally.totals({ heart: truth });
          expect(tally.sum()).toBeGreaterThanOrEqual(shown);
          shown = tally.sum();
          expect(shown).toBeLessThanOrEqual(truth + sent.reduce((sum, taps) => sum + taps, 0));
        }
        while (sent.length) commit();
        while (committed.length) answer();
        tally.totals({ heart: truth });
        expect(tally.sum()).toBe(truth);
      }),
    );
  });
});

describe("flow", () => {
  test("a readable pace shows everything, in order, without notice", () => {
    const flow = createFlow<number>();
    const shown: number[] = [];
    for (let n = 0; n < 40; n++) {
      flow.push(n);
      shown.push(...flow.flush(n * 120, false));
    }
    expect(shown).toEqual(Array.from({ length: 40 }, (_, n) => n));
    expect(flow.notice(40 * 120)).toBeUndefined();
  });

  test("a flood shows the newest of each moment and says how many there were", () => {
    const flow = createFlow<number>();
    for (let n = 0; n < 60; n++) flow.push(n);
    expect(flow.flush(0, false)).toEqual([56, 57, 58, 59]);
    expect(flow.notice(0)).toEqual({ shown: ROWS_PER_FLUSH, of: 60 });
    expect(flow.flush(120, false)).toEqual([]);
    expect(flow.notice(NOTICE_MS)).toBeUndefined();
  });

  test("away: held, counted, bounded, and given back in order", () => {
    const flow = createFlow<number>();
    for (let n = 0; n < HELD_MAX + 50; n++) flow.push(n);
    expect(flow.flush(0, true)).toEqual([]);
    flow.drop((n) => n === HELD_MAX);
    expect(flow.held()).toBe(HELD_MAX + 49);
    const back = flow.release();
    expect(back.length).toBe(HELD_MAX - 1);
    expect(back.at(-1)).toBe(HELD_MAX + 49);
    expect(flow.held()).toBe(0);
  });
});

describe("badge", () => {
  const en = wordsFor("en");
  test("says what the state is, and counts down", () => {
    expect(badgeText(en, { phase: "live", via: "stream", latencyMs: 12.4 }, 0)).toBe("Live · 12 ms");
    expect(badgeText(en, { phase: "live", via: "stream", latencyMs: 0.2 }, 0)).toBe("Live · 1 ms");
    expect(badgeText(en, { phase: "lagging", via: "stream", latencyMs: 3210 }, 0)).toBe("Lagging · 3.2 sec");
    expect(badgeText(en, { phase: "lagging", via: "stream", latencyMs: 9, stale: true }, 0)).toBe(
      "Catching up",
    );
    expect(badgeText(en, { phase: "live", via: "poll" }, 0)).toBe("Live · slow network");
    expect(badgeText(en, { phase: "reconnecting", via: "stream", retryAt: 4200 }, 1000)).toBe(
      "Reconnecting in 4 s",
    );
    expect(badgeText(en, { phase: "reconnecting", via: "stream", retryAt: 0 }, 1000)).toBe("Reconnecting");
    expect(badgeText(en, { phase: "offline", via: "stream" }, 0)).toBe("Offline");
  });

  test("every state has words in every language", () => {
    for (const lang of ["en", "ar"]) {
      for (const phase of ["connecting", "live", "lagging", "reconnecting", "offline", "closed"] as const) {
        expect(badgeText(wordsFor(lang), { phase, via: "stream" }, 0)).not.toBe("");
      }
    }
  });
});

describe("words", () => {
  test("the first language that is spoken here, English otherwise", () => {
    expect(wordsFor(null, "ar-MA", "en").lang).toBe("ar");
    expect(wordsFor(undefined, "", "xx", "en-GB").lang).toBe("en");
    expect(wordsFor("xx").dir).toBe("ltr");
    expect(wordsFor("ar").dir).toBe("rtl");
  });

  test("numbers have the plural of their language", () => {
    expect(wordsFor("en").reactions(1)).toBe("1 reaction");
    expect(wordsFor("en").reactions(1234)).toBe("1,234 reactions");
    expect(new Set([0, 1, 2, 5, 50, 100].map(wordsFor("ar").reactions)).size).toBe(6);
  });
});

describe("floating", () => {
  test("few float one by one, many by the logarithm of their rate, never more than came", () => {
    expect(floatingOf(1, 1000)).toBe(1);
    expect(floatingOf(3, 1000)).toBe(3);
    fc.assert(
      fc.property(fc.nat(1_000_000), fc.integer({ min: 60, max: 1200 }), (added, gapMs) => {
        const floating = floatingOf(added, gapMs);
        expect(floating).toBeLessThanOrEqual(added);
        expect(floating).toBeLessThanOrEqual(120 * (gapMs / 1000));
        expect(floatingOf(added * 2, gapMs)).toBeGreaterThanOrEqual(floating);
      }),
    );
  });

  test("a colour of its own for any word", () => {
    fc.assert(
      fc.property(fc.string(), (word) => {
        expect(hueOf(word)).toBeGreaterThanOrEqual(0);
        expect(hueOf(word)).toBeLessThan(360);
      }),
    );
  });
});
