/** More faults for src/fanout: what a walk shows, who writes when, and what a sweep forgets. */
import { type Mutant, plant } from "./plant.ts";

const tests = ["src/fanout/lanes.test.ts", "src/fanout/shard.test.ts", "src/fanout/supervisor.test.ts"];

export const walk: readonly Mutant[] = [
  ...plant("src/fanout/catchup.ts", tests, [
    [
      "who was served in the middle of a walk is written it again",
      " || slot.showing?.walk.awaits(viewer)",
      "",
    ],
    ["who has seen more stands with the others", "place.seq !== slot.seq || ", ""],
    ["entries of several videos come video by video", "all.sort((a, b) => a.seq - b.seq)", "all"],
    ["who is behind for good is kept", "if (own.owedBytes > limits.owedBytesMax)", "if (own.owedBytes < 0)"],
    ["a hole in history is passed over", 'connection.end("slow");\n      return false;', "continue;"],
    ["a reset is not told", "if (reason && !piece.add", "if (reason && false && !piece.add"],
  ]),
  ...plant("src/fanout/slot.ts", tests, [
    [
      "who is not reached yet counts as reached",
      "this.showing?.walk.awaits(viewer) ? this.showing : this",
      "this",
    ],
    ["who has left is written to", "if (this.showing?.alone) this.showing.walk.without(viewer);", ""],
  ]),
  ...plant(
    "src/fanout/lanes.ts",
    [...tests, "src/fanout/pace.test.ts"],
    [
      [
        "a removed comment is on its way all the same",
        "    fill(slot, showing);\n  }\n\n  /** Whether",
        "  }\n\n  /** Whether",
      ],
      [
        "small slots wait with large ones",
        "slot.count <= smallSlotMax ? this.#small",
        "slot.count < 0 ? this.#small",
      ],
      ["rounds are never made", "return 2 * writes >= this.#parts.size();", "return false;"],
      [
        "a slot that begins anew goes on with the old",
        "    slot.showing = undefined;\n  }\n\n  /** A comment",
        "  }\n\n  /** A comment",
      ],
    ],
  ),
  ...plant(
    "src/fanout/pace.ts",
    ["src/fanout/supervisor.test.ts", "src/fanout/pace.test.ts"],
    [
      [
        "a lap that took long stretches nothing",
        "return tickMs > 0 && windowMs > tickMs ? windowMs : 0;",
        "return 0;",
      ],
      [
        "comments have no window",
        "this.#nextTalkMs = later(nowMs, commentTickMs);",
        "this.#nextTalkMs = nowMs;",
      ],
    ],
  ),
  ...plant(
    "src/fanout/supervisor.ts",
    ["src/fanout/supervisor.test.ts", "src/fanout/pace.test.ts"],
    [
      [
        "the first lane takes all of a turn",
        "this.#newcomers.step(lane, budget / lanes--)",
        "this.#newcomers.step(lane, budget)",
      ],
    ],
  ),
  ...plant(
    "src/base/sweep.ts",
    ["src/base/sweep.test.ts"],
    [
      ["what was refused is forgotten", "    this.#waiting.add(one);\n    this.#pause", "    this.#pause"],
      ["a turn lasts for as long as there is work", "clock.elapsed() >= untilMs", "false"],
    ],
  ),
];
