/**
 * `npm run bench:ingest`: single likes with keys over keep-alive connections, each answered when it is
 * durable, beside a bare Bun.serve handler that parses the same JSON and stores nothing.
 *
 * Closed loop: every connection posts again when it is answered. SQLite on a real folder; JetStream on a
 * nats-server that the run starts, when there is one. Each side's totals are compared with what it accepted.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Helper } from "./link.ts";
import { startNats } from "./nats.ts";
import { startOvation } from "./ovation.ts";
import { CpuWatch, limitedBy } from "./proc.ts";
import { type Ends, play, type RunFlags, say } from "./run.ts";
import { median, medians, round } from "./stats.ts";
import type { TapOrder, TapWord } from "./tapper.ts";

const connections = 128;
const videos = ["one", "two", "three", "four"];
const warmSeconds = 1;

interface Side {
  readonly port: number;
  readonly pids: readonly number[];
  /** Likes in the totals; undefined where nothing is counted. */
  counted(): Promise<number | undefined>;
}

async function measure({ rounds, seconds, own }: RunFlags, ends: Ends) {
  const names = (own.sides ?? "sqlite,jetstream").split(",");
  const bare = await bareSide(ends);
  const sides: [string, Side][] = [];
  if (names.includes("sqlite")) sides.push(["sqlite", await sqliteSide(ends)]);
  if (names.includes("jetstream")) sides.push(["jetstream", await jetstreamSide(ends)]);
  const all = new Map<string, Record<string, number>[]>([["bare", []]]);
  const limits = new Set<string>();
  const tapper = ends.add(new Helper<TapOrder, TapWord>("tapper.ts"));
  for (let i = 0; i < rounds; i++) {
    for (const [name, side] of [["bare", bare], ...sides] as [string, Side][]) {
      const { figures, full } = await window(side, tapper, seconds);
      all.set(name, [...(all.get(name) ?? []), figures]);
      for (const one of full) limits.add(`${name}: ${one}`);
      say(`  ${name.padEnd(9)} ${figures.requestsPerS} requests/s, p99 ${figures.p99Ms} ms`);
    }
  }
  const bareRounds = all.get("bare") ?? [];
  const ratios: Record<string, number> = {};
  for (const [name] of sides) {
    const own = all.get(name) ?? [];
    const each = own.map((one, index) => (one.requestsPerS ?? 0) / (bareRounds[index]?.requestsPerS ?? 1));
    ratios[name] = round(median(each));
  }
  const middles = Object.fromEntries([...all].map(([name, each]) => [name, medians(each)]));
  return { connections, ...middles, ratioToBare: ratios, limitedBy: [...limits] };
}

async function window({ port, pids, counted }: Side, tapper: Helper<TapOrder, TapWord>, seconds: number) {
  const tap = (forS: number): Promise<TapWord> =>
    tapper.ask({
      do: "tap",
      port,
      connections,
      requests: videos.map((video) => ({
        path: `/v1/videos/${video}/likes`,
        body: '{"kind":"heart","count":1,"user":"fan-1234","key":"{key}"}',
      })),
      perS: 0,
      seconds: forS,
      accepts: 202,
    });
  const before = await counted();
  const warm = await tap(warmSeconds);
  const cpu = new CpuWatch({ server: pids, tapper: [tapper.pid] });
  const word = await tap(seconds);
  const use = cpu.read();
  if (Object.keys(word.others).length > 0) throw new Error(`not accepted: ${JSON.stringify(word.others)}`);
  const after = await counted();
  const accepted = warm.accepted + word.accepted;
  if (before !== undefined && after !== undefined && after - before !== accepted) {
    throw new Error(`accepted ${accepted} likes, counted ${after - before}`);
  }
  const figures = {
    requestsPerS: Math.round(word.inTime / word.seconds),
    p50Ms: round(word.ms.p50),
    p99Ms: round(word.ms.p99),
    serverUsPerRequest: round((use.used.server * 1e6) / Math.max(1, word.accepted)),
    serverCores: round(use.used.server / use.seconds),
    tapperCores: round(use.used.tapper / use.seconds),
    machineBusy: round(use.machine),
  };
  return { figures, full: limitedBy(use) };
}

async function bareSide(ends: Ends): Promise<Side> {
  const helper = ends.add(new Helper<"open", { port: number }>("bare-handler.ts"));
  const { port } = await helper.ask("open");
  return { port, pids: [helper.pid], counted: async () => undefined };
}

async function sqliteSide(ends: Ends): Promise<Side> {
  const folder = temporaryFolder(ends);
  const server = ends.add(await startOvation(`--data=${join(folder, "ledger")}`));
  return { port: server.port, pids: [server.pid], counted: () => totalsOf(server.port) };
}

/** NATS is a process of its own: its work is not the server's, but shown by `machineBusy`. */
async function jetstreamSide(ends: Ends): Promise<Side> {
  const nats = ends.add(await startNats(temporaryFolder(ends)));
  const server = ends.add(await startOvation(`--nats=${nats.url}`));
  return { port: server.port, pids: [server.pid], counted: () => totalsOf(server.port) };
}

async function totalsOf(port: number): Promise<number> {
  let sum = 0;
  for (const video of videos) {
    const answer = await fetch(`http://127.0.0.1:${port}/v1/videos/${video}`);
    const { totals } = (await answer.json()) as { totals: Record<string, number> };
    sum += totals.heart ?? 0;
  }
  return sum;
}

function temporaryFolder(ends: Ends): string {
  const folder = mkdtempSync(join(tmpdir(), "ovation-bench-"));
  ends.add({ end: async () => rmSync(folder, { recursive: true, force: true }) });
  return folder;
}

await play(
  {
    name: "ingest",
    rounds: 5,
    seconds: 4,
    minutesMax: 5,
    own: { sides: "sqlite, jetstream, or both with a comma" },
  },
  measure,
);
