/**
 * The connection badge: one word and one number about how live this is.
 *
 * What it says comes from the client's `State` alone; the countdown ticks here, because a state is told
 * once and a second passes by itself. Changes of phase are told to screen readers, the countdown is not.
 */
import type { State } from "../types.ts";
import { make } from "./dom.ts";
import { localeOf, type Words } from "./words.ts";

/** What the badge reads for a state at `nowMs`. */
export function badgeText(words: Words, state: State, nowMs: number): string {
  const unit = (ms: number) => {
    const [value, name] = ms < 1000 ? [Math.max(1, Math.round(ms)), "millisecond"] : [ms / 1000, "second"];
    const format = { style: "unit", unit: name, maximumFractionDigits: 1 } as const;
    return new Intl.NumberFormat(localeOf(words), format).format(value);
  };
  switch (state.phase) {
    case "live":
    case "lagging": {
      const word = state.stale ? words.stale : words[state.phase];
      if (state.via === "poll") return `${word} · ${words.viaPoll}`;
      return state.latencyMs === undefined || state.stale ? word : `${word} · ${unit(state.latencyMs)}`;
    }
    case "reconnecting":
      return words.reconnecting(Math.max(0, Math.ceil(((state.retryAt ?? nowMs) - nowMs) / 1000)));
    default:
      return words[state.phase];
  }
}

export interface Badge {
  readonly element: HTMLElement;
  show(state: State): void;
  /** What it says instead of being live: a recording, a video that is over; undefined: live again. */
  instead(word: string | undefined): void;
  stop(): void;
}

/** `say` is told each change of phase, for those who cannot see the badge. */
export function createBadge(words: Words, say: (text: string) => void): Badge {
  const text = make("span", {});
  const element = make("span", { class: "badge", part: "badge" }, make("i", { class: "dot" }), text);
  let state: State = { phase: "connecting", via: "stream" };
  let saidPhase = "connecting";
  let word: string | undefined;

  function draw(): void {
    const isLive = state.phase === "live" || state.phase === "connecting";
    const next = word && isLive ? word : badgeText(words, state, Date.now());
    if (text.textContent !== next) text.textContent = next;
    element.dataset.phase = word && isLive ? "past" : state.phase;
  }
  const ticking = setInterval(() => {
    if (state.phase === "reconnecting") draw();
  }, 250);
  draw();

  return {
    element,
    show(next) {
      state = next;
      draw();
      const trouble = next.phase === "live" || next.phase === "connecting" ? "" : next.phase;
      // Passing trouble is not worth a word: the first connection, and a line that was never lost.
      if (trouble !== saidPhase && !(saidPhase === "connecting" && !trouble))
        say(badgeText(words, next, Date.now()));
      saidPhase = trouble;
    },
    instead(next) {
      word = next;
      draw();
    },
    stop: () => clearInterval(ticking),
  };
}
