/**
 * What every ledger promises where each viewer likes once, as one suite that each implementation runs on a
 * ledger opened in that mode, for at most `likesMax` likes.
 */
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import fc from "fast-check";
import type { Like, VideoId } from "../core/interaction.ts";
import { limits } from "../core/limits.ts";
import { Bench, type Opened, once, record, type Skip } from "./contract-bench.ts";
import { describeDeletionsOnce } from "./contract-delete.ts";

export const likesMax = 9;

export function describeOnceLedger(
  name: string,
  open: () => Promise<Opened>,
  options: { readonly skip: readonly Skip[] },
): void {
  describe(`${name}, one like per viewer`, () => {
    const bench = new Bench();
    beforeEach(async () => bench.start(await open()));
    afterEach(async () => {
      bench.expectInTime();
      await bench.opened.close();
    });
    describeSet(bench);
    describeKeys(bench, options.skip);
    describeRestarts(bench, options.skip);
    describe("deletions", () => describeDeletionsOnce(bench, options.skip));
  });
}

const v = "v" as VideoId;
const taken = { unlike: true };

function describeSet(bench: Bench): void {
  test("a viewer counts once for each kind and video, and no more after taking it back", async () => {
    expect(bench.ledger.once).toBe(true);
    await bench.likes(record([once("v", "ada"), once("v", "bob"), once("v", "ada", { kind: "clap" })]));
    await bench.likes(record([once("v", "ada"), once("w", "ada")]));
    await bench.comesTo("v", 3);
    await bench.comesTo("w", 1);
    expect(bench.ledger.totals(v)).toEqual({ version: 1, counts: { heart: 2, clap: 1 } });
    await bench.likes(record([once("v", "ada", taken), once("v", "eve", taken)]));
    await bench.comesTo("v", 2);
    expect(bench.ledger.totals(v)).toEqual({ version: 2, counts: { heart: 1, clap: 1 } });
    expect(bench.changes.at(-1)).toMatchObject({ added: 0, removed: 1 });
    await bench.likes(record([once("v", "ada")]));
    await bench.comesTo("v", 3);
  });

  test("the order of the log decides, within a record and over records of a batch", async () => {
    await bench.likes(record([once("v", "ada"), once("v", "ada", taken), once("v", "bob")]));
    await bench.comesTo("v", 1);
    await bench.likes(record([once("v", "bob", taken)]), record([once("v", "bob"), once("v", "eve")]));
    await bench.comesTo("v", 2);
  });

  test("is full at its bound, until one is taken back", async () => {
    const many = Array.from({ length: 2 * likesMax }, (_, i) => once("v", `${i}`));
    await bench.likes(record(many.slice(0, 1)));
    await bench.comesTo("v", 1);
    expect(bench.ledger.room(once("v", "new"))).toBe("room");
    await bench.likes(record(many));
    await bench.comesTo("v", many.length);
    expect(bench.ledger.room(once("v", "new"))).toBe("viewers");
    // What changes nothing is never refused because others are full.
    expect(bench.ledger.room(once("v", "0"))).toBe("room");
    expect(bench.ledger.room(once("v", "new", taken))).toBe("room");
    await bench.likes(record(many.map((like) => ({ ...like, unlike: true }))));
    await bench.comesTo("v", 0);
    expect(bench.ledger.room(once("v", "new"))).toBe("room");
  });
}

function describeKeys(bench: Bench, skip: readonly Skip[]): void {
  const like = once("v", "ada", { key: "a" });
  test("an old repeat of a like does not undo the un-like after it", async () => {
    await bench.likes(record([like]));
    await bench.likes(record([once("v", "ada", { ...taken, key: "b" })]));
    await bench.likes(record([like, once("v", "bob")]));
    await bench.comesTo("v", 1);
    await bench.likes(record([once("v", "bob", taken)]));
    await bench.comesTo("v", 0);
  });

  test.skipIf(skip.includes("advance"))("but it may, once its window has passed", async () => {
    await bench.likes(record([like]));
    await bench.likes(record([once("v", "ada", taken)]));
    bench.opened.advance?.(limits.keyWindowMs + 1);
    await bench.likes(record([like]));
    await bench.comesTo("v", 1);
  });
}

function describeRestarts(bench: Bench, skip: readonly Skip[]): void {
  test.skipIf(skip.includes("reopen"))("opened again, it knows who likes what", async () => {
    await bench.likes(record([once("v", "ada", { key: "a" }), once("v", "bob"), once("v", "eve")]));
    await bench.likes(record([once("v", "ada", taken), once("v", "eve", taken), once("v", "eve")]));
    await bench.comesTo("v", 2);
    const before = bench.ledger.totals(v);
    await bench.reopen();
    expect(bench.ledger.totals(v)).toEqual(before);
    await bench.likes(record([once("v", "ada", { key: "a" }), once("v", "bob"), once("v", "eve")]));
    await bench.likes(record([once("v", "bob", taken)]));
    await bench.comesTo("v", 1);
    await bench.reopen();
    await bench.likes(record([once("v", "eve", taken)]));
    await bench.comesTo("v", 0);
  });

  const step = fc.record({
    video: fc.constantFrom("v", "w"),
    kind: fc.constantFrom("heart", "clap"),
    viewer: fc.constantFrom("ada", "bob", "eve"),
    unlike: fc.boolean(),
    reopen: fc.boolean(),
  });
  test("is a set, however likes, un-likes, repeats and restarts mix", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 25 }), async (steps) => {
        // One ledger serves all runs: each has viewers of its own.
        const run = crypto.randomUUID();
        const likes = new Set<string>();
        const sent: Like[] = [];
        for (const [i, { video, kind, viewer, unlike, reopen }] of steps.entries()) {
          const like = once(`${video}${run}`, viewer, { kind, unlike, key: `${i}` });
          const name = `${video} ${kind} ${viewer}`;
          if (unlike) likes.delete(name);
          else likes.add(name);
          sent.push(like);
          await bench.likes(record([like]));
          // A repeat of anything earlier says nothing.
          await bench.likes(record([sent[(i * 7) % sent.length] as Like]));
          const of = (video: string): number => [...likes].filter((each) => each.startsWith(video)).length;
          await bench.comesTo(`v${run}`, of("v "));
          await bench.comesTo(`w${run}`, of("w "));
          if (reopen && i % 5 === 0) await bench.reopen();
        }
      }),
      { numRuns: 8 },
    );
  }, 60_000);
}
