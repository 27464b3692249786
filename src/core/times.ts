/**
 * What a dispatcher is asked about a video's own time, and what it answers: its timeline, its moments, and
 * what is shown with its recording. Times are Unix ms in the stream's clock, steps seconds.
 *
 * As in wire.ts, nothing that another node says is believed unchecked.
 */
import { formatId, parseId } from "./entry.ts";
import { isKind, isTime, isVideoId, type VideoId } from "./interaction.ts";
import { limits } from "./limits.ts";
import { type Counts, emptyCounts } from "./totals.ts";
import { decodeJson, encodeJson, isCount } from "./wire.ts";

/** Where it is asked. */
export const timesSubject = "times";

export type TimesWant = "timeline" | "moments" | "replay";

export interface TimesRequest {
  readonly video: VideoId;
  readonly want: TimesWant;
  /** undefined: from the first, to the last second that holds something. */
  readonly fromMs?: number | undefined;
  readonly toMs?: number | undefined;
  /** Of a timeline; undefined: what gives a picture of all of it. */
  readonly stepS?: number | undefined;
  /** Most moments. */
  readonly most?: number | undefined;
}

type Rows = Readonly<Record<string, readonly number[]>>;

export interface TimelineReply extends Over {
  readonly fromMs: number;
  readonly toMs: number;
  readonly stepS: number;
  /** Median of server time less media time; null: nobody says what they see. */
  readonly skewMs: number | null;
  readonly totals: Counts;
  /** Of the totals what has no place in time. */
  readonly before: Counts;
  readonly likes: Rows;
  /** Present where likes can be taken back. */
  readonly unlikes?: Rows | undefined;
  readonly people: readonly number[];
  readonly comments: readonly number[];
  /** From where on all comments are counted; null: from the first. */
  readonly commentsFromMs: number | null;
  /** Comments without a place in time any more; absent: none. */
  readonly commentsBefore?: number | undefined;
  readonly viewers: readonly (number | null)[];
  readonly resolution: readonly { readonly fromMs: number; readonly stepS: number }[];
}

export interface CommentLine {
  readonly atMs: number;
  readonly id: string;
  readonly user?: string | undefined;
  readonly text: string;
}

export interface LikesLine {
  readonly atMs: number;
  /** 1,000 unless only longer steps are kept. */
  readonly spanMs: number;
  readonly likes: Counts;
  readonly unlikes?: Counts | undefined;
}

export type ReplayLine = CommentLine | LikesLine;

/** Beside every answer. */
export interface Over {
  /** The log keeps the video closed: what was answered will be the same for ever, unless it is opened. */
  readonly over?: true;
  /** Names what was known of the video: with a like more, or a comment less, it is another. */
  readonly edition?: string;
}

export interface ReplayReply extends Over {
  readonly lines: readonly ReplayLine[];
  /** Where the next page begins; null: there is none. */
  readonly nextMs: number | null;
}

export interface Moment {
  readonly startMs: number;
  readonly peakMs: number;
  readonly endMs: number;
  readonly score: number;
  readonly people: number;
  readonly likes: Counts;
  /** Nearest to the peak. */
  readonly comments: readonly CommentLine[];
}

export interface MomentsReply extends Over {
  readonly moments: readonly Moment[];
}

/** Why there is no answer: such a video has no timeline, or more was asked for than one answer holds. */
export interface NoTimes {
  readonly refused: "off" | "too-much";
}

/** Whether `value` has the shape of the name of an edition. */
export function isEdition(value: unknown): value is string {
  return typeof value === "string" && /^[0-9]{1,16}-[0-9]{1,16}$/.test(value);
}

export function isComment(line: ReplayLine): line is CommentLine {
  return "text" in line;
}

export function decodeTimesRequest(payload: Uint8Array): TimesRequest | undefined {
  const m = decodeJson(payload);
  if (!m || !isVideoId(m.video)) return undefined;
  const { want, fromMs, toMs, stepS, most } = m;
  if (want !== "timeline" && want !== "moments" && want !== "replay") return undefined;
  for (const time of [fromMs, toMs]) if (time !== undefined && !isTime(time)) return undefined;
  if (stepS !== undefined && !(isCount(stepS) && stepS > 0)) return undefined;
  if (most !== undefined && !isCount(most)) return undefined;
  return { video: m.video, want, fromMs, toMs, stepS, most } as TimesRequest;
}

export function encodeTimes(reply: TimelineReply | ReplayReply | MomentsReply | NoTimes): Uint8Array {
  return encodeJson(reply);
}

type Message = Record<string, unknown>;

/** What `read` makes of the answer; undefined for what is none. */
export function decodeTimes<T extends object>(
  payload: Uint8Array,
  read: (message: Message) => T | undefined,
): T | NoTimes | undefined {
  const m = decodeJson(payload);
  if (m?.refused === "off" || m?.refused === "too-much") return { refused: m.refused };
  const told = m && read(m);
  if (!told) return undefined;
  return {
    ...told,
    ...(isEdition(m.edition) && { edition: m.edition }),
    ...(m.over === true && { over: true }),
  };
}

