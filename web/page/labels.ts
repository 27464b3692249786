/**
 * The words of the demo page's frame, in the languages of the stage (client/stage/words.ts has its own). `#`
 * stands for a number.
 */
import { languages, type Phrases } from "../client/stage/languages.ts";
import { languageOf } from "../client/stage/words.ts";

export interface Labels {
  readonly lang: string;
  readonly dir: "ltr" | "rtl";
  readonly menu: string;
  readonly second: string;
  readonly dark: string;
  readonly light: string;
  readonly embed: string;
  readonly docs: string;
  readonly admin: string;
  readonly language: string;
  readonly crowd: string;
  /** How to get one; `#` is the flag. */
  readonly noCrowd: string;
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

/** As they are written; `*` stands for a time. */
type Written = Readonly<
  Record<Exclude<keyof Labels, "lang" | "dir" | "locale" | "moment" | "fans"> | "moment" | "nobody", string>
> & { readonly fans: Partial<Record<Intl.LDMLPluralRule, string>> & { readonly other: string } };

const written: Readonly<Record<string, Written>> = {
  en: {
    menu: "Menu",
    second: "Open a second viewer",
    dark: "Dark",
    light: "Light",
    embed: "Put it on your page",
    docs: "Documents",
    admin: "Control room",
    language: "Language",
    crowd: "Crowd",
    noCrowd: "An empty stadium? Start with # and a crowd comes.",
    timeline: "When the audience reacted",
    moments: "Moments",
    moment: "*, # reactions",
    play: "Play",
    pause: "Pause",
    position: "Position",
    nobody: "nobody yet",
    fans: { one: "# fan", other: "# fans" },
  },
  ar: {
    menu: "القائمة",
    second: "افتح مشاهدًا ثانيًا",
    dark: "داكن",
    light: "فاتح",
    embed: "أضفه إلى صفحتك",
    docs: "الوثائق",
    admin: "غرفة التحكم",
    language: "اللغة",
    crowd: "الجمهور",
    noCrowd: "ملعب فارغ؟ شغّل الخادم مع # فيأتي الجمهور.",
    timeline: "متى تفاعل الجمهور",
    moments: "اللحظات",
    moment: "*، التفاعلات: #",
    play: "تشغيل",
    pause: "إيقاف مؤقت",
    position: "الموضع",
    nobody: "لا أحد بعد",
    fans: { other: "# مشجع" },
  },
  fr: {
    menu: "Menu",
    second: "Ouvrir un deuxième spectateur",
    dark: "Sombre",
    light: "Clair",
    embed: "L’ajouter à votre page",
    docs: "Documentation",
    admin: "Régie",
    language: "Langue",
    crowd: "Public",
    noCrowd: "Un stade vide ? Lancez avec # et le public arrive.",
    timeline: "Quand le public a réagi",
    moments: "Moments",
    moment: "*, réactions : #",
    play: "Lecture",
    pause: "Pause",
    position: "Position",
    nobody: "encore personne",
    fans: { one: "# supporter", other: "# supporters" },
  },
  es: {
    menu: "Menú",
    second: "Abrir un segundo espectador",
    dark: "Oscuro",
    light: "Claro",
    embed: "Ponerlo en tu página",
    docs: "Documentación",
    admin: "Sala de control",
    language: "Idioma",
    crowd: "Público",
    noCrowd: "¿Un estadio vacío? Arranca con # y llega el público.",
    timeline: "Cuándo reaccionó el público",
    moments: "Momentos",
    moment: "*, reacciones: #",
    play: "Reproducir",
    pause: "Pausa",
    position: "Posición",
    nobody: "nadie todavía",
    fans: { one: "# aficionado", other: "# aficionados" },
  },
  pt: {
    menu: "Menu",
    second: "Abrir um segundo espectador",
    dark: "Escuro",
    light: "Claro",
    embed: "Pôr na sua página",
    docs: "Documentação",
    admin: "Sala de controlo",
    language: "Idioma",
    crowd: "Público",
    noCrowd: "Um estádio vazio? Inicie com # e o público chega.",
    timeline: "Quando o público reagiu",
    moments: "Momentos",
    moment: "*, reações: #",
    play: "Reproduzir",
    pause: "Pausa",
    position: "Posição",
    nobody: "ainda ninguém",
    fans: { one: "# adepto", other: "# adeptos" },
  },
  de: {
    menu: "Menü",
    second: "Zweiten Zuschauer öffnen",
    dark: "Dunkel",
    light: "Hell",
    embed: "In die eigene Seite einbauen",
    docs: "Dokumentation",
    admin: "Leitstand",
    language: "Sprache",
    crowd: "Publikum",
    noCrowd: "Ein leeres Stadion? Mit # gestartet kommt Publikum.",
    timeline: "Wann das Publikum reagiert hat",
    moments: "Momente",
    moment: "*, Reaktionen: #",
    play: "Abspielen",
    pause: "Pause",
    position: "Stelle",
    nobody: "noch niemand",
    fans: { one: "# Fan", other: "# Fans" },
  },
  hi: {
    menu: "मेन्यू",
    second: "दूसरा दर्शक खोलें",
    dark: "गहरा",
    light: "हल्का",
    embed: "अपने पेज पर लगाएँ",
    docs: "दस्तावेज़",
    admin: "नियंत्रण कक्ष",
    language: "भाषा",
    crowd: "दर्शक",
    noCrowd: "खाली स्टेडियम? # के साथ शुरू करें, दर्शक आ जाएँगे।",
    timeline: "दर्शकों ने कब प्रतिक्रिया दी",
    moments: "पल",
    moment: "*, प्रतिक्रियाएँ: #",
    play: "चलाएँ",
    pause: "रोकें",
    position: "स्थिति",
    nobody: "अभी कोई नहीं",
    fans: { one: "# प्रशंसक", other: "# प्रशंसक" },
  },
  ja: {
    menu: "メニュー",
    second: "もう一人の視聴者を開く",
    dark: "ダーク",
    light: "ライト",
    embed: "自分のページに置く",
    docs: "ドキュメント",
    admin: "コントロールルーム",
    language: "言語",
    crowd: "観客",
    noCrowd: "スタジアムが空ですか？# を付けて起動すると観客が来ます。",
    timeline: "観客が反応した時",
    moments: "見どころ",
    moment: "*、リアクション#件",
    play: "再生",
    pause: "一時停止",
    position: "位置",
    nobody: "まだ誰もいません",
    fans: { other: "ファン#人" },
  },
};

/** Languages there are, by tag, each with its own name for itself. */
export const spoken: readonly (readonly [string, string])[] = Object.keys(languages).map((lang) => [
  lang,
  new Intl.DisplayNames([lang], { type: "language" }).of(lang) ?? lang,
]);

/** The labels for the first of `wanted` that is spoken here; English otherwise. */
export function labelsFor(...wanted: (string | null)[]): Labels {
  const lang = languageOf(...wanted);
  const { dir = "ltr", locale = lang } = languages[lang] as Phrases;
  const { moment, nobody, fans, ...rest } = (written[lang] ?? written.en) as Written;
  const numbers = new Intl.NumberFormat(locale);
  const rules = new Intl.PluralRules(lang);
  return {
    ...rest,
    ...{ lang, dir, locale },
    moment: (time, count) => moment.replace("*", time).replace("#", numbers.format(count)),
    fans: (count) =>
      count === 0 ? nobody : (fans[rules.select(count)] ?? fans.other).replace("#", numbers.format(count)),
  };
}
