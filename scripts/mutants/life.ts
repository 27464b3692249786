/** Planted faults in what deletes and erases. */
import { plant } from "./plant.ts";

export const life = [
  ...plant(
    "src/ledger/fold.ts",
    ["src/ledger/fold-delete.test.ts"],
    [
      [
        "a deletion that is repeated deletes again",
        "if (!this.keys.add(hi, lo, this.#logMs)) return [];",
        "",
      ],
      ["a deleted video begins at its old version", "this.idle.forgot(before.version + 1);", ""],
      [
        "what a deleted video was liked by stands",
        "if (owner !== undefined) this.members?.retire(owner);",
        "",
      ],
    ],
  ),
  ...plant(
    "src/http/videos.ts",
    ["src/http/videos.test.ts"],
    [["an export mixes a deleted video with the next", "isClearing(entry) && entry.seq > head", "false"]],
  ),
  ...plant(
    "src/asking/reader.ts",
    ["src/asking/reader.test.ts"],
    [["a listing goes on over a deletion", " || entries.some(isClearing)", ""]],
  ),
  ...plant(
    "src/ledger/members.ts",
    ["src/ledger/fold-delete.test.ts"],
    [
      [
        "members of before belong to videos that come later",
        "held === nobody && owner <= this.legacy",
        "held === nobody",
      ],
      ["a sweep leaves what is nobody's", "this.#retired.has(table[at + 2] as number)) {", "false) {"],
    ],
  ),
  ...plant(
    "src/ledger/sqlite-delete.ts",
    ["src/ledger/sqlite-delete.test.ts"],
    [
      ["the log keeps names behind its window", "seq < this.#erasesAt) return;", "seq >= 0) return;"],
      ["members of a killed sweep stay", "s.memberDrop.run(hi, lo);", "continue;"],
      ["a start forgets what was deleted", "if (video) comments.cleared(video);", ""],
    ],
  ),
  ...plant(
    "src/frontend/closed.ts",
    ["src/frontend/closed.test.ts"],
    [
      ["closed since it was deleted is not told", "this.turn(video, true);", "return;"],
      ["a video that the log keeps stays over", "{ byRules: false, byLog: true }", "{ byLog: true }"],
    ],
  ),
  ...plant(
    "src/dispatcher/erasures.ts",
    ["src/dispatcher/erasures.test.ts"],
    [
      ["everybody's comments are erased", "sameUser(entry.user) === same", "true"],
      ["whoever does not own a task does it", "if (owns(name)) void", "void"],
    ],
  ),
  ...plant(
    "src/trust/journal.ts",
    ["src/trust/journal.test.ts"],
    [
      ["a file is forgotten in memory only", "if (file && !isSame) replaceLines(file, kept);", ""],
      ["who decided is still named", "const isBy = sameUser", "const isBy = false && sameUser"],
    ],
  ),
];
