/**
 * What a SQLite ledger writes down of comments in their time, and every statement run on it: a head per video
 * and its blocks (comment-counts.ts). Files made before they were counted lack the tables; a program that
 * counts none leaves them as they are, and sqlite-counts.ts goes on behind what it wrote.
 */
import type { VideoId } from "../core/interaction.ts";
import type { Prepare } from "./statement.ts";

export const createCounts = `
CREATE TABLE IF NOT EXISTS comment_counts (video TEXT PRIMARY KEY, head BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS comment_blocks (
  video TEXT, tier INTEGER, place INTEGER, block BLOB NOT NULL, PRIMARY KEY (video, tier, place)
) WITHOUT ROWID;
`;

/** An entry as it is counted. */
export interface CountedRow {
  readonly seq: number;
  readonly video: VideoId;
  readonly previous: number;
  readonly target: number | null;
  readonly at: number;
  readonly media: number | null;
}

export function countStatements(prepare: Prepare) {
  return {
    countsAll: prepare<{ video: VideoId; head: Uint8Array }, []>("SELECT video, head FROM comment_counts"),
    countsOf: prepare<{ head: Uint8Array }, [string]>("SELECT head FROM comment_counts WHERE video = ?1"),
    countsPut: prepare<unknown, [string, Uint8Array]>(
      "INSERT OR REPLACE INTO comment_counts (video, head) VALUES (?1, ?2)",
    ),
    countsDrop: prepare<unknown, [string]>("DELETE FROM comment_counts WHERE video = ?1"),
    countBlocksOf: prepare<{ tier: number; place: number; block: Uint8Array }, [string]>(
      "SELECT tier, place, block FROM comment_blocks WHERE video = ?1",
    ),
    countBlockPut: prepare<unknown, [string, number, number, Uint8Array]>(
      "INSERT OR REPLACE INTO comment_blocks (video, tier, place, block) VALUES (?1, ?2, ?3, ?4)",
    ),
    countBlockDrop: prepare<unknown, [string, number, number]>(
      "DELETE FROM comment_blocks WHERE video = ?1 AND tier = ?2 AND place = ?3",
    ),
    countBlocksDrop: prepare<unknown, [string]>("DELETE FROM comment_blocks WHERE video = ?1"),
    uncounted: prepare<CountedRow, [number]>(
      `SELECT seq, video, previous, target, at, media FROM entries WHERE seq > ?1 ORDER BY video, seq`,
    ),
  };
}
