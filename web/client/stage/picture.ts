/**
 * What the stage's picture is: the page's own player in the slot `player`, the video file of `src`, or the
 * drawn match.
 */
import { type Broadcast, createBroadcast } from "./broadcast.ts";
import { glyph, glyphs, make } from "./dom.ts";
import type { Words } from "./words.ts";

export interface Picture {
  readonly element: HTMLElement;
  /** Only of the drawn match: what its crowd hears. */
  readonly broadcast?: Broadcast;
  /** The page's own: taps on it are its controls'. */
  readonly isForeign?: boolean;
}

/** An address a video may come from; anything else (`javascript:` and the like) is no video. */
function playable(src: string | null): string | undefined {
  if (!src || !URL.canParse(src, location.href)) return;
  const { href, protocol } = new URL(src, location.href);
  return /^(https?|blob):$/.test(protocol) ? href : undefined;
}

/** Whether the page has put a player of its own into the stage. */
export const hasPlayer = (host: HTMLElement) =>
  [...host.children].some((child) => child.getAttribute("slot") === "player");

/** `broadcast` and `film` are muted at first, because browsers start nothing else by itself. */
export function createPicture(host: HTMLElement, words: Words): Picture {
  if (hasPlayer(host)) {
    return { element: make("div", { class: "film" }, make("slot", { name: "player" })), isForeign: true };
  }
  const src = playable(host.getAttribute("src"));
  if (src) return { element: film(src, words) };
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

function film(src: string, words: Words): HTMLElement {
  const video = make("video", { src, playsinline: true, loop: true, autoplay: true });
  video.muted = true;
  const sound = make("button", { type: "button", class: "sound" });
  const show = () => {
    sound.replaceChildren(glyph(video.muted ? glyphs.muted : glyphs.sound));
    sound.setAttribute("aria-label", video.muted ? words.sound : words.mute);
  };
  sound.addEventListener("pointerdown", (event) => event.stopPropagation());
  sound.addEventListener("click", () => {
    video.muted = !video.muted;
    void video.play().catch(() => {});
    show();
  });
  show();
  return make("div", { class: "film" }, video, sound);
}
