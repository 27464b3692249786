/** The few statistics that figures here are made of. */

/** The middle value; the mean of the two in the middle of an even number. 0 for none. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  if (sorted.length === 0) return 0;
  return sorted.length % 2 === 1
    ? (sorted[middle] as number)
    : ((sorted[middle - 1] as number) + (sorted[middle] as number)) / 2;
}

/** Percentiles by nearest rank. All 0 for no values. */
export function percentilesOf(values: readonly number[]) {
  const sorted = Float64Array.from(values).sort();
  const at = (percent: number): number =>
    sorted[Math.max(0, Math.ceil((sorted.length * percent) / 100) - 1)] ?? 0;
  return { count: sorted.length, p50: at(50), p90: at(90), p99: at(99), p999: at(99.9), max: at(100) };
}

/** A number with the digits that mean something: three, or all of a whole number. */
export function round(value: number): number {
  if (!Number.isFinite(value) || value === 0) return value;
  if (Math.abs(value) >= 100) return Math.round(value);
  return Number(value.toPrecision(3));
}

/** The medians of each number that all rounds have, by name. */
export function medians<Name extends string>(
  rounds: readonly Readonly<Record<Name, number>>[],
): Record<Name, number> {
  const middle = {} as Record<Name, number>;
  for (const name in rounds[0]) middle[name] = round(median(rounds.map((one) => one[name])));
  return middle;
}
