/**
 * `npm run bench:deaths -- --back`: ten thousand viewers of a process that is killed with -9 are back on
 * others, and how soon: of a frontend in a cluster over NATS, whose viewers find the other two, and of a
 * worker of `--workers=3`, whose viewers find the other worker and the one that takes its place.
 *
 * Each of them holds ten thousand, one is killed. The audience (`ovation load`, which checks that nothing was
 * lost or shown twice) does what an EventSource does: it waits as long as its stream told it, 1 to 5 s drawn
 * by the server, so that 5 s of what is told here are meant. Who was full meanwhile is told beside it:
 * audience and servers share the cores.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startLoad } from "./load.ts";
import { startNats } from "./nats.ts";
import { type Ovation, startOvation } from "./ovation.ts";
import { CpuWatch, familyOf, kill, listenOverflows } from "./proc.ts";
import { Ends, type RunFlags, say } from "./run.ts";
import { medians, round } from "./stats.ts";

const likesPerS = 100;
/** A process may often open 20,000 descriptors only, so that those of one find room on two. */
const frontends = 3;
const dialsPerS = 3_000;
/** From the death until all are back, and likes and comments for a while behind it. */
const watchMs = 12_000;
const calmMs = 2_000;

type Case = "cluster" | "workers";

export async function measureBack({ rounds, own }: RunFlags, ends: Ends) {
  const each = Number(own.viewers ?? 10_000);
  const tick = own.tick ?? "1s";
  const chosen = (["cluster", "workers"] as const).filter((name) => (own.only ?? name) === name);
  const cases: Record<string, unknown> = {};
  for (const name of chosen) {
    const all: Record<string, number>[] = [];
    for (let i = 0; i < rounds; i++) {
      all.push(await comeBack({ name, each, tick }, ends));
      say(`  ${name.padEnd(7)} ${JSON.stringify(all.at(-1))}`);
    }
    cases[name] = medians(all);
  }
  return { viewersOfEach: each, tick, cases };
}

async function comeBack(
  shape: { readonly name: Case; readonly each: number; readonly tick: string },
  all: Ends,
) {
  const { name, each, tick } = shape;
  const ends = new Ends();
  all.add({ end: () => ends.all() });
  try {
    const servers = await (name === "cluster" ? startCluster(tick, ends) : startWorkers(tick, ends));
    const viewers = servers.holders * each;
    const load = ends.add(
      startLoad(
        servers.ports,
        ...[`--viewers=${viewers}`, `--likes=${likesPerS}`, "--comments=1", "--repeat=10"],
        ...[`--duration=${(calmMs + watchMs) / 1000}`, `--ramp=${dialsPerS}`, "--settle=60"],
      ),
    );
    await held(servers.nodes, viewers);
    await Bun.sleep(calmMs);
    const overflows = listenOverflows();
    const cpu = new CpuWatch({ servers: servers.living(), audience: load.pids() });
    kill(servers.victim());
    await Bun.sleep(8_000);
    const use = cpu.read();
    const report = await load.report;
    if (!report.ok) throw new Error(report.failures.join("; "));
    const { cuts, byes, reconnected, reconnectMs, failedDials } = report.audience;
    if (cuts < each / 2) throw new Error(`only ${cuts} streams were cut`);
    return {
      ...{ cuts, byes, reconnected, failedDials },
      backP50Ms: reconnectMs.p50,
      backP99Ms: reconnectMs.p99,
      backMaxMs: reconnectMs.max,
      resets: report.exact.resets,
      likesP99Ms: report.delivered.likesMs.p99,
      listenOverflows: listenOverflows() - overflows,
      serverCores: round(use.used.servers / use.seconds),
      audienceCores: round(use.used.audience / use.seconds),
      machineBusy: round(use.machine),
    };
  } finally {
    await ends.all();
  }
}

interface Servers {
  readonly ports: readonly number[];
  /** How many hold viewers. */
  readonly holders: number;
  /** Whose metrics tell how many viewers there are. */
  readonly nodes: readonly Ovation[];
  /** Those that go on. */
  living(): readonly number[];
  /** The process that is killed. */
  victim(): number;
}

async function startCluster(tick: string, ends: Ends): Promise<Servers> {
  const folder = mkdtempSync(join(tmpdir(), "ovation-bench-"));
  ends.add({ end: async () => rmSync(folder, { recursive: true, force: true }) });
  const nats = ends.add(await startNats(folder));
  const flags = [`--nats=${nats.url}`, `--tick=${tick}`];
  const dispatcher = ends.add(await startOvation(...flags, "--role=dispatcher"));
  const nodes: Ovation[] = [];
  for (let i = 0; i < frontends; i++) nodes.push(ends.add(await startOvation(...flags, "--role=frontend")));
  const [victim, ...others] = nodes as [Ovation, ...Ovation[]];
  return {
    ports: nodes.map(({ port }) => port),
    ...{ nodes, holders: frontends },
    living: () => [dispatcher, ...others].map(({ pid }) => pid),
    victim: () => victim.pid,
  };
}

async function startWorkers(tick: string, ends: Ends): Promise<Servers> {
  const server = ends.add(await startOvation("--workers=3", `--tick=${tick}`));
  // The first has the ledger and holds nobody.
  const [parent, ledger, victim, other] = familyOf(server.pid) as [number, number, number, number];
  return {
    ports: [server.port],
    ...{ nodes: [server], holders: 2 },
    living: () => [parent, ledger, other],
    victim: () => victim,
  };
}

/** All have come. */
async function held(nodes: readonly Ovation[], viewers: number): Promise<void> {
  for (const untilMs = performance.now() + 90_000; performance.now() < untilMs; await Bun.sleep(100)) {
    let open = 0;
    for (const node of nodes) open += (await node.metrics()).get("ovation_connections") ?? 0;
    if (open >= viewers) return;
  }
  throw new Error("the viewers did not come");
}
