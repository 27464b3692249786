/**
 * The number on screen: the server's total, and at once this viewer's own taps.
 *
 * Own taps are a *floor*, not an addition. Adding unconfirmed taps to a total that may already hold them
 * would show too many and then step back. Instead the shown number is at least what the total was at the
 * first tap plus the taps since, and otherwise the total itself; so it never exceeds the truth to come,
 * never falls, and meets the exact total without a jump. Held by stage.test.ts.
 */
import type { Totals } from "../types.ts";

/** A floor not reached so long after the last answer is wrong (a like that had counted before). */
export const FLOOR_MS = 3000;

interface Floor {
  base: number;
  own: number;
  unanswered: number;
  answeredMs: number;
}

export interface Tally {
  totals(totals: Totals): void;
  tapped(kind: string, count: number): void;
  /** The server's word on taps: counted, or refused. */
  answered(kind: string, count: number, counted: boolean): void;
  /** The server's past is gone: what it says next counts as it is. */
  reset(): void;
  shown(kind: string): number;
  sum(): number;
}

/** `floorMs`: longer where totals wait for this viewer's picture. */
export function createTally(now: () => number, floorMs: () => number = () => FLOOR_MS): Tally {
  let latest: Totals = {};
  const floors = new Map<string, Floor>();
  const totalOf = (kind: string) => latest[kind] ?? 0;

  function shown(kind: string): number {
    const floor = floors.get(kind);
    const total = totalOf(kind);
    if (!floor) return total;
    const least = floor.base + floor.own;
    const settled = !floor.unanswered && (total >= least || now() - floor.answeredMs > floorMs());
    if (settled) floors.delete(kind);
    return settled ? total : Math.max(total, least);
  }

  return {
    totals(totals) {
      latest = totals;
    },
    tapped(kind, count) {
      // Keep the floor that stands: it may still wait for its likes to arrive.
      shown(kind);
      const floor = floors.get(kind) ?? { base: totalOf(kind), own: 0, unanswered: 0, answeredMs: 0 };
      floors.set(kind, floor);
      floor.own += count;
      floor.unanswered += count;
    },
    answered(kind, count, counted) {
      const floor = floors.get(kind);
      if (!floor) return;
      floor.unanswered = Math.max(0, floor.unanswered - count);
      if (!counted) floor.own -= count;
      floor.answeredMs = now();
    },
    reset: () => floors.clear(),
    shown,
    sum() {
      let sum = 0;
      for (const kind of new Set([...Object.keys(latest), ...floors.keys()])) sum += shown(kind);
      return sum;
    },
  };
}
