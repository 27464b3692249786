/**
 * The review hook: another server is asked about a comment before anybody sees it.
 *
 * A *verdict* is a well-formed answer in time; everything else comes to the fallback, and is counted by what
 * it was. A reviewer that gives no answer makes every comment wait in vain, so after a few of these in a row
 * nobody waits for it any more: a circuit breaker (Nygard, Release It!) stays open for a while, then lets one
 * comment through to see. A bad answer in time costs nobody time and does not open it, so that no text that a
 * reviewer chokes on can switch the review off for others. Held by review.test.ts.
 */
import type { Log } from "../base/log.ts";
import type { Metrics } from "../base/metrics.ts";
import { secret } from "../base/prng.ts";
import { type CommentDraft, type Rejection, reject } from "../core/interaction.ts";
import { type Answered, originOf, post, type Sender, type Unanswered } from "./post.ts";

export const reviewLimits = {
  /**
   * Comments under review at once: half of the requests that Bun makes at once, so that a slow reviewer keeps
   * no webhook from going out. Beyond: the fallback.
   */
  reviewsMax: 128,
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
  /** Until when nobody is asked, Unix ms; 0: the breaker is closed. */
  #openUntilMs = 0;

  constructor(parts: ReviewParts) {
    this.#parts = parts;
  }

  /**
   * Why `draft` is not taken, or undefined; after the deadline at the latest. `viewer` is who its author has
   * proven to be, if anybody.
   */
  async comment(draft: CommentDraft, viewer: string | undefined): Promise<Rejection | undefined> {
    if (this.#asking >= reviewLimits.reviewsMax) return this.#fallBack("busy");
    const { clock, metrics } = this.#parts;
    const startMs = clock.now();
    const probing = this.#openUntilMs > 0;
    if (startMs < this.#openUntilMs) return this.#fallBack("open");
    // Only one goes to see; the others go on as before until it is back.
    if (probing) this.#openUntilMs = startMs + this.#parts.deadlineMs + reviewLimits.breakMs;
    this.#asking++;
    const answer = await this.#ask(draft, viewer);
    this.#asking--;
    metrics.reviewSeconds.observe((clock.now() - startMs) / 1000);
    this.#note(answer, probing);
    if ("why" in answer) return this.#fallBack(answer.late ? "late" : "away");
    if (answer.status < 200 || answer.status >= 300) return this.#fallBack("failed");
    const verdict = verdictIn(answer.text);
    if (!verdict) return this.#fallBack("malformed");
    this.#count(verdict.verdict);
    return verdict.verdict === "allow" ? undefined : reject("review-denied", verdict.message);
  }

  #ask(draft: CommentDraft, viewer: string | undefined): Promise<Answered | Unanswered> {
    const { url, deadlineMs, node } = this.#parts;
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
    return post(this.#parts, { url, id, body, withinMs: deadlineMs, readBytesMax });
  }

  /** What the breaker makes of an answer, or of none. */
  #note(answer: Answered | Unanswered, probing: boolean): void {
    const { clock, log, url } = this.#parts;
    const to = originOf(url);
    if (!("why" in answer)) {
      this.#unanswered = 0;
      if (this.#openUntilMs > 0) log.info("the reviewer answers again", { to });
      this.#openUntilMs = 0;
      return;
    }
    this.#unanswered++;
    if (!probing && this.#unanswered < reviewLimits.breakAfter) return;
    if (this.#openUntilMs === 0) {
      const { why } = answer;
      log.warn("the reviewer does not answer", { to, why, fallback: this.#parts.fallback });
    }
    this.#openUntilMs = clock.now() + reviewLimits.breakMs;
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
