/**
 * `npm run bench:memory`: what a viewer costs in memory, idle, while ticking, and when its reader is behind;
 * and whether the memory comes back when all have left.
 *
 * User memory is the growth of the server's proportional set size. Kernel memory is what its socket buffers
 * hold (/proc/net/sockstat), both ends of each connection, since both are on this machine. A start of its own
 * for every number of viewers: a process that has held 18,000 tells nothing about 1,000.
 */
import { Crowd } from "./crowd.ts";
import { Helper } from "./link.ts";
import { type Ovation, startOvation } from "./ovation.ts";
import { socketMemory, userBytes } from "./proc.ts";
import { Ends, play, type RunFlags, say } from "./run.ts";
import { median, medians } from "./stats.ts";
import type { TapOrder, TapWord } from "./tapper.ts";

const audiences = [1_000, 5_000, 10_000, 18_000];
/** The collector gives back what nobody uses about ten seconds after the last work. */
const quietMs = 12_000;
/** After all have left: memory that has not fallen by a megabyte for this long will not. */
const stillMs = 15_000;
const backMs = 60_000;
const stalled = 200;
/** Window of a stalled reader: small, so that it is the server's side that fills. */
const stalledWindowBytes = 4_096;
const floodPerS = 2_000;
const floodSeconds = 6;
const floodsMax = 6;
const video = "memory";
/** As long as a name may be: large frames fill the socket of a stalled reader in seconds. */
const longName = "☃".repeat(64);

async function measure({ rounds, seconds, own }: RunFlags, ends: Ends) {
  const sizes = own.viewers ? own.viewers.split(",").map(Number) : audiences;
  const viewers: Record<string, unknown>[] = [];
  for (const size of sizes) {
    const each: Record<string, number>[] = [];
    for (let i = 0; i < rounds; i++) each.push(await hold(size, seconds));
    const middle = medians(each);
    viewers.push({ viewers: size, ...middle });
    const { idleBytes, tickingBytes, back } = middle;
    say(`  ${size} viewers: ${idleBytes} B idle, ${tickingBytes} B ticking, back to ${back}`);
  }
  const behind: Record<string, number>[] = [];
  for (let i = 0; i < rounds; i++) behind.push(await stall(ends));
  return { viewers, lagging: { viewers: stalled, ...medians(behind) } };
}

/**
 * One audience: bytes per viewer idle, while ticking, and the memory afterwards as a share of that before.
 */
async function hold(viewers: number, seconds: number): Promise<Record<string, number>> {
  const ends = new Ends();
  try {
    const server = ends.add(await startOvation());
    const crowd = ends.add(new Crowd({ port: server.port, viewers, videos: [video] }));
    const tapper = ends.add(new Helper<TapOrder, TapWord>("tapper.ts"));
    // What every server has done at some time: its code is warm, its first heap is grown.
    await tap(tapper, server, 200, 1, "");
    await Bun.sleep(quietMs);
    const start = userBytes(server.pid);
    const kernelStart = socketMemory().bytes;
    await crowd.bring();
    await Bun.sleep(quietMs);
    const idle = userBytes(server.pid);
    const kernelIdle = socketMemory().bytes;
    const tapping = tap(tapper, server, 50, seconds, "");
    const peaks: number[] = [];
    for (let s = 0; s < seconds * 2; s++) {
      await Bun.sleep(450);
      peaks.push(userBytes(server.pid));
    }
    await tapping;
    await crowd.leave();
    const left = await comesBack(server.pid);
    const per = (bytes: number): number => Math.round((bytes - start) / viewers);
    return {
      startMB: start / 1e6,
      idleBytes: per(idle),
      tickingBytes: per(median(peaks)),
      tickingPeakBytes: per(Math.max(...peaks)),
      kernelIdleBytes: Math.round((kernelIdle - kernelStart) / viewers),
      back: left.bytes / start,
      backAfterS: left.seconds,
    };
  } finally {
    await ends.all();
  }
}

/** Waits until memory falls no more; what it fell to, and when. */
async function comesBack(pid: number): Promise<{ bytes: number; seconds: number }> {
  const beganMs = performance.now();
  let least = userBytes(pid);
  let leastMs = beganMs;
  for (
    let nowMs = beganMs;
    nowMs - leastMs < stillMs && nowMs - beganMs < backMs;
    nowMs = performance.now()
  ) {
    await Bun.sleep(500);
    const bytes = userBytes(pid);
    if (bytes > least - 1e6) continue;
    least = bytes;
    leastMs = performance.now();
  }
  return { bytes: least, seconds: (leastMs - beganMs) / 1000 };
}

/**
 * Readers that stopped: likes with long names flow until the server knows all of them to be behind, and then
 * on. Compared with the same viewers after the same flood when they still read.
 */
async function stall(all: Ends): Promise<Record<string, number>> {
  const ends = new Ends();
  all.add({ end: () => ends.all() });
  try {
    const server = ends.add(await startOvation("--tick=0ms"));
    const plan = { port: server.port, viewers: stalled, videos: [video], receiveBytes: stalledWindowBytes };
    const crowd = ends.add(new Crowd(plan));
    const tapper = ends.add(new Helper<TapOrder, TapWord>("tapper.ts"));
    await crowd.bring();
    const settled = async (): Promise<{ user: number; kernel: number }> => {
      await Bun.sleep(quietMs);
      return { user: userBytes(server.pid), kernel: socketMemory().bytes };
    };
    await tap(tapper, server, floodPerS, floodSeconds, longName);
    const reading = await settled();
    await crowd.stall(stalled);
    let behind = 0;
    for (let i = 0; i < floodsMax && behind < stalled; i++) {
      await tap(tapper, server, floodPerS, floodSeconds, longName);
      behind = (await server.metrics()).get("ovation_connections_lagging") ?? 0;
    }
    const stopped = await settled();
    await tap(tapper, server, floodPerS, floodSeconds, longName);
    const later = await settled();
    return {
      behind,
      bytes: Math.round((stopped.user - reading.user) / stalled),
      growthWhileBehindBytes: Math.round((later.user - stopped.user) / stalled),
      kernelBytes: Math.round((stopped.kernel - reading.kernel) / stalled),
    };
  } finally {
    await ends.all();
  }
}

function tap(
  tapper: Helper<TapOrder, TapWord>,
  { port }: Ovation,
  perS: number,
  seconds: number,
  user: string,
): Promise<TapWord> {
  const body = user === "" ? '{"kind":"heart"}' : JSON.stringify({ kind: "heart", user });
  const requests = [{ path: `/v1/videos/${video}/likes`, body }];
  return tapper.ask({ do: "tap", port, connections: 8, requests, perS, seconds, accepts: 202 });
}

await play(
  {
    name: "memory",
    rounds: 3,
    seconds: 6,
    minutesMax: 45,
    own: { viewers: "audiences, with commas" },
  },
  measure,
);
