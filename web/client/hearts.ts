/**
 * Floating reactions on a canvas, from totals: `/ovation-hearts.js`.
 *
 *     const hearts = createHearts(canvas);
 *     live.on("likes", (event) => hearts.totals(event.totals));
 *     button.onclick = () => { hearts.own("heart", 1); live.like("heart"); };
 *
 * A total is exact, a floating heart is a decoration. What a tick adds is spread over the time until the
 * next one, and a thousand likes a second float as a few dozen: the rhythm is true, the number is on the
 * odometer (stage/stage.test.ts). Own taps float at once and are not floated again when the totals bring
 * them. Bounded: `max` on screen, nothing drawn while nothing floats.
 */
import { paintIcon } from "./icons.ts";
import type { Totals } from "./types.ts";

export interface HeartsOptions {
  /** Most on screen at once, however large it is. Default 150. */
  max?: number;
  /** Where they rise from, in CSS pixels of the canvas, and how far they scatter. */
  from?: (width: number, height: number) => { x: number; y: number; spread: number };
  /** Gentle: fade in place, few. Default: what `prefers-reduced-motion` says. */
  calm?: boolean;
  /** Size of one, in CSS pixels. Default: by the width of the canvas, 32 to 60. */
  size?: number;
}

export interface Hearts {
  /** The totals of a tick. The first call is the start, not a burst; `quiet` ones do not happen now. */
  totals(totals: Totals, quiet?: boolean): void;
  /** Taps made here; a negative count takes back what the server refused. `at`: where the finger was. */
  own(kind: string, count: number, at?: { x: number; y: number }): void;
  /** How many float now. */
  count(): number;
  stop(): void;
}

interface Floating {
  kind: string;
  /** When it starts, ms of the page's clock; until then it waits. */
  startMs: number;
  lifeMs: number;
  x: number;
  y: number;
  riseBy: number;
  /** How far to the side it has drifted at the end: a plume, not a column. */
  driftBy: number;
  swayBy: number;
  swayTurns: number;
  phase: number;
  size: number;
  tilt: number;
}

const GAP_MIN_MS = 60;
const GAP_MAX_MS = 1200;
const CALM_MAX = 8;
const SPRITE_PX = 64;

/**
 * How many float for `added` likes that took `gapMs` to come: each one while they are few, a logarithm
 * of their rate when they are many.
 */
export function floatingOf(added: number, gapMs: number): number {
  const seconds = gapMs / 1000;
  return Math.min(added, 4.5 * Math.log2(1 + added / seconds / 2) * seconds);
}

