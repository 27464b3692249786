/**
 * `npm run bench:latency`: from the acceptance of a like to its arrival at a viewer, and where the time goes.
 *
 * The audience is `ovation load`: it reads the `at` of every frame (when the oldest like in it was accepted)
 * on the clock that the server uses too, since both are on this machine, and proves that nothing was lost.
 * From five thousand viewers on it is the cheap one: see latency-crowd.ts.
 * The hops are the server's own histogram: mean times since acceptance at which a like was durable, ticked,
 * received by the frontend, and written to the last viewer of a shard. `beside` shows whether a loud video
 * rules a quiet one. Pauses are those of the server's garbage collector, by its own log.
 */
import type { LoadReport } from "../src/load/report.ts";
import { listenInCrowd } from "./latency-crowd.ts";
import { startLoad } from "./load.ts";
import { type Ovation, startTellingPauses } from "./ovation.ts";
import { CpuWatch, limitedBy } from "./proc.ts";
import { Ends, play, type RunFlags, say } from "./run.ts";
import { medians, percentilesOf, round } from "./stats.ts";

interface Case {
  readonly name: string;
  readonly viewers: number;
  readonly likesPerS: number;
  readonly server: readonly string[];
  readonly load: readonly string[];
  /** Viewers of another video, with a hundred likes a second, at the same time. */
  readonly beside?: number;
}

const likesPerS = 100;
const cases: readonly Case[] = [
  ...[100, 1_000, 2_000, 5_000, 10_000].map((viewers) => ({
    name: `${viewers}`,
    viewers,
    likesPerS,
    server: [],
    load: [],
  })),
  { name: "10000-tick0", viewers: 10_000, likesPerS, server: ["--tick=0ms"], load: [] },
  { name: "100-quiet", viewers: 100, likesPerS: 2, server: [], load: ["--arrivals=even"] },
  {
    name: "100-quiet-beside-9900",
    viewers: 100,
    likesPerS: 2,
    server: [],
    load: ["--arrivals=even"],
    beside: 9_900,
  },
];
/** Viewers from which the cheap audience is asked. */
const crowdMin = 5_000;
/** One round of a case, and who was at its limit. */
interface Heard {
  readonly round: Record<string, number>;
  readonly full: readonly string[];
}

/** The crowd beside comes before and leaves after what is measured. */
const besideSeconds = 12;
const hops = ["durable", "ticked", "received", "written"];

async function measure({ rounds, seconds, own }: RunFlags, ends: Ends) {
  const chosen = own.cases ? own.cases.split(",") : cases.map((each) => each.name);
  const figures: Record<string, unknown>[] = [];
  for (const one of cases.filter((each) => chosen.includes(each.name))) {
    const each: Record<string, number>[] = [];
    const limits = new Set<string>();
    for (let i = 0; i < rounds; i++) {
      const { round: middle, full } = await listen(one, seconds, ends);
      each.push(middle);
      for (const name of full) limits.add(name);
      say(`  ${one.name}: p50 ${middle.p50Ms} p90 ${middle.p90Ms} p99 ${middle.p99Ms} ms`);
    }
    const { name, viewers } = one;
    figures.push({ name, viewers, likesPerS: one.likesPerS, ...medians(each), limitedBy: [...limits] });
  }
  return { cases: figures };
}

async function listen(one: Case, seconds: number, all: Ends): Promise<Heard> {
  const { viewers, likesPerS, server: flags, load: more, beside = 0 } = one;
  const ends = new Ends();
  all.add({ end: () => ends.all() });
  try {
    const server = ends.add(await startTellingPauses(...flags));
    if (viewers >= crowdMin) return await listenToCrowd(server, one, seconds, ends);
    if (beside > 0) await bringBeside(server, beside, seconds, ends);
    const wanted = [`--viewers=${viewers}`, `--likes=${likesPerS}`, `--duration=${seconds}`, ...more];
    const load = ends.add(startLoad([server.port], ...wanted));
    await joined(server, viewers + beside);
    const before = await server.metrics();
    const paused = server.pausesMs.length;
    const cpu = new CpuWatch({ server: [server.pid], audience: load.pids() });
    // The audience leaves when it has checked: figures of processes that are gone cannot be read.
    await Bun.sleep(seconds * 900);
    const use = cpu.read();
    const after = await server.metrics();
    const pauses = pausesOf(server.pausesMs.slice(paused), use.seconds);
    const report = await load.report;
    if (!report.ok) throw new Error(report.failures.join("; "));
    const full = [...limitedBy(use), ...report.generator.limits];
    return { round: { ...figuresOf(report), ...coresOf(use), ...hopsOf(before, after), ...pauses }, full };
  } finally {
    await ends.all();
  }
}

