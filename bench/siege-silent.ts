/**
 * `npm run bench:siege -- --silent`: what healthy viewers notice of sockets that ask for a stream and never
 * read a byte of it, at 8c5741b and at today's executable. 500 viewers who have been there for a minute, with
 * likes and comments, in peace; then the same viewers beside 20,000 of those sockets on the same video.
 *
 * Healthy times are of every frame that every viewer read, from the first of the sockets on: while they come,
 * while their buffers fill, and once they are full. A node has as many streams as descriptors, so some of the
 * sockets may be told `bye`. At the end every healthy viewer has to show what was accepted.
 */
import { userBytes } from "../src/plan/proc.ts";
import { buildEarlier } from "./before.ts";
import { Crowd } from "./crowd.ts";
import { Helper } from "./link.ts";
import { executable, startOvationAt } from "./ovation.ts";
import { CpuWatch, socketMemory, starvedSeconds } from "./proc.ts";
import { Ends, type RunFlags, say } from "./run.ts";
import { medians, round } from "./stats.ts";
import type { TapOrder, TapWord } from "./tapper.ts";

const earlier = "8c5741b";
const healthy = 500;
const likesPerS = 50;
const commentsPerS = 20;
const commentChars = 400;
const dialsPerS = 4_000;
/** As long as viewers are newcomers to a node, and a little more. */
const stayMs = 47_000;
const lookMs = 250;
const video = "siege";

type Figures = Readonly<Record<string, number>>;

export async function measureSilent({ rounds, seconds, own }: RunFlags, ends: Ends) {
  const silent = Number(own.sockets ?? 20_000);
  const before = ends.add(buildEarlier(earlier));
  const sides = { before: before.binary, now: executable() } as const;
  const chosen = (["before", "now"] as const).filter((side) => (own.side ?? side) === side);
  const all = chosen.map((side) => ({ side, peace: [] as Figures[], silent: [] as Figures[] }));
  for (let i = 0; i < rounds; i++) {
    for (const { side, ...each } of all) {
      const figures = await besiege({ binary: sides[side], sockets: silent, seconds }, ends);
      each.peace.push(figures.peace);
      each.silent.push(figures.silent);
      say(`  ${side.padEnd(6)} ${JSON.stringify(figures)}`);
    }
  }
  return {
    ...{ earlier, healthy, silent },
    sides: Object.fromEntries(all.map(({ side, ...each }) => [side, compare(each)])),
  };
}

/** What the times of one executable beside the sockets are of those in peace. */
function compare({ peace, silent }: { readonly peace: Figures[]; readonly silent: Figures[] }) {
  const [alone, beside] = [medians(peace), medians(silent)];
  const ratio = (name: string): number => round((beside[name] ?? 0) / (alone[name] ?? 1));
  return {
    ...{ peace: alone, silent: beside },
    ratios: { likesP99: ratio("likesP99Ms"), commentsP99: ratio("commentsP99Ms") },
  };
}

interface Siege {
  readonly binary: string;
  readonly sockets: number;
  readonly seconds: number;
}

async function besiege({ binary, sockets, seconds }: Siege, all: Ends) {
  const ends = new Ends();
  all.add({ end: () => ends.all() });
  try {
    const server = ends.add(await startOvationAt(binary));
    const { port, pid } = server;
    const viewers = ends.add(new Crowd({ port, viewers: healthy, videos: [video] }));
    await viewers.bring();
    await viewers.read();
    const [liker, writer] = [0, 1].map(() => ends.add(new Helper<TapOrder, TapWord>("tapper.ts"))) as [
      Helper<TapOrder, TapWord>,
      Helper<TapOrder, TapWord>,
    ];
    const forLong = stayMs / 1000 + 4 * seconds;
    const publish = (path: string, body: object, perS: number, accepts: number) => ({
      ...({ do: "tap", port, connections: 4, perS, seconds: forLong, accepts } as const),
      requests: [{ path: `/v1/videos/${video}/${path}`, body: JSON.stringify(body) }],
    });
    const liking = liker.ask(publish("likes", { kind: "heart" }, likesPerS, 202));
    const text = "a comment ".padEnd(commentChars, "of many words ");
    void writer.ask(publish("comments", { text, user: "writer" }, commentsPerS, 201));
    await Bun.sleep(stayMs);
    const peace = await heard(viewers, pid, seconds / 2, async () => {});
    const memory = new MemoryWatch(pid);
    ends.add(memory);
    const silent = await heard(viewers, pid, seconds, async () => {
      const { port } = server;
      const plan = { port, viewers: sockets, videos: [video], perS: dialsPerS, silent: true };
      // Source addresses that no healthy viewer has.
      await ends.add(new Crowd({ ...plan, from: 2 * healthy })).bring();
    });
    const beside = memory.read(sockets);
    void liker.ask({ do: "stop" });
    void writer.ask({ do: "stop" });
    const { accepted } = await liking;
    await shownTo(viewers, accepted);
    return { peace, silent: { ...silent, ...beside } };
  } finally {
    await ends.all();
  }
}

/** How old the frames were that the viewers read in the next `seconds`, while `meanwhile` goes on. */
async function heard(viewers: Crowd, pid: number, seconds: number, meanwhile: () => Promise<void>) {
  await viewers.forget();
  const cpu = new CpuWatch({ server: [pid] });
  const starved = starvedSeconds(pid);
  await Promise.all([Bun.sleep(seconds * 1000), meanwhile()]);
  const { ms, commentMs, lost } = await viewers.tell();
  const use = cpu.read();
  if (lost > 0) throw new Error(`${lost} healthy viewers were lost`);
  return {
    ...{ likesP50Ms: round(ms.p50), likesP99Ms: round(ms.p99), likesMaxMs: round(ms.max) },
    ...{ commentsP99Ms: round(commentMs.p99), commentsMaxMs: round(commentMs.max) },
    serverCores: round(use.used.server / use.seconds),
    starved: round((starvedSeconds(pid) - starved) / use.seconds),
    machineBusy: round(use.machine),
  };
}

/** All that was accepted is shown to every healthy viewer. */
async function shownTo(viewers: Crowd, likes: number): Promise<void> {
  let shown: Readonly<Record<string, number>> = {};
  for (const untilMs = performance.now() + 20_000; performance.now() < untilMs; await Bun.sleep(100)) {
    ({ shown } = await viewers.tell());
    if (shown[likes] === healthy) return;
  }
  throw new Error(`of ${likes} likes the viewers show ${JSON.stringify(shown)}`);
}

/** The most memory that the server, and the kernel for sockets, took since it was made. */
class MemoryWatch {
  readonly #pid: number;
  readonly #start: { readonly user: number; readonly kernel: number };
  #user = 0;
  #kernel = 0;
  readonly #timer: Timer;

  constructor(pid: number) {
    this.#pid = pid;
    this.#start = { user: userBytes(pid), kernel: socketMemory().bytes };
    this.#timer = setInterval(() => this.#look(), lookMs);
  }

  /** What each of `sockets` took at most: of the server, and of the kernel for both of its ends. */
  read(sockets: number): Figures {
    const each = (bytes: number): number => Math.round(Math.max(0, bytes) / sockets);
    return {
      peakMB: round(this.#user / 1e6),
      userBytesEach: each(this.#user - this.#start.user),
      kernelBytesEach: each(this.#kernel - this.#start.kernel),
    };
  }

  async end(): Promise<void> {
    clearInterval(this.#timer);
  }

  #look(): void {
    this.#user = Math.max(this.#user, userBytes(this.#pid));
    this.#kernel = Math.max(this.#kernel, socketMemory().bytes);
  }
}
