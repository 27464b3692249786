/**
 * The timelines of a fold: every like that it counts is put in its second, by the log alone, so that all who
 * folded the same log have the same.
 *
 * A like belongs to the picture its viewer saw, if that was said and is to be believed (skew.ts), else to
 * the server's time less the video's median delay. What all timelines weigh is bounded: beyond, those longest
 * without a reaction become numbers without a place. Held by timelines.test.ts.
 */
import type { VideoId } from "../core/interaction.ts";
import { limits } from "../core/limits.ts";
import type { LikeGroup } from "../core/record.ts";
import type { Counts } from "../core/totals.ts";
import { type Believed, Skew } from "./skew.ts";
import { type Ages, peopleSeries, Timeline, unlikesSeries } from "./timeline.ts";

export interface TimelineOptions extends Believed {
  readonly ages: Ages;
  /** Bytes that all timelines of the fold may weigh. */
  readonly bytesMax: number;
}

const hourMs = 3_600_000;
/** As the settings have it by default. */
export const timelineDefault: TimelineOptions = {
  ages: [2 * hourMs, 24 * hourMs, 720 * hourMs],
  bytesMax: limits.timelinesBytesMax,
  behindMs: 120_000,
  aheadMs: 10_000,
};

/** What a fold is given for what a ledger was: nothing said is the default. */
export function timelineOf(
  wanted: TimelineOptions | "off" | undefined = timelineDefault,
): TimelineOptions | undefined {
  return wanted === "off" ? undefined : wanted;
}

/** Of a video whose viewers said nothing yet. */
const unknown = new Skew();
/** Names of series: beyond, likes of a kind are counted without a place. */
const seriesMax = 255;
/** Of the bytes that all may weigh, how many are left when the quietest had to go. */
const keptShare = 0.9;
/** Seconds behind 1970 that a block can be told of: some ten thousand years. */
const secondMax = 300 * 2 ** 30;

export class Timelines {
  readonly #options: TimelineOptions;
  readonly #videos = new Map<VideoId, Timeline>();
  readonly #names: string[] = [];
  readonly #series = new Map<string, number>();
  /** Those with open blocks, longest without a reaction first. */
  readonly #open = new Set<Timeline>();
  #last: Timeline | undefined;
  #weight = 0;
  /** Videos that are no more since this was last written down, where anybody writes it down. */
  gone: VideoId[] | undefined;

  constructor(options: TimelineOptions) {
    this.#options = options;
  }

  get videos(): ReadonlyMap<VideoId, Timeline> {
    return this.#videos;
  }

  /** By number. */
  get names(): readonly string[] {
    return this.#names;
  }

  /** What all of them weigh, in bytes. */
  get weight(): number {
    return this.#weight;
  }

