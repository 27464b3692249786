/** Faults for src/video: how many watch, what is held, and what a node knows of a video. */
import { type Mutant, plant } from "./plant.ts";

export const video: readonly Mutant[] = [
  ...plant(
    "src/video/counts.ts",
    ["src/video/counts.test.ts"],
    [
      [
        "one's own number counts twice",
        "if (!count || count.node === this.#parts.node) return;",
        "if (!count) return;",
      ],
      [
        "who left is told by silence only",
        "if (followed.sent > 0) this.#send(",
        "if (followed.sent > 1e9) this.#send(",
      ],
      ["a number is told once", "if (viewers > 0 && nowMs", "if (viewers < 0 && nowMs"],
    ],
  ),
  ...plant(
    "src/video/held.ts",
    ["src/video/held.test.ts", "src/video/held-order.test.ts"],
    [
      ["a comment overtakes one that is held", "dueMs: Math.max(last, dueMs)", "dueMs"],
      ["a removed comment comes all the same", "taken.filter(({ removed }) => !removed)", "taken"],
      ["a moderator is told of it again", "let low = 0;", "let low = 0;\n    if (seq > 0) return 0;"],
    ],
  ),
];
