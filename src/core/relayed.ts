/**
 * What a frontend relays to a dispatcher, and the answer: likes and comments of many publishers, a verdict
 * each. As in wire.ts, nothing that another node says is believed unchecked.
 */
import { parseId } from "./entry.ts";
import {
  type CommentDraft,
  isTime,
  type Like,
  type Rejection,
  rejectionOf,
  type VideoId,
} from "./interaction.ts";
import { decodeJson } from "./wire.ts";

/** What a like says beside itself; null: nothing. */
export type Whose = readonly [mediaMs: number | null, again: 0 | 1] | null;

/** A request of these; what likes say beside themselves stands apart. */
export function relayed(request: Omit<IngestRequest, "whose">): IngestRequest {
  const { likes } = request;
  const whose = likes.map(({ mediaMs = null, again }): Whose => {
    return mediaMs === null && !again ? null : [mediaMs, again ? 1 : 0];
  });
  if (!whose.some((told) => told !== null)) return request;
  return { ...request, likes: likes.map(({ mediaMs: _, again: __, ...like }) => like), whose };
}

/** What is said beside the like `index` of a request; nothing of what cannot be read. */
export function whoseOf(whose: unknown, index: number): Pick<Like, "mediaMs" | "again"> {
  const told: unknown = Array.isArray(whose) ? whose[index] : undefined;
  if (!Array.isArray(told)) return {};
  const [mediaMs, again] = told as unknown[];
  return { ...(isTime(mediaMs) && { mediaMs }), ...(again === 1 && { again: true }) };
}

export interface IngestRequest {
  readonly likes: readonly Like[];
  readonly comments: readonly CommentDraft[];
  /**
   * How long the oldest of them had been accepted when this was sent, in ms. A duration, since clocks
   * differ.
   */
  readonly waitedMs?: number;
  /**
   * Per like what goes beside it: the date of the picture its viewer saw, Unix ms, and whether whoever gave
   * it liked the video a moment before. Apart from the likes, as nodes of before refuse unknown fields.
   */
  readonly whose?: readonly Whose[];
  readonly retract?: { readonly video: VideoId; readonly id: string };
}

/** One verdict per like (null: counted), one per comment (its id, or why not). */
export interface IngestReply {
  readonly likes: readonly (Rejection | null)[];
  readonly comments: readonly (string | Rejection)[];
  readonly retracted?: boolean | Rejection;
  /** Lanes of likes in the log, beside which comments have one; absent or 0: it has one for all. */
  readonly lanes?: number;
}

/** The verdicts in `payload` on `likes` likes and `comments` comments. */
export function decodeIngestReply(
  payload: Uint8Array,
  likes: number,
  comments: number,
): IngestReply | undefined {
  const m = decodeJson(payload);
  if (!m || !Array.isArray(m.likes) || !Array.isArray(m.comments)) return undefined;
  if (m.likes.length !== likes || m.comments.length !== comments) return undefined;
  const ofLikes = m.likes.map((verdict: unknown) => (verdict === null ? null : rejectionOf(verdict)));
  const ofComments = m.comments.map((verdict: unknown) =>
    typeof verdict === "string" && parseId(verdict) ? verdict : rejectionOf(verdict),
  );
  const { lanes = 0 } = m;
  if (typeof lanes !== "number" || !Number.isSafeInteger(lanes) || lanes < 0) return undefined;
  const verdicts = { likes: ofLikes.filter(isDefined), comments: ofComments.filter(isDefined) };
  const reply = lanes > 0 ? { ...verdicts, lanes } : verdicts;
  if (reply.likes.length !== likes || reply.comments.length !== comments) return undefined;
  if (m.retracted === undefined) return reply;
  const retracted = typeof m.retracted === "boolean" ? m.retracted : rejectionOf(m.retracted);
  return retracted === undefined ? undefined : { ...reply, retracted };
}

function isDefined<T>(value: T | undefined): value is T {
  return value !== undefined;
}
