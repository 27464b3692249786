/**
 * `npm run bench:million`: a million likes a second, twice.
 *
 * The talk's million is delivered: 100 likes a second, each shown to 10,000 viewers, by `ovation load`, which
 * proves every one. The flood's million is accepted: taps merged to 50 a request, as a client merges them,
 * each request with a key, while 10,000 viewers watch. Then the totals and what every viewer was shown last
 * must be what was accepted, to the like.
 */
import { Crowd } from "./crowd.ts";
import { Helper } from "./link.ts";
import { runLoad } from "./load.ts";
import { type Ovation, startOvation } from "./ovation.ts";
import { CpuWatch, limitedBy } from "./proc.ts";
import { Ends, play, type RunFlags, say } from "./run.ts";
import { medians } from "./stats.ts";
import type { TapOrder, TapWord } from "./tapper.ts";

const viewers = 10_000;
const video = "million";
const count = 50;
/** A little above a million taps: what falls due while a connection is busy waits for the next. */
const wantedTapsPerS = 1_050_000;
const settleMs = 15_000;
const batchItems = 50;

interface Flood {
  readonly name: string;
  readonly path: string;
  readonly body: string;
  readonly connections: number;
  /** Taps in one request. */
  readonly taps: number;
}

const item = { kind: "heart", count, key: "{key}" };
const floods: readonly Flood[] = [
  {
    name: "single",
    path: `/v1/videos/${video}/likes`,
    body: JSON.stringify(item),
    connections: 64,
    taps: count,
  },
  {
    name: "batch",
    path: "/v1/likes",
    body: JSON.stringify({ items: Array.from({ length: batchItems }, () => ({ video, ...item })) }),
    connections: 16,
    taps: count * batchItems,
  },
];

async function measure({ rounds, seconds }: RunFlags, ends: Ends) {
  const talk: Record<string, number>[] = [];
  for (let i = 0; i < rounds; i++) talk.push(await playTalk(seconds, ends));
  const figures: Record<string, unknown> = { viewers, talk: medians(talk) };
  say(`  talk: ${JSON.stringify(figures.talk)}`);
  for (const flood of floods) {
    const { each, limits } = await playFlood(flood, rounds, seconds, ends);
    figures[flood.name] = { ...medians(each), exact: true, limitedBy: limits };
    say(`  ${flood.name}: ${JSON.stringify(figures[flood.name])}`);
  }
  return figures;
}

async function playTalk(seconds: number, all: Ends): Promise<Record<string, number>> {
  const ends = new Ends();
  all.add({ end: () => ends.all() });
  try {
    const server = ends.add(await startOvation());
    const { delivered } = await runLoad(
      [server.port],
      `--viewers=${viewers}`,
      "--likes=100",
      `--duration=${seconds}`,
    );
    return {
      likesDeliveredPerS: delivered.likesPerS,
      framesPerS: delivered.framesPerS,
      p50Ms: delivered.likesMs.p50,
      p90Ms: delivered.likesMs.p90,
      p99Ms: delivered.likesMs.p99,
    };
  } finally {
    await ends.all();
  }
}

async function playFlood(flood: Flood, rounds: number, seconds: number, all: Ends) {
  const ends = new Ends();
  all.add({ end: () => ends.all() });
  const each: Record<string, number>[] = [];
  const limits = new Set<string>();
  try {
    const server = ends.add(await startOvation());
    const crowd = ends.add(new Crowd({ port: server.port, viewers, videos: [video] }));
    const tapper = ends.add(new Helper<TapOrder, TapWord>("tapper.ts"));
    await crowd.bring();
    const tap = (forS: number): Promise<TapWord> =>
      tapper.ask({
        do: "tap",
        port: server.port,
        connections: flood.connections,
        requests: [flood],
        perS: wantedTapsPerS / flood.taps,
        seconds: forS,
        accepts: 202,
      });
    let accepted = (await tap(1)).accepted * flood.taps;
    for (let i = 0; i < rounds; i++) {
      await crowd.forget();
      const cpu = new CpuWatch({ server: [server.pid], audience: crowd.pids, tapper: [tapper.pid] });
      const word = await tap(seconds);
      const use = cpu.read();
      const { ms } = await crowd.tell();
      if (Object.keys(word.others).length > 0) say(`  refused: ${JSON.stringify(word.others)}`);
      accepted += word.accepted * flood.taps;
      for (const name of limitedBy(use)) limits.add(name);
      each.push({
        tapsPerS: (word.inTime * flood.taps) / word.seconds,
        requestsPerS: word.inTime / word.seconds,
        p50Ms: ms.p50,
        p90Ms: ms.p90,
        p99Ms: ms.p99,
        acceptP99Ms: word.ms.p99,
        refused: Object.values(word.others).reduce((sum, n) => sum + n, 0),
        serverCores: use.used.server / use.seconds,
        audienceCores: use.used.audience / use.seconds,
        tapperCores: use.used.tapper / use.seconds,
      });
    }
    await exact(server, crowd, tap, accepted, flood.taps);
    return { each, limits: [...limits] };
  } finally {
    await ends.all();
  }
}

/** Throws unless the totals, and the last frame of every viewer, are what was accepted. */
async function exact(
  server: Ovation,
  crowd: Crowd,
  tap: (seconds: number) => Promise<TapWord>,
  accepted: number,
  taps: number,
): Promise<void> {
  await crowd.read();
  // Everyone is shown one more tick, now that everyone reads.
  const wanted = accepted + (await tap(0.1)).accepted * taps;
  const untilMs = performance.now() + settleMs;
  for (;;) {
    const answer = await fetch(`http://127.0.0.1:${server.port}/v1/videos/${video}`);
    const { totals } = (await answer.json()) as { totals: { heart?: number } };
    const { shown } = await crowd.tell();
    if (totals.heart === wanted && shown[wanted] === viewers) return;
    if (performance.now() > untilMs) {
      const seen = JSON.stringify(shown).slice(0, 200);
      throw new Error(`accepted ${wanted}, totals ${totals.heart}, shown ${seen}`);
    }
    await Bun.sleep(100);
  }
}

await play({ name: "million", rounds: 5, seconds: 6, minutesMax: 15 }, measure);
