/** The busiest videos: a row each, with a minute of likes as a line. The one chosen is what the rest is about. */
import { make } from "../client/stage/dom.ts";
import { colour } from "./charts.ts";
import type { TopVideo } from "./feed.ts";
import { exact, short } from "./numbers.ts";

interface Row {
  readonly element: HTMLTableRowElement;
  readonly cells: readonly HTMLElement[];
  readonly spark: HTMLCanvasElement;
  readonly button: HTMLElement;
}

export interface Table {
  readonly element: HTMLElement;
  show(top: readonly TopVideo[], ratesOf: (video: string) => readonly number[]): void;
  choose(video: string): void;
}

const WIDTH_PX = 112;
const HEIGHT_PX = 30;

function drawSpark(canvas: HTMLCanvasElement, rates: readonly number[]): void {
  const ratio = devicePixelRatio || 1;
  canvas.width = WIDTH_PX * ratio;
  canvas.height = HEIGHT_PX * ratio;
  const context = canvas.getContext("2d") as CanvasRenderingContext2D;
  context.scale(ratio, ratio);
  const most = Math.max(1, ...rates);
  const x = (index: number) => WIDTH_PX - 3 - (rates.length - 1 - index) * ((WIDTH_PX - 6) / 59);
  const y = (rate: number) => HEIGHT_PX - 4 - (rate / most) * (HEIGHT_PX - 8);
  context.strokeStyle = context.fillStyle = colour("--c1");
  context.lineWidth = 1.75;
  context.lineJoin = "round";
  context.beginPath();
  for (const [index, rate] of rates.entries()) context.lineTo(x(index), y(rate));
  context.stroke();
  context.beginPath();
  context.arc(x(rates.length - 1), y(rates.at(-1) ?? 0), 2.5, 0, 7);
  context.fill();
}

/** On a phone each row is two lines, which is no table to a browser: so the roles are said. */
const headOf = (head: string) => make("th", { scope: "col", role: "columnheader" }, head);

export function createTable(chosen: (video: string) => void): Table {
  const body = make("tbody", { role: "rowgroup" });
  const heads = ["Video", "Viewers", "Likes", "Likes/s", "Comments/s", "Last minute"];
  const empty = make("p", { class: "empty" }, "No video has viewers right now.");
  const element = make(
    "section",
    { class: "card busiest" },
    make("h2", {}, "Busiest videos"),
    make(
      "div",
      { class: "scroll", tabindex: 0, role: "group", "aria-label": "Busiest videos" },
      make(
        "table",
        { role: "table" },
        make("thead", { role: "rowgroup" }, make("tr", { role: "row" }, ...heads.map(headOf))),
        body,
      ),
    ),
    empty,
  );
  const rows = new Map<string, Row>();
  let current = "";

  function rowOf(video: string): Row {
    const known = rows.get(video);
    if (known) return known;
    const button = make("button", { type: "button", "aria-pressed": String(video === current) }, video);
    button.addEventListener("click", () => chosen(video));
    const cells = heads
      .slice(1, 5)
      .map((head) => make("td", { class: "number", role: "cell", "data-head": head }));
    const spark = make("canvas", { class: "spark", "aria-hidden": "true" });
    const name = make("th", { scope: "row", role: "rowheader" }, button);
    const row = make("tr", { role: "row" }, name, ...cells, make("td", { role: "cell" }, spark));
    const made = { element: row, cells, spark, button };
    rows.set(video, made);
    return made;
  }

  return {
    element,
    show(top, ratesOf) {
      const order = [...top].sort((a, b) => b.likesPerS - a.likesPerS || b.viewers - a.viewers);
      const present = new Set(order.map(({ video }) => video));
      for (const [video, row] of rows) {
        if (present.has(video)) continue;
        row.element.remove();
        rows.delete(video);
      }
      for (const [place, one] of order.entries()) {
        const row = rowOf(one.video);
        // Moved only when its place changed, so that focus and selection stay.
        if (body.children[place] !== row.element)
          body.insertBefore(row.element, body.children[place] ?? null);
        const texts = [exact(one.viewers), exact(one.likes), short(one.likesPerS), short(one.commentsPerS)];
        for (const [index, text] of texts.entries()) (row.cells[index] as HTMLElement).textContent = text;
        drawSpark(row.spark, ratesOf(one.video));
      }
      empty.hidden = order.length > 0;
    },
    choose(video) {
      current = video;
      for (const [name, row] of rows) row.button.setAttribute("aria-pressed", String(name === video));
    },
  };
}
