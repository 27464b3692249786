/** What is done about few descriptors, and how often it is said. */
import { expect, test } from "bun:test";
import { VirtualClock } from "../base/clock.ts";
import { createLog } from "../base/log.ts";
import { createMetrics } from "../base/metrics.ts";
import { limits } from "../core/limits.ts";
import { parseSettings } from "../settings/config.ts";
import { Descriptors, holdersOf, nextDescriptor, tellRoom } from "./descriptors.ts";

function bench(most = 300) {
  const clock = new VirtualClock();
  const lines: string[] = [];
  const log = createLog({ level: "info", format: "json", write: (line) => lines.push(line), now: () => 0 });
  const state: { next: number | undefined; open: boolean; looks: number } = {
    next: 20,
    open: true,
    looks: 0,
  };
  const metrics = createMetrics();
  const next = (): number | undefined => {
    state.looks++;
    return state.next;
  };
  const descriptors = new Descriptors({ clock, log, metrics, most, next });
  descriptors.guard({
    set: (open) => {
      state.open = open;
      return true;
    },
  });
  return { clock, lines, state, descriptors };
}

test("streams are refused the last ones, which is said once a minute", () => {
  const { clock, lines, state, descriptors } = bench();
  expect(lines).toEqual([]);
  expect(descriptors.few).toBe(false);
  state.next = 300 - limits.descriptorsReserved;
  clock.advance(50);
  for (let i = 0; i < 5; i++) expect(descriptors.few).toBe(true);
  expect(lines).toHaveLength(1);
  clock.advance(limits.logAgainMs);
  expect(descriptors.few).toBe(true);
  expect(lines).toHaveLength(2);
});

test("streams take what is free, all but the last ones, and it is looked at a few times only", () => {
  const { state, descriptors } = bench();
  let streams = 0;
  // Each takes the next one, and so does a connection of another kind.
  for (let others = 0; !descriptors.few; streams++, others++) state.next = 20 + streams + others;
  expect(20 + 2 * streams).toBeGreaterThan(300 - limits.descriptorsReserved - 4);
  expect(20 + 2 * streams).toBeLessThanOrEqual(300 - limits.descriptorsReserved + 4);
  expect(state.looks).toBeLessThan(20);
});

test("accepting pauses before none are left, and goes on when some are free", () => {
  const { clock, state, descriptors } = bench();
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

test("a limit that is not known is none", () => {
  const { descriptors, state, lines } = bench(Number.POSITIVE_INFINITY);
  state.next = 1e9;
  expect([descriptors.few, lines.length]).toEqual([false, 0]);
});

test("where the lowest free one cannot be seen, as without /dev/null, nobody is kept out for it", () => {
  expect(nextDescriptor()).toBeGreaterThan(0);
  expect(nextDescriptor("/dev/there-is-no-such-file")).toBe(0);
});

test.each<[readonly string[], number, number, number | undefined, number]>([
  // Flags, processes, descriptors of each; the streams that a start tells of, and lines that warn.
  [["--node-streams=237"], 1, 300, 236, 1],
  [["--node-streams=236"], 1, 300, undefined, 0],
  [["--node-streams=30000"], 1, 20_000, 19_936, 0],
  [["--node-streams=30000"], 3, 20_000, undefined, 0],
  // One of them has the ledger, and nobody comes to it.
  [["--node-streams=39873"], 3, 20_000, 39_872, 0],
  [["--node-streams=39873", "--nats=nats://n:1"], 3, 20_000, undefined, 0],
  [["--nats=nats://n:1", "--role=dispatcher"], 1, 300, undefined, 0],
  [["--limits=off"], 1, 300, undefined, 0],
  [[], 1, Number.POSITIVE_INFINITY, undefined, 0],
])("%p of %d processes with %d descriptors: told at start", (flags, processes, most, streams, warnings) => {
  const lines: string[] = [];
  const log = createLog({ level: "info", format: "json", write: (line) => lines.push(line), now: () => 0 });
  const parsed = parseSettings(flags, {}, () => "");
  if ("mistakes" in parsed) throw new Error(parsed.mistakes.join());
  const told = tellRoom(log, parsed.settings, holdersOf(parsed.settings, processes), most);
  expect([told.streams, lines.length]).toEqual([streams, warnings]);
});
