/**
 * `npm run bench:timeline-cost`: what it costs to keep which second each like belongs to, on the busiest
 * path: processor time per like that is posted by itself under a key, and memory, of a server with
 * `--timeline` and of one without. Both keep their log in a file. The target is 1.05 of each.
 *
 * Both take likes in turn, a second each: a pair of seconds has the same neighbours, so its ratio says more
 * than either of its seconds. What counts is the median of the pairs, told with the interval that holds the
 * true one nineteen times in twenty (order statistics); processor time is the scheduler's, in nanoseconds.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { residentBytes, threadSeconds } from "../src/plan/proc.ts";
import { Helper } from "./link.ts";
import { type Ovation, startOvation } from "./ovation.ts";
import { type Ends, play, type RunFlags, say } from "./run.ts";
import { median, round } from "./stats.ts";
import type { TapOrder, TapWord } from "./tapper.ts";

const perS = 5_000;
const videosByDefault = 20;
const warmPairs = 5;
const modes = ["on", "off"] as const;
type Mode = (typeof modes)[number];
type Servers = Readonly<Record<Mode, Ovation>>;

interface Tap {
  readonly tapper: Helper<TapOrder, TapWord>;
  readonly seconds: number;
  readonly videos: number;
}

/** Processor time per like, in microseconds. */
async function read(server: Ovation, { tapper, seconds, videos }: Tap): Promise<number> {
  const before = threadSeconds(server.pid);
  const word = await tapper.ask({
    do: "tap",
    port: server.port,
    connections: 64,
    requests: Array.from({ length: videos }, (_, i) => ({
      path: `/v1/videos/match-${i}/likes`,
      body: `{"kind":"${["heart", "clap", "laugh", "wow", "fire"][i % 5]}","key":"{key}"}`,
    })),
    perS,
    seconds,
    accepts: 202,
  });
  if (word.accepted === 0) throw new Error(`nothing was accepted: ${JSON.stringify(word.others)}`);
  return (1e6 * (threadSeconds(server.pid) - before)) / word.accepted;
}

async function started(ends: Ends): Promise<Servers> {
  const folder = mkdtempSync(join(tmpdir(), "ovation-bench-"));
  ends.add({ end: async () => rmSync(folder, { recursive: true, force: true }) });
  const start = async (mode: Mode): Promise<Ovation> =>
    ends.add(await startOvation(`--data=${join(folder, mode)}`, `--timeline=${mode}`, "--limits=off"));
  return { on: await start("on"), off: await start("off") };
}

/** The median of some ratios, and the 95 % interval of it. */
function middleOf(ratios: readonly number[]) {
  const sorted = [...ratios].sort((a, b) => a - b);
  const reach = 0.98 * Math.sqrt(sorted.length);
  const at = (index: number): number => sorted[Math.min(sorted.length - 1, Math.max(0, index))] ?? 0;
  const low = at(Math.floor(sorted.length / 2 - reach) - 1);
  return {
    ratio: round(median(ratios)),
    from: round(low),
    to: round(at(Math.ceil(sorted.length / 2 + reach))),
  };
}

async function measure({ rounds, seconds, own }: RunFlags, ends: Ends) {
  const servers = await started(ends);
  const tapper = ends.add(new Helper<TapOrder, TapWord>("tapper.ts"));
  const tap = { tapper, seconds, videos: Number(own.videos ?? videosByDefault) };
  const microseconds: Record<Mode, number[]> = { on: [], off: [] };
  const ratios: number[] = [];
  const memory: number[] = [];
  for (let i = 0; i < warmPairs + rounds; i++) {
    const pair = { on: 0, off: 0 };
    // Now the one first, now the other; the first pairs warm both up.
    for (const mode of i % 2 === 0 ? modes : modes.toReversed()) pair[mode] = await read(servers[mode], tap);
    if (i < warmPairs) continue;
    for (const mode of modes) microseconds[mode].push(pair[mode]);
    ratios.push(pair.on / pair.off);
    memory.push(residentBytes(servers.on.pid) / residentBytes(servers.off.pid));
    if (i % 10 === 0) say(`  ${ratios.length} pairs: ${JSON.stringify(middleOf(ratios))}`);
  }
  const row = (mode: Mode) => ({
    microsecondsPerLike: round(median(microseconds[mode])),
    megabytes: round(residentBytes(servers[mode].pid) / 1e6),
  });
  const { videos } = tap;
  const told = { perS, videos, pairs: rounds, on: row("on"), off: row("off") };
  const result = { ...told, cpu: middleOf(ratios), memory: middleOf(memory) };
  say(`  ${JSON.stringify(result)}`);
  return result;
}

const own = { videos: `how many are liked in turn (${videosByDefault})` };
await play({ name: "timeline-cost", rounds: 60, seconds: 1, minutesMax: 5, own }, measure);
