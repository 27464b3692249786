/**
 * The dispatcher's own `Ingest`: admit, batch, and say what became of it. Likes enter here whether they came
 * over HTTP to this node or were relayed by a frontend; relayed ones are parsed again, since another node may
 * be broken.
 */
import type { Clock } from "../base/clock.ts";
import type { Metrics } from "../base/metrics.ts";
import { parseId } from "../core/entry.ts";
import type { Ingest } from "../core/ingest.ts";
import {
  type CommentDraft,
  isHold,
  isRejection,
  isTime,
  type Kind,
  type Like,
  parseComment,
  parseLikeItem,
  parseVideoId,
  type Rejection,
  reject,
  type VideoId,
} from "../core/interaction.ts";
import { limits } from "../core/limits.ts";
import { type IngestReply, whoseOf } from "../core/relayed.ts";
import { decodeJson, encodeJson } from "../core/wire.ts";
import { type Ledger, LedgerUnavailable } from "../ledger/ledger.ts";
import type { Admit } from "./admit.ts";
import type { Batch, Outcome } from "./batch.ts";
import type { Happenings } from "./happenings.ts";

/** Likes that were given to one lane one after the other, and share what becomes of its batch. */
interface Together {
  readonly outcome: Promise<Outcome>;
  readonly verdict: Promise<Rejection | undefined>;
  interactions: number;
  /** Likes, less those that take one back. */
  accepted: number;
}

export class DispatcherIngest implements Ingest {
  readonly #batch: Batch;
  readonly #admit: Admit;
  readonly #ledger: Ledger;
  readonly #clock: Clock;
  readonly #metrics: Metrics;
  readonly #kinds: ReadonlySet<Kind>;
  readonly #happenings: Happenings | undefined;
  #together: Together | undefined;

  constructor(parts: {
    batch: Batch;
    admit: Admit;
    ledger: Ledger;
    clock: Clock;
    metrics: Metrics;
    kinds: ReadonlySet<Kind>;
    /** Hears of comments; absent: nobody wants to know. */
    happenings?: Happenings | undefined;
  }) {
    this.#batch = parts.batch;
    this.#admit = parts.admit;
    this.#ledger = parts.ledger;
    this.#clock = parts.clock;
    this.#metrics = parts.metrics;
    this.#kinds = parts.kinds;
    this.#happenings = parts.happenings;
  }

  like(like: Like): Promise<Rejection | undefined> {
    const verdict = this.#take(like, this.#clock.date());
    return verdict instanceof Promise ? verdict : Promise.resolve(verdict);
  }

  likes(likes: readonly Like[]): Promise<readonly (Rejection | undefined)[]> {
    return this.#takeAll(likes, this.#clock.date());
  }

