/**
 * Line charts over the last minutes, drawn by uPlot in this page's colours.
 *
 * Each chart is told which columns of the history it shows; all share one cursor, so a moment picked in one
 * is picked in all. Colours come from the style sheet and follow dark and light.
 */
import uPlot from "uplot";
import { make } from "../client/stage/dom.ts";
import type { Columns } from "./history.ts";

export interface Line {
  readonly name: string;
  readonly label: string;
  /** A colour of the style sheet: `--c1` … `--c5`. */
  readonly colour: string;
  readonly fill?: boolean;
  /** Drawn against an axis of its own on the right. */
  readonly right?: boolean;
}

export interface ChartOptions {
  readonly title: string;
  readonly lines: readonly Line[];
  readonly format: (value: number) => string;
  readonly formatRight?: (value: number) => string;
  /** Powers of ten above zero, which is drawn as zero. */
  readonly log?: boolean;
  /** After each drawing, on top of it. */
  readonly mark?: (chart: uPlot) => void;
}

export interface Chart {
  readonly element: HTMLElement;
  draw(columns: Columns): void;
}

const HEIGHT_PX = 190;
/** Half a time of day, which stands across the end of its axis. */
const TIME_PX = 34;
export const clock = new Intl.DateTimeFormat(undefined, { timeStyle: "medium", hourCycle: "h23" });

export function colour(name: string): string {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}

/** Above this, one stands so near to zero that their labels would touch. */
const ONE_TOUCHES = 10_000;

/** On a logarithmic scale zero and the powers of ten. */
const powers = ({ scales }: uPlot, splits: number[]) => {
  const least = (scales.y?.max ?? 0) > ONE_TOUCHES ? 10 : 1;
  return splits.map((value) =>
    value === 0 || (value >= least && Number.isInteger(Math.log10(value))) ? value : null,
  );
};

/** What is counted is never shown in parts: steps of an axis are whole. */
const wholeSteps = [1, 2, 5].flatMap((step) => Array.from({ length: 12 }, (_, power) => step * 10 ** power));
wholeSteps.sort((a, b) => a - b);

function axis(scale: string, format: (value: number) => string, right = false, log = false): uPlot.Axis {
  return {
    scale,
    side: right ? 1 : 3,
    size: 58,
    stroke: () => colour("--dim"),
    ...(log ? { filter: powers } : { incrs: wholeSteps }),
    grid: { show: !right, stroke: () => colour("--line"), width: 1, ...(log && { filter: powers }) },
    ticks: { show: false },
    font: "12px system-ui, sans-serif",
    values: (_chart, splits) => splits.map((value) => (value === null ? "" : format(value))),
  };
}

function scaleOf(options: ChartOptions): uPlot.Scale {
  // Inverse hyperbolic sine: as a logarithm from about one on, and a straight line to zero below.
  if (options.log) return { distr: 4, asinh: 1, range: (_chart, _min, max) => [0, Math.max(100, max * 2)] };
  return { range: (_chart, _min, max) => [0, Math.max(max * 1.15, 1)] };
}

export function createChart(options: ChartOptions): Chart {
  const hold = make("div", { class: "plot" });
  const element = make("section", { class: "card chart" }, make("h2", {}, options.title), hold);
  const hasRight = options.lines.some((line) => line.right);
  const format = (line: Line) => (line.right ? (options.formatRight ?? options.format) : options.format);
  const chart = new uPlot(
    {
      width: 400,
      height: HEIGHT_PX,
      padding: [12, hasRight ? 0 : TIME_PX, 0, 0],
      cursor: { sync: { key: "time" }, points: { size: 7 }, drag: { x: false, y: false } },
      legend: { live: true },
      scales: {
        x: { time: true },
        y: scaleOf(options),
        ...(hasRight && { right: scaleOf({ ...options, log: false }) }),
      },
      axes: [
        {
          stroke: () => colour("--dim"),
          grid: { show: false },
          ticks: { show: false },
          font: "12px system-ui, sans-serif",
          space: 84,
          size: 32,
          values: (_chart, splits) => splits.map((timeS) => clock.format(timeS * 1000)),
        },
        axis("y", options.format, false, options.log),
        ...(hasRight ? [axis("right", options.formatRight ?? options.format, true)] : []),
      ],
      series: [
        { value: (_chart, timeS) => (timeS ? clock.format(timeS * 1000) : "now") },
        ...options.lines.map(
          (line): uPlot.Series => ({
            label: line.label,
            scale: line.right ? "right" : "y",
            stroke: () => colour(line.colour),
            width: 2,
            points: { show: false },
            ...(line.fill && { fill: () => `color-mix(in srgb, ${colour(line.colour)} 14%, transparent)` }),
            value: (_chart, value) => (value === null || value === undefined ? "–" : format(line)(value)),
          }),
        ),
      ],
      hooks: options.mark ? { draw: [options.mark] } : {},
    },
    [[], ...options.lines.map(() => [])] as unknown as uPlot.AlignedData,
    hold,
  );
  new ResizeObserver(() => {
    if (hold.clientWidth) chart.setSize({ width: hold.clientWidth, height: HEIGHT_PX });
  }).observe(hold);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => chart.redraw());

  return {
    element,
    draw(columns) {
      chart.setData([
        columns.time,
        ...options.lines.map(({ name }) => columns.values.get(name) ?? columns.time.map(() => null)),
      ] as uPlot.AlignedData);
      // With the mouse elsewhere the legend reads the newest second.
      if ((chart.cursor.left ?? -1) < 0) chart.setLegend({ idx: columns.time.length - 1 }, false);
    },
  };
}
