/**
 * A ledger for the dispatcher's tests that answers when it is told to: a real one answers too soon to see
 * what happens before it does.
 */
import type { Page } from "../core/entry.ts";
import type { VideoId } from "../core/interaction.ts";
import { Lineage } from "../core/lineage.ts";
import { noTotals } from "../core/totals.ts";
import { type Counted, nothingCounted } from "../ledger/comment-counts.ts";
import type { Deletions } from "../ledger/deletions.ts";
import {
  type Batch,
  type Holding,
  type Ledger,
  LedgerUnavailable,
  type Placed,
  type Space,
  type Trouble,
} from "../ledger/ledger.ts";
import { noDeletions } from "../ledger/no-deletions.ts";
import type { TimelineView } from "../ledger/timeline-view.ts";

const lineage = Lineage.begin("fake");

interface Append {
  readonly batch: Batch;
  readonly resolve: (placed: readonly Placed[]) => void;
  readonly reject: (error: Error) => void;
}

export class FakeLedger implements Ledger {
  readonly epoch = "fake";
  readonly lineage = () => lineage;
  readonly publishesEntries = true;
  readonly once = false;
  /** Every batch ever given. */
  readonly batches: Batch[] = [];
  /** Called with each append before it returns: what a ledger does on our own turn. */
  onAppend = (): void => {};
  /** Answers at once; false: waits for `settle` or `fail`. */
  answers = true;
  /** What `holdings` says. */
  holds: readonly Holding[] = [];
  /** What `room` says. */
  says: Space = "room";
  readonly commentLane: number = 0;
  /** Of several lanes each video has the one that its name ends in. */
  laneOf = (video: VideoId): number => Number(/\d$/.exec(video)?.[0] ?? 0);
  readonly #waiting: Append[] = [];
  #seq = 0;

  videos(): Iterable<VideoId> {
    return [];
  }

  holdings(): readonly Holding[] {
    return this.holds;
  }

  append(batch: Batch): Promise<readonly Placed[]> {
    this.batches.push(batch);
    this.onAppend();
    const { promise, resolve, reject } = Promise.withResolvers<readonly Placed[]>();
    this.#waiting.push({ batch, resolve, reject });
    if (this.answers) this.settle();
    return promise;
  }

  /** Makes the oldest waiting batch durable. */
  settle(): void {
    const { batch, resolve } = this.#waiting.shift() as Append;
    resolve(batch.comments.map(() => ({ seq: ++this.#seq, repeated: false })));
  }

  /** Fails the oldest waiting batch, as when the log is away, or by a bug. */
  fail(error: Error = new LedgerUnavailable("away")): void {
    (this.#waiting.shift() as Append).reject(error);
  }

  get waiting(): number {
    return this.#waiting.length;
  }

  async retract(): Promise<boolean> {
    throw new LedgerUnavailable("away");
  }

  deletions: Deletions = noDeletions;

  async entries(): Promise<Page> {
    throw new LedgerUnavailable("away");
  }

  comments = async (): Promise<Counted> => nothingCounted;
  commented = async (): Promise<readonly VideoId[]> => [];
  ready = () => true;
  totals = () => noTotals;
  /** What `timeline` tells. */
  seen: TimelineView | undefined;
  timeline = () => this.seen;
  head = () => this.#seq;
  onChanges(): void {}
  onEntry(): void {}
  room = (): Space => this.says;
  troubles = (): readonly Trouble[] => [];
  current = async () => noTotals;
  async close(): Promise<void> {}
}
