/** Micro-benchmarks of the fan-out on connections whose readers take everything: all but the kernel. */

import type { Elapsed } from "../src/base/clock.ts";
import { createMetrics } from "../src/base/metrics.ts";
import type { VideoId } from "../src/core/interaction.ts";
import { Connection } from "../src/fanout/connection.ts";
import { Shard } from "../src/fanout/shard.ts";
import { type Slot, Viewer } from "../src/fanout/slot.ts";
import { Supervisor } from "../src/fanout/supervisor.ts";
import { History } from "../src/video/history.ts";
import { VideoState } from "../src/video/state.ts";
import {
  entries,
  lineage,
  Sink,
  StandingClock,
  started,
  startMs,
  tick,
  totals,
  videoIds,
} from "./fixtures.ts";
import type { Micro } from "./micro.ts";

const page = { entries: [], floor: 0, head: 0, more: false };

function watchOf(video: VideoId): VideoState {
  const watch = new VideoState(video, 1000, startMs);
  const state = { log: lineage.newest.name, lineage, region: "main", totals: totals(0), viewers: 0, page };
  watch.begin(state, startMs, () => startMs);
  watch.adopt(state, startMs);
  return watch;
}

function viewerIn(shard: Shard, watch: VideoState, sink: Sink): void {
  const viewer = new Viewer(Connection, shard, 15_000, startMs as Elapsed);
  started(viewer.connection, sink);
  viewer.watches = [watch];
  shard.add(viewer);
  shard.join(viewer, watch);
}

export function shard(): Micro[] {
  const sink = new Sink();
  const size = 1000;
  const slots: Slot[] = [];
  const owner = new Shard(new StandingClock(), createMetrics(), {
    ...{ left: () => {}, closed: () => {}, passed: () => {} },
    opened: (slot) => slots.push(slot),
  });
  const watch = watchOf(videoIds(1)[0] as VideoId);
  for (let i = 0; i < size; i++) viewerIn(owner, watch, sink);
  const [slot] = slots;
  if (!slot) return [];
  const one = tick(1, watch.video);
  let version = 0;
  return [
    {
      name: "shard: one state to 1,000 viewers, per write",
      per: size,
      run: () => {
        watch.tick({ ...one, totals: { version: ++version, counts: one.totals.counts } });
        owner.mail(slot);
        while (owner.waits("large")) owner.step("large", 512);
        return sink.frames;
      },
    },
  ];
}

/** Ten thousand viewers, of one video or of many: the same writes, other book-keeping. */
export function supervisor(): Micro[] {
  return [1, 1000].map((videos) => {
    const sink = new Sink();
    const clock = new StandingClock();
    const all = new Supervisor({
      clock,
      metrics: createMetrics(),
      tickMs: 0,
      commentTickMs: 20,
      beatSweepMs: 1_000,
      newcomersMs: 45_000,
      left: () => {},
      stale: () => false,
    });
    const watches = videoIds(videos).map(watchOf);
    const ticks = watches.map((watch) => tick(1, watch.video));
    for (let i = 0; i < 10_000; i++)
      viewerIn(all.place(watches[i % videos]), watches[i % videos] as VideoState, sink);
    let version = 0;
    return {
      name: `supervisor: a tick of ${videos} video${videos === 1 ? "" : "s"} to 10,000 viewers, per write`,
      per: 10_000,
      run: () => {
        version++;
        for (const [index, watch] of watches.entries()) {
          const one = ticks[index] as (typeof ticks)[0];
          watch.tick({ ...one, totals: { version, counts: one.totals.counts } });
          all.changed(watch);
        }
        clock.run();
        return sink.frames;
      },
    };
  });
}

export function watching(): Micro[] {
  const watch = watchOf(videoIds(1)[0] as VideoId);
  let version = 0;
  const ticks = Array.from({ length: 1024 }, (_, index) => tick(index + 1, watch.video));
  return [
    {
      name: "watch: take a tick and make its frame",
      run: () => {
        const one = ticks[version++ & 1023] as (typeof ticks)[0];
        watch.tick({ ...one, totals: { version, counts: one.totals.counts } });
        return watch.stateFrame(version - 1, 0);
      },
    },
  ];
}

export function history(): Micro[] {
  const video = videoIds(1)[0] as VideoId;
  const all = entries(1000, video);
  const full = new History(lineage, 1000, 0, 0);
  for (const entry of all) full.append(entry);
  const growing = new History(lineage, 1000, 0, 0);
  let seq = 0;
  let from = 0;
  return [
    {
      name: "history: append",
      run: () => {
        const entry = all[seq % 1000] as (typeof all)[0];
        growing.append({ ...entry, previous: seq, seq: ++seq });
        return growing.tip;
      },
    },
    {
      name: "history: frames after a place, 50 comments",
      run: () => {
        from = (from + 1) % 900;
        return full.bytes(all[from]?.seq ?? 0, all[from + 50]?.seq ?? 0);
      },
    },
    { name: "history: newest 20", run: () => full.latest(20, full.tip) },
  ];
}
