/**
 * What all dispatchers of one log share: its name and shape, and the lineage of its comments.
 *
 * Both are messages in the stream of snapshots, each written only behind the one its writer knew, so the
 * first writer wins and the others adopt what it wrote. Every dispatcher holds them in memory and follows
 * them live: should the stream be lost, or come back older than it was, whoever still has them writes them
 * again, and nobody has to be told. comment-lineage.test.ts holds that over a real server.
 */
import type { Clock } from "../base/clock.ts";
import type { Log } from "../base/log.ts";
import { type Prng, secret } from "../base/prng.ts";
import { limits } from "../core/limits.ts";
import { isBranchName, Lineage } from "../core/lineage.ts";
import { decodeJson, encodeJson } from "../core/wire.ts";
import { LedgerRefused, LedgerUnavailable } from "./ledger.ts";
import { snapshotStream } from "./snapshots.ts";
import type { Stored, Streams } from "./streams.ts";

/** What is needed to reach it. */
export interface SharedParts {
  readonly streams: Streams;
  readonly clock: Clock;
  readonly prng: Prng;
  readonly log: Log;
}

/** What the log must be, or is made as where there is none. */
export interface SharedWanted {
  readonly partitions: number;
  /** Entries kept per video. */
  readonly commentHistory: number;
  /** Defined with one like per viewer. */
  readonly onceMax?: number | undefined;
  /** Whether a dispatcher lives that has seen the log all along; absent: nobody is asked. */
  readonly vouched?: (() => Promise<boolean>) | undefined;
}

const sharedSubject = "snapshot.shared";
const lineageSubject = "snapshot.lineage";
const retryMs = 500;
/** How long a living dispatcher is given to write again what it shares, in ms: longer than it needs. */
const rewriteMs = 3 * limits.lineageCheckMs;

/** Does `work`, again and again while the network is away. */
export async function persist<T>(parts: SharedParts, work: () => Promise<T>): Promise<T> {
  const { streams, clock, prng, log } = parts;
  for (;;) {
    try {
      return await work();
    } catch (error) {
      if (!isUnavailable(error) || streams.closed()) throw error;
      log.warn("waiting for the log", { reason: (error as Error).message });
    }
    await new Promise<void>((resolve) => clock.after(retryMs * (1 + prng.next()), resolve));
  }
}

export function isUnavailable(error: unknown): boolean {
  return error instanceof LedgerUnavailable || (error as Error)?.name === "BusUnavailable";
}

/**
 * For a node that holds no ledger: rejects with LedgerRefused when the shared log is there and counts likes
 * in the other mode. Waits as long as the network is away.
 */
export async function checkMode(parts: SharedParts, once: boolean): Promise<void> {
  const { streams } = parts;
  await streams.open(snapshotStream);
  const held = await persist(parts, () => streams.last(snapshotStream.name, sharedSubject));
  const shared = held && decodeJson(held.payload);
  if (shared) refuseOtherMode(shared, once);
}

function refuseOtherMode(shared: Record<string, unknown>, once: boolean): void {
  const [held, wanted] = [shared.likes === "once", once].map((is) => (is ? "once" : "many"));
  if (held === wanted) return;
  throw new LedgerRefused(`the shared log has --like-mode=${held}, this node wants ${wanted}`);
}

/** What a log is, as whoever began it wrote it down. */
export interface Shape {
  readonly partitions: number;
  readonly once: boolean;
  /** Where its newest branch of comments begins. */
  readonly branchAt: number;
}

/** The shape of the log that is there. Rejects with LedgerRefused when none is, or one of another version. */
export async function readShape(streams: Pick<Streams, "last">): Promise<Shape> {
  const held = await streams.last(snapshotStream.name, sharedSubject);
  const { partitions, likes } = (held && decodeJson(held.payload)) ?? {};
  if (typeof partitions !== "number") throw new LedgerRefused("what dispatchers share is not there");
  const stored = await streams.last(snapshotStream.name, lineageSubject);
  const told = stored && lineageOf(stored);
  if (stored && !told) throw new LedgerRefused("the lineage of its comments is damaged");
  return { partitions, once: likes === "once", branchAt: told?.lineage.newest.first ?? 1 };
}

