/**
 * `npm run bench:peers`: the same audience and the same publisher before other servers found on this machine
 * or its registries, and before Ovation: see peer-servers.ts.
 *
 * Ten messages a second, each to every viewer. Told are the server's processor time for each frame that was
 * to be delivered, its user memory a viewer, the age of a message when it arrives (of a comment of
 * Ovation's from its acceptance, of a peer's message from before it is posted), and what the hundredth
 * viewers did not get.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { userBytes } from "../src/plan/proc.ts";
import { Crowd } from "./crowd.ts";
import { type Peer, peers } from "./peer-servers.ts";
import { CpuWatch, familyOf, limitedBy, NeighbourWatch } from "./proc.ts";
import { Ends, play, type RunFlags, say } from "./run.ts";
import { round } from "./stats.ts";

const viewersUsual = 10_000;
const perS = 10;
const settleMs = 3_000;
const warmMessages = 30;
/** Every so many-th viewer reads: see audience.ts. */
const sampleEvery = 100;

async function measure({ seconds, own }: RunFlags, all: Ends) {
  const viewers = Number(own.viewers ?? viewersUsual);
  const names = own.only?.split(",") ?? Object.keys(peers);
  const told: Record<string, object> = {};
  const missing: Record<string, string> = {};
  for (const name of names) {
    const start = peers[name];
    if (!start) throw new Error(`--only takes ${Object.keys(peers).join(", ")}`);
    const ends = new Ends();
    all.add({ end: () => ends.all() });
    const folder = mkdtempSync(join(tmpdir(), "ovation-peer-"));
    ends.add({ end: async () => rmSync(folder, { recursive: true, force: true }) });
    try {
      const peer = ends.add(await start(folder));
      told[name] = await listen(peer, viewers, seconds, ends);
      say(`  ${name}: ${JSON.stringify(told[name])}`);
    } catch (error) {
      missing[name] = (error as Error).message.split("\n")[0] ?? "";
      say(`  ${name} could not be measured: ${missing[name]}`);
    } finally {
      await ends.all();
    }
  }
  return { viewers, perS, peers: told, missing };
}

async function listen(peer: Peer, viewers: number, seconds: number, ends: Ends) {
  const { pid, port, path } = peer;
  const before = memoryOf(pid);
  const crowd = ends.add(new Crowd({ port, viewers, videos: ["peers"], paths: [path] }));
  await crowd.bring();
  await Bun.sleep(settleMs);
  const idle = memoryOf(pid);
  await publish(peer, warmMessages);
  await Bun.sleep(settleMs);
  await crowd.forget();
  const neighbours = new NeighbourWatch();
  const cpu = new CpuWatch({ server: familyOf(pid), audience: crowd.pids });
  const messages = seconds * perS;
  const refused = await publish(peer, messages);
  await Bun.sleep(settleMs);
  const word = await crowd.tell();
  const use = cpu.read();
  const sampledViewers = Math.floor(viewers / sampleEvery);
  return {
    usPerFrame: round((use.used.server * 1e6) / (messages * viewers)),
    bytesPerViewer: Math.round((idle - before) / viewers),
    p50Ms: round(word.ms.p50),
    p99Ms: round(word.ms.p99),
    lostShare: round(Math.max(0, 1 - word.sampled / (messages * sampledViewers))),
    cutOff: word.lost,
    refused,
    neighbours: round(neighbours.read()),
    limitedBy: limitedBy(use),
  };
}

/** Messages at an even pace, whatever the server does; how many of them it did not take. */
async function publish(peer: Peer, count: number): Promise<number> {
  const beganMs = performance.now();
  const answers: Promise<number>[] = [];
  const taken = (): number => 0;
  const refused = (): number => 1;
  for (let i = 0; i < count; i++) {
    await Bun.sleep(Math.max(0, beganMs + (i * 1_000) / perS - performance.now()));
    answers.push(peer.publish(performance.timeOrigin + performance.now()).then(taken, refused));
  }
  return (await Promise.all(answers)).reduce((sum, one) => sum + one, 0);
}

function memoryOf(pid: number): number {
  return familyOf(pid).reduce((sum, one) => sum + userBytes(one), 0);
}

await play(
  {
    name: "peers",
    rounds: 1,
    seconds: 10,
    minutesMax: 45,
    own: { viewers: "of each", only: `of ${Object.keys(peers).join(", ")}; several with commas` },
  },
  measure,
);
