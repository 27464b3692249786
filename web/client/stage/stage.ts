/**
 * `<ovation-stage video="…">`: the whole thing in one tag. The demo page is this element and a frame.
 *
 *     <script type="module" src="https://your.host/ovation-stage.js"></script>
 *     <ovation-stage video="final"></ovation-stage>
 *
 * Attributes: `video` (its id); `src` (a real video file instead of the drawn match); `server` (default: where
 * this script came from); `lang` (en, ar; default: the page's, then the browser's); `theme` (dark, light;
 * default: the system's); `user` (a name, fixed by the page); `hotkeys` (space and 1…9 work wherever the focus
 * is, not only inside); `alone` (a connection of its own instead of one for all tabs, so it counts as a viewer
 * of its own). Slots: `brand`, `menu`, `tools`. Property `token`: the client's hook.
 * The element joins parts that know nothing of each other; each part is one file beside this one.
 */
import { type Client, createClient } from "../client.ts";
import { createHearts, type Hearts } from "../hearts.ts";
import type { ConnectOptions, Likes, State, Watch } from "../types.ts";
import { createBadge } from "./badge.ts";
import { type Broadcast, createBroadcast } from "./broadcast.ts";
import { glyph, glyphs, make } from "./dom.ts";
import { browserStore, createLiked } from "./liked.ts";
import { createOdometer } from "./odometer.ts";
import pictureCss from "./picture.css" with { type: "text" };
import { createReactions, type Reactions } from "./reactions.ts";
import stageCss from "./stage.css" with { type: "text" };
import talkCss from "./talk.css" with { type: "text" };
import { createTalk } from "./talk.ts";
import { createTally } from "./tally.ts";
import wideCss from "./wide.css" with { type: "text" };
import { localeOf, type Words, wordsFor } from "./words.ts";

const KINDS = ["heart", "clap", "laugh", "wow", "fire"];
const CONFIG_MS = 3000;
/** The number on screen follows own taps and arriving totals this often. */
const COUNT_MS = 100;

const clients = new Map<string, Client>();

/** One client per server and page: stages beside each other share its connection. */
function clientOf(url: string, token: ConnectOptions["token"], share: boolean): Client {
  const name = `${share} ${url}`;
  const client = clients.get(name) ?? createClient({ url, share, ...(token && { token }) });
  clients.set(name, client);
  return client;
}

interface Point {
  readonly x: number;
  readonly y: number;
}

/** What a stage must know of its server. */
interface Config {
  readonly kinds: readonly string[];
  /** Each viewer likes once, and can take it back. */
  readonly once: boolean;
}

/** What this server says of itself; the usual if it does not within `CONFIG_MS`. */
async function configOf(base: string): Promise<Config> {
  try {
    const answer = await fetch(new URL("v1/config", base), { signal: AbortSignal.timeout(CONFIG_MS) });
    const { kinds, likeMode } = (await answer.json()) as { kinds?: string[]; likeMode?: string };
    return { kinds: kinds?.length ? kinds : KINDS, once: likeMode === "once" };
  } catch {
    return { kinds: KINDS, once: false };
  }
}

export class OvationStage extends HTMLElement {
  static readonly observedAttributes = ["video", "src", "server", "lang"];
  /** Gives the viewer's token; set before the element is connected. */
  token: ConnectOptions["token"];
  #stop: (() => void)[] = [];
  #turn = 0;

  connectedCallback(): void {
    if (!this.shadowRoot) {
      const sheet = new CSSStyleSheet();
      sheet.replaceSync([stageCss, pictureCss, talkCss, wideCss].join(""));
      this.attachShadow({ mode: "open" }).adoptedStyleSheets = [sheet];
    }
    void this.#start();
  }

