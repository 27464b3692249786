/**
 * Totals: the state a tick carries, and how two of them merge.
 *
 * Totals are state, not change: a later version replaces an earlier one, so loss, repetition and reordering
 * of ticks cost freshness, never correctness, which totals.test.ts holds. Every log is folded by itself, so
 * a video has one `Totals` per log and viewers see their sum. A log is told by its own name, never by that
 * of a region: two dispatchers of one log say the same, whatever their settings call the place they are in.
 */

/** Likes by kind. Objects without a prototype: a kind may be named `constructor`. */
export type Counts = Record<string, number>;

export interface Totals {
  /** Grows by one with every change of this video in this log. */
  readonly version: number;
  readonly counts: Readonly<Counts>;
}

/** An empty count, without inherited names. */
export function emptyCounts(): Counts {
  return Object.create(null) as Counts;
}

/** A video nobody has liked yet. */
export const noTotals: Totals = { version: 0, counts: emptyCounts() };

/** Adds `more` into `into`. */
export function addCounts(into: Counts, more: Readonly<Counts>): void {
  for (const kind in more) into[kind] = (into[kind] ?? 0) + (more[kind] ?? 0);
}

/** `counts` of these kinds only; itself when it has no other. */
export function onlyKinds(counts: Readonly<Counts>, kinds: ReadonlySet<string>): Readonly<Counts> {
  let others = false;
  for (const kind in counts) if (!kinds.has(kind)) others = true;
  if (!others) return counts;
  const kept = emptyCounts();
  for (const kind in counts) if (kinds.has(kind)) kept[kind] = counts[kind] as number;
  return kept;
}

/** The newer of two totals of one video and log; `a` when they are of the same version. */
export function newest(a: Totals, b: Totals): Totals {
  return b.version > a.version ? b : a;
}

/** What viewers see: the sum over logs. Its version grows whenever any log's does. */
export function sumLogs(logs: Iterable<Totals>): Totals {
  let version = 0;
  const counts = emptyCounts();
  for (const totals of logs) {
    version += totals.version;
    addCounts(counts, totals.counts);
  }
  return { version, counts };
}

/** All likes of all kinds. */
export function likesOf(counts: Readonly<Counts>): number {
  let sum = 0;
  for (const kind in counts) sum += counts[kind] ?? 0;
  return sum;
}

/**
 * Counts as JSON. By hand, as it is made for every tick: names of kinds need no escaping, whole numbers are
 * their text, and JSON.stringify takes the slow way for objects without a prototype.
 */
export function countsJson(counts: Readonly<Counts>): string {
  let text = "";
  for (const kind in counts) text += `${text === "" ? "{" : ","}"${kind}":${counts[kind]}`;
  return text === "" ? "{}" : `${text}}`;
}
