/** What is concluded from what stands at the last places of a log. */
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { limits } from "../core/limits.ts";
import { Lineage } from "../core/lineage.ts";
import { compare, Known, printOf } from "./known.ts";

const bytes = (text: string) => new TextEncoder().encode(text);

/** A log as what stands at each place, from 1 on; undefined: taken out or let go. */
function logOf(prints: readonly (string | undefined)[]) {
  let reads = 0;
  const standing = {
    firstSeq: prints.findIndex((print) => print !== undefined) + 1 || prints.length + 1,
    lastSeq: prints.length,
  };
  return {
    verdict: (known: Known) =>
      compare(known.newestFirst(), standing, async (seq) => {
        reads++;
        return prints[seq - 1];
      }),
    reads: () => reads,
  };
}

function knowing(prints: readonly (string | undefined)[], from = 1): Known {
  const known = new Known();
  for (const [i, print] of prints.entries()) {
    if (print !== undefined && i + 1 >= from) known.note(i + 1, print, "aaaa");
  }
  return known;
}

describe("a log", () => {
  test("that goes on is whole, and one look says so", async () => {
    const log = logOf(["a", "b", "c", "d"]);
    expect(await log.verdict(knowing(["a", "b", "c"]))).toEqual({ whole: true });
    expect(log.reads()).toBe(1);
    expect(await logOf(["a"]).verdict(new Known())).toEqual({ whole: true });
  });

  test("of which entries were taken out or let go is whole", async () => {
    expect(await logOf([undefined, "b", undefined, "d"]).verdict(knowing(["a", "b", "c"]))).toEqual({
      whole: true,
    });
    expect(await logOf([undefined, undefined, undefined, "d"]).verdict(knowing(["a", "b", "c"]))).toEqual({
      whole: true,
    });
  });

  test("that is shorter, or differs, is another one behind the last place that is the same", async () => {
    const known = () => knowing(["a", "b", "c", "d"]);
    expect(await logOf(["a", "b"]).verdict(known())).toEqual({ whole: false, first: 3, alone: false });
    expect(await logOf(["a", "b", "x", "y", "z"]).verdict(known())).toEqual({
      whole: false,
      first: 3,
      alone: false,
    });
    expect(await logOf(["a", undefined, "x"]).verdict(known())).toEqual({
      whole: false,
      first: 2,
      alone: false,
    });
  });

  test("of which nothing is known any more is another one from its beginning", async () => {
    const known = knowing(["a", "b", "c", "d"], 3);
    expect(await logOf(["x"]).verdict(known)).toEqual({ whole: false, first: 1, alone: false });
    const many = Array.from({ length: 3 * limits.knownPlacesMax }, (_, i) => `${i}`);
    const other = logOf(many.map((print) => `${print}x`));
    expect(await other.verdict(knowing(many))).toEqual({ whole: false, first: 1, alone: false });
    expect(other.reads()).toBe(limits.knownReadsMax);
  });

  test("that was emptied but goes on numbering has nothing of before", async () => {
    expect(await logOf([undefined, undefined, undefined]).verdict(knowing(["a", "b", "c"]))).toEqual({
      whole: false,
      first: 4,
      alone: true,
    });
  });

  test("is never taken for whole when a known place is another, however it came to be", async () => {
    const print = fc.constantFrom("a", "b", "c");
    await fc.assert(
      fc.asyncProperty(
        fc.array(print, { minLength: 1, maxLength: 12 }),
        fc.nat(12),
        fc.array(print, { maxLength: 12 }),
        async (was, keep, more) => {
          // Unique by place, as real entries are.
          const old = was.map((name, i) => `${name}${i}`);
          const now = [...old.slice(0, keep), ...more.map((name, i) => `${name}${i}new`)];
          const verdict = await logOf(now).verdict(knowing(old));
          const same = old.findIndex((name, i) => now[i] !== name);
          if (same < 0) expect(verdict).toEqual({ whole: true });
          else if (now.length > 0) expect(verdict).toEqual({ whole: false, first: same + 1, alone: false });
        },
      ),
    );
  });
});

describe("what is known", () => {
  test("is bounded: the oldest is forgotten", () => {
    const known = knowing(Array.from({ length: limits.knownPlacesMax + 5 }, (_, i) => `${i}`));
    expect([known.at(5), known.at(6), known.newest]).toEqual([undefined, "5", limits.knownPlacesMax + 5]);
  });

  test("of a history that is no more is forgotten with it", () => {
    const known = knowing(["a", "b", "c", "d"]);
    const lineage = Lineage.begin("aaaa").open("bbbb", 3);
    known.turn(lineage);
    expect([known.at(2), known.at(3), known.newest]).toEqual(["b", undefined, 2]);
    known.turn(lineage.open("cccc", 1));
    expect([known.at(1), known.newest]).toEqual([undefined, 0]);
  });

  test("tells messages apart by subject and payload", () => {
    expect(printOf("comments.v", bytes("a"))).toBe(printOf("comments.v", bytes("a")));
    expect(printOf("comments.v", bytes("a"))).not.toBe(printOf("comments.w", bytes("a")));
    expect(printOf("comments.v", bytes("a"))).not.toBe(printOf("comments.v", bytes("b")));
  });
});
