/**
 * A cluster that starts while its whole audience waits: many videos with a viewer each, over a real
 * nats-server. A part of `bench:videos`.
 *
 * The log already holds every video, with likes and with comments that lie among those of all others, as
 * those of videos that are watched at one time do. Then all of it is ended, NATS too, and started again. The
 * clock runs from there until the last viewer has read the likes of its video.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { systemClock } from "../src/base/clock.ts";
import { createLog } from "../src/base/log.ts";
import { systemPrng } from "../src/base/prng.ts";
import { natsBus } from "../src/bus/nats.ts";
import { encodeEntry } from "../src/core/wire.ts";
import { commentStream } from "../src/ledger/comment-stream.ts";
import { userBytes } from "../src/plan/proc.ts";
import { Crowd } from "./crowd.ts";
import { type Nats, startNats } from "./nats.ts";
import { type Ovation, startOvation } from "./ovation.ts";
import { CpuWatch, limitedBy } from "./proc.ts";
import { Ends, say } from "./run.ts";
import { round } from "./stats.ts";

/** A process may open 20,000 descriptors. */
const viewersPerFrontend = 17_000;
const likesPerVideo = 3;
const commentsPerVideo = 3;
const batchItems = 1_000;
/** Comments on their way to the log at once. */
const underWay = 2_000;
const historyUsual = 1_000;
const dialsPerS = 3_000;
const lookMs = 100;
const givenUpMs = 120_000;

export interface ColdStart {
  readonly figures: Readonly<Record<string, number>>;
  readonly full: readonly string[];
}

export async function coldStart(videos: number): Promise<ColdStart> {
  const ends = new Ends();
  try {
    const folder = mkdtempSync(join(tmpdir(), "ovation-bench-"));
    ends.add({ end: async () => rmSync(folder, { recursive: true, force: true }) });
    const names = Array.from({ length: videos }, (_, index) => `many-${index + 1}`);
    await seed(folder, names);
    return await start(folder, names, ends);
  } finally {
    await ends.all();
  }
}

/** Fills the log, and ends whoever did. */
async function seed(folder: string, names: readonly string[]): Promise<void> {
  const ends = new Ends();
  try {
    const nats = ends.add(await startNats(folder));
    const server = ends.add(await startOvation(...memberOf(nats, "dispatcher", "first")));
    for (let n = 0; n < likesPerVideo; n++) await like(server, names);
    await comment(nats, names);
    say(`  the log holds ${names.length} videos`);
  } finally {
    await ends.all();
  }
}

/** A like for each of `names`. */
export async function like({ port }: Ovation, names: readonly string[]): Promise<void> {
  for (let at = 0; at < names.length; at += batchItems) {
    const items = names.slice(at, at + batchItems).map((video) => ({ video, kind: "heart" }));
    const answer = await fetch(`http://127.0.0.1:${port}/v1/likes`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ items }),
    });
    if (!answer.ok) throw new Error(`likes were answered ${answer.status}`);
    await answer.text();
  }
}

async function comment({ url }: Nats, names: readonly string[]): Promise<void> {
  const clock = systemClock();
  const log = createLog({ level: "error", format: "pretty", write: say, now: () => clock.date() });
  const parts = { clock, prng: systemPrng(), log };
  const bus = natsBus({ servers: [url], name: "seed", prefix: "ov", ...parts });
  await bus.streams.open(commentStream(historyUsual));
  for (let n = 0; n < commentsPerVideo; n++) {
    const body = { type: "comment", text: `comment ${n} of many`, user: "fan", atMs: clock.date() } as const;
    const payload = encodeEntry(body);
    for (let at = 0; at < names.length; at += underWay) {
      const some = names.slice(at, at + underWay);
      await Promise.all(some.map((name) => bus.streams.append(`comments.${name}`, payload, 10_000)));
    }
  }
  await bus.close();
}

/** Flags of a member. What it takes of one address is a question of its own. */
function memberOf(nats: Nats, role: string, node: string): string[] {
  return [`--nats=${nats.url}`, `--role=${role}`, `--node=${node}`, "--limits=off"];
}

async function start(folder: string, names: readonly string[], ends: Ends): Promise<ColdStart> {
  const beganMs = performance.now();
  const since = (): number => (performance.now() - beganMs) / 1000;
  const nats = ends.add(await startNats(folder));
  const frontends = Math.ceil(names.length / viewersPerFrontend);
  const share = Math.ceil(names.length / frontends);
  const parts = Array.from({ length: frontends }, (_, i) => names.slice(i * share, (i + 1) * share));
  const [dispatcher, ...holders] = await Promise.all([
    startOvation(...memberOf(nats, "dispatcher", "d")),
    ...parts.map((_, i) => startOvation(...memberOf(nats, "frontend", `f${i}`))),
  ]);
  for (const server of [dispatcher, ...holders]) ends.add(server);
  const readyS = since();
  const startBytes = holders.reduce((sum, { pid }) => sum + userBytes(pid), 0);
  const crowds = parts.map((videos, i) => {
    const { port } = holders[i] as Ovation;
    const plan = { port, viewers: videos.length, videos, perS: dialsPerS, from: i * share };
    return ends.add(new Crowd(plan));
  });
  const cpu = new CpuWatch({
    dispatcher: [dispatcher.pid],
    frontends: holders.map(({ pid }) => pid),
    audience: crowds.flatMap(({ pids }) => pids),
    nats: [nats.pid],
  });
  await Promise.all(crowds.map((crowd) => crowd.read()));
  const bringing = Promise.all(crowds.map((crowd) => crowd.bring(givenUpMs)));
  bringing.catch(() => {});
  const shownS = await shown(crowds, names.length, since);
  const use = cpu.read();
  const words = await Promise.all(crowds.map((crowd) => crowd.tell()));
  const frontendBytes = holders.reduce((sum, { pid }) => sum + userBytes(pid), 0) - startBytes;
  return {
    figures: {
      videos: names.length,
      frontends,
      readyS: round(readyS),
      ...shownS,
      lost: words.reduce((sum, { lost }) => sum + lost, 0),
      dispatcherCpuS: round(use.used.dispatcher),
      frontendsCpuS: round(use.used.frontends),
      natsCpuS: round(use.used.nats),
      audienceCpuS: round(use.used.audience),
      frontendBytesPerVideoAndViewer: Math.round(frontendBytes / names.length),
    },
    full: limitedBy(use).filter((name) => name !== "frontends" && name !== "audience"),
  };
}

/** When half of the viewers, and all, had read all likes of their video, in seconds; who did by the end. */
async function shown(crowds: readonly Crowd[], viewers: number, since: () => number) {
  let halfS = 0;
  for (;;) {
    const words = await Promise.all(crowds.map((crowd) => crowd.tell()));
    const count = words.reduce((sum, word) => sum + (word.shown[likesPerVideo] ?? 0), 0);
    if (count >= viewers / 2 && halfS === 0) halfS = since();
    const isOver = count >= viewers;
    if (isOver || since() * 1000 > givenUpMs) {
      return { shown: count, halfS: round(halfS), allS: isOver ? round(since()) : Number.NaN };
    }
    await Bun.sleep(lookMs);
  }
}
