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
    [
      ["an export mixes a deleted video with the next", "isClearing(entry) && entry.seq > head", "false"],
      ["HEAD of an export reads all of it", 'entry.request.method === "HEAD"', "false"],
    ],
  ),
  ...plant(
    "src/program/keep-nats.ts",
    ["src/program/keep-nats.test.ts"],
    [
      [
        "comments are kept before what is under way",
        "[/_tasks$/, /_comments$/]",
        "[/_comments$/, /_tasks$/]",
      ],
      [
        "a log without what its snapshot lacks is kept",
        "if (from <= (held.get(part) ?? from) + 1) return;",
        "return;",
      ],
    ],
  ),
  ...plant(
    "src/ledger/deletions-verify.ts",
    ["src/ledger/streams-verify.test.ts"],
    [
      ["half of a deletion comes back", "totals.version !== version", "true"],
      ["a new life is deleted with the old one", "totals.version !== version", "false"],
    ],
  ),
  ...plant(
    "src/ledger/jetstream-delete.ts",
    ["src/ledger/jetstream-delete.test.ts"],
    [
      [
        "a removal that was lost is believed",
        "place !== undefined && (await this.#isCleared(video, Number(place)))",
        "place !== undefined",
      ],
    ],
  ),
  ...plant(
    "src/ledger/comments.ts",
    ["src/ledger/sqlite.test.ts"],
    [["removals push comments out of history", "target !== null && target > 0 ? 0 : 1", "1"]],
  ),
  ...plant(
    "src/http/live.ts",
    ["src/http/live.test.ts"],
    [
      [
        "a cache never hears that an address is over",
        "if (isSigned && refusal.status === 403)",
        "if (false)",
      ],
    ],
  ),
  ...plant(
    "src/http/enter.ts",
    ["src/http/erasure.test.ts"],
    [["what is not listed any more cannot be deleted", 'row.right === "admin" ? undefined : ', ""]],
  ),
  ...plant(
    "src/http/erasure.ts",
    ["src/http/erasure.test.ts"],
    [["a name that cannot be read is taken for another", "if (!isDecodable(request.url))", "if (false)"]],
  ),
  ...plant(
    "src/http/media.ts",
    ["src/http/media.test.ts"],
    [["HEAD of a film reads all of it", 'if (request.method === "HEAD") {', "if (false) {"]],
  ),
  ...plant(
    "src/asking/reader.ts",
    ["src/asking/reader.test.ts"],
    [
      ["a listing goes on over a deletion", " || entries.some(isClearing)", ""],
      ["a listing ends where much was removed", "await this.#goOn(video, state, limit, seer)", "state"],
      ["what was removed hides what is older", "return count >= limit;", "return true;"],
    ],
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
    "src/ledger/jetstream-delete.ts",
    ["src/ledger/jetstream-delete.test.ts"],
    [
      ["a late deletion takes newer likes", "(await current(video)).version === version", "version >= 0"],
      ["a late deletion takes newer comments", "return newer.any ? 0 :", "return"],
      ["a deletion is never late", "Math.abs(this.#parts.clock.date() - atMs) < youngMs", "true"],
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
    "src/frontend/poll.ts",
    ["src/frontend/poll.test.ts"],
    [["who polls is not told of a deletion", "...(deleted !== undefined && { deleted }),", ""]],
  ),
  ...plant(
    "web/client/polling.ts",
    ["web/client/polling.test.ts"],
    [
      ["a slow cache brings back what was deleted", "if (isNew || told.get(video) === deleted) {", "{"],
      ["a deletion is told at each poll", "if (isDeleted) told.set(video, deleted);", ""],
    ],
  ),
  ...plant(
    "src/video/state.ts",
    ["src/video/state.test.ts"],
    [
      ["nobody knows where a video was deleted", "this.clearedAt = seq;", ""],
      ["another log's deletion is this one's", "this.clearedAt = 0;", ""],
      ["a deletion far beyond is believed", "if (!isFar && isClearing(entry))", "if (isClearing(entry))"],
    ],
  ),
  ...plant(
    "src/video/sync.ts",
    ["src/video/cleared.test.ts"],
    [["a deletion behind a hole is not told", 'entered === "cleared"', "false"]],
  ),
  ...plant(
    "src/frontend/joining.ts",
    ["src/frontend/joining.test.ts"],
    [["whoever comes from before a deletion goes on", "id.seq < watch.clearedAt", "false"]],
  ),
  ...plant(
    "src/frontend/joining.ts",
    ["src/frontend/lobby.test.ts"],
    [
      [
        "what is not watched any more is waited for",
        "(watch) => viewer.watches.includes(watch)",
        "() => true",
      ],
      [
        "what one stops watching while others wait for it is waited for",
        "joiners.filter((joiner) => joiner.viewer === viewer);",
        "[] as Joiner[];",
      ],
      ["who has left is let in", "    if (viewer.connection.gone) return undefined;\n", ""],
    ],
  ),
  ...plant(
    "src/frontend/frontend.ts",
    ["src/frontend/lobby.test.ts"],
    [
      [
        "who waits for a video that is over is forgotten",
        "this.#arrivals.addAll(this.#lobby.take(watch));",
        "this.#lobby.take(watch);",
      ],
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
