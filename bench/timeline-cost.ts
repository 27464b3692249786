/**
 * `npm run bench:timeline-cost`: what it costs to keep which second each like belongs to, on the busiest
 * path: processor time per like that is posted by itself under a key, and memory, of a server with
 * `--timeline` and of one without, in turn, in one run. Both keep their log in a file. The target is 1.05 of
 * each.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { cpuSeconds, userBytes } from "../src/plan/proc.ts";
import { Helper } from "./link.ts";
import { type Ovation, startOvation } from "./ovation.ts";
import { type Ends, play, type RunFlags, say } from "./run.ts";
import { median, round } from "./stats.ts";
import type { TapOrder, TapWord } from "./tapper.ts";

const perS = 5_000;
const videos = 20;
const modes = ["on", "off"] as const;
type Mode = (typeof modes)[number];

/** Processor time per like, in microseconds. */
async function read(server: Ovation, tapper: Helper<TapOrder, TapWord>, seconds: number): Promise<number> {
  const before = cpuSeconds(server.pid);
  const word = await tapper.ask({
    do: "tap",
    port: server.port,
    connections: 32,
    requests: Array.from({ length: videos }, (_, i) => ({
      path: `/v1/videos/match-${i}/likes`,
      body: `{"kind":"${["heart", "clap", "laugh", "wow", "fire"][i % 5]}","key":"{key}"}`,
    })),
    perS,
    seconds,
    accepts: 202,
  });
  if (word.accepted === 0) throw new Error(`nothing was accepted: ${JSON.stringify(word.others)}`);
  return (1e6 * (cpuSeconds(server.pid) - before)) / word.accepted;
}

async function measure({ rounds, seconds }: RunFlags, ends: Ends) {
  const folder = mkdtempSync(join(tmpdir(), "ovation-bench-"));
  ends.add({ end: async () => rmSync(folder, { recursive: true, force: true }) });
  const servers = new Map<Mode, Ovation>();
  for (const mode of modes) {
    const flags = [`--data=${join(folder, mode)}`, `--timeline=${mode}`, "--limits=off"];
    servers.set(mode, ends.add(await startOvation(...flags)));
  }
  const tapper = ends.add(new Helper<TapOrder, TapWord>("tapper.ts"));
  const microseconds: Record<Mode, number[]> = { on: [], off: [] };
  for (let i = 0; i <= rounds; i++) {
    // Now the one first, now the other; the first round warms both up.
    for (const mode of i % 2 === 0 ? modes : modes.toReversed()) {
      const cost = await read(servers.get(mode) as Ovation, tapper, seconds);
      if (i > 0) microseconds[mode].push(cost);
      say(
        `  --timeline=${mode}: ${round(cost)} µs of processor time a like${i === 0 ? " (warming up)" : ""}`,
      );
    }
  }
  const bytes = (mode: Mode): number => userBytes((servers.get(mode) as Ovation).pid);
  const row = (mode: Mode) => ({
    microsecondsPerLike: round(median(microseconds[mode])),
    megabytes: round(bytes(mode) / 2 ** 20),
  });
  const told = { perS, on: row("on"), off: row("off") };
  const cpu = median(microseconds.on) / median(microseconds.off);
  const result = { ...told, cpuRatio: round(cpu), memoryRatio: round(bytes("on") / bytes("off")) };
  say(`  ${JSON.stringify(result)}`);
  return result;
}

await play({ name: "timeline-cost", rounds: 6, seconds: 4, minutesMax: 4 }, measure);
