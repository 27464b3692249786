/**
 * What a dispatcher answers about a video's own time: its timeline, its moments, and what was shown when, for
 * whoever shows the recording.
 *
 * Everything is read from the fold and from the log of comments when it is asked for, so any dispatcher says
 * the same; but how many watched, which each has sampled for itself. Sums are those of the totals at the same
 * moment, to the like. Held by times.test.ts.
 */
import type { Clock } from "../base/clock.ts";
import { holdLeft } from "../core/entry.ts";
import type { VideoId } from "../core/interaction.ts";
import { limits } from "../core/limits.ts";
import { type Peak, peaksOf } from "../core/moments.ts";
import {
  type CommentLine,
  decodeTimesRequest,
  encodeTimes,
  type LikesLine,
  type Moment,
  type MomentsReply,
  type NoTimes,
  type ReplayLine,
  type ReplayReply,
  type TimelineReply,
  type TimesRequest,
} from "../core/times.ts";
import { addCounts, emptyCounts } from "../core/totals.ts";
import { CommentCounts, type Counted } from "../ledger/comment-counts.ts";
import { anotherLog, type Ledger, LedgerUnavailable } from "../ledger/ledger.ts";
import type { TimelineView } from "../ledger/timeline-view.ts";
import { CommentTimes, type Dated, type Left, placeOf } from "./comment-times.ts";
import type { ViewerSamples } from "./viewer-samples.ts";

export interface TimesParts {
  readonly ledger: Ledger;
  readonly clock: Clock;
  readonly viewers: ViewerSamples;
  /** Is told which video was asked for. */
  readonly used?: (video: VideoId) => void;
}

/** Steps that a timeline has when none is asked for: the shortest that makes a picture. */
const steps = [1, 10, 60, 600, 3_600, 86_400];
const pictureMax = 1_000;
/** Moments are looked for in so much of the end of a timeline, by seconds and by tens, in seconds. */
const fineS = 6 * 3_600;
const coarseS = 48 * 3_600;
/** Comments belong to a moment up to so long before and behind it, in ms. */
const nearMs = 10_000;

interface Range {
  readonly fromMs: number;
  readonly toMs: number;
}

/** What is told of a video's comments. */
interface Said {
  /** How many came when, whatever became of them, up to some place; and those behind it. */
  readonly counts: CommentCounts;
  readonly uncounted: readonly Dated[];
  /** From where on all are counted; null: from the first. */
  readonly fromMs: number | null;
}

export class Times {
  readonly #parts: TimesParts;
  readonly #comments: CommentTimes;
  /** Being answered: those who ask the same meanwhile share it. */
  readonly #under = new Map<string, Promise<Uint8Array>>();

  constructor(parts: TimesParts) {
    this.#parts = parts;
    this.#comments = new CommentTimes(parts.ledger, parts.clock);
  }

  /** Answers a request (core/times.ts). Rejects with LedgerUnavailable, also for what is none. */
  async serve(payload: Uint8Array): Promise<Uint8Array> {
    const request = decodeTimesRequest(payload);
    if (!request) throw new LedgerUnavailable("not a question about times");
    const name = JSON.stringify(request);
    let answer = this.#under.get(name);
    if (!answer) {
      answer = this.#bytes(request).finally(() => this.#under.delete(name));
      this.#under.set(name, answer);
    }
    return answer;
  }

