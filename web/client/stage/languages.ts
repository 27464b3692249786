/**
 * What a viewer reads, language by language. `#` stands for a number, `*` for a reaction or a reason; a
 * sentence with a number has a form for each of its language's plural rules that differs (CLDR, by Intl), and
 * `other` for all else. words.ts makes sentences of them; words.test.ts holds that none lacks one.
 */
export type Forms = string | (Partial<Record<Intl.LDMLPluralRule, string>> & { readonly other: string });

export interface Phrases {
  /** In which numbers are written, where that is not the language alone. */
  readonly locale?: string;
  readonly dir?: "rtl";
  readonly live: string;
  readonly lagging: string;
  readonly stale: string;
  readonly connecting: string;
  readonly offline: string;
  readonly closed: string;
  readonly reconnecting: string;
  readonly reconnectingIn: Forms;
  readonly viaPoll: string;
  readonly watching: Forms;
  readonly reactions: Forms;
  /** Under the number, which it does not hold. */
  readonly reactionsCaption: Forms;
  readonly send: string;
  readonly kinds: Readonly<Record<string, string>>;
  readonly reactionsGroup: string;
  readonly picture: string;
  readonly comments: string;
  readonly commentsEmpty: string;
  readonly say: string;
  readonly name: string;
  readonly nameHint: string;
  readonly sendComment: string;
  readonly newComments: Forms;
  /** The second number is `##`. */
  readonly busy: string;
  readonly missed: string;
  readonly passed: Forms;
  readonly over: string;
  readonly replay: string;
  readonly nothing: string;
  readonly notListed: string;
  readonly noToken: string;
  readonly guest: string;
  readonly refused: string;
  readonly sound: string;
  readonly mute: string;
}

const en: Phrases = {
  live: "Live",
  lagging: "Lagging",
  stale: "Catching up",
  connecting: "Connecting",
  offline: "Offline",
  closed: "Closed",
  reconnecting: "Reconnecting",
  reconnectingIn: "Reconnecting in # s",
  viaPoll: "slow network",
  watching: "# watching",
  reactions: { one: "# reaction", other: "# reactions" },
  reactionsCaption: { one: "reaction", other: "reactions" },
  send: "Send a *",
  kinds: { heart: "heart", clap: "clap", laugh: "laugh", wow: "wow", fire: "fire" },
  reactionsGroup: "Reactions",
  picture: "Live picture",
  comments: "Comments",
  commentsEmpty: "Nobody has said anything yet. Go first.",
  say: "Say something",
  name: "Your name",
  nameHint: "Your name (optional)",
  sendComment: "Send comment",
  newComments: "# new",
  busy: "Very busy: showing # of ##",
  missed: "Some comments were missed here",
  passed: { one: "# comment while you were away", other: "# comments while you were away" },
  over: "Over",
  replay: "Replay",
  nothing: "There is nothing to see again yet.",
  notListed: "Pages of * may not use this server. Whoever runs it can list them in --cors-origins.",
  noToken: "You may not watch this: your token is missing, or not valid any more.",
  guest: "Guest",
  refused: "Not sent: *",
  sound: "Turn sound on",
  mute: "Turn sound off",
};

