/** Faults for src/ledger: the key window, the set of likes, the fold, pages and what may be forgotten. */
import { type Mutant, plant } from "./plant.ts";

const moveUp = "if (((next - home) & mask) < ((next - hole) & mask)) continue;";

export const ledger: readonly Mutant[] = [
  ...plant(
    "src/ledger/keys.ts",
    ["src/ledger/keys.test.ts"],
    [
      ["keys are never forgotten", "if (ageMs <= this.#windowMs) return;", "if (ageMs >= 0) return;"],
      [
        "a key is a repeat for ever",
        "isNew = (ms - seenMs) >>> 0 > this.#windowMs;",
        "isNew = (ms - seenMs) >>> 0 > 2 * this.#windowMs;",
      ],
      [
        "a repeat does not count as an appearance",
        "table[slot] = mark | (this.#push(hi, lo, ms, isNew ? tag : this.#word(position, 3)) + 1);",
        "",
      ],
      ["a key stands for what its last repeat said", "isNew ? tag : this.#word(position, 3)", "tag"],
      ["once full, always full", "return logMs - headMs <= this.#windowMs;", "return true;"],
      [
        "a snapshot tells of keys that are over",
        "if (Math.floor(logMs) - seenMs > this.#windowMs) continue;",
        "",
      ],
      ["a key behind a forgotten one is lost", moveUp, "continue;"],
      [
        "a key is found by its mark alone",
        "return this.#word(position, 0) === hi && this.#word(position, 1) === lo ? position : -1;",
        "return position;",
      ],
      [
        "the newest place of the ring has no room beside the mark",
        "this.#placeMask = 2 * chunks * chunkKeys - 1;",
        "this.#placeMask = chunks * chunkKeys - 1;",
      ],
      [
        "the ring takes one more than it has room for",
        "if (this.#size >= this.#ringMax) this.#forgetOldest();",
        "",
      ],
    ],
  ),
  ...plant(
    "src/ledger/members.ts",
    ["src/ledger/members.test.ts", "src/ledger/fold-once.test.ts"],
    [
      ["a member behind one that left is lost", moveUp, "continue;"],
      ["the hash of zeros is nobody", "return hi === 0 && lo === 0 ? 1 : lo;", "return lo;"],
      ["a set takes one more than it may", "return this.#size >= this.max;", "return this.#size > this.max;"],
    ],
  ),
  ...plant(
    "src/ledger/fold.ts",
    ["src/ledger/fold.test.ts", "src/ledger/fold-once.test.ts"],
    [
      [
        "a repeat counts again",
        "if (this.keys.add(hi[i] as number, lo[i] as number, this.#logMs, tag)) count +=",
        "this.keys.add(hi[i] as number, lo[i] as number, this.#logMs, tag);\n      count +=",
      ],
      ["a key that stands for another like is let in", 'return "other";', 'return "room";'],
      ["likes without a key are not counted", "let count = group.loose;", "let count = 0;"],
      [
        "a keyed change is done again",
        "return this.keys.add(once.keyHi[i]",
        "return !this.keys.add(once.keyHi[i]",
      ],
      [
        "two kinds of one record are two versions",
        "version: before.version + 1,",
        "version: before.version + sum.kinds.length,",
      ],
      [
        "a change does not say what was before",
        "before: before.counts, added,",
        "before: totals.counts, added,",
      ],
      ["who takes a like back takes all kinds", "count: added - removed", "count: added"],
      [
        "a record of the other mode counts",
        "return members ? nothing : { added: this.#count(group), removed: 0 };",
        "return { added: this.#count(group), removed: 0 };",
      ],
    ],
  ),
  ...plant(
    "src/ledger/page.ts",
    ["src/ledger/page.test.ts", "src/ledger/memory.test.ts"],
    [
      ["a page says it is whole from where it was asked", "Math.max(after, place.floor)", "after"],
      ["a page that was cut says it is whole", "floor: cut?.seq ?? place.floor", "floor: place.floor"],
      ["a page has one entry too many", "taken.length >= limit", "taken.length > limit"],
      ["a page is as many bytes as it likes", "bytes > limits.pageBytesMax", "bytes < 0"],
      ["more is never told", "more: cut !== undefined", "more: false"],
    ],
  ),
  ...plant(
    "src/ledger/retention.ts",
    ["src/ledger/retention.test.ts"],
    [
      ["rows go a moment too soon", "if (mark.logMs >= oldMs) break;", "if (mark.logMs > oldMs) break;"],
      ["all old rows go at once", "Math.min(oldSeq, this.#prunedSeq + rows)", "oldSeq"],
      ["rows that went go again", "this.#prunedSeq = seq;\n    let gone", "let gone"],
    ],
  ),
  ...plant(
    "src/ledger/known.ts",
    ["src/ledger/known.test.ts"],
    [
      [
        "a log that was cut is whole",
        "    if (seq > lastSeq) {\n      broken = true;",
        "    if (seq > lastSeq) {\n      broken = false;",
      ],
      [
        "a log that was emptied is whole",
        "return { whole: false, first: lastSeq + 1, alone: true };",
        "return { whole: true };",
      ],
      ["another comment at its place proves nothing", "if (print !== undefined) broken = true;", ""],
      ["a removal proves a break", "if (print !== undefined) broken = true;", "broken = true;"],
      ["what is known of lost places stays", "else this.#places.delete(seq);", ""],
      [
        "the end of a log is known without bound",
        "if (this.#places.size <= limits.knownPlacesMax) break;",
        "break;",
      ],
      ["a comparison reads as long as it likes", "if (reads++ >= limits.knownReadsMax) break;", ""],
    ],
  ),
  ...plant(
    "src/ledger/trail.ts",
    ["src/ledger/trail.test.ts"],
    [
      ["another record at the same time is the same", "a.hash === b.hash && ", ""],
      ["the same record at another time is the same", " && Math.abs(a.atMs - b.atMs) <= roundingMs", ""],
      ["a log that got shorter stands", "if (state.lastSeq < seq) return false;", ""],
      ["what arrived later is taken for folded", ": held.atMs <= lastMs);", ": held.atMs >= lastMs);"],
      ["a trail forgets where it begins", "this.#first += limits.trailMax;", ""],
    ],
  ),
  ...plant(
    "src/ledger/idle.ts",
    ["src/ledger/idle.test.ts"],
    [
      ["a like does not put off that its video is forgotten", "    changed.delete(video);\n", ""],
      ["enough likes may be forgotten", "if (!few) return;", ""],
      [
        "idle videos go before their time",
        "if (ms >= beforeMs || left-- <= 0) return;",
        "if (left-- <= 0) return;",
      ],
      ["what was forgotten comes back with versions of before", "Math.max(this.#floor, version)", "0"],
    ],
  ),
  ...plant(
    "src/ledger/written.ts",
    ["src/ledger/idle.test.ts"],
    [
      [
        "what was forgotten is back after a start",
        "for (const video of this.#forgotten) s.totalsDrop.run(video);",
        "",
      ],
    ],
  ),
  ...plant(
    "src/ledger/partition.ts",
    ["src/ledger/jetstream-idle.test.ts"],
    [
      [
        "a log that is full is so for ever",
        "if (copy.fold.full && this.trouble === undefined) await this.#passTime();",
        "",
      ],
    ],
  ),
  ...plant(
    "src/ledger/snapshot.ts",
    ["src/ledger/idle.test.ts"],
    [["a snapshot tells not what was forgotten", "writer.f64(floor + raise);", "writer.f64(raise);"]],
  ),
];
