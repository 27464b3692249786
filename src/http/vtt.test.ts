import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import type { ReplayLine } from "../core/times.ts";
import { emptyCounts } from "../core/totals.ts";
import { cueOf, vttHead } from "./vtt.ts";

const startMs = 1_700_000_000_000;

const words = fc.string({ unit: "grapheme" });

/** The lines of each block of WebVTT, as its parser takes them apart. */
function blocks(text: string): string[][] {
  return text
    .split(/\n{2,}/)
    .filter((block) => block !== "")
    .map((block) => block.split("\n"));
}

const comment = (text: string, user?: string, atMs = startMs): ReplayLine => ({
  ...{ atMs, id: "abcd-1", text },
  ...(user !== undefined && { user }),
});

describe("a comment as a cue", () => {
  test("stands on one line under its times, whatever it holds, without markup or an arrow", () => {
    fc.assert(
      fc.property(words, fc.option(words), (text, user) => {
        const odd = `${text} --> <b>&amp;\r\n\n \u2028${user ?? ""}\0`;
        const [head, cue, ...rest] = blocks(vttHead + cueOf(comment(odd, user ?? undefined), startMs));
        expect(head).toEqual(["WEBVTT"]);
        expect(rest).toEqual([]);
        const [id, times, payload, ...more] = cue ?? [];
        expect(id).toBe("comment abcd-1");
        expect(times).toBe("00:00:00.000 --> 00:00:05.000");
        expect(more).toEqual([]);
        expect(payload).not.toMatch(/-->|[<>\r\n\0]|&(?!(amp|lt|gt);)/);
      }),
    );
  });

  test("a name that turns the direction of writing turns nothing behind it", () => {
    const lineOf = (text: string, user: string) => cueOf(comment(text, user), startMs).split("\n")[2];
    expect(lineOf("abc", "\u202eAda\u2066")).toBe("Ada: abc");
    expect(lineOf("\u05e9\u202e!", "\u0639\u0645\u0631")).toBe("\u0639\u0645\u0631: \u05e9\u202e!");
  });

  test("keeps what was said, but for what would end it", () => {
    expect(cueOf(comment("a  b\n\nc & <i>d</i> --> e", "Ada & Bob"), startMs).split("\n")[2]).toBe(
      "Ada &amp; Bob: a b c &amp; &lt;i&gt;d&lt;/i&gt; --&gt; e",
    );
  });
});

test("likes are one line of JSON, which says the same when it is read", () => {
  const likes = Object.assign(emptyCounts(), { heart: 12, clap: 3 });
  const [cue] = blocks(cueOf({ atMs: startMs + 3_723_000, spanMs: 10_000, likes, unlikes: likes }, startMs));
  expect(cue?.[1]).toBe("01:02:03.000 --> 01:02:13.000");
  expect(JSON.parse(cue?.[2] ?? "")).toEqual({
    ...{ at: startMs + 3_723_000, spanMs: 10_000 },
    ...{ likes: { heart: 12, clap: 3 }, unlikes: { heart: 12, clap: 3 } },
  });
});

test("times go on beyond a day, and none is before the recording's 0", () => {
  expect(cueOf(comment("x", undefined, startMs + 360_000_001), startMs)).toContain(
    "100:00:00.001 --> 100:00:05.001",
  );
  expect(cueOf(comment("x", undefined, startMs - 9), startMs)).toContain("00:00:00.000 --> 00:00:04.991");
});
