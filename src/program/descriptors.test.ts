/** What is done about few descriptors, and how often it is said. */
import { expect, test } from "bun:test";
import { VirtualClock } from "../base/clock.ts";
import { createLog } from "../base/log.ts";
import { createMetrics } from "../base/metrics.ts";
import { limits } from "../core/limits.ts";
import { Descriptors, nextDescriptor } from "./descriptors.ts";

function bench(streams: number, most = 300) {
  const clock = new VirtualClock();
  const lines: string[] = [];
  const log = createLog({ level: "info", format: "json", write: (line) => lines.push(line), now: () => 0 });
  const state: { next: number | undefined; open: boolean } = { next: 20, open: true };
  const metrics = createMetrics();
  const descriptors = new Descriptors({ clock, log, metrics, streams, most, next: () => state.next });
  descriptors.guard({
    set: (open) => {
      state.open = open;
      return true;
    },
  });
  return { clock, lines, state, descriptors };
}

test("streams are refused the last ones, which is said once a minute", () => {
  const { clock, lines, state, descriptors } = bench(100);
  expect(lines).toEqual([]);
  expect(descriptors.few).toBe(false);
  state.next = 300 - limits.descriptorsReserved;
  for (let i = 0; i < 5; i++) expect(descriptors.few).toBe(true);
  expect(lines).toHaveLength(1);
  clock.advance(limits.logAgainMs);
  expect(descriptors.few).toBe(true);
  expect(lines).toHaveLength(2);
});

test("accepting pauses before none are left, and goes on when some are free", () => {
  const { clock, state, descriptors } = bench(100);
  const openAt = (next: number | undefined): boolean => {
    state.next = next;
    clock.advance(100);
    return state.open;
  };
  expect([280, 291, 292, undefined, 290, 284].map(openAt)).toEqual([true, true, false, false, false, false]);
  expect([283, 290].map(openAt)).toEqual([true, true]);
  expect(openAt(undefined)).toBe(false);
  descriptors.close();
  expect(state.open).toBe(true);
});

test("a limit below the streams that are allowed is told at start; one not known is no limit", () => {
  expect(bench(237).lines[0]).toContain('"limit":300,"streams":236,"nodeStreams":237');
  expect(bench(236).lines).toEqual([]);
  const { descriptors, state, lines } = bench(1_000, Number.POSITIVE_INFINITY);
  state.next = 1e9;
  expect([descriptors.few, lines.length]).toEqual([false, 0]);
});

test("where the lowest free one cannot be seen, as without /dev/null, nobody is kept out for it", () => {
  expect(nextDescriptor()).toBeGreaterThan(0);
  expect(nextDescriptor("/dev/there-is-no-such-file")).toBe(0);
});