export function readTimeline(m: Message): TimelineReply | undefined {
  const { fromMs, toMs, stepS, skewMs, people, comments, commentsFromMs, viewers } = m;
  if (!isTime(fromMs) || !isTime(toMs) || !isCount(stepS) || stepS === 0 || toMs < fromMs) return undefined;
  if (skewMs !== null && typeof skewMs !== "number") return undefined;
  const points = (toMs - fromMs) / (1000 * stepS);
  if (points > limits.timelinePointsMax) return undefined;
  const [totals, before] = [countsOf(m.totals), countsOf(m.before, true)];
  const [likes, unlikes] = [
    rowsOf(m.likes, points),
    m.unlikes === undefined ? {} : rowsOf(m.unlikes, points),
  ];
  if (!totals || !before || !likes || !unlikes) return undefined;
  if (!isRow(people, points) || !isRow(comments, points)) return undefined;
  if (commentsFromMs !== null && !isTime(commentsFromMs)) return undefined;
  if (!Array.isArray(viewers) || viewers.length !== points) return undefined;
  if (!viewers.every((count) => count === null || isCount(count))) return undefined;
  const kept = Array.isArray(m.resolution) ? (m.resolution as Message[]) : [];
  const resolution = kept.flatMap((one) => {
    return isTime(one?.fromMs) && isCount(one.stepS) ? [{ fromMs: one.fromMs, stepS: one.stepS }] : [];
  });
  const { commentsBefore } = m;
  if (commentsBefore !== undefined && !isCount(commentsBefore)) return undefined;
  const known = { fromMs, toMs, stepS, skewMs, totals, before, likes, people, comments, commentsFromMs };
  return {
    ...known,
    viewers: viewers as (number | null)[],
    resolution,
    ...(m.unlikes !== undefined && { unlikes }),
    ...(commentsBefore !== undefined && { commentsBefore }),
  };
}

export function readReplay(m: Message): ReplayReply | undefined {
  const { nextMs } = m;
  if ((nextMs !== null && !isTime(nextMs)) || !Array.isArray(m.lines)) return undefined;
  const lines = (m.lines as Message[]).map(lineOf);
  return lines.every((line) => line !== undefined) ? { lines, nextMs } : undefined;
}

export function readMoments(m: Message): MomentsReply | undefined {
  if (!Array.isArray(m.moments) || m.moments.length > limits.momentsMax) return undefined;
  const moments = (m.moments as Message[]).map((one): Moment | undefined => {
    const { startMs, peakMs, endMs, score, people } = one ?? {};
    const likes = countsOf(one?.likes);
    if (!isTime(startMs) || !isTime(peakMs) || !isTime(endMs) || !likes) return undefined;
    if (typeof score !== "number" || !isCount(people) || !Array.isArray(one.comments)) return undefined;
    const comments = (one.comments as Message[]).map(lineOf);
    if (!comments.every((line) => line !== undefined && isComment(line))) return undefined;
    return { startMs, peakMs, endMs, score, people, likes, comments: comments as CommentLine[] };
  });
  return moments.every((one) => one !== undefined) ? { moments } : undefined;
}

function lineOf(m: Message): ReplayLine | undefined {
  if (typeof m !== "object" || m === null || !isTime(m.atMs)) return undefined;
  const { atMs, id, user, text, spanMs } = m;
  if (text === undefined) {
    const [likes, unlikes] = [countsOf(m.likes), m.unlikes === undefined ? undefined : countsOf(m.unlikes)];
    if (!likes || !isCount(spanMs) || (m.unlikes !== undefined && !unlikes)) return undefined;
    return { atMs, spanMs, likes, ...(unlikes && { unlikes }) };
  }
  const place = typeof id === "string" ? parseId(id) : undefined;
  if (!place || typeof text !== "string" || text.length > 2 * limits.commentCharsMax) return undefined;
  const isUser = typeof user === "string" && user.length <= 2 * limits.userCharsMax;
  if (user !== undefined && !isUser) return undefined;
  return { atMs, id: formatId(place.branch, place.seq), ...(isUser && { user }), text };
}

/** `below`: they may be less than nothing, where likes are taken back. */
function countsOf(value: unknown, below = false): Counts | undefined {
  if (typeof value !== "object" || value === null) return undefined;
  const counts = emptyCounts();
  for (const [kind, count] of Object.entries(value)) {
    if (!isKind(kind) || !(isCount(count) || (below && Number.isSafeInteger(count)))) return undefined;
    counts[kind] = count as number;
  }
  return counts;
}

function rowsOf(value: unknown, points: number): Rows | undefined {
  if (typeof value !== "object" || value === null) return undefined;
  const rows: Record<string, readonly number[]> = Object.create(null);
  for (const [kind, row] of Object.entries(value)) {
    if (!isKind(kind) || !isRow(row, points)) return undefined;
    rows[kind] = row;
  }
  return rows;
}

function isRow(value: unknown, points: number): value is readonly number[] {
  return Array.isArray(value) && value.length === points && value.every(isCount);
}
