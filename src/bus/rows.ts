/**
 * What one holder of a table believes: its rows, their leases, and which of them went while nobody looked.
 *
 * A row ends in three ways (removed, expired, absent after a new look) and all three are told once, as
 * `undefined`. Leases run here as well as at the source, because the servers we target end rows of a bucket
 * by age without telling its watchers. It knows no transport. Held by the suite of all buses,
 * contract-tables.ts.
 */
import { type Clock, type Elapsed, later, type Timer } from "../base/clock.ts";

interface Row {
  value: string;
  /** When it was last put, or would have been here. */
  putAt: Elapsed;
}

export type Changed = (key: string, value: string | undefined) => void;

export class Rows {
  readonly #clock: Clock;
  readonly #leaseMs: number | undefined;
  readonly #changed: Changed;
  /** In order of `put`: leases are equally long, so the first row is the next to expire. */
  readonly #rows = new Map<string, Row>();
  #unseen: Set<string> | undefined;
  #timer: Timer | undefined;
  #ended = false;

  constructor(clock: Clock, leaseMs: number | undefined, changed: Changed) {
    this.#clock = clock;
    this.#leaseMs = leaseMs;
    this.#changed = changed;
  }

  /** Rows held now. */
  get size(): number {
    return this.#rows.size;
  }

  /**
   * Takes a row that was put at `putAt`; tells of it when its value is new, and not when it is merely
   * renewed.
   */
  put(key: string, value: string, putAt: Elapsed): void {
    if (this.#ended) return;
    this.#unseen?.delete(key);
    if (this.#leaseMs !== undefined && later(putAt, this.#leaseMs) <= this.#clock.elapsed()) {
      this.remove(key);
      return;
    }
    const before = this.#rows.get(key)?.value;
    this.#rows.delete(key);
    this.#rows.set(key, { value, putAt });
    this.#schedule();
    if (before !== value) this.#changed(key, value);
  }

  /** Ends a row; an absent one is no news. */
  remove(key: string): void {
    if (this.#ended) return;
    this.#unseen?.delete(key);
    if (this.#rows.delete(key)) this.#changed(key, undefined);
  }

  /** A new look begins: rows not put again before `looked` are gone. */
  look(): void {
    this.#unseen = new Set(this.#rows.keys());
  }

  /** The new look is complete. */
  looked(): void {
    const unseen = this.#unseen;
    this.#unseen = undefined;
    for (const key of unseen ?? []) this.remove(key);
  }

  /** The new look is complete; rows it did not show are not gone but lost: they stay, and are returned. */
  lookedInVain(): readonly (readonly [key: string, value: string])[] {
    const unseen = this.#unseen;
    this.#unseen = undefined;
    return [...(unseen ?? [])].flatMap((key) => {
      const row = this.#rows.get(key);
      return row ? [[key, row.value] as const] : [];
    });
  }

  /** The value of a row, if it is held. */
  get(key: string): string | undefined {
    return this.#rows.get(key)?.value;
  }

  /** Every row: its key, value and when it was put. The caller must not put or remove meanwhile. */
  *each(): IterableIterator<[string, string, Elapsed]> {
    for (const [key, row] of this.#rows) yield [key, row.value, row.putAt];
  }

  /** Tells nothing from now on and stops the clock. */
  end(): void {
    this.#ended = true;
    this.#timer?.cancel();
    this.#rows.clear();
  }

  #schedule(): void {
    if (this.#leaseMs === undefined || this.#timer || this.#ended) return;
    const first = this.#rows.values().next();
    if (first.done) return;
    const dueMs = first.value.putAt + this.#leaseMs - this.#clock.elapsed();
    this.#timer = this.#clock.after(Math.max(dueMs, 1), () => this.#expire());
  }

  #expire(): void {
    this.#timer = undefined;
    const nowAt = this.#clock.elapsed();
    const leaseMs = this.#leaseMs ?? Number.POSITIVE_INFINITY;
    for (const [key, row] of this.#rows) {
      if (row.putAt + leaseMs > nowAt) break;
      this.remove(key);
    }
    this.#schedule();
  }
}
