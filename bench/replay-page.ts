/**
 * The page of bench/replay.ts: a recording's hearts and comments as a page shows them, over a film without
 * pictures, and what its viewer waits for.
 */
import { createHearts } from "../web/client/hearts.ts";
import { type Replay, replay } from "../web/client/replay.ts";
import { SilentTape } from "../web/page/tape.ts";

const ROWS_MAX = 150;

let again: Replay | undefined;
let tape: SilentTape | undefined;
let told = () => {};

/** Resolves once what stands at the film's place was told, and drawn. */
function shown(): Promise<void> {
  return new Promise((done) => {
    told = () => requestAnimationFrame(() => done());
  });
}

const page = {
  /** Starts the replay of `seconds` from `url`; ms until what was there at first is on the page. */
  async start(url: string, seconds: number): Promise<number> {
    const begun = performance.now();
    const canvas = document.createElement("canvas");
    canvas.style.cssText = "width:320px;height:400px";
    const list = document.createElement("ol");
    document.body.append(canvas, list);
    const hearts = createHearts(canvas);
    tape = new SilentTape(seconds);
    tape.currentTime = seconds / 2;
    const done = shown();
    again = replay("match", {
      url,
      media: tape,
      likes({ totals, quiet }) {
        hearts.totals(totals, quiet);
        document.title = String(totals.heart);
        if (quiet) told();
      },
      comment({ user, text }) {
        const row = document.createElement("li");
        row.textContent = `${user}: ${text}`;
        list.append(row);
        if (list.childElementCount > ROWS_MAX) list.firstElementChild?.remove();
      },
      reset: () => list.replaceChildren(),
    });
    await done;
    return performance.now() - begun;
  },
  /** Winds to `second`; ms until what was there is on the page. */
  async seek(second: number): Promise<number> {
    const begun = performance.now();
    const done = shown();
    if (tape) tape.currentTime = second;
    await done;
    return performance.now() - begun;
  },
  play: () => tape?.play(),
  kept: () => again?.kept() ?? 0,
};
Object.assign(globalThis, { bench: page });
export type ReplayPage = typeof page;
