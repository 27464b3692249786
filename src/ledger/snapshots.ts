/**
 * Snapshots of a partition's fold in a stream: written by any one dispatcher, read by each that starts.
 *
 * A snapshot is many chunks and counts only once a small message, the manifest, names them all. It is
 * written only if no other came in between, so snapshots of a partition follow each other and never go back,
 * and of several who seed a log anew one is first. Marks in it remember where earlier snapshots stood: what
 * is older than the key window by the log's own time may be forgotten, and nobody needs to read a log to
 * learn its age.
 *
 * A manifest says of which history its places are: the branch. One that was written by a version that knew of
 * no branches names none, and is of whichever the log is on.
 */
import type { Clock } from "../base/clock.ts";
import { limits } from "../core/limits.ts";
import { decodeJson, encodeJson } from "../core/wire.ts";
import type { FoldBytes } from "./snapshot.ts";
import type { Stored, Streams, StreamWanted } from "./streams.ts";
import type { Identity } from "./trail.ts";

/** Where a log stood at a time of its own. */
export interface Mark {
  readonly upTo: number;
  readonly logMs: number;
}

/** An earlier branch, and up to which of its places the branch that followed holds everything. */
export interface Parent {
  readonly branch: string;
  readonly upTo: number;
  /** What stood at `upTo`; undefined when that is not known. */
  readonly last: Identity | undefined;
}

/** A history of the log, which begins with what its parents hold. */
export interface Branch {
  readonly branch: string;
  /** The place behind which its own records stand. */
  readonly from: number;
  /** Oldest first; none of the first branch of a log. */
  readonly parents: readonly Parent[];
}

/** A snapshot in its log. */
export interface Point extends Mark, Branch {
  /** What stands at `upTo`; undefined when that is not known. */
  readonly last: Identity | undefined;
}

/** The branch of a log that never went back. */
export const firstBranch: Branch = { branch: "first", from: 0, parents: [] };

export interface Manifest extends Mark {
  /** Its own place, which the next one must follow. */
  readonly seq: number;
  /** Places of the chunks, in order. */
  readonly chunks: readonly number[];
  /** Of those of the timelines; none where their writer had none, or was of a version that knew none. */
  readonly timelines: readonly number[];
  /** Of those of what was deleted; likewise. */
  readonly lives: readonly number[];
  /** Where snapshots before it stood, oldest first. */
  readonly marks: readonly Mark[];
  /** Undefined when it names none. */
  readonly lineage: Branch | undefined;
  readonly last: Identity | undefined;
}

export const snapshotStream: StreamWanted = { name: "snapshots", subject: "snapshot.*" };
const chunkBytes = 256 * 1024;
/** Marks kept: beyond it the oldest is forgotten, and the log kept a little longer. */
const marksMax = 32;
/** Longest that reading a snapshot's chunks may take, in milliseconds. */
const loadMs = 30_000;

const chunkSubject = (partition: number): string => `snapshot.${partition}`;
const manifestSubject = (partition: number): string => `snapshot.m${partition}`;

export class Snapshots {
  readonly #streams: Streams;
  readonly #clock: Clock;
  readonly #partition: number;

  constructor(streams: Streams, clock: Clock, partition: number) {
    this.#streams = streams;
    this.#clock = clock;
    this.#partition = partition;
  }

  /** The newest manifest, if there is one. */
  async manifest(): Promise<Manifest | undefined> {
    const last = await this.#streams.last(snapshotStream.name, manifestSubject(this.#partition));
    return last && manifestOf(last);
  }

