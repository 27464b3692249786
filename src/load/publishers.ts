/**
 * Those who tap and write: an open-loop schedule of likes and comments, each under an idempotency key of
 * its own, repeated under the same key until it is answered for good.
 *
 * Every publication ends in one of three ways, and what is exact depends on keeping them apart: *accepted*
 * (2xx: must be counted exactly once), *refused* (never counted: it was answered 4xx or never left),
 * *unknown* (an attempt got no answer and none got 2xx: may be counted once or not at all).
 */
import { assert } from "../base/assert.ts";
import type { Prng } from "../base/prng.ts";
import { nowMs } from "./audience.ts";
import { Latency } from "./latency.ts";
import type { Answer } from "./request-pool.ts";
import { type Arrivals, Schedule } from "./schedule.ts";
import { Account, type Node } from "./settle.ts";

export interface PublishPlan {
  readonly videos: readonly string[];
  readonly kinds: readonly string[];
  /** Taps per second in total, and taps per request. */
  readonly likesPerS: number;
  readonly likesBatch: number;
  readonly commentsPerS: number;
  readonly arrivals: Arrivals;
  /** Share of accepted likes that are sent once more under the same key, to the next node. */
  readonly repeat: number;
  readonly token: string;
  /** Every like is that of a viewer of its own: for a server that takes one per viewer. */
  readonly once: boolean;
  /** Everybody says which picture they see, and is up to so far behind, in ms; 0: nobody says it. */
  readonly behindMs: number;
  /** Begins every key, user and comment of this run. */
  readonly tag: string;
}

interface Publication {
  readonly video: string;
  /** "" for a comment. */
  readonly kind: string;
  readonly count: number;
  readonly key: string;
  readonly body: string;
  readonly dueMs: number;
  /** A second copy of something accepted: whatever becomes of it changes nothing. */
  readonly copy: boolean;
  node: number;
  attempts: number;
  maybeTaken: boolean;
}

/** Publications without a final answer at once. Beyond: not sent, and counted as `skipped`. */
const outstandingMax = 50_000;
/** Keys are remembered for 120 s: a repeat later than this could count twice. */
const repeatMaxMs = 110_000;
const backoffMaxMs = 2_000;
const retryAfterMaxMs = 5_000;

export class Publishers {
  readonly accounts = new Map<string, Account>();
  sent = 0;
  acceptedLikes = 0;
  acceptedComments = 0;
  unknownLikes = 0;
  unknownComments = 0;
  refused = 0;
  skipped = 0;
  retries = 0;
  copies = 0;
  /** Answers by status, of every attempt; "none" for attempts without one. */
  readonly statuses: Record<string, number> = {};
  readonly examples: string[] = [];
  /** From due to accepted, and from due to sent; milliseconds. */
  readonly acceptMs = Latency.empty();
  readonly slipMs = Latency.empty();
  readonly #plan: PublishPlan;
  readonly #nodes: readonly Node[];
  readonly #prng: Prng;
  #likes: Schedule;
  #comments: Schedule;
  #outstanding = 0;
  #count = 0;
  #over = false;
  #giveUpMs = Number.POSITIVE_INFINITY;
  #timer: Timer | undefined;
  #settled: (() => void) | undefined;

  constructor(plan: PublishPlan, nodes: readonly Node[], durationMs: number, prng: Prng) {
    this.#plan = plan;
    this.#nodes = nodes;
    this.#prng = prng;
    for (const video of plan.videos) this.accounts.set(video, new Account());
    const startMs = nowMs();
    const { arrivals } = plan;
    this.#likes = new Schedule(plan.likesPerS / plan.likesBatch, startMs, durationMs, arrivals, prng);
    this.#comments = new Schedule(plan.commentsPerS, startMs, durationMs, arrivals, prng);
    this.#turn();
  }

  /** Publications without a final answer. */
  get outstanding(): number {
    return this.#outstanding;
  }

