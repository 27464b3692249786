/**
 * The reactions of one video over the last minutes, by kind, with the moments the crowd would remember.
 *
 * Bars, one a second, kinds on top of each other in their own colours; peaks are those of the sum
 * (history.ts) and carry their time, because an editor wants to cut there.
 */

import { hueOf } from "../client/icons.ts";
import { make } from "../client/stage/dom.ts";
import { clock, colour } from "./charts.ts";
import { type Columns, peaksOf, SECONDS_MAX } from "./history.ts";
import { short } from "./numbers.ts";

const HEIGHT_PX = 240;
const colours: Readonly<Record<string, string>> = {
  heart: "#ff3b6b",
  clap: "#f0a93a",
  laugh: "#f7cf45",
  wow: "#7f8cff",
  fire: "#ff7a2f",
};

const colourOf = (kind: string) =>
  (Object.hasOwn(colours, kind) ? colours[kind] : undefined) ?? `hsl(${hueOf(kind)} 70% 58%)`;

export interface Timeline {
  readonly element: HTMLElement;
  show(video: string, kinds: Columns | undefined): void;
}

function sums(columns: Columns): number[] {
  const all = [...columns.values.values()];
  return columns.time.map((_, index) => all.reduce((sum, column) => sum + (column[index] ?? 0), 0));
}

export function createTimeline(): Timeline {
  const canvas = make("canvas", { class: "timeline", role: "img", "aria-label": "Reactions over time" });
  const title = make("h2", {}, "Reactions");
  const key = make("p", { class: "key" });
  const peaks = make("ol", { class: "peaks" });
  const empty = make("p", { class: "empty" }, "Nobody has reacted in the last minutes.");
  const element = make("section", { class: "card reactions" }, title, empty, canvas, key, peaks);
  canvas.hidden = true;

  function draw(columns: Columns): void {
    const ratio = devicePixelRatio || 1;
    const width = canvas.clientWidth;
    canvas.width = width * ratio;
    canvas.height = HEIGHT_PX * ratio;
    const context = canvas.getContext("2d") as CanvasRenderingContext2D;
    context.scale(ratio, ratio);
    const all = sums(columns);
    const most = Math.max(1, ...all);
    // While there is little to show yet, show it large.
    const bar = width / Math.min(SECONDS_MAX, Math.max(60, columns.time.length));
    const x = (index: number) => width - (columns.time.length - index) * bar;
    const foot = HEIGHT_PX - 4;
    const scale = (foot - 34) / most;
    for (let index = 0; index < columns.time.length; index++) {
      let y = foot;
      for (const [kind, column] of columns.values) {
        const px = (column[index] ?? 0) * scale;
        context.fillStyle = colourOf(kind);
        context.fillRect(x(index), y - px, Math.max(1, bar - 0.6), px);
        y -= px;
      }
    }
    context.fillStyle = context.strokeStyle = colour("--ink");
    context.font = "600 12px system-ui, sans-serif";
    const found = peaksOf(all);
    for (const [place, { index, value }] of found.entries()) {
      const at = x(index) + bar / 2;
      const top = foot - value * scale;
      context.beginPath();
      context.arc(at, top - 8, 3, 0, 7);
      context.fill();
      context.textAlign = at < 40 ? "left" : at > width - 40 ? "right" : "center";
      context.fillText(String(place + 1), at, top - 16);
    }
    peaks.replaceChildren(
      ...found.map(({ index, value }) => {
        const at = new Date((columns.time[index] ?? 0) * 1000);
        return make(
          "li",
          {},
          make("time", { datetime: at.toISOString() }, clock.format(at)),
          ` ${short(value)}/s`,
        );
      }),
    );
    key.replaceChildren(
      ...[...columns.values.keys()].map((kind) => {
        const swatch = make("i");
        swatch.style.background = colourOf(kind);
        return make("span", {}, swatch, kind);
      }),
    );
  }

  return {
    element,
    show(video, kinds) {
      title.textContent = video ? `Reactions · ${video}` : "Reactions";
      empty.hidden = !!kinds && sums(kinds).some((sum) => sum > 0);
      canvas.hidden = key.hidden = peaks.hidden = !empty.hidden;
      if (kinds && empty.hidden) draw(kinds);
    },
  };
}
