/**
 * The review hook: another server is asked about a comment before anybody sees it.
 *
 * A *verdict* is a well-formed answer in time; everything else that a reviewer does comes to the fallback,
 * and is counted by what it was. A reviewer that gives no answer makes every comment wait in vain, so after a
 * few of these in a row nobody waits for it any more: a circuit breaker (Nygard, Release It!) stays open for
 * a while, then lets one comment through to see. A bad answer in time costs nobody time and does not open it,
 * so that no text that a reviewer chokes on can switch the review off for others. What never comes to the
 * fallback is that *we* are busy: then a comment is refused, else whoever sends many at once would pass
 * unseen. review.test.ts holds all of it.
 */
import { type Elapsed, later, longAgo, type Timer } from "../base/clock.ts";
import type { Log } from "../base/log.ts";
import type { Metrics } from "../base/metrics.ts";
import { secret } from "../base/prng.ts";
import { type CommentDraft, type Rejection, reject } from "../core/interaction.ts";
import { type Answered, originOf, post, type Sender, type Unanswered } from "./post.ts";

export const reviewLimits = {
  /**
   * Comments under review at once: half of the requests that Bun makes at once, so that a slow reviewer keeps
   * no webhook from going out. Beyond: they wait for their turn.
   */
  reviewsMax: 128,
  /** Comments that wait for their turn, within the deadline. Beyond: 503. */
  waitingMax: 1_024,
  /** Comments of one author, or of one address, under review or waiting. Beyond: 429. */
  perAuthorMax: 4,
  /** Bytes of a verdict. Beyond: none. */
  verdictBytesMax: 4_096,
  /** Characters of a verdict's message that its comment's author sees. Beyond: a message of ours. */
  messageCharsMax: 200,
  /** Comments in a row without an answer after which nobody waits. */
  breakAfter: 5,
  /** How long nobody waits then, in ms. */
  breakMs: 5_000,
} as const;

export interface ReviewParts extends Sender {
  readonly url: string;
  readonly deadlineMs: number;
  readonly fallback: "allow" | "deny";
  readonly node: string;
  readonly metrics: Metrics;
  readonly log: Log;
}

/** What became of one question; a label of the metrics. */
type Outcome = "allow" | "deny" | "late" | "away" | "failed" | "malformed" | "busy" | "open";

type Verdict = { readonly verdict: "allow" } | { readonly verdict: "deny"; readonly message: string };

export class Review {
  readonly #parts: ReviewParts;
  #asking = 0;
  /** Questions in a row that got no answer. */
  #unanswered = 0;
  /** Until when nobody is asked; undefined: the breaker is closed. */
  #openUntil: Elapsed | undefined;
  /** By author: comments under review or waiting. */
  readonly #authors = new Map<string, number>();
  /** Those that wait for their turn, in order; true: it has come. */
  readonly #waiting = new Set<(come: boolean) => void>();

  constructor(parts: ReviewParts) {
    this.#parts = parts;
  }

