/**
 * What a run and its audience processes tell each other: one JSON object per line, over the child's
 * standard input and output. Both ends are the same program of the same build, so messages are typed,
 * not checked.
 */
import type { AudiencePlan } from "./audience.ts";
import type { Check, Truth } from "./check.ts";

/** From the run to one audience process. */
export type Order =
  | { readonly kind: "start"; readonly plan: AudiencePlan; readonly seed: number }
  /** Publishing begins: health and bytes count from here. */
  | { readonly kind: "measure" }
  /** Publishing is over: check until clean, for at most `waitMs`, then answer `final`. */
  | {
      readonly kind: "check";
      readonly truths: readonly (readonly [string, Truth])[];
      readonly waitMs: number;
    };

/** How an audience process fares; durations in milliseconds, counts since its start. */
export interface Pulse {
  readonly open: number;
  readonly connected: number;
  readonly delivered: number;
  readonly frames: number;
  /** Percentiles of the news since the last pulse. */
  readonly p50: number;
  readonly p99: number;
}

/** Counters of a `Tally`, and histograms encoded. */
export interface FinalTally {
  readonly counts: Readonly<Record<CountName, number>>;
  readonly lastNewsMs: number;
  readonly examples: readonly string[];
  readonly likesMs: string;
  readonly commentsMs: string;
  readonly connectMs: string;
  readonly reconnectMs: string;
}

/** Names of the counters that add up over processes. */
export const countNames = [
  "dialled",
  "failedDials",
  "connected",
  "reconnected",
  "likesFrames",
  "commentFrames",
  "otherFrames",
  "delivered",
  "bytes",
  "stale",
  "fell",
  "repeats",
  "disorder",
  "resets",
  "passed",
  "byes",
  "cuts",
  "broken",
  "refused",
  "stalledReset",
  "bad",
] as const;
export type CountName = (typeof countNames)[number];

/** How busy one process of the generator was while publishing lasted. */
export interface Health {
  /** CPU seconds per second: 1 is a whole core. */
  readonly cores: number;
  /** How late its timers ran, ms. */
  readonly lagP90: number;
  readonly lagMax: number;
}

/** From one audience process to the run. */
export type Word =
  | { readonly kind: "pulse"; readonly pulse: Pulse }
  | {
      readonly kind: "final";
      readonly check: Check;
      readonly tally: FinalTally;
      readonly health: Health;
      /** Bytes since `measure`. */
      readonly bytes: number;
      /** Share of pieces recognised by their bytes (stream.ts), 0…1. */
      readonly recognised: number;
    };

/** Calls `line` for each line of `stream`, and returns when it ends. */
export async function eachLine(
  stream: ReadableStream<Uint8Array>,
  line: (text: string) => void,
): Promise<void> {
  const decoder = new TextDecoder();
  let rest = "";
  for await (const bytes of stream) {
    rest += decoder.decode(bytes, { stream: true });
    let at = 0;
    for (let end = rest.indexOf("\n"); end >= 0; end = rest.indexOf("\n", at)) {
      line(rest.slice(at, end));
      at = end + 1;
    }
    rest = rest.slice(at);
  }
}
