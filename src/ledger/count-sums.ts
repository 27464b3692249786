/**
 * Whether the comments that are there are counted in their time, in a SQLite ledger as it is written down:
 * part of sqlite-verify.ts. More than there are is no fault: what was removed or let go of stays counted.
 */
import type { VideoId } from "../core/interaction.ts";
import { decodeCountsHead } from "./comment-counts.ts";
import type { Prepare, Statements } from "./schema.ts";
import { countedKey } from "./sqlite-counts.ts";
import { decodeBlock } from "./timeline-bytes.ts";

/** What is wrong, a line each. */
export function* countSums(statements: Statements, prepare: Prepare): Iterable<string> {
  const upTo = Number(statements.metaGet.get(countedKey)?.value ?? 0);
  const sums = new Map<VideoId, number>();
  const damaged = new Set<VideoId>();
  for (const { video, head } of statements.countsAll.iterate()) {
    const counts = decodeCountsHead(head);
    for (const { tier, place, block: bytes } of counts ? statements.countBlocksOf.iterate(video) : []) {
      const block = decodeBlock(tier, place, bytes);
      if (block) counts?.timeline.restore(block);
      else damaged.add(video);
    }
    if (!counts) damaged.add(video);
    sums.set(video, counts?.sum ?? 0);
  }
  for (const video of damaged) yield `the comments of ${video} in their time are damaged`;
  const there = prepare<{ video: VideoId; n: number }, [number]>(`
    WITH last AS (SELECT video, max(seq) AS cleared FROM entries WHERE target = 0 GROUP BY video)
    SELECT e.video, count(*) AS n FROM entries AS e LEFT JOIN last ON last.video = e.video
    WHERE e.target IS NULL AND e.seq <= ?1 AND e.seq > coalesce(last.cleared, 0) GROUP BY e.video`);
  try {
    for (const { video, n } of there.iterate(upTo)) {
      const sum = sums.get(video) ?? 0;
      if (sum < n && !damaged.has(video)) yield `${video} has ${n} comments, and ${sum} in their time`;
    }
  } finally {
    there.finalize();
  }
}
