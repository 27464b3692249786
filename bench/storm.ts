/**
 * `npm run bench:storm`: 10,000 viewers lose their streams at the same moment and dial again at once, without
 * the delays that `retry:` asks of browsers: the worst a network can do to a node.
 *
 * Counted: the time until every stream is open again, and connections that found the listen queue full (the
 * kernel's ListenOverflows); each of those costs its viewer a second at least.
 */
import { Crowd } from "./crowd.ts";
import { Helper } from "./link.ts";
import { startOvation } from "./ovation.ts";
import { CpuWatch, limitedBy, listenOverflows } from "./proc.ts";
import { type Ends, play, type RunFlags, say } from "./run.ts";
import { medians, round } from "./stats.ts";
import type { TapOrder, TapWord } from "./tapper.ts";

const viewers = 10_000;
const video = "storm";
/** Between two storms: the server has seen everyone leave, and settled. */
const calmMs = 2_000;

async function measure({ rounds, own }: RunFlags, ends: Ends) {
  const size = Number(own.viewers ?? viewers);
  const server = ends.add(await startOvation());
  const crowd = ends.add(new Crowd({ port: server.port, viewers: size, videos: [video] }));
  const tapper = ends.add(new Helper<TapOrder, TapWord>("tapper.ts"));
  await crowd.bring();
  // The show goes on: a node that only accepts would be no test.
  const tapping = tapper.ask({
    do: "tap",
    port: server.port,
    connections: 8,
    requests: [{ path: `/v1/videos/${video}/likes`, body: '{"kind":"heart"}' }],
    perS: 100,
    seconds: 3_600,
    accepts: 202,
  });
  const each: Record<string, number>[] = [];
  const limits = new Set<string>();
  for (let i = 0; i < rounds; i++) {
    await Bun.sleep(calmMs);
    const overflows = listenOverflows();
    const cpu = new CpuWatch({ server: [server.pid], audience: crowd.pids });
    await crowd.leave(true);
    await crowd.all();
    const { allOpenMs } = await crowd.tell();
    const use = cpu.read();
    for (const name of limitedBy(use)) limits.add(name);
    each.push({
      allBackMs: allOpenMs,
      listenOverflows: listenOverflows() - overflows,
      serverUsPerViewer: (use.used.server * 1e6) / size,
      serverCores: use.used.server / use.seconds,
    });
    say(`  all back after ${round(allOpenMs)} ms, overflows ${each.at(-1)?.listenOverflows}`);
  }
  void tapper.ask({ do: "stop" });
  const word = await tapping;
  return {
    viewers: size,
    ...medians(each),
    allBackWorstMs: round(Math.max(...each.map((one) => one.allBackMs ?? 0))),
    listenOverflowsWorst: Math.max(...each.map((one) => one.listenOverflows ?? 0)),
    likeP99Ms: round(word.ms.p99),
    refusedLikes: Object.values(word.others).reduce((sum, n) => sum + n, 0),
    limitedBy: [...limits],
  };
}

await play({ name: "storm", rounds: 5, seconds: 1, minutesMax: 10, own: { viewers: "how many" } }, measure);