  async #bytes(request: TimesRequest): Promise<Uint8Array> {
    const answer = await this.#answer(request);
    const isOver = this.#parts.ledger.away?.isClosed(request.video) ?? false;
    const bytes = encodeTimes(isOver && !("refused" in answer) ? { ...answer, over: true } : answer);
    return bytes.length <= limits.timesBytesMax ? bytes : encodeTimes({ refused: "too-much" });
  }

  async #answer(request: TimesRequest): Promise<TimelineReply | ReplayReply | MomentsReply | NoTimes> {
    const { ledger } = this.#parts;
    const { video, want } = request;
    this.#parts.used?.(video);
    await ledger.away?.read(video);
    const before = ledger.timeline(video);
    if (!before) return { refused: "off" };
    const skewMs = before.skewMs ?? 0;
    const left = await this.#comments.of(video, skewMs);
    // Behind those that are left: what was let go by then has been counted.
    const said = want === "timeline" ? saidOf(left, await ledger.comments(video)) : undefined;
    await ledger.current(video);
    // From here on in one turn: what is told of the fold is of one moment.
    const view = ledger.timeline(video) as TimelineView;
    const edition = `${ledger.totals(video).version}-${left.last}`;
    if (said) {
      const told = this.#timeline(request, view, said);
      return "refused" in told ? told : { ...told, edition };
    }
    const range = rangeOf(request, [view.bounds()], left.apart);
    if (want === "replay") return { ...(await this.#replay(video, view, range, left.apart)), edition };
    return { ...(await this.#moments(request, view, left.apart)), edition };
  }

  #timeline(request: TimesRequest, view: TimelineView, said: Said): TimelineReply | NoTimes {
    const { ledger, viewers } = this.#parts;
    const { video } = request;
    const { timeline, before } = said.counts;
    const range = rangeOf(request, [view.bounds(), timeline.bounds()], said.uncounted);
    const stepS = request.stepS ?? stepFor(range) ?? (steps.at(-1) as number);
    const stepMs = 1000 * stepS;
    const fromMs = Math.floor(range.fromMs / stepMs) * stepMs;
    const points = Math.max(0, Math.ceil((range.toMs - fromMs) / stepMs));
    if (points > limits.timelinePointsMax) return { refused: "too-much" };
    const toMs = fromMs + points * stepMs;
    const stretch = { fromS: fromMs / 1000, toS: toMs / 1000, stepS };
    const { likes, unlikes, people } = view.read(stretch);
    const comments = [...said.counts.read(stretch)];
    for (const { atMs } of said.uncounted) {
      const at = Math.floor((atMs - fromMs) / stepMs);
      if (at >= 0 && at < points) comments[at] = (comments[at] as number) + 1;
    }
    const totals = emptyCounts();
    addCounts(totals, ledger.totals(video).counts);
    return {
      ...{ fromMs, toMs, stepS, skewMs: view.skewMs ?? null, totals, before: view.before, likes },
      ...(ledger.once && { unlikes }),
      ...{ people, comments, commentsFromMs: said.fromMs, ...(before > 0 && { commentsBefore: before }) },
      viewers: viewers.read(video, fromMs, stepMs, points),
      resolution: bothOf(view.resolution(), timeline.resolution()),
    };
  }

  async #replay(
    video: VideoId,
    view: TimelineView,
    { fromMs, toMs }: Range,
    comments: readonly Dated[],
  ): Promise<ReplayReply> {
    const { ledger } = this.#parts;
    const spots = view
      .spots(Math.floor(fromMs / 1000), Math.ceil(toMs / 1000))
      .filter(({ atMs }) => atMs >= fromMs)
      .map((spot) => likesLine(spot, ledger.once));
    const said = comments.slice(placeOf(comments, fromMs), placeOf(comments, toMs));
    const { wanted, nextMs } = pageOf(spots, said, limits.replayLinesMax);
    const texts = await this.#lines(video, wanted.filter(isDated));
    const lines: ReplayLine[] = [];
    let bytes = 0;
    for (const [i, one] of wanted.entries()) {
      const isNext = i > 0 && one.atMs > (wanted[i - 1]?.atMs ?? 0);
      if (bytes > limits.replayBytesMax && isNext) return { lines, nextMs: one.atMs };
      const line = isDated(one) ? texts.get(one.seq) : one;
      if (line) lines.push(line);
      bytes += line && "text" in line ? 3 * line.text.length : 0;
    }
    return { lines, nextMs };
  }

  async #moments({ video, most = 10 }: TimesRequest, view: TimelineView, comments: readonly Dated[]) {
    const found = momentsOf(view)
      .sort((a, b) => b.score - a.score)
      .slice(0, Math.min(most, limits.momentsMax))
      .sort((a, b) => a.startMs - b.startMs);
    const near = found.map((moment) => nearest(moment, comments));
    const texts = await this.#lines(video, near.flat());
    const moments = found.map((moment, i): Moment => {
      const lines = (near[i] ?? []).flatMap(({ seq }) => texts.get(seq) ?? []);
      return { ...moment, comments: lines };
    });
    return { moments };
  }

  /** Comments as they are told to everybody, by place; what is held or gone is not there. */
  async #lines(video: VideoId, wanted: readonly Dated[]): Promise<Map<number, CommentLine>> {
    const { ledger, clock } = this.#parts;
    const lineage = ledger.lineage();
    const texts = await this.#comments.texts(video, wanted);
    if (ledger.lineage() !== lineage) throw anotherLog();
    const lines = new Map<number, CommentLine>();
    for (const { seq, atMs } of wanted) {
      const entry = texts.get(seq);
      if (!entry || holdLeft(entry, clock.date()) > 0) continue;
      lines.set(seq, { atMs, id: lineage.idOf(seq), user: entry.user, text: entry.text });
    }
    return lines;
  }
}

/** The moments that a timeline holds, but for what was said then. */
export function momentsOf(view: TimelineView): Omit<Moment, "comments">[] {
  const bounds = view.bounds();
  if (!bounds) return [];
  const { fromS, toS } = bounds;
  const secondsFrom = view.resolution().find(({ stepS }) => stepS === 1)?.fromS ?? toS;
  const fineFrom = Math.max(fromS, secondsFrom, toS - fineS);
  const tensFrom = Math.floor(Math.max(fromS, toS - coarseS) / 10) * 10;
  return [...momentsIn(view, tensFrom, fineFrom, 10), ...momentsIn(view, fineFrom, toS, 1)];
}

