/**
 * `npm run bench:videos`: many videos, each with a small audience, and what they cost beside one with a
 * large one.
 *
 * Four bars, each printed with its figure as met or missed: frames a second of 1,000 videos beside a bare
 * writer of the same bytes; how long 50,000 viewers of as many videos wait for their first state when a whole
 * cluster starts with them (videos-cluster.ts); memory of a video that is watched beyond that of its viewer;
 * and how long a start with a million liked videos takes. `--only=fanout,cluster,memory,start`.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { cpuSeconds, userBytes } from "../src/plan/proc.ts";
import { Crowd } from "./crowd.ts";
import { compare } from "./fanout.ts";
import { startOvation } from "./ovation.ts";
import { Ends, play, type RunFlags, say } from "./run.ts";
import { medians, round } from "./stats.ts";
import { coldStart, like } from "./videos-cluster.ts";

const bars = ["fanout", "cluster", "memory", "start"] as const;
type Bar = (typeof bars)[number];

const fanoutVideos = 1_000;
const clusterVideos = 50_000;
/** In one process, which may open 20,000 descriptors. */
const memoryVideos = 15_000;
const likedVideos = 1_000_000;
/** The collector gives back what nobody uses about ten seconds after the last work. */
const quietMs = 12_000;

/** What is wanted of a figure, and what it is. */
interface Judged {
  readonly what: string;
  readonly value: number;
  readonly wanted: string;
  readonly met: boolean;
}

async function measure(flags: RunFlags, ends: Ends) {
  const chosen = (flags.own.only?.split(",") ?? bars) as readonly Bar[];
  const unknown = chosen.find((name) => !bars.includes(name));
  if (unknown !== undefined) throw new Error(`--only takes ${bars.join(", ")}`);
  const judged: Judged[] = [];
  const results: Record<string, unknown> = {};
  for (const name of chosen) {
    const { figures, bar } = await measures[name](flags, ends);
    results[name] = figures;
    judged.push(bar);
    say(`  ${JSON.stringify(figures)}`);
    say(sentence(bar));
  }
  say("");
  for (const bar of judged) say(sentence(bar));
  return { ...results, bars: judged };
}

function sentence({ what, value, wanted, met }: Judged): string {
  return `${met ? "met   " : "MISSED"} ${what}: ${value}, wanted ${wanted}`;
}

const measures: Record<Bar, (flags: RunFlags, ends: Ends) => Promise<{ figures: object; bar: Judged }>> = {
  async fanout({ rounds, seconds }, ends) {
    const figures = await compare(fanoutVideos, rounds, seconds, ends);
    await ends.all();
    const value = figures.ratioToRaw;
    return { figures, bar: atLeast(`frames/s of ${fanoutVideos} videos beside a bare writer`, value, 0.95) };
  },
  async cluster({ own }) {
    const { figures, full } = await coldStart(Number(own.videos ?? clusterVideos));
    const what = `seconds until the viewers of ${figures.videos} videos see their first state, cluster cold`;
    return { figures: { ...figures, limitedBy: full }, bar: atMost(what, figures.allS ?? Number.NaN, 20) };
  },
  async memory({ rounds, own }) {
    const videos = Number(own.holders ?? memoryVideos);
    const each: Record<string, number>[] = [];
    for (let i = 0; i < Math.min(rounds, 2); i++) {
      const [one, many] = [await held(videos, 1), await held(videos, videos)];
      each.push({ viewerBytes: one, viewerAndVideoBytes: many, videoBytes: many - one });
    }
    const middle = medians(each);
    const value = middle.videoBytes ?? Number.NaN;
    return {
      figures: { viewers: videos, ...middle },
      bar: atMost("bytes of a watched video beyond its viewer", value, 1_200),
    };
  },
  async start({ rounds, own }) {
    const figures = await startOf(Number(own.liked ?? likedVideos), rounds);
    const what = `seconds of a start with ${figures.videos} liked videos`;
    return { figures, bar: atMost(what, figures.readyS, 3) };
  },
};

function atLeast(what: string, value: number, least: number): Judged {
  return { what, value, wanted: `≥ ${least}`, met: value >= least };
}

function atMost(what: string, value: number, most: number): Judged {
  return { what, value, wanted: `≤ ${most}`, met: value <= most };
}

/** Bytes of a node for each of `viewers` that wait on `videos` videos. */
async function held(viewers: number, videos: number): Promise<number> {
  const ends = new Ends();
  try {
    const server = ends.add(await startOvation());
    const names = Array.from({ length: videos }, (_, index) => `held-${index + 1}`);
    // What every server has done at some time: its code is warm, its first heap is grown.
    await like(server, names.slice(0, 1));
    await Bun.sleep(quietMs);
    const start = userBytes(server.pid);
    const crowd = ends.add(new Crowd({ port: server.port, viewers, videos: names }));
    await crowd.bring();
    await Bun.sleep(quietMs);
    return Math.round((userBytes(server.pid) - start) / viewers);
  } finally {
    await ends.all();
  }
}

/** Starts on a folder whose log holds so many liked videos. */
async function startOf(videos: number, rounds: number) {
  const ends = new Ends();
  try {
    const folder = mkdtempSync(join(tmpdir(), "ovation-bench-"));
    ends.add({ end: async () => rmSync(folder, { recursive: true, force: true }) });
    const data = `--data=${folder}`;
    const first = ends.add(await startOvation(data));
    await like(
      first,
      Array.from({ length: videos }, (_, index) => `liked-${index + 1}`),
    );
    await settled(() => cpuSeconds(first.pid));
    await first.end();
    const each: Record<string, number>[] = [];
    for (let i = 0; i < rounds; i++) {
      const beganMs = performance.now();
      const server = ends.add(await startOvation(data));
      const readyS = (performance.now() - beganMs) / 1000;
      each.push({ readyS, cpuS: cpuSeconds(server.pid), userMB: userBytes(server.pid) / 1e6 });
      await server.end();
    }
    const { readyS = Number.NaN, ...more } = medians(each);
    return { videos, readyS, ...more, worstS: round(Math.max(...each.map((one) => one.readyS ?? 0))) };
  } finally {
    await ends.all();
  }
}

/** Resolves when `cpuS` says that next to nothing is being done any more. */
async function settled(cpuS: () => number): Promise<void> {
  for (let before = cpuS(), now = Number.POSITIVE_INFINITY; now - before > 0.1; ) {
    before = cpuS();
    await Bun.sleep(2_000);
    now = cpuS();
  }
}

await play(
  {
    name: "videos",
    rounds: 3,
    seconds: 4,
    minutesMax: 20,
    ownNetwork: true,
    own: {
      only: `of ${bars.join(", ")}; several with commas`,
      videos: "of the cluster's audience",
      holders: "videos and viewers of the memory",
      liked: "videos of the start",
    },
  },
  measure,
);
