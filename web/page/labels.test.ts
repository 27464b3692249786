/** The frame's words: each language has all of them, as its own, and tells one fan from many where it does. */
import { describe, expect, test } from "bun:test";
import { languages } from "../client/stage/languages.ts";
import { wordsFor } from "../client/stage/words.ts";
import { labelsFor, spoken } from "./labels.ts";

/** Words that another language has from English, or shares with it. */
const shared: Readonly<Record<string, readonly string[]>> = {
  fr: ["menu", "moments", "pause", "position", "comments"],
  pt: ["menu"],
  de: ["pause", "name", "live", "offline"],
};

const textsOf = (lang: string): Readonly<Record<string, unknown>> => ({
  ...wordsFor(lang),
  ...labelsFor(lang),
});

test("each language of the stage is on the menu, under its own name", () => {
  expect(spoken.map(([lang]) => lang)).toEqual(Object.keys(languages));
  expect(new Set(spoken.map(([, name]) => name)).size).toBe(spoken.length);
});

describe.each(Object.keys(languages).filter((lang) => lang !== "en"))("%s", (lang) => {
  test("says nothing in English, and lacks nothing", () => {
    const english = textsOf("en");
    const own = textsOf(lang);
    const same = Object.keys(english).filter((name) => {
      const text = own[name];
      expect(text).toBeDefined();
      if (typeof text !== "string") return false;
      expect(text.trim()).not.toBe("");
      return text === english[name] && !["dir", "locale", "lang"].includes(name);
    });
    expect(same.filter((name) => !shared[lang]?.includes(name))).toEqual([]);
    const kinds = ["heart", "clap", "laugh", "wow", "fire"];
    for (const kind of kinds) expect(wordsFor(lang).send(kind)).not.toContain(kind);
  });

  test("counts fans and names moments in its own numbers", () => {
    const labels = labelsFor(lang);
    const many = new Intl.NumberFormat(labels.locale).format(1234);
    expect(labels.fans(1234)).toContain(many);
    expect(labels.fans(0)).not.toMatch(/[0#٠]/);
    expect(labels.moment("12:34", 1234)).toContain(many);
    expect(labels.moment("12:34", 1234)).toContain("12:34");
    expect(labels.noCrowd.split("#").length).toBe(2);
  });
});

test("one fan and two are told apart", () => {
  expect(["en", "de", "es"].map((lang) => [1, 2].map((count) => labelsFor(lang).fans(count)))).toEqual([
    ["1 fan", "2 fans"],
    ["1 Fan", "2 Fans"],
    ["1 aficionado", "2 aficionados"],
  ]);
});
