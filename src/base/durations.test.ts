/** Durations beside prom-client's own histogram: the same text for the same observations. */
import { expect, test } from "bun:test";
import fc from "fast-check";
import { Histogram, Registry } from "prom-client";
import { Durations } from "./durations.ts";

const bounds = [0.001, 0.01, 0.1, 1];

/** Lines in order: prom-client lists a series' sum before or after its buckets as it likes. */
const lines = async (registry: Registry) => (await registry.metrics()).trim().split("\n").sort();

test("write what prom-client's histogram writes", async () => {
  const observations = fc.array(
    fc.record({ seconds: fc.double({ min: 0, max: 2, noNaN: true }), hop: fc.constantFrom("a", "b") }),
    { maxLength: 50 },
  );
  await fc.assert(
    fc.asyncProperty(observations, fc.boolean(), async (observed, labelled) => {
      const [ours, theirs] = [new Registry(), new Registry()];
      const about = { name: "x_seconds", help: "X", labelNames: labelled ? ["hop"] : [] };
      const durations = new Durations(ours, { ...about, bounds });
      const histogram = new Histogram({ ...about, buckets: bounds, registers: [theirs] });
      for (const { seconds, hop } of observed) {
        durations.observe(seconds, labelled ? hop : "");
        if (labelled) histogram.observe({ hop }, seconds);
        else histogram.observe(seconds);
      }
      expect(await lines(ours)).toEqual(await lines(theirs));
    }),
    { numRuns: 200 },
  );
});

test("forget when they are reset", async () => {
  const registry = new Registry();
  const durations = new Durations(registry, { name: "x_seconds", help: "X", labelNames: [], bounds });
  durations.observe(0.5);
  registry.resetMetrics();
  expect(await registry.metrics()).toContain("x_seconds_count 0");
});
