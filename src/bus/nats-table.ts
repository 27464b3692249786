/**
 * A table as a JetStream key-value bucket, laid out as NATS' own tools expect it.
 *
 * A row's age is counted by the server's clock as long as the row was put before we looked, by ours since; so
 * no two clocks ever meet, and nodes whose clocks differ agree on leases. The bucket's own expiry is not told
 * to watchers by the servers we target (Rows does it here), and a removal leaves a marker in the bucket,
 * which is swept some time after everybody has heard of it.
 *
 * A bucket may be removed or emptied under a running node, and nobody is told. So a table that is to be
 * restored is looked at now and then, and what it has lost is put back (nats-restore.ts, nats-loss.test.ts).
 */
import { type Elapsed, later, type Timer } from "../base/clock.ts";
import { limits } from "../core/limits.ts";
import { BusUnavailable, checkSubject, NobodyServes, type Subscription, type Table } from "./bus.ts";
import {
  ApiError,
  type JetStream,
  nanosPerMs,
  type StreamState,
  type StreamWanted,
} from "./nats-jetstream.ts";
import { Restorer } from "./nats-restore.ts";
import { operationHeader, Watch } from "./nats-watch.ts";

const markerMsDefault = 60_000;
const markersMax = 10_000;
const sweepEveryMs = 1_000;
const sweepsAtOnce = 20;
const encoder = new TextEncoder();
const empty = new Uint8Array(0);

/** The bucket of a table: one message per key, aged by the lease. */
export function bucketWanted(bucket: string, leaseMs: number | undefined, replicas: number): StreamWanted {
  const ageMs = leaseMs ?? 0;
  const duplicateMs = ageMs > 0 ? Math.min(ageMs, 120_000) : 120_000;
  return {
    name: `KV_${bucket}`,
    mayDiffer: ["num_replicas", "storage"],
    config: {
      subjects: [`$KV.${bucket}.>`],
      storage: "file",
      num_replicas: replicas,
      max_msgs_per_subject: 1,
      max_age: ageMs * nanosPerMs,
      duplicate_window: duplicateMs * nanosPerMs,
      discard: "new",
      allow_rollup_hdrs: true,
      deny_delete: true,
      allow_direct: true,
    },
  };
}

export interface NatsTableOptions {
  readonly bucket: string;
  readonly wanted: StreamWanted;
  readonly leaseMs: number | undefined;
  /** How long the marker of a removed row stays for those who did not hear of it. Default a minute. */
  readonly markerMs?: number | undefined;
  /** How often a table that is restored is looked at. Default limits.tableLookMs. */
  readonly lookMs?: number | undefined;
  /** As TableOptions. */
  readonly restoredMax?: number | undefined;
  /** The bucket as it was opened. */
  readonly opened: StreamState;
}

/** A row that we put: `seq` is infinite while it is on its way. */
interface Own {
  readonly value: string;
  readonly seq: number;
}

export class NatsTable implements Table {
  readonly #jetstream: JetStream;
  readonly #options: NatsTableOptions;
  readonly #prefix: string;
  readonly #watches = new Set<Watch>();
  /** Markers to sweep: key → its seq and when. */
  readonly #markers = new Map<string, { seq: number; dueAt: Elapsed }>();
  readonly #markerMs: number;
  readonly #timers: readonly Timer[];
  readonly #restorer: Restorer | undefined;
  /** Rows to put back should the bucket lose them, in the order they were put. */
  readonly #own = new Map<string, Own>();
  /** Which life of the bucket holds them, and the newest of them. */
  #life: string;
  #ownSeq = 0;
  #looking = false;
  #closed = false;

