/**
 * `npm run bench:siege`: what healthy viewers notice of others who behave badly. The same audience three
 * times in turn: in peace; beside 2,000 sockets that never finish what they began to ask, and dial again when
 * they are cut; beside one viewer who sends a thousand likes a second.
 *
 * With `--all`: what a few cheap requests can do, before and after (siege-all.ts). With `--silent`: twenty
 * thousand sockets that never read (siege-silent.ts).
 *
 * The server asks everybody for a token. What the greedy viewer's likes came to is compared with its
 * allowance, and the audience itself (`ovation load`) proves that nothing of its own was lost.
 */
import { connect, type Socket } from "node:net";
import type { LoadReport } from "../src/load/report.ts";
import { Helper } from "./link.ts";
import { runLoad } from "./load.ts";
import { type Ovation, startOvation } from "./ovation.ts";
import { Ends, play, type RunFlags, say } from "./run.ts";
import { measureAll } from "./siege-all.ts";
import { measureSilent } from "./siege-silent.ts";
import { mint } from "./siege-token.ts";
import { median, medians, round } from "./stats.ts";
import type { TapOrder, TapWord } from "./tapper.ts";

const viewers = 500;
const likesPerS = 100;
const slowSockets = 2_000;
const floodPerS = 1_000;
const floodVideo = "flood";
const allowancePerS = 20;
const secret = "a secret that only this run knows and only for a minute";
const publisherKey = "publishers-of-the-siege-hold-this";

const post = "POST /v1/videos/v/likes HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n";
/** What slow sockets say before they fall silent. */
const begins = ["", `${post}X-A: `, `${post}Content-Length: 100\r\n\r\n{"kind":`];

type Siege = "peace" | "slow" | "flood";

async function measure({ rounds, seconds }: RunFlags, ends: Ends) {
  const server = ends.add(
    await startOvation(
      ...["--auth=token", `--jwt-secrets=${secret}`, `--api-keys=siege:publish+watch:${publisherKey}`],
      // One token for all viewers of the audience.
      ...[`--viewer-likes=${allowancePerS}`, `--viewer-streams=${viewers}`],
    ),
  );
  const token = mint("*", secret);
  const all: Record<Siege, Record<string, number>[]> = { peace: [], slow: [], flood: [] };
  for (let i = 0; i < rounds; i++) {
    for (const siege of ["peace", "slow", "flood"] as const) {
      const own = new Ends();
      ends.add({ end: () => own.all() });
      const beside = await besiege(siege, server, seconds, own);
      const report = await runLoad(
        [server.port],
        ...[`--viewers=${viewers}`, `--likes=${likesPerS}`, "--comments=5", `--duration=${seconds}`],
        ...[`--token=${token}`, `--key=${publisherKey}`],
      );
      all[siege].push({ ...figuresOf(report), ...(await beside()) });
      await own.all();
      say(`  ${siege.padEnd(6)} ${JSON.stringify(all[siege].at(-1))}`);
    }
  }
  const ratio = (siege: "slow" | "flood") =>
    round(median(all[siege].map((one, i) => (one.p99Ms ?? 0) / (all.peace[i]?.p99Ms ?? 1))));
  return {
    viewers,
    peace: medians(all.peace),
    slow: medians(all.slow),
    flood: medians(all.flood),
    p99Ratio: { slow: ratio("slow"), flood: ratio("flood") },
  };
}

function figuresOf({ delivered, published }: LoadReport): Record<string, number> {
  return {
    p50Ms: round(delivered.likesMs.p50),
    p99Ms: round(delivered.likesMs.p99),
    acceptP99Ms: round(published.acceptMs.p99),
  };
}

/** Begins what goes on beside the audience; answers what ends it and tells its own figures. */
async function besiege(
  siege: Siege,
  server: Ovation,
  seconds: number,
  ends: Ends,
): Promise<() => Promise<Record<string, number>>> {
  if (siege === "slow") {
    const sockets = ends.add(new SlowSockets(server.port));
    return async () => ({ cut: sockets.cut });
  }
  if (siege === "peace") return async () => ({});
  const tapper = ends.add(new Helper<TapOrder, TapWord>("tapper.ts"));
  const before = await likesOf(server);
  const beganMs = performance.now();
  const path = `/v1/videos/${floodVideo}/likes?token=${mint(floodVideo, secret)}`;
  const tapping = tapper.ask({
    ...({ do: "tap", port: server.port, connections: 16, accepts: 202 } as const),
    requests: [{ path, body: '{"kind":"heart","key":"{key}"}' }],
    perS: floodPerS,
    seconds: seconds + 1,
  });
  return async () => {
    const word = await tapping;
    const lastedS = (performance.now() - beganMs) / 1000;
    const counted = (await likesOf(server)) - before;
    if (counted !== word.accepted)
      throw new Error(`accepted ${word.accepted} of a flood, counted ${counted}`);
    return {
      floodSent: word.accepted + (word.others["429"] ?? 0),
      floodCountedPerS: round(counted / lastedS),
    };
  };
}

async function likesOf({ port }: Ovation): Promise<number> {
  const answer = await fetch(`http://127.0.0.1:${port}/v1/videos/${floodVideo}`, {
    headers: { "x-api-key": publisherKey },
  });
  return ((await answer.json()) as { totals: { heart?: number } }).totals.heart ?? 0;
}

/** Sockets that begin a request and never end it; cut off, they come back. */
class SlowSockets {
  /** How often one was cut. */
  cut = 0;
  readonly #port: number;
  readonly #sockets = new Set<Socket>();
  #ended = false;

  constructor(port: number) {
    this.#port = port;
    for (let i = 0; i < slowSockets; i++) this.#dial(begins[i % begins.length] as string);
  }

  async end(): Promise<void> {
    this.#ended = true;
    for (const socket of this.#sockets) socket.destroy();
  }

  #dial(begin: string): void {
    const socket = connect(this.#port, "127.0.0.1", () => socket.write(begin));
    this.#sockets.add(socket);
    // What becomes of it is told by "close".
    socket.on("error", () => {});
    socket.on("close", () => {
      this.#sockets.delete(socket);
      if (this.#ended) return;
      this.cut++;
      this.#dial(begin);
    });
  }
}

const taken = (flag: string): boolean => {
  const at = process.argv.indexOf(flag);
  if (at >= 0) process.argv.splice(at, 1);
  return at >= 0;
};
if (taken("--silent")) {
  const own = { sockets: "20000 by default", side: "before or now: only that one" };
  await play({ name: "siege-silent", rounds: 1, seconds: 30, minutesMax: 15, own }, measureSilent);
}
if (taken("--all")) {
  const own = { only: "a part of the name of the one attack to try" };
  await play({ name: "siege-all", rounds: 1, seconds: 8, minutesMax: 15, own }, measureAll);
}
await play({ name: "siege", rounds: 5, seconds: 15, minutesMax: 15 }, measure);
