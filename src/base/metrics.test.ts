import { expect, test } from "bun:test";
import { addReadings, createMetrics, readingsOf, textOf } from "./metrics.ts";

const usage = { cpuSeconds: 2.5, residentBytes: 1_000, startedMs: 5_000, descriptors: 7, descriptorsMax: 20 };

test("a process tells what it has used under the names of Prometheus' own clients", async () => {
  const metrics = createMetrics();
  metrics.usage(usage);
  metrics.usage({ ...usage, cpuSeconds: 4, residentBytes: 900 });
  const text = await metrics.registry.metrics();
  for (const line of [
    "process_cpu_seconds_total 4",
    "process_resident_memory_bytes 900",
    "process_start_time_seconds 5",
    "process_open_fds 7",
    "process_max_fds 20",
  ]) {
    expect(text).toContain(`\n${line}\n`);
  }
});

test("several processes are a sum, started when the first did, ready when all are", async () => {
  const all = [createMetrics(), createMetrics()];
  all.forEach((metrics, index) => {
    metrics.usage({ ...usage, startedMs: 5_000 + index });
    metrics.ready.set(index);
  });
  const sum = await addReadings(await Promise.all(all.map(({ registry }) => readingsOf(registry))));
  const text = await textOf([sum]);
  for (const line of ["process_cpu_seconds_total 5", "process_open_fds 14", "process_start_time_seconds 5"]) {
    expect(text).toContain(`\n${line}\n`);
  }
  expect(text).toContain("\novation_ready 0\n");
});
