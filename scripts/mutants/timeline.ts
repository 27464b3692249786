/** Faults for a video's own time: its timeline, whose clock it goes by, its moments and its replay. */
import { type Mutant, plant } from "./plant.ts";

export const timeline: readonly Mutant[] = [
  ...plant(
    "src/ledger/timeline-block.ts",
    ["src/ledger/timeline.test.ts"],
    [
      [
        "a count in a second that has one replaces it",
        "put(open, series, slot, before + count);",
        "put(open, series, slot, count);",
      ],
      ["a count of more than 127 is cut", "for (; value >= 128;", "for (; value >= 2 ** 60;"],
      ["a series with long counts has no room", "const countBytesMax = 8;", "const countBytesMax = 2;"],
      ["a gap that is too long is taken", "if (gap === 0 || slot + gap > slotsPerBlock)", "if (gap === 0)"],
      [
        "what was sealed is not opened again",
        "this.each((series, slot, count) => put(open, series, slot, count));",
        "",
      ],
      ["a count of more than two bytes is cut", "count > smallMax && counts instanceof Uint16Array", "false"],
      ["what a second held is lost when another needs more room", "counts.set(held);", ""],
    ],
  ),
  ...plant(
    "src/ledger/timeline.ts",
    ["src/ledger/timeline.test.ts", "src/ledger/sqlite-timeline.test.ts"],
    [
      [
        "what is merged is counted in the first of its longer steps only",
        "Math.floor(atS / upper) % slotsPerBlock, count",
        "0, 1",
      ],
      ["likes out of time are forgotten", "(this.before.get(series) ?? 0) + count);\n  }\n}", "0);\n  }\n}"],
      ["a merged block stays in the file", "this.gone?.push(block);", ""],
      [
        "a long step asked for in short ones is told once more in each",
        "const part = Math.floor(((i + 1) * count) / parts) - Math.floor((i * count) / parts);",
        "const part = count;",
      ],
      ["nothing is merged for its weight", "while (this.#weight > bytesMax) {", "while (false) {"],
    ],
  ),
  ...plant(
    "src/ledger/timelines.ts",
    ["src/ledger/timeline.test.ts", "src/ledger/sqlite-timeline.test.ts"],
    [
      ["likes taken back are not told", "if (removed > 0) begun =", "if (removed < 0) begun ="],
      [
        "every media time is believed",
        "if (known.believes(mediaMs, atMs, this.#options)) return mediaS;",
        "return mediaS;",
      ],
      [
        "who says nothing is not moved by the median",
        "return Math.floor((atMs - (skew?.medianMs ?? 0)) / 1000);",
        "return Math.floor(atMs / 1000);",
      ],
      [
        "what was counted before there was a timeline is not in it",
        "if (series !== undefined && totals[kind]) timeline.before",
        "if (series === undefined && totals[kind]) timeline.before",
      ],
      [
        "timelines weigh what they like",
        "if (this.#weight <= bytesMax) return;",
        "if (this.#weight > 0) return;",
      ],
      [
        "what another program counted is not in time",
        "const missing = (totals[kind] ?? 0) - (sums.get(kind) ?? 0);",
        "const missing = 0;",
      ],
    ],
  ),
  ...plant(
    "src/ledger/skew.ts",
    ["src/ledger/skew.test.ts"],
    [
      [
        "the median is the mean of the first and the last",
        "return sorted[sorted.length >> 1] as number;",
        "return ((sorted[0] as number) + (sorted.at(-1) as number)) / 2;",
      ],
      ["samples are never forgotten", "this.#samples.length > limits.mediaSamplesMax ||", ""],
      [
        "a flood in one second is taken whole",
        "Math.min(count, limits.mediaSamplesPerSecond - this.#taken)",
        "Math.min(count, 99)",
      ],
      ["one viewer alone is believed", "if (missing <= 0) return", "if (missing < samplesMin) return"],
    ],
  ),
  ...plant(
    "src/core/moments.ts",
    ["src/core/moments.test.ts"],
    [
      ["chance is no reason", "return Math.min(robust, byChance(", "return Math.max(robust, byChance("],
      [
        "peaks close to each other are several",
        "if (last && (start - last.end) * stepS < apartS) {",
        "if (last && start < 0) {",
      ],
      ["a crowd that comes back is a moment", "Math.min(score ?? 0, behind[i] ?? score ?? 0)", "score ?? 0"],
    ],
  ),
  ...plant(
    "src/dispatcher/ingest.ts",
    ["src/dispatcher/media-times.test.ts"],
    [
      ["a liar who goes on writes it all down", "return like.again ? plain : like;", "return like;"],
      ["what is ignored is not told", "    this.#metrics.mediaTimesIgnored.inc();\n    return", "    return"],
      [
        "a comment carries any lie",
        "if (timeline?.believes(mediaMs, draft.atMs)) return draft;",
        "return draft;",
      ],
    ],
  ),
  ...plant(
    "src/dispatcher/times.ts",
    ["src/dispatcher/times.test.ts"],
    [
      [
        "a held comment is replayed",
        "if (!entry || holdLeft(entry, clock.date()) > 0) continue;",
        "if (!entry) continue;",
      ],
      [
        "what came at one moment is cut",
        "merged.filter(({ atMs }) => atMs < cutMs);",
        "merged.slice(0, most);",
      ],
      [
        "a page of long comments is as long as any",
        "if (bytes > limits.replayBytesMax && isNext)",
        "if (bytes < 0 && isNext)",
      ],
      [
        "all time is more than a timeline can tell",
        "|| stepFor(range) !== undefined) return range;",
        "|| true) return range;",
      ],
      ["an edition outlives a removal", "version}-${left.last}`;", "version}`;"],
    ],
  ),
  ...plant(
    "src/dispatcher/comment-times.ts",
    ["src/dispatcher/times.test.ts"],
    [
      [
        "any number of comments is one moment's",
        "if (together === limits.commentsTogetherMax)",
        "if (together < 0)",
      ],
    ],
  ),
  ...plant(
    "src/core/whose.ts",
    ["src/core/whose.test.ts"],
    [
      ["a second is not the record's own", "mediaS: second + Number(delta)", "mediaS: Number(delta)"],
      ["words of another record are taken", "if (words.length !== groups.length) return groups;", ""],
    ],
  ),
  ...plant(
    "src/http/vtt.ts",
    ["src/http/vtt.test.ts"],
    [
      ["an arrow in what was said stays one", '.replaceAll(">", "&gt;")', ""],
      ["a name turns what was said", 'line.user.replace(turns, "")', "line.user"],
      ["a line break in what was said stays one", 'text.replace(/[\\s\\0\\u0085]+/g, " ")', "text"],
    ],
  ),
  ...plant(
    "src/http/times.ts",
    ["src/http/times.test.ts"],
    [
      ["a kind with a typing mistake has had no like", "if (!known.has(kind)) return", "if (false) return"],
      ["a kind of before is one that nobody has", "...Object.keys(told.totals)]", "]"],
      ["pages of what is no more are kept for good", "edition === told.edition);", "true);"],
      ["an edition is named before it is over", "isOver(doors, video, told) && told.edition", "told.edition"],
    ],
  ),
  ...plant(
    "src/trust/moderation.ts",
    ["src/trust/moderation-same.test.ts"],
    [
      ["who decides nothing stands in the audit log", "if (sameRules(rules, before)) {", "if (false) {"],
      [
        "what another node has just decided stays, as this one knows of nothing",
        "await this.#parts.table.put(videoKey(video), JSON.stringify(rules));\n      return",
        "return",
      ],
    ],
  ),
  ...plant(
    "src/settings/kinds.ts",
    ["src/load/options.test.ts"],
    [["a bare number of seconds is one of milliseconds", "text : `${text}s`", "text : text"]],
  ),
  ...plant(
    "src/ledger/comment-counts.ts",
    ["src/ledger/comment-counts.test.ts", "src/dispatcher/times.test.ts"],
    [
      [
        "a page begins within a millisecond",
        "Math.floor(mediaMs ?? atMs - skewMs)",
        "mediaMs ?? atMs - skewMs",
      ],
      ["comments without a second are forgotten", "timeline.before.set(series, this.before + 1);", ""],
    ],
  ),
  ...plant(
    "src/ledger/counted-comments.ts",
    ["src/ledger/counted-comments-order.test.ts", "src/ledger/counted-comments.test.ts"],
    [
      [
        "many who wait for room all find it",
        "if (isFree) known.begun++;\n    return isFree;",
        "known.begun += isFree ? 0.1 : 0;\n    return isFree;",
      ],
      [
        "what another life wrote is not looked for",
        "if (this.#parts.ages) known.from = (await this.#write(video)).upTo;",
        "known.from = 0;",
      ],
      [
        "a comment is removed before it is counted",
        "comments.remove(video, target, counted)",
        "comments.remove(video, target)",
      ],
      [
        "a page is read of every video that is new here",
        "if (held.upTo >= Math.min(until, last?.seq ?? 0)) return held;",
        "if (held.upTo >= until || !last) await this.#page(video, held);",
      ],
      ["all are looked for at once", "this.#looks.take(look)", "look()"],
      ["what was let go of uncounted is not told", "gap ||= page.floor > counted.upTo;", ""],
      ["what is still being written is taken for counted", "await Promise.allSettled([...known.under]);", ""],
    ],
  ),
  ...plant(
    "src/ledger/counts-stream.ts",
    ["src/ledger/counts-stream.test.ts"],
    [
      [
        "a place of a history that is no more is taken for one of this",
        "Math.min(upTo, (next?.first ?? Number.POSITIVE_INFINITY) - 1)",
        "upTo",
      ],
      ["what was counted since a deletion goes with it", "if (seq > 0 && upTo < before)", "if (seq > 0)"],
    ],
  ),
  ...plant(
    "src/ledger/sqlite-counts.ts",
    ["src/ledger/sqlite-counts.test.ts", "src/ledger/sqlite.test.ts"],
    [
      ["what was counted before a gap is told", "if (gap) this.#beginAt(video, dateMs);", ""],
      ["what a failed transaction counted stays", "this.#heads.clear();\n    this.#held.clear();", ""],
      ["a deleted video's comments stay counted", "s.countBlocksDrop.run(video);", ""],
      ["what aged stays in the file", "s.countBlockDrop.run(video, tier, index)", "[tier, index]"],
    ],
  ),
  ...plant(
    "src/dispatcher/times.ts",
    ["src/dispatcher/times.test.ts"],
    [
      [
        "comments that are counted and still there are told twice",
        "upTo === 0 ? apart : apart.filter(({ seq }) => seq > upTo)",
        "apart",
      ],
    ],
  ),
];
