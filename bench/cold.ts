/**
 * `npm run bench:cold`: a million closed videos, in memory and away from it: what a start takes, what each
 * weighs, and how long one is waited for that is not there. `-- --videos=N` for another number.
 *
 * The folder is made in place by SQL, as a million closings would take half an hour. Each state of it is
 * opened by a process of its own, whose memory is the heap after a collection and what the system says.
 */

import { heapStats } from "bun:jsc";
import { Database } from "bun:sqlite";
import { cpSync, mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { systemClock } from "../src/base/clock.ts";
import type { VideoId } from "../src/core/interaction.ts";
import { like, record } from "../src/ledger/contract-bench.ts";
import type { Ledger } from "../src/ledger/ledger.ts";
import { fileName } from "../src/ledger/schema.ts";
import { openSqliteLedger } from "../src/ledger/sqlite.ts";

const clock = systemClock();
const args = process.argv.slice(2);
const videos = Number(args.find((arg) => arg.startsWith("--videos="))?.slice(9) ?? 1_000_000);
const reads = 1_000;
const idChars = 11;

/** Ids as those of a video site: so many characters that say nothing. */
function idOf(n: number): VideoId {
  const mixed = BigInt.asUintN(64, BigInt(n + 1) * 0x9e3779b97f4a7c15n);
  return mixed.toString(36).padStart(13, "0").slice(-idChars) as VideoId;
}

function open(path: string): Promise<Ledger> {
  return openSqliteLedger({ path, clock, commentHistory: 20, videosMax: 2 * videos });
}

/** A folder with a ledger of `videos` videos, each liked twice, in two kinds, with a timeline. */
async function fill(path: string): Promise<void> {
  const ledger = await open(path);
  const two = [like("model", undefined, { count: 40 }), like("model", undefined, { kind: "clap" })];
  await ledger.append({ likes: [record(two, clock.date())], comments: [] });
  await ledger.close();
  const db = new Database(join(path, fileName));
  db.run("PRAGMA synchronous = OFF");
  db.run("CREATE TEMP TABLE ids (video TEXT PRIMARY KEY) WITHOUT ROWID");
  const put = db.prepare("INSERT OR IGNORE INTO ids VALUES (?1)");
  db.transaction(() => {
    for (let n = 0; n < videos; n++) put.run(idOf(n));
  })();
  db.run(`INSERT INTO totals SELECT ids.video, kind, count, version, at FROM ids, totals
          WHERE totals.video = 'model'`);
  db.run("INSERT INTO timelines SELECT ids.video, head FROM ids, timelines WHERE timelines.video = 'model'");
  db.run(`INSERT INTO timeline_blocks SELECT ids.video, tier, place, block FROM ids, timeline_blocks
          WHERE timeline_blocks.video = 'model'`);
  db.close();
}

function putAway(path: string): void {
  const db = new Database(join(path, fileName));
  db.run("INSERT INTO away SELECT DISTINCT video, 0 FROM totals WHERE video <> 'model'");
  db.close();
}

/** What this process holds, in bytes. */
function held(): { heap: number; rss: number } {
  Bun.gc(true);
  Bun.gc(true);
  const { heapSize, extraMemorySize } = heapStats();
  return { heap: heapSize + extraMemorySize, rss: process.memoryUsage.rss() };
}

/** In a process of its own: opens the folder, reads some, and tells of it in a line of JSON. */
async function look(path: string): Promise<void> {
  const before = held();
  const beganMs = performance.now();
  const ledger = await open(path);
  const startMs = performance.now() - beganMs;
  const after = held();
  const times: number[] = [];
  for (let i = 0; i < reads; i++) {
    const fromMs = performance.now();
    const { counts } = await ledger.current(idOf((i * 7919) % videos));
    times.push(performance.now() - fromMs);
    if (counts.heart !== 40 || counts.clap !== 1) throw new Error("not what it came to");
  }
  times.sort((a, b) => a - b);
  const [holding] = ledger.holdings();
  const told = {
    ...{ startMs, heap: after.heap - before.heap, rss: after.rss - before.rss },
    ...{ p50: times[reads / 2], p99: times[Math.floor(reads * 0.99)], away: holding?.away },
  };
  console.log(JSON.stringify(told));
  await ledger.close();
}

interface Looked {
  readonly startMs: number;
  readonly heap: number;
  readonly rss: number;
  readonly p50: number;
  readonly p99: number;
  readonly away: number;
}

function lookAt(path: string): Looked {
  const run = Bun.spawnSync([process.execPath, import.meta.path, `--videos=${videos}`, `--look=${path}`]);
  if (run.exitCode !== 0) throw new Error(run.stderr.toString());
  return JSON.parse(run.stdout.toString().trim().split("\n").at(-1) as string) as Looked;
}

function say(what: string, { startMs, heap, rss, p50, p99, away }: Looked): void {
  const each = (bytes: number): string => (bytes / videos).toFixed(1);
  console.log(
    `${what}: start ${Math.round(startMs)} ms; ${each(heap)} bytes of heap and ${each(rss)} of the process ` +
      `each; asked for, p50 ${(1000 * p50).toFixed(0)} µs, p99 ${(1000 * p99).toFixed(0)} µs; ${away} away`,
  );
}

async function main(): Promise<void> {
  const root = mkdtempSync(join(tmpdir(), "ovation-bench-cold-"));
  try {
    const [here, away] = [join(root, "here"), join(root, "away")];
    await fill(here);
    cpSync(here, away, { recursive: true });
    putAway(away);
    const bytes = statSync(join(away, fileName)).size;
    console.log(`${videos} videos, each with a timeline; ${(bytes / videos).toFixed(0)} bytes each on disk`);
    say("in memory", lookAt(here));
    say("away", lookAt(away));
  } finally {
    rmSync(root, { recursive: true, force: true });
  }
}

const path = args.find((arg) => arg.startsWith("--look="))?.slice(7);
await (path === undefined ? main() : look(path));
