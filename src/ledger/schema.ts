/**
 * What a SQLite ledger holds and every statement run on it, with the types of its rows; sqlite.ts runs them.
 *
 * The log of likes is the truth, and `totals` and `members` a snapshot of the fold over it up to the row
 * `upTo` of `meta`. Entries are their own truth. Keys of likes live in the log's records; keys of comments
 * have a table, since a repeat is answered with the first one's place. Times are Unix milliseconds; in `log`
 * and `comment_keys` they are log time.
 */
import { secret } from "../base/prng.ts";
import type { Entry } from "../core/entry.ts";
import type { VideoId } from "../core/interaction.ts";
import { Lineage } from "../core/lineage.ts";
import { decodeJson } from "../core/wire.ts";
import { countStatements, createCounts } from "./counts-schema.ts";
import { LedgerRefused } from "./ledger.ts";
import type { Prepare } from "./statement.ts";

export type { Prepare, Query, Value } from "./statement.ts";

/** The file inside the data directory. */
export const fileName = "ovation.sqlite";
/**
 * Grows when a table changes its meaning; a ledger of a higher one is refused. 2: ids carry the branch that
 * `lineage` of `meta` names, which a program that knows none would give out twice.
 */
const schemaVersion = 2;
/** Before `lineage`: all ids carry `epoch`, which becomes the first branch. */
const schemaBeforeLineage = 1;

const createTables = `
CREATE TABLE meta (name TEXT PRIMARY KEY, value NOT NULL) WITHOUT ROWID;
CREATE TABLE log (seq INTEGER PRIMARY KEY, at REAL NOT NULL, record BLOB NOT NULL, whose TEXT);
CREATE TABLE totals (
  video TEXT NOT NULL, kind TEXT NOT NULL, count INTEGER NOT NULL, version INTEGER NOT NULL, at REAL,
  PRIMARY KEY (video, kind)
) WITHOUT ROWID;
CREATE TABLE entries (
  seq INTEGER PRIMARY KEY, video TEXT NOT NULL, previous INTEGER NOT NULL, nth INTEGER NOT NULL,
  target INTEGER, text TEXT, user TEXT, at REAL NOT NULL, hold INTEGER NOT NULL DEFAULT 0, media REAL
);
CREATE INDEX entries_of_video ON entries (video);
CREATE TABLE comment_keys (
  seq INTEGER PRIMARY KEY, hi INTEGER NOT NULL, lo INTEGER NOT NULL, at REAL NOT NULL
);
CREATE INDEX comment_keys_by_hash ON comment_keys (hi, lo);
`;

/** Who likes what, by hash, with one like per viewer; files made before there was such a mode lack it. */
const createMembers = `
CREATE TABLE IF NOT EXISTS members (
  hi INTEGER, lo INTEGER, owner INTEGER NOT NULL DEFAULT 0, PRIMARY KEY (hi, lo)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS owners (number INTEGER PRIMARY KEY, video TEXT NOT NULL);
`;

/** What is under way and outlives the process (sqlite-delete.ts). */
const createTasks =
  "CREATE TABLE IF NOT EXISTS tasks (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID";

/**
 * What came when (timeline-bytes.ts): a head per video and its blocks. Files made before there were timelines
 * lack them; a program that knows none leaves them as they are, and what it counts is before all time.
 */
const createTimelines = `
CREATE TABLE IF NOT EXISTS timelines (video TEXT PRIMARY KEY, head BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS timeline_blocks (
  video TEXT, tier INTEGER, place INTEGER, block BLOB NOT NULL, PRIMARY KEY (video, tier, place)
) WITHOUT ROWID;
`;

/**
 * Videos that have left memory, closed, and whether they are in it again: away.ts. What they came to stays
 * where it was, so a program that knows none of them has them in memory as ever.
 */
const createAway =
  "CREATE TABLE IF NOT EXISTS away (video TEXT PRIMARY KEY, back INTEGER NOT NULL) WITHOUT ROWID";

/** What checking needs of a database. */
interface Tables {
  query(text: string): { get(name: string): unknown; all(): unknown[] };
  run(text: string, ...values: (string | number)[][]): unknown;
}

