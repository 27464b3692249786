/**
 * A SQLite ledger's file, copied while the ledger goes on.
 *
 * Everything written goes into the write-ahead log first, and into the file only when that is emptied. So
 * a copy begins with emptying it, and keeps it from being emptied until the file has been read: what is
 * read is the file of one instant, that of the beginning. Meanwhile the log grows, and is bounded; the
 * copy is given up before that bound is passed.
 *
 * The file is read through a descriptor that is opened once and closed with the ledger: POSIX takes all
 * locks of a process away from a file as soon as that process closes any descriptor of it, and SQLite's
 * own, which keeps a second process out, is one of them. sqlite-copy.test.ts holds that one is kept out.
 */
import { closeSync, fstatSync, openSync, read, statSync } from "node:fs";
import { join } from "node:path";
import type { Clock, Elapsed } from "../base/clock.ts";
import { limits } from "../core/limits.ts";
import { type Copy, LedgerUnavailable } from "./ledger.ts";
import { fileName } from "./schema.ts";

/** A copy that nobody has read of for this long is given up, in milliseconds. */
const idleMs = 30_000;

export interface CopiesOptions {
  /** The data directory; ":memory:" has no file. */
  readonly path: string;
  readonly clock: Clock;
  /** Bytes of the write-ahead log at which a copy is given up. Default limits.backupLogBytesMax. */
  readonly logBytesMax?: number | undefined;
  /** Moves all of the write-ahead log into the file; false, or throws, when that could not be. */
  readonly empty: () => boolean;
  /** Whether the log may be emptied, by SQLite itself as well. */
  readonly hold: (holds: boolean) => void;
}

export class Copies {
  readonly #options: CopiesOptions;
  #fd: number | undefined;
  #size = 0;
  #askedAt: Elapsed | undefined;
  /** Why the last one was given up. */
  #gaveUp = "it has ended";
  #turn = 0;

  constructor(options: CopiesOptions) {
    this.#options = options;
  }

  /** Whether the write-ahead log must not be emptied now. */
  get holds(): boolean {
    return this.#askedAt !== undefined;
  }

  /** Begins a copy of the file as it is now. Throws LedgerUnavailable when there can be none now. */
  begin(): Copy {
    const { path, clock, empty, hold } = this.#options;
    if (path === ":memory:") throw new LedgerUnavailable("this node keeps nothing: --data=:memory:");
    if (this.holds) throw new LedgerUnavailable("another backup is under way");
    try {
      if (!empty()) throw new Error("it is in use");
      hold(true);
      this.#fd ??= openSync(join(path, fileName), "r");
    } catch (cause) {
      const why = (cause as Error).message;
      throw new LedgerUnavailable(`the write-ahead log could not be emptied: ${why}`, { cause });
    }
    this.#size = fstatSync(this.#fd).size;
    this.#askedAt = clock.elapsed();
    const turn = ++this.#turn;
    return {
      name: fileName,
      bytes: this.#size,
      read: (at) => this.#read(turn, at),
      end: () => {
        if (turn === this.#turn) this.giveUp("it has ended");
      },
    };
  }

  /** Gives a copy up that nobody reads, or that has become too dear. */
  look(): void {
    if (this.#askedAt === undefined) return;
    const { path, clock, logBytesMax = limits.backupLogBytesMax } = this.#options;
    if (clock.elapsed() - this.#askedAt > idleMs) this.giveUp("nobody read on");
    const log = statSync(join(path, `${fileName}-wal`), { throwIfNoEntry: false });
    if ((log?.size ?? 0) <= logBytesMax) return;
    const megabytes = Math.round(logBytesMax / 1024 / 1024);
    this.giveUp(`more than ${megabytes} MB were written meanwhile: let it read faster, with a higher --rate`);
  }

  /** Ends the copy under way, if there is one. */
  giveUp(reason: string): void {
    if (this.#askedAt === undefined) return;
    this.#askedAt = undefined;
    this.#gaveUp = reason;
    this.#options.hold(false);
  }

  /** To be called when the database is closed: nobody's lock is lost then. */
  close(): void {
    if (this.#fd !== undefined) closeSync(this.#fd);
    this.#fd = undefined;
  }

  async #read(turn: number, at: number): Promise<Uint8Array> {
    this.#stands(turn);
    this.#askedAt = this.#options.clock.elapsed();
    const chunk = new Uint8Array(Math.max(0, Math.min(limits.backupChunkBytes, this.#size - at)));
    const count = await readAt(this.#fd as number, chunk, at);
    // What was read while it was given up may be of another instant.
    this.#stands(turn);
    if (count < chunk.length) throw new LedgerUnavailable("the file is shorter than it was");
    return chunk;
  }

  #stands(turn: number): void {
    if (turn !== this.#turn || !this.holds) {
      throw new LedgerUnavailable(`the backup was given up: ${this.#gaveUp}`);
    }
  }
}

/** Bytes read into `into` from `at` on. */
function readAt(fd: number, into: Uint8Array, at: number): Promise<number> {
  return new Promise((resolve, reject) => {
    read(fd, into, 0, into.length, at, (error, count) => (error ? reject(error) : resolve(count)));
  });
}
