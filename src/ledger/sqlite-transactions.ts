/**
 * The transactions of a SQLite ledger, and whether they succeed: what SQLite says of room, luck and disks,
 * told as LedgerUnavailable.
 */
import type { Log } from "../base/log.ts";
import { LedgerUnavailable } from "./ledger.ts";
import type { Statements } from "./schema.ts";

export class Transactions {
  readonly #db: { readonly inTransaction: boolean };
  readonly #statements: Statements;
  readonly #log: Log | undefined;
  #ready = true;
  /** Is told that what one of them did is undone. */
  undone: () => void = () => {};

  constructor(db: { readonly inTransaction: boolean }, statements: Statements, log: Log | undefined) {
    this.#db = db;
    this.#statements = statements;
    this.#log = log;
  }

  /** Whether the last one succeeded. */
  get ready(): boolean {
    return this.#ready;
  }

  /** Runs `work` in one. What it throws for want of room or luck becomes LedgerUnavailable. */
  run<T>(work: () => T): T {
    const s = this.#statements;
    try {
      s.begin.run();
      const result = work();
      s.commit.run();
      if (!this.#ready) this.#log?.info("ledger_recovered");
      this.#ready = true;
      return result;
    } catch (error) {
      this.#rollBack();
      this.undone();
      throw this.unavailable(error);
    }
  }

  /** LedgerUnavailable for what is a state of the disk; what is our mistake as it is. */
  unavailable(error: unknown): unknown {
    // A broken statement is our mistake and no state of the disk.
    const mistake = /^SQLITE_(ERROR|CONSTRAINT|MISUSE|RANGE|MISMATCH)/;
    const { name, code = "", message } = error as Error & { readonly code?: string };
    if (name !== "SQLiteError" || mistake.test(code)) return error;
    if (this.#ready) this.#log?.error("ledger_unavailable", { code, reason: message });
    this.#ready = false;
    return new LedgerUnavailable(`the ledger cannot be used now: ${message}`, { cause: error });
  }

  #rollBack(): void {
    try {
      if (this.#db.inTransaction) this.#statements.rollback.run();
    } catch {
      // SQLite ends the transaction even then; what made it fail is what the caller hears of.
    }
  }
}
