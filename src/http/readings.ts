/** Metrics read back as numbers: sums of counters, and percentiles out of histograms' buckets. */

/** What is read of a metric of prom-client. */
interface Readable {
  get(): Promise<{
    readonly values: readonly {
      readonly value: number;
      readonly metricName?: string;
      readonly labels: Readonly<Record<string, string | number | undefined>>;
    }[];
  }>;
}

/** How many were at most so large: cumulative, by upper bound. */
export type Buckets = ReadonlyMap<number, number>;

export interface Percentiles {
  readonly p50: number;
  readonly p90: number;
  readonly p99: number;
}

/** The sum over all labels. */
export async function countsOf(metric: Readable): Promise<number> {
  return (await metric.get()).values.reduce((sum, { value }) => sum + value, 0);
}

/** A histogram's buckets by the value of `label`; under "" without one. */
export async function bucketsOf(metric: Readable, label?: string): Promise<Map<string, Map<number, number>>> {
  const all = new Map<string, Map<number, number>>();
  for (const { value, metricName, labels } of (await metric.get()).values) {
    if (!metricName?.endsWith("_bucket")) continue;
    const name = label === undefined ? "" : String(labels[label]);
    const buckets = all.get(name) ?? new Map<number, number>();
    buckets.set(labels.le === "+Inf" ? Number.POSITIVE_INFINITY : Number(labels.le), value);
    all.set(name, buckets);
  }
  return all;
}

/** What came since `before`. */
export function growthOf(after: Buckets | undefined, before: Buckets | undefined): Buckets {
  const growth = new Map<number, number>();
  for (const [bound, count] of after ?? []) growth.set(bound, count - (before?.get(bound) ?? 0));
  return growth;
}

/** Percentiles, each as far into its bucket as its rank is, times `unit`; 0 of nothing. */
export function percentiles(buckets: Buckets, unit: number): Percentiles {
  const bounds = [...buckets.keys()].sort((a, b) => a - b);
  const total = buckets.get(Number.POSITIVE_INFINITY) ?? 0;
  const at = (share: number): number => {
    if (total <= 0) return 0;
    let lower = 0;
    let below = 0;
    for (const bound of bounds) {
      const count = buckets.get(bound) ?? 0;
      if (count >= share * total) {
        // Beyond the last bound nothing is known but that it is beyond.
        if (bound === Number.POSITIVE_INFINITY) return lower * unit;
        const into = count === below ? 1 : (share * total - below) / (count - below);
        return Math.round((lower + (bound - lower) * into) * unit * 100) / 100;
      }
      lower = bound;
      below = count;
    }
    return lower * unit;
  };
  return { p50: at(0.5), p90: at(0.9), p99: at(0.99) };
}
