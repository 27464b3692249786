/**
 * Every word a viewer reads, in English and Arabic, and how numbers and times are written in each.
 *
 * A sentence with a number is a function of it: plural rules differ (Arabic has six forms), so no
 * sentence is glued from pieces. The direction of writing comes with the language.
 */

export interface Words {
  readonly lang: string;
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
  readonly reactionsCaption: string;
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
  /** The video is closed. */
  readonly over: string;
  readonly guest: string;
  refused(reason: string): string;
  readonly sound: string;
  readonly mute: string;
}

const plural = (lang: string) => {
  const rules = new Intl.PluralRules(lang);
  return (count: number, forms: Partial<Record<Intl.LDMLPluralRule, string>> & { other: string }) =>
    forms[rules.select(count)] ?? forms.other;
};

const kindsEn: Record<string, string> = {
  heart: "heart",
  clap: "clap",
  laugh: "laugh",
  wow: "wow",
  fire: "fire",
};
const kindsAr: Record<string, string> = {
  heart: "قلب",
  clap: "تصفيق",
  laugh: "ضحك",
  wow: "دهشة",
  fire: "نار",
};

const enPlural = plural("en");
const arPlural = plural("ar");
const enNumber = new Intl.NumberFormat("en");
const arNumber = new Intl.NumberFormat("ar-EG");

const en: Words = {
  lang: "en",
  dir: "ltr",
  live: "Live",
  lagging: "Lagging",
  stale: "Catching up",
  connecting: "Connecting",
  offline: "Offline",
  closed: "Closed",
  reconnecting: (seconds) => (seconds > 0 ? `Reconnecting in ${seconds} s` : "Reconnecting"),
  viaPoll: "slow network",
  watching: (n) => `${enNumber.format(n)} watching`,
  reactions: (n) => `${enNumber.format(n)} ${enPlural(n, { one: "reaction", other: "reactions" })}`,
  reactionsCaption: "reactions",
  send: (kind) => `Send a ${kindsEn[kind] ?? kind}`,
  reactionsGroup: "Reactions",
  picture: "Live picture",
  comments: "Comments",
  commentsEmpty: "Nobody has said anything yet. Go first.",
  say: "Say something",
  name: "Your name",
  nameHint: "Your name (optional)",
  sendComment: "Send comment",
  newComments: (n) => `${enNumber.format(n)} new`,
  busy: (shown, of) => `Very busy: showing ${enNumber.format(shown)} of ${enNumber.format(of)}`,
  missed: "Some comments were missed here",
  passed: (n) =>
    `${enNumber.format(n)} ${enPlural(n, { one: "comment", other: "comments" })} while you were away`,
  replay: "Replay",
  over: "Over",
  guest: "Guest",
  refused: (reason) => `Not sent: ${reason}`,
  sound: "Turn sound on",
  mute: "Turn sound off",
};

const ar: Words = {
  lang: "ar",
  dir: "rtl",
  live: "مباشر",
  lagging: "متأخر",
  stale: "يلحق بالبث",
  connecting: "جارٍ الاتصال",
  offline: "غير متصل",
  closed: "مغلق",
  reconnecting: (seconds) =>
    seconds > 0
      ? `إعادة الاتصال بعد ${arNumber.format(seconds)} ${arPlural(seconds, { few: "ثوانٍ", other: "ثانية" })}`
      : "إعادة الاتصال",
  viaPoll: "شبكة بطيئة",
  watching: (n) =>
    arPlural(n, {
      zero: "لا أحد يشاهد",
      one: "مشاهد واحد",
      two: "مشاهدان",
      few: `${arNumber.format(n)} مشاهدين`,
      many: `${arNumber.format(n)} مشاهدًا`,
      other: `${arNumber.format(n)} مشاهد`,
    }),
  reactions: (n) =>
    arPlural(n, {
      zero: "لا تفاعلات",
      one: "تفاعل واحد",
      two: "تفاعلان",
      few: `${arNumber.format(n)} تفاعلات`,
      many: `${arNumber.format(n)} تفاعلًا`,
      other: `${arNumber.format(n)} تفاعل`,
    }),
  reactionsCaption: "تفاعل",
  send: (kind) => `أرسل ${kindsAr[kind] ?? kind}`,
  reactionsGroup: "التفاعلات",
  picture: "الصورة المباشرة",
  comments: "التعليقات",
  commentsEmpty: "لم يعلّق أحد بعد. كن الأول.",
  say: "اكتب تعليقًا",
  name: "اسمك",
  nameHint: "اسمك (اختياري)",
  sendComment: "أرسل التعليق",
  newComments: (n) => `${arNumber.format(n)} ${arPlural(n, { few: "تعليقات جديدة", other: "تعليق جديد" })}`,
  busy: (shown, of) => `زحام شديد: يظهر ${arNumber.format(shown)} من ${arNumber.format(of)}`,
  missed: "فاتتك هنا بعض التعليقات",
  passed: (n) =>
    arPlural(n, {
      one: "تعليق واحد أثناء غيابك",
      two: "تعليقان أثناء غيابك",
      few: `${arNumber.format(n)} تعليقات أثناء غيابك`,
      many: `${arNumber.format(n)} تعليقًا أثناء غيابك`,
      other: `${arNumber.format(n)} تعليق أثناء غيابك`,
    }),
  replay: "إعادة",
  over: "انتهى",
  guest: "ضيف",
  refused: (reason) => `لم يُرسل: ${reason}`,
  sound: "شغّل الصوت",
  mute: "أوقف الصوت",
};

/** The words for the first of `wanted` that is spoken here; English otherwise. */
export function wordsFor(...wanted: (string | null | undefined)[]): Words {
  for (const lang of wanted) {
    const short = lang?.toLowerCase().split("-")[0];
    if (short === "ar") return ar;
    if (short === "en") return en;
  }
  return en;
}

/** The locale numbers and times are written in. */
export function localeOf(words: Words): string {
  return words.lang === "ar" ? "ar-EG" : words.lang;
}
