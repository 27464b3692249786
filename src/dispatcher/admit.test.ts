import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { type Elapsed, later, VirtualClock } from "../base/clock.ts";
import type { CommentDraft, Kind, Like, VideoId } from "../core/interaction.ts";
import { limits } from "../core/limits.ts";
import { Admit } from "./admit.ts";
import { FakeLedger } from "./fake-ledger.ts";

const start = new VirtualClock().elapsed();
const draft = (video = "v"): CommentDraft => ({
  video: video as VideoId,
  text: "x",
  user: undefined,
  key: undefined,
  atMs: 0,
});
const like = (key?: string): Like => ({
  video: "v" as VideoId,
  kind: "heart" as Kind,
  count: 1,
  user: undefined,
  key,
});
const taken = (admit: Admit, now: Elapsed, video = "v") => admit.comment(draft(video), 0, now) === undefined;

describe("a like", () => {
  test("is refused only where taking it would break a bound", () => {
    const ledger = new FakeLedger();
    const admit = new Admit(ledger, 10);
    expect(admit.like(like("k"), limits.pendingMax - 1)).toBeUndefined();
    expect(admit.like(like(), limits.pendingMax)).toMatchObject({ rejected: "busy", retryAfterS: 1 });
    for (const short of ["keys", "viewers", "videos"] as const) {
      ledger.says = short;
      expect(admit.like(like("k"), 0)).toMatchObject({ rejected: "busy" });
    }
    ledger.says = "counted";
    expect(admit.like(like("k"), 0)).toBe("counted");
  });
});

describe("comments", () => {
  test("are refused while too much waits, and that costs no allowance", () => {
    const admit = new Admit(new FakeLedger(), 1);
    expect(admit.comment(draft(), limits.pendingMax, start)).toMatchObject({ rejected: "busy" });
    expect(taken(admit, start)).toBe(true);
    expect(admit.comment(draft(), 0, start)).toMatchObject({ rejected: "comment-rate", retryAfterS: 1 });
  });

  test("of a full second may come at once, not one more, whatever the rate", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 2_000 }),
        fc.double({ min: 0, max: 1e6, noNaN: true }),
        (rate, ms) => {
          const admit = new Admit(new FakeLedger(), rate);
          const now = later(start, ms);
          let count = 0;
          while (taken(admit, now)) count++;
          expect(count).toBe(rate);
          expect(taken(admit, now, "other")).toBe(true);
          expect(taken(admit, later(now, 1000 / rate + 0.01))).toBe(true);
        },
      ),
    );
  });

  test("never exceed the rate over any stretch by more than that second's worth", () => {
    const steps = fc.array(fc.integer({ min: 0, max: 400 }), { minLength: 1, maxLength: 200 });
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 20 }), steps, (rate, gaps) => {
        const admit = new Admit(new FakeLedger(), rate);
        const takenMs: number[] = [];
        let now = start;
        for (const gapMs of gaps) {
          now = later(now, gapMs);
          if (taken(admit, now)) takenMs.push(now);
        }
        takenMs.forEach((fromMs, from) => {
          takenMs.slice(from).forEach((toMs, more) => {
            expect(more + 1).toBeLessThanOrEqual(rate + ((toMs - fromMs) / 1000) * rate + 1);
          });
        });
      }),
      { numRuns: 50 },
    );
  });

  test("of very many videos cost no more each: what is whole is forgotten", () => {
    const admit = new Admit(new FakeLedger(), 2);
    for (let i = 0; i < 20_000; i++) expect(taken(admit, start, `v${i}`)).toBe(true);
    for (let i = 0; i < 20_000; i++) expect(taken(admit, start, `v${i}`)).toBe(true);
    // None was forgotten before its second was over.
    for (let i = 0; i < 20_000; i++) expect(taken(admit, start, `v${i}`)).toBe(false);
    for (let i = 0; i < 20_000; i++) expect(taken(admit, later(start, 1_000), `v${i}`)).toBe(true);
  });
});
