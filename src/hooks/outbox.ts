/**
 * The events on their way to one receiver: in batches, one at a time, in order, again until they are taken.
 *
 * A receiver that *refuses* (4xx, a redirect) will refuse again, so its batch is dropped and counted; one
 * that *cannot* (5xx, 408, 429, no answer) is asked again after a pause that grows, drawn at random from zero
 * up (full jitter), and no shorter than `Retry-After` asks for. What waits is bounded: a receiver that comes
 * back after long hears of now rather than of then. Held by outbox.test.ts.
 */
import type { Elapsed, Timer } from "../base/clock.ts";
import type { Log } from "../base/log.ts";
import type { Metrics } from "../base/metrics.ts";
import { type Prng, secret } from "../base/prng.ts";
import { type Answered, originOf, post, type Sender, type Unanswered } from "./post.ts";

/** Every number of the delivery of events. */
export const outboxLimits = {
  /** Events waiting for one receiver. Beyond: the oldest state is dropped, else the oldest event. */
  waitingMax: 10_000,
  /** Events of one request, and how long the first of them waits for others, in ms. */
  batchMax: 50,
  batchMs: 500,
  /** How long one attempt may take, in ms. */
  attemptMs: 10_000,
  /** The n-th pause is at most `pauseMs` × 2ⁿ, and never more than `pauseMaxMs`. */
  pauseMs: 500,
  pauseMaxMs: 60_000,
  /** The longest pause a receiver may ask for, in ms. */
  askedMaxMs: 10 * 60_000,
  /** A batch that nobody could take for this long is dropped, in ms. */
  giveUpMs: 60 * 60_000,
  /** All that a node does to be rid of its events when it ends, in ms. */
  lastMs: 3_000,
} as const;

/** Why events were dropped; a label of the metrics. */
type Reason = "merged" | "full" | "refused" | "gave-up" | "shutdown";

export interface OutboxParts extends Sender {
  readonly url: string;
  readonly prng: Prng;
  readonly metrics: Metrics;
  readonly log: Log;
  /** The body that carries these events, each of them JSON. */
  readonly bodyOf: (events: readonly string[]) => string;
}

interface Waiting {
  readonly event: string;
  readonly state: string | undefined;
  readonly addedAt: Elapsed;
}

interface Batch {
  /** The same for every attempt: a receiver that took it and could not say so knows it again. */
  readonly id: string;
  readonly body: string;
  readonly events: number;
  readonly firstAt: Elapsed;
  tries: number;
}

export class Outbox {
  readonly #parts: OutboxParts;
  /** In order, by a number that rises. */
  readonly #waiting = new Map<number, Waiting>();
  /** By what it is the state of: the newest event that says so, if it waits; the oldest first. */
  readonly #states = new Map<string, number>();
  #added = 0;
  #batch: Batch | undefined;
  #sending: Promise<void> | undefined;
  #timer: Timer | undefined;
  #failing = false;
  readonly #ending = new AbortController();
  #closed = false;

  constructor(parts: OutboxParts) {
    this.#parts = parts;
  }

  /** Events not taken yet. */
  get size(): number {
    return this.#waiting.size + (this.#batch?.events ?? 0);
  }

