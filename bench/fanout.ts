/**
 * `npm run bench:fanout`: frames a second to 10,000 viewers, of one video and of 1,000 videos, beside two
 * bare writers that do nothing but write the same bytes to the same audience.
 *
 * All servers stand at once, each with its own audience, and are driven in turn, so that whatever else the
 * machine does falls on all of them. Ovation runs with --tick=0ms: passes follow each other without pause,
 * fed with a tenth more ticks than the raw writer could write, so that it never waits for one; likes beyond
 * that would be work that a writer does not have.
 * Its frames are counted by its own metrics and, independently, by the bytes that reached the audience.
 */
import type { BareOrder, BareWord } from "./bare-writer.ts";
import { Crowd } from "./crowd.ts";
import { Helper } from "./link.ts";
import { warmed } from "./network.ts";
import { type Ovation, startOvation } from "./ovation.ts";
import { CpuWatch, limitedBy } from "./proc.ts";
import { type Ends, play, type RunFlags, say } from "./run.ts";
import { median, medians, round } from "./stats.ts";
import type { TapOrder, TapWord } from "./tapper.ts";

const viewers = 10_000;
const sampleMs = 5_000;
/** How many more ticks are asked of Ovation than the raw writer could have written. */
const askMore = 1.1;
/** Bytes that chunked encoding puts around a frame of less than 256 bytes. */
const chunkBytes = 6;

interface Side {
  /** Begins to write without end; `perS` is how many frames are wanted at least. */
  start(perS: number): void | Promise<void>;
  stop(): Promise<void>;
  /** Frames written so far. */
  frames(): Promise<number>;
  readonly pid: number;
  readonly crowd: Crowd;
}

interface Figures {
  readonly framesPerS: number;
  readonly serverCores: number;
  readonly audienceCores: number;
  readonly serverUsPerFrame: number;
  readonly machineBusy: number;
  /** Bytes that arrived for each byte that was said to be written. */
  readonly arrived: number;
}

async function measure({ rounds, seconds, own }: RunFlags, ends: Ends) {
  const shapes = own.videos ? [Number(own.videos)] : [1, 1_000];
  const results: Record<string, unknown> = {};
  for (const videos of shapes) {
    say(`${videos} video${videos === 1 ? "" : "s"}`);
    results[`videos${videos}`] = await compare(videos, rounds, seconds, ends);
    await ends.all();
  }
  return results;
}

/** Ovation and two bare writers in turn, before audiences of `videos` videos; medians, and their ratios. */
export async function compare(videos: number, rounds: number, seconds: number, ends: Ends) {
  const names = Array.from({ length: videos }, (_, index) => `fan-${index + 1}`);
  const server = ends.add(await startOvation("--tick=0ms"));
  const frame = await sampleFrame(server, names[0] as string);
  const sides = {
    ovation: await ovationSide(server, names, ends),
    raw: await bareSide("raw", names, frame, ends, 20_000),
    stream: await bareSide("stream", names, frame, ends, 40_000),
  };
  const all: Record<keyof typeof sides, Figures[]> = { ovation: [], raw: [], stream: [] };
  const limits = new Set<string>();
  // The raw writer goes first: Ovation is asked for more than it did at best.
  let wanted = 0;
  for (let i = 0; i < rounds; i++) {
    for (const name of ["raw", "ovation", "stream"] as const) {
      const side = sides[name];
      const { figures, full } = await window(side, seconds, wanted * askMore, frame.length + chunkBytes);
      if (name === "raw") wanted = Math.max(wanted, figures.framesPerS);
      all[name].push(figures);
      for (const one of full) limits.add(`${name}: ${one}`);
      const cores = `server ${round(figures.serverCores)}, audience ${round(figures.audienceCores)} cores`;
      say(`  ${name.padEnd(8)} ${Math.round(figures.framesPerS)} frames/s, ${cores}`);
    }
  }
  const ratio = (to: "raw" | "stream", of: (one: Figures) => number) =>
    round(median(all.ovation.map((one, index) => of(one) / of(all[to][index] as Figures))));
  return {
    viewers,
    frameBytes: frame.length,
    ovation: medians(all.ovation as unknown as Record<string, number>[]),
    bareRaw: medians(all.raw as unknown as Record<string, number>[]),
    bareStream: medians(all.stream as unknown as Record<string, number>[]),
    ratioToRaw: ratio("raw", (one) => one.framesPerS),
    ratioToStream: ratio("stream", (one) => one.framesPerS),
    cpuPerFrameToRaw: ratio("raw", (one) => one.serverUsPerFrame),
    limitedBy: [...limits],
  };
}

