/**
 * How much one viewer, one address and this node take: the limits of abuse, which an operator sets, as
 * core/limits.ts holds those of memory, which the program sets. Held by rate.test.ts and account.test.ts.
 *
 * Likes, comments and streams are what people notice; *work* is what a machine does. Every call is charged
 * the work that it causes, where it arises and before it is done, by the prices below; so whatever a caller
 * thinks of, an address costs this node no more than its share. What is over an allowance is refused, never
 * cut, so a client knows. Who pays is payer.ts. Counts are this node's: a viewer of a cluster has them on
 * each node.
 */
import type { Elapsed } from "../base/clock.ts";
import { type Rejection, type RejectionCode, reject, type VideoId } from "../core/interaction.ts";
import { limits } from "../core/limits.ts";
import { Generations } from "./generations.ts";
import type { Identity } from "./identity.ts";
import { Allowed, type Payer, payerAt } from "./payer.ts";
import { Rate } from "./rate.ts";

/** The settings of the same names: see config-access.ts for each one's meaning. */
export interface AllowanceSettings {
  readonly viewerLikes: number;
  readonly viewerComments: number;
  readonly viewerStreams: number;
  readonly viewerWork: number;
  readonly addressLikes: number;
  readonly addressComments: number;
  readonly addressStreams: number;
  readonly addressWork: number;
  readonly nodeStreams: number;
  readonly nodeAccepts: number;
}

/**
 * What a call causes, in units of work: one is about what a call costs that is answered from memory, some
 * 20 µs of a core.
 */
export const prices = {
  /** Any call, taken or refused. */
  call: 1,
  /** A stream that is opened: its greeting, its place, and its end. */
  stream: 5,
  /** A video on a stream or in a poll: its snapshot. */
  video: 1,
  /** A video that nobody on this node watches yet: it is asked for, told to others, and kept for a while. */
  watch: 40,
  /** A like or comment on a video that this node has not heard of for long: it may be one more to hold. */
  newVideo: 50,
  /** A question to the log or to another node. */
  question: 2,
  /** A page of comments read from the log. */
  reading: 10,
  /** A proof of who somebody is that proved nothing: signatures are tried. */
  failedProof: 20,
  /** A comment that another server is asked about. */
  review: 20,
} as const;

/** Viewers and addresses remembered per rate and generation. Beyond: see rate.ts. */
const keysMax = 100_000;
/** A second's likes, three of them at once: a client merges taps, and one may come late. */
const likeBurstS = 3;
/** Comments are counted over ten seconds. */
const commentS = 10;
/** New streams of an address at once, in seconds' worth: a household or office comes back together. */
const streamBurstS = 10;
/** Videos remembered as liked or commented on, in each of two generations, and for how long, in ms. */
const videosMax = 100_000;
const videosMs = 10 * 60_000;
/** Work of an address or viewer at once, in seconds' worth; the dearest call there is always fits. */
const workBurstS = 10;
const perVideo = prices.video + prices.watch + prices.question;
const dearest = prices.call + prices.stream + limits.videosPerStreamMax * perVideo;

export class Allowance {
  readonly #settings: AllowanceSettings;
  readonly #viewer: Allowed3;
  readonly #address: Allowed3;
  readonly #addressStreams: Allowed;
  readonly #accepts: Rate;
  readonly #videos = new Generations<true>(videosMax, videosMs);
  /** Open streams by viewer; bounded by the streams of this node. */
  readonly #streams = new Map<string, number>();

  constructor(settings: AllowanceSettings) {
    this.#settings = settings;
    const { viewerLikes, viewerComments, viewerWork, addressLikes, addressComments, addressWork } = settings;
    this.#viewer = allowed3(viewerLikes, viewerComments, viewerWork);
    this.#address = allowed3(addressLikes, addressComments, addressWork);
    const { addressStreams, nodeAccepts } = settings;
    this.#addressStreams = new Allowed(addressStreams, streamBurstS * addressStreams, keysMax);
    this.#accepts = new Rate(nodeAccepts, 2 * nodeAccepts, 1);
  }

  /** Why `count` likes cannot be taken of `payer` now, or undefined. */
  like(payer: Payer | undefined, count: number, now: Elapsed): Rejection | undefined {
    return this.#take(payer, "likes", count, now);
  }

  /** Why a comment cannot be taken of `payer` now, or undefined. */
  comment(payer: Payer | undefined, now: Elapsed): Rejection | undefined {
    return this.#take(payer, "comments", 1, now);
  }

