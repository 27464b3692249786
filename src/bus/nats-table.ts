/**
 * A table as a JetStream key-value bucket, laid out as NATS' own tools expect it.
 *
 * It rests on two clocks that never meet: a row's age is counted by the server's clock as long as the row was
 * put before we looked, by ours since; so nodes whose clocks differ agree on leases. The bucket's own expiry
 * is not told to watchers by the servers we target (Rows does it here), and a removal leaves a marker in the
 * bucket, which is swept some time after everybody has heard of it.
 */
import { type Elapsed, later, type Timer } from "../base/clock.ts";
import { limits } from "../core/limits.ts";
import { BusUnavailable, checkSubject, NobodyServes, type Subscription, type Table } from "./bus.ts";
import { type JetStream, nanosPerMs, type StreamWanted } from "./nats-jetstream.ts";
import { Reader, type Stored } from "./nats-reader.ts";
import { Rows } from "./rows.ts";

const markerMsDefault = 60_000;
const operationHeader = "KV-Operation";
/** A marker that is still there after this long was forgotten by a node that died. */
const markerForgottenMs = 10 * 60_000;
const markersMax = 10_000;
const sweepEveryMs = 1_000;
const sweepsAtOnce = 20;
const encoder = new TextEncoder();
const decoder = new TextDecoder();
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
}

export class NatsTable implements Table {
  readonly #jetstream: JetStream;
  readonly #wanted: StreamWanted;
  readonly #leaseMs: number | undefined;
  readonly #prefix: string;
  readonly #watches = new Set<Watch>();
  /** Markers to sweep: key → its seq and when. */
  readonly #markers = new Map<string, { seq: number; dueAt: Elapsed }>();
  readonly #markerMs: number;
  readonly #sweeper: Timer | undefined;
  #closed = false;

  constructor(jetstream: JetStream, options: NatsTableOptions) {
    const { bucket, wanted, leaseMs, markerMs = markerMsDefault } = options;
    this.#jetstream = jetstream;
    this.#wanted = wanted;
    this.#leaseMs = leaseMs;
    this.#markerMs = markerMs;
    this.#prefix = `$KV.${bucket}.`;
    // Markers of a leased table age away with everything else.
    if (leaseMs === undefined) {
      this.#sweeper = jetstream.parts.clock.every(sweepEveryMs, () => this.#sweep());
    }
  }

  async put(key: string, value: string): Promise<void> {
    checkSubject(key);
    this.#markers.delete(key);
    await this.#write(key, encoder.encode(value));
  }

  async remove(key: string): Promise<void> {
    checkSubject(key);
    const seq = await this.#write(key, empty, "DEL");
    this.#mark(key, seq, this.#markerMs);
  }

  watch(changed: (key: string, value: string | undefined) => void, synced?: () => void): Subscription {
    if (this.#closed) throw new BusUnavailable("closed");
    const { clock } = this.#jetstream.parts;
    const rows = new Rows(clock, this.#leaseMs, changed);
    let looking = false;
    let begunMs = 0;
    const reader = new Reader(this.#jetstream, {
      stream: this.#wanted.name,
      subject: `${this.#prefix}>`,
      from: "newest of each",
      prepare: () => this.#jetstream.ensure(this.#wanted).then(() => undefined),
      begun: (serverMs) => {
        looking = true;
        begunMs = serverMs;
        rows.look();
      },
      receive: (stored) => this.#hear(rows, stored, looking ? Math.max(0, begunMs - stored.atMs) : 0),
      caughtUp: () => {
        if (!looking) return;
        looking = false;
        rows.looked();
        synced?.();
      },
    });
    const watch = new Watch(rows, reader, this.#watches);
    return watch;
  }

  /** Restarts every watch: for tests. */
  disturb(): void {
    for (const watch of this.#watches) watch.reader.restart();
  }

  close(): void {
    this.#closed = true;
    this.#sweeper?.cancel();
    for (const watch of [...this.#watches]) watch.end();
  }

  #hear(rows: Rows, stored: Stored, ageMs: number): void {
    const key = stored.subject.slice(this.#prefix.length);
    const operation = stored.header(operationHeader);
    if (operation === "DEL" || operation === "PURGE") {
      rows.remove(key);
      if (ageMs > markerForgottenMs && this.#leaseMs === undefined) this.#mark(key, stored.seq, 0);
    } else {
      rows.put(key, decoder.decode(stored.payload), later(this.#jetstream.parts.clock.elapsed(), -ageMs));
    }
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
      // The bucket went with its server's folder: make it again.
      await this.#jetstream.ensure(this.#wanted);
      return append();
    }
  }

  #mark(key: string, seq: number, afterMs: number): void {
    // Beyond the bound a marker stays: it costs the bucket a few bytes until its row is written again.
    if (this.#leaseMs !== undefined || this.#markers.size >= markersMax) return;
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
        .call(`STREAM.PURGE.${this.#wanted.name}`, { filter: this.#prefix + key, seq: seq + 1 })
        .catch(() => {});
    }
  }
}

class Watch implements Subscription {
  readonly reader: Reader;
  readonly #rows: Rows;
  readonly #watches: Set<Watch>;

  constructor(rows: Rows, reader: Reader, watches: Set<Watch>) {
    this.reader = reader;
    this.#rows = rows;
    this.#watches = watches;
    watches.add(this);
  }

  end(): void {
    this.#watches.delete(this);
    this.reader.end();
    this.#rows.end();
  }
}
