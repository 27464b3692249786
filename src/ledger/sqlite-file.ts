/**
 * The file of a SQLite ledger: found, made or refused in one line, and held by this process alone.
 *
 * A file is made under another name and linked into its place whole, so one that is empty was never ours: it
 * is what a failed copy or a broken file system leaves, and taking it for a new ledger would begin anew in
 * silence. The lock is SQLite's own exclusive one, which ends with the process, however it ends.
 * sqlite.refusal.test.ts holds what is refused.
 */
import { Database, SQLiteError } from "bun:sqlite";
import { linkSync, mkdirSync, renameSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { secret } from "../base/prng.ts";
import { LedgerRefused } from "./ledger.ts";
import {
  checkSchema,
  createSchema,
  fileName,
  mustBeCurrent,
  type Prepare,
  type Query,
  type Value,
} from "./schema.ts";

/** What an answered append outlives: the death of this process, or that of the machine's power as well. */
export type Durability = "process" | "power";

/** Pages of the write-ahead log at which SQLite empties it by itself; the ledger does so long before. */
const autoCheckpointPages = 16_384;
const cacheKiB = 32 * 1024;

export interface FileWanted {
  /** The data directory, made when missing; ":memory:" keeps nothing. */
  readonly path: string;
  readonly likes: "many" | "once";
  readonly durability: Durability;
  /** Bytes that the write-ahead log keeps on disk when it is empty. */
  readonly walBytes: number;
}

/** Opens the ledger's file, with its tables checked. Throws LedgerRefused. */
export function openFile({ path, likes, durability, walBytes }: FileWanted): Database {
  let db: Database | undefined;
  try {
    const isFile = path !== ":memory:";
    const file = isFile ? join(path, fileName) : path;
    if (isFile) makeFile(path, file, likes);
    db = new Database(file, { create: !isFile, readwrite: true });
    if (!isFile) createSchema(db, likes);
    // Exclusive before the first look at the file, so that no shared memory file is needed.
    db.run("PRAGMA locking_mode = EXCLUSIVE");
    db.run("PRAGMA journal_mode = WAL");
    db.run(`PRAGMA synchronous = ${durability === "power" ? "FULL" : "NORMAL"}`);
    // What moderators remove is overwritten, not only given up; beside the writing itself that costs nothing.
    db.run("PRAGMA secure_delete = ON");
    db.run(`PRAGMA cache_size = -${cacheKiB}`);
    db.run(`PRAGMA wal_autocheckpoint = ${autoCheckpointPages}`);
    db.run(`PRAGMA journal_size_limit = ${walBytes}`);
    db.run("BEGIN EXCLUSIVE");
    checkSchema(db, path, likes);
    db.run("COMMIT");
    return db;
  } catch (error) {
    db?.close();
    throw error instanceof LedgerRefused ? error : refusal(path, error as Error);
  }
}

/** A ledger's file, opened to be looked through by this process alone. */
export interface Opened {
  readonly prepare: Prepare;
  /** What SQLite finds damaged, at most so many lines. */
  readonly damage: (linesMax: number) => readonly string[];
  readonly close: () => void;
}

/**
 * Opens `file`, called `shown`, to look through it. Throws LedgerRefused when it is no ledger of this
 * version, or in use.
 */
export function openToVerify(file: string, shown = file): Opened {
  let db: Database | undefined;
  try {
    if (!statSync(file, { throwIfNoEntry: false })?.size)
      throw new LedgerRefused(`${shown} is not there, or empty`);
    const opened = new Database(file, { create: false, readwrite: true });
    db = opened;
    db.run("PRAGMA locking_mode = EXCLUSIVE");
    db.run("BEGIN EXCLUSIVE");
    mustBeCurrent(db, shown);
    return {
      prepare: <Row, Params extends Value[]>(text: string) =>
        opened.prepare(text) as unknown as Query<Row, Params>,
      damage: (linesMax) => damageIn(opened, linesMax),
      close: () => opened.close(),
    };
  } catch (error) {
    db?.close();
    throw error instanceof LedgerRefused ? error : refusal(shown, error as Error);
  }
}

/** What SQLite's own check says, table by table once something is wrong, so that it is known where. */
function damageIn(db: Database, linesMax: number): readonly string[] {
  const check = (what: string | number): string[] => {
    try {
      const rows = db.query(`PRAGMA integrity_check(${what})`).values();
      const lines = rows.flatMap(([line]) => String(line).split("\n"));
      return lines.filter((line) => line !== "ok" && !line.startsWith("***"));
    } catch (error) {
      // Some damage it cannot look past.
      if (!isOfSqlite(error)) throw error;
      return [error.message];
    }
  };
  const whole = check(linesMax);
  if (whole.length === 0) return whole;
  const tables = db.query("SELECT name FROM sqlite_schema WHERE type = 'table'").values();
  const lines = tables.flatMap(([name]) => check(`"${name}"`).map((line) => `its table ${name}: ${line}`));
  return (lines.length > 0 ? lines : whole).slice(0, linesMax);
}

/** Moves all of the write-ahead log into the file; false when that could not be. */
export function emptyLog(db: Database): boolean {
  const { busy, log } = db.query("PRAGMA wal_checkpoint(TRUNCATE)").get() as { busy: number; log: number };
  return busy === 0 && log === 0;
}

/** Whether SQLite leaves the write-ahead log as it is, however long it gets. */
export function holdLog(db: Database, holds: boolean): void {
  db.run(`PRAGMA wal_autocheckpoint = ${holds ? 0 : autoCheckpointPages}`);
}

/** Makes the folder and the file where they are missing; whoever is first makes it, and whole. */
function makeFile(path: string, file: string, likes: "many" | "once"): void {
  // What people said and who was banned is nobody else's on this machine.
  mkdirSync(path, { recursive: true, mode: 0o700 });
  if (!statSync(path).isDirectory()) throw new LedgerRefused(`${path} is not a directory`);
  const found = statSync(file, { throwIfNoEntry: false });
  if (found?.size === 0) {
    throw new LedgerRefused(`${path}: ${fileName} is empty: put a copy back, or remove it to begin anew`);
  }
  if (found) return;
  const draft = `${file}.${secret(8)}`;
  try {
    const db = new Database(draft, { create: true });
    createSchema(db, likes);
    db.close();
    place(draft, file);
  } finally {
    rmSync(draft, { force: true });
  }
}

/** Gives a file its name, unless that is taken. */
function place(draft: string, file: string): void {
  try {
    linkSync(draft, file);
  } catch (error) {
    // Some file systems know no links; there, two first starts at once are not told apart.
    if ((error as { code?: string }).code !== "EEXIST") renameSync(draft, file);
  }
}

/** Whether it is SQLite that says so, and not a bug of this program. */
export function isOfSqlite(error: unknown): error is Error {
  return error instanceof SQLiteError;
}

/** What SQLite or the system said, as one line for an operator. */
export function refusal(path: string, error: Error): LedgerRefused {
  const code = (error as { code?: string }).code ?? "";
  if (/^SQLITE_(BUSY|LOCKED)/.test(code)) return new LedgerRefused(`${path} is in use by another process`);
  if (code === "EEXIST" || code === "ENOTDIR") return new LedgerRefused(`${path} is not a directory`);
  if (/^SQLITE_(NOTADB|CORRUPT)/.test(code)) {
    return new LedgerRefused(`${path}: ${fileName} is damaged or no ledger (${error.message})`);
  }
  if (/^(SQLITE_READONLY|EROFS)/.test(code) || isReadOnly(path, error)) {
    return new LedgerRefused(`${path} cannot be used: it is read-only`);
  }
  return new LedgerRefused(`${path} cannot be used: ${error.message}`);
}

/** SQLite says only that it cannot use a file; the system says why. */
function isReadOnly(path: string, error: Error): boolean {
  if (!(error instanceof SQLiteError) || !/^SQLITE_(CANTOPEN|IOERR)/.test(error.code ?? "")) return false;
  const probe = join(path, `${fileName}.${secret(8)}`);
  try {
    mkdirSync(probe);
    rmSync(probe, { recursive: true });
    return false;
  } catch (probed) {
    return (probed as { code?: string }).code === "EROFS";
  }
}
