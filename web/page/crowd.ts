/**
 * The crowd slider: asks the server for simulated fans, so that a visitor alone sees a stadium.
 *
 * There only when the server was started for it and this visitor may call a crowd: `GET /v1/demo` answers
 * 200 with how many there are.
 * The scale is logarithmic, because ten fans and twenty feel as different as a thousand and two.
 */
import { make } from "../client/stage/dom.ts";
import type { Labels } from "./labels.ts";

const STEPS = 100;
const FANS_MAX = 10_000;
const SEND_AFTER_MS = 150;

/** Position 0…STEPS to fans: 0 is nobody, then 1…max evenly in logarithm, rounded to two digits. */
export function fansAt(step: number, max = FANS_MAX): number {
  if (step <= 0) return 0;
  const fans = Math.exp((Math.log(max) * (step - 1)) / (STEPS - 1));
  const unit = 10 ** Math.max(0, Math.floor(Math.log10(fans)) - 1);
  return Math.round(fans / unit) * unit;
}

/** The position that stands for so many fans. */
export function stepOf(fans: number, max = FANS_MAX): number {
  if (fans < 1) return 0;
  return Math.min(STEPS, Math.round(1 + (Math.log(fans) / Math.log(max)) * (STEPS - 1)));
}

/**
 * The slider; where the server has no crowd, lets anybody in and stands on the visitor's own machine, how to
 * get one; else nothing.
 */
export async function createCrowd(labels: Labels): Promise<HTMLElement | undefined> {
  const config = await fetch("/v1/config").then(
    (answer) => answer.json() as Promise<{ demo?: boolean; auth?: string }>,
    () => undefined,
  );
  if (!config?.demo) return config?.auth === "open" && isHere() ? hintOf(labels) : undefined;
  const answer = await fetch("/v1/demo").catch(() => undefined);
  if (!answer?.ok) return;
  const { fans, max = FANS_MAX } = (await answer.json()) as { fans: number; max?: number };
  const shown = make("output", {}, labels.fans(fans));
  const slider = make("input", {
    type: "range",
    min: 0,
    max: STEPS,
    value: stepOf(fans, max),
    "aria-label": labels.crowd,
  });
  slider.setAttribute("aria-valuetext", labels.fans(fans));
  let sending: ReturnType<typeof setTimeout> | undefined;
  slider.addEventListener("input", () => {
    const wanted = fansAt(slider.valueAsNumber, max);
    shown.textContent = labels.fans(wanted);
    slider.setAttribute("aria-valuetext", labels.fans(wanted));
    clearTimeout(sending);
    sending = setTimeout(() => {
      const init = {
        method: "PUT",
        headers: { "content-type": "application/json" },
        body: JSON.stringify({ fans: wanted }),
      };
      // The next move of the slider tries again; the number shown is a wish either way. Whoever may not call
      // a crowd, as visitors from elsewhere may not, cannot move it any more.
      fetch("/v1/demo", init).then(
        ({ status }) => {
          slider.disabled = status === 401 || status === 403;
        },
        () => {},
      );
    }, SEND_AFTER_MS);
  });
  return make("label", { class: "crowd", slot: "tools" }, make("span", {}, labels.crowd), slider, shown);
}

function isHere(): boolean {
  return ["localhost", "127.0.0.1", "[::1]"].includes(location.hostname);
}

function hintOf(labels: Labels): HTMLElement {
  const [before, after] = labels.noCrowd.split("#");
  return make("p", { class: "hint", slot: "tools" }, before ?? "", make("code", {}, "--demo"), after ?? "");
}
