/**
 * What the timeline under the picture shows, apart from how: so many bars of the reactions there were, and
 * where the moments stand among them. Pure; held by graph.test.ts.
 */
import type { Timeline } from "../client/reel.ts";
import type { Moment } from "../client/replay.ts";

/**
 * Reactions of all kinds in `columns` equal parts of the time from `from` to `to`. A point that lies across
 * two columns is shared between them, so that their sum is that of the points.
 */
export function barsOf({ from, to, step, likes }: Timeline, columns: number): number[] {
  const bars = new Array<number>(columns).fill(0);
  const width = (to - from) / columns;
  if (!(width > 0)) return bars;
  for (const counts of Object.values(likes)) {
    for (const [point, count] of counts.entries()) {
      const start = point * step * 1000;
      const end = Math.min(to - from, start + step * 1000);
      for (let column = Math.floor(start / width); column < columns && column * width < end; column++) {
        const shared = Math.min(end, (column + 1) * width) - Math.max(start, column * width);
        bars[column] = (bars[column] ?? 0) + (count * shared) / (end - start);
      }
    }
  }
  return bars;
}

export interface Placed extends Moment {
  /** 0 at the start of the time shown, 1 at its end. */
  readonly place: number;
}

/** The moments that fit with `gap` (a part of the whole) between each two; the strongest first served. */
export function placed(
  moments: readonly Moment[],
  { from, to }: Pick<Timeline, "from" | "to">,
  gap: number,
): Placed[] {
  const shown: Placed[] = [];
  for (const moment of [...moments].sort((a, b) => b.score - a.score)) {
    const place = (moment.peak - from) / (to - from);
    if (!(place >= 0 && place <= 1)) continue;
    if (shown.every((other) => Math.abs(other.place - place) >= gap)) shown.push({ ...moment, place });
  }
  return shown.sort((a, b) => a.place - b.place);
}

/** Seconds as a clock on a film: `5:07`, `1:02:03`. */
export function clockOf(seconds: number, locale: string): string {
  const whole = Math.max(0, Math.floor(seconds));
  const two = new Intl.NumberFormat(locale, { minimumIntegerDigits: 2, useGrouping: false });
  const one = new Intl.NumberFormat(locale, { useGrouping: false });
  const [hours, minutes, rest] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  const head = hours > 0 ? `${one.format(hours)}:${two.format(minutes)}` : one.format(minutes);
  return `${head}:${two.format(rest)}`;
}
