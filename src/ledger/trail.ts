/**
 * The trail: which records of a log were folded, told by where they stood, when they arrived and a hash.
 *
 * A place in a log means something in one history only. A log that was emptied, or put back from a copy,
 * gives the same places to other records; so whoever comes back to a log compares what stands at its last
 * place with what it folded there, and when that differs, looks for the end of what both have in common.
 * trail.test.ts and jetstream-seed.test.ts hold that.
 */
import { limits } from "../core/limits.ts";
import type { Stored, StreamState } from "./streams.ts";

/**
 * What a record is known by: its arrival as the log's server thought, Unix ms, and a hash of its beginning.
 */
export interface Identity {
  readonly atMs: number;
  readonly hash: number;
}

/** Bytes of a record that are hashed: a large one would cost more than its fold. */
const hashedBytes = 1_024;
/** Servers tell arrivals in nanoseconds, in two forms that round differently. */
const roundingMs = 1;

/** The identity of a stored record. */
export function identify({ payload, atMs }: Pick<Stored, "payload" | "atMs">): Identity {
  // FNV-1a over the length and the beginning, which holds when the first like was accepted, to a microsecond.
  let hash = 0x811c9dc5 ^ payload.length;
  const end = Math.min(payload.length, hashedBytes);
  for (let i = 0; i < end; i++) hash = Math.imul(hash ^ (payload[i] as number), 0x01000193);
  return { atMs, hash: hash >>> 0 };
}

export function same(a: Identity, b: Identity): boolean {
  return a.hash === b.hash && Math.abs(a.atMs - b.atMs) <= roundingMs;
}

/** The last limits.trailMax records that were folded, without holes. */
export class Trail {
  readonly #arrivals: number[] = [];
  readonly #hashes: number[] = [];
  /** The first place that is remembered; the one behind the last when none is. */
  #first = 1;

  /** The last place that is remembered; 0, or the one before the first, when none is. */
  get last(): number {
    return this.#first + this.#hashes.length - 1;
  }

  /** Begins anew at `seq`, which is folded, and of which `identity` may be known. */
  reset(seq: number, identity: Identity | undefined): void {
    this.#arrivals.length = 0;
    this.#hashes.length = 0;
    this.#first = seq + 1;
    if (!identity) return;
    this.#first = seq;
    this.#arrivals.push(identity.atMs);
    this.#hashes.push(identity.hash);
  }

  /** The record behind the last one was folded. */
  push({ atMs, hash }: Identity): void {
    this.#arrivals.push(atMs);
    this.#hashes.push(hash);
    // Cut now and then, not each time: that would move everything for every record.
    if (this.#hashes.length < 2 * limits.trailMax) return;
    this.#arrivals.splice(0, limits.trailMax);
    this.#hashes.splice(0, limits.trailMax);
    this.#first += limits.trailMax;
  }

  at(seq: number): Identity | undefined {
    const index = seq - this.#first;
    const hash = this.#hashes[index];
    return hash === undefined ? undefined : { hash, atMs: this.#arrivals[index] as number };
  }
}

/** Where the stream stands that is compared with a trail. */
export interface Compared {
  readonly trail: Trail;
  /** The last place folded. */
  readonly seq: number;
  /** When the last record that was folded had arrived, Unix ms. */
  readonly lastMs: number;
  readonly state: Pick<StreamState, "firstSeq" | "lastSeq">;
  /** What stands in the stream at a place; undefined where there is nothing. */
  readonly at: (seq: number) => Promise<Pick<Stored, "payload" | "atMs"> | undefined>;
}

/** Whether the stream still holds, or held and forgot, what was folded. */
export async function stands({ trail, seq, state, at }: Compared): Promise<boolean> {
  if (seq === 0) return true;
  if (state.lastSeq < seq) return false;
  const folded = trail.at(seq);
  if (state.firstSeq > seq || !folded) return true;
  const held = await at(seq);
  return held === undefined || same(identify(held), folded);
}

/**
 * The last place at which the stream holds what was folded; behind it stand records that were not. Beyond the
 * trail, what arrived no later than the last record folded is taken for folded.
 */
export async function commonEnd({ trail, seq, lastMs, state, at }: Compared): Promise<number> {
  let low = Math.max(0, state.firstSeq - 1);
  let high = Math.max(low, Math.min(seq, state.lastSeq));
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    const held = await at(middle);
    const folded = trail.at(middle);
    const ours = held === undefined || (folded ? same(identify(held), folded) : held.atMs <= lastMs);
    if (ours) low = middle;
    else high = middle - 1;
  }
  return low;
}