/** Columns that tables of this schema may lack, as they are newer: what is stored reads as their default. */
const addedColumns = [
  { table: "entries", name: "hold", is: "INTEGER NOT NULL DEFAULT 0" },
  { table: "entries", name: "media", is: "REAL" },
  { table: "log", name: "whose", is: "TEXT" },
  { table: "totals", name: "at", is: "REAL" },
  { table: "members", name: "owner", is: "INTEGER NOT NULL DEFAULT 0" },
] as const;

function addColumns(db: Tables): void {
  for (const { table, name, is } of addedColumns) {
    const found = db.query(`SELECT 1 FROM pragma_table_info('${table}') WHERE name = ?1`).get(name);
    if (!found) db.run(`ALTER TABLE ${table} ADD COLUMN ${name} ${is}`);
  }
}

/** Makes the tables of a new file, all of them or none, for a node whose likes are of this mode. */
export function createSchema(db: Tables, likes: "many" | "once"): void {
  const epoch = secret(8);
  db.run("BEGIN EXCLUSIVE");
  db.run(createTables);
  db.run(createMembers);
  db.run(createTimelines);
  db.run(createTasks);
  db.run(createAway);
  db.run(createCounts);
  db.run("INSERT INTO meta (name, value) VALUES ('schema', ?1), ('epoch', ?2), ('likes', ?3)", [
    schemaVersion,
    epoch,
    likes,
  ]);
  writeLineage(db, Lineage.begin(epoch));
  db.run("COMMIT");
}

function writeLineage(db: Tables, lineage: Lineage): void {
  db.run("INSERT OR REPLACE INTO meta (name, value) VALUES ('lineage', ?1)", [lineageText(lineage)]);
}

/** A lineage as `meta` holds it. */
export function lineageText(lineage: Lineage): string {
  return JSON.stringify({ branches: lineage.flat(), turn: lineage.turn });
}

/** What `lineageText` gave; undefined for anything else. */
export function lineageOf(text: unknown): Lineage | undefined {
  const m = decodeJson(new TextEncoder().encode(String(text)));
  return m && Lineage.read(m.branches, m.turn);
}

/** Throws LedgerRefused unless the tables are those of this version. */
export function mustBeCurrent(db: Tables, file: string): void {
  const isOurs = db.query("SELECT name FROM sqlite_schema WHERE name = ?1").get("meta");
  const meta = db.query.bind(db, "SELECT value FROM meta WHERE name = ?1");
  const row = isOurs ? (meta().get("schema") as { value: unknown } | null) : null;
  if (!row) throw new LedgerRefused(`${file} belongs to another program`);
  const tables = db.query("SELECT name FROM sqlite_schema WHERE name = ?1");
  const isWhole = ["members", "timelines", "away", "tasks", "comment_counts"].every((name) =>
    tables.get(name),
  );
  if (row.value === schemaVersion && isWhole) return;
  const todo = Number(row.value) > schemaVersion ? "use a newer ovation" : "start it once to update it";
  if (row.value === schemaVersion) throw new LedgerRefused(`${file} lacks tables of this program: ${todo}`);
  throw new LedgerRefused(`${file} has schema ${row.value}, this program knows ${schemaVersion}: ${todo}`);
}

/**
 * Checks that this program can read the tables in the data directory `path`, for a node whose likes are of
 * this mode, and gives older ones what they lack. Throws LedgerRefused.
 */
export function checkSchema(db: Tables, path: string, likes: "many" | "once"): void {
  const tables = db.query("SELECT name FROM sqlite_schema WHERE type = 'table'").all() as { name: string }[];
  if (!tables.some((table) => table.name === "meta")) {
    throw new LedgerRefused(`${path}: ${fileName} belongs to another program`);
  }
  const meta = db.query("SELECT value FROM meta WHERE name = ?1");
  const value = (name: string): unknown => (meta.get(name) as { value: unknown } | null)?.value;
  const schema = value("schema");
  if (schema !== schemaVersion && schema !== schemaBeforeLineage) {
    throw new LedgerRefused(
      `${path}: its ledger has schema ${schema}, this program knows ${schemaVersion}: use a newer ovation`,
    );
  }
  const held = value("likes") ?? "many";
  if (held !== likes) throw new LedgerRefused(`${path} has --like-mode=${held}, this node wants ${likes}`);
  db.run(createMembers);
  db.run(createTimelines);
  db.run(createTasks);
  db.run(createAway);
  db.run(createCounts);
  addColumns(db);
  if (schema === schemaVersion) return;
  writeLineage(db, Lineage.begin(String(value("epoch"))));
  db.run("INSERT OR REPLACE INTO meta (name, value) VALUES ('schema', ?1)", [schemaVersion]);
}

