/**
 * `npm run bench:scale`: 100,000 viewers on this machine, then as many as it holds: server processes share
 * one port (--workers), audience processes are `ovation load`, which checks every total. Workers need nothing
 * else; `--bus=nats` has them meet over NATS.
 *
 * Each process stays under its limit of descriptors, so the number of workers follows the viewers. One tick a
 * second up to 100,000 viewers; above, one every five seconds, for audience and server share the cores. A
 * size counts when every viewer came, none was cut off, and every total was exact.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { userBytes } from "../src/plan/proc.ts";
import { startLoad } from "./load.ts";
import { startNats } from "./nats.ts";
import { startOvation } from "./ovation.ts";
import { CpuWatch, familyOf, limitedBy, socketMemory } from "./proc.ts";
import { Ends, play, type RunFlags, say } from "./run.ts";
import { medians, round } from "./stats.ts";

/** These are repeated like every run; larger ones are tried once, until one fails. */
const sizes = [10_000, 30_000, 100_000];
const largerSizes = [150_000, 200_000, 250_000];
/** The kernel spreads connections over workers by chance: room for the uneven part below 20,000. */
const viewersPerWorker = 16_500;
const likesPerS = 100;
const dialsPerS = 4_000;
const quietMs = 3_000;

async function measure({ rounds, seconds, own }: RunFlags, ends: Ends) {
  const overNats = own.bus === "nats";
  const chosen = own.viewers ? own.viewers.split(",").map(Number) : sizes;
  const cases: Record<string, unknown>[] = [];
  for (const viewers of chosen) {
    const each: Record<string, number>[] = [];
    const limits = new Set<string>();
    for (let i = 0; i < rounds; i++) {
      const { figures, full } = await gather({ viewers, seconds, overNats }, ends);
      each.push(figures);
      for (const one of full) limits.add(one);
    }
    cases.push({ viewers, exact: true, rounds, ...medians(each), limitedBy: [...limits] });
    say(`  ${JSON.stringify(cases.at(-1))}`);
  }
  const refused: Record<string, string> = {};
  for (const viewers of own.viewers ? [] : largerSizes) {
    try {
      const { figures, full } = await gather({ viewers, seconds, overNats }, ends);
      cases.push({ viewers, exact: true, rounds: 1, ...medians([figures]), limitedBy: full });
      say(`  ${JSON.stringify(cases.at(-1))}`);
    } catch (error) {
      refused[viewers] = error instanceof Error ? error.message : String(error);
      say(`  ${viewers}: ${refused[viewers]}`);
      break;
    }
  }
  return { bus: overNats ? "nats" : "local", cases, refused };
}

interface Shape {
  readonly viewers: number;
  readonly seconds: number;
  readonly overNats: boolean;
}

async function gather({ viewers, seconds, overNats }: Shape, all: Ends) {
  const ends = new Ends();
  all.add({ end: () => ends.all() });
  try {
    const folder = mkdtempSync(join(tmpdir(), "ovation-bench-"));
    ends.add({ end: async () => rmSync(folder, { recursive: true, force: true }) });
    const nats = overNats ? ends.add(await startNats(folder)) : undefined;
    // Without NATS one more has the ledger, and no viewers.
    const workers = Math.ceil(viewers / viewersPerWorker) + (nats ? 0 : 1);
    const tickMs = viewers <= 100_000 ? 1_000 : 5_000;
    const flags = [...(nats ? [`--nats=${nats.url}`] : []), `--workers=${workers}`, `--tick=${tickMs}ms`];
    const server = ends.add(await startOvation(...flags));
    const servers = familyOf(server.pid);
    const start = bytesOf(servers);
    const kernelStart = socketMemory().bytes;
    const load = ends.add(
      startLoad(
        [server.port],
        `--viewers=${viewers}`,
        `--likes=${likesPerS}`,
        `--duration=${seconds}`,
        `--ramp=${dialsPerS}`,
        "--settle=60",
      ),
    );
    await joined(viewers, (viewers / dialsPerS) * 3_000 + 60_000);
    const idle = bytesOf(servers);
    const kernel = socketMemory().bytes - kernelStart;
    const before = framesOf(await server.metrics());
    const cpu = new CpuWatch({ servers, audience: load.pids(), nats: nats ? [nats.pid] : [] });
    await Bun.sleep(Math.max(1_000, seconds * 1000 - quietMs));
    const use = cpu.read();
    const frames = framesOf(await server.metrics()) - before;
    const report = await load.report;
    if (!report.ok) throw new Error(report.failures.join("; "));
    const { byes, cuts, refused } = report.audience;
    if (byes + cuts + refused > 0) throw new Error(`${byes + cuts + refused} streams were lost`);
    const figures = {
      workers,
      tickMs,
      userBytesPerViewer: (idle - start) / viewers,
      userMB: idle / 1e6,
      kernelBytesPerViewer: kernel / viewers,
      cpuUsPerViewerTick: (use.used.servers * 1e6) / Math.max(1, frames),
      serverCores: use.used.servers / use.seconds,
      audienceCores: use.used.audience / use.seconds,
      natsCores: use.used.nats / use.seconds,
      machineBusy: use.machine,
      framesPerS: report.delivered.framesPerS,
      likesDeliveredPerS: report.delivered.likesPerS,
      p50Ms: report.delivered.likesMs.p50,
      p99Ms: report.delivered.likesMs.p99,
      connectP99Ms: report.audience.connectMs.p99,
    };
    return {
      figures,
      full: [...limitedBy(use).filter((name) => name === "machine"), ...report.generator.limits],
    };
  } finally {
    await ends.all();
  }
}

/** Both ends of every stream are sockets of this machine. */
async function joined(viewers: number, withinMs: number): Promise<void> {
  const untilMs = performance.now() + withinMs;
  while (socketMemory().sockets < 2 * viewers) {
    if (performance.now() > untilMs)
      throw new Error(`only ${round(socketMemory().sockets / 2)} viewers came`);
    await Bun.sleep(200);
  }
}

/** Ticks written to viewers, by all workers together. */
function framesOf(metrics: Map<string, number>): number {
  let frames = 0;
  for (const [series, value] of metrics) {
    if (series.startsWith("ovation_frames_total{") && series.includes('event="likes"')) frames += value;
  }
  return frames;
}

function bytesOf(pids: readonly number[]): number {
  return pids.reduce((sum, pid) => sum + userBytes(pid), 0);
}

await play(
  {
    name: "scale",
    rounds: 3,
    seconds: 20,
    minutesMax: 60,
    own: { viewers: "only these, with commas", bus: "local, or nats" },
  },
  measure,
);
