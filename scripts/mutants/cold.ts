/** Faults for closed videos that leave memory: their ids, what is kept of them, and when they leave. */
import { type Mutant, plant } from "./plant.ts";

const sqliteTests = ["src/ledger/sqlite-away.test.ts", "src/ledger/sqlite.test.ts"];
const sharedTests = ["src/ledger/jetstream-away.test.ts", "src/ledger/jetstream.test.ts"];

export const cold: readonly Mutant[] = [
  ...plant(
    "src/ledger/id-set.ts",
    ["src/ledger/id-set.test.ts"],
    [
      ["a page of ids is never halved", "ids.length > pageMax ? ids.length >> 1 : ids.length", "ids.length"],
      ["an id that shares less is looked at as if it shared all", "if (shared < matched) return false;", ""],
      [
        "the id behind which a page begins is on it",
        "if (id < least || id === after) continue;",
        "if (id < least) continue;",
      ],
    ],
  ),
  ...plant(
    "src/ledger/away.ts",
    ["src/ledger/sqlite-away.test.ts"],
    [
      [
        "what was read once is held for ever",
        "if (this.#warm.size <= limits.awayWarmMax) break;",
        "if (this.#warm.size > 0) break;",
      ],
      ["one that came back is open", "if (!opened) this.#back.add(video);\n    else ", ""],
    ],
  ),
  ...plant("src/ledger/written.ts", sqliteTests, [
    [
      "a video leaves before it is written down",
      "for (const video of this.#leaving.keys()) s.awayPut.run(video, 0);",
      "",
    ],
    ["a start has all in memory", "if (!isAll) this.#readAway();", ""],
    ["one that was opened is away after a start", "else s.awayDrop.run(video);", ""],
  ]),
  ...plant("src/ledger/fold.ts", sqliteTests, [
    [
      "a deleted one that left memory is told as one of before all others",
      "return kept?.version === 0 ? this.#noTotals() : (kept ?? noTotals);",
      "return kept ?? noTotals;",
    ],
  ]),
  ...plant("src/ledger/sqlite-away.ts", sqliteTests, [
    [
      "what comes late is counted from nothing",
      "for (const { video } of groups) if (fold.lacks(video)) written.takeBack(video, false);",
      "for (const { video } of groups) if (fold.lacks(video)) fold.takeBack(video, undefined, false);",
    ],
  ]),
  ...plant("src/ledger/copy.ts", sharedTests, [
    [
      "a video leaves with likes that were not written down",
      "fold.totals(leaves.video).version === leaves.version",
      "leaves.version >= 0",
    ],
    [
      "what was brought back from a later place counts its likes twice",
      "this.#ahead.set(video, stowed);",
      "this.#ahead.clear();",
    ],
    [
      "a deletion takes what came behind it along",
      "this.#fold.passDeletion(act, later.floor);\n      return { atMs, groups: [] };",
      "return record;",
    ],
  ]),
  ...plant("src/ledger/partition-away.ts", sharedTests, [
    [
      "a late sweep empties what a deleted video came to in its new life",
      "if (stowed && stowed.totals.version >= copy.fold.totals(video).version) return;",
      "",
    ],
  ]),
  ...plant(
    "src/ledger/away-bytes.ts",
    ["src/ledger/away-bytes.test.ts"],
    [
      [
        "series keep the numbers of another dispatcher",
        "if (numbers.every((number, i) => number === i)) return timeline;",
        "return timeline;",
      ],
      ["versions fall after a log was seeded anew", "then + Math.max(0, fold.away.raised - raised)", "then"],
    ],
  ),
  ...plant("src/ledger/snapshot.ts", sharedTests, [
    [
      "a snapshot forgets which have left",
      "if (outer === awayVersion && !readAway(reader, fold)) return undefined;",
      "",
    ],
  ]),
  ...plant(
    "src/dispatcher/put-away.ts",
    ["src/dispatcher/put-away.test.ts"],
    [
      [
        "a video leaves while it is watched",
        "if (owns(video) && !watched(video)) return true;",
        "if (owns(video)) return true;",
      ],
      [
        "a full memory waits as long as an empty one",
        "isFull || this.#closed.size >= manyClosed",
        "this.#closed.size >= manyClosed",
      ],
      [
        "one that was opened meanwhile stays closed",
        "if (!this.#closed.delete(video)) await away?.open(video);\n    else ",
        "",
      ],
    ],
  ),
  ...plant(
    "src/dispatcher/catalog.ts",
    ["src/dispatcher/catalog.test.ts"],
    [
      [
        "one that has left memory is listed without its likes",
        "await ledger.away?.read(video);\n    const now",
        "const now",
      ],
    ],
  ),
];
