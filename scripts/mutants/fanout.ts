/** Faults for src/fanout: what a shard writes to whom, in which order, and what those who are behind are owed. */
import { type Mutant, plant } from "./plant.ts";

const shardTests = [
  "src/fanout/shard.test.ts",
  "src/fanout/supervisor.test.ts",
  "src/frontend/joining.test.ts",
];

export const fanout: readonly Mutant[] = [
  ...plant("src/fanout/supervisor.ts", shardTests, [
    [
      "comments of several videos come out of the order of their ids",
      "places.sort((a, b) => a.seq - b.seq);",
      "",
    ],
    [
      "a shard has more viewers than it may",
      "if (shard.size < limits.connectionsPerShardMax) return shard;",
      "return shard;",
    ],
  ]),
  ...plant(
    "src/fanout/passes.ts",
    [...shardTests, "src/fanout/round.test.ts"],
    [
      [
        "who is behind is shown what is newest at once",
        "viewer.lag === undefined && viewer.connection",
        "viewer.connection",
      ],
      [
        "a slot that waits is put there again",
        "if (slot.queued) return;\n    slot.queued = true;",
        "slot.queued = true;",
      ],
      [
        "what is not taken is not owed",
        "this.#parts.behind(viewer).stale.add(slot);",
        "this.#parts.behind(viewer);",
      ],
    ],
  ),
  ...plant("src/fanout/shard.ts", shardTests, [
    ["what was seen on an earlier stream comes again", "if (seenSeq >= upTo) continue;", ""],
    [
      "who never reads is owed without end",
      "if (lag.owedBytes > limits.owedBytesMax) viewer",
      "if (lag.owedBytes < 0) viewer",
    ],
    ["who stopped watching is told", "viewer.lag?.stale.delete(slot);", ""],
    ["who reads nothing is kept", 'viewer.connection.end("idle");\n      else if', ";\n      else if"],
    [
      "a run goes on behind a new beginning",
      "this.#runs = this.#runs.filter((run) => run.slot !== slot);",
      "",
    ],
    [
      "runs have no bound",
      "} else if (this.#runs.length < limits.mailboxRunsMax) {",
      "} else if (this.#runs.length >= 0) {",
    ],
  ]),
  ...plant("src/fanout/catchup.ts", shardTests, [
    [
      "what is owed of two videos comes video by video",
      "lag.missed.size > 1 ? all.sort((a, b) => a.seq - b.seq) : all",
      "all",
    ],
    [
      "a snapshot stands ahead of what is still to come",
      "if (waits(other)) seq = Math.min(seq, other.cursor);",
      "",
    ],
    [
      "a hole is passed over",
      "if (after < slot.watch.history.floor && !lag.fresh.has(slot)) {",
      "if (after < 0) {",
    ],
    ["older totals come after newer", "if (slot.passAwaits(viewer)) continue;", ""],
  ]),
];