const ar: Phrases = {
  locale: "ar-EG",
  dir: "rtl",
  live: "مباشر",
  lagging: "متأخر",
  stale: "يلحق بالبث",
  connecting: "جارٍ الاتصال",
  offline: "غير متصل",
  closed: "مغلق",
  reconnecting: "إعادة الاتصال",
  reconnectingIn: { few: "إعادة الاتصال بعد # ثوانٍ", other: "إعادة الاتصال بعد # ثانية" },
  viaPoll: "شبكة بطيئة",
  watching: {
    zero: "لا أحد يشاهد",
    one: "مشاهد واحد",
    two: "مشاهدان",
    few: "# مشاهدين",
    many: "# مشاهدًا",
    other: "# مشاهد",
  },
  reactions: {
    zero: "لا تفاعلات",
    one: "تفاعل واحد",
    two: "تفاعلان",
    few: "# تفاعلات",
    many: "# تفاعلًا",
    other: "# تفاعل",
  },
  reactionsCaption: { two: "تفاعلان", few: "تفاعلات", many: "تفاعلًا", other: "تفاعل" },
  send: "أرسل *",
  kinds: { heart: "قلب", clap: "تصفيق", laugh: "ضحك", wow: "دهشة", fire: "نار" },
  reactionsGroup: "التفاعلات",
  picture: "الصورة المباشرة",
  comments: "التعليقات",
  commentsEmpty: "لم يعلّق أحد بعد. كن الأول.",
  say: "اكتب تعليقًا",
  name: "اسمك",
  nameHint: "اسمك (اختياري)",
  sendComment: "أرسل التعليق",
  newComments: { few: "# تعليقات جديدة", other: "# تعليق جديد" },
  busy: "زحام شديد: يظهر # من ##",
  missed: "فاتتك هنا بعض التعليقات",
  passed: {
    one: "تعليق واحد أثناء غيابك",
    two: "تعليقان أثناء غيابك",
    few: "# تعليقات أثناء غيابك",
    many: "# تعليقًا أثناء غيابك",
    other: "# تعليق أثناء غيابك",
  },
  over: "انتهى",
  replay: "إعادة",
  nothing: "لا يوجد ما يُعاد عرضه بعد.",
  notListed: "لا يُسمح لصفحات * باستخدام هذا الخادم. يمكن لمن يشغّله إضافتها إلى --cors-origins.",
  noToken: "لا يُسمح لك بالمشاهدة: رمز الدخول مفقود أو لم يعد صالحًا.",
  guest: "ضيف",
  refused: "لم يُرسل: *",
  sound: "شغّل الصوت",
  mute: "أوقف الصوت",
};

const fr: Phrases = {
  live: "En direct",
  lagging: "En retard",
  stale: "Rattrapage",
  connecting: "Connexion",
  offline: "Hors ligne",
  closed: "Fermé",
  reconnecting: "Reconnexion",
  reconnectingIn: "Reconnexion dans # s",
  viaPoll: "réseau lent",
  watching: { one: "# spectateur", other: "# spectateurs" },
  reactions: { one: "# réaction", other: "# réactions" },
  reactionsCaption: { one: "réaction", other: "réactions" },
  send: "Envoyer : *",
  kinds: { heart: "cœur", clap: "applaudissement", laugh: "rire", wow: "waouh", fire: "feu" },
  reactionsGroup: "Réactions",
  picture: "Image en direct",
  comments: "Commentaires",
  commentsEmpty: "Personne n’a encore rien dit. À vous.",
  say: "Dites quelque chose",
  name: "Votre nom",
  nameHint: "Votre nom (facultatif)",
  sendComment: "Envoyer le commentaire",
  newComments: { one: "# nouveau", other: "# nouveaux" },
  busy: "Très animé : # affichés sur ##",
  missed: "Des commentaires manquent ici",
  passed: { one: "# commentaire en votre absence", other: "# commentaires en votre absence" },
  over: "Terminé",
  replay: "Rediffusion",
  nothing: "Il n’y a encore rien à revoir.",
  notListed:
    "Les pages de * ne peuvent pas utiliser ce serveur. Son exploitant peut les ajouter à --cors-origins.",
  noToken: "Vous ne pouvez pas regarder : votre jeton manque ou n’est plus valable.",
  guest: "Invité",
  refused: "Non envoyé : *",
  sound: "Activer le son",
  mute: "Couper le son",
};

