/**
 * `npm run bench:plan`: what `ovation plan` says of this machine beside what is then seen on it.
 *
 * `ovation calibrate` measures the coefficients; then audiences of other sizes and other rates than those it
 * was measured with come to a fresh node each, by `ovation load`, and resident memory, processor time and
 * bytes to viewers are compared with the plan's, with those coefficients and with the shipped ones. A plan is
 * good to a quarter: capacity is bought in nodes. Beside it stands for which share of the time the node was
 * ready to run and had no core: one that starves writes less often, and is planned for more.
 */

import { limits } from "../src/core/limits.ts";
import { type Coefficients, readCoefficients, shipped } from "../src/plan/coefficients.ts";
import { type Audience, type Load, type Machine, plan } from "../src/plan/model.ts";
import { names, sliceOf } from "../src/plan/site.ts";
import { executable, startOvation } from "./ovation.ts";
import { starvedSeconds } from "./proc.ts";
import { type Ends, play, say } from "./run.ts";

const tickMs = 50;
const alone = { regions: 1, streamShare: 1, pollMs: 2_000, caches: 1, likesBatch: 1 };
const audiences: readonly Audience[] = [
  { ...alone, viewers: 5_000, videos: 1, likes: 100, comments: 5 },
  { ...alone, viewers: 500, videos: 1, likes: 20, comments: 0 },
  { ...alone, viewers: 2_000, videos: 1, likes: 0, comments: 5 },
  { ...alone, viewers: 3_000, videos: 1, likes: 1_000, comments: 0 },
  { ...alone, viewers: 2_000, videos: 10, likes: 50, comments: 20 },
  { ...alone, viewers: 2_000, videos: 1_000, likes: 500, comments: 5 },
  { ...alone, viewers: 9_000, videos: 1, likes: 50, comments: 0 },
];
const machine: Machine = {
  ...{ cores: 1, memoryBytes: 1e12, bitsPerS: 1e12, streams: 1e9, tickMs, pricePerHour: 0, pricePerGb: 0 },
};
/** After everybody has come and reactions have begun, before anything counts. */
const arrivedMs = 1_000;

type Figures = Pick<Load, "cores" | "memoryBytes" | "payloadBytesPerS">;

function calibrated(): Coefficients {
  const { stdout } = Bun.spawnSync([executable(), "calibrate"], { stderr: "inherit", env: {} });
  const costs = readCoefficients(stdout.toString());
  if ("mistake" in costs) throw new Error(`calibrate: ${costs.mistake}`);
  return costs;
}

/** What is planned, with as many keys remembered as so many seconds bring. */
function planned(audience: Audience, costs: Coefficients, seconds: number): Figures {
  const one = plan(audience, machine, costs).alone;
  if (!one) throw new Error("more than a process is good for");
  const early = audience.likes * (limits.keyWindowMs / 1_000 - seconds) * costs.keyBytes;
  return { ...one, memoryBytes: one.memoryBytes - early };
}

async function seen(audience: Audience, seconds: number, ends: Ends) {
  const server = ends.add(await startOvation(`--tick=${tickMs}ms`));
  const url = `http://127.0.0.1:${server.port}`;
  const { viewers, videos, likes, comments } = audience;
  const flags = Object.entries({ url, viewers, videos, likes, comments, duration: seconds + 3 });
  const cmd = [executable(), "load", "--quiet", ...flags.map(([name, value]) => `--${name}=${value}`)];
  const load = Bun.spawn({ cmd, stdin: "ignore", stdout: "ignore", stderr: "inherit" });
  const taken = async (): Promise<boolean> => {
    const series = await server.metrics();
    const reactions = (series.get(names.likes) ?? 0) + (series.get(names.comments) ?? 0);
    return series.get(names.connections) === viewers && reactions > 0;
  };
  while (!(await taken())) {
    if (load.exitCode !== null) throw new Error("the audience did not come together");
    await Bun.sleep(100);
  }
  await Bun.sleep(arrivedMs);
  const starvedS = starvedSeconds(server.pid);
  const slice = await sliceOf({ url, pid: server.pid }, () => Bun.sleep(1_000 * seconds));
  const starved = (1_000 * (starvedSeconds(server.pid) - starvedS)) / slice.ms;
  await load.exited;
  await server.end();
  const figures: Figures = {
    cores: (1_000 * slice.coreS) / slice.ms,
    memoryBytes: slice.bytes,
    payloadBytesPerS: (1_000 * slice.rise(names.bytes)) / slice.ms,
  };
  return { ...figures, starved: Number(starved.toPrecision(2)) };
}

await play({ name: "plan", rounds: 1, seconds: 8, minutesMax: 5 }, async ({ seconds }, ends) => {
  const costs = { calibrated: calibrated(), shipped };
  const rows = [];
  for (const audience of audiences) {
    const real = await seen(audience, seconds, ends);
    const ratios = (of: Coefficients) => {
      const said = planned(audience, of, seconds);
      const ratio = (name: keyof Figures): number => Number((said[name] / real[name]).toPrecision(3));
      return { cores: ratio("cores"), memory: ratio("memoryBytes"), sent: ratio("payloadBytesPerS") };
    };
    const { viewers, videos, likes, comments } = audience;
    const told = { calibrated: ratios(costs.calibrated), shipped: ratios(shipped) };
    say(`  ${viewers} viewers of ${videos}, ${likes} likes/s, ${comments} comments/s: plan/seen`);
    say(`    ${JSON.stringify(told)}, starved ${real.starved}`);
    rows.push({ viewers, videos, likes, comments, ...told, seen: real });
  }
  return { coefficients: costs.calibrated, rows };
});
