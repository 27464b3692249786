/** Every language says everything, by its own plural rules, in its own direction. */
import { describe, expect, test } from "bun:test";
import { languages } from "./languages.ts";
import { languageOf, wordsFor } from "./words.ts";

describe.each(Object.entries(languages))("%s", (lang, phrases) => {
  test("has every sentence, with its number where it has one", () => {
    expect(
      Object.keys(phrases)
        .filter((name) => !["locale", "dir"].includes(name))
        .sort(),
    ).toEqual(Object.keys(languages.en ?? {}).sort());
    const rules = new Set(new Intl.PluralRules(lang).resolvedOptions().pluralCategories);
    for (const [name, forms] of Object.entries(phrases)) {
      if (typeof forms !== "object" || name === "kinds") continue;
      expect(Object.keys(forms).filter((rule) => !rules.has(rule as Intl.LDMLPluralRule))).toEqual([]);
      expect(forms.other.includes("#")).toBe(name !== "reactionsCaption");
    }
    const words = wordsFor(lang);
    const seventeen = new Intl.NumberFormat(words.locale).format(17);
    for (const say of [
      words.watching,
      words.reactions,
      words.newComments,
      words.passed,
      words.reconnecting,
    ]) {
      expect(say(17)).toContain(seventeen);
    }
    const busy = words.busy(17, 42);
    expect([busy.includes(seventeen), busy.includes("#")]).toEqual([true, false]);
    expect(words.busy(17, 42)).toContain(new Intl.NumberFormat(words.locale).format(42));
    expect(words.refused("$& why")).toContain("$& why");
    expect(words.dir).toBe(lang === "ar" ? "rtl" : "ltr");
  });
});

test("one and many are told apart where the language does", () => {
  const told = (lang: string) => [1, 2].map((count) => wordsFor(lang).reactions(count));
  expect(told("en")).toEqual(["1 reaction", "2 reactions"]);
  expect(told("fr")).toEqual(["1 réaction", "2 réactions"]);
  expect(told("ar")).toEqual(["تفاعل واحد", "تفاعلان"]);
  expect(wordsFor("fr").reactions(0)).toBe("0 réaction");
  expect([1, 2].map(wordsFor("en").reactionsCaption)).toEqual(["reaction", "reactions"]);
});

test("the first language wanted that is spoken is taken", () => {
  expect(languageOf("xx", "pt-BR", "en")).toBe("pt");
  expect(languageOf(null, undefined, "", "constructor")).toBe("en");
  expect(languageOf("JA")).toBe("ja");
});
