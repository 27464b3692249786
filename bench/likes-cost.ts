/**
 * `npm run bench:likes-cost`: processor time per tick as the likes grow from 10 to 100,000 taps a second at
 * the same viewers, and as the viewers grow at the same likes. The first should be a flat line, the second a
 * straight one.
 *
 * Ticks come five times a second (--tick=200ms), which every rate here reaches. What taking the likes costs
 * is measured first, without viewers, and taken off: it is the ingest's (bench:ingest), not the tick's.
 */
import { Crowd } from "./crowd.ts";
import { Helper } from "./link.ts";
import { type Ovation, startOvation } from "./ovation.ts";
import { CpuWatch, limitedBy } from "./proc.ts";
import { Ends, play, type RunFlags, say } from "./run.ts";
import { median, round } from "./stats.ts";
import type { TapOrder, TapWord } from "./tapper.ts";

const rates = [10, 100, 1_000, 10_000, 100_000];
const sizes = [1_000, 2_000, 5_000, 10_000];
const viewersFixed = 10_000;
const tapsFixed = 100;
const video = "cost";
/** From this rate on, taps come merged, as clients merge them. */
const mergeFrom = 1_000;
const warmSeconds = 1;

interface Reading {
  readonly tapsPerS: number;
  readonly ticksPerS: number;
  readonly serverCores: number;
  readonly passMs: number;
  readonly full: readonly string[];
}

async function measure({ rounds, seconds }: RunFlags, ends: Ends) {
  const alone = new Map<number, number>();
  for (const rate of rates) alone.set(rate, await coresAlone(rate, rounds, seconds, ends));
  const byTaps: Record<string, unknown>[] = [];
  const byViewers: Record<string, unknown>[] = [];
  for (const size of sizes) {
    const own = new Ends();
    ends.add({ end: () => own.all() });
    const server = own.add(await startOvation("--tick=200ms"));
    const crowd = own.add(new Crowd({ port: server.port, viewers: size, videos: [video] }));
    const tapper = own.add(new Helper<TapOrder, TapWord>("tapper.ts"));
    await crowd.bring();
    for (const rate of size === viewersFixed ? rates : [tapsFixed]) {
      const each: Reading[] = [];
      for (let i = 0; i < rounds; i++) each.push(await read(server, tapper, crowd.pids, rate, seconds));
      const row = rowOf(size, rate, each, alone.get(rate) ?? 0);
      if (size === viewersFixed) byTaps.push(row);
      if (rate === tapsFixed) byViewers.push(row);
      say(`  ${JSON.stringify(row)}`);
    }
    await own.all();
  }
  return { byTaps, byViewers };
}

async function coresAlone(rate: number, rounds: number, seconds: number, all: Ends): Promise<number> {
  const ends = new Ends();
  all.add({ end: () => ends.all() });
  try {
    const server = ends.add(await startOvation("--tick=200ms"));
    const tapper = ends.add(new Helper<TapOrder, TapWord>("tapper.ts"));
    const each: number[] = [];
    for (let i = 0; i < rounds; i++) {
      each.push((await read(server, tapper, [], rate, seconds)).serverCores);
    }
    return median(each);
  } finally {
    await ends.all();
  }
}

async function read(
  server: Ovation,
  tapper: Helper<TapOrder, TapWord>,
  audience: readonly number[],
  rate: number,
  seconds: number,
): Promise<Reading> {
  const count = rate >= mergeFrom ? 50 : 1;
  const tapping = tapper.ask({
    do: "tap",
    port: server.port,
    connections: 16,
    requests: [
      { path: `/v1/videos/${video}/likes`, body: `{"kind":"heart","count":${count},"key":"{key}"}` },
    ],
    perS: rate / count,
    seconds: seconds + 2 * warmSeconds,
    accepts: 202,
  });
  await Bun.sleep(warmSeconds * 1000);
  const before = await server.metrics();
  const cpu = new CpuWatch({ server: [server.pid], audience });
  await Bun.sleep(seconds * 1000);
  const use = cpu.read();
  const after = await server.metrics();
  const word = await tapping;
  const grew = (name: string): number => (after.get(name) ?? 0) - (before.get(name) ?? 0);
  return {
    tapsPerS: (word.inTime * count) / word.seconds,
    ticksPerS: grew("ovation_ticks_published_total") / use.seconds,
    serverCores: use.used.server / use.seconds,
    passMs: (1000 * grew("ovation_pass_seconds_sum")) / Math.max(1, grew("ovation_pass_seconds_count")),
    full: limitedBy(use),
  };
}

function rowOf(viewers: number, rate: number, each: readonly Reading[], aloneCores: number) {
  const cores = median(each.map((one) => one.serverCores));
  const ticksPerS = median(each.map((one) => one.ticksPerS));
  return {
    viewers,
    wantedTapsPerS: rate,
    tapsPerS: round(median(each.map((one) => one.tapsPerS))),
    ticksPerS: round(ticksPerS),
    cpuMsPerTick: round((1000 * Math.max(0, cores - aloneCores)) / Math.max(1, ticksPerS)),
    ingestCores: round(aloneCores),
    serverCores: round(cores),
    passMs: round(median(each.map((one) => one.passMs))),
    limitedBy: [...new Set(each.flatMap((one) => one.full))],
  };
}

await play({ name: "likes-cost", rounds: 5, seconds: 4, minutesMax: 20 }, measure);
