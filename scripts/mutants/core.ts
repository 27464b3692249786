/** Faults for src/core: totals, records, keys, presence, peers and the parsing of what comes in. */
import { type Mutant, plant } from "./plant.ts";

export const core: readonly Mutant[] = [
  ...plant(
    "src/core/totals.ts",
    ["src/core/totals.test.ts"],
    [
      [
        "an older tick replaces a newer one",
        "return b.version > a.version ? b : a;",
        "return b.version < a.version ? b : a;",
      ],
      [
        "of two totals of one version the second is taken",
        "return b.version > a.version ? b : a;",
        "return b.version >= a.version ? b : a;",
      ],
      [
        "the sum over regions has the version of the newest",
        "version += totals.version;",
        "version = Math.max(version, totals.version);",
      ],
      [
        "counts of another region replace ours",
        "into[kind] = (into[kind] ?? 0) + (more[kind] ?? 0);",
        "into[kind] = more[kind] ?? 0;",
      ],
      ["likes are those of the last kind", "sum += counts[kind] ?? 0;", "sum = counts[kind] ?? 0;"],
    ],
  ),
  ...plant(
    "src/core/record.ts",
    ["src/core/record.test.ts", "src/core/once.test.ts"],
    [
      [
        "one key on two videos is one key",
        "hash64(like.video, like.key, this.#hash);",
        'hash64("", like.key, this.#hash);',
      ],
      [
        "a record takes a key more than it may",
        "this.#keys >= limits.recordKeysMax",
        "this.#keys > limits.recordKeysMax",
      ],
      [
        "a record is as old as its newest like",
        "if (this.#groupCount === 0) this.#atMs = atMs;",
        "this.#atMs = atMs;",
      ],
      ["bytes behind a record are overlooked", "if (at !== bytes.length) return undefined;", ""],
      [
        "a key may stand for no like",
        "if (likes < 1 || likes > limits.likeCountMax) return undefined;",
        "if (likes > limits.likeCountMax) return undefined;",
      ],
      [
        "a record names one person too many",
        "group.by.length < limits.bySizeMax",
        "group.by.length <= limits.bySizeMax",
      ],
      [
        "who takes a like back is named as one who likes",
        "like.user !== undefined && !like.unlike && ",
        "like.user !== undefined && ",
      ],
    ],
  ),
  ...plant(
    "src/core/once.ts",
    ["src/core/once.test.ts"],
    [
      [
        "a like taken back is read as a like",
        "changes.push(member, (flags & takenBack) !== 0, key);",
        "changes.push(member, false, key);",
      ],
      [
        "who likes in one kind likes in all",
        "hash64(video, `${kind}\\n${viewer}`, out);",
        "hash64(video, viewer, out);",
      ],
      [
        "flags that nobody wrote are taken",
        "if (flags > (takenBack | keyed)) return undefined;",
        "if (flags > 255) return undefined;",
      ],
    ],
  ),
  ...plant(
    "src/core/hash.ts",
    ["src/core/hash.test.ts"],
    [
      ["half of a hash may be negative", "out.hi = b >>> 0;", "out.hi = b | 0;"],
      [
        "scope and text run into each other",
        "a = Math.imul(a ^ 0x10000, 2654435761);\n  b = Math.imul(b ^ 0x10000, 1597334677);",
        "",
      ],
    ],
  ),
  ...plant(
    "src/core/presence.ts",
    ["src/core/presence.test.ts"],
    [
      [
        "viewers of a node that fell silent count for ever",
        "if (nowMs - row.heardAt < limits.viewersExpireMs) sum += row.viewers;",
        "sum += row.viewers;",
      ],
      ["a node that left still counts", "rows.delete(what.node);", ""],
      ["a count that is repeated is not heard again", "row.heardAt = nowMs;", ""],
    ],
  ),
  ...plant(
    "src/core/nodes.ts",
    ["src/core/nodes.test.ts"],
    [
      ["one dispatcher owns every video", "hash32(`${name}/${video}`)", "hash32(name)"],
      [
        "a row without a node's name is a row",
        "return isVideoId(video) && isNodeName(node) ?",
        "return isVideoId(video) ?",
      ],
    ],
  ),
  ...plant(
    "src/core/peers.ts",
    ["src/core/peers.test.ts"],
    [
      [
        "who fell silent stays so when heard again",
        "if (missed === undefined || missed >= limits.aliveMissedMax) this.#change(node, false);",
        "if (missed === undefined) this.#change(node, false);",
      ],
      [
        "one missed beat is enough",
        "if (missed + 1 === limits.aliveMissedMax) this.#change(node, true);",
        "if (missed + 1 === 1) this.#change(node, true);",
      ],
      [
        "who is gone for good is never forgotten",
        "else if (missed + 1 >= forgottenAfter) this.#missed.delete(node);",
        "",
      ],
    ],
  ),
  ...plant(
    "src/core/interaction.ts",
    ["src/core/interaction.test.ts", "src/http/once.test.ts"],
    [
      ["a like may be of nothing", "!Number.isInteger(count) || count < 1 ||", "!Number.isInteger(count) ||"],
      [
        "where each viewer likes once, many may come at once",
        "if (once && count !== 1) {",
        "if (once && count === 0) {",
      ],
      ["a name goes before the viewer", "viewer: viewer ?? like.user", "viewer: like.user ?? viewer"],
      [
        "half a character passes",
        'if (!text.isWellFormed()) return reject("text-malformed"',
        'if (text === "") return reject("text-malformed"',
      ],
    ],
  ),
  ...plant(
    "src/core/text.ts",
    ["src/core/interaction.test.ts"],
    [["control characters pass", "return controlPattern.test(text);", "return false;"]],
  ),
  ...plant(
    "src/core/lineage.ts",
    ["src/core/lineage.test.ts"],
    [
      [
        "a place of a lost branch is continued",
        "index >= 0 && seq < (this.branches[index + 1]?.first ?? Number.POSITIVE_INFINITY)",
        "index >= 0",
      ],
      ["a place of an unknown branch is continued", "return index >= 0 && seq <", "return seq <"],
      [
        "the first of a branch is called by the one before",
        "(branches[index] as Branch).first > seq) index--;",
        "(branches[index] as Branch).first >= seq) index--;",
      ],
      [
        "a log that went back keeps what it lost",
        "(branch, i) => branch.first < first || (i === 0 && branch.first === first),",
        "() => true,",
      ],
      [
        "whoever saw an empty log begins anew after a restart",
        "branch.first < first || (i === 0 && branch.first === first)",
        "branch.first < first",
      ],
      [
        "branches are never forgotten",
        "[...kept, { name, first }].slice(-limits.branchesMax)",
        "[...kept, { name, first }]",
      ],
      [
        "a branch opened is no turn",
        "slice(-limits.branchesMax), this.turn + 1)",
        "slice(-limits.branchesMax), this.turn)",
      ],
      [
        "branches may be written in any order",
        "if (first < before || (first === before && branches.length > 1)) return undefined;",
        "if (first < before && first < 0) return undefined;",
      ],
    ],
  ),
];
