/**
 * What a ledger tells of one video's timeline, read at one moment: its bounds, its counts by kind, and whose
 * clock it goes by.
 */
import { addCounts, type Counts, emptyCounts } from "../core/totals.ts";
import { peopleSeries, type Stretch, type Timeline } from "./timeline.ts";
import type { Timelines } from "./timelines.ts";

/** Counts of a stretch, step by step; kinds without any are left out. */
export interface Series {
  readonly likes: Readonly<Record<string, readonly number[]>>;
  readonly unlikes: Readonly<Record<string, readonly number[]>>;
  readonly people: readonly number[];
}

/** What was counted in [atMs, atMs + spanMs), Unix ms. */
export interface Spot {
  readonly atMs: number;
  readonly spanMs: number;
  readonly likes: Counts;
  readonly unlikes: Counts;
}

export interface TimelineView {
  /** Likes without a place in time: less those taken back. */
  readonly before: Counts;
  /** Median of server time less media time, in ms; undefined: nobody said what they saw. */
  readonly skewMs: number | undefined;
  /** Whether a picture of `mediaMs` can be what somebody saw at `serverMs`. */
  believes(mediaMs: number, serverMs: number): boolean;
  /** Whole seconds; undefined when nothing has a place. */
  bounds(): { readonly fromS: number; readonly toS: number } | undefined;
  resolution(): readonly { readonly fromS: number; readonly stepS: number }[];
  read(stretch: Stretch): Series;
  /** Every second, or longer step, of [fromS, toS) that holds likes, in order. */
  spots(fromS: number, toS: number): Spot[];
}

/** The timeline of a video that has these totals, if it has one. */
export function viewOf(timelines: Timelines, timeline: Timeline | undefined, totals: Counts): TimelineView {
  return timeline ? new View(timeline, timelines) : new Nothing(totals, timelines);
}

/** Of a video whose likes have no place in time. */
class Nothing implements TimelineView {
  readonly before: Counts = emptyCounts();
  readonly skewMs = undefined;
  readonly #timelines: Timelines;

  constructor(totals: Counts, timelines: Timelines) {
    addCounts(this.before, totals);
    this.#timelines = timelines;
  }

  believes(mediaMs: number, serverMs: number): boolean {
    return this.#timelines.believes(undefined, mediaMs, serverMs);
  }

  bounds(): undefined {
    return undefined;
  }

  resolution(): [] {
    return [];
  }

  read({ fromS, toS, stepS }: Stretch): Series {
    return { likes: {}, unlikes: {}, people: new Array(Math.ceil((toS - fromS) / stepS)).fill(0) };
  }

  spots(): Spot[] {
    return [];
  }
}

class View implements TimelineView {
  readonly #timeline: Timeline;
  readonly #timelines: Timelines;
  readonly #names: readonly string[];

  constructor(timeline: Timeline, timelines: Timelines) {
    this.#timeline = timeline;
    this.#timelines = timelines;
    this.#names = timelines.names;
  }

  believes(mediaMs: number, serverMs: number): boolean {
    return this.#timelines.believes(this.#timeline.skew, mediaMs, serverMs);
  }

  get before(): Counts {
    const counts = emptyCounts();
    for (const [series, count] of this.#timeline.before) {
      const name = this.#names[series] as string;
      const kind = kindOf(name);
      counts[kind] = (counts[kind] ?? 0) + (name === kind ? count : -count);
    }
    for (const kind in counts) if (counts[kind] === 0) delete counts[kind];
    return counts;
  }

  get skewMs(): number | undefined {
    const { skew } = this.#timeline;
    return skew?.known ? skew.medianMs : undefined;
  }

  bounds() {
    return this.#timeline.bounds();
  }

  resolution() {
    return this.#timeline.resolution();
  }

  read(stretch: Stretch): Series {
    const likes: Record<string, readonly number[]> = Object.create(null);
    const unlikes: Record<string, readonly number[]> = Object.create(null);
    let people: readonly number[] | undefined;
    for (const [series, counts] of this.#timeline.read(stretch)) {
      const name = this.#names[series] as string;
      if (name === peopleSeries) people = counts;
      else (name === kindOf(name) ? likes : unlikes)[kindOf(name)] = counts;
    }
    const { fromS, toS, stepS } = stretch;
    return { likes, unlikes, people: people ?? new Array(Math.ceil((toS - fromS) / stepS)).fill(0) };
  }

  spots(fromS: number, toS: number): Spot[] {
    const spots = new Map<string, Spot>();
    this.#timeline.each(fromS, toS, (series, atS, widthS, count) => {
      const name = this.#names[series] as string;
      // What begins before belongs to the stretch before.
      if (name === peopleSeries || atS < fromS) return;
      const place = `${atS} ${widthS}`;
      let spot = spots.get(place);
      if (!spot) {
        spot = { atMs: atS * 1000, spanMs: widthS * 1000, likes: emptyCounts(), unlikes: emptyCounts() };
        spots.set(place, spot);
      }
      const counts = name === kindOf(name) ? spot.likes : spot.unlikes;
      counts[kindOf(name)] = (counts[kindOf(name)] ?? 0) + count;
    });
    return [...spots.values()].sort((a, b) => a.atMs - b.atMs || a.spanMs - b.spanMs);
  }
}

function kindOf(name: string): string {
  return name.startsWith("-") ? name.slice(1) : name;
}
