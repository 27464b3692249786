/**
 * `npm run bench:sweeps`: everything at once, and how long the event loop stands for it.
 *
 * A dispatcher takes over 200,000 watched videos from one that died, over a bus that has room for so many
 * messages at a time; and a node writes the rows of 15,000 videos anew. In one process, over buses in memory:
 * what is measured is what a turn of ours costs, and whether all arrives.
 */
import { systemClock } from "../src/base/clock.ts";
import { createLog } from "../src/base/log.ts";
import { createMetrics } from "../src/base/metrics.ts";
import type { Table } from "../src/bus/bus.ts";
import { memoryHub } from "../src/bus/memory.ts";
import type { Kind, VideoId } from "../src/core/interaction.ts";
import { limits } from "../src/core/limits.ts";
import { encodeNodeRow, type Role, routeKey } from "../src/core/nodes.ts";
import { RecordBuilder } from "../src/core/record.ts";
import { Dispatcher } from "../src/dispatcher/dispatcher.ts";
import { openMemoryLedger } from "../src/ledger/memory.ts";
import { Interest } from "../src/video/interest.ts";
import { play, say } from "./run.ts";

const clock = systemClock();
/** Messages that the bus takes in each of these. */
const roomMs = 10;
const room = 2_000;
const waitMaxMs = 60_000;

/** The longest time the loop stood while `until` did not hold, and how long that took, in ms. */
async function watch(until: () => boolean): Promise<{ tookMs: number; longestMs: number }> {
  const beganMs = clock.elapsed();
  let lastMs: number = beganMs;
  let longestMs = 0;
  while (!until() && lastMs - beganMs < waitMaxMs) {
    await new Promise<void>((resolve) => setImmediate(resolve));
    const nowMs = clock.elapsed();
    longestMs = Math.max(longestMs, nowMs - lastMs);
    lastMs = nowMs;
  }
  return { tookMs: Math.round(lastMs - beganMs), longestMs: Math.round(longestMs * 10) / 10 };
}

async function takeOver(videos: number) {
  const hub = memoryHub({ clock });
  const wire = hub.connect();
  const nodes = await wire.table("nodes", { leaseMs: 600_000 });
  const routes = await wire.table("routes");
  const lease = (node: string, role: Role) => {
    const row = { node, role, region: "r", incarnation: "one", startedMs: 0, renewals: 0, viewers: 0 };
    return nodes.put(node, encodeNodeRow(row));
  };
  await lease("f1", "frontend");
  await lease("d1", "dispatcher");
  const ledger = openMemoryLedger({ clock, commentHistory: 10 });
  const builder = new RecordBuilder();
  for (let i = 0; i < videos; i++) {
    const video = `v${i}` as VideoId;
    await routes.put(routeKey(video, "f1"), "one");
    builder.add({ video, kind: "heart" as Kind, count: 1, user: undefined, key: undefined }, 0);
    if (i % 1_000 === 999) await ledger.append({ likes: [builder.take()], comments: [] });
  }
  const bus = hub.connect();
  const seen = new Set<string>();
  let left = room;
  const { publish } = bus;
  bus.publish = (subject, payload, position) => {
    if (!subject.startsWith("tick.")) return publish.call(bus, subject, payload, position);
    if (left-- <= 0) return false;
    seen.add(subject);
    return true;
  };
  const refill = setInterval(() => {
    left = room;
  }, roomMs);
  const dispatcher = new Dispatcher({
    ...{ node: "d1", region: "r", kinds: ["heart"], tickMs: 50, commentRate: 100, bus, ledger, clock },
    metrics: createMetrics(),
    log: createLog({ level: "error", format: "json", write: () => {}, now: () => 0 }),
    nodes: await bus.table("nodes", { leaseMs: 600_000 }),
    routes: await bus.table("routes"),
  });
  await watch(() => seen.size === videos);
  await lease("d2", "dispatcher");
  seen.clear();
  await nodes.remove("d2");
  const figures = await watch(() => seen.size === videos);
  clearInterval(refill);
  dispatcher.close();
  return { videos, arrived: seen.size, ...figures };
}

async function rewrite(videos: number) {
  const rows = new Set<string>();
  // As with NATS: a row takes some work, and its answer comes a while later.
  const put = async (key: string): Promise<void> => {
    const untilMs = clock.elapsed() + 0.04;
    while (clock.elapsed() < untilMs);
    await new Promise<void>((resolve) => setTimeout(resolve, 2));
    rows.add(key);
  };
  const routes: Table = { put, remove: put, watch: () => ({ end: () => {} }) };
  const interest = new Interest({
    ...{ clock, routes, node: "f1", incarnation: "one", commentHistory: 10 },
    began: () => {},
    ended: () => {},
  });
  for (let i = 0; i < videos; i++) interest.hold(`v${i}` as VideoId);
  await watch(() => rows.size === videos);
  rows.clear();
  interest.rewrite();
  const figures = await watch(() => rows.size === videos);
  const done = { videos, written: rows.size, underWayMax: limits.rowsUnderWayMax, ...figures };
  await interest.close();
  return done;
}

await play({ name: "sweeps", rounds: 1, seconds: 1, minutesMax: 5 }, async () => {
  const took = await takeOver(200_000);
  say(`  ${took.arrived} of ${took.videos} states in ${took.tookMs} ms, longest turn ${took.longestMs} ms`);
  const rewritten = await rewrite(15_000);
  const { written, videos, tookMs, longestMs } = rewritten;
  say(`  ${written} of ${videos} rows in ${tookMs} ms, longest turn ${longestMs} ms`);
  return { takeOver: took, rewrite: rewritten };
});
