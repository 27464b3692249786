/** Which places a log still stands by, held against a model that loses its end at random. */
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { parseId } from "./entry.ts";
import { limits } from "./limits.ts";
import { Lineage } from "./lineage.ts";

describe("a lineage", () => {
  test("gives each place the name of its branch", () => {
    const lineage = Lineage.begin("aaaa").open("bbbb", 5).open("cccc", 9);
    expect([1, 4, 5, 8, 9, 1_000].map((seq) => lineage.idOf(seq))).toEqual([
      "aaaa-1",
      "aaaa-4",
      "bbbb-5",
      "bbbb-8",
      "cccc-9",
      "cccc-1000",
    ]);
    expect(lineage.idOf(0)).toBe("aaaa-0");
    expect(lineage.newest).toEqual({ name: "cccc", first: 9 });
  });

  test("continues what lies before the next branch, and nothing of a branch it does not know", () => {
    const lineage = Lineage.begin("aaaa").open("bbbb", 5);
    const continues = (branch: string, seq: number) => lineage.continues({ branch, seq });
    expect([continues("aaaa", 0), continues("aaaa", 4), continues("aaaa", 5)]).toEqual([true, true, false]);
    expect([continues("bbbb", 5), continues("bbbb", 999), continues("zzzz", 1)]).toEqual([true, true, false]);
  });

  test("that goes back drops the branches of what it lost", () => {
    const lineage = Lineage.begin("aaaa").open("bbbb", 5).open("cccc", 9).open("dddd", 5);
    expect(lineage.branches.map(({ name }) => name)).toEqual(["aaaa", "dddd"]);
    // Nothing was in it; what stood before everything still does.
    const empty = Lineage.begin("aaaa").open("bbbb", 1).open("cccc", 1);
    expect(empty.flat()).toEqual(["aaaa", 1, "cccc", 1]);
    expect(Lineage.read(empty.flat(), empty.turn)).toEqual(empty);
    expect([
      empty.continues({ branch: "aaaa", seq: 0 }),
      empty.continues({ branch: "aaaa", seq: 1 }),
    ]).toEqual([...[true, false]]);
    expect([empty.idOf(0), empty.idOf(1)]).toEqual(["aaaa-0", "cccc-1"]);
    expect(lineage.turn).toBe(4);
  });

  test("remembers so many branches, and calls what is older by the oldest of them", () => {
    let lineage = Lineage.begin("name0");
    for (let i = 1; i < limits.branchesMax + 5; i++) lineage = lineage.open(`name${i}`, 10 * i);
    expect(lineage.branches).toHaveLength(limits.branchesMax);
    expect(lineage.continues({ branch: "name4", seq: 1 })).toBe(false);
    expect(lineage.idOf(1)).toBe("name5-1");
    expect(lineage.continues({ branch: "name5", seq: 1 })).toBe(true);
  });

  test("is written down and read again", () => {
    const lineage = Lineage.begin("aaaa").open("bbbb", 5);
    expect(lineage.flat()).toEqual(["aaaa", 1, "bbbb", 5]);
    expect(Lineage.read(lineage.flat(), lineage.turn)).toEqual(lineage);
  });

  test.each([
    [undefined],
    [[]],
    [["aaaa"]],
    [["aaaa", -1]],
    [["aaaa", "1"]],
    [["AAAA", 1]],
    [["a-b-", 1]],
    [["aaaa", 5, "bbbb", 6, "cccc", 6]],
    [["aaaa", 5, "bbbb", 1]],
    [Array.from({ length: 2 * limits.branchesMax + 2 }, (_, i) => (i % 2 ? i : "aaaa"))],
  ])("is not %p", (flat) => expect(Lineage.read(flat)).toBeUndefined());

  test("stands by a place exactly when its log still holds all that was there when it was given out", () => {
    // A log as a list of unique things; losing its end and starting again opens a branch.
    const step = fc.oneof(
      fc.constant({ kind: "append" as const }),
      fc.record({ kind: fc.constant("lose" as const), keep: fc.nat(12) }),
      fc.constant({ kind: "start" as const }),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        let lineage = Lineage.begin("start");
        let log: number[] = [];
        let unique = 0;
        /** Every id ever given out for a thing, and the log up to it. */
        const given = new Map<string, number[]>();
        const give = (seq: number): void => {
          const id = lineage.idOf(seq);
          const upTo = log.slice(0, seq);
          // One id never names two things.
          if (seq > 0 && given.has(id)) expect(given.get(id)).toEqual(upTo);
          given.set(id, upTo);
        };
        for (const one of steps) {
          if (one.kind === "append") log.push(unique++);
          if (one.kind === "lose") log = log.slice(0, one.keep);
          if (one.kind !== "append") lineage = lineage.open(`b${unique++}xxx`, log.length + 1);
          for (let seq = 0; seq <= log.length; seq++) give(seq);
          for (const [id, upTo] of given) {
            const place = parseId(id) as NonNullable<ReturnType<typeof parseId>>;
            const holds = upTo.every((thing, index) => log[index] === thing) && place.seq <= log.length;
            // Never continued across a hole; what holds may be reset only for an id of a lost branch.
            if (lineage.continues(place) && place.seq <= log.length) expect(holds).toBe(true);
            if (id === lineage.idOf(place.seq)) expect(lineage.continues(place)).toBe(true);
          }
        }
      }),
    );
  });
});
