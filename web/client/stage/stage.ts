/**
 * `<ovation-stage video="…">`: the whole thing in one tag. The demo page is this element and a frame.
 *
 *     <script type="module" src="https://your.host/ovation-stage.js"></script>
 *     <ovation-stage video="final"></ovation-stage>
 *
 * Attributes: `video` (its id); `src` (a real video file instead of the drawn match); `server` (default:
 * where this script came from); `lang` (one of languages.ts; default: the page's, then the browser's);
 * `theme` (dark, light; default: the system's); `user` (a name, fixed by the page); `hotkeys` (space and 1…9
 * work wherever the focus is, not only inside); `alone` (a connection of its own instead of one for all tabs,
 * so it counts as a viewer of its own). Slots: `player` (the page's own, instead of the picture), `brand`, `menu`,
 * `tools`, `under`. Properties: `token`, the client's hook; `playhead`, which picture the player shows;
 * `recording`, to show what was done before. The element joins parts that know nothing of each other; each is
 * one file beside this one.
 */

import { HELD_MS } from "../align.ts";
import { createHearts, type Hearts } from "../hearts.ts";
import type { ReplayState } from "../replay.ts";
import type { Likes, Listeners, State, Watch } from "../types.ts";
import { createBadge } from "./badge.ts";
import cardCss from "./card.css" with { type: "text" };
import { glyph, glyphs, make } from "./dom.ts";
import { type Config, define, lineOf, OvationElement, type Source } from "./element.ts";
import { browserStore, createLiked } from "./liked.ts";
import { createOdometer } from "./odometer.ts";
import pictureCss from "./picture.css" with { type: "text" };
import { createPicture, hasPlayer } from "./picture.ts";
import { createReactions, type Reactions } from "./reactions.ts";
import stageCss from "./stage.css" with { type: "text" };
import talkCss from "./talk.css" with { type: "text" };
import { createTalk } from "./talk.ts";
import { createTally, FLOOR_MS } from "./tally.ts";
import { createTrouble } from "./trouble.ts";
import underCss from "./under.css" with { type: "text" };
import wideCss from "./wide.css" with { type: "text" };
import { localeOf, type Words } from "./words.ts";

/** The number on screen follows own taps and arriving totals this often. */
const COUNT_MS = 100;

interface Point {
  readonly x: number;
  readonly y: number;
}

export class OvationStage extends OvationElement {
  protected readonly css = [
    ...[stageCss, pictureCss, talkCss, wideCss],
    ...[`@container (min-width: 860px) {${cardCss}}`, underCss],
  ].join("");
  /** A player that the page adds or takes away later changes the picture. */
  readonly #children = new MutationObserver(() => {
    if (hasPlayer(this) !== this.#hadPlayer) this.restart();
  });
  #hadPlayer = false;

  protected build(base: string, config: Config, words: Words): () => void {
    this.#hadPlayer = hasPlayer(this);
    this.#children.observe(this, { childList: true });
    const take = build(this, base, config, words, (...heard) => this.follow(base, ...heard));
    return () => {
      this.#children.disconnect();
      take();
    };
  }
}

