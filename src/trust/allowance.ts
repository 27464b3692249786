/**
 * How much one viewer, one address and this node take: the limits of abuse, which an operator sets, as
 * core/limits.ts holds those of memory, which the program sets.
 *
 * Whoever has a token is limited as that viewer, wherever it comes from; whoever has none, as its address.
 * What is over the limit is refused, never cut, so a client knows. API keys are not limited: they are servers
 * that speak for many. Nor are loopback addresses: behind one is this machine's owner, or a proxy that hides
 * everybody (say so with --trust-proxy). Counts are this node's: a viewer of a cluster has them on each node.
 */
import { type Rejection, reject } from "../core/interaction.ts";
import { limits } from "../core/limits.ts";
import { isLoopback } from "./address.ts";
import type { Identity } from "./identity.ts";
import { Rate } from "./rate.ts";

/** The settings of the same names: see config.ts for each one's meaning. */
export interface AllowanceSettings {
  readonly viewerLikes: number;
  readonly viewerComments: number;
  readonly viewerStreams: number;
  readonly addressLikes: number;
  readonly addressComments: number;
  readonly addressStreams: number;
  readonly nodeStreams: number;
  readonly nodeAccepts: number;
}

/** Viewers and addresses remembered per rate and generation. Beyond: see rate.ts. */
const keysMax = 100_000;
/** A second's likes, three of them at once: a client merges taps, and one may come late. */
const likeBurstS = 3;
/** Comments are counted over ten seconds. */
const commentS = 10;
/** New streams of an address at once, in seconds' worth: a household or office comes back together. */
const streamBurstS = 10;

export class Allowance {
  readonly #settings: AllowanceSettings;
  readonly #viewerLikes: Rate;
  readonly #viewerComments: Rate;
  readonly #addressLikes: Rate;
  readonly #addressComments: Rate;
  readonly #addressStreams: Rate;
  readonly #accepts: Rate;
  /** Open streams by viewer; bounded by the streams of this node. */
  readonly #streams = new Map<string, number>();

  constructor(settings: AllowanceSettings) {
    this.#settings = settings;
    const likes = (perS: number) => new Rate(perS, Math.max(likeBurstS * perS, limits.likeCountMax), keysMax);
    const comments = (perTenS: number) => new Rate(perTenS / commentS, perTenS, keysMax);
    this.#viewerLikes = likes(settings.viewerLikes);
    this.#addressLikes = likes(settings.addressLikes);
    this.#viewerComments = comments(settings.viewerComments);
    this.#addressComments = comments(settings.addressComments);
    const { addressStreams, nodeAccepts } = settings;
    this.#addressStreams = new Rate(addressStreams, streamBurstS * addressStreams, keysMax);
    this.#accepts = new Rate(nodeAccepts, 2 * nodeAccepts, 1);
  }

  /** Why `count` likes of `who` cannot be taken now, or undefined. */
  like(who: Identity, address: string | undefined, count: number, nowMs: number): Rejection | undefined {
    if (who.by === "key") return undefined;
    const { viewerLikes, addressLikes } = this.#settings;
    if (who.sub !== undefined) {
      const waitMs = this.#viewerLikes.take(who.sub, count, nowMs);
      return waitMs === 0
        ? undefined
        : tooFast("like-rate", `a viewer gives at most ${viewerLikes} likes a second`, waitMs);
    }
    if (address === undefined || isLoopback(address)) return undefined;
    const waitMs = this.#addressLikes.take(address, count, nowMs);
    return waitMs === 0
      ? undefined
      : tooFast("like-rate", `an address gives at most ${addressLikes} likes a second`, waitMs);
  }

  /** Why a comment of `who` cannot be taken now, or undefined. */
  comment(who: Identity, address: string | undefined, nowMs: number): Rejection | undefined {
    if (who.by === "key") return undefined;
    const { viewerComments, addressComments } = this.#settings;
    if (who.sub !== undefined) {
      const waitMs = this.#viewerComments.take(who.sub, 1, nowMs);
      const most = `a viewer writes at most ${viewerComments} comments in ${commentS} s`;
      return waitMs === 0 ? undefined : tooFast("comment-rate", most, waitMs);
    }
    if (address === undefined || isLoopback(address)) return undefined;
    const waitMs = this.#addressComments.take(address, 1, nowMs);
    const most = `an address writes at most ${addressComments} comments in ${commentS} s`;
    return waitMs === 0 ? undefined : tooFast("comment-rate", most, waitMs);
  }

  /**
   * Why a stream of `who` cannot be opened while `open` are, or undefined: then `opened` must follow, or
   * nothing was taken but a place in the rates.
   */
  stream(who: Identity, address: string | undefined, open: number, nowMs: number): Rejection | undefined {
    const { nodeStreams, viewerStreams, addressStreams } = this.#settings;
    if (open >= nodeStreams) return reject("stream-rate", "this node holds as many streams as it may", 5);
    if (who.by === "token" && (this.#streams.get(who.sub ?? "") ?? 0) >= viewerStreams) {
      return reject("stream-rate", `a viewer has at most ${viewerStreams} streams here`, 10);
    }
    if (address !== undefined && !isLoopback(address)) {
      const waitMs = this.#addressStreams.take(address, 1, nowMs);
      const most = `an address opens at most ${addressStreams} streams a second`;
      if (waitMs > 0) return tooFast("stream-rate", most, waitMs);
    }
    const waitMs = this.#accepts.take("", 1, nowMs);
    return waitMs === 0
      ? undefined
      : tooFast("stream-rate", "this node takes no more streams a second", waitMs);
  }

  /** A stream of `who` was opened; the answer, if any, is called when it has ended. */
  opened(who: Identity): (() => void) | undefined {
    if (who.by !== "token" || who.sub === undefined) return undefined;
    const { sub } = who;
    this.#streams.set(sub, (this.#streams.get(sub) ?? 0) + 1);
    return () => {
      const left = (this.#streams.get(sub) ?? 1) - 1;
      if (left > 0) this.#streams.set(sub, left);
      else this.#streams.delete(sub);
    };
  }
}

function tooFast(
  code: "like-rate" | "comment-rate" | "stream-rate",
  message: string,
  waitMs: number,
): Rejection {
  return reject(code, message, Math.max(1, Math.ceil(waitMs / 1000)));
}
