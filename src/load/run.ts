/**
 * One run, in order: look at the nodes, bring the audience, publish, let everything arrive, compare, report.
 *
 * The publishers live here and the viewers in processes of their own, so that an open-loop schedule is not
 * late because a viewer's frame is being read. Nothing here judges (report.ts does).
 */
import { cpus } from "node:os";
import { seededPrng } from "../base/prng.ts";
import { Crew } from "./crew.ts";
import type { Totals } from "./events.ts";
import { HealthWatch } from "./health.ts";
import type { Health } from "./link.ts";
import { type LoadOptions, processesOf, videosOf } from "./options.ts";
import { Publishers } from "./publishers.ts";
import { RequestPool } from "./request-pool.ts";
import { askAll, configOf, expected, type Node, readNode, type Settled } from "./settle.ts";
import { isLoopback4, readTarget, sourceAddress, type Target } from "./target.ts";

/** Connections of the publishers to one node. Beyond: requests wait in line. */
const publishConnectionsMax = 1024;
const requestTimeoutMs = 10_000;
/** Connections half made by the whole audience at once: half of a listen queue of 512. */
const diallingMax = 256;
/** How early a timer may fire: the last publication is due just before the end. */
const timerMs = 5;
/** Beyond the time to check, for an audience process to put its last word together. */
const answerMs = 15_000;
/** Beyond what the ramp needs, for slow starts. */
const rampGraceMs = 30_000;
/** How long likes of unknown fate may still appear in totals that already fit. */
const unknownMs = 1_000;
/** How long nodes that answer 503 are waited for before a run, and how often they are asked, in ms. */
const startingMs = 10_000;
const startingAgainMs = 250;

/** Everything that is known at the end. Times are milliseconds. */
export interface Outcome {
  readonly options: LoadOptions;
  readonly tag: string;
  readonly connected: number;
  readonly publishStartMs: number;
  /** How long publications were due: --duration, or less if interrupted. */
  readonly publishedMs: number;
  readonly publishers: Publishers;
  readonly settled: Settled;
  readonly crew: Crew;
  readonly health: Health;
  /** Share of all cores of this machine in use while publishing, 0…1. */
  readonly machineBusy: number;
  readonly interrupted: boolean;
}

/** What is going on, for the progress line. */
export type Phase = "connecting" | "publishing" | "settling";
export interface Sight {
  readonly phase: Phase;
  readonly crew: Crew;
  readonly publishers: Publishers | undefined;
}

/** Plays a whole run. A string says why there was none, a mistake which flag this server cannot do. */
export async function play(
  options: LoadOptions,
  self: readonly string[],
  interrupt: AbortSignal,
  look: (sight: Sight) => void,
): Promise<{ outcome: Outcome; end: () => Promise<void> } | { mistake: string } | string> {
  const nodes = options.url.map(nodeOf(options));
  const videos = videosOf(options);
  const token = options.key || options.token;
  const close = (): void => {
    for (const node of nodes) node.pool.close();
  };
  const before = await firstTotals(nodes, videos, token);
  if (typeof before === "string") {
    close();
    return before;
  }
  const { likeMode, auth } = await configOf(nodes[0] as Node);
  const once = likeMode === "once";
  const mistake = once ? onceMistake(options, auth) : undefined;
  if (mistake !== undefined) {
    close();
    return { mistake };
  }
  const tag = `${options.videoPrefix}-${Date.now().toString(36)}`;
  const crew = new Crew(self, processesOf(options));
  const end = async (): Promise<void> => {
    close();
    await crew.dismiss();
  };
  startAudience(crew, options, videos);
  look({ phase: "connecting", crew, publishers: undefined });
  const rampMs = (options.viewers / options.ramp) * 1000 + rampGraceMs;
  await crew.until(() => crew.lost > 0 || crew.pulse.connected >= options.viewers, rampMs, interrupt);
  const { connected } = crew.pulse;

  const health = new HealthWatch();
  const machine = machineWatch();
  crew.tell(() => ({ kind: "measure" }));
  const publishStartMs = performance.timeOrigin + performance.now();
  const publishers = startPublishers(options, nodes, videos, tag, once);
  look({ phase: "publishing", crew, publishers });
  await crew.until(() => crew.lost > 0, options.duration * 1000 + timerMs, interrupt);
  const playedMs = performance.timeOrigin + performance.now() - publishStartMs;
  const busy = { machineBusy: machine(), health: health.read() };
  health.stop();

  look({ phase: "settling", crew, publishers });
  const graceMs = interrupt.aborted ? 2000 : options.settle * 1000;
  await publishers.finish(graceMs);
  const settled = await settle(nodes, before, publishers, token, graceMs);
  await checkAudience(crew, before, publishers, settled, graceMs);
  const outcome: Outcome = {
    options,
    tag,
    connected,
    publishStartMs,
    publishedMs: Math.min(playedMs, options.duration * 1000),
    publishers,
    settled,
    crew,
    ...busy,
    interrupted: interrupt.aborted,
  };
  return { outcome, end };
}

