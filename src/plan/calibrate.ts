/**
 * `ovation calibrate`: measures this machine's coefficients with this program's own server and audience.
 *
 * One server, its log in a temporary folder, and one thing at a time: a small audience and a large one of one
 * video, which is written to often, with comments, and seldom; nothing; a few likes and many; the ticks of
 * many videos. Processor time and memory are the kernel's (/proc), frames the server's own count; each thing
 * is measured in several slices, of which the middle one counts. Linux only. Held by calibrate.test.ts;
 * beside a run in `npm run bench:plan`.
 */
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Coefficients } from "./coefficients.ts";
import { costsOf } from "./costs.ts";
import { parseCalibrateOptions } from "./options.ts";
import type { PlanIo } from "./plan.ts";
import { bring, type Ends, type Site, type Slice, sliceOf, startSite } from "./site.ts";

/** Viewers that come before the audience, to the same video. */
const first = 300;
/** Videos of one viewer each. */
const few = 500;
/** Items of one request to them. */
const itemsAtOnce = 10;
/** So long after they have come nobody is still being sent what they missed. */
const arrivedMs = 800;
const kinds = ["heart", "clap", "laugh", "wow", "fire"];

/** Exit code of a run that was interrupted, as `ovation load` has it. */
const interrupted = 130;

export interface CalibrateIo extends PlanIo {
  readonly interrupt: AbortSignal;
}

/**
 * Runs the command; `argv` starts after `calibrate`. Exit code: 0, 1 not measured, 2 a bad flag, 130
 * interrupted. Whatever it started has ended by then.
 */
export async function runCalibrate(argv: readonly string[], io: CalibrateIo): Promise<number> {
  const parsed = parseCalibrateOptions(argv, io.env, (path) => readFileSync(path, "utf8"));
  if ("mistakes" in parsed) {
    for (const mistake of parsed.mistakes) io.stderr(`ovation calibrate: ${mistake}\n`);
    return 2;
  }
  if (!existsSync("/proc/self/task")) {
    io.stderr(
      "ovation calibrate: reads /proc, which this system has not: plan works with what was shipped\n",
    );
    return 1;
  }
  const folder = mkdtempSync(join(tmpdir(), "ovation-calibrate-"));
  const ends: Ends = [async () => rmSync(folder, { recursive: true, force: true })];
  const stopped = Promise.withResolvers<never>();
  io.interrupt.addEventListener("abort", () => stopped.reject(new Error("interrupted")));
  try {
    const { viewers } = parsed.settings;
    const run = async (): Promise<Coefficients> =>
      measure({ site: await startSite(io.self, folder, ends), io, viewers, ends });
    const costs = await Promise.race([run(), stopped.promise]);
    io.stdout(`${JSON.stringify(costs, undefined, 2)}\n`);
    return 0;
  } catch (error) {
    if (io.interrupt.aborted) return interrupted;
    io.stderr(`ovation calibrate: ${error instanceof Error ? error.message : error}\n`);
    return 1;
  } finally {
    for (const end of ends.reverse()) await end();
  }
}

interface Run {
  readonly site: Site;
  readonly io: CalibrateIo;
  readonly viewers: number;
  readonly ends: Ends;
}

