/**
 * Part of `npm run deploy:check`: a real Prometheus scrapes a node of each role, by the key that may read
 * metrics and do nothing else, and has the names that rules and the dashboard are made of.
 *
 *     bun scripts/deploy-scrape.ts PROMETHEUS
 */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startNats } from "../src/system/nats.ts";
import { freePorts } from "../src/system/ports.ts";
import { type RunningExecutable, startExecutable } from "../src/system/server.ts";

const [prometheus = ""] = process.argv.slice(2);
const folder = mkdtempSync(join(tmpdir(), "ovation-scrape-"));
const key = "metrics-key-of-this-check";
const wanted = [
  "process_cpu_seconds_total",
  "process_resident_memory_bytes",
  "process_open_fds",
  "process_max_fds",
  "process_start_time_seconds",
  "ovation_ready",
  "ovation_connections",
  "ovation_bus_connected",
];
const withinMs = 60_000;

interface Found {
  readonly metric: { readonly role?: string };
}

/** What it answers to a query; nothing while it is still starting. */
async function asked(port: number, query: string): Promise<readonly Found[]> {
  const url = `http://127.0.0.1:${port}/api/v1/query?query=${encodeURIComponent(query)}`;
  try {
    const { data } = (await (await fetch(url)).json()) as { data?: { result: Found[] } };
    return data?.result ?? [];
  } catch {
    return [];
  }
}

async function scrape(nodes: ReadonlyMap<string, RunningExecutable>): Promise<readonly string[]> {
  const [port = 0] = await freePorts(1);
  const targets = [...nodes].map(([role, node]) => ({
    targets: [`127.0.0.1:${node.port}`],
    labels: { role },
  }));
  const job = { job_name: "ovation", authorization: { credentials: key }, static_configs: targets };
  const config = { global: { scrape_interval: "1s" }, scrape_configs: [job] };
  // Whoever reads YAML reads JSON.
  writeFileSync(join(folder, "prometheus.yml"), JSON.stringify(config));
  const child = Bun.spawn({
    cmd: [
      prometheus,
      `--config.file=${join(folder, "prometheus.yml")}`,
      `--storage.tsdb.path=${join(folder, "data")}`,
      `--web.listen-address=127.0.0.1:${port}`,
      "--log.level=error",
    ],
    stdio: ["ignore", "ignore", "inherit"],
  });
  try {
    let missing: string[] = [];
    for (const endMs = Date.now() + withinMs; Date.now() < endMs; await Bun.sleep(500)) {
      const up = await asked(port, "up == 1");
      missing = [...nodes.keys()].filter((role) => !up.some(({ metric }) => metric.role === role));
      for (const name of missing.length === 0 ? wanted : []) {
        const has = await asked(port, name);
        for (const role of nodes.keys()) {
          if (!has.some(({ metric }) => metric.role === role)) missing.push(`${name} of ${role}`);
        }
      }
      if (missing.length === 0) return [];
    }
    return missing;
  } finally {
    child.kill();
    await child.exited;
  }
}

const nats = await startNats();
const nodes = new Map<string, RunningExecutable>();
try {
  const own = [`--api-keys=prometheus:metrics:${key}`];
  for (const role of ["dispatcher", "frontend"]) {
    const flags = [...own, `--role=${role}`, `--nats=${nats.url}`, `--node=${role}`];
    nodes.set(role, await startExecutable(flags));
  }
  nodes.set("alone", await startExecutable(own));
  const missing = await scrape(nodes);
  for (const what of missing) process.stdout.write(`not scraped: ${what}\n`);
  process.exitCode = missing.length > 0 ? 1 : 0;
} finally {
  for (const node of nodes.values()) await node.stop();
  await nats.close();
  rmSync(folder, { recursive: true, force: true });
}
