import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import {
  accepted,
  choice,
  duration,
  durationText,
  type Kind,
  listOf,
  matching,
  oneLine,
  onOff,
  wholeNumber,
  wholeNumberOr,
} from "./kinds.ts";

/** The value a kind makes of the text, or "refused". */
function read<T>(kind: Kind<T>, text: string): T | "refused" {
  const result = kind.schema.safeParse(text);
  return result.success ? result.data : "refused";
}

describe("kinds of setting", () => {
  test("whole numbers keep their bounds and take no other spelling", () => {
    const port = wholeNumber(0, 65_535);
    expect(["0", "8080", "65535"].map((text) => read(port, text))).toEqual([0, 8080, 65_535]);
    for (const text of ["-1", "65536", "", " 8080", "8080.0", "1e3", "0x1f", "٣", "9".repeat(40)]) {
      expect(`${text} ${read(port, text)}`).toBe(`${text} refused`);
    }
    expect([read(wholeNumberOr("auto", 1, 8), "auto"), read(wholeNumberOr("auto", 1, 8), "8")]).toEqual([
      "auto",
      8,
    ]);
    expect(read(wholeNumberOr("auto", 1, 8), "9")).toBe("refused");
  });

  test("durations take units, decimals and bare milliseconds", () => {
    const tick = duration(0, 3_600_000);
    const given = ["50ms", "5s", "2m", "1h", "0", "250", "1.5s", "0ms", "0.001s"];
    expect(given.map((text) => read(tick, text))).toEqual([
      50, 5_000, 120_000, 3_600_000, 0, 250, 1_500, 0, 1,
    ]);
    for (const text of ["5 s", "5S", "-1s", "s", "1.5ms", "1d", "61m", "", "1e3"]) {
      expect(`${text} ${read(tick, text)}`).toBe(`${text} refused`);
    }
    expect(duration(0, 5_000).expects).toBe("a duration from 0ms to 5s, like 50ms, 5s or 2m");
    const long = duration(900_000, 365 * 86_400_000);
    expect(long.expects).toBe("a duration from 15m to 365d, like 90m, 12h or 7d");
    expect([read(long, "30d"), read(long, "1.5d")]).toEqual([30 * 86_400_000, 36 * 3_600_000]);
  });

  test("a duration is read back from the text made of it", () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 999_999_999 }), (ms) => {
        expect(read(duration(0, 999_999_999), durationText(ms))).toBe(ms);
      }),
    );
  });

  test("lists trim, refuse repeats, and keep their bounds", () => {
    const kinds = listOf(matching(/^[a-z]+$/, "letters"), 1, 3);
    expect(read(kinds, "heart, clap ,wow")).toEqual(["heart", "clap", "wow"]);
    for (const text of ["", "a,b,c,d", "a,a", "a,,b", "a,B"]) expect(read(kinds, text)).toBe("refused");
    expect(read(listOf(matching(/^[a-z]+$/, "letters"), 0, 3), " ")).toEqual([]);
  });

  test("words, switches, lines and predicates", () => {
    expect(read(choice("json", "pretty"), "json")).toBe("json");
    expect(read(choice("json", "pretty"), "xml")).toBe("refused");
    expect(["true", "on", "1", "false", "no"].map((text) => read(onOff(), text))).toEqual([
      true,
      true,
      true,
      false,
      false,
    ]);
    expect(read(onOff(), "maybe")).toBe("refused");
    expect(read(oneLine(3), "abc")).toBe("abc");
    for (const text of ["abcd", "a\nb", "a\u0000", "\u0085"]) expect(read(oneLine(3), text)).toBe("refused");
    expect(
      read(
        accepted("even", "n", (text) => Number(text) % 2 === 0),
        "3",
      ),
    ).toBe("refused");
  });
});
