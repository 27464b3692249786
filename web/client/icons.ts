/**
 * What each kind of reaction looks like: paths in a 24 × 24 box, drawn on a canvas and as SVG alike.
 *
 * Drawn, not typed: an emoji looks different on every machine and is an empty box on some. A kind that
 * has no drawing here (an operator may configure any word) gets a star in a colour made from its name.
 */

export interface Layer {
  readonly d: string;
  readonly fill?: string;
  readonly stroke?: string;
  readonly width?: number;
}

const FACE: Layer = { d: "M12 1.8a10.2 10.2 0 1 1 0 20.4 10.2 10.2 0 0 1 0-20.4z", fill: "#ffc93c" };
const FACE_SHADE: Layer = {
  d: "M3.6 6.2a10.2 10.2 0 1 0 16.8 0 11 11 0 0 1 .3 2.4c0 6-4 10.4-8.7 10.4S3.3 14.6 3.3 8.6a11 11 0 0 1 .3-2.4z",
  fill: "#ffab2e",
};
const INK = "#4a2a12";

const drawings: Readonly<Record<string, readonly Layer[]>> = {
  heart: [
    {
      d: "M12 21.4C4.8 16.4 1.6 12.6 1.6 8.4c0-3.3 2.5-5.8 5.6-5.8 2 0 3.7 1 4.8 2.7 1.1-1.7 2.8-2.7 4.8-2.7 3.1 0 5.6 2.5 5.6 5.8 0 4.2-3.2 8-10.4 13z",
      fill: "#ff3b6b",
    },
    {
      d: "M12 21.4C4.8 16.4 1.6 12.6 1.6 8.4c0-.8.2-1.6.4-2.3 1 5.4 5 9.8 10.6 12.6 5-2.7 8.6-6.4 9.6-10.9.1.4.2.4.2.6 0 4.2-3.2 8-10.4 13z",
      fill: "#e3174f",
    },
    { d: "M5 8.3c.2-1.6 1.2-2.7 2.7-2.9", stroke: "#ffd0dc", width: 1.7 },
  ],
  clap: [
    { d: "M3.8 4.4l1.8 2M8.7 1.8l.4 2.6M13.7 2.2l-1 2.4", stroke: "#ffd75e", width: 1.7 },
    {
      d: "M19.3 9.8l-2.9-2.9a1.5 1.5 0 0 0-2.1 2.1l-4.3-4.3a1.5 1.5 0 0 0-2.1 2.1l-.8-.8a1.5 1.5 0 0 0-2.1 2.1l6.9 6.9 7.4-1.2z",
      fill: "#e9972f",
    },
    {
      d: "M4 10.3a1.5 1.5 0 0 1 2.1 0l.4.4-.6-.6a1.5 1.5 0 0 1 2.1-2.1l5.2 5.2-.4-3.5a1.6 1.6 0 0 1 3.1-.6l1.7 6.3c.6 2.3 0 3.9-1.6 5.5-2.7 2.7-6.1 2.5-8.7-.1l-4.8-4.8a1.5 1.5 0 0 1 2.1-2.1l-.6-.6-.9-.9a1.5 1.5 0 0 1 .9-2.1z",
      fill: "#ffc24d",
    },
    { d: "M6.2 10.4l4.3 4.3M4.8 13.5l3.7 3.7", stroke: "#c9761c", width: 0.9 },
  ],
  laugh: [
    FACE,
    FACE_SHADE,
    { d: "M5.8 12.6h12.4c0 3.9-2.6 6.6-6.2 6.6s-6.2-2.7-6.2-6.6z", fill: "#7b2d1b" },
    { d: "M8 17.4c1-1 2.4-1.5 4-1.5s3 .5 4 1.5c-1.1 1.1-2.5 1.8-4 1.8s-2.9-.7-4-1.8z", fill: "#ff5d6c" },
    { d: "M6.4 13.2h11.2l-.3 1.7H6.7z", fill: "#fff" },
    { d: "M5.6 9.6c.9-1.7 2.9-1.7 3.8 0M14.6 9.6c.9-1.7 2.9-1.7 3.8 0", stroke: INK, width: 1.6 },
    {
      d: "M4.5 11.1c-1.7 1-2.9 2.1-2.9 3.4a1.7 1.7 0 0 0 3.4 0c0-1-.2-2.2-.5-3.4zM19.5 11.1c1.7 1 2.9 2.1 2.9 3.4a1.7 1.7 0 0 1-3.4 0c0-1 .2-2.2.5-3.4z",
      fill: "#4bb8ff",
    },
  ],
  wow: [
    FACE,
    FACE_SHADE,
    {
      d: "M12 12.6c1.9 0 3.2 1.6 3.2 3.7s-1.3 3.5-3.2 3.5-3.2-1.4-3.2-3.5 1.3-3.7 3.2-3.7z",
      fill: "#7b2d1b",
    },
    {
      d: "M8.2 7.5c.9 0 1.6.9 1.6 2s-.7 2-1.6 2-1.6-.9-1.6-2 .7-2 1.6-2zM15.8 7.5c.9 0 1.6.9 1.6 2s-.7 2-1.6 2-1.6-.9-1.6-2 .7-2 1.6-2z",
      fill: INK,
    },
    { d: "M6 5.9c.7-.9 1.7-1.3 2.9-1.1M18 5.9c-.7-.9-1.7-1.3-2.9-1.1", stroke: INK, width: 1.2 },
  ],
  fire: [
    {
      d: "M12.6 1.2c.7 3.3-.4 5-2.1 6.9-.8-.7-1.1-1.5-1.1-2.7C6 8 3.8 11 3.8 14.4c0 4.7 3.6 8.2 8.2 8.2s8.2-3.5 8.2-8.2c0-2.7-1-4.8-2.4-6.7-.3 1.3-.8 2.1-1.7 2.7.3-3.8-.7-6.9-3.5-9.2z",
      fill: "#ff6a1f",
    },
    {
      d: "M12.2 9.6c.3 2.3-.6 3.4-1.7 4.6-.6-.4-.8-.9-.9-1.6-1.5 1.2-2.4 2.7-2.4 4.5 0 2.9 2.1 5 4.8 5s4.8-2.1 4.8-5c0-1.6-.6-2.9-1.5-4-.2.8-.5 1.2-1 1.6.1-2.1-.6-3.8-2.1-5.1z",
      fill: "#ffb627",
    },
    {
      d: "M12 15.8c1.3 1.2 2.2 2.2 2.2 3.7 0 1.4-1 2.4-2.2 2.4s-2.2-1-2.2-2.4c0-1.5.9-2.5 2.2-3.7z",
      fill: "#fff1b8",
    },
  ],
};

