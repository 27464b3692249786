/**
 * The comments: history on join, new ones at the foot, a pill when the reader is elsewhere, a form.
 *
 * Names and text come from strangers: they only ever become text nodes, each in its own direction
 * (`dir="auto"`, `bdi`), so neither markup nor a right-to-left name can disturb what is around it.
 * How fast rows may come is flow.ts' business; this file draws them.
 */
import { hueOf } from "../icons.ts";
import type { ReplayState } from "../replay.ts";
import type { Comment, Listeners } from "../types.ts";
import { glyph, glyphs, make } from "./dom.ts";
import { createFlow, FLUSH_MS } from "./flow.ts";
import { localeOf, type Words } from "./words.ts";

/** Rows in the page. */
const ROWS_MAX = 150;
/** So far from the foot the reader is elsewhere. */
const AWAY_PX = 48;
const SAY_MS = 5000;
const NAME_KEY = "ovation name";

export interface Talk {
  readonly element: HTMLElement;
  /** What it is told by. */
  readonly listeners: Required<Pick<Listeners, "comment" | "retract" | "reset" | "passed">>;
  /** How a recording goes. */
  seen(state: ReplayState): void;
  user(): string;
  /** The server has said what there is: if that is nothing, whoever is here is asked to begin. */
  known(): void;
  stop(): void;
}

export interface TalkOptions {
  readonly words: Words;
  readonly user: string;
  /** A recording's: nothing can be said any more, and a reset is a seek. */
  readonly recorded: boolean;
  /** Sends; rejects with an `Error` whose message a person can read. */
  send(text: string): Promise<unknown>;
  /** Tells screen readers. */
  say(text: string): void;
}

function remembered(): string {
  try {
    return localStorage.getItem(NAME_KEY) ?? "";
  } catch {
    return "";
  }
}

function remember(name: string): void {
  try {
    localStorage.setItem(NAME_KEY, name);
  } catch {
    // No storage in this frame: the name lives as long as the page.
  }
}

/** Formats made once: making one costs more than a row. */
interface Times {
  readonly short: Intl.DateTimeFormat;
  readonly full: Intl.DateTimeFormat;
}

function row(comment: Comment, words: Words, times: Times, isFresh: boolean): HTMLElement {
  const user = comment.user || words.guest;
  const face = make("span", { class: "face", "aria-hidden": "true" }, [...user][0]?.toUpperCase() ?? "");
  face.style.setProperty("--hue", String(hueOf(user)));
  const at = new Date(comment.at);
  const time = { datetime: at.toISOString(), title: times.full.format(at) };
  const item = make(
    "li",
    { class: isFresh ? "row fresh" : "row", part: "comment" },
    face,
    make(
      "div",
      { class: "said" },
      make("bdi", { class: "who" }, user),
      make("time", time, times.short.format(at)),
      make("p", { dir: "auto" }, comment.text),
    ),
  );
  item.dataset.id = comment.id;
  return item;
}