async function measure({ site, io, viewers, ends }: Run): Promise<Coefficients> {
  const publish = new Publisher(site.url);
  const slices = async (what: string, count: number, during: () => Promise<void>): Promise<Slice[]> => {
    io.stderr(`${what} …\n`);
    const all: Slice[] = [];
    for (let i = 0; i < count; i++) all.push(await sliceOf(site, during));
    return all;
  };
  const audience = async (size: number, connections: number, ...flags: readonly string[]): Promise<void> => {
    const all = [`--viewers=${size}`, "--likes=0", "--comments=0", "--duration=60", ...flags];
    await bring(site, io.self, { connections, flags: all }, ends);
    await Bun.sleep(arrivedMs);
  };
  // Once for warmth: code is compiled, and memory is at its size, before anything is measured. Memory comes
  // next: what is free of it after other things, viewers would take without its being seen.
  await publish.often(60, 10, () => publish.many("alone", 4));
  await audience(first, first, "--videos=1", "--video-prefix=match");
  await publish.often(10, 60, () => publish.many("match", 5, "fan-1234"));
  await publish.often(10, 60, () => publish.comment());
  const small = await slices("a small audience", 3, () => Bun.sleep(300));
  await audience(viewers, first + viewers, "--videos=1", "--video-prefix=match");
  await publish.often(20, 60, () => publish.many("match", 5, "fan-1234"));
  const often = await slices("totals to viewers", 4, () =>
    publish.often(10, 60, () => publish.many("match", 5, "fan-1234")),
  );
  const talk = await slices("comments to viewers", 3, () => publish.often(8, 60, () => publish.comment()));
  await publish.often(2, 300, () => publish.many("match", 1));
  const slow = await slices("totals to viewers, seldom", 3, () =>
    publish.often(2, 300, () => publish.many("match", 1)),
  );
  const idle = await slices("nothing to do", 3, () => Bun.sleep(500));
  // A few before and after many: code that has just begun to be used takes longer, and a peak meets both.
  const one = () => publish.often(50, 10, () => publish.many("alone", 1));
  const young = await slices("a few likes", 2, one);
  await publish.often(300, 1, () => publish.many("alone", 4));
  const flood = await slices("many likes", 3, () => publish.often(300, 1, () => publish.many("alone", 4)));
  const seldom = [...young, ...(await slices("a few likes, again", 2, one))];
  await audience(few, first + viewers + few, `--videos=${few}`, "--video-prefix=few");
  await publish.often(30, 20, () => publish.items("few"));
  const ticks = await slices("ticks of many videos", 3, () =>
    publish.often(30, 20, () => publish.items("few")),
  );
  return costsOf({ small, often, talk, slow, idle, seldom, flood, ticks, viewers, first });
}

/** Whoever likes and comments; resolves when that was answered. */
class Publisher {
  readonly #url: string;
  #count = 0;

  constructor(url: string) {
    this.#url = url;
  }

  /** Does it `times`, so many ms apart however long each takes. */
  async often(times: number, everyMs: number, once: () => Promise<unknown>): Promise<void> {
    const fromMs = performance.now();
    const asked: Promise<unknown>[] = [];
    for (let i = 1; i <= times; i++) {
      const answer = once();
      // Thrown by the end of this; until then nobody else waits for it.
      answer.catch(() => {});
      asked.push(answer);
      await Bun.sleep(Math.max(0, fromMs + i * everyMs - performance.now()));
    }
    await Promise.all(asked);
  }

  /** So many likes at once, each in a request of its own. */
  many(video: string, count: number, user?: string): Promise<unknown> {
    const like = () => this.#post(`videos/${video}/likes`, { ...this.#reaction(), user });
    return Promise.all(Array.from({ length: count }, like));
  }

  comment(): Promise<void> {
    const text = `Comment ${++this.#count} of this run, as long as they are: what a goal!`;
    return this.#post("videos/match/comments", { text, user: "fan-1234" });
  }

  /** A like to each of the next videos, in one request. */
  items(prefix: string): Promise<void> {
    const video = () => `${prefix}-${1 + (this.#count % few)}`;
    const items = Array.from({ length: itemsAtOnce }, () => ({ ...this.#reaction(), video: video() }));
    return this.#post("likes", { items });
  }

  #reaction() {
    const count = ++this.#count;
    return { kind: kinds[count % kinds.length], count: 1, key: `calibrate-${count}` };
  }

  async #post(path: string, body: object): Promise<void> {
    const headers = { "content-type": "application/json" };
    const init = { method: "POST", headers, body: JSON.stringify(body) };
    const answer = await fetch(`${this.#url}/v1/${path}`, init);
    if (!answer.ok) throw new Error(`${path} was answered ${answer.status}: ${await answer.text()}`);
    await answer.arrayBuffer();
  }
}
