/** The words of the demo page's frame; the stage's own are in client/stage/words.ts. */
export interface Labels {
  readonly lang: "en" | "ar";
  readonly dir: "ltr" | "rtl";
  readonly menu: string;
  readonly second: string;
  readonly dark: string;
  readonly light: string;
  readonly embed: string;
  readonly admin: string;
  readonly otherLanguage: string;
  readonly crowd: string;
  /** The locale numbers and times are written in. */
  readonly locale: string;
  readonly timeline: string;
  readonly moments: string;
  /** A moment's name: when it was, and how many reactions it had. */
  moment(time: string, reactions: number): string;
  readonly play: string;
  readonly pause: string;
  readonly position: string;
  fans(count: number): string;
}

const english = new Intl.NumberFormat("en");
const arabic = new Intl.NumberFormat("ar-EG");

const en: Labels = {
  lang: "en",
  dir: "ltr",
  menu: "Menu",
  second: "Open a second viewer",
  dark: "Dark",
  light: "Light",
  embed: "Put it on your page",
  admin: "Control room",
  otherLanguage: "العربية",
  crowd: "Crowd",
  locale: "en",
  timeline: "When the audience reacted",
  moments: "Moments",
  moment: (time, n) => `${time}, ${english.format(n)} reactions`,
  play: "Play",
  pause: "Pause",
  position: "Position",
  fans: (count) => (count === 0 ? "nobody yet" : count === 1 ? "1 fan" : `${english.format(count)} fans`),
};

const ar: Labels = {
  lang: "ar",
  dir: "rtl",
  menu: "القائمة",
  second: "افتح مشاهدًا ثانيًا",
  dark: "داكن",
  light: "فاتح",
  embed: "أضفه إلى صفحتك",
  admin: "غرفة التحكم",
  otherLanguage: "English",
  crowd: "الجمهور",
  locale: "ar-EG",
  timeline: "متى تفاعل الجمهور",
  moments: "اللحظات",
  moment: (time, n) => `${time}، التفاعلات: ${arabic.format(n)}`,
  play: "تشغيل",
  pause: "إيقاف مؤقت",
  position: "الموضع",
  fans: (count) => (count === 0 ? "لا أحد بعد" : `${arabic.format(count)} مشجع`),
};

/** The first of `wanted` that is Arabic or English. */
export function labelsFor(...wanted: (string | null)[]): Labels {
  for (const lang of wanted) {
    if (lang?.toLowerCase().startsWith("ar")) return ar;
    if (lang?.toLowerCase().startsWith("en")) return en;
  }
  return en;
}
