/**
 * The ingest of a node that has no ledger: what comes in is relayed to a dispatcher, many together.
 *
 * One request carries at most limits.relayMs of likes and comments of one lane of the log, and any
 * dispatcher answers it with a verdict each. When none answers, nothing was promised: the publisher is told
 * to repeat, and its keys keep a repeat from counting twice.
 */
import type { Clock, Elapsed } from "../base/clock.ts";
import type { Metrics } from "../base/metrics.ts";
import { BusUnavailable } from "../bus/bus.ts";
import { laneOf } from "../core/hash.ts";
import type { Ingest } from "../core/ingest.ts";
import { type CommentDraft, type Like, type Rejection, reject, type VideoId } from "../core/interaction.ts";
import { limits } from "../core/limits.ts";
import { decodeIngestReply, type IngestReply, type IngestRequest, relayed } from "../core/relayed.ts";
import { encodeJson, subjects } from "../core/wire.ts";
import type { Requester } from "./asker.ts";

/** What one like or comment takes beside its text, in bytes; a character of text takes at most four. */
const itemBytes = 300;

interface Parcel {
  readonly likes: Like[];
  readonly comments: CommentDraft[];
  bytes: number;
  readonly openedAt: Elapsed;
  readonly reply: Promise<IngestReply | Rejection>;
  readonly settle: (reply: IngestReply | Rejection) => void;
}

export class Relay implements Ingest {
  readonly #bus: Requester;
  readonly #clock: Clock;
  readonly #metrics: Metrics;
  /** Lanes of likes in the log, as a dispatcher last said; 0: one for all. */
  #lanes = 0;
  /** By lane. */
  readonly #open = new Map<number, Parcel>();
  /** By lane: likes and comments on their way. */
  readonly #pending = new Map<number, number>();

  constructor(bus: Requester, clock: Clock, metrics: Metrics) {
    this.#bus = bus;
    this.#clock = clock;
    this.#metrics = metrics;
  }

  async like(like: Like): Promise<Rejection | undefined> {
    const lanes = Math.min(this.#lanes, limits.relayLanesMax);
    const lane = lanes === 0 ? 0 : laneOf(like.video, this.#lanes) % lanes;
    const parcel = this.#parcel(lane, itemBytes + 4 * (like.viewer?.length ?? 0));
    const refused = "rejected" in parcel ? parcel : await this.#liked(parcel, parcel.likes.push(like) - 1);
    if (!refused) this.#metrics.likesAccepted.inc(like.unlike ? 0 : like.count);
    else this.#metrics.likesRejected.inc({ reason: refused.rejected });
    return refused;
  }

  likes(likes: readonly Like[]): Promise<readonly (Rejection | undefined)[]> {
    return Promise.all(likes.map((like) => this.like(like)));
  }

  async comment(draft: CommentDraft): Promise<string | Rejection> {
    const lane = Math.min(this.#lanes, limits.relayLanesMax);
    const parcel = this.#parcel(lane, itemBytes + 4 * draft.text.length);
    const verdict =
      "rejected" in parcel ? parcel : await this.#placed(parcel, parcel.comments.push(draft) - 1);
    if (typeof verdict === "string") this.#metrics.commentsAccepted.inc();
    else this.#metrics.commentsRejected.inc({ reason: verdict.rejected });
    return verdict;
  }

  async retract(video: VideoId, id: string): Promise<boolean | Rejection> {
    const reply = await this.#ask({ likes: [], comments: [], retract: { video, id } });
    return "rejected" in reply ? reply : (reply.retracted ?? false);
  }

  async #liked(parcel: Parcel, index: number): Promise<Rejection | undefined> {
    const reply = await parcel.reply;
    return "rejected" in reply ? reply : (reply.likes[index] ?? undefined);
  }

  async #placed(parcel: Parcel, index: number): Promise<string | Rejection> {
    const reply = await parcel.reply;
    return "rejected" in reply ? reply : (reply.comments[index] as string | Rejection);
  }

  /** The open parcel of a lane: what hangs in one lane of the log delays nothing of the others. */
  #parcel(lane: number, bytes: number): Parcel | Rejection {
    const pending = this.#pending.get(lane) ?? 0;
    if (pending >= limits.pendingMax) return reject("busy", "too many interactions are on their way", 1);
    let open = this.#open.get(lane);
    if (open) {
      const items = open.likes.length + open.comments.length;
      if (items >= limits.relayItemsMax || open.bytes + bytes > limits.relayBytesMax) {
        this.#send(lane, open);
        open = undefined;
      }
    }
    if (!open) {
      const { promise, resolve } = Promise.withResolvers<IngestReply | Rejection>();
      const openedAt = this.#clock.elapsed();
      open = { likes: [], comments: [], bytes: 0, openedAt, reply: promise, settle: resolve };
      this.#open.set(lane, open);
      const parcel = open;
      this.#clock.after(limits.relayMs, () => {
        if (this.#open.get(lane) === parcel) this.#send(lane, parcel);
      });
    }
    open.bytes += bytes;
    this.#pending.set(lane, pending + 1);
    return open;
  }

  #send(lane: number, parcel: Parcel): void {
    this.#open.delete(lane);
    const { likes, comments, openedAt } = parcel;
    const items = likes.length + comments.length;
    const waitedMs = Math.round(this.#clock.elapsed() - openedAt);
    void this.#ask({ likes, comments, waitedMs }).then((reply) => {
      const left = (this.#pending.get(lane) ?? 0) - items;
      if (left > 0) this.#pending.set(lane, left);
      else this.#pending.delete(lane);
      parcel.settle(reply);
    });
  }

  async #ask(request: IngestRequest): Promise<IngestReply | Rejection> {
    try {
      const payload = await this.#bus.request(subjects.ingest, encodeJson(relayed(request)), limits.storeMs);
      const reply = decodeIngestReply(payload, request.likes.length, request.comments.length);
      if (reply) {
        this.#lanes = reply.lanes ?? 0;
        return reply;
      }
      this.#metrics.invalidMessages.inc();
      return noAnswer();
    } catch (error) {
      if (!(error instanceof BusUnavailable)) throw error;
      return noAnswer();
    }
  }
}

function noAnswer(): Rejection {
  return reject("unavailable", "no dispatcher can be reached", 1);
}
