/** Faults for src/fanout: who is written what, in which order, at what pace, and what is owed. */
import { type Mutant, plant } from "./plant.ts";

const tests = [
  "src/fanout/shard.test.ts",
  "src/fanout/lanes.test.ts",
  "src/fanout/supervisor.test.ts",
  "src/fanout/cohort.test.ts",
  "src/fanout/pace.test.ts",
];
const withFrontend = [
  ...tests,
  "src/fanout/told.test.ts",
  "src/frontend/joining.test.ts",
  "src/frontend/frontend.test.ts",
  "src/video/held.test.ts",
];

export const fanout: readonly Mutant[] = [
  ...plant(
    "src/base/roster.ts",
    ["src/base/roster.test.ts"],
    [["who took the place of one that left does not know it", "      last.at = at;\n", ""]],
  ),
  ...plant(
    "src/frontend/streams.ts",
    ["src/frontend/streams.test.ts"],
    [
      ["any id of a place is taken", "stream && this.idOf(stream) === id ? stream : undefined", "stream"],
      ["a place is given back twice", "    if (stream.place < 0) return false;\n", ""],
    ],
  ),
  ...plant(
    "src/program/descriptors.ts",
    ["src/program/descriptors.test.ts"],
    [
      [
        "streams take the last descriptors",
        "this.#left() <= limits.descriptorsReserved;",
        "this.#left() <= 0;",
      ],
      ["a look is good for all that was free", "(left - limits.descriptorsReserved) / 2", "left"],
      ["accepting goes on at the first that is free", "left > 2 * pauseAt", "left > 0"],
      [
        "the one with the ledger counts as a holder",
        "? processes - 1 : processes",
        "? processes : processes",
      ],
      ["a limit of thousands is not told", 'streams < roomMin ? "warn" : "info"', '"debug"'],
    ],
  ),
  ...plant("src/fanout/catchup.ts", withFrontend, [
    [
      "comments of several videos come out of the order of their ids",
      "own.places.size > 1 ? all.sort((a, b) => a.seq - b.seq) : all",
      "all",
    ],
    [
      "who never reads is owed without end",
      "if (own.owedBytes > limits.owedBytesMax) viewer",
      "if (own.owedBytes < 0) viewer",
    ],
    [
      "a hole is passed over",
      "if (place.fresh || place.seq >= slot.watch.history.floor) continue;",
      "if (place.seq >= -1) continue;",
    ],
    [
      "a comment overtakes one of another video that is held",
      "if (first !== undefined) seq = Math.min(seq, first - 1);",
      "if (first === -1) seq = Math.min(seq, first - 1);",
    ],
    [
      "a snapshot stands ahead of what is held",
      "    if (watch.held.first !== undefined) seq = Math.min(seq, watch.held.first - 1);\n",
      "",
    ],
    [
      "who begins anew is not told",
      'if (reason && !piece.add("reset", watch.reset(reason))) return false;',
      "",
    ],
    [
      "who stands with its video in the middle of a walk is written to twice",
      " || slot.showing?.walk.awaits(viewer)) return;",
      ") return;",
    ],
    [
      "who reads nothing is kept",
      "if (nowMs - connection.lastMs > connection.idleMs) connection",
      "if (nowMs < connection.lastMs) connection",
    ],
  ]),
  ...plant("src/fanout/slot.ts", withFrontend, [
    ["a number of viewers alone is no news", " || this.viewersVersion < this.watch.viewersVersion;", ";"],
  ]),
  ...plant("src/fanout/shard.ts", withFrontend, [
    ["who stopped watching is told", "viewer.own?.places.delete(slot);", ""],
    ["what nobody watches any more is waited for", "if (slot.queued) this.#events.passed(slot);", ""],
    [
      "who resumes is not told how things stand",
      "{ seq: after, version: -1, viewersVersion: -1 }",
      "{ seq: after }",
    ],
  ]),
  ...plant("src/fanout/supervisor.ts", tests, [
    [
      "a shard has more viewers than it may",
      "if (shard.size < limits.connectionsPerShardMax) return shard;",
      "return shard;",
    ],
    ["nobody settles", "from <= sinceMs", "false"],
    ["who settles in a lap leaves it open", "    pacer?.passed();\n", ""],
    ["who settles in a lap stays with newcomers", "this.#settle(shard, slot);\n    pacer", "pacer"],
    ["a turn that comes late does no more for anybody", "share + extra", "share"],
    ["an empty shard stays settled", "filter(({ size }) => size === 0)", "filter(() => false)"],
  ]),
  ...plant(
    "src/fanout/direct.ts",
    ["src/fanout/direct.test.ts"],
    [
      [
        "a long write is copied whole",
        "const end = at + limits.writePieceBytes;",
        "const end = at + bytes.length;",
      ],
      ["what follows a piece is lost", "if (rest && !this.#over) this.#hand(sink, rest);", ""],
    ],
  ),
  ...plant("src/fanout/cohort.ts", tests, [
    ["a shard keeps the turn for itself", "this.#next[lane] = shard.inLap(lane) ? at : at + 1;", ""],
  ]),
  ...plant(
    "src/fanout/pace.ts",
    [...tests, "src/fanout/pace.test.ts"],
    [
      [
        "no time stays free between laps",
        "Math.max(tickMs / 8, Math.min(workMs / 7, hurryMs - workMs))",
        "0",
      ],
      ["comments alone have no window", "if (entries) this.#nextTalkMs = later(nowMs, commentTickMs);", ""],
      [
        "what came under way is forgotten",
        "this.#nextMs = later(startMs, Math.max(tookMs, windowMs));\n    this.due();",
        "this.#nextMs = later(startMs, Math.max(tookMs, windowMs));",
      ],
    ],
  ),
];
