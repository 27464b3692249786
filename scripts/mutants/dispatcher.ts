/** Faults for src/dispatcher: admission, milestones, who watches what, and when a video is ticked. */
import { type Mutant, plant } from "./plant.ts";

export const dispatcher: readonly Mutant[] = [
  ...plant(
    "src/dispatcher/admit.ts",
    ["src/dispatcher/admit.test.ts", "src/dispatcher/ingest.test.ts", "src/dispatcher/once.test.ts"],
    [
      [
        "nothing is too many likes",
        'if (pending >= limits.pendingMax) return reject("busy", "too many likes',
        'if (pending < 0) return reject("busy", "too many likes',
      ],
      [
        "what repeats a like that counts is refused when others are full",
        'return room === "counted" ? room : shortages',
        "return shortages",
      ],
      [
        "a video may have as many comments as come",
        "this.#comments.take(draft.video, 1, now) === 0",
        "this.#comments.wait(draft.video, 1, now) === 0",
      ],
    ],
  ),
  ...plant(
    "src/dispatcher/milestones.ts",
    ["src/dispatcher/milestones.test.ts"],
    [
      ["a mark is reached twice", "if (mark > low) found", "if (mark >= low) found"],
      ["a mark is reached one like late", "if (mark > high) break;", "if (mark >= high) break;"],
      ["likes of all kinds reach nothing", "look(undefined, likesOf(before), likesOf(totals.counts));", ""],
    ],
  ),
  ...plant(
    "src/dispatcher/routes.ts",
    ["src/dispatcher/routes.test.ts"],
    [
      [
        "who died still watches",
        "if (this.#nodes.get(rows.keyAt(at))?.incarnation === rows.valueAt(at)) return true;",
        "return true;",
      ],
      [
        "a new life is as silent as the last",
        "if (row?.incarnation !== before?.incarnation) this.#silent.delete(key);",
        "",
      ],
      ["rows of others' videos are removed", "if (this.owns(video)) keys.push", "keys.push"],
      ["a frontend owns videos", 'row !== undefined && row.role !== "frontend" &&', "row !== undefined &&"],
      ["rows are removed at once", "if (now - since < limits.endedRowsMs) continue;", ""],
    ],
  ),
  ...plant(
    "src/dispatcher/ticks.ts",
    ["src/dispatcher/ticks.test.ts"],
    [
      ["a lost tick is never healed", "this.#publish(mark, true);", ""],
      ["a video ticks with every like", "if (!mark.cooling) this.#tick(mark);", "this.#tick(mark);"],
      ["the news of a tick is its newest", "if (!mark.dirty) {", "if (mark.dirty || true) {"],
      ["what came while it rested is forgotten", "if (mark.dirty) this.#tick(mark);\n    else this", "this"],
      ["a thousand videos tick as one", "(now - start) * (1 + restPerBurst)", "(now - start)"],
    ],
  ),
  ...plant(
    "src/dispatcher/occupancy.ts",
    ["src/dispatcher/happenings.test.ts"],
    [
      [
        "a dispatcher that is cut off says that all went",
        "if (!this.#parts.connected()) this.reconnected();",
        "",
      ],
      [
        "a viewer who is back is news",
        "this.#vacant.delete(video);\n      if (this.#occupied",
        "if (this.#occupied",
      ],
      ["nobody is away for a while", "if (now - since < limits.vacantMs) break;", ""],
    ],
  ),
  ...plant(
    "src/dispatcher/lane.ts",
    ["src/dispatcher/batch.test.ts", "src/dispatcher/lanes.test.ts"],
    [
      [
        "a batch waits although nothing is under way",
        "} else if (behind && this.#inFlight === 0) {",
        "} else if (behind && this.#inFlight < 0) {",
      ],
      [
        "any number of commits are under way",
        "if (this.#due || this.#inFlight >= inFlightMax) return;",
        "if (this.#due) return;",
      ],
      [
        "what waited behind a refusal waits as long again",
        'if ("rejected" in outcome) this.#refuse(behind, outcome);\n      else this.#schedule();',
        "this.#schedule();",
      ],
      [
        "what was refused still counts as waiting",
        "    this.#pending -= open.size;\n    open.settle(refusal);",
        "    open.settle(refusal);",
      ],
      [
        "commits follow each other without rest",
        "this.#restUntil = later(end, (end - start) * restPerCommit);",
        "",
      ],
      ["a full record takes more", "if (open.builder.full) open.records.push(open.builder.take());", ""],
      ["a comment has the place of the first", "(outcome[index] as Placed)", "(outcome[0] as Placed)"],
    ],
  ),
  ...plant(
    "src/dispatcher/ingest.ts",
    ["src/dispatcher/ingest.test.ts", "src/dispatcher/once.test.ts", "src/dispatcher/happenings.test.ts"],
    [
      ["a repeated comment is told again", "if (!placed.repeated) this.#happenings", "this.#happenings"],
      [
        "a removal of another branch removes",
        "if (!place || !this.#ledger.lineage().continues(place)) return false;",
        "if (!place) return false;",
      ],
      [
        "a like of the other mode is counted",
        "if (isRejection(like) || once === ((item as",
        "if (!isRejection(like) || once === ((item as",
      ],
      [
        "a relayed hold is as long as one likes",
        "if (!isHold(holdMs)) return reject",
        "if (holdMs === null) return reject",
      ],
      [
        "what a relay waited is not its age",
        "const atMs = this.#clock.date() - waited;",
        "const atMs = this.#clock.date();",
      ],
      ["a like taken back is one accepted", "return like.unlike ? 0 : like.count;", "return like.count;"],
      [
        "a relay may bring any number",
        "if (message.likes.length + message.comments.length > limits.pendingMax) return undefined;",
        "",
      ],
    ],
  ),
  ...plant(
    "src/dispatcher/fullness.ts",
    ["src/dispatcher/fullness.test.ts"],
    [
      ["a full log is told of all the time", "if (reached > before) {", "if (reached > 0) {"],
      ["a full log is told of once for ever", "if (left < before) this.#told.set(name, left);", ""],
    ],
  ),
];