export class Shared {
  /** Names the log. */
  readonly epoch: string;
  /** Entries kept per video when the log began. */
  readonly history: number;
  readonly #parts: SharedParts;
  /** As it was written. */
  readonly #bytes: Uint8Array;
  #lineage: Lineage;
  /** The life of the stream of comments that its newest branch was opened on; undefined: not told. */
  #created: string | undefined;
  #reading: { end(): void } | undefined;
  #turned: (lineage: Lineage) => void = () => {};
  #differs = false;

  private constructor(parts: SharedParts, bytes: Uint8Array, epoch: string, history: number) {
    this.#parts = parts;
    this.#bytes = bytes;
    this.epoch = epoch;
    this.history = history;
    this.#lineage = Lineage.begin(epoch);
  }

  /**
   * Writes what all share, or reads what the first wrote, and follows it from then on. Rejects with
   * LedgerRefused when partitions or the mode of likes differ.
   */
  static async open(parts: SharedParts, wanted: SharedWanted): Promise<Shared> {
    const { streams } = parts;
    await streams.open(snapshotStream);
    const held = await persist(parts, () => agree(parts, wanted));
    const shared = readShared(parts, wanted, held);
    const lineage = await persist(parts, () => shared.#stored());
    if (lineage) shared.#take(lineageOf(lineage));
    shared.#follow((lineage ?? held).seq + 1);
    return shared;
  }

  /** Made by `open`, which has read what is shared. */
  static of(parts: SharedParts, bytes: Uint8Array, epoch: string, history: number): Shared {
    return new Shared(parts, bytes, epoch, history);
  }

  lineage(): Lineage {
    return this.#lineage;
  }

  /** The life of the stream of comments that the newest branch was opened on; undefined: nobody told. */
  created(): string | undefined {
    return this.#created;
  }

  /** Called whenever the lineage has become another one; one listener. */
  onTurn(listener: (lineage: Lineage) => void): void {
    this.#turned = listener;
  }

  /**
   * Opens a branch behind `before`, from `first` on, on this life of the stream of comments; with `alone`,
   * nothing before it means anything either. Should there be one already that is not in `before`, that one
   * is adopted and none is opened.
   */
  async turn(before: Lineage, first: number, created: string, alone = false): Promise<void> {
    const { streams, log } = this.#parts;
    const stored = await this.#stored();
    if (stored) this.#take(lineageOf(stored));
    if (this.#lineage !== before) return;
    const name = secret(8);
    const lineage = alone ? before.anew(name, first) : before.open(name, first);
    const next = { lineage, created };
    if ((await this.#write(next, stored?.seq ?? 0)) === undefined) {
      const winner = await this.#stored();
      if (winner) this.#take(lineageOf(winner));
      return;
    }
    log.info("branch opened", { branch: name, first, after: before.newest.name });
    this.#take(next);
    if (stored) await streams.forget(snapshotStream.name, stored.seq + 1, lineageSubject);
  }

  /** Writes again what the stream has lost, and adopts what was missed. Rejects when the network is away. */
  async keep(): Promise<void> {
    const { streams, log } = this.#parts;
    const held = await this.#last(sharedSubject);
    if (!held) {
      log.error("what dispatchers share was lost: written again", { stream: snapshotStream.name });
      await streams.appendIfLast(sharedSubject, this.#bytes, limits.requestMs, 0);
    } else if (decodeJson(held.payload)?.epoch !== this.epoch && !this.#differs) {
      this.#differs = true;
      log.error("another log was begun beside this one: restart all dispatchers of the older", {
        ours: this.epoch,
      });
    }
    const stored = await this.#stored();
    const told = stored && lineageOf(stored);
    if (told && this.#take(told)) return;
    const isOlder = (told?.lineage.turn ?? 1) < this.#lineage.turn;
    const ours = { lineage: this.#lineage, created: this.#created };
    if (isOlder) await this.#write(ours, stored?.seq ?? 0);
  }

  close(): void {
    this.#reading?.end();
  }

  #stored(): Promise<Stored | undefined> {
    return this.#last(lineageSubject);
  }

  /** The newest message on `subject`; the stream is made again when it is gone. */
  async #last(subject: string): Promise<Stored | undefined> {
    const { streams } = this.#parts;
    try {
      return await streams.last(snapshotStream.name, subject);
    } catch (error) {
      if (!isUnavailable(error) || !streams.connected()) throw error;
    }
    await streams.ensure(snapshotStream);
    return streams.last(snapshotStream.name, subject);
  }

  #write({ lineage, created }: Told, lastSeq: number): Promise<number | undefined> {
    const bytes = encodeJson({ branches: lineage.flat(), turn: lineage.turn, created });
    return this.#parts.streams.appendIfLast(lineageSubject, bytes, limits.requestMs, lastSeq);
  }

  /** Takes a lineage that is not older than ours. True when it is another one. */
  #take(told: Told | undefined): boolean {
    if (!told || told.lineage.turn < this.#lineage.turn) return false;
    const { lineage, created } = told;
    this.#created = created;
    if (lineage.same(this.#lineage)) return false;
    this.#lineage = lineage;
    this.#turned(lineage);
    return true;
  }

  #follow(from: number): void {
    const { streams } = this.#parts;
    let next = from;
    this.#reading = streams.read({
      name: snapshotStream.name,
      subject: lineageSubject,
      from,
      receive: (stored) => {
        next = stored.seq + 1;
        this.#take(lineageOf(stored));
      },
      prepare: async () => {
        const { firstSeq, lastSeq } = await streams.ensure(snapshotStream);
        next = Math.min(next, lastSeq + 1);
        return { firstSeq, lastSeq, from: next };
      },
    });
  }
}

/** A lineage as it is written down. */
interface Told {
  readonly lineage: Lineage;
  readonly created: string | undefined;
}

function lineageOf({ payload }: Stored): Told | undefined {
  const m = decodeJson(payload);
  const lineage = m && Lineage.read(m.branches, m.turn);
  return lineage && { lineage, created: typeof m.created === "string" ? m.created : undefined };
}

/** Writes what all share where nobody has yet; what the first one wrote. */
async function agree({ streams, clock }: SharedParts, wanted: SharedWanted): Promise<Stored> {
  const { partitions, commentHistory, onceMax, vouched } = wanted;
  const last = () => streams.last(snapshotStream.name, sharedSubject);
  const held = await last();
  if (held) return held;
  // Whoever lives has it in memory and is about to write it again: a second log must not begin beside it.
  const lives = await vouched?.();
  for (let waitedMs = 0; lives && waitedMs < rewriteMs; waitedMs += retryMs) {
    await new Promise<void>((resolve) => clock.after(retryMs, resolve));
    const again = await last();
    if (again) return again;
  }
  const shape = { epoch: secret(8), partitions, history: commentHistory };
  const mine = encodeJson(onceMax === undefined ? shape : { ...shape, likes: "once" });
  await streams.appendIfLast(sharedSubject, mine, limits.requestMs, 0);
  const first = await last();
  if (!first) throw new LedgerUnavailable("what dispatchers share cannot be read now");
  return first;
}

function readShared(parts: SharedParts, wanted: SharedWanted, { payload }: Stored): Shared {
  const shared = decodeJson(payload) ?? {};
  const { epoch, partitions, history } = shared;
  if (!isBranchName(epoch) || typeof partitions !== "number" || typeof history !== "number") {
    throw new LedgerRefused("the shared log was written by another version");
  }
  if (partitions !== wanted.partitions) {
    throw new LedgerRefused(
      `the shared log has ${partitions} partitions, this node wants ${wanted.partitions}`,
    );
  }
  refuseOtherMode(shared, wanted.onceMax !== undefined);
  return Shared.of(parts, payload, epoch, history);
}

/** As `work`, which goes on behind it; rejects with `late()` when that takes longer than `ms`. */
export async function within<T>(
  clock: Pick<Clock, "after">,
  ms: number,
  work: Promise<T>,
  late: () => Error,
): Promise<T> {
  const tooLate = Promise.withResolvers<never>();
  const timer = clock.after(ms, () => tooLate.reject(late()));
  work.catch(() => {});
  try {
    return await Promise.race([work, tooLate.promise]);
  } finally {
    timer.cancel();
  }
}
