/**
 * `npm run bench:workers`: what a second process costs or gives on this machine, without NATS: one process
 * and `--workers=N` in turn, pair by pair, the same audience and publisher for both (`ovation load`, which
 * checks every total).
 *
 * The audience needs cores too, so on two of them the workers cannot give more; what they may not do is cost.
 * Ratios are taken within a pair, since the next one may find the machine busier, and the median is told.
 * Which of a pair goes first changes from pair to pair.
 */

import { userBytes } from "../src/plan/proc.ts";
import { startLoad } from "./load.ts";
import { startOvation } from "./ovation.ts";
import { CpuWatch, familyOf, limitedBy } from "./proc.ts";
import { Ends, play, type RunFlags, say } from "./run.ts";
import { median, medians, round } from "./stats.ts";

const likesPerS = 100;
const dialsPerS = 4_000;
/** Of the time in which likes come, this much at its beginning and end is not measured. */
const quietMs = 1_000;

interface Shape {
  readonly viewers: number;
  readonly seconds: number;
  readonly flags: readonly string[];
}

type Figures = Awaited<ReturnType<typeof once>>["figures"];

async function measure({ rounds, seconds, own }: RunFlags, ends: Ends) {
  const viewers = Number(own.viewers ?? 10_000);
  const workers = Number(own.workers ?? 2);
  const tick = own.tick === undefined ? [] : [`--tick=${own.tick}`];
  const sides = { one: tick, many: [...tick, `--workers=${workers}`] } as const;
  const all: Record<keyof typeof sides, Figures[]> = { one: [], many: [] };
  const limits = new Set<string>();
  for (let i = 0; i < rounds; i++) {
    const order = i % 2 === 0 ? (["one", "many"] as const) : (["many", "one"] as const);
    for (const name of order) {
      const { figures, full } = await once({ viewers, seconds, flags: sides[name] }, ends);
      all[name].push(figures);
      for (const one of full) limits.add(`${name}: ${one}`);
      say(`  ${name.padEnd(5)} ${JSON.stringify(figures)}`);
    }
  }
  const ratio = (of: keyof Figures): number =>
    round(median(all.many.map((one, index) => one[of] / (all.one[index] as Figures)[of])));
  return {
    ...{ viewers, workers },
    one: medians(all.one),
    many: medians(all.many),
    ratios: {
      framesPerS: ratio("framesPerS"),
      p99Ms: ratio("p99Ms"),
      cpuUsPerFrame: ratio("cpuUsPerFrame"),
      userMB: ratio("userMB"),
    },
    limitedBy: [...limits],
  };
}

/** One server from its start to its end, and what an audience of it was shown. */
async function once({ viewers, seconds, flags }: Shape, all: Ends) {
  const ends = new Ends();
  all.add({ end: () => ends.all() });
  try {
    const server = ends.add(await startOvation(...flags));
    const servers = familyOf(server.pid);
    const load = ends.add(
      startLoad(
        [server.port],
        ...[`--viewers=${viewers}`, `--likes=${likesPerS}`, "--arrivals=even"],
        ...[`--duration=${seconds}`, `--ramp=${dialsPerS}`, "--settle=60"],
      ),
    );
    await streaming(server, viewers);
    await Bun.sleep(quietMs);
    const before = framesOf(await server.metrics());
    const cpu = new CpuWatch({ servers, audience: load.pids() });
    await Bun.sleep(Math.max(1_000, seconds * 1000 - 2 * quietMs));
    const use = cpu.read();
    const frames = framesOf(await server.metrics()) - before;
    const userMB = servers.reduce((sum, pid) => sum + userBytes(pid), 0) / 1e6;
    const report = await load.report;
    if (!report.ok) throw new Error(report.failures.join("; "));
    const { byes, cuts } = report.audience;
    if (byes + cuts > 0) throw new Error(`${byes + cuts} streams were lost`);
    const figures = {
      framesPerS: round(frames / use.seconds),
      cpuUsPerFrame: round((use.used.servers * 1e6) / Math.max(1, frames)),
      p50Ms: report.delivered.likesMs.p50,
      p99Ms: report.delivered.likesMs.p99,
      serverCores: round(use.used.servers / use.seconds),
      audienceCores: round(use.used.audience / use.seconds),
      machineBusy: round(use.machine),
      userMB: round(userMB),
    };
    return { figures, full: limitedBy(use).filter((name) => name === "machine") };
  } finally {
    await ends.all();
  }
}

/** All viewers have come, and likes are shown to them. */
async function streaming(
  server: { metrics(): Promise<Map<string, number>> },
  viewers: number,
): Promise<void> {
  const untilMs = performance.now() + 60_000 + (viewers / dialsPerS) * 3_000;
  for (;;) {
    const metrics = await server.metrics();
    if ((metrics.get("ovation_connections") ?? 0) >= viewers && framesOf(metrics) > 0) return;
    if (performance.now() > untilMs) throw new Error("the viewers did not come");
    await Bun.sleep(100);
  }
}

/** Ticks written to viewers, by all workers together. */
function framesOf(metrics: Map<string, number>): number {
  return metrics.get('ovation_frames_total{event="likes"}') ?? 0;
}

await play(
  {
    name: "workers",
    rounds: 5,
    seconds: 10,
    minutesMax: 20,
    own: {
      viewers: "10000 by default",
      workers: "2 by default, one of which has the ledger",
      tick: "the server's own by default",
    },
  },
  measure,
);