const es: Phrases = {
  live: "En directo",
  lagging: "Con retraso",
  stale: "Poniéndose al día",
  connecting: "Conectando",
  offline: "Sin conexión",
  closed: "Cerrado",
  reconnecting: "Reconectando",
  reconnectingIn: "Reconectando en # s",
  viaPoll: "red lenta",
  watching: { one: "# espectador", other: "# espectadores" },
  reactions: { one: "# reacción", other: "# reacciones" },
  reactionsCaption: { one: "reacción", other: "reacciones" },
  send: "Enviar: *",
  kinds: { heart: "corazón", clap: "aplauso", laugh: "risa", wow: "asombro", fire: "fuego" },
  reactionsGroup: "Reacciones",
  picture: "Imagen en directo",
  comments: "Comentarios",
  commentsEmpty: "Nadie ha dicho nada todavía. Empieza tú.",
  say: "Di algo",
  name: "Tu nombre",
  nameHint: "Tu nombre (opcional)",
  sendComment: "Enviar comentario",
  newComments: { one: "# nuevo", other: "# nuevos" },
  busy: "Mucho movimiento: se muestran # de ##",
  missed: "Aquí faltan algunos comentarios",
  passed: { one: "# comentario en tu ausencia", other: "# comentarios en tu ausencia" },
  over: "Terminado",
  replay: "Repetición",
  nothing: "Aún no hay nada que repetir.",
  notListed:
    "Las páginas de * no pueden usar este servidor. Quien lo administra puede añadirlas a --cors-origins.",
  noToken: "No puedes ver esto: falta tu token o ya no es válido.",
  guest: "Invitado",
  refused: "No enviado: *",
  sound: "Activar sonido",
  mute: "Silenciar",
};

const pt: Phrases = {
  live: "Ao vivo",
  lagging: "Atrasado",
  stale: "A recuperar",
  connecting: "A ligar",
  offline: "Sem ligação",
  closed: "Encerrado",
  reconnecting: "A religar",
  reconnectingIn: "A religar em # s",
  viaPoll: "rede lenta",
  watching: { one: "# a assistir", other: "# a assistir" },
  reactions: { one: "# reação", other: "# reações" },
  reactionsCaption: { one: "reação", other: "reações" },
  send: "Enviar: *",
  kinds: { heart: "coração", clap: "aplauso", laugh: "riso", wow: "espanto", fire: "fogo" },
  reactionsGroup: "Reações",
  picture: "Imagem ao vivo",
  comments: "Comentários",
  commentsEmpty: "Ainda ninguém disse nada. Comece você.",
  say: "Diga algo",
  name: "O seu nome",
  nameHint: "O seu nome (opcional)",
  sendComment: "Enviar comentário",
  newComments: { one: "# novo", other: "# novos" },
  busy: "Muito movimento: # de ## à vista",
  missed: "Faltam aqui alguns comentários",
  passed: { one: "# comentário na sua ausência", other: "# comentários na sua ausência" },
  over: "Terminado",
  replay: "Repetição",
  nothing: "Ainda não há nada para rever.",
  notListed: "As páginas de * não podem usar este servidor. Quem o gere pode adicioná-las a --cors-origins.",
  noToken: "Não pode ver isto: o seu token falta ou já não é válido.",
  guest: "Convidado",
  refused: "Não enviado: *",
  sound: "Ligar o som",
  mute: "Desligar o som",
};

const de: Phrases = {
  live: "Live",
  lagging: "Verzögert",
  stale: "Holt auf",
  connecting: "Verbindet",
  offline: "Offline",
  closed: "Geschlossen",
  reconnecting: "Verbindet neu",
  reconnectingIn: "Verbindet neu in # s",
  viaPoll: "langsames Netz",
  watching: { one: "# Person schaut zu", other: "# schauen zu" },
  reactions: { one: "# Reaktion", other: "# Reaktionen" },
  reactionsCaption: { one: "Reaktion", other: "Reaktionen" },
  send: "* senden",
  kinds: { heart: "Herz", clap: "Applaus", laugh: "Lachen", wow: "Staunen", fire: "Feuer" },
  reactionsGroup: "Reaktionen",
  picture: "Livebild",
  comments: "Kommentare",
  commentsEmpty: "Noch hat niemand etwas gesagt. Fang an.",
  say: "Sag etwas",
  name: "Dein Name",
  nameHint: "Dein Name (freiwillig)",
  sendComment: "Kommentar senden",
  newComments: { one: "# neuer", other: "# neue" },
  busy: "Viel los: # von ## zu sehen",
  missed: "Hier fehlen einige Kommentare",
  passed: { one: "# Kommentar, während du weg warst", other: "# Kommentare, während du weg warst" },
  over: "Vorbei",
  replay: "Wiederholung",
  nothing: "Es gibt noch nichts zu wiederholen.",
  notListed:
    "Seiten von * dürfen diesen Server nicht benutzen. Wer ihn betreibt, kann sie in --cors-origins aufnehmen.",
  noToken: "Du darfst hier nicht zusehen: Dein Token fehlt oder gilt nicht mehr.",
  guest: "Gast",
  refused: "Nicht gesendet: *",
  sound: "Ton einschalten",
  mute: "Ton ausschalten",
};