/**
 * A row of `entries`. Its `nth` counts the video's comments from 1, those too that were removed, and a
 * removal of one has that of what stands before it: it is what history is bounded by.
 */
export interface EntryRow {
  readonly seq: number;
  readonly video: VideoId;
  readonly previous: number;
  readonly target: number | null;
  readonly text: string | null;
  readonly user: string | null;
  readonly at: number;
  /** How long it is held, in ms. */
  readonly hold: number;
  /** Date of the picture that its writer saw, Unix ms. */
  readonly media: number | null;
}

/** A row of `totals`. `at` says when the video was last changed, where that may make it be forgotten. */
export interface TotalsRow {
  readonly video: VideoId;
  readonly kind: string;
  readonly count: number;
  readonly version: number;
  readonly at: number | null;
}

export function entryOf(row: EntryRow): Entry {
  const { seq, video, previous, target, text, user, at: atMs, hold: holdMs, media: mediaMs } = row;
  if (target !== null) return { type: "retract", video, seq, previous, target };
  const said = { text: text ?? "", user: user ?? undefined, atMs, ...(holdMs > 0 && { holdMs }) };
  return { type: "comment", video, seq, previous, ...said, ...(mediaMs !== null && { mediaMs }) };
}

export type Statements = ReturnType<typeof prepareAll>;

/** Every statement of a ledger, prepared once. */
export function prepareAll(prepare: Prepare) {
  return {
    ...transactionStatements(prepare),
    ...likeStatements(prepare),
    ...timelineStatements(prepare),
    ...taskStatements(prepare),
    ...awayStatements(prepare),
    ...countStatements(prepare),
    ...entryStatements(prepare),
  };
}

function transactionStatements(prepare: Prepare) {
  return {
    begin: prepare<unknown, []>("BEGIN IMMEDIATE"),
    commit: prepare<unknown, []>("COMMIT"),
    rollback: prepare<unknown, []>("ROLLBACK"),
    checkpoint: prepare<unknown, []>("PRAGMA wal_checkpoint(PASSIVE)"),
    metaGet: prepare<{ value: string | number }, [string]>("SELECT value FROM meta WHERE name = ?1"),
    metaPut: prepare<unknown, [string, string | number]>(
      "INSERT OR REPLACE INTO meta (name, value) VALUES (?1, ?2)",
    ),
  };
}

/** A record of the log and what stands beside it. */
export interface LogRow {
  readonly seq: number;
  readonly at: number;
  readonly record: Uint8Array;
  readonly whose: string | null;
}

/** A row of `members`; `owner` is the number of its video, or 0. */
interface MemberRow {
  readonly hi: number;
  readonly lo: number;
  readonly owner: number;
}

function taskStatements(prepare: Prepare) {
  return {
    tasksAll: prepare<{ name: string; value: string }, []>("SELECT name, value FROM tasks"),
    taskPut: prepare<unknown, [string, string]>("INSERT OR REPLACE INTO tasks (name, value) VALUES (?1, ?2)"),
    taskDrop: prepare<unknown, [string]>("DELETE FROM tasks WHERE name = ?1"),
    cleared: prepare<{ seq: number | null }, [string]>(
      "SELECT max(seq) AS seq FROM entries WHERE video = ?1 AND target = 0",
    ),
    before: prepare<{ seq: number }, [string, number, number]>(
      "SELECT seq FROM entries WHERE video = ?1 AND seq < ?2 ORDER BY seq LIMIT ?3",
    ),
    scan: prepare<EntryRow, [number, number]>("SELECT * FROM entries WHERE seq > ?1 ORDER BY seq LIMIT ?2"),
  };
}

