/**
 * One simulated run from a seed: a cluster under an audience and under faults, then healed, then quiet, then
 * empty. Returns everything that should not have happened, and what was done, so that a run in which nothing
 * happened is seen as one.
 */
import { later } from "../../base/clock.ts";
import { type Prng, seededPrng } from "../../base/prng.ts";
import type { VideoId } from "../../core/interaction.ts";
import { limits } from "../../core/limits.ts";
import { likesOf } from "../../core/totals.ts";
import { pass } from "./clock.ts";
import { Cluster } from "./cluster.ts";
import { deleteOne, otherKind, truthOf } from "./deletions.ts";
import { laneOf } from "./log.ts";
import { Publishers } from "./publisher.ts";
import { SimViewer, type Tamper } from "./viewer.ts";
import { blow } from "./weather.ts";

export interface Outcome {
  readonly seed: number;
  readonly violations: readonly string[];
  readonly virtualMs: number;
  readonly done: Readonly<Record<string, number>>;
}

export interface Options {
  /** Falsifies what viewers are told. */
  readonly tamper?: Tamper;
  /** Walls are set and lanes lose their leaders, and nothing else goes wrong. */
  readonly weatherOnly?: boolean;
  /** Videos are deleted; then the log does not lose its end, from which they would come back. */
  readonly deletes?: boolean;
}

const videos = ["v", "w", "x"] as VideoId[];
/** Viewers at once. */
const viewersMax = 12;

class Run {
  readonly prng: Prng;
  /** For what the world does by itself: drawn apart, so that old seeds do again what they did. */
  readonly weather: Prng;
  /** For what the log loses: drawn apart as well. */
  readonly losses: Prng;
  readonly cluster: Cluster;
  readonly publishers: Publishers;
  readonly viewers: SimViewer[] = [];
  readonly violations: string[] = [];
  readonly done: Record<string, number> = {};
  readonly #versions = new Map<string, string>();
  readonly #tamper: Tamper | undefined;
  #names = 0;
  #faulty = false;
  /** Whether the log of this run loses its end now and then. */
  readonly #loses: boolean;
  readonly #weatherOnly: boolean;
  /** For what is deleted: drawn apart as well. */
  readonly #deletes: Prng | undefined;
  /** Whether this run has faults at all. */
  #faults = false;

  constructor(seed: number, options: Options) {
    this.#tamper = options.tamper;
    this.#weatherOnly = options.weatherOnly ?? false;
    this.prng = seededPrng(seed);
    this.weather = seededPrng(seed + 2 ** 30);
    const costs = seededPrng(seed + 2 ** 28);
    this.losses = seededPrng(seed + 2 ** 29);
    this.#loses = this.losses.next() < 0.4 && !options.deletes;
    this.#deletes = options.deletes ? seededPrng(seed + 2 ** 27) : undefined;
    const small = this.prng.next() < 0.4;
    this.cluster = new Cluster(this.prng, this.weather, {
      tickMs: [0, 50, 50, 200][this.prng.between(0, 3)] as number,
      nodeHistory: small ? 20 : 200,
      logHistory: small ? 40 : 400,
      // In one run of three a node has as much to write as it can.
      writeMs: costs.next() < 0.33 ? costs.between(1, 20) / 2 : 0,
    });
    const wrong = (what: string): void => {
      if (this.violations.length < 20) this.violations.push(what);
    };
    this.publishers = new Publishers(this.cluster, this.prng, wrong);
    this.cluster.crashed = (name) => {
      for (const viewer of this.viewers) viewer.broken(name);
    };
  }

  wrong(what: string): void {
    const atMs = Math.round(this.cluster.clock.elapsed() - this.cluster.startAt);
    if (this.violations.length < 20) this.violations.push(`${atMs} ms: ${what}`);
  }

  note(what: string, count = 1): void {
    this.done[what] = (this.done[what] ?? 0) + count;
  }

  pick<T>(list: readonly T[]): T | undefined {
    return list[this.prng.between(0, list.length - 1)];
  }

  // ---- what happens

