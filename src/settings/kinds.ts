/**
 * The kinds of value a setting may hold: each turns the text an operator typed into one typed value, or
 * refuses it.
 *
 * A kind is two things that must agree: `schema`, which decides, and `expects`, the words a mistake and the
 * help show ("must be <expects>"). Every source of a setting (flag, variable, file, default) goes through the
 * same text, so a value means the same wherever it was written.
 *
 * Not here: which settings exist (config.ts and load's own table) and where their text comes from
 * (settings.ts).
 */
import { z } from "zod";

/** How text becomes a T. `placeholder` is the word help shows after the flag; "" marks a switch. */
export type Kind<T> = {
  readonly expects: string;
  readonly placeholder: string;
  readonly schema: z.ZodType<T, string>;
};

const msPerUnit = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;
const durationPattern = /^(\d{1,12}(?:\.\d{1,3})?)(ms|s|m|h|d)?$/;

/** A whole number, both bounds included. */
export function wholeNumber(min: number, max: number): Kind<number> {
  return {
    expects: `a whole number from ${min} to ${max}`,
    placeholder: "n",
    schema: z
      .string()
      .regex(/^\d{1,15}$/)
      .transform(Number)
      .pipe(z.number().int().min(min).max(max)),
  };
}

/** A whole number, or one of a few words that stand for one ("auto"). */
export function wholeNumberOr<W extends string>(word: W, min: number, max: number): Kind<number | W> {
  const number = wholeNumber(min, max);
  return {
    ...number,
    expects: `${number.expects}, or ${word}`,
    schema: z.union([z.literal(word), number.schema]),
  };
}

/** Exactly one of a few words. */
export function choice<W extends string>(...words: readonly [W, ...W[]]): Kind<W> {
  return { expects: `one of ${words.join(", ")}`, placeholder: words.join("|"), schema: z.enum(words) };
}

/** A switch: `--demo` alone is true. */
export function onOff(): Kind<boolean> {
  return {
    expects: "true or false",
    placeholder: "",
    schema: z.stringbool({ truthy: ["true", "1", "yes", "on"], falsy: ["false", "0", "no", "off"] }),
  };
}

/** A length of time in whole milliseconds: "50ms", "5s", "1.5m", or a bare number of milliseconds. */
export function duration(minMs: number, maxMs: number): Kind<number> {
  const like = maxMs < msPerUnit.d ? "50ms, 5s or 2m" : "90m, 12h or 7d";
  return {
    expects: `a duration from ${durationText(minMs)} to ${durationText(maxMs)}, like ${like}`,
    placeholder: "duration",
    schema: z
      .string()
      .regex(durationPattern)
      .transform(durationMs)
      .pipe(z.number().int().min(minMs).max(maxMs)),
  };
}

/** A length of time in whole seconds: "12s", "2m", or a bare number of seconds. */
export function seconds(min: number, max: number): Kind<number> {
  return {
    expects: `whole seconds from ${min} to ${max}, like 12, 12s or 2m`,
    placeholder: "seconds",
    schema: z
      .string()
      .regex(durationPattern)
      .transform((text) => durationMs(/[a-z]$/.test(text) ? text : `${text}s`) / 1_000)
      .pipe(z.number().int().min(min).max(max)),
  };
}

/** As `duration`, or 0 for none. */
export function durationOrNone(minMs: number, maxMs: number): Kind<number> {
  const some = duration(minMs, maxMs);
  return {
    ...some,
    expects: `0, or ${some.expects}`,
    schema: z.union([z.enum(["0", "0ms", "0s"]).transform(() => 0), some.schema]),
  };
}

/**
 * Text that matches a pattern; `expects` says the pattern in words. Empty text passes only if the pattern
 * lets it.
 */
export function matching(pattern: RegExp, expects: string, placeholder = "text"): Kind<string> {
  return { expects, placeholder, schema: z.string().regex(pattern) };
}

/** Text that a predicate accepts: for what a pattern says badly, such as an origin or an address. */
export function accepted(
  expects: string,
  placeholder: string,
  accepts: (text: string) => boolean,
): Kind<string> {
  return { expects, placeholder, schema: z.string().refine(accepts) };
}

/** A part of a whole, as text: 0.2. */
export const share = accepted("a share from 0 to 1, like 0.2", "share", (text) =>
  /^(0(\.\d{1,6})?|1(\.0+)?)$/.test(text),
);

/** Any text on one line, at most `charsMax` characters, empty allowed: a path, a password. */
export function oneLine(charsMax: number, placeholder = "text"): Kind<string> {
  const schema = z
    .string()
    .max(charsMax)
    .regex(/^\P{Cc}*$/u);
  return { expects: `one line of at most ${charsMax} characters`, placeholder, schema };
}

/** Different items between commas, spaces around them ignored; empty text is the empty list. */
export function listOf(item: Kind<string>, min: number, max: number): Kind<readonly string[]> {
  const number = min === 0 ? `at most ${max}` : `${min} to ${max}`;
  const split = (text: string) => (text.trim() === "" ? [] : text.split(",").map((part) => part.trim()));
  return {
    expects: `${number} different items between commas, each ${item.expects}`,
    placeholder: `${item.placeholder},…`,
    schema: z
      .string()
      .transform(split)
      .pipe(z.array(item.schema).min(min).max(max))
      .refine((items) => new Set(items).size === items.length)
      .readonly(),
  };
}

/** Milliseconds as an operator would write them: 50 → "50ms", 120000 → "2m". */
export function durationText(ms: number): string {
  if (ms === 0) return "0ms";
  for (const unit of ["d", "h", "m", "s"] as const) {
    if (ms % msPerUnit[unit] === 0) return `${ms / msPerUnit[unit]}${unit}`;
  }
  return `${ms}ms`;
}

function durationMs(text: string): number {
  const [, amount, unit] = durationPattern.exec(text) ?? [];
  return Number(amount) * msPerUnit[(unit ?? "ms") as keyof typeof msPerUnit];
}