  /** The bytes a manifest names; undefined when some are gone: then there is a newer manifest. */
  async load({ chunks, timelines, lives }: Manifest): Promise<FoldBytes | undefined> {
    const fold = await this.#load(chunks);
    const more: (Uint8Array | undefined)[] = [];
    for (const places of [timelines, lives]) {
      const bytes = fold && (places.length === 0 ? new Uint8Array(0) : await this.#load(places));
      if (!bytes) return undefined;
      more.push(bytes);
    }
    return fold && { fold, timelines: more[0], lives: more[1] };
  }

  async #load(chunks: readonly number[]): Promise<Uint8Array | undefined> {
    const wanted = new Map(chunks.map((seq, i) => [seq, i]));
    const parts = new Array<Uint8Array>(chunks.length);
    const [first = 1, last = 0] = [chunks[0], chunks.at(-1)];
    // A stream that was lost since ends before them: it must not be asked for what it does not have.
    if ((await this.#streams.state(snapshotStream.name)).lastSeq < last) return undefined;
    const { promise, resolve } = Promise.withResolvers<boolean>();
    const subject = chunkSubject(this.#partition);
    const reading = this.#streams.read({
      name: snapshotStream.name,
      subject,
      from: first,
      receive: ({ seq, payload }) => {
        const i = wanted.get(seq);
        if (i !== undefined) parts[i] = payload.slice();
        if (i !== undefined) wanted.delete(seq);
        if (wanted.size === 0 || seq >= last) resolve(wanted.size === 0);
      },
      caughtUp: () => resolve(wanted.size === 0),
    });
    const late = this.#clock.after(loadMs, () => resolve(false));
    const whole = await promise;
    late.cancel();
    reading.end();
    return whole ? concat(parts) : undefined;
  }

  /**
   * Writes a snapshot behind `before`; false when another dispatcher was first. `branches`: it begins a
   * branch, so what was marked before it means nothing any more.
   */
  async save(bytes: FoldBytes, at: Point, before: Manifest | undefined, branches = false): Promise<boolean> {
    const chunks = await this.#write(bytes.fold);
    const timelines = bytes.timelines && (await this.#write(bytes.timelines));
    const lives = bytes.lives && (await this.#write(bytes.lives));
    const marks = before && !branches ? [...before.marks, markOf(before)].slice(-marksMax) : [];
    const manifest = encodeJson({ ...at, chunks, marks, timelines, lives });
    const subject = manifestSubject(this.#partition);
    const seq = await this.#streams.appendIfLast(subject, manifest, limits.requestMs, before?.seq ?? 0);
    if (seq === undefined) return false;
    // The snapshot before stays: somebody may be reading it.
    const [oldest] = before?.chunks ?? [];
    if (oldest !== undefined)
      await this.#streams.forget(snapshotStream.name, oldest, chunkSubject(this.#partition));
    await this.#streams.forget(snapshotStream.name, seq, subject);
    return true;
  }

  /** Writes bytes in chunks; answers their places. */
  async #write(bytes: Uint8Array): Promise<number[]> {
    const chunks: number[] = [];
    for (let from = 0; from < bytes.length; from += chunkBytes) {
      const chunk = bytes.subarray(from, from + chunkBytes);
      const { seq } = await this.#streams.append(chunkSubject(this.#partition), chunk, limits.requestMs);
      chunks.push(seq);
    }
    return chunks;
  }
}

function markOf({ upTo, logMs }: Mark): Mark {
  return { upTo, logMs };
}

function isPlace(value: unknown): value is number {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 0;
}

function manifestOf({ seq, payload }: Stored): Manifest | undefined {
  const m = decodeJson(payload);
  if (!m || !isPlace(m.upTo) || typeof m.logMs !== "number") return undefined;
  if (!Array.isArray(m.chunks) || !m.chunks.every(isPlace) || !Array.isArray(m.marks)) return undefined;
  const marks = (m.marks as Mark[]).filter((mark) => isPlace(mark?.upTo) && typeof mark.logMs === "number");
  const { upTo, logMs } = m;
  const rest = { lineage: branchOf(m), last: identityOf(m.last) };
  const places = (named: unknown) => (Array.isArray(named) && named.every(isPlace) ? named : []);
  const [timelines, lives] = [places(m.timelines), places(m.lives)];
  return { seq, upTo, logMs, chunks: m.chunks as number[], timelines, lives, marks, ...rest };
}

function branchOf({ branch, from, parents }: Record<string, unknown>): Branch | undefined {
  if (typeof branch !== "string" || !isPlace(from) || !Array.isArray(parents)) return undefined;
  const known = (parents as Partial<Parent>[]).flatMap((parent) => {
    if (typeof parent?.branch !== "string" || !isPlace(parent.upTo)) return [];
    return [{ branch: parent.branch, upTo: parent.upTo, last: identityOf(parent.last) }];
  });
  return { branch, from, parents: known };
}

function identityOf(value: unknown): Identity | undefined {
  const { atMs, hash } = (value ?? {}) as Partial<Identity>;
  return typeof atMs === "number" && typeof hash === "number" ? { atMs, hash } : undefined;
}

function concat(parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