  /**
   * Adds one event, as JSON. `state` names what it is the state of, if it is no more than that: then an older
   * one of the same that still waits says nothing any more, and when too many wait, states go first.
   */
  add(event: string, state?: string): void {
    if (this.#closed) {
      this.#drop("shutdown", 1);
      return;
    }
    const before = state === undefined ? undefined : this.#states.get(state);
    if (before !== undefined) {
      this.#forget(before);
      this.#drop("merged", 1);
    }
    const number = this.#added++;
    this.#waiting.set(number, { event, state, addedAt: this.#parts.clock.elapsed() });
    if (state !== undefined) this.#states.set(state, number);
    if (this.#waiting.size > outboxLimits.waitingMax) {
      const [oldestState] = this.#states.values();
      const [oldest] = this.#waiting.keys();
      this.#forget(oldestState ?? oldest ?? number);
      this.#drop("full", 1);
    }
    if (!this.#batch) this.#schedule();
  }

  #forget(number: number): void {
    const { state } = this.#waiting.get(number) ?? {};
    this.#waiting.delete(number);
    if (state !== undefined && this.#states.get(state) === number) this.#states.delete(state);
  }

  /** Tries once more to be rid of everything, within limits; what is left then is dropped and counted. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#timer?.cancel();
    const end = this.#parts.clock.after(outboxLimits.lastMs, () => this.#ending.abort());
    await this.#sending;
    while (this.size > 0 && !this.#ending.signal.aborted) {
      const before = this.size;
      this.#batch ??= this.#take();
      await this.#attempt(this.#batch);
      if (this.size === before) break;
    }
    end.cancel();
    this.#drop("shutdown", this.size);
    this.#waiting.clear();
    this.#states.clear();
    this.#batch = undefined;
  }

  /** Sends a batch as soon as one is due. */
  #schedule(): void {
    const [first] = this.#waiting.values();
    if (this.#closed || !first) return;
    const full = this.#waiting.size >= outboxLimits.batchMax;
    // A flood must not put the timer off again and again: only the event that fills the batch moves it.
    if (this.#timer && this.#waiting.size !== outboxLimits.batchMax) return;
    this.#timer?.cancel();
    const { clock } = this.#parts;
    const dueMs = full ? 0 : Math.max(0, first.addedAt + outboxLimits.batchMs - clock.elapsed());
    this.#timer = clock.after(dueMs, () => {
      this.#timer = undefined;
      this.#batch = this.#take();
      this.#send(this.#batch);
    });
  }

  #take(): Batch {
    const events: string[] = [];
    for (const [number, { event }] of this.#waiting) {
      if (events.push(event) > outboxLimits.batchMax) break;
      this.#forget(number);
    }
    events.splice(outboxLimits.batchMax);
    const body = this.#parts.bodyOf(events);
    return {
      id: `msg_${secret(24)}`,
      body,
      events: events.length,
      firstAt: this.#parts.clock.elapsed(),
      tries: 0,
    };
  }

  #send(batch: Batch): void {
    this.#sending = this.#attempt(batch).then((pauseMs) => {
      this.#sending = undefined;
      if (this.#closed) return;
      if (pauseMs === undefined) this.#schedule();
      else {
        this.#parts.metrics.webhookRetries.inc();
        this.#timer = this.#parts.clock.after(pauseMs, () => {
          this.#timer = undefined;
          this.#send(batch);
        });
      }
    });
  }

  /** One attempt. Answers after how many ms another one is due, or undefined: the batch is settled. */
  async #attempt(batch: Batch): Promise<number | undefined> {
    const { url, metrics, clock } = this.#parts;
    const { id, body } = batch;
    const answer = await post(this.#parts, {
      ...{ url, id, body, withinMs: outboxLimits.attemptMs, readBytesMax: 0 },
      signal: this.#ending.signal,
    });
    const { status } = answer;
    this.#tell(answer);
    if (status >= 200 && status < 300) {
      metrics.webhookDelivered.inc(batch.events);
      this.#batch = undefined;
      return undefined;
    }
    const refuses = status >= 300 && status < 500 && status !== 408 && status !== 429;
    if (refuses || clock.elapsed() - batch.firstAt >= outboxLimits.giveUpMs) {
      this.#drop(refuses ? "refused" : "gave-up", batch.events);
      this.#batch = undefined;
      return undefined;
    }
    return this.#pauseMs(batch, "retryAfterMs" in answer ? answer.retryAfterMs : undefined);
  }

  #pauseMs(batch: Batch, askedMs = 0): number {
    const { pauseMs, pauseMaxMs, askedMaxMs } = outboxLimits;
    const mostMs = Math.min(pauseMaxMs, pauseMs * 2 ** Math.min(batch.tries++, 30));
    return Math.max(this.#parts.prng.next() * mostMs, Math.min(askedMs, askedMaxMs));
  }

  #drop(reason: Reason, events: number): void {
    if (events > 0) this.#parts.metrics.webhookDropped.inc({ reason }, events);
  }

  /** Says when a receiver begins to fail and when it is well again, not each time. */
  #tell(answer: Answered | Unanswered): void {
    const { log, url } = this.#parts;
    const failing = answer.status < 200 || answer.status >= 300;
    if (failing === this.#failing) return;
    this.#failing = failing;
    const to = originOf(url);
    if (!failing) log.info("webhooks are taken again", { to });
    else log.warn("webhooks are not taken", { to, why: "why" in answer ? answer.why : answer.status });
  }
}
