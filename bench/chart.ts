/**
 * Charts as SVG text: lines over a linear or logarithmic axis, and grouped bars. All that a page of results
 * needs, in light and in dark.
 */

export interface Axis {
  readonly label: string;
  /** Logarithmic, base 10. */
  readonly log?: boolean;
}

export interface LineChart {
  readonly title: string;
  readonly x: Axis;
  readonly y: Axis;
  readonly lines: readonly {
    readonly name: string;
    readonly points: readonly (readonly [number, number])[];
  }[];
}

export interface BarChart {
  readonly title: string;
  readonly y: Axis;
  /** Names of the bars within each group. */
  readonly bars: readonly string[];
  readonly groups: readonly { readonly name: string; readonly values: readonly number[] }[];
}

const size = { width: 720, height: 360, left: 76, right: 24, top: 64, bottom: 52 };
const plot = { width: size.width - size.left - size.right, height: size.height - size.top - size.bottom };
// Okabe and Ito's colours, told apart by every kind of eye.
const colours = ["#d55e00", "#0072b2", "#009e73", "#cc79a7"];
const style =
  "text{font:13px system-ui,sans-serif;fill:#333}.t{font-size:16px;font-weight:600}" +
  ".g{stroke:#ddd}.a{stroke:#888}" +
  "@media(prefers-color-scheme:dark){text{fill:#ccc}.g{stroke:#3a3a3a}}";

export function lineChart({ title, x, y, lines }: LineChart): string {
  const points = lines.flatMap((line) => line.points);
  const across = scaleOf(
    points.map(([value]) => value),
    x,
    plot.width,
  );
  const up = scaleOf([...points.map(([, value]) => value), y.log ? Number.NaN : 0], y, plot.height);
  const at = ([vx, vy]: readonly [number, number]): [number, number] => [
    size.left + across.of(vx),
    size.top + plot.height - up.of(vy),
  ];
  const drawn = lines.map((line, index) => {
    const colour = colours[index % colours.length];
    const places = line.points.map(at);
    const dots = places.map(
      ([px, py]) => `<circle cx="${px.toFixed(1)}" cy="${py.toFixed(1)}" r="3.5" fill="${colour}"/>`,
    );
    const path = places.map(([px, py]) => `${px.toFixed(1)},${py.toFixed(1)}`).join(" ");
    return `<polyline points="${path}" fill="none" stroke="${colour}" stroke-width="2"/>${dots.join("")}`;
  });
  const ticks = across.ticks.map((value) =>
    text(size.left + across.of(value), bottom + 18, short(value), "middle"),
  );
  const xLabel = text(size.left + plot.width / 2, size.height - 10, x.label, "middle");
  return page(title, [...rules(up, y), ...ticks, xLabel, ...drawn, legend(lines.map(({ name }) => name))]);
}

export function barChart({ title, y, bars, groups }: BarChart): string {
  const up = scaleOf([0, ...groups.flatMap(({ values }) => values)], y, plot.height);
  const groupWidth = plot.width / Math.max(1, groups.length);
  const width = Math.min(72, (groupWidth * 0.8) / Math.max(1, bars.length));
  const drawn = groups.flatMap(({ name, values }, group) => {
    const middle = size.left + groupWidth * (group + 0.5);
    const left = middle - (width * values.length) / 2;
    const each = values.flatMap((value, index) => {
      const height = up.of(value);
      const place = `x="${(left + index * width + 2).toFixed(1)}" y="${(bottom - height).toFixed(1)}"`;
      const box = `width="${(width - 4).toFixed(1)}" height="${height.toFixed(1)}"`;
      const label = text(left + (index + 0.5) * width, bottom - height - 5, short(value), "middle");
      return [`<rect ${place} ${box} fill="${colours[index % colours.length]}"/>`, label];
    });
    return [...each, text(middle, bottom + 18, name, "middle")];
  });
  return page(title, [...rules(up, y), ...drawn, legend(bars)]);
}

const bottom = size.top + plot.height;

interface Scale {
  readonly ticks: readonly number[];
  /** Pixels from the origin. */
  of(value: number): number;
}

function scaleOf(values: readonly number[], { log }: Axis, pixels: number): Scale {
  const known = values.filter((value) => Number.isFinite(value) && (!log || value > 0));
  const [low, high] = [Math.min(...known), Math.max(...known)];
  if (log) {
    const from = Math.floor(Math.log10(low));
    const to = Math.max(from + 1, Math.ceil(Math.log10(high)));
    const ticks = Array.from({ length: to - from + 1 }, (_, index) => 10 ** (from + index));
    return { ticks, of: (value) => ((Math.log10(value) - from) / (to - from)) * pixels };
  }
  const rough = Math.max(high - Math.min(0, low), 1e-9) / 5;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = ([1, 2, 5, 10].find((factor) => factor * power >= rough) ?? 10) * power;
  const top = Math.ceil((high * 1.08) / step) * step;
  const ticks = Array.from({ length: Math.round(top / step) + 1 }, (_, index) => index * step);
  return { ticks, of: (value) => (value / top) * pixels };
}

function rules(up: Scale, y: Axis): string[] {
  const lines = up.ticks.flatMap((value) => {
    const at = (bottom - up.of(value)).toFixed(1);
    return [
      `<line class="g" x1="${size.left}" x2="${size.left + plot.width}" y1="${at}" y2="${at}"/>`,
      text(size.left - 8, bottom - up.of(value) + 4, short(value), "end"),
    ];
  });
  const turn = `translate(16 ${size.top + plot.height / 2}) rotate(-90)`;
  const turned = `<g transform="${turn}">${text(0, 0, y.label, "middle")}</g>`;
  const right = size.left + plot.width;
  const base = `<line class="a" x1="${size.left}" x2="${right}" y1="${bottom}" y2="${bottom}"/>`;
  return [...lines, base, turned];
}

function legend(names: readonly string[]): string {
  let x = size.left;
  const parts = names.map((name, index) => {
    const colour = colours[index % colours.length];
    const box = `<rect x="${x}" y="38" width="11" height="11" fill="${colour}"/>`;
    const part = box + text(x + 16, 48, name, "start");
    x += 34 + name.length * 7.2;
    return part;
  });
  return names.length > 1 ? parts.join("") : "";
}

function page(title: string, parts: readonly string[]): string {
  const box = `viewBox="0 0 ${size.width} ${size.height}" role="img" aria-label="${escaped(title)}"`;
  const head = `<svg xmlns="http://www.w3.org/2000/svg" ${box}><style>${style}</style>`;
  const words = `<text class="t" x="${size.left}" y="24">${escaped(title)}</text>`;
  return `${[head, words, ...parts, "</svg>"].join("\n")}\n`;
}

function text(x: number, y: number, words: string, anchor: "start" | "middle" | "end"): string {
  return `<text x="${x.toFixed(1)}" y="${y.toFixed(1)}" text-anchor="${anchor}">${escaped(words)}</text>`;
}

function escaped(words: string): string {
  return words.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll('"', "&quot;");
}

/** 12,345 → 12.3k */
export function short(value: number): string {
  const [divisor, unit] = value >= 1e6 ? [1e6, "M"] : value >= 1e4 ? [1e3, "k"] : [1, ""];
  const digits = Number((value / divisor).toPrecision(3));
  return `${unit === "" && digits >= 1000 ? digits.toLocaleString("en-US") : digits}${unit}`;
}
