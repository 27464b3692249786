/**
 * What `bench:against` measures of one executable: each a server of its own with an audience of its own, from
 * its start to its end, so that two of them differ in nothing but the server.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Crowd } from "./crowd.ts";
import { hold } from "./hold.ts";
import { Helper } from "./link.ts";
import { warmed } from "./network.ts";
import { type Ovation, startOvationAt } from "./ovation.ts";
import { CpuWatch, limitedBy } from "./proc.ts";
import { Ends } from "./run.ts";
import { round } from "./stats.ts";
import type { TapOrder, TapWord } from "./tapper.ts";

export interface Measured {
  readonly figures: Readonly<Record<string, number>>;
  /** Who was at its limit: see proc.ts. */
  readonly full: readonly string[];
}

export interface Effort {
  /** Seconds of one measurement. */
  readonly seconds: number;
  /** Of the large audience. */
  readonly viewers: number;
  /** Of whose memory is looked at, and how long it is left alone before. */
  readonly holders: number;
  readonly quietMs: number;
}

/** One duel; the names of its figures end in how they are told. */
export interface Duel {
  readonly name: string;
  measure(binary: string, effort: Effort, ends: Ends): Promise<Measured>;
}

type Tapper = Helper<TapOrder, TapWord>;

const likesFrames = 'ovation_frames_total{event="likes"}';
const likesPerS = 100;
/** Ticks a second that no server can write to the large audience: it never waits for one. */
const floodTicksPerS = 30;
const videosMany = 1_000;
const tapperConnections = 16;
const floodConnections = 64;
/** Viewers of the latency of a middling audience. */
const listeners = 2_000;

/** Comments beside a hundred likes a second. */
export const commentRates = [0, 5, 10, 20, 100] as const;

export const duels: readonly Duel[] = [
  { name: "fanout", measure: (binary, effort) => fanout(binary, 1, effort) },
  { name: "videos", measure: (binary, effort) => fanout(binary, videosMany, effort) },
  ...commentRates.map((rate) => ({
    name: `mixed-${rate}`,
    measure: (binary: string, effort: Effort) => mixed(binary, rate, effort.viewers, effort),
  })),
  { name: "latency", measure: (binary, effort) => mixed(binary, 0, listeners, effort) },
  { name: "flood", measure: flood },
  ...[1, videosMany].map((videos) => ({
    name: `comments-${videos}`,
    measure: (binary: string, effort: Effort) => comments(binary, videos, effort),
  })),
  { name: "memory", measure: memory },
];

async function fanout(binary: string, videos: number, { seconds, viewers }: Effort): Promise<Measured> {
  return withServer(startOvationAt(binary, "--tick=0ms"), async (server, ends) => {
    const names = Array.from({ length: videos }, (_, index) => `duel-${index + 1}`);
    const crowd = await bring(server, viewers, names, ends);
    const items = names.map((video) => ({ video, kind: "heart" }));
    const request =
      videos === 1
        ? { path: `/v1/videos/${names[0]}/likes`, body: '{"kind":"heart"}' }
        : { path: "/v1/likes", body: JSON.stringify({ items }) };
    post(server, request, floodTicksPerS, 202, ends);
    await settled(server, viewers);
    const before = await server.metrics();
    const cpu = new CpuWatch({ server: [server.pid], audience: crowd.pids });
    await Bun.sleep(seconds * 1_000);
    const use = cpu.read();
    const frames = ((await server.metrics()).get(likesFrames) ?? 0) - (before.get(likesFrames) ?? 0);
    return {
      figures: {
        framesPerS: frames / use.seconds,
        usPerFrame: (use.used.server * 1e6) / Math.max(1, frames),
        lost: (await crowd.tell()).lost,
      },
      full: limitedBy(use),
    };
  });
}

/** Likes beside `commentsPerS` comments to `viewers` of one video: how old each is when it arrives. */
async function mixed(
  binary: string,
  commentsPerS: number,
  viewers: number,
  { seconds }: Effort,
): Promise<Measured> {
  return withServer(startOvationAt(binary), async (server, ends) => {
    const video = "duel";
    const crowd = await bring(server, viewers, [video], ends);
    const base = `/v1/videos/${video}`;
    post(server, { path: `${base}/likes`, body: '{"kind":"heart"}' }, likesPerS, 202, ends);
    if (commentsPerS > 0) {
      post(server, { path: `${base}/comments`, body: '{"text":"how nice"}' }, commentsPerS, 201, ends);
    }
    await settled(server, viewers);
    await crowd.forget();
    const cpu = new CpuWatch({ server: [server.pid], audience: crowd.pids });
    await Bun.sleep(seconds * 1_000);
    const word = await crowd.tell();
    const use = cpu.read();
    return {
      figures: {
        likesP50Ms: word.ms.p50,
        likesP99Ms: word.ms.p99,
        ...(commentsPerS > 0 && { commentsP50Ms: word.commentMs.p50, commentsP99Ms: word.commentMs.p99 }),
        lost: word.lost,
      },
      full: limitedBy(use),
    };
  });
}

