/**
 * What a video takes, as moderators have set it: whether it is open, slow mode, the hold for review, comments
 * on or off or of one role only; and the video deleted, behind a question. Only what is changed here is sent.
 */
import { make } from "../client/stage/dom.ts";

const SLOW_MODES: readonly (readonly [number, string])[] = [
  [0, "No slow mode"],
  [5000, "One per 5 s"],
  [15_000, "One per 15 s"],
  [60_000, "One per minute"],
];

const HOLDS: readonly (readonly [number, string])[] = [
  [0, "No hold"],
  [2000, "Hold 2 s"],
  [5000, "Hold 5 s"],
  [10_000, "Hold 10 s"],
];

export interface VideoRules {
  readonly state?: "open" | "closed";
  readonly slowModeMs: number;
  readonly comments: "on" | "off";
  /** The role whose comments are taken; empty: everybody's. */
  readonly only?: string;
  readonly holdMs?: number;
}

export const noRules: VideoRules = { state: "open", slowModeMs: 0, comments: "on", only: "", holdMs: 0 };

export interface Rules {
  readonly element: HTMLElement;
  show(rules: VideoRules): void;
  /** What viewers are told of it, which is also known of a video whose rules have left memory. */
  close(isClosed: boolean): void;
}

export interface RulesOptions {
  change(change: Partial<VideoRules>): void;
  remove(): void;
}

/** Chooses `ms`, as an option of its own where it is none of the usual. */
function select(from: HTMLSelectElement, ms: number, name: string): void {
  const value = String(ms);
  if (![...from.options].some((option) => option.value === value)) {
    from.append(make("option", { value }, `${name} ${ms / 1000} s`));
  }
  from.value = value;
}

const optionsOf = (all: readonly (readonly [number, string])[]) =>
  all.map(([ms, name]) => make("option", { value: ms }, name));

export function createRules({ change, remove }: RulesOptions): Rules {
  const slow = make("select", { "aria-label": "Slow mode" }, ...optionsOf(SLOW_MODES));
  const hold = make(
    "select",
    { "aria-label": "Hold for review", title: "How long only moderators see a comment" },
    ...optionsOf(HOLDS),
  );
  const comments = make("button", { type: "button", "aria-pressed": "true" }, "Comments on");
  const only = make("input", {
    ...{ name: "only", "aria-label": "Only of role", placeholder: "Only of role…", maxlength: 128, size: 13 },
    title: "Comments only of those whose token has this role; empty: of everybody",
  });
  const state = make("button", { type: "button", class: "state-of" }, "Close video");
  const gone = make("button", { type: "button", class: "delete" }, "Delete video");
  let isOn = true;
  let isClosed = false;

  function setOn(on: boolean): void {
    isOn = on;
    comments.setAttribute("aria-pressed", String(on));
    comments.textContent = on ? "Comments on" : "Comments off";
  }
  function close(closed: boolean): void {
    isClosed = closed;
    state.textContent = closed ? "Open again" : "Close video";
    state.title = closed
      ? "It takes likes and comments again"
      : "It is over: watched as before, takes nothing";
  }
  close(false);

  slow.addEventListener("change", () => change({ slowModeMs: Number(slow.value) }));
  hold.addEventListener("change", () => change({ holdMs: Number(hold.value) }));
  only.addEventListener("change", () => change({ only: only.value.trim() }));
  comments.addEventListener("click", () => {
    setOn(!isOn);
    change({ comments: isOn ? "on" : "off" });
  });
  state.addEventListener("click", () => change({ state: isClosed ? "open" : "closed" }));
  gone.addEventListener("click", remove);

  return {
    element: make("div", { class: "controls", hidden: true }, slow, hold, comments, only, state, gone),
    show(rules) {
      select(slow, rules.slowModeMs, "One per");
      select(hold, rules.holdMs ?? 0, "Hold");
      setOn(rules.comments === "on");
      // Not from under somebody who is writing.
      if (document.activeElement !== only) only.value = rules.only ?? "";
      if (rules.state) close(rules.state === "closed");
    },
    close,
  };
}