  /** No new publications; what is under way may be repeated for at most `graceMs`, then is unknown. */
  async finish(graceMs: number): Promise<void> {
    clearTimeout(this.#timer);
    this.#turn();
    this.#over = true;
    clearTimeout(this.#timer);
    this.#giveUpMs = nowMs() + graceMs;
    if (this.#outstanding === 0) return;
    // A node that never answers does not hold a run up: its connections are cut, which concludes them.
    const cut = setTimeout(() => {
      for (const { pool } of this.#nodes) pool.cut();
    }, graceMs);
    await new Promise<void>((resolve) => {
      this.#settled = resolve;
    });
    clearTimeout(cut);
  }

  #turn(): void {
    const now = nowMs();
    for (let dueMs = this.#likes.take(now); dueMs !== undefined; dueMs = this.#likes.take(now))
      this.#like(dueMs);
    for (let dueMs = this.#comments.take(now); dueMs !== undefined; dueMs = this.#comments.take(now)) {
      this.#comment(dueMs);
    }
    const nextMs = Math.min(this.#likes.nextMs, this.#comments.nextMs);
    if (nextMs === Number.POSITIVE_INFINITY || this.#over) return;
    this.#timer = setTimeout(() => this.#turn(), Math.max(1, nextMs - nowMs()));
  }

  #like(dueMs: number): void {
    const { kinds, likesBatch, once, tag } = this.#plan;
    const kind = kinds[this.#prng.between(0, kinds.length - 1)] ?? "heart";
    const user = `fan-${this.#prng.between(1, 9999)}`;
    const viewer = once ? `${tag}-viewer-${this.#count + 1}` : undefined;
    const like = { kind, count: likesBatch, user, viewer, mediaTime: this.#seen() };
    this.publish(kind, likesBatch, JSON.stringify(like), dueMs);
  }

  /** Date of the picture that somebody sees now. */
  #seen(): number | undefined {
    const { behindMs } = this.#plan;
    return behindMs === 0 ? undefined : Date.now() - this.#prng.between(0, behindMs);
  }

  #comment(dueMs: number): void {
    const text = `Comment ${this.#count + 1} of run ${this.#plan.tag}: what a goal! ⚽`;
    const user = `fan-${this.#prng.between(1, 9999)}`;
    this.publish("", 1, JSON.stringify({ text, user, mediaTime: this.#seen() }), dueMs);
  }

  /**
   * Publishes something beside the schedule, which was due at `dueMs`: a like of `count` taps, or a comment
   * where `kind` is empty.
   */
  publish(kind: string, count: number, body: string, dueMs: number): void {
    const number = ++this.#count;
    if (this.#outstanding >= outstandingMax) {
      this.skipped++;
      return;
    }
    const { videos, tag } = this.#plan;
    this.#outstanding++;
    this.slipMs.record(nowMs() - dueMs);
    this.#attempt({
      video: videos[this.#prng.between(0, videos.length - 1)] ?? "",
      kind,
      count,
      key: `${tag}-${number}`,
      body,
      dueMs,
      copy: false,
      node: number,
      attempts: 0,
      maybeTaken: false,
    });
  }

  #attempt(publication: Publication): void {
    const node = this.#nodes[publication.node % this.#nodes.length];
    assert(node, "a run has nodes");
    publication.attempts++;
    this.sent++;
    const { video, kind, key, body } = publication;
    const { token } = this.#plan;
    const call = kind ? "likes" : "comments";
    const text =
      `POST /v1/videos/${video}/${call} HTTP/1.1\r\nHost: ${node.target.authority}\r\n` +
      `Content-Type: application/json\r\nContent-Length: ${Buffer.byteLength(body)}\r\n` +
      `Idempotency-Key: ${key}\r\n${token ? `Authorization: Bearer ${token}\r\n` : ""}\r\n${body}`;
    node.pool.send(text, (answer) => this.#answered(publication, answer));
  }

  #answered(publication: Publication, answer: Answer): void {
    const status = answer.kind === "answer" ? answer.status : 0;
    const name = status > 0 ? String(status) : answer.kind === "lost" ? "none" : "unsent";
    this.statuses[name] = (this.statuses[name] ?? 0) + 1;
    if (status >= 200 && status < 300 && answer.kind === "answer") {
      this.#accepted(publication, answer.body);
    } else if (status >= 400 && status < 500) {
      this.#example(`${status} ${answer.kind === "answer" ? answer.body.slice(0, 160) : ""}`);
      this.#settle(publication);
    } else {
      if (answer.kind !== "unsent") publication.maybeTaken = true;
      const seconds = answer.kind === "answer" ? Number(answer.head.headers.get("retry-after") ?? "0") : 0;
      this.#again(publication, Number.isFinite(seconds) ? seconds * 1000 : 0);
    }
  }

  #again(publication: Publication, askedMs: number): void {
    const backoffMs = Math.min(50 * 2 ** publication.attempts, backoffMaxMs);
    const waitMs = Math.max(backoffMs, Math.min(askedMs, retryAfterMaxMs)) * (0.5 + this.#prng.next() / 2);
    const atMs = nowMs() + waitMs;
    if (publication.copy || atMs > this.#giveUpMs || atMs - publication.dueMs > repeatMaxMs) {
      this.#settle(publication);
      return;
    }
    publication.node++;
    this.retries++;
    setTimeout(() => this.#attempt(publication), waitMs);
  }

  #accepted(publication: Publication, body: string): void {
    if (publication.copy) {
      this.#done();
      return;
    }
    this.acceptMs.record(nowMs() - publication.dueMs);
    const account = this.accounts.get(publication.video);
    const { kind, count } = publication;
    if (kind) {
      if (account) account.accepted[kind] = (account.accepted[kind] ?? 0) + count;
      this.acceptedLikes += count;
    } else {
      this.acceptedComments++;
      const id = commentId(body);
      if (id === undefined) this.#example(`201 without an id: ${body.slice(0, 160)}`);
      else account?.comments.push(id);
    }
    if (kind && this.#plan.repeat > 0 && this.#prng.next() < this.#plan.repeat) {
      this.copies++;
      this.#attempt({ ...publication, copy: true, node: publication.node + 1, attempts: 0 });
      return;
    }
    this.#done();
  }

  /** It ends without having been accepted. */
  #settle(publication: Publication): void {
    const { kind, count, video, copy, maybeTaken } = publication;
    if (copy) {
      this.#done();
      return;
    }
    if (!maybeTaken) this.refused++;
    else if (kind) {
      const account = this.accounts.get(video);
      if (account) account.unknown[kind] = (account.unknown[kind] ?? 0) + count;
      this.unknownLikes += count;
    } else this.unknownComments++;
    this.#done();
  }

  #done(): void {
    this.#outstanding--;
    if (this.#over && this.#outstanding === 0) this.#settled?.();
  }

  #example(why: string): void {
    if (this.examples.length < 5 && !this.examples.includes(why)) this.examples.push(why);
  }
}

/** The id in a 201's body; undefined if there is none. */
function commentId(body: string): string | undefined {
  try {
    const value: unknown = JSON.parse(body);
    if (typeof value !== "object" || value === null || !("id" in value)) return undefined;
    return typeof value.id === "string" ? value.id : undefined;
  } catch {
    return undefined;
  }
}