/** A colour of its own for every word: 0…359 degrees. */
export function hueOf(word: string): number {
  let hash = 7;
  for (const char of word) hash = (Math.imul(hash, 31) + (char.codePointAt(0) ?? 0)) >>> 0;
  return (hash * 47) % 360;
}

/** The drawing of a kind, back to front. */
export function iconOf(kind: string): readonly Layer[] {
  const drawing = Object.hasOwn(drawings, kind) ? drawings[kind] : undefined;
  return (
    drawing ?? [
      {
        d: "M12 1.6l3.1 6.5 7.1.9-5.2 4.9 1.3 7.1-6.3-3.5-6.3 3.5 1.3-7.1L1.8 9l7.1-.9z",
        fill: `hsl(${hueOf(kind)} 85% 62%)`,
      },
    ]
  );
}

/** Draws a kind into a box of `size` whose centre is the context's origin. */
export function paintIcon(context: CanvasRenderingContext2D, kind: string, size: number): void {
  context.save();
  context.scale(size / 24, size / 24);
  context.translate(-12, -12);
  context.lineCap = context.lineJoin = "round";
  for (const layer of iconOf(kind)) {
    const path = new Path2D(layer.d);
    if (layer.fill) {
      context.fillStyle = layer.fill;
      context.fill(path);
    }
    if (layer.stroke) {
      context.strokeStyle = layer.stroke;
      context.lineWidth = layer.width ?? 1;
      context.stroke(path);
    }
  }
  context.restore();
}

const SVG = "http://www.w3.org/2000/svg";

/** The same drawing as an SVG element, hidden from screen readers: whoever shows it names it. */
export function iconElement(kind: string): SVGSVGElement {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("aria-hidden", "true");
  for (const layer of iconOf(kind)) {
    const path = document.createElementNS(SVG, "path");
    path.setAttribute("d", layer.d);
    path.setAttribute("fill", layer.fill ?? "none");
    if (layer.stroke) {
      path.setAttribute("stroke", layer.stroke);
      path.setAttribute("stroke-width", String(layer.width ?? 1));
      path.setAttribute("stroke-linecap", "round");
      path.setAttribute("stroke-linejoin", "round");
    }
    svg.append(path);
  }
  return svg;
}
