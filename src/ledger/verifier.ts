/**
 * Verifies that a partition's log is what this dispatcher folded, and seeds it anew when it is not.
 *
 * A log that went back, or is gone, would take new records under places that mean something else to us. So
 * it is compared before it is read or written (trail.ts). One that differs is seeded from our fold: a
 * snapshot that begins a branch, behind which the records of the log count that we had not folded. Of
 * several who do so one is first, by the order of manifests; all others go over to its branch, and who had
 * folded further seeds once more, with more. So what was accepted stays counted, and all dispatchers have
 * the same fold again, to the version.
 *
 * Nothing is seeded on hearsay: a server that takes itself for the leader of old tells of a log that is
 * shorter than the true one. A record is written first, under the condition that the log ends where it is
 * said to end; only its true leader can do that.
 */
import type { Clock } from "../base/clock.ts";
import type { Log } from "../base/log.ts";
import { secret } from "../base/prng.ts";
import { limits } from "../core/limits.ts";
import type { Appender } from "./appender.ts";
import { type Copy, originHeader } from "./copy.ts";
import type { Fold, FoldOptions } from "./fold.ts";
import { LedgerRefused, LedgerUnavailable } from "./ledger.ts";
import { decodeFoldInTurns, encodeWhole } from "./snapshot.ts";
import { firstBranch, type Manifest, type Parent, type Snapshots, snapshotStream } from "./snapshots.ts";
import type { Stored, StreamState, Streams, StreamWanted } from "./streams.ts";
import { type Compared, commonEnd, identify, same, stands } from "./trail.ts";

/** On a record that counts nothing: whoever is on another branch has to look. */
export const branchHeader = "Ovation-Branch";

export interface VerifierOptions {
  readonly wanted: StreamWanted;
  readonly streams: Streams;
  readonly snapshots: Snapshots;
  readonly copy: Copy;
  readonly appender: Appender;
  readonly fold: FoldOptions;
  readonly clock: Clock;
  readonly log: Log;
}

/** Where a verified log ends, and where to read on. */
export interface Verified {
  readonly firstSeq: number;
  readonly lastSeq: number;
  readonly from: number;
}

export class Verifier {
  readonly #options: VerifierOptions;

  constructor(options: VerifierOptions) {
    this.#options = options;
  }

  /**
   * Resolves when the log, as it stands now, goes on from what is folded; nothing may be folded meanwhile.
   * `next`: a place that the log goes on at, with nothing before it. Rejects with LedgerUnavailable when that
   * cannot be brought about, or not now, and with LedgerRefused when a snapshot is of another version.
   */
  async verify(next = 0): Promise<Verified> {
    const { streams, snapshots, copy, wanted } = this.#options;
    for (;;) {
      const state = await streams.ensure(wanted);
      await streams.ensure(snapshotStream);
      const manifest = await snapshots.manifest();
      if (!copy.begun) await this.#begin();
      if (manifest && this.departs(manifest)) {
        await this.#follow(manifest, state);
      } else if (!(await stands(this.#compared(state)))) {
        await this.#seed(state, manifest, undefined);
      } else if (goesOnAt(state, next) > copy.seq + 1) {
        await this.#fill(goesOnAt(state, next));
      } else {
        await this.#rewrite(state);
        return { firstSeq: state.firstSeq, lastSeq: state.lastSeq, from: copy.seq + 1 };
      }
    }
  }

  /**
   * Whether a manifest is of a branch that this copy has to go over to: not of its own, and none it came
   * from.
   */
  departs({ lineage }: Manifest): boolean {
    const { branch, parents } = this.#options.copy.branch;
    if (!lineage || lineage.branch === branch) return false;
    return !parents.some((parent) => parent.branch === lineage.branch);
  }

  async #begin(): Promise<void> {
    const { copy } = this.#options;
    const found = await this.#newest();
    if (found) this.#adopt(found, 0);
    else copy.begin();
  }

  #adopt({ fold, manifest }: Found, tellAt: number): void {
    const { copy } = this.#options;
    const { lineage = copy.branch, upTo, last } = manifest;
    copy.adopt(fold, lineage, upTo, last, tellAt);
  }