  /** Everybody does something, for `ms`. */
  async live(ms: number, faults: boolean): Promise<void> {
    this.#faults ||= faults;
    const { clock } = this.cluster;
    const untilAt = clock.elapsed() + ms;
    while (clock.elapsed() < untilAt) {
      await pass(clock, this.prng.between(1, 60));
      this.act();
      if (faults && this.prng.next() < 0.06) await this.fault();
      if (this.#deletes && this.#deletes.next() < 0.015) void this.delete(this.#deletes);
      if (faults && this.#loses && this.losses.next() < 0.02) this.loseEnd();
      const blown = faults || this.#weatherOnly ? blow(this.cluster, this.weather) : undefined;
      if (blown) this.note(blown);
    }
  }

  act(): void {
    const { publishers, prng } = this;
    const video = this.pick(videos) as VideoId;
    const chance = prng.next();
    if (chance < 0.3) publishers.like(video);
    else if (chance < 0.35) publishers.loosely(video, this.#faults);
    else if (chance < 0.55) publishers.comment(video);
    else if (chance < 0.6) publishers.retract();
    else if (chance < 0.65) for (let i = prng.between(5, 30); i > 0; i--) publishers.comment(video);
    else if (chance < 0.75) this.join();
    else this.disturb(chance);
  }

  /** Something a viewer does. */
  disturb(chance: number): void {
    const viewer = this.pick(this.viewers);
    if (!viewer) return;
    if (chance < 0.79) this.leave(viewer);
    else if (chance < 0.84) viewer.drop();
    else if (chance < 0.89) viewer.stall();
    else if (chance < 0.96) viewer.resume();
    else void this.change(viewer, this.pick(videos) as VideoId);
  }

  join(): void {
    if (this.viewers.length >= viewersMax) return;
    const { cluster, prng } = this;
    const chosen = prng.next() < 0.7 ? [this.pick(videos) as VideoId] : videos.slice(prng.between(0, 1));
    const name = `viewer ${this.#names++} of ${chosen}`;
    const wrong = (what: string): void => {
      if (this.violations.length < 20) this.violations.push(what);
    };
    this.viewers.push(
      new SimViewer({
        name,
        cluster,
        prng,
        videos: chosen,
        wrong,
        tamper: this.#tamper,
        versions: this.#versions,
      }),
    );
    this.note("joined");
  }

  leave(viewer: SimViewer): void {
    viewer.leave();
    this.viewers.splice(this.viewers.indexOf(viewer), 1);
  }

  /** Changes what an open stream watches, by way of any node. */
  async change(viewer: SimViewer, video: VideoId): Promise<void> {
    const { connection } = viewer;
    const frontend = this.pick(this.cluster.frontends)?.node.frontend;
    if (connection === undefined || !frontend) return;
    const on = !viewer.videos.has(video);
    if (!on && viewer.videos.size === 1) return;
    // A network that repeats requests, as NATS never does, would take back what was changed since.
    if (viewer.changing || this.#faulty) return;
    viewer.changing = true;
    if (on) viewer.watch(video);
    const verdict = await frontend.watch(connection, video, on);
    viewer.changing = false;
    if (!on) viewer.unwatch(video);
    this.note("changed");
    // Not known to be done, or done to a stream that is no more: what its next stream watches is what counts.
    if (!this.viewers.includes(viewer)) return;
    if (verdict !== "done" || viewer.connection !== connection) viewer.afresh();
  }

  async fault(): Promise<void> {
    const { cluster, prng } = this;
    const name = this.pick(cluster.names) as string;
    const life = cluster.nodes.get(name);
    const chance = prng.next();
    if (chance < 0.2) {
      cluster.crash(name);
      this.note("crashed");
    } else if (chance < 0.45) {
      await cluster.start();
    } else if (chance < 0.6) {
      life?.bus.cut();
      this.note("cut");
    } else if (chance < 0.85) {
      for (const { bus } of cluster.nodes.values()) bus.heal();
    } else {
      this.#faulty = !this.#faulty;
      const faults = { prng, drop: 0.1 * prng.next(), duplicate: 0.1, delayMaxMs: prng.between(0, 150) };
      cluster.hub.disturb(this.#faulty ? faults : undefined);
      this.note("disturbed");
    }
  }

  /** The log's comments come back older than they were, now and then from their beginning. */
  loseEnd(): void {
    const { losses, cluster } = this;
    cluster.log.loseEnd(losses.next() < 0.1 ? cluster.log.head : losses.between(0, 12));
    this.note("lost");
  }

  /** Somebody deletes a video, by way of any node; whoever is not answered does not ask again. */
  async delete(prng: Prng): Promise<void> {
    this.note("deletions");
    if (await deleteOne(this.cluster, prng, videos)) this.note("deleted");
  }

  /** What was left of deletions is carried out by whoever finds it. */
  async deleted(): Promise<void> {
    const { log, clock } = this.cluster;
    for (let ms = 0; log.tasks.size > 0 && ms < 40_000; ms += 500) await pass(clock, 500);
    for (const name of log.tasks.keys()) this.wrong(`${name} was not carried out`);
  }

  /** All is well again. */
  async heal(): Promise<void> {
    this.cluster.hub.disturb(undefined);
    this.#faulty = false;
    this.cluster.log.elect();
    for (const { bus } of this.cluster.nodes.values()) bus.heal();
    await this.cluster.start();
    for (const viewer of this.viewers) viewer.resume();
  }

  // ---- what must be true

  /** Every viewer that had the time to has been shown everything. */
  shown(when: string, connectedMs: number): void {
    const truth = truthOf(this.cluster.log, videos);
    const { clock } = this.cluster;
    for (const viewer of this.viewers) {
      if (viewer.node === undefined || clock.elapsed() - viewer.since < connectedMs) continue;
      for (const video of viewer.videos) {
        const missing = viewer.missing(video, truth.get(video) ?? {});
        if (missing) this.wrong(`${when}: a viewer at ${viewer.node} has not seen ${missing}`);
        this.note("compared");
      }
    }
  }

  /** Everybody is told how many watch. */
  counted(): void {
    for (const video of videos) {
      const watching = this.viewers.filter(({ node, videos: all }) => node !== undefined && all.has(video));
      for (const viewer of watching) {
        const said = viewer.shown.get(video)?.viewers;
        if (said !== watching.length)
          this.wrong(`${watching.length} watch ${video}, ${viewer.node} says ${said}`);
      }
    }
  }

  /** What was promised is what was counted. */
  kept(): void {
    const { publishers, cluster } = this;
    if (publishers.open > 0) this.wrong(`${publishers.open} interactions were never answered`);
    const ever = truthOf(cluster.log, videos, true);
    for (const [video, totals] of truthOf(cluster.log, videos)) {
      const counted = likesOf(ever.get(video) ?? {});
      const keyed = publishers.keyed.get(video) ?? 0;
      const { taken, unknown } = publishers.loose.get(video) ?? { taken: 0, unknown: 0 };
      if (counted < keyed + taken || counted > keyed + taken + unknown) {
        this.wrong(`${video}: ${counted} counted, ${keyed} and ${taken} promised, ${unknown} unknown`);
      }
      for (const view of cluster.log.views) {
        const folded = view.totals(video).counts;
        const kind = otherKind(folded, totals);
        if (kind) this.wrong(`${kind} of ${video} folded as ${folded[kind]}, not ${totals[kind]}`);
      }
      this.#inTime(video, likesOf(totals));
    }
    const written = [...cluster.log.entries.values()].flat();
    const texts = written.flatMap((entry) => (entry.type === "comment" ? [entry.text] : []));
    if (new Set(texts).size !== texts.length) this.wrong("a comment was placed twice");
    for (const text of publishers.comments.keys()) {
      if (!texts.includes(text) && !cluster.log.lost.has(text)) this.wrong(`${text} was lost`);
    }
    this.note("liked", publishers.keyed.size);
    this.note("attempts", publishers.attempts);
    this.note("refused", publishers.refused);
    this.note("comments", texts.length);
  }

  /** Every like stands in the timeline, and in that of every dispatcher in the same second. */
  #inTime(video: VideoId, counted: number): void {
    const told = [...this.cluster.log.views].map((view) => {
      const timeline = view.timeline(video);
      const spots = timeline?.spots(0, Number.MAX_SAFE_INTEGER) ?? [];
      const placed = spots.reduce((sum, { likes }) => sum + likesOf(likes), likesOf(timeline?.before ?? {}));
      if (placed !== counted) this.wrong(`${video}: ${placed} in time, ${counted} counted`);
      return JSON.stringify([timeline?.before, timeline?.skewMs, spots]);
    });
    if (new Set(told).size > 1) this.wrong(`${video} has several timelines`);
  }

  /** Likes of a lane that had a leader were not refused, whatever others had. */
  apart(): void {
    const { publishers, cluster } = this;
    for (const { video, sentAt, at } of publishers.refusedLikes) {
      if (cluster.log.led(laneOf(video), later(sentAt, -1_000), at)) {
        this.wrong(`a like of ${video}, whose lane had a leader, was refused`);
      }
    }
    this.note("apart", publishers.refusedLikes.length);
  }

  /** When all have left, nothing of them is left; later on nothing of nodes that died either. */
  emptied(everything: boolean): void {
    for (const { name, node } of this.cluster.frontends) {
      const { frontend } = node;
      if (frontend?.connections !== 0) this.wrong(`${name} holds ${frontend?.connections} streams`);
      const watches = [...(frontend?.watches() ?? [])].map(({ video }) => video);
      if (watches.length > 0) this.wrong(`${name} still watches ${watches}`);
    }
    for (const { name, node } of this.cluster.nodes.values()) {
      const watched = [...(node.dispatcher?.routes.videos() ?? [])];
      if (watched.length > 0) this.wrong(`${name} still routes ${watched}`);
      const rows = node.dispatcher?.routes.view(this.cluster.clock.elapsed()).rows ?? 0;
      if (rows > 0 && everything) this.wrong(`${name} still holds ${rows} rows`);
    }
  }
}

/** Runs `seed`. Everything that is drawn at random comes from it. */
export async function simulate(seed: number, options: Options = {}): Promise<Outcome> {
  const run = new Run(seed, options);
  const { cluster } = run;
  const { clock } = cluster;
  const startAt = clock.elapsed();
  await cluster.start();
  const [liveMs, faults] = [run.prng.between(4_000, 12_000), run.prng.next() < 0.85];
  await run.live(liveMs, faults && !options.weatherOnly);

  await run.heal();
  await run.deleted();
  await pass(clock, 5_000);
  run.shown("5 s after healing", 4_500);
  await run.live(1_000, false);
  // Everybody who retries is through within a few seconds, and everybody who was away is back.
  for (let ms = 0; run.publishers.open > 0 && ms < 20_000; ms += 500) await pass(clock, 500);
  for (const viewer of run.viewers) viewer.resume();
  await run.deleted();
  await pass(clock, 1_000);
  run.shown("1 s after the last like", 900);
  run.kept();
  if (options.weatherOnly) run.apart();
  if (seed % 4 === 0) {
    await pass(clock, limits.viewersExpireMs + 2 * limits.viewersRepeatMs);
    run.counted();
  }

  for (const viewer of [...run.viewers]) {
    run.note("resumes", viewer.resumes);
    run.note("resets", viewer.resets);
    run.note("repeated", viewer.repeated);
    run.note("crossed", viewer.crossed);
    run.leave(viewer);
  }
  // Only a network that mixes up messages, which one connection to NATS does not, may cost what `unsure`
  // says.
  if (run.done.crossed && !run.done.disturbed)
    run.wrong(`${run.done.crossed} entries were lost by coming back`);
  await pass(clock, limits.lingerMs + 3_000);
  run.emptied(false);
  if (seed % 4 === 0) {
    await pass(clock, limits.endedRowsMs + 3 * limits.leaseMs);
    run.emptied(true);
  }
  await cluster.close();
  await pass(clock, 2_500);
  for (const { name, clock: own } of cluster.nodes.values()) {
    if (own.timers > 0) run.wrong(`${name} left ${own.timers} timers`);
  }
  return { seed, violations: run.violations, virtualMs: clock.elapsed() - startAt, done: run.done };
}

/** What was wrong in the run of `seed`, each with the seed that shows it again. */
export async function violations(seed: number, options: Options = {}): Promise<readonly string[]> {
  const outcome = await simulate(seed, options);
  return outcome.violations.map((what) => `seed ${seed}: ${what}`);
}