  /** Why `units` of work cannot be done for `payer` now, or undefined. */
  work(payer: Payer | undefined, units: number, now: Elapsed): Rejection | undefined {
    return this.#take(payer, "work", units, now);
  }

  /** Why `payer` may not be the first to like or comment on `video`, or undefined. */
  video(payer: Payer | undefined, video: VideoId, now: Elapsed): Rejection | undefined {
    if (this.#videos.get(video, now)) return undefined;
    const over = this.work(payer, prices.newVideo, now);
    if (!over) this.#videos.set(video, true, now);
    return over;
  }

  /** `payer` has caused `units` of work that could not be known before. */
  spent(payer: Payer | undefined, units: number, now: Elapsed): void {
    if (payer) this.#of(payer).work.spend(payer, units, now);
  }

  /**
   * Why a stream of `who` at `address` cannot be opened while `open` are, or undefined: then its place is
   * taken, and `left` must follow once.
   */
  stream(who: Identity, address: string | undefined, open: number, now: Elapsed): Rejection | undefined {
    const { nodeStreams, viewerStreams, addressStreams } = this.#settings;
    if (open >= nodeStreams) return reject("stream-rate", "this node holds as many streams as it may", 5);
    const viewer = viewerOf(who);
    const has = viewer === undefined ? 0 : (this.#streams.get(viewer) ?? 0);
    if (has >= viewerStreams) {
      return reject("stream-rate", `a viewer has at most ${viewerStreams} streams here`, 10);
    }
    const payer = payerAt(address);
    const lateMs = payer === undefined ? 0 : this.#addressStreams.take(payer, 1, now);
    const most = `an address opens at most ${addressStreams} streams a second`;
    if (lateMs > 0) return tooFast("stream-rate", most, lateMs);
    const waitMs = this.#accepts.take("", 1, now);
    if (waitMs > 0) return tooFast("stream-rate", "this node takes no more streams a second", waitMs);
    if (viewer !== undefined) this.#streams.set(viewer, has + 1);
    return undefined;
  }

  /** A stream of `who`, which `stream` had let in, has ended. */
  left(who: Identity): void {
    const viewer = viewerOf(who);
    if (viewer === undefined) return;
    const left = (this.#streams.get(viewer) ?? 1) - 1;
    if (left > 0) this.#streams.set(viewer, left);
    else this.#streams.delete(viewer);
  }

  #of({ by }: Payer): Allowed3 {
    return by === "viewer" ? this.#viewer : this.#address;
  }

  #take(payer: Payer | undefined, what: Counted, count: number, now: Elapsed): Rejection | undefined {
    if (!payer) return undefined;
    const waitMs = this.#of(payer)[what].take(payer, count, now);
    if (waitMs === 0) return undefined;
    const { by } = payer;
    const most = this.#settings[by === "viewer" ? counted[what].viewer : counted[what].address];
    return tooFast(
      counted[what].code,
      counted[what].says(by === "viewer" ? "a viewer" : "an address", most),
      waitMs,
    );
  }
}

type Counted = "likes" | "comments" | "work";
type Allowed3 = Readonly<Record<Counted, Allowed>>;

const counted = {
  likes: {
    code: "like-rate",
    viewer: "viewerLikes",
    address: "addressLikes",
    says: (who: string, most: number) => `${who} gives at most ${most} likes a second`,
  },
  comments: {
    code: "comment-rate",
    viewer: "viewerComments",
    address: "addressComments",
    says: (who: string, most: number) => `${who} writes at most ${most} comments in ${commentS} s`,
  },
  work: {
    code: "work-rate",
    viewer: "viewerWork",
    address: "addressWork",
    says: (who: string, most: number) => `${who} causes at most ${most} units of work a second`,
  },
} as const;

function allowed3(likesPerS: number, commentsPerTenS: number, workPerS: number): Allowed3 {
  return {
    likes: new Allowed(likesPerS, Math.max(likeBurstS * likesPerS, limits.likeCountMax), keysMax),
    comments: new Allowed(commentsPerTenS / commentS, commentsPerTenS, keysMax),
    work: new Allowed(workPerS, Math.max(workBurstS * workPerS, dearest), keysMax),
  };
}

/** Whose streams are counted; nobody's without a token. */
function viewerOf({ by, sub }: Identity): string | undefined {
  return by === "token" ? sub : undefined;
}

function tooFast(code: RejectionCode, message: string, waitMs: number): Rejection {
  return reject(code, message, Math.max(1, Math.ceil(waitMs / 1000)));
}