export function createHearts(canvas: HTMLCanvasElement, options: HeartsOptions = {}): Hearts {
  const context = canvas.getContext("2d") as CanvasRenderingContext2D;
  const motion = matchMedia("(prefers-reduced-motion: reduce)");
  const from = options.from ?? ((width, height) => ({ x: width - 48, y: height - 40, spread: 28 }));
  const sprites = new Map<string, HTMLCanvasElement>();
  const owed = new Map<string, number>();
  let floating: Floating[] = [];
  let last: Totals | undefined;
  let lastMs = 0;
  let gapMs = 300;
  let carry = 0;
  let frame = 0;
  let width = 0;
  let height = 0;

  /** What a screen this size can carry without becoming a curtain. */
  const room = () => (calm() ? CALM_MAX : Math.min(options.max ?? 150, 16 + (width * height) / 9500));
  const calm = () => options.calm ?? motion.matches;

  function sprite(kind: string): HTMLCanvasElement {
    const drawn = sprites.get(kind);
    if (drawn) return drawn;
    const made = document.createElement("canvas");
    made.width = made.height = SPRITE_PX * 2;
    const onto = made.getContext("2d") as CanvasRenderingContext2D;
    onto.translate(SPRITE_PX, SPRITE_PX);
    onto.shadowColor = "rgb(0 0 0 / 0.28)";
    onto.shadowBlur = 10;
    onto.shadowOffsetY = 3;
    paintIcon(onto, kind, SPRITE_PX * 1.6);
    sprites.set(kind, made);
    return made;
  }

  function add(kind: string, delayMs: number, at?: { x: number; y: number }): void {
    if (floating.length >= room()) return;
    const origin = from(width, height);
    const size = (options.size ?? Math.max(32, Math.min(60, width / 36))) * (0.7 + 0.6 * Math.random());
    floating.push({
      kind,
      startMs: performance.now() + delayMs,
      lifeMs: 2300 + 1500 * Math.random(),
      x: (at?.x ?? origin.x) + (Math.random() * 2 - 1) * (at ? 8 : origin.spread),
      y: (at?.y ?? origin.y) + (Math.random() * 2 - 1) * 8,
      riseBy: (0.45 + 0.35 * Math.random()) * (at?.y ?? origin.y),
      driftBy: (Math.random() * 2 - 1) * origin.spread * 2,
      swayBy: 8 + 22 * Math.random(),
      swayTurns: 0.8 + Math.random(),
      phase: Math.random() * 2 * Math.PI,
      size,
      tilt: (Math.random() - 0.5) * 0.5,
    });
    if (!frame) frame = requestAnimationFrame(draw);
  }

  function draw(nowMs: number): void {
    frame = 0;
    context.clearRect(0, 0, width, height);
    const still = calm();
    floating = floating.filter((one) => nowMs < one.startMs + one.lifeMs);
    for (const one of floating) {
      const t = (nowMs - one.startMs) / one.lifeMs;
      if (t < 0) continue;
      const grown = still ? 1 : Math.min(1, t * 9) * (1 + 0.25 * Math.max(0, 1 - Math.abs(t - 0.12) / 0.08));
      const sway = still
        ? 0
        : Math.sin(one.phase + t * one.swayTurns * 2 * Math.PI) * one.swayBy * Math.min(1, t * 3);
      const risen = still ? 0 : one.riseBy * (1 - (1 - t) ** 1.7);
      context.globalAlpha = (still ? 0.8 : 1) * Math.min(1, t * 8, (1 - t) * 3);
      const px = one.size * grown * 1.25;
      const x = Math.max(px / 2, Math.min(width - px / 2, one.x + sway + (still ? 0 : one.driftBy * t)));
      context.setTransform(ratio, 0, 0, ratio, x * ratio, (one.y - risen) * ratio);
      if (!still) context.rotate(one.tilt + sway * 0.006);
      context.drawImage(sprite(one.kind), -px / 2, -px / 2, px, px);
    }
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    context.globalAlpha = 1;
    if (floating.length) frame = requestAnimationFrame(draw);
  }

  let ratio = 1;
  const resized = new ResizeObserver(() => {
    ratio = Math.min(2, devicePixelRatio || 1);
    width = canvas.clientWidth;
    height = canvas.clientHeight;
    canvas.width = Math.round(width * ratio);
    canvas.height = Math.round(height * ratio);
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
  });
  resized.observe(canvas);

  /** What the tick added by kind, without what already floated here. */
  function added(before: Totals, after: Totals): [string, number][] {
    return Object.keys(after).flatMap((kind) => {
      const more = (after[kind] ?? 0) - (before[kind] ?? 0);
      if (more <= 0) return [];
      const mine = Math.min(more, Math.max(0, owed.get(kind) ?? 0));
      owed.set(kind, (owed.get(kind) ?? 0) - mine);
      return [[kind, more - mine] as [string, number]];
    });
  }

  return {
    totals(totals, quiet) {
      const before = last;
      last = totals;
      const nowMs = performance.now();
      const sinceMs = Math.min(GAP_MAX_MS, Math.max(GAP_MIN_MS, nowMs - lastMs));
      lastMs = nowMs;
      if (!before || quiet) return;
      gapMs += (sinceMs - gapMs) * 0.3;
      const more = added(before, totals);
      // A hidden page must not save up a burst for its return.
      if (document.hidden) return;
      const sum = more.reduce((all, [, count]) => all + count, 0);
      carry += floatingOf(sum, sinceMs);
      for (; carry >= 1; carry--) {
        let pick = Math.random() * sum;
        for (const [kind, count] of more) {
          pick -= count;
          if (pick >= 0) continue;
          add(kind, Math.random() * gapMs);
          break;
        }
      }
    },
    own(kind, count, at) {
      owed.set(kind, (owed.get(kind) ?? 0) + count);
      for (let shown = 0; shown < Math.min(count, 5); shown++) add(kind, shown * 60, at);
    },
    count: () => floating.length,
    stop() {
      cancelAnimationFrame(frame);
      resized.disconnect();
      floating = [];
    },
  };
}
