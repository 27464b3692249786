/**
 * Whether what came when sums up to the totals, in a SQLite ledger as it is written down: part of
 * sqlite-verify.ts.
 *
 * A start makes timelines agree (Timelines.reconcile), so this reads the rows themselves. Less than the
 * totals is no fault: a program that knows no timelines has counted meanwhile.
 */
import type { VideoId } from "../core/interaction.ts";
import type { Totals } from "../core/totals.ts";
import { decodeJson } from "../core/wire.ts";
import type { Statements } from "./schema.ts";
import { decodeBlock, decodeHead } from "./timeline-bytes.ts";
import { namesKey } from "./written-timelines.ts";

/** What is wrong, a line each. `totals`: as they are written down. */
export function* timelineSums(
  statements: Statements,
  totals: ReadonlyMap<VideoId, Totals>,
): Iterable<string> {
  const text = String(statements.metaGet.get(namesKey)?.value);
  const names = decodeJson(new TextEncoder().encode(text))?.names;
  const nameOf = (series: number): unknown => (Array.isArray(names) ? names[series] : undefined);
  for (const { video, head } of statements.timelinesAll.iterate()) {
    const sums = new Map<string, number>();
    let nameless = false;
    const note = (series: number, count: number): void => {
      const name = nameOf(series);
      if (typeof name !== "string") nameless = true;
      else sums.set(name, (sums.get(name) ?? 0) + count);
    };
    const timeline = decodeHead(head);
    if (!timeline) {
      yield `the timeline of ${video} is damaged`;
      continue;
    }
    for (const [series, count] of timeline.before) note(series, count);
    for (const { tier, place, block: bytes } of statements.blocksOf.iterate(video)) {
      const block = decodeBlock(tier, place, bytes);
      if (block) block.each((series, _, count) => note(series, count));
      else yield `a block of the timeline of ${video} is damaged`;
    }
    if (nameless) yield `the timeline of ${video} has a series without a name`;
    const counts = totals.get(video)?.counts;
    if (!counts) yield `${video} has a timeline and no totals`;
    for (const [name, sum] of counts ? sums : []) {
      if (!/^[a-z]/.test(name)) continue;
      const placed = sum - (sums.get(`-${name}`) ?? 0);
      const counted = counts?.[name] ?? 0;
      if (placed > counted) yield `${video} has ${counted} of ${name}, and ${placed} in its timeline`;
    }
  }
}