  /** One verdict per item, in order; what was refused before it came here keeps its refusal. */
  async #takeAll(
    items: readonly (Like | Rejection)[],
    atMs: number,
  ): Promise<readonly (Rejection | undefined)[]> {
    const taken = items.map((item) => (isRejection(item) ? item : this.#take(item, atMs)));
    // Items added on one turn share the verdict of their lane's batch: it is awaited once, not once an item.
    const verdicts = new Map<Promise<unknown>, Rejection | undefined>();
    for (const each of taken) {
      if (each instanceof Promise && !verdicts.has(each)) verdicts.set(each, await each);
    }
    return taken.map((each) => (each instanceof Promise ? verdicts.get(each) : each));
  }

  /** Gives a like to its lane, or says why not; a repeat that needs no taking is taken. */
  #take(like: Like, atMs: number): Promise<Rejection | undefined> | Rejection | undefined {
    const refused = this.#admit.like(like, this.#batch.likesBefore(like.video));
    if (refused === "counted") {
      this.#metrics.likesAccepted.inc(acceptedBy(like));
      return undefined;
    }
    if (refused) return this.#likesRefused(refused, 1);
    const outcome = this.#batch.like(like.mediaMs === undefined ? like : this.#seen(like, atMs), atMs);
    let together = this.#together;
    if (together?.outcome !== outcome) {
      together = this.#expect(outcome);
      this.#together = together;
    }
    together.interactions++;
    together.accepted += acceptedBy(like);
    return together.verdict;
  }

  /** What becomes of likes is told and counted once for all of a batch. */
  #expect(outcome: Promise<Outcome>): Together {
    const verdict = outcome.then((became) => {
      const { interactions, accepted } = together;
      if ("rejected" in became) return this.#likesRefused(became, interactions);
      if (accepted > 0) this.#metrics.likesAccepted.inc(accepted);
      return undefined;
    });
    const together: Together = { outcome, verdict, interactions: 0, accepted: 0 };
    return together;
  }

  /**
   * A like whose media time is not to be believed goes without it. Once for each who says so now and then it
   * goes into the log all the same: the fold looks at it, and knows the median of them all.
   */
  #seen(like: Like, atMs: number): Like {
    const { mediaMs = 0, ...plain } = like;
    if (this.#ledger.timeline(like.video)?.believes(mediaMs, atMs) ?? false) return like;
    this.#metrics.mediaTimesIgnored.inc();
    return like.again ? plain : like;
  }

  /** A comment with what its writer saw: as it says, or else as the median of them all has it. */
  #dated(draft: CommentDraft): CommentDraft {
    const timeline = this.#ledger.timeline(draft.video);
    const { mediaMs, ...plain } = draft;
    if (mediaMs !== undefined) {
      if (timeline?.believes(mediaMs, draft.atMs)) return draft;
      this.#metrics.mediaTimesIgnored.inc();
    }
    const skewMs = timeline?.skewMs;
    return skewMs === undefined ? plain : { ...plain, mediaMs: Math.max(0, draft.atMs - skewMs) };
  }

  async comment(draft: CommentDraft): Promise<string | Rejection> {
    const refused = this.#admit.comment(draft, this.#batch.commentsBefore(), this.#clock.elapsed());
    const taken = refused ?? (await this.#batch.comment(this.#dated(draft)));
    const placed = "other" in taken && taken.other ? otherComment : taken;
    if ("rejected" in placed) {
      this.#metrics.commentsRejected.inc({ reason: placed.rejected });
      return placed;
    }
    this.#metrics.commentsAccepted.inc();
    const id = this.#ledger.lineage().idOf(placed.seq);
    if (!placed.repeated) this.#happenings?.published(draft, id);
    return id;
  }

  async retract(video: VideoId, id: string): Promise<boolean | Rejection> {
    const place = parseId(id);
    if (!place || !this.#ledger.lineage().continues(place)) return false;
    try {
      const removed = await this.#ledger.retract(video, place.seq);
      if (removed) this.#happenings?.removed(video, id);
      return removed;
    } catch (error) {
      if (!(error instanceof LedgerUnavailable)) throw error;
      return reject("unavailable", "comments cannot be changed now", 1);
    }
  }

  /** Answers a relayed micro-batch (core/wire.ts IngestRequest); undefined for what is not one. */
  async serve(payload: Uint8Array): Promise<Uint8Array | undefined> {
    const message = decodeJson(payload);
    if (!message || !Array.isArray(message.likes) || !Array.isArray(message.comments)) return undefined;
    if (message.likes.length + message.comments.length > limits.pendingMax) return undefined;
    const { waitedMs } = message;
    const waited = typeof waitedMs === "number" && waitedMs >= 0 && waitedMs <= limits.storeMs ? waitedMs : 0;
    const atMs = this.#clock.date() - waited;
    const parsed = message.likes.map((item, index) => {
      const like = this.#parsed(item);
      return isRejection(like) ? like : { ...like, ...whoseOf(message.whose, index) };
    });
    const likes = this.#takeAll(parsed, atMs);
    const comments = Promise.all(message.comments.map((item) => this.#relayedComment(item, atMs)));
    const verdicts = (await likes).map((verdict) => verdict ?? null);
    const lanes = this.#ledger.commentLane;
    const reply: IngestReply = { likes: verdicts, comments: await comments, lanes };
    const retract = message.retract as { video?: unknown; id?: unknown } | undefined;
    if (!retract) return encodeJson(reply);
    const video = parseVideoId(retract.video);
    const retracted =
      typeof video === "string" && typeof retract.id === "string" && (await this.retract(video, retract.id));
    return encodeJson({ ...reply, retracted });
  }

  /** A relayed like, parsed again; a frontend of the other mode would have likes counted in the other way. */
  #parsed(item: unknown): Like | Rejection {
    const { once } = this.#ledger;
    const like = parseLikeItem(item, this.#kinds, once);
    if (isRejection(like) || once === ((item as { viewer?: unknown }).viewer !== undefined)) return like;
    return reject("like-mode", "this node's --like-mode is not that of its dispatchers");
  }

  async #relayedComment(item: unknown, atMs: number): Promise<string | Rejection> {
    type Names = "video" | "text" | "user" | "key" | "holdMs" | "mediaMs";
    const fields = item as Record<Names, unknown> | null;
    const video = parseVideoId(fields?.video);
    if (typeof video !== "string" || !fields) return reject("bad-video", "a relayed comment names its video");
    // What its writer may say; the rest is the frontend's own, of whatever version that is.
    const { text, user, key } = fields;
    const draft = parseComment(video, { text, user, key }, null, atMs);
    if (isRejection(draft)) return draft;
    const holdMs = fields.holdMs ?? 0;
    if (!isHold(holdMs)) return reject("bad-field", `holdMs must be 0 to ${limits.holdMsMax}`);
    const seen = isTime(fields.mediaMs) && { mediaMs: fields.mediaMs };
    return this.comment({ ...draft, ...(holdMs > 0 && { holdMs }), ...seen });
  }

  #likesRefused(refused: Rejection, interactions: number): Rejection {
    this.#metrics.likesRejected.inc({ reason: refused.rejected }, interactions);
    return refused;
  }
}

const otherComment = reject("key-used", "this key was used for another comment: it would be lost");

/** Likes that are accepted with `like`: none when it takes one back. */
function acceptedBy(like: Like): number {
  return like.unlike ? 0 : like.count;
}
