/**
 * Every word a viewer reads, and how numbers and times are written, in each of languages.ts.
 *
 * A sentence with a number is a function of it: plural rules differ (Arabic has six forms), so no
 * sentence is glued from pieces. The direction of writing comes with the language.
 */
import { type Forms, languages, type Phrases } from "./languages.ts";

export interface Words {
  readonly lang: string;
  /** In which numbers and times are written. */
  readonly locale: string;
  readonly dir: "ltr" | "rtl";
  readonly live: string;
  readonly lagging: string;
  readonly stale: string;
  readonly connecting: string;
  readonly offline: string;
  readonly closed: string;
  reconnecting(seconds: number): string;
  readonly viaPoll: string;
  watching(count: number): string;
  reactions(count: number): string;
  /** What stands under so many reactions. */
  reactionsCaption(count: number): string;
  /** The name of a reaction's button. */
  send(kind: string): string;
  readonly reactionsGroup: string;
  readonly picture: string;
  readonly comments: string;
  readonly commentsEmpty: string;
  readonly say: string;
  readonly name: string;
  readonly nameHint: string;
  readonly sendComment: string;
  newComments(count: number): string;
  busy(shown: number, of: number): string;
  readonly missed: string;
  /** Comments that waited too long for this viewer's picture. */
  passed(count: number): string;
  /** What is shown was done before: a recording. */
  readonly replay: string;
  /** Nothing was done that a recording could show. */
  readonly nothing: string;
  /** The video is closed. */
  readonly over: string;
  /** Pages of this origin may not use the server. */
  notListed(origin: string): string;
  /** Only who has a token may watch. */
  readonly noToken: string;
  readonly guest: string;
  refused(reason: string): string;
  readonly sound: string;
  readonly mute: string;
}

function wordsOf(lang: string, phrases: Phrases): Words {
  const {
    locale = lang,
    dir = "ltr",
    reconnecting,
    send,
    kinds,
    busy,
    refused,
    notListed,
    ...rest
  } = phrases;
  const numbers = new Intl.NumberFormat(locale);
  const rules = new Intl.PluralRules(lang);
  const counted = (forms: Forms) => (count: number) => {
    const form = typeof forms === "string" ? forms : (forms[rules.select(count)] ?? forms.other);
    return form.replace("#", numbers.format(count));
  };
  const reconnectingIn = counted(rest.reconnectingIn);
  return {
    ...rest,
    ...{ lang, locale, dir },
    reconnecting: (seconds) => (seconds > 0 ? reconnectingIn(seconds) : reconnecting),
    watching: counted(rest.watching),
    reactions: counted(rest.reactions),
    reactionsCaption: counted(rest.reactionsCaption),
    newComments: counted(rest.newComments),
    passed: counted(rest.passed),
    send: (kind) => send.replace("*", () => kinds[kind] ?? kind),
    busy: (shown, of) => busy.replace("##", numbers.format(of)).replace("#", numbers.format(shown)),
    notListed: (origin) => notListed.replace("*", () => origin),
    refused: (reason) => refused.replace("*", () => reason),
  };
}

/** The first of `wanted` that is spoken here; English otherwise. */
export function languageOf(...wanted: (string | null | undefined)[]): string {
  const short = wanted.map((lang) => lang?.toLowerCase().split("-")[0] ?? "");
  return short.find((lang) => Object.hasOwn(languages, lang)) ?? "en";
}

/** The words for the first of `wanted` that is spoken here; English otherwise. */
export function wordsFor(...wanted: (string | null | undefined)[]): Words {
  const lang = languageOf(...wanted);
  return wordsOf(lang, languages[lang] as Phrases);
}

/** The locale numbers and times are written in. */
export function localeOf(words: Words): string {
  return words.locale;
}