  /** The log was seeded by another: goes over to its branch, or seeds it with more. */
  async #follow(manifest: Manifest, state: StreamState): Promise<void> {
    const { copy, streams, log, wanted } = this.#options;
    const { branch, from = 0, parents = [] } = manifest.lineage ?? firstBranch;
    const parent = parents.at(-1);
    const further = parent?.branch === copy.branch.branch && copy.seq > parent.upTo;
    if (further && this.#shares(parent) && state.firstSeq <= from + 1) {
      await this.#seed(state, manifest, from);
      return;
    }
    const found = await this.#newest();
    if (!found) throw new LedgerUnavailable("the snapshot cannot be read now");
    log.warn("went over to another branch of the log", {
      stream: streams.full(wanted.name),
      folded: copy.seq,
      branch,
      goesOnAt: found.manifest.upTo + 1,
    });
    this.#adopt(found, state.lastSeq);
  }

  /** Whether this copy holds what the snapshot of a branch was made of. */
  #shares({ upTo, last }: Parent): boolean {
    if (upTo === 0) return true;
    const folded = this.#options.copy.trail.at(upTo);
    return folded !== undefined && last !== undefined && same(folded, last);
  }

  /**
   * Makes our fold the beginning of a new branch, of which records count behind `from`, or where the log
   * parts from what we folded. Does nothing when somebody was first.
   */
  async #seed(state: StreamState, manifest: Manifest | undefined, from: number | undefined): Promise<void> {
    const { copy, streams, snapshots, appender, wanted, log } = this.#options;
    const head = appender.head();
    const { firstSeq, lastSeq } = state;
    // First, as others may write all the time: whoever wrote in between has it looked at once more.
    const nothing = appender.nothing();
    if (from === undefined) {
      const place = await streams.appendIfEnd(wanted.subject, nothing, limits.requestMs, lastSeq, head);
      if (place === undefined) return;
    }
    const end = from ?? (await commonEnd(this.#compared(state)));
    const { branch: before, parents } = copy.branch;
    const parent: Parent = { branch: before, upTo: copy.seq, last: copy.trail.at(copy.seq) };
    const earlier = from === undefined ? parents : (manifest?.lineage?.parents.slice(0, -1) ?? []);
    const held = end > 0 ? await streams.at(wanted.name, end) : undefined;
    const point = {
      upTo: end,
      logMs: copy.fold.logMs,
      branch: secret(8),
      from: end,
      parents: [...earlier, parent].slice(-limits.parentsMax),
      last: held && identify(held),
    };
    const bytes = encodeWhole(copy.fold, limits.seedVersions);
    if (!(await snapshots.save(bytes, point, manifest, true))) return;
    log.warn("log went back and was seeded anew", {
      stream: streams.full(wanted.name),
      folded: copy.seq,
      common: end,
      firstSeq,
      lastSeq,
      branch: point.branch,
    });
    // Those who saw the log before the manifest was there look again.
    const told = { ...head, [branchHeader]: point.branch };
    await streams.append(wanted.subject, nothing, limits.requestMs, undefined, told);
  }

  /** The log goes on at `next`, and what we have ends before: a snapshot must hold what lies between. */
  async #fill(next: number): Promise<void> {
    const { copy, streams, log, wanted } = this.#options;
    const found = await this.#newest();
    const { seq } = copy;
    if (!found || found.manifest.upTo + 1 < next) {
      throw new LedgerUnavailable(
        `records ${seq + 1} to ${next - 1} are gone and no snapshot holds them: let a dispatcher that has ` +
          "them run until it has written one, or put the stream and its snapshots back together",
      );
    }
    log.warn("log was forgotten before it was read", {
      stream: streams.full(wanted.name),
      folded: seq,
      next,
    });
    this.#adopt(found, found.manifest.upTo);
  }

  /**
   * What was answered and never read back is in what we began with, or stands in the log and will be read,
   * or is written again: under the place where it stood first, so that who holds it already passes it over.
   */
  async #rewrite({ firstSeq, lastSeq }: StreamState): Promise<void> {
    const { copy, streams, appender, wanted } = this.#options;
    const now = copy.branch.branch;
    for (const unfolded of appender.unfolded) {
      const { seq, branch, payload, head } = unfolded;
      const parent = copy.branch.parents.find((one) => one.branch === branch);
      const held = seq <= lastSeq ? await streams.at(wanted.name, seq) : undefined;
      const stands = held !== undefined && equal(held.payload, payload);
      const read = seq < firstSeq || seq <= copy.seq;
      if ((parent && seq <= parent.upTo) || (read && (stands || branch === now))) appender.forget(seq);
      else if (stands) appender.keep({ ...unfolded, branch: now });
      else {
        const again = { [originHeader]: `${branch} ${seq}`, ...head };
        const id = `origin-${branch}-${seq}`;
        const placed = await streams.append(wanted.subject, payload, limits.requestMs, id, again);
        appender.forget(seq);
        appender.keep({ branch: now, seq: placed.seq, payload, head: again });
      }
    }
  }

  #compared(state: StreamState): Compared {
    const { copy, streams, wanted } = this.#options;
    const at = (seq: number): Promise<Stored | undefined> => streams.at(wanted.name, seq);
    return { trail: copy.trail, seq: copy.seq, lastMs: copy.arrivedMs, state, at };
  }

  /** The newest snapshot; undefined when none was written yet. */
  async #newest(): Promise<Found | undefined> {
    const { snapshots, fold: options, clock } = this.#options;
    for (let manifest = await snapshots.manifest(); manifest; ) {
      const bytes = await snapshots.load(manifest);
      const fold = bytes && (await decodeFoldInTurns(bytes, options, clock));
      if (fold) return { fold, manifest };
      if (bytes) throw new LedgerRefused("the snapshot was not written by this version");
      const newer = await snapshots.manifest();
      if (newer?.seq === manifest.seq) throw new LedgerUnavailable("the snapshot cannot be read now");
      manifest = newer;
    }
    return undefined;
  }
}

interface Found {
  readonly fold: Fold;
  readonly manifest: Manifest;
}

/** The first place behind which nothing is missing that is there at all. */
function goesOnAt({ firstSeq }: StreamState, next: number): number {
  return Math.max(firstSeq, next);
}

function equal(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, i) => byte === b[i]);
}