/** One measurement of one server: warm up, then count what is written and used within `seconds`. */
async function window(side: Side, seconds: number, wantedPerS: number, bytesPerFrame: number) {
  await side.start(wantedPerS);
  await warmed(() => side.frames(), viewers);
  const cpu = new CpuWatch({ server: [side.pid], audience: side.crowd.pids });
  const [frames, word] = [await side.frames(), await side.crowd.tell()];
  const beganMs = performance.now();
  await Bun.sleep(seconds * 1000);
  const [framesAfter, wordAfter] = [await side.frames(), await side.crowd.tell()];
  const tookS = (performance.now() - beganMs) / 1000;
  const use = cpu.read();
  await side.stop();
  const written = framesAfter - frames;
  const figures: Figures = {
    framesPerS: written / tookS,
    serverCores: use.used.server / use.seconds,
    audienceCores: use.used.audience / use.seconds,
    serverUsPerFrame: (use.used.server * 1e6) / Math.max(1, written),
    machineBusy: use.machine,
    arrived: (wordAfter.bytes - word.bytes) / (written * bytesPerFrame),
  };
  return { figures, full: limitedBy(use) };
}

async function ovationSide(server: Ovation, videos: readonly string[], ends: Ends): Promise<Side> {
  const crowd = ends.add(new Crowd({ port: server.port, viewers, videos }));
  const tapper = ends.add(new Helper<TapOrder, TapWord>("tapper.ts"));
  await crowd.bring();
  let tapping: Promise<TapWord> | undefined;
  return {
    pid: server.pid,
    crowd,
    start(perS) {
      tapping = tapper.ask({
        do: "tap",
        port: server.port,
        connections: 4,
        requests: requestsFor(videos),
        // One request makes a tick of every video, and a tick a frame for every viewer.
        perS: Math.max(1, perS / viewers),
        seconds: 3_600,
        accepts: 202,
      });
    },
    async stop() {
      void tapper.ask({ do: "stop" });
      await tapping;
    },
    async frames() {
      return (await server.metrics()).get('ovation_frames_total{event="likes"}') ?? 0;
    },
  };
}

function requestsFor(videos: readonly string[]): { path: string; body: string }[] {
  if (videos.length === 1) return [{ path: `/v1/videos/${videos[0]}/likes`, body: '{"kind":"heart"}' }];
  const items = videos.map((video) => ({ video, kind: "heart" }));
  return [{ path: "/v1/likes", body: JSON.stringify({ items }) }];
}

async function bareSide(
  how: "raw" | "stream",
  videos: readonly string[],
  frame: string,
  ends: Ends,
  from: number,
): Promise<Side> {
  const writer = ends.add(new Helper<BareOrder, BareWord>("bare-writer.ts"));
  const { port } = await writer.ask({ do: "open", how, videos });
  const crowd = ends.add(new Crowd({ port, viewers, videos, from }));
  await crowd.bring();
  let frames = 0;
  return {
    pid: writer.pid,
    crowd,
    async start() {
      await writer.ask({ do: "flood", frames: videos.map((video) => frame.replace(/fan-\d+/, video)) });
    },
    async stop() {
      await writer.ask({ do: "stop" });
    },
    async frames() {
      frames = (await writer.ask({ do: "tell" })).frames;
      return frames;
    },
  };
}

/** A frame as Ovation writes it to viewers of `video`. */
async function sampleFrame({ port }: Ovation, video: string): Promise<string> {
  const base = `http://127.0.0.1:${port}/v1/videos/${video}`;
  const stream = await fetch(`${base}/events`, { signal: AbortSignal.timeout(sampleMs) });
  const like = (): Promise<Response> =>
    fetch(`${base}/likes`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: '{"kind":"heart"}',
    });
  if (!stream.ok || !(await like()).ok) throw new Error("the server does not take streams and likes");
  let text = "";
  for await (const bytes of stream.body as ReadableStream<Uint8Array>) {
    text += new TextDecoder().decode(bytes);
    const frame = /event: likes\ndata: .*\n\n/.exec(text);
    // Leaving the loop cancels the stream.
    if (frame) return frame[0];
    if (text.includes("snapshot")) await like();
  }
  throw new Error("no likes frame came");
}

if (import.meta.main) {
  await play(
    {
      name: "fanout",
      rounds: 5,
      seconds: 4,
      minutesMax: 15,
      ownNetwork: true,
      own: { videos: "only this many videos" },
    },
    measure,
  );
}
