/**
 * `npm run bench:plan`: what `ovation plan` says of this machine beside what is then seen on it.
 *
 * `ovation calibrate` measures the coefficients; then other audiences than those it was measured with come to
 * a fresh node each, and processor time, user memory and bytes sent are compared with the plan's. A plan is
 * good to a quarter: capacity is bought in nodes. Beside it stands for which share of the time the node was
 * ready to run and had no core: one that starves paces its viewers down, and is planned for more.
 */

import { bytesName, middleOf, rise, sightOf } from "../src/plan/calibrate.ts";
import { type Coefficients, packetBytes, readCoefficients } from "../src/plan/coefficients.ts";
import { type Audience, type Machine, plan } from "../src/plan/model.ts";
import { executable, startOvation } from "./ovation.ts";
import { starvedSeconds } from "./proc.ts";
import { type Ends, play, say } from "./run.ts";

const everyMs = 250;
const alone = { regions: 1, streamShare: 1, pollMs: 2_000, caches: 1, likesBatch: 1 };
const audiences: readonly Audience[] = [
  { ...alone, viewers: 6_000, videos: 1, likes: 20, comments: 0 },
  { ...alone, viewers: 3_000, videos: 1, likes: 50, comments: 4 },
  { ...alone, viewers: 5_000, videos: 10, likes: 400, comments: 20 },
];
const machine: Machine = {
  ...{ cores: 1, memoryBytes: 1e12, bitsPerS: 1e12, streams: 1e9, everyMs, pricePerHour: 0, pricePerGb: 0 },
};

interface Figures {
  readonly cores: number;
  readonly bytes: number;
  /** Of frames, without what the network adds. */
  readonly sentPerS: number;
}

function calibrated(): Coefficients {
  const { stdout } = Bun.spawnSync([executable(), "calibrate"], { stderr: "inherit", env: {} });
  const costs = readCoefficients(stdout.toString());
  if ("mistake" in costs) throw new Error(`calibrate: ${costs.mistake}`);
  return costs;
}

function planned(audience: Audience, costs: Coefficients): Figures {
  const { frontends, dispatchers, frontend, dispatcher, bitsPerS } = plan(audience, machine, costs);
  const { writesPerS, cores, memoryBytes } = frontend;
  return {
    cores: frontends * cores + dispatchers * dispatcher.cores,
    bytes: frontends * (memoryBytes - costs.processBytes) + costs.processBytes,
    sentPerS: bitsPerS / 8 - frontends * writesPerS * packetBytes,
  };
}

async function seen(audience: Audience, ends: Ends): Promise<Figures & { readonly starved: number }> {
  const server = ends.add(await startOvation(`--tick=${everyMs}ms`));
  const url = `http://127.0.0.1:${server.port}`;
  const { viewers, videos, likes, comments } = audience;
  const flags = Object.entries({ url, viewers, videos, likes, comments, duration: 6 });
  const command = [executable(), "load", "--quiet", ...flags.map(([name, value]) => `--${name}=${value}`)];
  const look = async () => sightOf(server.pid, await (await fetch(`${url}/metrics`)).text());
  const before = { starvedS: starvedSeconds(server.pid), atMs: performance.now() };
  const middle = await middleOf({ look }, command);
  const starvedS = starvedSeconds(server.pid) - before.starvedS;
  const starved = Number(((1_000 * starvedS) / (performance.now() - before.atMs)).toPrecision(2));
  await server.end();
  if (!middle) throw new Error("the audience did not come together");
  const seconds = middle.ms / 1_000;
  const sentPerS = rise(middle, bytesName) / seconds;
  return { cores: middle.coreS / seconds, bytes: middle.bytes, sentPerS, starved };
}

await play({ name: "plan", rounds: 1, seconds: 6, minutesMax: 5 }, async (_, ends) => {
  const costs = calibrated();
  const rows = [];
  for (const audience of audiences) {
    const said = planned(audience, costs);
    const real = await seen(audience, ends);
    const ratio = (name: keyof Figures): number => Number((said[name] / real[name]).toPrecision(3));
    const ratios = { cores: ratio("cores"), memory: ratio("bytes"), sent: ratio("sentPerS") };
    const { viewers, videos, likes, comments } = audience;
    const who = `${viewers} viewers of ${videos}, ${likes} likes/s, ${comments} comments/s`;
    say(`  ${who}: plan/seen ${JSON.stringify(ratios)}, starved ${real.starved}`);
    rows.push({ viewers, videos, likes, comments, ratios, planned: said, seen: real });
  }
  return { coefficients: costs, rows };
});