/** Why this run cannot be one of a server that takes one like per viewer. */
function onceMistake({ likesBatch, key }: LoadOptions, auth: "open" | "token"): string | undefined {
  if (likesBatch > 1) return `--likes-batch=${likesBatch}: this server takes one like per viewer, so 1`;
  if (auth === "open" || key !== "") return undefined;
  return "--key: this server takes one like per viewer, and a token's holder is one: publish with an API key";
}

function nodeOf(options: LoadOptions): (url: string, index: number) => Node {
  return (url, index) => {
    const target = readTarget(url) as Target;
    const spread = options.sourceSpread && isLoopback4(target);
    // Far behind the viewers' addresses, and each node's publishers apart.
    const first = 4_000_000 + index * publishConnectionsMax;
    const source = (connection: number): string | undefined =>
      spread ? sourceAddress(first + (connection % publishConnectionsMax)) : undefined;
    const pool = new RequestPool({
      target,
      connectionsMax: publishConnectionsMax,
      timeoutMs: requestTimeoutMs,
      source,
    });
    return { target, pool };
  };
}

/** Totals of the videos before the run; nodes that are still starting, which answer 503, are waited for. */
async function firstTotals(
  nodes: readonly Node[],
  videos: readonly string[],
  token: string,
): Promise<Map<string, Totals> | string> {
  for (const untilMs = performance.now() + startingMs; ; await Bun.sleep(startingAgainMs)) {
    const troubles: string[] = [];
    for (const node of nodes) {
      const totals = await readNode(node, videos, token);
      if (typeof totals !== "string") return totals;
      troubles.push(totals);
    }
    const starting = troubles.some((trouble) => trouble.includes(" answers 503 "));
    if (!starting || performance.now() > untilMs) return troubles.join("; ");
  }
}

function startAudience(crew: Crew, options: LoadOptions, videos: readonly string[]): void {
  const targets = options.url.map((url) => readTarget(url) as Target);
  const share = (index: number): number => Math.floor((options.viewers * index) / crew.size);
  crew.tell((index) => ({
    kind: "start",
    seed: options.seed + index + 1,
    plan: {
      targets,
      videos,
      from: share(index),
      to: share(index + 1),
      stall: options.stall,
      rampPerS: Math.max(1, options.ramp / crew.size),
      diallingMax: Math.max(16, Math.floor(diallingMax / crew.size)),
      reconnect: options.reconnect,
      sourceSpread: options.sourceSpread && targets.every(isLoopback4),
      token: options.token,
    },
  }));
}

function startPublishers(
  options: LoadOptions,
  nodes: readonly Node[],
  videos: readonly string[],
  tag: string,
  once: boolean,
): Publishers {
  const plan = {
    videos,
    kinds: options.kinds,
    likesPerS: options.likes,
    likesBatch: options.likesBatch,
    behindMs: options.behindMs,
    commentsPerS: options.comments,
    arrivals: options.arrivals,
    repeat: options.repeat / 100,
    token: options.key || options.token,
    once,
    tag,
  };
  return new Publishers(plan, nodes, options.duration * 1000, seededPrng(options.seed));
}

/** Asks the nodes until what they say is exact, for at most `waitMs`; answers what they said last. */
async function settle(
  nodes: readonly Node[],
  before: ReadonlyMap<string, Totals>,
  publishers: Publishers,
  token: string,
  waitMs: number,
): Promise<Settled> {
  const untilMs = performance.now() + waitMs;
  if (publishers.unknownLikes > 0) await Bun.sleep(unknownMs);
  for (;;) {
    const settled = await askAll(nodes, before, publishers.accounts, token);
    const exact = settled.lost === 0 && settled.doubled === 0 && settled.totals.size === before.size;
    if (exact || performance.now() >= untilMs) return settled;
    await Bun.sleep(200);
  }
}

async function checkAudience(
  crew: Crew,
  before: ReadonlyMap<string, Totals>,
  publishers: Publishers,
  settled: Settled,
  waitMs: number,
): Promise<void> {
  // Viewers are held against what was accepted; where that is a range, against what the nodes say.
  const useTold = publishers.unknownLikes > 0 && settled.totals.size > 0;
  const truths = [...publishers.accounts].map(([video, account]) => {
    const owed = expected(before.get(video) ?? {}, account);
    const totals = useTold ? (settled.totals.get(video) ?? owed) : owed;
    return [video, { totals, comments: account.comments }] as const;
  });
  crew.tell(() => ({ kind: "check", truths, waitMs }));
  await crew.until(() => crew.finals.length + crew.lost >= crew.size, waitMs + answerMs);
}

/** Starts looking at all cores; the answer is the share in use since. */
function machineWatch(): () => number {
  const read = (): { busy: number; all: number } => {
    let busy = 0;
    let all = 0;
    for (const { times } of cpus()) {
      const used = times.user + times.nice + times.sys + times.irq;
      busy += used;
      all += used + times.idle;
    }
    return { busy, all };
  };
  const start = read();
  return () => {
    const now = read();
    return now.all === start.all ? 0 : (now.busy - start.busy) / (now.all - start.all);
  };
}
