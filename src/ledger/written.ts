/**
 * Totals as a SQLite ledger writes them down: a row per video and kind, and the row of the log they go up to.
 *
 * The distinction it rests on: the fold is what counts, this is only where a start begins to fold. So
 * totals and `upTo` always change in one transaction, the caller's, and nothing reads them while the ledger
 * runs.
 */
import type { VideoId } from "../core/interaction.ts";
import { type Counts, emptyCounts } from "../core/totals.ts";
import type { Fold } from "./fold.ts";
import type { Statements } from "./schema.ts";

/** Puts the written totals into a new fold, and tells the row of the log that they go up to. */
export function readTotals(statements: Statements, fold: Fold): number {
  let video: VideoId | undefined;
  let counts: Counts = emptyCounts();
  let version = 0;
  const restore = (): void => {
    if (video !== undefined) fold.restore(video, { version, counts });
  };
  for (const row of statements.totalsAll.iterate()) {
    if (row.video !== video) {
      restore();
      video = row.video;
      counts = emptyCounts();
    }
    counts[row.kind] = row.count;
    version = row.version;
  }
  restore();
  return Number(statements.metaGet.get("upTo")?.value ?? 0);
}

/**
 * Writes down the totals of these videos, as they are after the log's row `upTo`; no others changed since
 * last time.
 */
export function writeTotals(
  statements: Statements,
  fold: Fold,
  videos: Iterable<VideoId>,
  upTo: number,
): void {
  for (const video of videos) {
    const { version, counts } = fold.totals(video);
    for (const kind in counts) statements.totalsPut.run(video, kind, counts[kind] as number, version);
  }
  statements.metaPut.run("upTo", upTo);
  statements.metaPut.run("logMs", fold.logMs);
}