type HeadRow = { video: VideoId; head: Uint8Array };
type BlockRow = { video: VideoId; tier: number; place: number; block: Uint8Array };

function timelineStatements(prepare: Prepare) {
  return {
    timelinesAll: prepare<HeadRow, []>("SELECT video, head FROM timelines ORDER BY video"),
    timelinePut: prepare<unknown, [string, Uint8Array]>(
      "INSERT OR REPLACE INTO timelines (video, head) VALUES (?1, ?2)",
    ),
    timelineDrop: prepare<unknown, [string]>("DELETE FROM timelines WHERE video = ?1"),
    blocksOf: prepare<BlockRow, [string]>("SELECT * FROM timeline_blocks WHERE video = ?1"),
    blocksAll: prepare<BlockRow, []>("SELECT video, tier, place, block FROM timeline_blocks ORDER BY video"),
    blockPut: prepare<unknown, [string, number, number, Uint8Array]>(
      "INSERT OR REPLACE INTO timeline_blocks (video, tier, place, block) VALUES (?1, ?2, ?3, ?4)",
    ),
    blockDrop: prepare<unknown, [string, number, number]>(
      "DELETE FROM timeline_blocks WHERE video = ?1 AND tier = ?2 AND place = ?3",
    ),
    blocksDrop: prepare<unknown, [string]>("DELETE FROM timeline_blocks WHERE video = ?1"),
  };
}

const isHere = "video NOT IN (SELECT video FROM away WHERE back = 0)";

function awayStatements(prepare: Prepare) {
  return {
    awayAll: prepare<{ video: VideoId; back: number }, []>("SELECT video, back FROM away ORDER BY video"),
    awayPut: prepare<unknown, [string, number]>("INSERT OR REPLACE INTO away (video, back) VALUES (?1, ?2)"),
    awayDrop: prepare<unknown, [string]>("DELETE FROM away WHERE video = ?1"),
    totalsHere: prepare<TotalsRow, []>(
      `SELECT video, kind, count, version, at FROM totals WHERE ${isHere} ORDER BY video`,
    ),
    totalsOf: prepare<TotalsRow, [string]>(
      "SELECT video, kind, count, version, at FROM totals WHERE video = ?1",
    ),
    timelinesHere: prepare<HeadRow, []>(`SELECT video, head FROM timelines WHERE ${isHere} ORDER BY video`),
    timelineOf: prepare<{ head: Uint8Array }, [string]>("SELECT head FROM timelines WHERE video = ?1"),
  };
}

function likeStatements(prepare: Prepare) {
  return {
    logPut: prepare<unknown, [number, number, Uint8Array, string]>(
      "INSERT INTO log (seq, at, record, whose) VALUES (?1, ?2, ?3, ?4)",
    ),
    logFrom: prepare<LogRow, [number, number]>(
      "SELECT seq, at, record, whose FROM log WHERE at >= ?1 OR seq > ?2 ORDER BY seq",
    ),
    logFirst: prepare<{ seq: number }, []>("SELECT seq FROM log ORDER BY seq LIMIT 1"),
    logLast: prepare<{ seq: number; at: number }, []>("SELECT seq, at FROM log ORDER BY seq DESC LIMIT 1"),
    logAfter: prepare<{ at: number }, [number]>("SELECT at FROM log WHERE seq > ?1 ORDER BY seq LIMIT 1"),
    logPrune: prepare<unknown, [number]>("DELETE FROM log WHERE seq <= ?1"),
    totalsAll: prepare<TotalsRow, []>("SELECT video, kind, count, version, at FROM totals ORDER BY video"),
    totalsPut: prepare<unknown, [string, string, number, number, number | null]>(
      "INSERT OR REPLACE INTO totals (video, kind, count, version, at) VALUES (?1, ?2, ?3, ?4, ?5)",
    ),
    totalsDrop: prepare<unknown, [string]>("DELETE FROM totals WHERE video = ?1"),
    membersAll: prepare<MemberRow, []>("SELECT hi, lo, owner FROM members"),
    membersAfter: prepare<MemberRow, [number, number, number]>(
      "SELECT hi, lo, owner FROM members WHERE (hi, lo) > (?1, ?2) ORDER BY hi, lo LIMIT ?3",
    ),
    memberPut: prepare<unknown, [number, number, number]>(
      "INSERT OR REPLACE INTO members (hi, lo, owner) VALUES (?1, ?2, ?3)",
    ),
    ownersAll: prepare<{ number: number; video: VideoId }, []>("SELECT number, video FROM owners"),
    ownerPut: prepare<unknown, [number, string]>(
      "INSERT OR REPLACE INTO owners (number, video) VALUES (?1, ?2)",
    ),
    ownerDrop: prepare<unknown, [number]>("DELETE FROM owners WHERE number = ?1"),
    memberDrop: prepare<unknown, [number, number]>("DELETE FROM members WHERE hi = ?1 AND lo = ?2"),
  };
}