export function createTalk(options: TalkOptions): Talk {
  const { words } = options;
  const locale = localeOf(words);
  const times: Times = {
    short: new Intl.DateTimeFormat(locale, { hour: "2-digit", minute: "2-digit" }),
    full: new Intl.DateTimeFormat(locale, { dateStyle: "medium", timeStyle: "medium" }),
  };
  const flow = createFlow<Comment>();
  let unsaid: Comment[] = [];
  let unsaidCount = 0;

  const list = make("ol", { class: "list", part: "list", tabindex: 0, "aria-label": words.comments });
  const nobody = options.recorded ? words.nothing : words.commentsEmpty;
  const empty = make("p", { class: "empty", hidden: true }, nobody);
  const pillText = make("span");
  const pill = make("button", { type: "button", class: "pill", hidden: true }, glyph(glyphs.down), pillText);
  const notice = make("p", { class: "notice", hidden: true });
  const { form, user } = createForm(options);
  const element = make(
    "section",
    { class: "talk", part: "comments", "aria-label": words.comments },
    make("h2", {}, words.comments),
    // Read out by `say`, at a pace one can follow, instead of row by row.
    make(
      "div",
      { class: "lane", role: "log", "aria-live": "off", "aria-label": words.comments },
      empty,
      list,
      pill,
    ),
    notice,
    ...(options.recorded ? [] : [form]),
  );

  const away = () => list.scrollHeight - list.scrollTop - list.clientHeight > AWAY_PX;

  let isKnown = false;
  function showEmpty(): void {
    empty.hidden = !isKnown || list.childElementCount > 0;
  }

  function append(comments: readonly Comment[]): void {
    if (!comments.length) return;
    // Rows slide in one at a time, not in a flood.
    const isCalm = notice.hidden;
    list.append(...comments.map((comment) => row(comment, words, times, isCalm && !comment.history)));
    while (list.childElementCount > ROWS_MAX) list.firstElementChild?.remove();
    list.scrollTop = list.scrollHeight;
    showEmpty();
  }

  function flush(): void {
    const nowMs = performance.now();
    append(flow.flush(nowMs, away()));
    const held = flow.held();
    pill.hidden = held === 0;
    if (held) pillText.textContent = words.newComments(held);
    const busy = flow.notice(nowMs);
    notice.hidden = !busy;
    if (busy) notice.textContent = words.busy(busy.shown, busy.of);
  }

  function back(): void {
    if (!flow.held()) return;
    append(flow.release());
    flush();
  }
  pill.addEventListener("click", () => {
    list.scrollTop = list.scrollHeight;
    back();
    list.focus({ preventScroll: true });
  });
  list.addEventListener("scroll", () => {
    if (!away()) back();
  });

  const flushing = setInterval(flush, FLUSH_MS);
  const saying = setInterval(() => {
    if (!unsaidCount) return;
    options.say(
      unsaidCount > 2
        ? words.newComments(unsaidCount)
        : unsaid.map((comment) => `${comment.user || words.guest}: ${comment.text}`).join(". "),
    );
    unsaid = [];
    unsaidCount = 0;
  }, SAY_MS);

  function gap(text: string): void {
    if (list.childElementCount) list.append(make("li", { class: "gap" }, text));
  }

  const listeners: Talk["listeners"] = {
    comment(comment) {
      // History comes in one piece, however much it is, and is not news.
      if (comment.history) return append([comment]);
      flow.push(comment);
      unsaidCount++;
      if (unsaid.length < 2) unsaid.push(comment);
    },
    retract({ id }) {
      flow.drop((comment) => comment.id === id);
      unsaid = unsaid.filter((comment) => comment.id !== id);
      for (const item of list.children) {
        if ((item as HTMLElement).dataset.id === id) item.remove();
      }
      showEmpty();
    },
    reset({ reason }) {
      // What was deleted is not to stay on anybody's page.
      if (!options.recorded && reason !== "deleted") return gap(words.missed);
      flow.drop(() => true);
      unsaid = [];
      list.replaceChildren();
      showEmpty();
    },
    passed({ why, comments }) {
      if (why === "full" && comments > 0) gap(words.passed(comments));
    },
  };

  return {
    element,
    user,
    listeners,
    seen({ phase }) {
      isKnown = phase === "empty";
      if (isKnown) options.say(words.nothing);
      showEmpty();
    },
    known() {
      isKnown ||= !options.recorded;
      showEmpty();
    },
    stop() {
      clearInterval(flushing);
      clearInterval(saying);
    },
  };
}

function createForm({ words, user, send }: TalkOptions): { form: HTMLFormElement; user: () => string } {
  const name = make("input", {
    part: "field",
    name: "user",
    maxlength: 64,
    autocomplete: "nickname",
    placeholder: words.nameHint,
    "aria-label": words.name,
    value: user || remembered(),
  });
  const text = make("input", {
    part: "field",
    name: "text",
    maxlength: 500,
    autocomplete: "off",
    enterkeyhint: "send",
    placeholder: words.say,
    "aria-label": words.say,
    dir: "auto",
  });
  const button = make(
    "button",
    { class: "send", part: "send", "aria-label": words.sendComment, title: words.sendComment },
    glyph(glyphs.send),
  );
  const wrong = make("p", { class: "wrong", role: "alert" });
  const form = make(
    "form",
    { class: "say", part: "form", novalidate: true },
    name,
    make("div", { class: "line" }, text, button),
    wrong,
  );
  name.addEventListener("change", () => remember(name.value.trim()));

  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const said = text.value.trim();
    if (!said || form.classList.contains("sending")) return;
    // The comment shows when it comes back with its place in the order; until then the form says so.
    form.classList.add("sending");
    text.value = "";
    wrong.textContent = "";
    send(said)
      .catch((error: Error) => {
        wrong.textContent = words.refused(error.message);
        if (!text.value) text.value = said;
      })
      .finally(() => form.classList.remove("sending"));
  });
  return { form, user: () => name.value.trim() };
}
