/** Faults for what operators run: backups, what looks through them, and what looks over a machine. */
import { type Mutant, plant } from "./plant.ts";

export const ops: readonly Mutant[] = [
  ...plant(
    "src/ledger/sqlite-copy.ts",
    ["src/ledger/sqlite-copy.test.ts"],
    [
      [
        "a copy's descriptor is closed, and SQLite's lock with it",
        "this.#options.hold(false);",
        "this.#options.hold(false);\n    this.close();",
      ],
      ["the file may change while it is copied", "return this.#askedAt !== undefined;", "return false;"],
      ["a copy that nobody reads is kept", "> idleMs) this.giveUp", "> 99 * idleMs) this.giveUp"],
      ["a copy holds the log for ever", "if ((log?.size ?? 0) <= logBytesMax) return;", "return;"],
      [
        "two copies at once",
        "if (this.holds) throw new LedgerUnavailable",
        "if (false) throw new LedgerUnavailable",
      ],
    ],
  ),
  ...plant(
    "src/core/archive.ts",
    ["src/core/archive.test.ts"],
    [
      [
        "a backup of other bytes is taken for good",
        'if (sha256 !== this.#hash.digest("hex")) throw',
        "if (sha256 === undefined) throw",
      ],
      ["a backup that was cut short is whole", "if (!this.#whole) throw", "if (!this.#of) throw"],
      [
        "a backup that was given up is read on",
        'if (typeof head.failed === "string") throw new ArchiveBroken(head.failed);',
        "",
      ],
    ],
  ),
  ...plant(
    "src/hooks/traces.ts",
    ["src/hooks/traces.test.ts"],
    [
      ["a trace that is not kept is told", "return Number.parseInt(flags, 16) & 1 ? {", "return flags ? {"],
      ["any tick is the next call's", "if (call.video !== video || ", "if ("],
      ["a collector that is away is told of each time", "reason !== undefined && !this.#refused", "reason"],
    ],
  ),
  ...plant(
    "src/ledger/sqlite-file.ts",
    ["src/ledger/sqlite-verify.test.ts"],
    [["damage is told without its table", "(lines.length > 0 ? lines : whole)", "whole"]],
  ),
  ...plant(
    "src/ledger/verdict.ts",
    ["src/ledger/sqlite-verify.test.ts", "src/ledger/streams-verify.test.ts"],
    [
      [
        "totals are believed",
        "if ((is[kind] ?? 0) === (be[kind] ?? 0)) continue;",
        "if ((is[kind] ?? 0) >= 0) continue;",
      ],
    ],
  ),
  ...plant(
    "src/ledger/away-verify.ts",
    ["src/ledger/streams-verify.test.ts"],
    [
      ["what left memory is not counted", "sums.likes += likesOf(counts);", ""],
      ["a late like is counted from nothing", "copy.bring(video, stowed);", "copy.bring(video, undefined);"],
      [
        "what left memory while a backup was made is not written",
        "if (bytes) await streams.append(awaySubject(video), bytes, limits.requestMs);",
        "",
      ],
      ["what left memory may be missing", "if (!held) return [", "if (!held) return []; if (!held) return ["],
    ],
  ),
  ...plant(
    "src/ledger/streams-verify.ts",
    ["src/ledger/streams-verify.test.ts"],
    [
      ["any record fits a snapshot", "!same(identify(held), last)", "!same(identify(held), identify(held))"],
      ["a record that is gone from a stream is not missed", "seq !== this.last + 1", "seq < this.last"],
      ["a removed comment may stay", "else if (there.has(entry.target))", "else if (!entry.target)"],
    ],
  ),
  ...plant(
    "src/program/descriptors.ts",
    ["src/program/descriptors.test.ts"],
    [["no /dev/null is no descriptor", "? undefined : 0", "? undefined : undefined"]],
  ),
  ...plant(
    "src/ledger/sqlite-verify.ts",
    ["src/ledger/sqlite-verify.test.ts"],
    [["a hole in the log is passed over", "seq !== last.seq + 1", "seq < last.seq"]],
  ),
  ...plant(
    "src/ledger/entries-verify.ts",
    ["src/ledger/sqlite-verify.test.ts"],
    [["a comment may follow any other", "last ? previous === last.seq :", "last ? previous < seq :"]],
  ),
  ...plant(
    "src/ledger/sqlite-file.ts",
    ["src/ledger/sqlite-erase.test.ts"],
    [["removed text stays in the file", "PRAGMA secure_delete = ON", "PRAGMA secure_delete = OFF"]],
  ),
  ...plant(
    "src/program/archive-files.ts",
    ["src/system/backup.test.ts"],
    [
      ["a backup can be read by all", 'openSync(part, "wx", 0o600)', 'openSync(part, "wx", 0o644)'],
      ["two backups of one name are written into each other", "${file}.${secret(8)}.part", "${file}.part"],
      ["what root puts back is root's", "      giveTo(owner, join(fresh, name));\n", ""],
    ],
  ),
  ...plant(
    "src/program/host.ts",
    ["src/program/host.test.ts"],
    [
      ["a certificate is good until its last day", "toMs - nowMs < certificateMsMin", "toMs - nowMs < 0"],
      ["a control group is as large as the machine", "if (bytes < memoryBytesMin)", "if (bytes < 0)"],
    ],
  ),
  ...plant(
    "src/program/memory.ts",
    ["src/program/memory.test.ts"],
    [["the limit of a slice is not seen", "upwards(path).map", "[path].map"]],
  ),
  ...plant(
    "src/program/host-readings.ts",
    ["src/system/check-host.test.ts"],
    [["of a chain the first certificate alone is read", "text.match(pem) ?? [text]", "[text]"]],
  ),
  ...plant(
    "src/bus/nats-inspect.ts",
    ["src/system/check-host.test.ts"],
    [["a stream with a copy too few is well", "Number(config.num_replicas) < replicas", "false"]],
  ),
  ...plant(
    "src/plan/model.ts",
    ["src/plan/model.test.ts"],
    [
      [
        "the memory of the processes is taken for the audience's",
        "Math.max(0, machine.memoryBytes - machine.cores * costs.processBytes)",
        "machine.memoryBytes",
      ],
      [
        "a plan counts taps for requests",
        "const likes = audience.likes / audience.likesBatch;",
        "const likes = audience.likes;",
      ],
      [
        "one process is planned for however many",
        "if (viewers > machine.streams || regions > 1) return undefined;",
        "",
      ],
    ],
  ),
  ...plant(
    "src/plan/pace.ts",
    ["src/plan/model.test.ts"],
    [["a full core writes as often as ever", "Math.max(tickMs, windowOf(", "Math.min(tickMs, windowOf("]],
  ),
  ...plant(
    "src/program/keep.ts",
    ["src/program/keep.test.ts"],
    [["a folder is taken for a backup", "if (found.isDirectory()) {", "if (!found) {"]],
  ),
];