/** Puts everything together in the element; the answer takes it apart. */
function build(
  host: OvationStage,
  base: string,
  { kinds, once }: Config,
  words: Words,
  follow: (listeners: Listeners, seen: (state: ReplayState) => void) => Source,
): () => void {
  const { video } = host;
  const recorded = !!host.recording;
  const said = make("div", { class: "unseen", role: "status" });
  const say = (text: string) => {
    said.textContent = text;
  };
  // Own taps stand until the totals that hold them have waited for this viewer's picture.
  const floorMs = () => FLOOR_MS + (host.playhead ? HELD_MS : 0);
  const tally = createTally(() => Date.now(), floorMs);
  const badge = createBadge(words, say);
  const odometer = createOdometer(localeOf(words), words.reactions);
  const caption = make("span", { class: "caption" }, words.reactionsCaption(0));
  const trouble = createTrouble({ base, video, words, token: () => host.token?.(false) });
  const watching = make("span", { class: "watching", part: "watching", hidden: true });
  const count = make("span", {}, "–");
  watching.append(glyph(glyphs.eye), count);
  const number = new Intl.NumberFormat(localeOf(words));
  let watch: Watch | undefined;
  let hearts: Hearts | undefined;

  function float(kind: string, taps: number, at = reactions.centre(kind)): void {
    const box = heartsCanvas.getBoundingClientRect();
    hearts?.own(kind, taps, at && { x: at.x - box.x, y: Math.min(at.y - box.y, box.height) - 16 });
  }

  /** Closed: it takes nothing more. */
  let isOver = false;

  function tap(kind: string, taps: number, at?: Point): void {
    if (isOver) return;
    if (once) {
      setLike(kind, !liked.has(kind), at);
      return;
    }
    tally.tapped(kind, taps);
    float(kind, taps, at);
    showCounts();
    watch?.like(kind, taps).then(
      () => tally.answered(kind, taps, true),
      (error: Error) => {
        tally.answered(kind, taps, false);
        hearts?.own(kind, -taps);
        say(words.refused(error.message));
      },
    );
  }

  const liked = createLiked(base, video, browserStore());
  /** By kind, the newest wish: only its refusal changes what is shown. */
  const newest = new Map<string, object>();

  /** Shows at once what this viewer wants; the number follows the server. */
  function setLike(kind: string, wanted: boolean, at?: Point): void {
    const show = (likes: boolean) => {
      liked.set(kind, likes);
      reactions.pressed(kind, likes);
    };
    const wish = {};
    newest.set(kind, wish);
    show(wanted);
    if (wanted) float(kind, 1, at);
    watch?.setLike(kind, wanted).catch((error: Error) => {
      if (newest.get(kind) === wish) show(!wanted);
      if (wanted) hearts?.own(kind, -1);
      say(words.refused(error.message));
    });
  }

  const reactions = createReactions(kinds, words, tap, once);
  if (once) for (const kind of kinds) reactions.pressed(kind, liked.has(kind));
  const talk = createTalk({
    words,
    user: host.getAttribute("user") ?? "",
    recorded,
    say,
    send(text) {
      if (watch) watch.user = talk.user() || undefined;
      return watch?.comment(text) ?? Promise.reject(new Error(words.offline));
    },
  });
  const heartsCanvas = make("canvas", { class: "hearts", part: "hearts", "aria-hidden": "true" });
  const picture = createPicture(host, words);
  const under = make("slot", { name: "under" });
  under.addEventListener("slotchange", () => {
    stage.classList.toggle("has-under", under.assignedElements().length > 0);
  });
  const stage = make(
    "div",
    { class: "stage", dir: words.dir, lang: words.lang },
    make(
      "section",
      { class: "picture", part: "picture", "aria-label": words.picture },
      picture.element,
      make("div", { class: "shade" }),
      heartsCanvas,
      make(
        "div",
        { class: "top" },
        make("slot", { name: "brand" }),
        make("div", { class: "facts" }, badge.element, watching),
        make("slot", { name: "menu" }),
      ),
      make("div", { class: "total", part: "total" }, odometer.element, caption),
      trouble.element,
      make("slot", { name: "tools" }),
      ...(recorded ? [] : [reactions.element]),
    ),
    under,
    talk.element,
    said,
  );
  host.shadowRoot?.replaceChildren(make("div", { class: "frame" }, stage));
  hearts = createHearts(heartsCanvas, {
    from: (width, height) => riseFrom(reactions, heartsCanvas, width, height, words.dir),
  });

  function showCounts(): void {
    const sum = tally.sum();
    odometer.show(sum);
    const text = words.reactionsCaption(sum);
    if (caption.textContent !== text) caption.textContent = text;
    for (const kind of kinds) reactions.count(kind, tally.shown(kind));
  }
  const counting = setInterval(showCounts, COUNT_MS);
  const rate = createRate((perSecond) => picture.broadcast?.excite(perSecond));

  const listeners: Listeners = {
    ...talk.listeners,
    likes(event) {
      talk.known();
      tally.totals(event.totals);
      hearts?.totals(event.totals, event.quiet);
      if (!event.quiet) rate.likes(event);
    },
    viewers({ viewers }) {
      count.textContent = number.format(viewers);
      watching.hidden = false;
      watching.title = words.watching(viewers);
    },
    state(state: State) {
      badge.show(state);
      trouble.show(state);
      host.dispatchEvent(new CustomEvent("ovation-state", { detail: state }));
    },
    closed({ closed }) {
      isOver = closed;
      stage.classList.toggle("over", closed);
      badge.instead(closed ? words.over : undefined);
      host.dispatchEvent(new CustomEvent("ovation-closed", { detail: closed }));
    },
    reset(event) {
      tally.reset();
      talk.listeners.reset(event);
    },
  };
  const source = follow(listeners, (state) => {
    talk.seen(state);
    badge.show(lineOf(state));
    trouble.show(lineOf(state));
  });
  watch = source.watch;
  if (recorded) badge.instead(words.replay);
  const unlisten = recorded ? () => {} : listenForKeys(host, reactions);
  picture.element.addEventListener("pointerdown", (event) => {
    const at = { x: event.clientX, y: event.clientY + 16 };
    // A tap on the picture likes; only the button takes a like back.
    if (recorded || picture.isForeign || event.button !== 0 || !kinds[0] || (once && liked.has(kinds[0])))
      return;
    tap(kinds[0], 1, at);
  });

  return () => {
    source.close();
    clearInterval(counting);
    rate.stop();
    badge.stop();
    talk.stop();
    hearts?.stop();
    picture.broadcast?.stop();
    unlisten();
  };
}

