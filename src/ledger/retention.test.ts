import { expect, test } from "bun:test";
import fc from "fast-check";
import { Retention } from "./retention.ts";

test("gives away only rows that are old, a bounded number at a time, and in the end all of them", () => {
  const turn = fc.record({
    rows: fc.nat(20),
    forwardMs: fc.nat(40),
    most: fc.integer({ min: 1, max: 30 }),
    fails: fc.boolean(),
  });
  fc.assert(
    fc.property(fc.array(turn, { maxLength: 60 }), fc.nat(10), (turns, prunedSeq) => {
      const windowMs = 100;
      const retention = new Retention(prunedSeq);
      /** Log time of each row that is still there, by seq. */
      const rows = new Map<number, number>();
      let seq = prunedSeq;
      let logMs = 1_000;
      const prune = (most: number): boolean => {
        const upTo = retention.prunable(logMs - windowMs, most);
        if (upTo === undefined) return false;
        let gone = 0;
        for (const [row, atMs] of rows) {
          if (row > upTo) continue;
          expect(atMs).toBeLessThan(logMs - windowMs);
          rows.delete(row);
          gone++;
        }
        expect(gone).toBeGreaterThan(0);
        expect(gone).toBeLessThanOrEqual(most);
        retention.pruned(upTo);
        return true;
      };
      for (const { rows: appended, forwardMs, most, fails } of turns) {
        logMs += forwardMs;
        for (let i = 0; i < appended; i++) rows.set(++seq, logMs);
        retention.mark(seq, logMs);
        // A transaction that failed prunes nothing, and the next one may ask again.
        if (fails) retention.prunable(logMs - windowMs, most);
        else prune(most);
      }
      logMs += windowMs + 1;
      retention.mark(seq, logMs);
      while (prune(7)) expect(rows.size).toBeGreaterThanOrEqual(0);
      expect(rows.size).toBe(0);
    }),
    { numRuns: 500 },
  );
});
