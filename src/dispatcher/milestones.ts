/**
 * Milestones: counts of likes that are worth a word, found out from a change alone.
 *
 * A mark is reached by the one change that takes a count from below it to it or beyond. So nothing has to be
 * remembered, every dispatcher that folds the same record finds the same milestones, and what a restart reads
 * again from the log is no change and reaches nothing.
 */
import { likesOf } from "../core/totals.ts";
import type { Change } from "../ledger/ledger.ts";

export interface Milestone {
  /** undefined: likes of all kinds together. */
  readonly kind: string | undefined;
  readonly mark: number;
  readonly total: number;
}

/** What `change` reached, of `marks`, which rise: kind by kind, then of all kinds; lower marks first. */
export function reached({ totals, before }: Change, marks: readonly number[]): readonly Milestone[] {
  const found: Milestone[] = [];
  const look = (kind: string | undefined, low: number, high: number): void => {
    for (const mark of marks) {
      if (mark > high) break;
      if (mark > low) found.push({ kind, mark, total: high });
    }
  };
  for (const kind in totals.counts) look(kind, before[kind] ?? 0, totals.counts[kind] ?? 0);
  look(undefined, likesOf(before), likesOf(totals.counts));
  return found;
}