/** Above the main button, wherever the layout has put it; wider where there is room. */
function riseFrom(
  reactions: Reactions,
  canvas: HTMLCanvasElement,
  width: number,
  height: number,
  dir: Words["dir"],
): { x: number; y: number; spread: number } {
  const box = canvas.getBoundingClientRect();
  const centre = reactions.centre(reactions.kinds[0] ?? "");
  if (!centre?.x) return { x: dir === "rtl" ? 48 : width - 48, y: height - 48, spread: 28 };
  const spread = Math.max(18, width * 0.055);
  const x = centre.x - box.x;
  // Lean away from the nearer edge.
  return { x: x + (x > width / 2 ? -spread / 2 : spread / 2), y: centre.y - box.y - 28, spread };
}

/** Likes a second, smoothed; tells the picture twice a second. */
function createRate(tell: (perSecond: number) => void): { likes(event: Likes): void; stop(): void } {
  let before: number | undefined;
  let came = 0;
  let perSecond = 0;
  const telling = setInterval(() => {
    perSecond += (came * 2 - perSecond) * 0.4;
    came = 0;
    tell(perSecond);
  }, 500);
  return {
    likes({ totals }) {
      const sum = Object.values(totals).reduce((all, total) => all + total, 0);
      if (before !== undefined && sum > before) came += sum - before;
      before = sum;
    },
    stop: () => clearInterval(telling),
  };
}

/** Space holds the main reaction, 1…9 the others; never while someone types or turns a control. */
function listenForKeys(host: HTMLElement, reactions: Reactions): () => void {
  const target: HTMLElement | Document = host.hasAttribute("hotkeys") ? document : host;
  const down = (event: Event) => {
    const key = event as KeyboardEvent;
    if (key.ctrlKey || key.metaKey || key.altKey || key.isComposing) return;
    const focus = key.composedPath()[0];
    if (
      !(focus instanceof Element) ||
      focus.closest("input, textarea, select, a, summary, [contenteditable]")
    )
      return;
    const onReaction = focus instanceof HTMLElement ? focus.dataset.kind : undefined;
    if (focus.closest("button") && !onReaction) return;
    const kind = key.key === " " ? (onReaction ?? reactions.kinds[0]) : reactions.kinds[Number(key.key) - 1];
    if (!kind) return;
    key.preventDefault();
    if (!key.repeat) reactions.press(kind);
  };
  const up = () => reactions.release();
  target.addEventListener("keydown", down);
  target.addEventListener("keyup", up);
  window.addEventListener("blur", up);
  return () => {
    target.removeEventListener("keydown", down);
    target.removeEventListener("keyup", up);
    window.removeEventListener("blur", up);
  };
}

define("ovation-stage", OvationStage);
