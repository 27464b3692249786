/**
 * How long to wait before trying again.
 *
 * Doubling with "equal jitter" (half of the delay fixed, half random; Marc Brooker, "Exponential
 * Backoff and Jitter", 2015): the fixed half keeps a floor under a struggling server, the random half
 * keeps ten thousand viewers who lost the same node from coming back in the same instant.
 */

/** Ms before attempt number `attempt` (0 is the first repeat). Never above `maxMs`. */
export function backoffMs(attempt: number, random: number, baseMs = 1000, maxMs = 30_000): number {
  const ms = Math.min(maxMs, baseMs * 2 ** Math.min(attempt, 16));
  return ms / 2 + (ms / 2) * random;
}
