/**
 * One process of micro-benchmarks: measures every group it can load and prints a JSON line for each
 * benchmark. main.ts starts it and makes the table.
 *
 * Time and memory are measured in processes of their own. `time` is mitata's. `allocation` runs with the
 * collector off (BUN_JSC_useGC=false) and divides the growth of the whole process by the calls: what a call
 * leaves to be collected, buffers outside the heap included. A few bytes are the compiler's own.
 */
import { measure } from "mitata";

/** `run` does `per` operations, 1 unless said; figures are per operation. */
export interface Micro {
  readonly name: string;
  readonly per?: number;
  readonly run: () => unknown;
}

export interface MicroFigure {
  readonly name: string;
  /** Nanoseconds per operation: median, and 99th percentile of samples. */
  readonly ns?: number;
  readonly p99Ns?: number;
  /** Bytes per operation. */
  readonly bytes?: number;
}

type Groups = Readonly<Record<string, () => Micro[] | Promise<Micro[]>>>;

export const modules = ["micro-core", "micro-ledger", "micro-ingest", "micro-frontend"] as const;

/** Growth at which an allocation is known well enough, and when to stop anyway. */
const growthBytes = 96 * 1024 * 1024;
const callsMax = 2_000_000;
const warmCalls = 2_000;
const warmMs = 300;

async function time({ name, per = 1, run }: Micro): Promise<MicroFigure> {
  const stats = await measure(() => run(), { min_cpu_time: 300_000_000, inner_gc: false });
  return { name, ns: stats.p50 / per, p99Ns: stats.p99 / per };
}

async function allocation({ name, per = 1, run }: Micro): Promise<MicroFigure> {
  const warmUntilMs = performance.now() + warmMs;
  for (let i = 0; i < warmCalls && performance.now() < warmUntilMs; i++) await run();
  const start = process.memoryUsage.rss();
  let calls = 0;
  while (calls < callsMax && process.memoryUsage.rss() - start < growthBytes) {
    for (let i = 0; i < 1000 / per; i++, calls++) {
      // Only what is a promise is awaited: to await costs memory itself.
      const result = run();
      if (result instanceof Promise) await result;
    }
  }
  return { name, bytes: Math.max(0, (process.memoryUsage.rss() - start) / calls / per) };
}

if (import.meta.main) {
  const [mode, only = ""] = process.argv.slice(2);
  for (const module of modules) {
    let groups: Groups;
    try {
      groups = (await import(`./${module}.ts`)) as Groups;
    } catch (error) {
      // An older revision may not have what is measured today.
      process.stderr.write(`${module} does not fit this revision: ${String(error).split("\n")[0]}\n`);
      continue;
    }
    for (const group of Object.values(groups)) {
      for (const micro of (await group()).filter(({ name }) => name.includes(only))) {
        const figure = await (mode === "allocation" ? allocation(micro) : time(micro));
        process.stdout.write(`${JSON.stringify(figure)}\n`);
      }
    }
  }
  process.exit(0);
}