/** The moments of a stretch, told in steps of `stepS`. */
export function momentsIn(
  view: TimelineView,
  fromS: number,
  toS: number,
  stepS: number,
): Omit<Moment, "comments">[] {
  if (fromS >= toS) return [];
  const { people } = view.read({ fromS, toS, stepS });
  return peaksOf(people, stepS).map(({ start, peak, end, score, people: count }: Peak) => {
    const [startS, endS] = [fromS + start * stepS, fromS + end * stepS];
    const whole = view.read({ fromS: startS, toS: endS, stepS: endS - startS });
    const likes = emptyCounts();
    for (const kind in whole.likes) likes[kind] = whole.likes[kind]?.[0] ?? 0;
    const peakMs = 1000 * (fromS + peak * stepS);
    return { startMs: 1000 * startS, peakMs, endMs: 1000 * endS, score, people: count, likes };
  });
}

function saidOf({ apart, cut, cleared }: Left, { counts: counted, upTo }: Counted): Said {
  const counts = cleared > upTo ? undefined : counted;
  const uncounted = upTo === 0 ? apart : apart.filter(({ seq }) => seq > upTo);
  const fromMs = counts ? (counts.fromMs ?? null) : cut ? (apart[0]?.atMs ?? null) : null;
  return { counts: counts ?? new CommentCounts(), uncounted, fromMs };
}

type Steps = readonly { readonly fromS: number; readonly stepS: number }[];

/** From which second on both are kept in which steps, where some comments are kept in longer ones. */
function bothOf(likes: Steps, comments: Steps): TimelineReply["resolution"] {
  const told = new Map(likes.map(({ fromS, stepS }) => [stepS, fromS]));
  const isLong = comments.some(({ stepS }) => stepS > 1);
  for (const { fromS, stepS } of isLong ? comments : []) {
    const known = told.get(stepS) ?? fromS;
    told.set(stepS, stepS === 1 ? Math.max(known, fromS) : Math.min(known, fromS));
  }
  const ordered = [...told].sort(([a], [b]) => b - a);
  return ordered.map(([stepS, fromS]) => ({ fromMs: 1000 * fromS, stepS }));
}

function rangeOf(
  { want, fromMs, toMs, stepS }: TimesRequest,
  all: readonly ({ readonly fromS: number; readonly toS: number } | undefined)[],
  comments: readonly Dated[],
): Range {
  let first = Number.POSITIVE_INFINITY;
  let last = 0;
  for (const bounds of all) {
    first = Math.min(first, bounds ? 1000 * bounds.fromS : first);
    last = Math.max(last, bounds ? 1000 * bounds.toS : 0);
  }
  // In order: the others are between these two.
  for (const one of [comments[0], comments.at(-1)]) {
    if (!one) continue;
    first = Math.min(first, Math.floor(one.atMs / 1000) * 1000);
    last = Math.max(last, Math.floor(one.atMs / 1000) * 1000 + 1000);
  }
  const from = fromMs ?? (first > last ? 0 : first);
  const range = { fromMs: from, toMs: Math.max(from, toMs ?? last) };
  if (want !== "timeline" || stepS !== undefined || stepFor(range) !== undefined) return range;
  // Who asks for all time there ever is, and no step, wants to see what there is in it.
  const within = Math.max(from, first > last ? from : first);
  return { fromMs: within, toMs: Math.max(within, Math.min(range.toMs, last)) };
}

/** The shortest step that makes a picture of it; undefined when none does. */
function stepFor({ fromMs, toMs }: Range): number | undefined {
  return steps.find((stepS) => (toMs - fromMs) / (1000 * stepS) <= pictureMax);
}

function likesLine({ atMs, spanMs, likes, unlikes }: LikesLine, once: boolean): LikesLine {
  return once ? { atMs, spanMs, likes, unlikes } : { atMs, spanMs, likes };
}

function isDated(one: LikesLine | Dated): one is Dated {
  return "seq" in one;
}

/**
 * About the first `most` of likes and comments, each in order, and where the next page begins: never some of
 * one millisecond without the others, of which there are fewer (comment-times.ts).
 */
function pageOf(
  spots: readonly LikesLine[],
  said: readonly Dated[],
  most: number,
): { readonly wanted: readonly (LikesLine | Dated)[]; readonly nextMs: number | null } {
  const first = <T>(all: readonly T[]): readonly T[] => all.slice(0, most + 1);
  const merged = [...first(spots), ...first(said)].sort((a, b) => a.atMs - b.atMs);
  const cutMs = merged[most]?.atMs;
  if (cutMs === undefined) return { wanted: merged, nextMs: null };
  const wanted = merged.filter(({ atMs }) => atMs < cutMs);
  return { wanted, nextMs: cutMs };
}

/** The comments that stand nearest to a moment's peak. */
function nearest({ startMs, peakMs, endMs }: Omit<Moment, "comments">, comments: readonly Dated[]): Dated[] {
  return comments
    .filter(({ atMs }) => atMs >= startMs - nearMs && atMs < endMs + nearMs)
    .sort((a, b) => Math.abs(a.atMs - peakMs) - Math.abs(b.atMs - peakMs))
    .slice(0, limits.momentCommentsMax)
    .sort((a, b) => a.atMs - b.atMs);
}
