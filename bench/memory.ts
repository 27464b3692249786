/**
 * `npm run bench:memory`: what a viewer costs in memory, idle, while ticking, and when its reader is behind;
 * and whether the memory comes back when all have left.
 *
 * User memory is the growth of the server's proportional set size. Kernel memory is what its socket buffers
 * hold (/proc/net/sockstat), both ends of each connection, since both are on this machine. A start of its own
 * for every number of viewers: a process that has held 18,000 tells nothing about 1,000.
 */

import { userBytes } from "../src/plan/proc.ts";
import { Crowd } from "./crowd.ts";
import { hold, quietMs, tap, video } from "./hold.ts";
import { Helper } from "./link.ts";
import { startOvation } from "./ovation.ts";
import { socketMemory } from "./proc.ts";
import { Ends, play, type RunFlags, say } from "./run.ts";
import { medians } from "./stats.ts";
import type { TapOrder, TapWord } from "./tapper.ts";

const audiences = [1_000, 5_000, 10_000, 18_000];
/** Enough that a few megabytes of the server's heap are little for each. */
const stalledUsual = 1_000;
/** Window of a stalled reader: small, so that it is the server's side that fills. */
const stalledWindowBytes = 4_096;
const floodPerS = 2_000;
const floodSeconds = 6;
const floodsMax = 6;
/** As long as a name may be: large frames fill the socket of a stalled reader in seconds. */
const longName = "☃".repeat(64);

async function measure({ rounds, seconds, own }: RunFlags, ends: Ends) {
  const sizes = own.viewers ? own.viewers.split(",").map(Number) : audiences;
  const commentChars = Number(own.comments ?? 0);
  const viewers: Record<string, unknown>[] = [];
  for (const size of sizes) {
    const each: Record<string, number>[] = [];
    for (let i = 0; i < rounds; i++) {
      each.push(await hold(startOvation, size, { seconds, quietMs, untilBack: true, commentChars }));
    }
    const middle = medians(each);
    viewers.push({ viewers: size, ...middle });
    const { idleBytes, tickingBytes, back } = middle;
    say(`  ${size} viewers: ${idleBytes} B idle, ${tickingBytes} B ticking, back to ${back}`);
  }
  const behind: Record<string, number>[] = [];
  const stalled = Number(own.stalled ?? stalledUsual);
  for (let i = 0; i < rounds && stalled > 0; i++) behind.push(await stall(stalled, ends));
  return { viewers, lagging: { viewers: stalled, ...medians(behind) } };
}

/**
 * Readers that stopped: likes with long names flow until the server knows all of them to be behind, and then
 * on. Compared with the same viewers after the same flood when they still read.
 */
async function stall(stalled: number, all: Ends): Promise<Record<string, number>> {
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

await play(
  {
    name: "memory",
    rounds: 3,
    seconds: 6,
    minutesMax: 45,
    own: {
      viewers: "audiences, with commas",
      stalled: "readers that stop",
      comments: "characters of each of 20",
    },
  },
  measure,
);
