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
    ["src/video/held.test.ts", "src/video/held-stretch.test.ts"],
    [
      ["moderators are told too early a time", "dueMs: Math.max(last, dueMs)", "dueMs"],
      ["a removed comment comes all the same", "taken.filter(({ removed }) => !removed)", "taken"],
      ["a moderator is told of it again", "let low = 0;", "let low = 0;\n    if (seq > 0) return 0;"],
    ],
  ),
  ...plant(
    "src/video/history.ts",
    ["src/video/history.test.ts", "src/video/state.test.ts"],
    [
      [
        "a history that was cut says it is whole",
        "this.#floor = (this.#kept[cut - 1] as Kept).entry.seq;",
        "",
      ],
      ["a removed comment is written", "if (kept.removed) return nothing;", ""],
      [
        "bytes from before a removal are written",
        "    kept.frame = undefined;\n    this.#joined = undefined;",
        "",
      ],
      [
        "a snapshot shows removed comments",
        '"comment" && !removed && entry.seq <= upTo',
        '"comment" && entry.seq <= upTo',
      ],
      ["a snapshot is ahead of its place", "!removed && entry.seq <= upTo) found", "!removed) found"],
      ["what is older is there twice", "entries.filter((entry) => entry.seq <= this.#floor)", "entries"],
      [
        "a removal that is read later removes nothing",
        'for (const { entry } of this.#kept) if (entry.type === "retract")',
        'for (const { entry } of this.#kept) if (entry.seq < 0 && entry.type === "retract")',
      ],
    ],
  ),
  ...plant(
    "src/video/interest.ts",
    ["src/video/interest.test.ts"],
    [
      ["a video is let go with its last viewer", "if (nowMs - sinceMs < limits.lingerMs) break;", ""],
      ["a row that could not be written never is", "return this.#closing;", "return true;"],
      [
        "a node that stood still stays without rows",
        "if (nowMs - this.#sweptMs > limits.leaseMs) this.rewrite();",
        "",
      ],
      [
        "a viewer who is back finds its video gone",
        "this.#idle.delete(watch);\n    this.#over.delete(watch);",
        "this.#over.delete(watch);",
      ],
    ],
  ),
  ...plant(
    "src/video/state.ts",
    ["src/video/state.test.ts", "src/video/sync.test.ts", "src/video/held.test.ts"],
    [
      [
        "a hole is passed over",
        "if (isFar || (!this.held.full && entry.previous > this.tip)) {",
        "if (isFar) {",
      ],
      ["a comment comes twice", 'if (entry.seq <= this.tip) return "known";', ""],
      [
        "a stream stands behind what is held",
        "return first === undefined ? this.#whole : Math.min(this.#whole, first - 1);",
        "return this.#whole;",
      ],
      [
        "one frame serves whoever is behind",
        "if (made.version === version && made.viewersVersion === viewersVersion) return",
        "if (frames) return",
      ],
      ["news is as old as the newest like", "if (recent.version <= version) break;", "break;"],
      [
        "what waited comes in any order",
        "this.#waiting.splice(0).sort((a, b) => a.seq - b.seq)",
        "this.#waiting.splice(0)",
      ],
      [
        "what is held is shown as removed",
        'if (entry.type === "retract") this.history.remove(entry.target);',
        "",
      ],
    ],
  ),
  ...plant(
    "src/video/sync.ts",
    ["src/video/sync.test.ts", "src/video/held.test.ts"],
    [
      [
        "a reader asks for everything at once",
        "while (this.#asking < askingMax) {",
        "while (this.#asking >= 0) {",
      ],
      [
        "a hold is as long as clocks say",
        "watch.receive(entry, clock.elapsed(), dueByHearing(entry, clock))",
        "watch.receive(entry, clock.elapsed(), dueByStamp(entry, clock))",
      ],
      [
        "a hole that the log has let go is silence",
        "!cut && state.page.floor > watch.tip",
        "!cut && state.page.floor < 0",
      ],
      [
        "a watch is never asked for again",
        "if (nowMs - (this.#followed.askedMs(watch) ?? nowMs) < limits.recheckMs) return;",
        "return;",
      ],
    ],
  ),
  ...plant(
    "src/video/reach.ts",
    ["src/frontend/joining.test.ts", "src/video/sync.test.ts"],
    [
      ["whoever comes from further back has a page read", "Math.max(0, 2 * after - history.tip)", "after"],
      ["what is known to be gone is asked for again", "this.#lost.set(history, begin - 1);", ""],
    ],
  ),
  ...plant(
    "src/video/hearsay.ts",
    ["src/video/hearsay.test.ts", "src/video/branches.test.ts"],
    [
      [
        "a comment that is ahead of the log is doubted for ever",
        'return found === "comments" && now - since < limits.lineageCheckMs ? "doubted" : found;',
        'return found === "comments" ? "doubted" : found;',
      ],
      [
        "names of kinds that are not configured are shown",
        ": tick.by.filter(({ kind }) => this.#kinds.has(kind));",
        ": tick.by;",
      ],
    ],
  ),
  ...plant(
    "src/video/state.ts",
    ["src/video/hearsay.test.ts"],
    [
      [
        "totals that the log does not hold stand for ever",
        'if (sure && totals.version < (heard.logs.get(log) ?? noTotals).version) return "totals";',
        "",
      ],
      ["a leap is believed", ".version + limits.leapMax;", ".version + 2 ** 60;"],
      [
        "a far comment is believed",
        "const isFar = entry.seq > this.furthest + limits.leapMax;",
        "const isFar = false;",
      ],
    ],
  ),
  ...plant(
    "src/video/interest.ts",
    ["src/video/interest.test.ts"],
    [
      [
        "a made-up video is kept as long as one that there is",
        "if (watch.confirmed) this.#idle.set",
        "if (true) this.#idle.set",
      ],
    ],
  ),
];
