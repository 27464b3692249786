/**
 * Text that people are shown: whether they would see anything of it, and whether it holds what only machines
 * read. Held by interaction.test.ts.
 */

// C0, DEL and C1: they reach terminals and logs, never a person.
// biome-ignore lint/suspicious/noControlCharactersInRegex: refusing them is the point
const controlPattern = /[\u0000-\u001f\u007f-\u009f]/;

/** Whether `text` holds a control character. */
export function hasControl(text: string): boolean {
  return controlPattern.test(text);
}

/** What every alphabet begins a word with, and most texts do: no need to look further. */
const plainPattern = /^[\w]/;
/**
 * A character that leaves a mark by itself. Not: spaces, controls, what Unicode lets a renderer ignore
 * (joiners, fillers, tags, variation selectors), marks without a letter under them, and the blanks that are
 * letters or symbols to Unicode: Braille without dots, a musical note without a head, hieroglyphic blanks.
 */
const blanks = "\\u2800\\ufff9-\\ufffb\\u{1d159}\\u{13441}\\u{13442}";
const visiblePattern = new RegExp(
  `[^\\p{White_Space}\\p{Default_Ignorable_Code_Point}\\p{M}\\p{Cc}${blanks}]`,
  "u",
);

/** Whether somebody who is shown `text` sees anything. */
export function isVisible(text: string): boolean {
  return plainPattern.test(text) || visiblePattern.test(text);
}
