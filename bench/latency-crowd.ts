/**
 * One round of `bench:latency` before a large audience: the cheap one, of which every hundredth viewer reads.
 *
 * `ovation load` reads every frame of every viewer, which at ten thousand of them takes as much of a machine
 * as writing them: it would be itself that is measured. What it proves of such an audience, that nothing is
 * lost, it proves elsewhere.
 */
import { Crowd } from "./crowd.ts";
import { Helper } from "./link.ts";
import { warmed } from "./network.ts";
import type { Ovation } from "./ovation.ts";
import { type CpuUse, CpuWatch } from "./proc.ts";
import type { Ends } from "./run.ts";
import { round } from "./stats.ts";
import type { TapOrder, TapWord } from "./tapper.ts";

const connections = 16;
const likesFrames = 'ovation_frames_total{event="likes"}';

export interface CrowdRound {
  readonly figures: Record<string, number>;
  readonly use: CpuUse<"server" | "audience">;
  /** Pauses of the server before it began. */
  readonly pausesBefore: number;
  readonly before: Map<string, number>;
  readonly after: Map<string, number>;
}

/** Brings `viewers` of one video, lets `likesPerS` flow, and listens for `seconds`. */
export async function listenInCrowd(
  server: Ovation,
  { viewers, likesPerS, seconds }: { viewers: number; likesPerS: number; seconds: number },
  ends: Ends,
): Promise<CrowdRound> {
  const video = "latency";
  const crowd = ends.add(new Crowd({ port: server.port, viewers, videos: [video] }));
  const tapper = ends.add(new Helper<TapOrder, TapWord>("tapper.ts"));
  await crowd.bring();
  const tapping = tapper.ask({
    do: "tap",
    port: server.port,
    connections,
    requests: [{ path: `/v1/videos/${video}/likes`, body: '{"kind":"heart"}' }],
    perS: likesPerS,
    seconds: 3_600,
    accepts: 202,
  });
  await warmed(async () => (await server.metrics()).get(likesFrames) ?? 0, viewers);
  await crowd.forget();
  const pausesBefore = server.pausesMs.length;
  const before = await server.metrics();
  const cpu = new CpuWatch({ server: [server.pid], audience: crowd.pids });
  await Bun.sleep(seconds * 1000);
  const { ms, lost } = await crowd.tell();
  const use = cpu.read();
  const after = await server.metrics();
  void tapper.ask({ do: "stop" });
  const tapped = await tapping;
  if (lost > 0) throw new Error(`${lost} viewers were cut off`);
  const grew = (series: string): number =>
    ((after.get(series) ?? 0) - (before.get(series) ?? 0)) / use.seconds;
  const figures = {
    p50Ms: round(ms.p50),
    p90Ms: round(ms.p90),
    p99Ms: round(ms.p99),
    p999Ms: round(ms.p999),
    maxMs: round(ms.max),
    acceptP99Ms: round(tapped.ms.p99),
    framesPerS: round(grew(likesFrames)),
    likesDeliveredPerS: round(grew("ovation_likes_delivered_total")),
  };
  return { figures, use, pausesBefore, before, after };
}