  constructor(jetstream: JetStream, options: NatsTableOptions) {
    const {
      bucket,
      leaseMs,
      markerMs = markerMsDefault,
      restoredMax = 0,
      lookMs = limits.tableLookMs,
      opened,
    } = options;
    const { clock } = jetstream.parts;
    this.#jetstream = jetstream;
    this.#options = options;
    this.#markerMs = markerMs;
    this.#prefix = `$KV.${bucket}.`;
    this.#life = opened.created;
    const isRestored = restoredMax > 0 && leaseMs === undefined;
    this.#restorer = isRestored
      ? new Restorer(jetstream, this.#prefix, (key, seq) => this.#wrote(key, seq))
      : undefined;
    const timers: Timer[] = [];
    // Markers of a leased table age away with everything else.
    if (leaseMs === undefined) timers.push(clock.every(sweepEveryMs, () => this.#sweep()));
    if (isRestored) timers.push(clock.every(lookMs, () => void this.#look()));
    this.#timers = timers;
  }

  async put(key: string, value: string): Promise<void> {
    checkSubject(key);
    this.#markers.delete(key);
    this.#restorer?.drop(key);
    if (this.#restorer) this.#claim(key, value);
    try {
      this.#wrote(key, await this.#write(key, encoder.encode(value)));
    } catch (error) {
      // Nothing was promised: whoever wants it there puts it again.
      this.#own.delete(key);
      throw error;
    }
  }

  async remove(key: string): Promise<void> {
    checkSubject(key);
    this.#own.delete(key);
    this.#restorer?.drop(key);
    const seq = await this.#write(key, empty, "DEL");
    this.#mark(key, seq, this.#markerMs);
  }

  watch(changed: (key: string, value: string | undefined) => void, synced?: () => void): Subscription {
    if (this.#closed) throw new BusUnavailable("closed");
    const { wanted, leaseMs } = this.#options;
    return new Watch(this.#jetstream, {
      ...{ wanted, leaseMs, prefix: this.#prefix, watches: this.#watches, changed, synced },
      forgotten: (key, seq) => this.#mark(key, seq, 0),
      heard: (key, value, seq) => this.#heard(key, value, seq),
      own: (key) => this.#own.get(key)?.value,
      restorer: this.#restorer,
    });
  }

  /** Restarts every watch: for tests. */
  disturb(): void {
    for (const watch of this.#watches) watch.restart();
  }

  close(): void {
    this.#closed = true;
    for (const timer of this.#timers) timer.cancel();
    this.#restorer?.close();
    for (const watch of [...this.#watches]) watch.end();
  }

  async #write(key: string, payload: Uint8Array, operation?: string): Promise<number> {
    if (this.#closed) throw new BusUnavailable("closed");
    const head = operation ? { [operationHeader]: operation } : undefined;
    const append = async (): Promise<number> =>
      (await this.#jetstream.append(this.#prefix + key, payload, limits.requestMs, head)).seq;
    try {
      return await append();
    } catch (error) {
      if (!(error instanceof NobodyServes)) throw error;
      // The bucket was removed, or went with its server's folder: make it again.
      await this.#jetstream.ensure(this.#options.wanted);
      return append();
    }
  }

  #claim(key: string, value: string): void {
    this.#own.delete(key);
    this.#own.set(key, { value, seq: Number.POSITIVE_INFINITY });
    const { restoredMax = 0 } = this.#options;
    if (this.#own.size <= restoredMax) return;
    const [oldest] = this.#own.keys();
    if (oldest !== undefined) this.#own.delete(oldest);
  }

  #wrote(key: string, seq: number): void {
    const own = this.#own.get(key);
    if (!own) return;
    this.#own.set(key, { value: own.value, seq });
    this.#ownSeq = Math.max(this.#ownSeq, seq);
  }

  /** Another member has put the row since, or removed it: it is no longer ours to put back. */
  #heard(key: string, value: string | undefined, seq: number): void {
    const own = this.#own.get(key);
    if (own && seq > own.seq && own.value !== value) this.#own.delete(key);
  }

  /** Makes the bucket again should it be gone, and puts back what it has lost. */
  async #look(): Promise<void> {
    const { link } = this.#jetstream.parts;
    if (this.#looking || this.#closed || !link.connected()) return;
    this.#looking = true;
    try {
      const state = await this.#state();
      for (const watch of this.#watches) watch.heed(state);
      this.#heedOwn(state);
    } catch (error) {
      if (!(error instanceof BusUnavailable)) throw error;
    } finally {
      this.#looking = false;
    }
  }

  async #state(): Promise<StreamState> {
    const { wanted } = this.#options;
    try {
      return await this.#jetstream.state(wanted.name);
    } catch (error) {
      // Whatever it answered, it is asked once more, and made where there is none.
      if (error instanceof ApiError) return this.#jetstream.ensure(wanted);
      throw error;
    }
  }

  /** Without a watch only our own rows are known: the bucket lost them if it begins behind the oldest. */
  #heedOwn({ created, firstSeq, lastSeq }: StreamState): void {
    const [oldest] = this.#own.values();
    const isLost = created !== this.#life || lastSeq < this.#ownSeq || (oldest?.seq ?? firstSeq) < firstSeq;
    this.#life = created;
    if (!isLost) return;
    this.#ownSeq = 0;
    if (this.#watches.size > 0 || !oldest) return;
    const { log } = this.#jetstream.parts;
    log.warn("a table lost its rows: they are put back", {
      stream: this.#options.wanted.name,
      rows: this.#own.size,
    });
    for (const [key, { value }] of this.#own) this.#restorer?.add(key, value, undefined);
  }

  #mark(key: string, seq: number, afterMs: number): void {
    // Beyond the bound a marker stays: it costs the bucket a few bytes until its row is written again.
    if (this.#options.leaseMs !== undefined || this.#markers.size >= markersMax) return;
    this.#markers.set(key, { seq, dueAt: later(this.#jetstream.parts.clock.elapsed(), afterMs) });
  }

  /** Purges due markers, never a row that was put after one. */
  #sweep(): void {
    const nowAt = this.#jetstream.parts.clock.elapsed();
    let budget = sweepsAtOnce;
    for (const [key, { seq, dueAt }] of this.#markers) {
      if (dueAt > nowAt) continue;
      if (budget-- === 0) return;
      this.#markers.delete(key);
      this.#jetstream
        .call(`STREAM.PURGE.${this.#options.wanted.name}`, { filter: this.#prefix + key, seq: seq + 1 })
        .catch(() => {});
    }
  }
}
