/**
 * Durations of a run, kept as an HDR histogram (Gil Tene): every value counts, the tail is exact to three
 * digits, and histograms of several processes add up, which averages of percentiles do not.
 *
 * Milliseconds outside, whole microseconds inside. Values are clipped to 1 µs … 10 min: clocks of one
 * machine may disagree by some microseconds, and a negative latency is no news.
 */
import {
  build,
  decodeFromCompressedBase64,
  encodeIntoCompressedBase64,
  type Histogram,
} from "hdr-histogram-js";

const highestUs = 600_000_000;

/** Percentiles in milliseconds, and how many values they describe. All 0 when `count` is 0. */
export interface Percentiles {
  readonly count: number;
  readonly p50: number;
  readonly p90: number;
  readonly p99: number;
  readonly p999: number;
  readonly max: number;
}

export class Latency {
  readonly #histogram: Histogram;

  private constructor(histogram: Histogram) {
    this.#histogram = histogram;
  }

  static empty(): Latency {
    return new Latency(
      build({ bitBucketSize: 32, highestTrackableValue: highestUs, numberOfSignificantValueDigits: 3 }),
    );
  }

  /** Reads what `encode` wrote. */
  static decode(text: string): Latency {
    const latency = Latency.empty();
    latency.#histogram.add(decodeFromCompressedBase64(text, 32));
    return latency;
  }

  record(ms: number): void {
    const us = Math.round(ms * 1000);
    this.#histogram.recordValue(Math.min(Math.max(us, 1), highestUs));
  }

  add(other: Latency): void {
    this.#histogram.add(other.#histogram);
  }

  reset(): void {
    this.#histogram.reset();
  }

  encode(): string {
    return encodeIntoCompressedBase64(this.#histogram);
  }

  /** The value below which `percent` (0…100) of all values lie, in milliseconds. */
  at(percent: number): number {
    if (this.#histogram.totalCount === 0) return 0;
    // A bucket answers with its upper end, which may lie above the greatest value seen.
    return Math.min(this.#histogram.getValueAtPercentile(percent), this.#histogram.maxValue) / 1000;
  }

  percentiles(): Percentiles {
    const count = this.#histogram.totalCount;
    const max = count === 0 ? 0 : this.#histogram.maxValue / 1000;
    return { count, p50: this.at(50), p90: this.at(90), p99: this.at(99), p999: this.at(99.9), max };
  }
}
