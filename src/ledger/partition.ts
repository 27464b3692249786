/**
 * One partition of the log of likes: read in order, folded, and kept short by snapshots.
 *
 * The distinction it rests on: what this dispatcher appends comes back to it through the stream like
 * everybody's, so each folds the same records in the same order with the same log times, and a key repeated
 * on any node is dropped by all. If the stream has moved on without us (forgotten while we were away), the
 * snapshot that allowed it says what we missed.
 */
import type { Clock } from "../base/clock.ts";
import type { Log } from "../base/log.ts";
import type { Like, VideoId } from "../core/interaction.ts";
import { limits } from "../core/limits.ts";
import { decodeRecord, encodeRecord, type LikeRecord } from "../core/record.ts";
import { likesOf, type Totals } from "../core/totals.ts";
import { Fold, type FoldOptions } from "./fold.ts";
import { type Change, LedgerRefused, LedgerUnavailable, type Space } from "./ledger.ts";
import { bounded, LogTime } from "./log-time.ts";
import { decodeFold, encodeFold } from "./snapshot.ts";
import { type Manifest, Snapshots } from "./snapshots.ts";
import type { Stored, Streams, StreamWanted } from "./streams.ts";

export interface PartitionOptions {
  readonly index: number;
  readonly streams: Streams;
  readonly clock: Clock;
  readonly log: Log;
  readonly fold: FoldOptions;
  readonly changed: (changes: readonly Change[]) => void;
  /** How much of the log stays behind a snapshot, in milliseconds of its own time. */
  readonly keepMs: number;
}

/** The stream of a partition, and the subject its records are appended to. */
export function logStream(index: number): StreamWanted {
  return { name: `log_${index}`, subject: `log.${index}` };
}

/** Carries a record's log time: nodes of before take no change of the payload, and look at no header. */
const stampHeader = "Ovation-Log-Ms";

export class Partition {
  readonly #options: PartitionOptions;
  readonly #snapshots: Snapshots;
  readonly #caughtUp = Promise.withResolvers<void>();
  #fold: Fold;
  /** The last record folded. */
  #seq = 0;
  #time: LogTime;
  /**
   * The manifest seen last, by its place: one that is still the newest a whole period later may be followed.
   */
  #seenManifest = -1;
  #reading: { end(): void } | undefined;
  #reloading = false;
  #closed = false;

  constructor(options: PartitionOptions) {
    const { streams, clock, index, fold } = options;
    this.#options = options;
    this.#snapshots = new Snapshots(streams, clock, index);
    this.#fold = new Fold(fold);
    // What an empty log begins at is as good as any; nodes of before stamp by the date.
    this.#time = new LogTime(clock, clock.date());
  }

  totals(video: VideoId): Totals {
    return this.#fold.totals(video);
  }

  async current(video: VideoId): Promise<Totals> {
    return this.totals(video);
  }

  room(like: Like): Space {
    // Without likes the fold's log time stands still, and a window that is full would never empty.
    return this.#fold.room(like, this.#time.now());
  }

  /** Resolves when the record is durable. Rejects with LedgerUnavailable or BusUnavailable. */
  async append(record: LikeRecord): Promise<void> {
    const { index, streams } = this.#options;
    const head = { [stampHeader]: `${Math.floor(this.#time.now())}` };
    await streams.append(logStream(index).subject, encodeRecord(record), limits.storeMs, undefined, head);
  }

  /** Reads the newest snapshot, then the log behind it; resolves when all there was is folded. */
  async start(): Promise<void> {
    const found = await this.#newest();
    if (found) this.#adopt(found.fold, found.manifest.upTo);
    this.#read();
    await this.#caughtUp.promise;
  }

