/**
 * One lane's batches: likes and comments of one lane of the log that become durable together.
 *
 * A lone like is committed on the same turn of the event loop; under load, what arrives while a commit is
 * under way shares the next one (group commit), and never waits longer than limits.batchMs for it. All likes
 * of a batch share one promise, so a like costs no allocation of its own beyond its place in the record.
 * There is no queue of likes: a batch is a sum (core/record.ts).
 */
import { type Clock, type Elapsed, later, longAgo, type Timer } from "../base/clock.ts";
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

export class Lane {
  readonly #ledger: Ledger;
  readonly #clock: Clock;
  readonly #metrics: Metrics;
  readonly #idle: () => void;
  #open: Open | undefined;
  /** When the open batch is due; undefined while it has no time of its own. */
  #due: Timer | undefined;
  #inFlight = 0;
  #pending = 0;
  #restUntil: Elapsed = longAgo;

  /** `idle` is called whenever nothing waits here any more. */
  constructor(ledger: Ledger, clock: Clock, metrics: Metrics, idle: () => void) {
    this.#ledger = ledger;
    this.#clock = clock;
    this.#metrics = metrics;
    this.#idle = idle;
  }

  /** Interactions accepted and not yet durable. */
  get pending(): number {
    return this.#pending;
  }

  /** Adds a like accepted at `atMs`, or now; the outcome is that of its whole batch. */
  like(like: Like, atMs?: number): Promise<Outcome> {
    const open = this.#opened();
    const { builder } = open;
    // A record says when the first of its likes came: nobody asks that of the others.
    builder.add(like, atMs ?? (builder.empty ? this.#clock.date() : 0));
    if (builder.full) open.records.push(builder.take());
    return open.outcome;
  }

  /** Adds a comment; resolves with its place. */
  comment(draft: CommentDraft): Promise<Placed | Rejection> {
    const open = this.#opened();
    const index = open.comments.push(draft) - 1;
    return open.outcome.then((outcome) => ("rejected" in outcome ? outcome : (outcome[index] as Placed)));
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

  /** Gives the open batch its time: as soon as no commit is under way, or limits.batchMs after it began. */
  #schedule(): void {
    if (this.#due || this.#inFlight >= inFlightMax) return;
    const restMs = Math.min(this.#restUntil - this.#clock.elapsed(), limits.batchMs);
    // One turn of the loop at least, so that all requests read in this turn share the commit.
    const waitMs = this.#inFlight > 0 ? limits.batchMs : Math.max(0, restMs);
    this.#due = waitMs < 1 ? soon(this.#clock, this.#flush) : this.#clock.after(waitMs, this.#flush);
  }

  readonly #flush = (): void => {
    this.#due = undefined;
    if (this.#open) this.#commit(this.#open);
  };

  #commit(open: Open): void {
    this.#open = undefined;
    if (!open.builder.empty) open.records.push(open.builder.take());
    const start = this.#clock.elapsed();
    this.#inFlight++;
    this.#ledger.append({ likes: open.records, comments: open.comments }).then(
      (placed) => this.#settled(open, start, placed),
      (error: unknown) => {
        if (!(error instanceof LedgerUnavailable)) throw error;
        this.#settled(open, start, reject("unavailable", "likes and comments cannot be stored now", 1));
      },
    );
    // What append did before it returned was on our own turn of the loop, and is what has to be spaced out.
    const end = this.#clock.elapsed();
    this.#restUntil = later(end, (end - start) * restPerCommit);
  }

  /** Refuses a batch that was never handed to the ledger. */
  #refuse(open: Open, refusal: Rejection): void {
    this.#open = undefined;
    this.#pending -= open.size;
    open.settle(refusal);
  }

  #settled(open: Open, start: Elapsed, outcome: Outcome): void {
    this.#inFlight--;
    this.#pending -= open.size;
    this.#metrics.commitSeconds.observe((this.#clock.elapsed() - start) / 1000);
    if (!("rejected" in outcome)) this.#metrics.commits.inc();
    open.settle(outcome);
    const behind = this.#open;
    if (behind && this.#due === undefined) {
      // It waited for one of the commits under way. If that took in vain what a publisher may be made to
      // wait, it is not made to wait as long again.
      if ("rejected" in outcome) this.#refuse(behind, outcome);
      else this.#schedule();
    } else if (behind && this.#inFlight === 0) {
      // Group commit: what came while this one was under way need not wait any longer.
      this.#due?.cancel();
      this.#due = undefined;
      this.#schedule();
    }
    if (this.#pending === 0) this.#idle();
  }
}

/** `run` on the next turn of the loop, unless cancelled before. */
function soon(clock: Clock, run: () => void): Timer {
  let cancelled = false;
  clock.soon(() => {
    if (!cancelled) run();
  });
  return {
    cancel() {
      cancelled = true;
    },
  };
}