function entryStatements(prepare: Prepare) {
  return {
    head: prepare<{ head: number | null }, []>("SELECT max(seq) AS head FROM entries"),
    videoAfter: prepare<{ video: VideoId }, [string]>(
      "SELECT video FROM entries WHERE video > ?1 ORDER BY video LIMIT 1",
    ),
    last: prepare<{ seq: number; nth: number; target: number | null }, [string]>(
      "SELECT seq, nth, target FROM entries WHERE video = ?1 ORDER BY seq DESC LIMIT 1",
    ),
    oldest: prepare<{ previous: number }, [string]>(
      "SELECT previous FROM entries WHERE video = ?1 ORDER BY seq LIMIT 1",
    ),
    after: prepare<EntryRow, [string, number, number]>(
      "SELECT * FROM entries WHERE video = ?1 AND seq > ?2 ORDER BY seq LIMIT ?3",
    ),
    newest: prepare<EntryRow, [string, number]>(
      "SELECT * FROM entries WHERE video = ?1 ORDER BY seq DESC LIMIT ?2",
    ),
    entryPut: prepare<
      unknown,
      [
        ...[number, string, number, number, number | null, string | null, string | null, number, number],
        number | null,
      ]
    >(`INSERT INTO entries (seq, video, previous, nth, target, text, user, at, hold, media)
       VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)`),
    // Up to four at a time, so that a video catches up after its history was made shorter.
    entryPrune: prepare<unknown, [string, number]>(`DELETE FROM entries WHERE seq IN (SELECT seq FROM
       (SELECT seq, nth FROM entries WHERE video = ?1 ORDER BY seq LIMIT 4) WHERE nth <= ?2)`),
    comment: prepare<{ previous: number }, [number, string]>(
      "SELECT previous FROM entries WHERE seq = ?1 AND video = ?2 AND target IS NULL",
    ),
    said: prepare<{ text: string; user: string | null }, [number, string]>(
      "SELECT text, user FROM entries WHERE seq = ?1 AND video = ?2 AND target IS NULL",
    ),
    commentDrop: prepare<unknown, [number]>("DELETE FROM entries WHERE seq = ?1"),
    // Closes the gap that a removed comment leaves: `oldest` must not take it for history that was pruned.
    relink: prepare<unknown, [string, number, number]>(
      "UPDATE entries SET previous = ?3 WHERE video = ?1 AND previous = ?2",
    ),
    keyGet: prepare<{ seq: number }, [number, number, number]>(
      "SELECT seq FROM comment_keys WHERE hi = ?1 AND lo = ?2 AND at >= ?3",
    ),
    keyPut: prepare<unknown, [number, number, number, number]>(
      "INSERT INTO comment_keys (seq, hi, lo, at) VALUES (?1, ?2, ?3, ?4)",
    ),
    keyOldest: prepare<{ seq: number; at: number }, []>(
      "SELECT seq, at FROM comment_keys ORDER BY seq LIMIT 1",
    ),
    keyLast: prepare<{ at: number }, []>("SELECT at FROM comment_keys ORDER BY seq DESC LIMIT 1"),
    keyPrune: prepare<unknown, [number, number]>("DELETE FROM comment_keys WHERE seq <= ?1 AND at < ?2"),
  };
}