  /**
   * Writes a snapshot if there is something new and no dispatcher wrote one since the last call, and lets go
   * of log that no one needs. Rejects when the network is away.
   */
  async snapshot(): Promise<void> {
    const before = await this.#snapshots.manifest();
    const seen = before?.seq ?? 0;
    const quiet = seen === this.#seenManifest;
    this.#seenManifest = seen;
    if (!quiet || this.#reloading || this.#seq <= (before?.upTo ?? 0)) return;
    // Place and bytes belong together: nothing may be folded between them.
    const at = { upTo: this.#seq, logMs: this.#fold.logMs };
    const bytes = encodeFold(this.#fold);
    if (!(await this.#snapshots.save(bytes, at, before))) return;
    const oldMs = at.logMs - this.#options.keepMs;
    const old = before && [...before.marks, before].filter((mark) => mark.logMs < oldMs).at(-1);
    const { index, streams, log } = this.#options;
    if (old) await streams.forget(logStream(index).name, old.upTo + 1);
    log.debug("snapshot written", {
      partition: index,
      upTo: at.upTo,
      bytes: bytes.length,
      forgotten: old?.upTo,
    });
  }

  close(): void {
    this.#closed = true;
    this.#reading?.end();
    this.#caughtUp.resolve();
  }

  /** The newest snapshot; undefined when none was written yet. */
  async #newest(): Promise<{ fold: Fold; manifest: Manifest } | undefined> {
    const { index, fold: options } = this.#options;
    for (let manifest = await this.#snapshots.manifest(); manifest; ) {
      const bytes = await this.#snapshots.load(manifest);
      const fold = bytes && decodeFold(bytes, options);
      if (fold) return { fold, manifest };
      if (bytes)
        throw new LedgerRefused(`the snapshot of partition ${index} was not written by this version`);
      const newer = await this.#snapshots.manifest();
      if (newer?.seq === manifest.seq) throw new LedgerUnavailable("the snapshot cannot be read now");
      manifest = newer;
    }
    return undefined;
  }

  #adopt(fold: Fold, upTo: number): void {
    const changes = this.#changesTo(fold);
    this.#fold = fold;
    this.#seq = upTo;
    if (fold.logMs > 0) this.#time = new LogTime(this.#options.clock, fold.logMs);
    if (changes.length > 0) this.#options.changed(changes);
  }

  /** What we missed, as changes: nobody's names, and as old as now. */
  #changesTo(fold: Fold): Change[] {
    const nowMs = this.#options.clock.date();
    const changes: Change[] = [];
    for (const [video, totals] of fold.videos) {
      const before = this.#fold.totals(video);
      if (totals.version <= before.version) continue;
      const rise = likesOf(totals.counts) - likesOf(before.counts);
      const moved = { added: Math.max(0, rise), removed: Math.max(0, -rise) };
      const times = { atMs: nowMs, durableMs: nowMs };
      changes.push({ video, totals, before: before.counts, ...moved, ...times, by: [] });
    }
    return changes;
  }

  #read(): void {
    if (this.#closed) return;
    const { index, streams, log } = this.#options;
    const wanted = logStream(index);
    this.#reading = streams.read({
      name: wanted.name,
      from: this.#seq + 1,
      receive: (stored) => this.#receive(stored),
      caughtUp: () => {
        if (!this.#reloading) this.#caughtUp.resolve();
      },
      heal: {
        wanted,
        rewound: (from) => {
          log.error("log lost its end", { partition: index, folded: this.#seq, goesOnAt: from });
          this.#seq = from - 1;
        },
      },
    });
  }

  #receive(stored: Stored): void {
    // What was folded once is never folded again, whatever a reader repeats.
    if (this.#reloading || stored.seq <= this.#seq) return;
    if (stored.seq !== this.#seq + 1) {
      void this.#reload(stored.seq);
      return;
    }
    this.#seq = stored.seq;
    const record = decodeRecord(stored.payload);
    if (!record) {
      this.#options.log.error("log holds what is no record", {
        partition: this.#options.index,
        seq: stored.seq,
      });
      return;
    }
    const changes = this.#fold.apply(record, this.#logMsOf(stored), this.#options.clock.date());
    this.#time.folded(this.#fold.logMs);
    if (changes.length > 0) this.#options.changed(changes);
  }

  /**
   * A record's log time: its writer's stamp. Nodes of before write none; theirs is when it arrived, as the
   * server of that moment thought.
   */
  #logMsOf({ atMs, header }: Stored): number {
    const stamp = header?.(stampHeader);
    const lastMs = this.#fold.logMs;
    if (stamp === undefined) return Math.max(atMs, lastMs);
    // Before the first record there is nothing to be ahead of, and nothing that could be forgotten.
    return lastMs === 0 ? bounded(Number(stamp), Number(stamp)) : bounded(Number(stamp), lastMs);
  }

  /** The log goes on at `nextSeq`, but what we have ends before: a snapshot must hold what lies between. */
  async #reload(nextSeq: number): Promise<void> {
    const { index, log, clock } = this.#options;
    this.#reloading = true;
    this.#reading?.end();
    log.warn("log was forgotten before it was read", { partition: index, folded: this.#seq, next: nextSeq });
    for (;;) {
      if (this.#closed) return;
      try {
        const found = await this.#newest();
        if (found && found.manifest.upTo + 1 >= nextSeq) this.#adopt(found.fold, found.manifest.upTo);
        else {
          log.error("log has a hole no snapshot fills", {
            partition: index,
            folded: this.#seq,
            next: nextSeq,
          });
          this.#seq = nextSeq - 1;
        }
        break;
      } catch (error) {
        log.warn("snapshot cannot be read", { partition: index, reason: String(error) });
        await new Promise<void>((resolve) => clock.after(limits.requestMs, resolve));
      }
    }
    this.#reloading = false;
    this.#read();
  }
}
