/**
 * `npm run bench:deaths`: 40,000 viewers on `--workers=4` without NATS, through kill -9 of each worker in
 * turn and of the one with the ledger: nothing that was accepted is lost or shown twice, every viewer is
 * back, and the workers hold as many as each other.
 *
 * With `--back`: one death, and how soon ten thousand are back (deaths-back.ts).
 * system/workers-local.test.ts does the same with an audience that a test can afford.
 */
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { measureBack } from "./deaths-back.ts";
import { startLoad } from "./load.ts";
import { startOvation } from "./ovation.ts";
import { familyOf, kill, listenOverflows } from "./proc.ts";
import { type Ends, play, type RunFlags, say } from "./run.ts";

const likesPerS = 100;
const dialsPerS = 4_000;
/** From one death to the next: all are back by then, and what was sent away has come back. */
const betweenMs = 25_000;

async function measure({ own }: RunFlags, ends: Ends) {
  const viewers = Number(own.viewers ?? 40_000);
  const workers = Number(own.workers ?? 4);
  const tick = own.tick ?? "1s";
  const data = mkdtempSync(join(tmpdir(), "ovation-bench-"));
  ends.add({ end: async () => rmSync(data, { recursive: true, force: true }) });
  const server = ends.add(await startOvation(`--workers=${workers}`, `--data=${data}`, `--tick=${tick}`));
  const rampS = Math.ceil(viewers / dialsPerS);
  const load = ends.add(
    startLoad(
      [server.port],
      ...[`--viewers=${viewers}`, `--likes=${likesPerS}`, `--comments=${own.comments ?? 1}`, "--repeat=10"],
      ...[`--duration=${(betweenMs / 1000) * (workers + 1)}`, `--ramp=${dialsPerS}`, "--settle=120"],
    ),
  );
  await until("all viewers came", (rampS + 60) * 1000, async () => {
    return ((await server.metrics()).get("ovation_connections") ?? 0) >= viewers;
  });
  const overflows = listenOverflows();
  const spread: number[][] = [held(server.pid)];
  for (let turn = 1; turn <= workers; turn++) {
    const [ledger, ...holders] = workersOf(server.pid);
    // Who has been replaced has a higher number.
    const victim = turn === workers ? (ledger?.pid ?? 0) : Math.min(...holders.map(({ pid }) => pid));
    say(`  kill -9 ${victim}${turn === workers ? ", which has the ledger" : ""}`);
    kill(victim);
    await Bun.sleep(betweenMs);
    spread.push(held(server.pid));
    say(`  the workers hold ${spread.at(-1)?.join(", ")}`);
  }
  const report = await load.report;
  if (!report.ok) throw new Error(report.failures.join("; "));
  const { cuts, byes, reconnected, reconnectMs } = report.audience;
  const { likesLost, likesDoubled, commentsLost, commentsDoubled, resets } = report.exact;
  return {
    ...{ viewers, workers, cuts, byes, reconnected },
    reconnectP50Ms: reconnectMs.p50,
    reconnectP99Ms: reconnectMs.p99,
    listenOverflows: listenOverflows() - overflows,
    ...{ likesLost, likesDoubled, commentsLost, commentsDoubled, resets },
    /** Most and least that a worker held beside its share, at the end. */
    unevenness: unevenness(spread.at(-1) ?? []),
    unevennessWorst: Math.max(...spread.map(unevenness)),
    spread,
  };
}

function unevenness(held: readonly number[]): number {
  const share = held.reduce((sum, count) => sum + count, 0) / held.length;
  return Math.round(Math.max(...held.map((count) => Math.abs(count / share - 1))) * 1000) / 1000;
}

interface Worker {
  readonly pid: number;
  /** Open descriptors: its viewers, and a few dozen others. */
  readonly descriptors: number;
}

/** Those that the parent has started, with the fewest descriptors first: it has the ledger and no viewers. */
function workersOf(parent: number): Worker[] {
  return familyOf(parent)
    .slice(1)
    .map((pid) => ({ pid, descriptors: readdirSync(`/proc/${pid}/fd`).length }))
    .sort((one, other) => one.descriptors - other.descriptors);
}

function held(parent: number): number[] {
  const [, ...holders] = workersOf(parent);
  return holders.map(({ descriptors }) => descriptors);
}

async function until(what: string, withinMs: number, met: () => Promise<boolean>): Promise<void> {
  const endMs = performance.now() + withinMs;
  while (!(await met())) {
    if (performance.now() > endMs) throw new Error(`it never came true: ${what}`);
    await Bun.sleep(200);
  }
}

const own = {
  viewers: "40000 by default",
  workers: "4 by default, one of which has the ledger",
  tick: "1s by default",
  comments: "1 a second by default",
};
const back = process.argv.indexOf("--back");
if (back >= 0) {
  process.argv.splice(back, 1);
  const own = {
    viewers: "of each, 10000 by default",
    tick: "1s by default",
    only: "cluster or workers",
  };
  await play({ name: "deaths-back", rounds: 1, seconds: 1, minutesMax: 10, own }, measureBack);
}
await play({ name: "deaths", rounds: 1, seconds: 1, minutesMax: 20, own }, measure);
