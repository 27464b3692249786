import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { lettersWrong, nearest } from "./nearest.ts";

describe("nearest", () => {
  test("counts wrong, missing, added and swapped letters", () => {
    expect(lettersWrong("tick", "tick")).toBe(0);
    expect(lettersWrong("tock", "tick")).toBe(1);
    expect(lettersWrong("tik", "tick")).toBe(1);
    expect(lettersWrong("ticks", "tick")).toBe(1);
    expect(lettersWrong("prot", "port")).toBe(1);
    expect(lettersWrong("otrp", "port")).toBe(3);
    expect(lettersWrong("", "tick")).toBe(4);
  });

  test("names the nearest, and nothing when all are far", () => {
    const known = ["--port", "--tick", "--comment-tick"];
    expect(nearest("--prot", known)).toBe("--port");
    expect(nearest("--coment-tick", known)).toBe("--comment-tick");
    expect(nearest("--elephant", known)).toBeUndefined();
    expect(nearest("x", known)).toBeUndefined();
  });

  test("distance is symmetric, and zero exactly for equal words", () => {
    const word = fc.string({ maxLength: 12 });
    fc.assert(
      fc.property(word, word, (a, b) => {
        expect(lettersWrong(a, b)).toBe(lettersWrong(b, a));
        expect(lettersWrong(a, b) === 0).toBe(a === b);
        expect(lettersWrong(a, b)).toBeLessThanOrEqual(Math.max(a.length, b.length));
      }),
    );
  });
});