  disconnectedCallback(): void {
    this.#turn++;
    for (const stop of this.#stop.splice(0)) stop();
  }

  attributeChangedCallback(_name: string, before: string | null, after: string | null): void {
    if (before === after || !this.isConnected || !this.shadowRoot) return;
    this.disconnectedCallback();
    void this.#start();
  }

  async #start(): Promise<void> {
    const turn = ++this.#turn;
    const base = new URL(".", new URL(this.getAttribute("server") ?? import.meta.url, location.href)).href;
    const config = await configOf(base);
    if (turn !== this.#turn) return;
    const words = wordsFor(this.lang, document.documentElement.lang, navigator.language);
    this.#stop.push(build(this, base, config, words));
  }
}

/** Puts everything together in the element; the answer takes it apart. */
function build(host: OvationStage, base: string, { kinds, once }: Config, words: Words): () => void {
  const video = host.getAttribute("video") ?? "demo";
  const said = make("div", { class: "unseen", role: "status" });
  const say = (text: string) => {
    said.textContent = text;
  };
  const tally = createTally(() => Date.now());
  const badge = createBadge(words, say);
  const odometer = createOdometer(localeOf(words), words.reactions);
  const watching = make("span", { class: "watching" });
  const count = make("span", {}, "–");
  watching.append(glyph(glyphs.eye), count);
  const number = new Intl.NumberFormat(localeOf(words));
  let watch: Watch | undefined;
  let hearts: Hearts | undefined;

  function float(kind: string, taps: number, at = reactions.centre(kind)): void {
    const box = heartsCanvas.getBoundingClientRect();
    hearts?.own(kind, taps, at && { x: at.x - box.x, y: Math.min(at.y - box.y, box.height) - 16 });
  }

  function tap(kind: string, taps: number, at?: Point): void {
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
    say,
    send(text) {
      if (watch) watch.user = talk.user() || undefined;
      return watch?.comment(text) ?? Promise.reject(new Error(words.offline));
    },
  });
  const heartsCanvas = make("canvas", { class: "hearts", "aria-hidden": "true" });
  const picture = createPicture(host, words);
  const stage = make(
    "div",
    { class: "stage", dir: words.dir, lang: words.lang },
    make(
      "section",
      { class: "picture", "aria-label": words.picture },
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
      make(
        "div",
        { class: "total" },
        odometer.element,
        make("span", { class: "caption" }, words.reactionsCaption),
      ),
      make("slot", { name: "tools" }),
      reactions.element,
    ),
    talk.element,
    said,
  );
  host.shadowRoot?.replaceChildren(stage);
  hearts = createHearts(heartsCanvas, {
    from: (width, height) => riseFrom(reactions, heartsCanvas, width, height),
  });

  function showCounts(): void {
    odometer.show(tally.sum());
    for (const kind of kinds) reactions.count(kind, tally.shown(kind));
  }
  const counting = setInterval(showCounts, COUNT_MS);
  const rate = createRate((perSecond) => picture.broadcast?.excite(perSecond));

  watch = clientOf(base, host.token, !host.hasAttribute("alone")).watch(video, {
    likes(event) {
      tally.totals(event.totals);
      hearts?.totals(event.totals);
      rate.likes(event);
    },
    comment: talk.comment,
    viewers({ viewers }) {
      count.textContent = number.format(viewers);
      watching.title = words.watching(viewers);
    },
    state(state: State) {
      badge.show(state);
      host.dispatchEvent(new CustomEvent("ovation-state", { detail: state }));
    },
    retract: ({ id }) => talk.retract(id),
    reset() {
      tally.reset();
      talk.gap();
    },
  });
  const unlisten = listenForKeys(host, reactions);
  picture.element.addEventListener("pointerdown", (event) => {
    const at = { x: event.clientX, y: event.clientY + 16 };
    // A tap on the picture likes; only the button takes a like back.
    if (event.button !== 0 || !kinds[0] || (once && liked.has(kinds[0]))) return;
    tap(kinds[0], 1, at);
  });

  return () => {
    watch?.close();
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
): { x: number; y: number; spread: number } {
  const box = canvas.getBoundingClientRect();
  const centre = reactions.centre(reactions.kinds[0] ?? "");
  if (!centre) return { x: width - 48, y: height - 48, spread: 28 };
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

/** An address a video may come from; anything else (`javascript:` and the like) is no video. */
function playable(src: string | null): string | undefined {
  if (!src || !URL.canParse(src, location.href)) return;
  const { href, protocol } = new URL(src, location.href);
  return /^(https?|blob):$/.test(protocol) ? href : undefined;
}

/** The drawn match, or the video of `src`: muted at first, because browsers start nothing else by itself. */
function createPicture(host: HTMLElement, words: Words): { element: HTMLElement; broadcast?: Broadcast } {
  const src = playable(host.getAttribute("src"));
  if (!src) {
    const canvas = make("canvas", { class: "broadcast", "aria-hidden": "true" });
    const light = matchMedia("(prefers-color-scheme: light)");
    const theme = () => {
      const asked = host.getAttribute("theme");
      return (asked === "light" || asked === "dark" ? asked : light.matches ? "light" : "dark") as
        | "dark"
        | "light";
    };
    return { element: canvas, broadcast: createBroadcast(canvas, theme) };
  }
  const film = make("video", { src, playsinline: true, loop: true, autoplay: true });
  film.muted = true;
  const sound = make("button", { type: "button", class: "sound" });
  const show = () => {
    sound.replaceChildren(glyph(film.muted ? glyphs.muted : glyphs.sound));
    sound.setAttribute("aria-label", film.muted ? words.sound : words.mute);
  };
  sound.addEventListener("pointerdown", (event) => event.stopPropagation());
  sound.addEventListener("click", () => {
    film.muted = !film.muted;
    void film.play().catch(() => {});
    show();
  });
  show();
  return { element: make("div", { class: "film" }, film, sound) };
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

if (!customElements.get("ovation-stage")) customElements.define("ovation-stage", OvationStage);
