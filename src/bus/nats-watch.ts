/**
 * One watch of a table over NATS: a reader of its bucket, and the rows it makes.
 *
 * A look begins with each new consumer and shows all rows there are; what it does not show has gone. Unless
 * the bucket is another one than before, went back, or was emptied under our eyes: then rows were not removed
 * but lost. They stay, with their leases running out as they would, and those of a table that is restored are
 * put back. Only what a watch knows of the bucket tells one from the other, so it is kept here.
 */
import { later } from "../base/clock.ts";
import type { Subscription } from "./bus.ts";
import type { JetStream, StreamState, StreamWanted } from "./nats-jetstream.ts";
import { Reader, type Stored } from "./nats-reader.ts";
import type { Restorer } from "./nats-restore.ts";
import { Rows } from "./rows.ts";

export const operationHeader = "KV-Operation";
/** A marker that is still there after this long was forgotten by a node that died. */
const markerForgottenMs = 10 * 60_000;
const decoder = new TextDecoder();

export interface WatchParts {
  readonly wanted: StreamWanted;
  readonly leaseMs: number | undefined;
  /** What stands before each key in a subject. */
  readonly prefix: string;
  /** All watches of the table: this one is among them until it ends. */
  readonly watches: Set<Watch>;
  readonly changed: (key: string, value: string | undefined) => void;
  readonly synced: (() => void) | undefined;
  /** There is a marker that nobody has swept. */
  readonly forgotten: (key: string, seq: number) => void;
  /** A row was put or removed, by whomever. */
  readonly heard: (key: string, value: string | undefined, seq: number) => void;
  /** What we put ourselves under `key` last. */
  readonly own: (key: string) => string | undefined;
  /** Where lost rows go; undefined: nowhere. */
  readonly restorer: Restorer | undefined;
}

export class Watch implements Subscription {
  readonly #jetstream: JetStream;
  readonly #parts: WatchParts;
  readonly #rows: Rows;
  readonly #reader: Reader;
  /** The server's time when the look under way began; undefined when none is. */
  #lookedMs: number | undefined;
  /** The bucket as the last look found it, and the one under way. */
  #before: StreamState | undefined;
  #now: StreamState | undefined;
  /** The highest place heard of, in that life of the bucket. */
  #heardSeq = 0;
  /** Places of the rows, in order: the bucket begins at the first of them or before. */
  readonly #places = new Map<string, number>();
  /** Where the bucket began when last looked at; a row that was before it then, and still is, is lost. */
  #beginsSeq = 0;
  #emptied = false;

  constructor(jetstream: JetStream, parts: WatchParts) {
    const { wanted, leaseMs, prefix, changed, watches } = parts;
    this.#jetstream = jetstream;
    this.#parts = parts;
    this.#rows = new Rows(jetstream.parts.clock, leaseMs, changed);
    this.#reader = new Reader(jetstream, {
      stream: wanted.name,
      subject: `${prefix}>`,
      from: "newest of each",
      prepare: async () => {
        this.#now = await jetstream.ensure(wanted);
        return undefined;
      },
      begun: (serverMs) => {
        this.#lookedMs = serverMs;
        this.#places.clear();
        this.#rows.look();
      },
      receive: (stored) => this.#receive(stored),
      caughtUp: () => this.#caughtUp(),
    });
    watches.add(this);
  }

  restart(): void {
    this.#reader.restart();
  }

  end(): void {
    this.#parts.watches.delete(this);
    this.#reader.end();
    this.#rows.end();
  }

  /** Looks again when the bucket, as it is now, is another one, or begins behind a row it should hold. */
  heed({ created, firstSeq }: StreamState): void {
    if (!this.#before || this.#lookedMs !== undefined) return;
    const [oldest] = this.#places.values();
    // What took the place of that row may still be on its way to us: so it is asked of the time before.
    this.#emptied = oldest !== undefined && oldest < this.#beginsSeq;
    this.#beginsSeq = firstSeq;
    if (this.#emptied || created !== this.#before.created) this.restart();
  }

  /** Whether rows that the look under way does not show are lost, rather than removed. */
  #isLost(): boolean {
    const [before, now] = [this.#before, this.#now];
    if (!before || !now) return false;
    return this.#emptied || now.created !== before.created || now.lastSeq < this.#heardSeq;
  }

  #receive(stored: Stored): void {
    const { prefix, heard, own, forgotten, restorer, leaseMs } = this.#parts;
    const { clock } = this.#jetstream.parts;
    const key = stored.subject.slice(prefix.length);
    const ageMs = this.#lookedMs === undefined ? 0 : Math.max(0, this.#lookedMs - stored.atMs);
    const isLost = this.#lookedMs !== undefined && this.#isLost();
    if (!isLost) this.#heardSeq = Math.max(this.#heardSeq, stored.seq);
    this.#places.delete(key);
    const operation = stored.header(operationHeader);
    if (operation === "DEL" || operation === "PURGE") {
      heard(key, undefined, stored.seq);
      restorer?.drop(key);
      this.#rows.remove(key);
      if (ageMs > markerForgottenMs && leaseMs === undefined) forgotten(key, stored.seq);
      return;
    }
    this.#places.set(key, stored.seq);
    const value = decoder.decode(stored.payload);
    const mine = own(key);
    if (isLost && restorer && mine !== undefined && mine !== value) {
      // An older row came back in place of ours.
      restorer.add(key, mine, stored.seq);
      this.#rows.put(key, mine, clock.elapsed());
      return;
    }
    heard(key, value, stored.seq);
    restorer?.drop(key);
    this.#rows.put(key, value, later(clock.elapsed(), -ageMs));
  }

  #caughtUp(): void {
    if (this.#lookedMs === undefined) return;
    this.#lookedMs = undefined;
    const { leaseMs, restorer, wanted, synced } = this.#parts;
    const isLost = this.#isLost();
    if (!isLost || (leaseMs === undefined && !restorer)) this.#rows.looked();
    else {
      const lost = this.#rows.lookedInVain();
      if (restorer && lost.length > 0) {
        const { log } = this.#jetstream.parts;
        log.warn("a table lost rows: they are put back", { stream: wanted.name, rows: lost.length });
        for (const [key, value] of lost) restorer.add(key, value, 0);
      }
    }
    this.#before = this.#now;
    this.#heardSeq = isLost ? (this.#now?.lastSeq ?? 0) : Math.max(this.#heardSeq, this.#now?.lastSeq ?? 0);
    this.#emptied = false;
    this.#beginsSeq = 0;
    synced?.();
  }
}
