/**
 * The reaction buttons: a tap sends one, holding sends more and more quickly, and so does the keyboard.
 *
 * A *press* (finger, mouse, key held down) makes taps over time; a *click* that no press came before is a
 * screen reader or a switch, and makes one (src/system/page.test.ts).
 * Where each viewer likes once, a press is one tap however long it lasts, and the buttons stay pressed.
 */
import { iconElement } from "../icons.ts";
import { make } from "./dom.ts";
import { localeOf, type Words } from "./words.ts";

const HOLD_AFTER_MS = 320;
const HOLD_EVERY_MS = 120;
/** A click so soon after a press is the press's own. */
const CLICK_OF_PRESS_MS = 700;

export interface Reactions {
  readonly element: HTMLElement;
  /** Shows the total of a kind beside its button. */
  count(kind: string, total: number): void;
  /** Starts pressing by keyboard; `release` ends it. */
  press(kind: string): void;
  release(): void;
  /** Shows whether this viewer likes; only where each likes once. */
  pressed(kind: string, liked: boolean): void;
  /** Where a button's centre is, in client coordinates. */
  centre(kind: string): { x: number; y: number } | undefined;
  readonly kinds: readonly string[];
}

export function createReactions(
  kinds: readonly string[],
  words: Words,
  tap: (kind: string, count: number) => void,
  once = false,
): Reactions {
  const short = new Intl.NumberFormat(localeOf(words), { notation: "compact", maximumFractionDigits: 1 });
  const buttons = new Map<string, { button: HTMLElement; label: string; total: HTMLElement }>();
  let holding: ReturnType<typeof setTimeout> | undefined;
  let pressedMs = 0;

  function release(): void {
    clearTimeout(holding);
    holding = undefined;
  }

  function press(kind: string): void {
    release();
    pressedMs = performance.now();
    tap(kind, 1);
    if (once) return;
    let round = 0;
    const more = () => {
      // The longer, the more: one, then two, … up to four a beat.
      tap(kind, Math.min(4, 1 + Math.floor(round++ / 8)));
      holding = setTimeout(more, HOLD_EVERY_MS);
    };
    holding = setTimeout(more, HOLD_AFTER_MS);
  }

  function bump(button: HTMLElement): void {
    button.classList.remove("bump");
    requestAnimationFrame(() => button.classList.add("bump"));
  }

  const element = make("div", {
    class: "dock",
    part: "reactions",
    role: "group",
    "aria-label": words.reactionsGroup,
  });
  for (const kind of kinds) {
    const total = make("span", { class: "count", "aria-hidden": "true" });
    const label = words.send(kind);
    const button = make(
      "button",
      {
        type: "button",
        class: "react",
        part: "reaction",
        "aria-label": label,
        title: label,
        "aria-pressed": once ? "false" : undefined,
      },
      iconElement(kind),
      total,
    );
    button.dataset.kind = kind;
    button.addEventListener("pointerdown", (event) => {
      if (event.button !== 0) return;
      button.setPointerCapture(event.pointerId);
      if (event.pointerType === "touch") navigator.vibrate?.(8);
      press(kind);
      bump(button);
    });
    for (const end of ["pointerup", "pointercancel", "lostpointercapture"])
      button.addEventListener(end, release);
    button.addEventListener("contextmenu", (event) => event.preventDefault());
    button.addEventListener("click", () => {
      if (performance.now() - pressedMs < CLICK_OF_PRESS_MS || holding) return;
      tap(kind, 1);
      bump(button);
    });
    buttons.set(kind, { button, label, total });
    element.append(button);
  }

  return {
    element,
    kinds,
    count(kind, total) {
      const shown = buttons.get(kind);
      const text = total > 0 ? short.format(total) : "";
      if (!shown || shown.total.textContent === text) return;
      shown.total.textContent = text;
      // Whoever speaks to a button says what is to be read on it (WCAG 2.5.3).
      shown.button.setAttribute("aria-label", text === "" ? shown.label : `${shown.label}, ${text}`);
    },
    press(kind) {
      if (holding) return;
      press(kind);
      const button = buttons.get(kind)?.button;
      if (button) bump(button);
    },
    release,
    pressed: (kind, liked) => buttons.get(kind)?.button.setAttribute("aria-pressed", String(liked)),
    centre(kind) {
      const box = buttons.get(kind)?.button.getBoundingClientRect();
      return box && { x: box.x + box.width / 2, y: box.y + box.height / 2 };
    },
  };
}
