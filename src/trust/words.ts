/**
 * The word list: texts that hold one of its words are refused.
 *
 * A line is a word, matched whole, or `*part*`, matched anywhere. Both list and text are folded first, so
 * that case, accents, full-width letters, letters of other alphabets that look alike, digits in place of
 * letters, drawn-out letters and invisible characters hide nothing. It stops the careless; the determined
 * are for moderators and the review hook. Held by words.test.ts.
 */
import unhomoglyph from "unhomoglyph";

/** Lines and characters of a list. Beyond: refused as a file. */
const linesMax = 20_000;

export class Words {
  readonly #whole: ReadonlySet<string>;
  readonly #parts: readonly string[];

  /** Reads a list; empty lines and those that begin with # are passed over. Throws when it is too long. */
  constructor(text: string) {
    const lines = text
      .split("\n")
      .map((line) => line.trim())
      .filter((line) => line !== "" && !line.startsWith("#"));
    if (lines.length > linesMax) throw new Error(`has more than ${linesMax} lines`);
    const parts = lines.filter((line) => line.length > 2 && line.startsWith("*") && line.endsWith("*"));
    this.#parts = parts.map((line) => fold(line.slice(1, -1).toLowerCase())).filter((part) => part !== "");
    const isPart = new Set(parts);
    const whole = lines.filter((line) => !isPart.has(line));
    this.#whole = new Set(whole.map((line) => fold(line.toLowerCase())));
  }

  get size(): number {
    return this.#whole.size + this.#parts.length;
  }

  /** Whether `text` holds a word of the list. */
  has(text: string): boolean {
    if (this.size === 0) return false;
    // A capital may look like another letter than its small one does.
    const small = fold(text.toLowerCase());
    if (this.#holds(small)) return true;
    const asWritten = fold(text);
    return asWritten !== small && this.#holds(asWritten);
  }

  #holds(folded: string): boolean {
    if (this.#parts.some((part) => folded.includes(part))) return true;
    const words = folded.split(" ");
    // Words of several words, and words that somebody spaced out.
    return words.some((word, i) => {
      let run = word;
      if (this.#whole.has(run)) return true;
      for (let j = i + 1; j < Math.min(words.length, i + 12); j++) {
        const spaced = run.length === j - i && (words[j] ?? "").length === 1;
        if (this.#whole.has(`${run} ${words[j]}`)) return true;
        if (!spaced) return false;
        run += words[j];
        if (this.#whole.has(squeeze(run))) return true;
      }
      return false;
    });
  }
}

const digits: Readonly<Record<string, string>> = {
  "0": "o",
  "1": "i",
  "3": "e",
  "4": "a",
  "5": "s",
  "7": "t",
  "@": "a",
  $: "s",
};
/** Small capitals, which Unicode's table takes for letters of their own: and what they are read as. */
const capitals = new Map(
  [..."ᴀʙᴄᴅᴇꜰɢʜɪᴊᴋĸʟᴍʍɴᴏᴘʀꜱᴛᴜᴠᴡʏᴢ"].map((c, i) => [c, "abcdefghijkklmmnoprstuvwyz"[i] ?? c]),
);

/** What each character that was seen looks like. Beyond so many: begun anew. */
const seenMax = 20_000;
const seen = new Map<string, string>();

/** The letters that `char`, which is not ASCII, looks like: by Unicode's table of confusables (UTS #39). */
function lookAlike(char: string): string {
  const before = seen.get(char);
  if (before !== undefined) return before;
  const like = unhomoglyph(char);
  const letters = [...like].map((letter) => capitals.get(letter) ?? letter).join("");
  if (seen.size >= seenMax) seen.clear();
  seen.set(char, letters);
  return letters;
}

/** Words of letters and digits, one space between them. */
function fold(text: string): string {
  const plain = text
    .normalize("NFKD")
    .replace(/[\p{M}\p{Cf}\p{Default_Ignorable_Code_Point}]/gu, "")
    .replace(/[^\0-\x7f]/gu, lookAlike)
    .toLowerCase()
    .replace(/[013457@$]/g, (char) => digits[char] ?? char)
    .replace(/[^\p{L}\p{N}]+/gu, " ")
    .trim();
  return squeeze(plain);
}

/** A letter drawn out is one letter. */
function squeeze(text: string): string {
  return text.replace(/(\p{L})\1+/gu, "$1");
}
