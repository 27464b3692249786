/** A supervisor on a virtual clock on which writing takes time, and viewers that take everything. */
import { type Clock, VirtualClock } from "../base/clock.ts";
import { createMetrics } from "../base/metrics.ts";
import type { VideoId } from "../core/interaction.ts";
import { Lineage } from "../core/lineage.ts";
import type { State } from "../core/wire.ts";
import { VideoState } from "../video/state.ts";
import { Connection } from "./connection.ts";
import { Viewer } from "./slot.ts";
import { Supervisor } from "./supervisor.ts";

/**
 * A supervisor whose turns come `turnMs` after they were asked for, as if each took that long, or as long as
 * the writes of the one before took, `writeMs` each; of that time it had a core for `workShare`, if the clock
 * tells.
 */
export function bench(
  options: { tickMs?: number; turnMs?: number; writeMs?: number; workShare?: number } = {},
) {
  const clock = new VirtualClock();
  let turns = 0;
  let costMs = 0;
  const turning: Clock = {
    elapsed: () => clock.elapsed(),
    date: () => clock.date(),
    worked: options.workShare === undefined ? undefined : () => clock.elapsed() * (options.workShare ?? 1),
    after: (ms, run) => clock.after(ms, run),
    every: (ms, run) => clock.every(ms, run),
    soon: (run) => {
      turns++;
      clock.after(options.turnMs ?? costMs, run);
      costMs = 0;
    },
  };
  let stale = false;
  const supervisor = new Supervisor({
    ...{ clock: turning, metrics: createMetrics(), tickMs: options.tickMs ?? 50, commentTickMs: 20 },
    beatSweepMs: 1_000,
    newcomersMs: 45_000,
    left: () => {},
    stale: () => stale,
  });
  const watching = (video: VideoId): VideoState => {
    const watch = new VideoState(video, 1_000, 0);
    const page: State["page"] = { entries: [], floor: 0, head: 0, more: false };
    const totals = { version: 0, counts: {} };
    const lineage = Lineage.begin("abcd");
    watch.begin({ log: "abcd", lineage, region: "r", totals, viewers: 0, page }, 0, () => 0);
    return watch;
  };
  const writes: { video: string; who: number; ms: number; bytes: number }[] = [];
  /** Viewers `from` on that take everything at once; what is written is noted with the time. */
  const join = (watches: readonly VideoState[], count = 1, from = 0): void => {
    for (let i = from; i < from + count; i++) {
      const shard = supervisor.place(watches[0]);
      const viewer = new Viewer(Connection, shard, 15_000, clock.elapsed());
      const { connection } = viewer;
      connection.write = (bytes) => {
        costMs += options.writeMs ?? 0;
        connection.lastMs = clock.elapsed();
        writes.push({
          video: (watches[0] as VideoState).video,
          who: i,
          ms: clock.elapsed(),
          bytes: bytes.length,
        });
        return "ok";
      };
      viewer.watches = [...watches];
      connection.stream(undefined);
      shard.add(viewer);
      for (const watch of watches) shard.join(viewer, watch);
    }
  };
  const like = (watch: VideoState): void => {
    const totals = { version: watch.version + 1, counts: { heart: watch.version + 1 } };
    const times = { atMs: 0, durableMs: 0, tickedMs: 0 };
    watch.tick({ video: watch.video, region: "r", totals, ...times, by: [] });
    supervisor.changed(watch);
  };
  let seq = 0;
  const comment = (watch: VideoState): void => {
    const place = { seq: ++seq, previous: watch.history.tip, user: undefined, atMs: 0 };
    watch.history.append({ type: "comment", video: watch.video, text: `t${seq}`, ...place });
    supervisor.changed(watch);
  };
  const times = (video: string) => writes.filter((one) => one.video === video).map(({ ms }) => ms - startMs);
  const startMs = clock.elapsed();
  const setStale = (now: boolean): void => {
    stale = now;
    supervisor.staleChanged();
  };
  return { clock, supervisor, watching, join, like, comment, writes, times, setStale, turns: () => turns };
}
