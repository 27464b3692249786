/**
 * The batch: likes and comments that become durable together.
 *
 * A lone like is committed on the same turn of the event loop; under load, what arrives during limits.batchMs
 * shares one commit. All likes of a batch share one promise, so a like costs no allocation of its own beyond
 * its place in the record. There is no queue of likes: a batch is a sum (core/record.ts).
 */
import type { Clock } from "../base/clock.ts";
import type { Metrics } from "../base/metrics.ts";
import { type CommentDraft, type Like, type Rejection, reject } from "../core/interaction.ts";
import { limits } from "../core/limits.ts";
import { type LikeRecord, RecordBuilder } from "../core/record.ts";
import { type Ledger, LedgerUnavailable, type Placed } from "../ledger/ledger.ts";

/** What became of a whole batch: where its comments stand, or why nothing of it was taken. */
export type Outcome = readonly Placed[] | Rejection;

/** Share of the time that commits may take before they are spaced out: a tenth. */
const restPerCommit = 9;
/** Commits on their way to a ledger that answers later. Beyond: the next batch waits and grows. */
const inFlightMax = 8;

interface Open {
  readonly outcome: Promise<Outcome>;
  readonly settle: (outcome: Outcome) => void;
  readonly records: LikeRecord[];
  readonly builder: RecordBuilder;
  readonly comments: CommentDraft[];
  size: number;
}

export class Batch {
  readonly #ledger: Ledger;
  readonly #clock: Clock;
  readonly #metrics: Metrics;
  #open: Open | undefined;
  #scheduled = false;
  #inFlight = 0;
  /** Interactions accepted and not yet durable. */
  #pending = 0;
  #restUntilMs = 0;
  #idle: (() => void)[] = [];

  constructor(ledger: Ledger, clock: Clock, metrics: Metrics) {
    this.#ledger = ledger;
    this.#clock = clock;
    this.#metrics = metrics;
  }

  /** Interactions waiting for their commit. */
  get pending(): number {
    return this.#pending;
  }

  /** Adds a like accepted at `atMs`; the outcome is that of its whole batch. */
  like(like: Like, atMs: number): Promise<Outcome> {
    const open = this.#opened();
    open.builder.add(like, atMs);
    if (open.builder.full) open.records.push(open.builder.take());
    return open.outcome;
  }

  /** Adds a comment; resolves with its place. */
  comment(draft: CommentDraft): Promise<Placed | Rejection> {
    const open = this.#opened();
    const index = open.comments.push(draft) - 1;
    return open.outcome.then((outcome) => ("rejected" in outcome ? outcome : (outcome[index] as Placed)));
  }

  /** Resolves when nothing waits any more. */
  async drained(): Promise<void> {
    if (this.#pending === 0) return;
    await new Promise<void>((resolve) => this.#idle.push(resolve));
  }

  #opened(): Open {
    let open = this.#open;
    if (!open) {
      const { promise, resolve } = Promise.withResolvers<Outcome>();
      open = {
        outcome: promise,
        settle: resolve,
        records: [],
        builder: new RecordBuilder(),
        comments: [],
        size: 0,
      };
      this.#open = open;
      this.#schedule();
    }
    open.size++;
    this.#pending++;
    return open;
  }

  #schedule(): void {
    if (this.#scheduled || this.#inFlight >= inFlightMax) return;
    this.#scheduled = true;
    const flush = (): void => {
      this.#scheduled = false;
      if (this.#open) this.#commit(this.#open);
    };
    const restMs = Math.min(this.#restUntilMs - this.#clock.now(), limits.batchMs);
    // One turn of the loop at least, so that all requests read in this turn share the commit.
    if (restMs < 1 && this.#inFlight === 0) this.#clock.soon(flush);
    else this.#clock.after(this.#inFlight === 0 ? restMs : limits.batchMs, flush);
  }

  #commit(open: Open): void {
    this.#open = undefined;
    if (!open.builder.empty) open.records.push(open.builder.take());
    const startMs = this.#clock.now();
    this.#inFlight++;
    this.#ledger.append({ likes: open.records, comments: open.comments }).then(
      (placed) => this.#settled(open, startMs, placed),
      (error: unknown) => {
        if (!(error instanceof LedgerUnavailable)) throw error;
        this.#settled(open, startMs, reject("unavailable", "likes and comments cannot be stored now", 1));
      },
    );
    // What append did before it returned was on our own turn of the loop, and is what has to be spaced out.
    const endMs = this.#clock.now();
    this.#restUntilMs = endMs + (endMs - startMs) * restPerCommit;
  }

  /** Refuses a batch that was never handed to the ledger. */
  #refuse(open: Open, refusal: Rejection): void {
    this.#open = undefined;
    this.#pending -= open.size;
    open.settle(refusal);
  }

  #settled(open: Open, startMs: number, outcome: Outcome): void {
    this.#inFlight--;
    this.#pending -= open.size;
    this.#metrics.commitSeconds.observe((this.#clock.now() - startMs) / 1000);
    if (!("rejected" in outcome)) this.#metrics.commits.inc();
    open.settle(outcome);
    const behind = this.#open;
    if (behind && !this.#scheduled) {
      // It waited for one of the commits under way. If that took in vain what a publisher may be made to
      // wait, it is not made to wait as long again.
      if ("rejected" in outcome) this.#refuse(behind, outcome);
      else this.#schedule();
    }
    if (this.#pending === 0) for (const resolve of this.#idle.splice(0)) resolve();
  }
}
