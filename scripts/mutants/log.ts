/** Faults for the log of likes over NATS: its time, its lanes, and what happens when it went back. */
import { type Mutant, plant } from "./plant.ts";

const seeded = ["src/ledger/jetstream-seed.test.ts", "src/ledger/jetstream-seed-late.test.ts"];

export const log: readonly Mutant[] = [
  ...plant(
    "src/ledger/log-time.ts",
    ["src/ledger/log-time.test.ts", "src/ledger/jetstream-time.test.ts"],
    [
      [
        "a stamp may lead anywhere",
        "Math.min(Math.max(stampMs, lastMs), lastMs + aheadMaxMs)",
        "Math.max(stampMs, lastMs)",
      ],
      ["a stamp may lead back", "Math.max(stampMs, lastMs)", "stampMs"],
      [
        "log time runs ahead of a quiet log for ever",
        "return Math.min(this.#clock.elapsed() + this.#offsetMs, this.#lastMs + aheadMaxMs);",
        "return this.#clock.elapsed() + this.#offsetMs;",
      ],
      ["log time starts anew with every record", ": Math.max(this.now(), logMs);", ": logMs;"],
      [
        "log time is the wall's",
        "if (this.#lastMs === undefined) return this.#clock.date();",
        "if (this.#lastMs !== -1) return this.#clock.date();",
      ],
    ],
  ),
  ...plant(
    "src/ledger/copy.ts",
    [...seeded, "src/ledger/jetstream-time.test.ts", "src/ledger/jetstream-before.test.ts"],
    [
      [
        "a record's time is when it arrived",
        "if (stamp === undefined) return Math.max(atMs, lastMs);",
        "return Math.max(atMs, lastMs);",
      ],
      [
        "a branch is told before it has caught up",
        "if (!this.behind || this.#seq < this.#tellAt) return;",
        "if (!this.behind) return;",
      ],
      [
        "what was written again counts although it is held",
        "return parent !== undefined && Number(place) <= parent.upTo;",
        "return false;",
      ],
      [
        "what was written again never counts",
        "return parent !== undefined && Number(place) <= parent.upTo;",
        "return branch !== undefined;",
      ],
      [
        "a new branch is told to nobody",
        "    this.#told = this.#fold;\n    if (changes.length > 0) this.#changed(changes);",
        "    this.#told = this.#fold;",
      ],
    ],
  ),
  ...plant(
    "src/ledger/trail.ts",
    ["src/ledger/trail.test.ts", ...seeded],
    [
      ["a shorter log stands", "if (state.lastSeq < seq) return false;", ""],
      [
        "any record at our place is ours",
        "return held === undefined || same(identify(held), folded);",
        "return true;",
      ],
      ["nothing is common", "if (ours) low = middle;", "if (!ours) low = middle;"],
      ["beyond the trail all is common", ": held.atMs <= lastMs);", ": true);"],
      ["a trail grows for ever", "if (this.#hashes.length < 2 * limits.trailMax) return;", "return;"],
    ],
  ),
  ...plant(
    "src/ledger/verifier.ts",
    [...seeded, "src/ledger/jetstream-troubles.test.ts"],
    [
      ["a log is believed as it stands", "!(await stands(this.#compared(state)))", "copy.seq < 0"],
      [
        "all of a log that went back counts again",
        "const end = from ?? (await commonEnd(this.#compared(state)));",
        "const end = from ?? 0;",
      ],
      [
        "nothing of a log that went back counts",
        "const end = from ?? (await commonEnd(this.#compared(state)));",
        "const end = from ?? state.lastSeq;",
      ],
      [
        "who had folded more gives it up",
        "if (further && this.#shares(parent) && state.firstSeq <= from + 1) {",
        "if (copy.seq < 0) {",
      ],
      [
        "whose log is another one seeds with it",
        "return folded !== undefined && last !== undefined && same(folded, last);",
        "return true;",
      ],
      ["versions go on by one", "limits.seedVersions", "0"],
      [
        "nobody is told of a branch",
        "const told = { ...head, [branchHeader]: point.branch };",
        "const told = head;",
      ],
      [
        "a branch we came from is followed back",
        "return !parents.some((parent) => parent.branch === lineage.branch);",
        "return parents.length >= 0;",
      ],
      [
        "a hole is passed over",
        "} else if (goesOnAt(state, next) > copy.seq + 1) {",
        "} else if (copy.seq < 0) {",
      ],
      [
        "what was answered and stands in the log is no longer kept",
        "else if (stands) appender.keep({ ...unfolded, branch: now });\n      else {",
        "else if (stands) appender.forget(seq);\n      else {",
      ],
      [
        "what was answered is written again although it is there",
        "const stands = held !== undefined && equal(held.payload, payload);",
        "const stands = false;",
      ],
    ],
  ),
  ...plant(
    "src/ledger/appender.ts",
    ["src/ledger/appender.test.ts", ...seeded],
    [
      [
        "likes are taken before the log is verified",
        "if (this.#refusal !== undefined) throw new Unsent(this.#refusal);",
        "",
      ],
      ["a stream that is gone is not looked for", "        missing();\n", ""],
      ["no leader is waited for", "isUnsent(error) && this.#isElecting()", "false"],
      ["a leader is waited for for ever", "this.#options.clock.elapsed() < this.#electedBy", "true"],
      [
        "what was answered and not read back is not kept",
        "this.#unfolded.set(seq, { branch, seq, payload, head });",
        "",
      ],
      [
        "a log that failed is not tried again",
        "this.#probe ??= this.#options.clock.after(limits.probeMs, () => void this.#try());",
        "",
      ],
      [
        "no append is tried before a viewer's",
        "    this.#failure = untried;\n    void this.#try();",
        "    this.#failure = undefined;",
      ],
    ],
  ),
  ...plant(
    "src/ledger/partition.ts",
    ["src/ledger/partition.test.ts", "src/ledger/jetstream-reads.test.ts", ...seeded],
    [
      [
        "who asks is told what happens to be folded",
        "await this.#met(() => this.#isVerified() && copy.seq >= end && !copy.behind);",
        "",
      ],
      ["who asks shares an answer asked for before", "await this.#asked?.catch(() => {});", ""],
      [
        "another's branch is not noticed",
        'if (isOther && stored.seq > this.#verifiedTo) this.#doubt("the log has another branch");',
        "",
      ],
    ],
  ),
  ...plant(
    "src/dispatcher/batch.ts",
    ["src/dispatcher/lanes.test.ts"],
    [
      [
        "all lanes are one",
        "return this.#lane(this.#ledger.laneOf(like.video)).like(like, atMs);",
        "return this.#lane(0).like(like, atMs);",
      ],
      [
        "comments wait with likes",
        "return this.#lane(this.#ledger.commentLane).comment(draft);",
        "return this.#lane(0).comment(draft);",
      ],
      [
        "what waits in one lane fills all",
        "return this.#lane(this.#ledger.laneOf(video)).pending;",
        "return this.pending;",
      ],
    ],
  ),
  ...plant(
    "src/dispatcher/lane.ts",
    ["src/dispatcher/batch.test.ts", "src/dispatcher/lanes.test.ts"],
    [
      [
        "what waited behind a failure waits again",
        'if ("rejected" in outcome) this.#refuse(behind, outcome);\n      else this.#schedule();',
        "this.#schedule();",
      ],
      [
        "every like is a commit",
        "const waitMs = this.#inFlight > 0 ? limits.batchMs : Math.max(0, restMs);",
        "const waitMs = 0;",
      ],
      ["commits take all of the time", "(end - start) * restPerCommit", "0"],
    ],
  ),
  ...plant(
    "src/asking/relay.ts",
    ["src/asking/relay.test.ts"],
    [
      [
        "lanes of the log travel together",
        "const lane = lanes === 0 ? 0 : laneOf(like.video, this.#lanes) % lanes;",
        "const lane = 0 * lanes;",
      ],
    ],
  ),
  ...plant(
    "src/bus/nats-jetstream.ts",
    ["src/bus/nats-domain.test.ts"],
    [
      [
        "any JetStream acknowledges",
        "if (expected !== undefined && domain !== expected) this.#refuseDomain(domain, expected);",
        "",
      ],
    ],
  ),
  ...plant(
    "src/bus/nats-reader.ts",
    ["src/bus/nats-reader.test.ts"],
    [
      [
        "a stream is asked for what it does not have",
        'if (from > lastSeq + 1) throw new BusUnavailable("the stream ends too early");',
        "",
      ],
    ],
  ),
  ...plant(
    "src/ledger/comment-stretch.ts",
    ["src/ledger/comment-stretch.test.ts", "src/ledger/jetstream-pages.test.ts"],
    [
      ["a stretch that let go says that it did not", "this.#from = oldest.seq;", ""],
      ["what was there and is taken out is waited for", "this.#reach(state.lastSeq);\n      },", "},"],
    ],
  ),
  ...plant(
    "src/ledger/comment-pages.ts",
    ["src/ledger/jetstream-pages.test.ts"],
    [
      ["a page out of a stretch shows what the stream let go", ".slice(-perSubject)", ".slice(0)"],
      [
        "a page is taken before the stretch has come so far",
        "stretch.reaches(state.lastSeq)",
        "stretch.reaches(0)",
      ],
      ["each page is read apart", "this.#reading.size < limits.stretchPagesMin", "true"],
    ],
  ),
];
