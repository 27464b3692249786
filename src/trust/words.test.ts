/** The word list: what hides a word, what does not, and that nothing else is taken for one. */
import { describe, expect, test } from "bun:test";
import { Words } from "./words.ts";

describe("words", () => {
  const words = new Words("# a comment\nbadword\n*slur*\nvery rude\nÄrger\nдурак\nbum\nim\n");
  test.each([
    ["badword", true],
    ["a BadWord!", true],
    ["ｂａｄｗｏｒｄ", true],
    ["b4dw0rd", true],
    ["baaaadword", true],
    ["b\u200badword", true],
    ["b a d w o r d", true],
    ["b.a.d.w.o.r.d", true],
    ["bádwörd", true],
    ["badwords", false],
    ["notbadword", false],
    ["anyslurhere", true],
    ["VERY  rude", true],
    ["very nice, rude", false],
    ["arger", true],
    ["a bad word", false],
    ["👏👏👏", false],
    ["bаdwоrd", true],
    ["ВАDWОRD", true],
    ["вadword", true],
    ["ΒΑDWORD", true],
    ["b\u3164adword", true],
    ["b\u00adad\u2060word", true],
    ["𝓫𝓪𝓭𝔀𝓸𝓻𝓭", true],
    ["ⓑⓐⓓⓦⓞⓡⓓ", true],
    ["ᴀɴʏѕʟᴜʀʜᴇʀᴇ", true],
    ["any ѕӏuг", false],
    ["дурак", true],
    ["ДУРАК", true],
    ["дуpaк", true],
    ["дурачок", false],
    ["burn", false],
    ["I am ill", false],
    ["", false],
  ])("%p: %p", (text, found) => expect(words.has(text)).toBe(found));
  test("an empty list refuses nothing", () => expect(new Words("").has("badword")).toBe(false));
});
