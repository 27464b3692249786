/**
 * A histogram of durations that costs a few additions to observe.
 *
 * prom-client checks and hashes labels on every observation, which was the largest item in a profile of a
 * thousand ticking videos (9 % of the server's time). Here a label is a key of a small map, and the library
 * only asks for the values when it writes them out: it still owns the format.
 */
import type { Registry } from "prom-client";
import { assert } from "./assert.ts";

/** Counts by bucket, not cumulative; the last one is for what exceeds every bound. */
interface Series {
  readonly counts: Float64Array;
  sum: number;
}

interface Value {
  readonly metricName: string;
  readonly labels: Readonly<Record<string, string | number>>;
  readonly value: number;
}

/** A metric as prom-client's registry asks for it. */
interface Told {
  readonly name: string;
  readonly help: string;
  readonly type: "histogram";
  readonly aggregator: "sum";
  readonly values: readonly Value[];
}

export class Durations<L extends string = never> {
  readonly name: string;
  readonly help: string;
  readonly type = "histogram";
  readonly aggregator = "sum";
  readonly #label: string | undefined;
  readonly #bounds: readonly number[];
  readonly #series = new Map<string, Series>();

  /** Upper `bounds` in seconds, rising. At most one label. */
  constructor(
    registry: Registry,
    options: { name: string; help: string; labelNames: readonly L[]; bounds: readonly number[] },
  ) {
    assert(options.labelNames.length <= 1, "durations have at most one label");
    this.name = options.name;
    this.help = options.help;
    this.#label = options.labelNames[0];
    this.#bounds = options.bounds;
    if (this.#label === undefined) this.#of("");
    registry.registerMetric(this as never);
  }

  /** Counts a duration, in seconds; `value` is that of the label, if there is one. */
  observe(seconds: number, value = ""): void {
    const series = this.#series.get(value) ?? this.#of(value);
    const bounds = this.#bounds;
    let bucket = 0;
    while (bucket < bounds.length && seconds > (bounds[bucket] as number)) bucket++;
    series.counts[bucket] = (series.counts[bucket] as number) + 1;
    series.sum += seconds;
  }

  /** What prom-client writes out: cumulative buckets, sum and count of every series. */
  async get(): Promise<Told> {
    const { name, help, type, aggregator } = this;
    return { name, help, type, aggregator, values: this.#values() };
  }

  /** Forgets everything observed. */
  reset(): void {
    for (const series of this.#series.values()) {
      series.counts.fill(0);
      series.sum = 0;
    }
  }

  #of(value: string): Series {
    const series = { counts: new Float64Array(this.#bounds.length + 1), sum: 0 };
    this.#series.set(value, series);
    return series;
  }

  #values(): Value[] {
    const values: Value[] = [];
    for (const [value, { counts, sum }] of this.#series) {
      const labels = this.#label === undefined ? {} : { [this.#label]: value };
      let total = 0;
      counts.forEach((count, bucket) => {
        total += count;
        const le = this.#bounds[bucket] ?? "+Inf";
        values.push({ metricName: `${this.name}_bucket`, labels: { le, ...labels }, value: total });
      });
      values.push({ metricName: `${this.name}_sum`, labels, value: sum });
      values.push({ metricName: `${this.name}_count`, labels, value: total });
    }
    return values;
  }
}