/** Single likes with keys over many connections, as many as are answered. */
async function flood(binary: string, { seconds }: Effort): Promise<Measured> {
  return withServer(startOvationAt(binary), async (server, ends) => {
    const tapper: Tapper = ends.add(new Helper<TapOrder, TapWord>("tapper.ts"));
    const cpu = new CpuWatch({ server: [server.pid], publisher: [tapper.pid] });
    const word = await tapper.ask({
      ...{ do: "tap", port: server.port, connections: floodConnections, perS: 0, seconds, accepts: 202 },
      requests: [{ path: "/v1/videos/duel/likes", body: '{"kind":"heart","key":"{key}"}' }],
    });
    const use = cpu.read();
    return {
      figures: {
        likesPerS: word.inTime / word.seconds,
        usPerLike: (use.used.server * 1e6) / Math.max(1, word.accepted),
        acceptP99Ms: word.ms.p99,
      },
      full: limitedBy(use),
    };
  });
}

/** Comments to `videos` in turn, as many as are answered, by a node that keeps them in a folder. */
async function comments(binary: string, videos: number, { seconds }: Effort): Promise<Measured> {
  const folder = mkdtempSync(join(tmpdir(), "ovation-bench-"));
  const flags = [`--data=${folder}`, "--limits=off", "--comment-rate=100000"];
  return withServer(startOvationAt(binary, ...flags), async (server, ends) => {
    ends.add({ end: async () => rmSync(folder, { recursive: true, force: true }) });
    const tapper: Tapper = ends.add(new Helper<TapOrder, TapWord>("tapper.ts"));
    const requests = Array.from({ length: videos }, (_, i) => ({
      path: `/v1/videos/duel-${i + 1}/comments`,
      body: '{"text":"how nice"}',
    }));
    const order = {
      do: "tap",
      port: server.port,
      connections: floodConnections,
      perS: 0,
      accepts: 201,
    } as const;
    // The first of each video is another case.
    await tapper.ask({ ...order, requests, seconds: 2 });
    const cpu = new CpuWatch({ server: [server.pid], publisher: [tapper.pid] });
    const word = await tapper.ask({ ...order, requests, seconds });
    const use = cpu.read();
    return {
      figures: {
        commentsPerS: word.inTime / word.seconds,
        usPerComment: (use.used.server * 1e6) / Math.max(1, word.accepted),
        acceptP99Ms: word.ms.p99,
      },
      full: limitedBy(use),
    };
  });
}

async function memory(binary: string, { seconds, holders, quietMs }: Effort): Promise<Measured> {
  const held = await hold(() => startOvationAt(binary), holders, { seconds, quietMs, untilBack: false });
  const { idleBytes = 0, tickingBytes = 0, startMB = 0 } = held;
  return { figures: { idleBytes, tickingBytes, startMB }, full: [] };
}

async function withServer(
  starting: Promise<Ovation>,
  measure: (server: Ovation, ends: Ends) => Promise<Measured>,
): Promise<Measured> {
  const ends = new Ends();
  try {
    const { figures, full } = await measure(ends.add(await starting), ends);
    const rounded = Object.entries(figures).map(([name, value]) => [name, round(value)] as const);
    return { figures: Object.fromEntries(rounded), full };
  } finally {
    await ends.all();
  }
}

async function bring(server: Ovation, viewers: number, videos: readonly string[], ends: Ends) {
  const crowd = ends.add(new Crowd({ port: server.port, viewers, videos }));
  await crowd.bring();
  return crowd;
}

/** Posts at an even pace until the end. */
function post(
  { port }: Ovation,
  request: { readonly path: string; readonly body: string },
  perS: number,
  accepts: number,
  ends: Ends,
): void {
  const tapper: Tapper = ends.add(new Helper<TapOrder, TapWord>("tapper.ts"));
  const order = { port, connections: tapperConnections, requests: [request], perS, accepts };
  void tapper.ask({ do: "tap", ...order, seconds: 3_600 });
}

function settled(server: Ovation, viewers: number): Promise<void> {
  return warmed(async () => (await server.metrics()).get(likesFrames) ?? 0, viewers);
}