  /** Whether what is no more is to be remembered until it has been written down. */
  trackGone(): void {
    this.gone = [];
    for (const timeline of this.#videos.values()) timeline.gone ??= [];
  }

  /**
   * Likes of `group` that were counted, and taken back, by a record that was written at `atMs`. `totals`: the
   * video's, before that record.
   */
  note(
    group: LikeGroup,
    { added, removed }: { readonly added: number; readonly removed: number },
    { atMs, logMs, totals }: { readonly atMs: number; readonly logMs: number; readonly totals: Counts },
  ): void {
    const timeline = this.#timeline(group.video, totals, logMs);
    const before = timeline.weight;
    timeline.logMs = logMs;
    const atS = this.#place(timeline, group, atMs, logMs);
    let begun = this.#add(timeline, group.kind, atS, added, logMs);
    if (removed > 0) begun = this.#add(timeline, unlikesSeries(group.kind), atS, removed, logMs) || begun;
    const people = Math.min(group.people ?? 1, added);
    if (people > 0) begun = this.#add(timeline, peopleSeries, atS, people, logMs) || begun;
    if (begun) timeline.age(this.#options.ages, logMs, (series) => this.#names[series] as string);
    this.#weight += timeline.weight - before;
    this.#opened(timeline);
    if (begun) this.#bound();
  }

  /** Whether a picture of `mediaMs` can be what somebody saw at `serverMs`, by this skew. */
  believes(skew: Skew | undefined, mediaMs: number, serverMs: number): boolean {
    return (skew ?? unknown).believes(mediaMs, serverMs, this.#options);
  }

  /** Puts back a timeline, with its blocks. */
  restore(video: VideoId, timeline: Timeline): void {
    if (this.gone) timeline.gone ??= [];
    this.#weight += timeline.weight - (this.#videos.get(video)?.weight ?? 0);
    this.#videos.set(video, timeline);
  }

  /** Forgets when a video's likes came. */
  drop(video: VideoId): void {
    if (this.take(video)) this.gone?.push(video);
  }

  /** Takes a timeline out that is kept elsewhere from now on. */
  take(video: VideoId): Timeline | undefined {
    const timeline = this.#videos.get(video);
    if (!timeline) return undefined;
    this.#weight -= timeline.weight;
    this.#videos.delete(video);
    this.#open.delete(timeline);
    this.#last = undefined;
    return timeline;
  }

  /** The number of a series; undefined when there are too many. */
  series(name: string): number | undefined {
    const known = this.#series.get(name);
    if (known !== undefined) return known;
    if (this.#names.length >= seriesMax) return undefined;
    this.#series.set(name, this.#names.length);
    return this.#names.push(name) - 1;
  }

  /**
   * Makes the sum of what was put back the totals there are: what a program without timelines counted, and
   * what was never told, is before all time.
   */
  reconcile(timeline: Timeline, totals: Counts): void {
    const sums = new Map<string, number>();
    const note = (series: number, count: number): void => {
      const name = this.#names[series] as string;
      if (name === peopleSeries) return;
      const kind = name.startsWith("-") ? name.slice(1) : name;
      sums.set(kind, (sums.get(kind) ?? 0) + (name === kind ? count : -count));
    };
    const settle = (kind: string): void => {
      const missing = (totals[kind] ?? 0) - (sums.get(kind) ?? 0);
      const series = missing === 0 ? undefined : this.series(kind);
      if (series !== undefined) timeline.before.set(series, (timeline.before.get(series) ?? 0) + missing);
    };
    timeline.sum(note);
    for (const kind in totals) settle(kind);
    for (const kind of sums.keys()) if (totals[kind] === undefined) settle(kind);
  }

  /** Begins with what was counted before there was one. */
  #timeline(video: VideoId, totals: Counts, logMs: number): Timeline {
    let timeline = this.#videos.get(video);
    if (timeline) return timeline;
    timeline = new Timeline(logMs);
    if (this.gone) timeline.gone = [];
    this.#videos.set(video, timeline);
    for (const kind in totals) {
      const series = this.series(kind);
      if (series !== undefined && totals[kind]) timeline.before.set(series, totals[kind]);
    }
    return timeline;
  }

  /** The second that `group` belongs to. */
  #place(timeline: Timeline, { mediaS, people = 1 }: LikeGroup, atMs: number, logMs: number): number {
    const { skew } = timeline;
    if (mediaS === undefined) return Math.floor((atMs - (skew?.medianMs ?? 0)) / 1000);
    // Half a second: who says a second says no less.
    const mediaMs = mediaS * 1000 + 500;
    if (!skew) timeline.skew = new Skew();
    const known = timeline.skew as Skew;
    known.take(atMs - mediaMs, people, logMs);
    if (known.believes(mediaMs, atMs, this.#options)) return mediaS;
    return Math.floor((atMs - known.medianMs) / 1000);
  }

  #add(timeline: Timeline, name: string, atS: number, count: number, logMs: number): boolean {
    const series = count > 0 ? this.series(name) : undefined;
    if (series === undefined) return false;
    // A log may be written by others: a time that is none has no place, and counts all the same.
    if (atS >= 0 && atS < secondMax) return timeline.add(series, atS, count, logMs);
    if (name !== peopleSeries) timeline.before.set(series, (timeline.before.get(series) ?? 0) + count);
    return false;
  }

  #opened(timeline: Timeline): void {
    if (this.#last === timeline) return;
    this.#last = timeline;
    // Who was open longest ago matters to nobody while there is room for all.
    if (this.#open.size < limits.timelinesOpenMax / 2 && this.#open.has(timeline)) return;
    this.#open.delete(timeline);
    this.#open.add(timeline);
    for (const quietest of this.#open) {
      if (this.#open.size <= limits.timelinesOpenMax) break;
      quietest.seal();
      this.#open.delete(quietest);
    }
  }

  /** Takes those longest without a reaction out of time. */
  #bound(): void {
    const { bytesMax } = this.#options;
    if (this.#weight <= bytesMax) return;
    const quietest = [...this.#videos].sort(([a, x], [b, y]) => x.logMs - y.logMs || (a < b ? -1 : 1));
    for (const [video] of quietest) {
      if (this.#weight <= keptShare * bytesMax) break;
      this.drop(video);
    }
  }
}
