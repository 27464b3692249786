/**
 * The last minutes, second by second: what the charts draw. Pure.
 *
 * Columns of equal length with a shared time column (Unix seconds), the shape uPlot takes as it is.
 * Bounded: the oldest second leaves when a new one comes, and videos that have left the busiest are
 * forgotten.
 */
import type { Totals } from "../client/types.ts";
import type { Sample, TopVideo } from "./feed.ts";

export const SECONDS_MAX = 300;

export interface Columns {
  readonly time: number[];
  /** A column per name, created when first seen and filled with gaps before. */
  readonly values: Map<string, (number | null)[]>;
}

export function createColumns(): Columns {
  return { time: [], values: new Map() };
}

/** Adds one row; names that are missing in it become gaps. */
export function addRow(columns: Columns, timeS: number, row: Readonly<Record<string, number>>): void {
  columns.time.push(timeS);
  for (const name of Object.keys(row)) {
    if (!columns.values.has(name)) columns.values.set(name, new Array(columns.time.length - 1).fill(null));
  }
  for (const [name, column] of columns.values) {
    column.push(row[name] ?? null);
    if (column.length > SECONDS_MAX) column.shift();
  }
  if (columns.time.length > SECONDS_MAX) columns.time.shift();
}

/** One flat row of everything in a sample that has a chart. */
export function rowOf(sample: Sample): Record<string, number> {
  return {
    viewers: sample.viewers,
    lagging: sample.lagging,
    likesIn: sample.likesIn,
    likesDelivered: sample.likesDelivered,
    frames: sample.frames,
    bytes: sample.bytes,
    lagMs: sample.lagMs,
    p50: sample.latency.p50,
    p90: sample.latency.p90 ?? sample.latency.p99,
    p99: sample.latency.p99,
  };
}

interface VideoHistory {
  readonly rates: number[];
  /** Likes per second by kind. */
  readonly kinds: Columns;
  totals: Totals;
  timeS: number;
}

export interface VideoHistories {
  add(timeS: number, top: readonly TopVideo[]): void;
  rates(video: string): readonly number[];
  kinds(video: string): Columns | undefined;
}

/** Histories of the busiest videos. */
export function createVideoHistories(): VideoHistories {
  const videos = new Map<string, VideoHistory>();

  function addOne(timeS: number, { video, totals, likesPerS }: TopVideo): void {
    const before = videos.get(video);
    const history = before ?? { rates: [], kinds: createColumns(), totals, timeS };
    videos.set(video, history);
    history.rates.push(likesPerS);
    if (history.rates.length > 60) history.rates.shift();
    const seconds = timeS - history.timeS;
    if (before && seconds > 0) {
      const row: Record<string, number> = {};
      for (const [kind, total] of Object.entries(totals)) {
        row[kind] = Math.max(0, total - (history.totals[kind] ?? 0)) / seconds;
      }
      addRow(history.kinds, timeS, row);
    }
    history.totals = totals;
    history.timeS = timeS;
  }

  return {
    add(timeS, top) {
      for (const one of top) addOne(timeS, one);
      for (const [video, history] of videos) if (timeS - history.timeS > SECONDS_MAX) videos.delete(video);
    },
    rates: (video) => videos.get(video)?.rates ?? [],
    kinds: (video) => videos.get(video)?.kinds,
  };
}

export interface Peak {
  readonly index: number;
  readonly value: number;
}

/**
 * The moments a crowd would remember: maxima at least two standard deviations above the mean, at least
 * `apart` samples from a higher one, the highest first, at most `most`.
 */
export function peaksOf(values: readonly number[], apart = 10, most = 5): Peak[] {
  if (values.length < 3) return [];
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length;
  const least = mean + 2 * Math.sqrt(variance);
  const chosen: Peak[] = [];
  const ranked = values
    .map((value, index) => ({ index, value }))
    .filter(({ value }) => value > least && value > 0)
    .sort((a, b) => b.value - a.value);
  for (const peak of ranked) {
    if (chosen.length === most) break;
    if (chosen.every((other) => Math.abs(other.index - peak.index) >= apart)) chosen.push(peak);
  }
  return chosen;
}