  /**
   * Why `draft` is not taken, or undefined; after the deadline at the latest. `viewer` is who its author has
   * proven to be, if anybody; `author` is whose comments are counted together, if known.
   */
  async comment(
    draft: CommentDraft,
    viewer: string | undefined,
    author?: string,
  ): Promise<Rejection | undefined> {
    if (author === undefined) return this.#review(draft, viewer);
    const under = this.#authors.get(author) ?? 0;
    if (under >= reviewLimits.perAuthorMax) {
      this.#count("busy");
      return reject("comment-rate", `${reviewLimits.perAuthorMax} comments of yours are being reviewed`, 1);
    }
    this.#authors.set(author, under + 1);
    try {
      return await this.#review(draft, viewer);
    } finally {
      const left = (this.#authors.get(author) ?? 1) - 1;
      if (left > 0) this.#authors.set(author, left);
      else this.#authors.delete(author);
    }
  }

  async #review(draft: CommentDraft, viewer: string | undefined): Promise<Rejection | undefined> {
    const { clock, metrics, deadlineMs } = this.#parts;
    const startAt = clock.elapsed();
    if (this.#openUntil !== undefined && startAt < this.#openUntil) return this.#fallBack("open");
    const waits = this.#asking >= reviewLimits.reviewsMax;
    if (!waits) this.#asking++;
    else if (!(await this.#turn())) return this.#busy();
    const now = clock.elapsed();
    const probing = this.#openUntil !== undefined;
    if (now < (this.#openUntil ?? longAgo)) {
      this.#done();
      return this.#fallBack("open");
    }
    // Only one goes to see; the others go on as before until it is back.
    if (probing) this.#openUntil = later(now, deadlineMs + reviewLimits.breakMs);
    const answer = await this.#ask(draft, viewer, deadlineMs - (now - startAt));
    this.#done();
    metrics.reviewSeconds.observe((clock.elapsed() - startAt) / 1000);
    // A reviewer that was given less than its time has done nothing wrong by being late.
    const isCut = waits && "why" in answer && answer.late;
    if (isCut) return this.#busy();
    this.#note(answer, probing);
    if ("why" in answer) return this.#fallBack(answer.late ? "late" : "away");
    if (answer.status < 200 || answer.status >= 300) return this.#fallBack("failed");
    const verdict = verdictIn(answer.text);
    if (!verdict) return this.#fallBack("malformed");
    this.#count(verdict.verdict);
    return verdict.verdict === "allow" ? undefined : reject("review-denied", verdict.message);
  }

  /** Resolves with true when it is this one's turn to be asked about, with false when that took too long. */
  #turn(): Promise<boolean> {
    if (this.#waiting.size >= reviewLimits.waitingMax) return Promise.resolve(false);
    return new Promise((resolve) => {
      let timer: Timer | undefined;
      const come = (isTurn: boolean): void => {
        timer?.cancel();
        this.#waiting.delete(come);
        resolve(isTurn);
      };
      timer = this.#parts.clock.after(this.#parts.deadlineMs, () => come(false));
      this.#waiting.add(come);
    });
  }

  /** A question is through: its place is the next one's. */
  #done(): void {
    const [first] = this.#waiting;
    if (first) first(true);
    else this.#asking--;
  }

  #ask(draft: CommentDraft, viewer: string | undefined, withinMs: number): Promise<Answered | Unanswered> {
    const { url, node } = this.#parts;
    const { video, user, text, atMs } = draft;
    const body = JSON.stringify({
      type: "comment_review",
      node,
      video,
      user,
      viewer,
      text,
      at: Math.round(atMs),
    });
    const id = `msg_${secret(24)}`;
    const readBytesMax = reviewLimits.verdictBytesMax;
    return post(this.#parts, { url, id, body, withinMs, readBytesMax });
  }

  /** What the breaker makes of an answer, or of none. */
  #note(answer: Answered | Unanswered, probing: boolean): void {
    const { clock, log, url } = this.#parts;
    const to = originOf(url);
    if (!("why" in answer)) {
      this.#unanswered = 0;
      if (this.#openUntil !== undefined) log.info("the reviewer answers again", { to });
      this.#openUntil = undefined;
      return;
    }
    this.#unanswered++;
    if (!probing && this.#unanswered < reviewLimits.breakAfter) return;
    if (this.#openUntil === undefined) {
      const { why } = answer;
      log.warn("the reviewer does not answer", { to, why, fallback: this.#parts.fallback });
    }
    this.#openUntil = later(clock.elapsed(), reviewLimits.breakMs);
  }

  /** There is no room to have it reviewed. */
  #busy(): Rejection {
    this.#count("busy");
    return reject("busy", "too many comments are being reviewed", 1);
  }

  #fallBack(outcome: Outcome): Rejection | undefined {
    this.#count(outcome);
    if (this.#parts.fallback === "allow") return undefined;
    return reject("unavailable", "comments cannot be reviewed now", Math.ceil(reviewLimits.breakMs / 1000));
  }

  #count(outcome: Outcome): void {
    this.#parts.metrics.reviews.inc({ outcome });
  }
}

/** The verdict in an answer's body, or undefined for anything else. */
export function verdictIn(text: string | undefined): Verdict | undefined {
  if (text === undefined) return undefined;
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (typeof value !== "object" || value === null) return undefined;
  const { verdict, message } = value as Record<string, unknown>;
  if (verdict === "allow") return { verdict };
  if (verdict !== "deny") return undefined;
  return { verdict, message: isMessage(message) ? message : "this comment is not taken here" };
}

/** One line that may be shown to whoever wrote the comment. */
function isMessage(value: unknown): value is string {
  if (typeof value !== "string" || value.trim() === "") return false;
  return value.length <= reviewLimits.messageCharsMax && !/\p{Cc}/u.test(value) && value.isWellFormed();
}
