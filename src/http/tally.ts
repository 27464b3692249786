/**
 * Counts answers by route template and status, and hands the counts to the metrics when these are read.
 *
 * Hashing labels costs more than the rest of a small answer, so a request adds one to a number, and
 * prom-client sees sums. Series are bounded: templates come from the route table, statuses from the answers
 * of this program.
 */
import type { Metrics } from "../base/metrics.ts";

export class Tally {
  readonly #counts = new Map<string, Map<number, number>>();

  count(route: string, status: number): void {
    let codes = this.#counts.get(route);
    if (!codes) {
      codes = new Map();
      this.#counts.set(route, codes);
    }
    codes.set(status, (codes.get(status) ?? 0) + 1);
  }

  /** Moves the counts into `requests`. */
  flush(requests: Metrics["requests"]): void {
    for (const [route, codes] of this.#counts) {
      for (const [code, count] of codes) {
        if (count > 0) requests.inc({ route, code: String(code) }, count);
        codes.set(code, 0);
      }
    }
  }
}