async function listenToCrowd(server: Ovation, one: Case, seconds: number, ends: Ends) {
  const heard = await listenInCrowd(server, { ...one, seconds }, ends);
  const { figures, use, before, after } = heard;
  const pauses = pausesOf(server.pausesMs.slice(heard.pausesBefore), use.seconds);
  return {
    round: { ...figures, ...coresOf(use), ...hopsOf(before, after), ...pauses },
    full: limitedBy(use),
  };
}

async function bringBeside(server: Ovation, viewers: number, seconds: number, ends: Ends): Promise<void> {
  const flags = [`--viewers=${viewers}`, `--likes=${likesPerS}`, `--duration=${seconds + besideSeconds}`];
  const load = ends.add(startLoad([server.port], ...flags));
  load.report.catch(() => undefined);
  await joined(server, viewers);
}

async function joined(server: Ovation, viewers: number): Promise<void> {
  const untilMs = performance.now() + 60_000;
  while (((await server.metrics()).get("ovation_connections") ?? 0) < viewers) {
    if (performance.now() > untilMs) throw new Error("the audience did not come");
    await Bun.sleep(100);
  }
}

function figuresOf({ delivered, published, generator }: LoadReport) {
  const { p50, p90, p99, p999, max } = delivered.likesMs;
  return {
    p50Ms: round(p50),
    p90Ms: round(p90),
    p99Ms: round(p99),
    p999Ms: round(p999),
    maxMs: round(max),
    acceptP99Ms: round(published.acceptMs.p99),
    framesPerS: round(delivered.framesPerS),
    likesDeliveredPerS: round(delivered.likesPerS),
    audienceLateP90Ms: round(Math.max(0, ...generator.audience.map((health) => health.lagP90))),
  };
}

function coresOf(use: ReturnType<CpuWatch<"server" | "audience">["read"]>) {
  return {
    serverCores: round(use.used.server / use.seconds),
    audienceCores: round(use.used.audience / use.seconds),
    machineBusy: round(use.machine),
  };
}

/** Pauses of the garbage collector within `seconds`. */
function pausesOf(pausesMs: readonly number[], seconds: number): Record<string, number> {
  const { p99, max } = percentilesOf(pausesMs);
  const share = pausesMs.reduce((sum, ms) => sum + ms, 0) / (1000 * seconds);
  return { pauseP99Ms: round(p99), pauseMaxMs: round(max), pausedShare: round(share) };
}

/** Mean of each hop, and of a pass over all viewers, in ms. */
function hopsOf(before: Map<string, number>, after: Map<string, number>): Record<string, number> {
  const mean = (name: string, labels: string): number => {
    const grew = (series: string): number =>
      (after.get(`${series}${labels}`) ?? 0) - (before.get(`${series}${labels}`) ?? 0);
    return round((1000 * grew(`${name}_sum`)) / Math.max(1, grew(`${name}_count`)));
  };
  const means = hops.map((hop) => [`${hop}Ms`, mean("ovation_hop_seconds", `{hop="${hop}"}`)] as const);
  return { ...Object.fromEntries(means), passMs: mean("ovation_pass_seconds", "") };
}

await play(
  {
    name: "latency",
    rounds: 5,
    seconds: 10,
    minutesMax: 30,
    ownNetwork: true,
    own: { cases: `of ${cases.map((each) => each.name).join(", ")}; several with commas` },
  },
  measure,
);