const hi: Phrases = {
  live: "लाइव",
  lagging: "देरी से",
  stale: "साथ आ रहा है",
  connecting: "जुड़ रहा है",
  offline: "ऑफ़लाइन",
  closed: "बंद",
  reconnecting: "फिर से जुड़ रहा है",
  reconnectingIn: "# सेकंड में फिर से जुड़ेगा",
  viaPoll: "धीमा नेटवर्क",
  watching: { one: "# दर्शक", other: "# दर्शक" },
  reactions: { one: "# प्रतिक्रिया", other: "# प्रतिक्रियाएँ" },
  reactionsCaption: { one: "प्रतिक्रिया", other: "प्रतिक्रियाएँ" },
  send: "* भेजें",
  kinds: { heart: "दिल", clap: "ताली", laugh: "हँसी", wow: "वाह", fire: "आग" },
  reactionsGroup: "प्रतिक्रियाएँ",
  picture: "लाइव तस्वीर",
  comments: "टिप्पणियाँ",
  commentsEmpty: "अभी किसी ने कुछ नहीं कहा। शुरुआत आप करें।",
  say: "कुछ कहें",
  name: "आपका नाम",
  nameHint: "आपका नाम (वैकल्पिक)",
  sendComment: "टिप्पणी भेजें",
  newComments: { one: "# नई", other: "# नई" },
  busy: "बहुत भीड़: ## में से # दिख रही हैं",
  missed: "यहाँ कुछ टिप्पणियाँ छूट गईं",
  passed: { one: "आपकी अनुपस्थिति में # टिप्पणी", other: "आपकी अनुपस्थिति में # टिप्पणियाँ" },
  over: "समाप्त",
  replay: "रीप्ले",
  nothing: "अभी दोबारा देखने के लिए कुछ नहीं है।",
  notListed: "* के पेज इस सर्वर का उपयोग नहीं कर सकते। इसे चलाने वाले उन्हें --cors-origins में जोड़ सकते हैं।",
  noToken: "आप इसे नहीं देख सकते: आपका टोकन नहीं है या अब मान्य नहीं है।",
  guest: "अतिथि",
  refused: "नहीं भेजा गया: *",
  sound: "आवाज़ चालू करें",
  mute: "आवाज़ बंद करें",
};

const ja: Phrases = {
  live: "ライブ",
  lagging: "遅延中",
  stale: "追いつき中",
  connecting: "接続中",
  offline: "オフライン",
  closed: "終了",
  reconnecting: "再接続中",
  reconnectingIn: "#秒後に再接続",
  viaPoll: "低速回線",
  watching: "#人が視聴中",
  reactions: "リアクション#件",
  reactionsCaption: "リアクション",
  send: "*を送る",
  kinds: { heart: "ハート", clap: "拍手", laugh: "笑い", wow: "驚き", fire: "炎" },
  reactionsGroup: "リアクション",
  picture: "ライブ映像",
  comments: "コメント",
  commentsEmpty: "まだコメントはありません。最初の一言をどうぞ。",
  say: "コメントする",
  name: "お名前",
  nameHint: "お名前（任意）",
  sendComment: "コメントを送信",
  newComments: "新着#件",
  busy: "混雑中：##件中#件を表示",
  missed: "ここで一部のコメントが失われました",
  passed: "不在中のコメント#件",
  over: "終了しました",
  replay: "リプレイ",
  nothing: "再生できるものはまだありません。",
  notListed: "* のページはこのサーバーを利用できません。運営者が --cors-origins に追加できます。",
  noToken: "視聴できません。トークンがないか、有効期限が切れています。",
  guest: "ゲスト",
  refused: "送信できませんでした：*",
  sound: "音声をオンにする",
  mute: "音声をオフにする",
};

/** By the first part of a language tag. */
export const languages: Readonly<Record<string, Phrases>> = { en, ar, fr, es, pt, de, hi, ja };
