/**
 * One audience of `bench:memory` and `bench:against`, from before it comes until after it has left.
 *
 * User memory is the growth of the server's proportional set size. Kernel memory is what its socket buffers
 * hold (/proc/net/sockstat), both ends of each connection, since both are on this machine.
 */

import { limits } from "../src/core/limits.ts";
import { userBytes } from "../src/plan/proc.ts";
import { Crowd } from "./crowd.ts";
import { Helper } from "./link.ts";
import type { Ovation } from "./ovation.ts";
import { socketMemory } from "./proc.ts";
import { Ends } from "./run.ts";
import { median } from "./stats.ts";
import type { TapOrder, TapWord } from "./tapper.ts";

export const video = "memory";
/** The collector gives back what nobody uses about ten seconds after the last work. */
export const quietMs = 12_000;
/** After all have left: memory that has not fallen by a megabyte for this long will not. */
const stillMs = 15_000;
const backMs = 60_000;

export interface HoldTimes {
  /** Of ticking. */
  readonly seconds: number;
  /** Before each look at memory. */
  readonly quietMs: number;
  /** Characters of each of the comments that viewers begin with; none without it. */
  readonly commentChars?: number;
  /** Whether to wait until what they held has been given back. */
  readonly untilBack: boolean;
}

/**
 * One audience: bytes per viewer idle, while ticking, and the memory afterwards as a share of that before.
 */
export async function hold(
  startServer: () => Promise<Ovation>,
  viewers: number,
  { seconds, quietMs, untilBack, commentChars = 0 }: HoldTimes,
): Promise<Record<string, number>> {
  const ends = new Ends();
  try {
    const server = ends.add(await startServer());
    const crowd = ends.add(new Crowd({ port: server.port, viewers, videos: [video] }));
    const tapper = ends.add(new Helper<TapOrder, TapWord>("tapper.ts"));
    // What every server has done at some time: its code is warm, its first heap is grown.
    await tap(tapper, server, 200, 1, "");
    if (commentChars > 0) await comment(server, commentChars);
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
    const per = (bytes: number): number => Math.round((bytes - start) / viewers);
    const left = untilBack ? await comesBack(server.pid) : undefined;
    return {
      startMB: start / 1e6,
      idleBytes: per(idle),
      tickingBytes: per(median(peaks)),
      tickingPeakBytes: per(Math.max(...peaks)),
      kernelIdleBytes: Math.round((kernelIdle - kernelStart) / viewers),
      ...(left && { back: left.bytes / start, backAfterS: left.seconds }),
    };
  } finally {
    await ends.all();
  }
}

/** As many comments as a snapshot holds. */
async function comment({ port }: Ovation, chars: number): Promise<void> {
  const body = JSON.stringify({ text: "a".repeat(chars), user: "writer" });
  const headers = { "content-type": "application/json" };
  for (let i = 0; i < limits.snapshotCommentsMax; i++) {
    const url = `http://127.0.0.1:${port}/v1/videos/${video}/comments`;
    const { status } = await fetch(url, { method: "POST", headers, body });
    if (status !== 201) throw new Error(`a comment was answered ${status}`);
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

export function tap(
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
