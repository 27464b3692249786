/**
 * The crowd of match-run.ts: real viewers of a load's own processes, who check every frame, and what they tap
 * and write, as a match of match.ts has it, at the pace of a stream whose clock runs ahead of the machine's.
 *
 * Time is compressed for the viewers' pictures only. Where a node goes by its own clock, the crowd is dressed
 * to fit: who comes back ten seconds of the match later has another name, as he would be somebody new;
 * everybody says what he sees, as the median of what they are behind runs away from those who do not; and who
 * lies is believed, for the same reason.
 */
import { seededPrng } from "../src/base/prng.ts";
import { limits } from "../src/core/limits.ts";
import { nowMs } from "../src/load/audience.ts";
import { Crew, type FinalWord } from "../src/load/crew.ts";
import { Publishers } from "../src/load/publishers.ts";
import { RequestPool } from "../src/load/request-pool.ts";
import { askAll, type Node, type Settled } from "../src/load/settle.ts";
import { readTarget, sourceAddress, type Target } from "../src/load/target.ts";
import type { Match, Remark, Tap } from "./match.ts";
import { executable } from "./ovation.ts";

export const video = "match";
const viewersPerProcess = 5_000;
const dialsPerS = 2_000;
const connectionsMax = 512;
const requestMs = 10_000;
const turnMs = 5;
/** What is left of a lie: who is not believed is placed by a median that jumps once a second. */
const liesShare = 0.4;
/** A turn that comes later than this goes on where the last one was. */
const pauseMaxMs = 100;
/** Publications that wait for their answers. Beyond: the match stands still. */
const underWayMax = 10_000;
/** For what was published last, and for what everybody shows in the end. */
const graceMs = 60_000;

export interface Played {
  readonly publishers: Publishers;
  readonly settled: Settled;
  readonly finals: readonly FinalWord[];
}

export class Crowd {
  readonly #nodes: readonly Node[];
  readonly #targets: readonly Target[];
  readonly #crew: Crew;
  readonly #viewers: number;

  constructor(doors: readonly string[], viewers: number) {
    this.#targets = doors.map((url) => readTarget(url) as Target);
    this.#nodes = this.#targets.map((target, index) => {
      const source = (connection: number) =>
        sourceAddress(4_000_000 + index * connectionsMax + (connection % connectionsMax));
      return { target, pool: new RequestPool({ target, connectionsMax, timeoutMs: requestMs, source }) };
    });
    this.#viewers = viewers;
    this.#crew = new Crew([executable()], Math.ceil(viewers / viewersPerProcess));
  }

  /** Takes their seats. */
  async come(): Promise<void> {
    const share = (index: number) => Math.floor((this.#viewers * index) / this.#crew.size);
    this.#crew.tell((index) => ({
      kind: "start",
      seed: index + 1,
      plan: {
        ...{ targets: this.#targets, videos: [video], from: share(index), to: share(index + 1) },
        ...{
          stall: 0,
          rampPerS: dialsPerS,
          diallingMax: 128,
          reconnect: true,
          sourceSpread: true,
          token: "",
        },
      },
    }));
    await this.#crew.until(() => this.#crew.pulse.connected >= this.#viewers, graceMs);
    const { connected } = this.#crew.pulse;
    if (connected < this.#viewers) throw new Error(`only ${connected} viewers came`);
    this.#crew.tell(() => ({ kind: "measure" }));
  }

  /**
   * Plays `match` within `seconds`; second 0 of the recording has the date `startMs`. `at` is told the second
   * that is on now. Resolves when everything is answered, and everybody shows what there is, or never will.
   */
  async play(match: Match, startMs: number, seconds: number, at: (second: number) => void): Promise<Played> {
    const plan = {
      ...{ videos: [video], kinds: ["heart"], likesPerS: 0, likesBatch: 1, commentsPerS: 0, behindMs: 0 },
      ...{ arrivals: "even" as const, repeat: 0.1, token: "", once: false, tag: `match-${startMs}` },
    };
    const publishers = new Publishers(plan, this.#nodes, 0, seededPrng(1));
    const speed = match.seconds / seconds;
    const names = new Names();
    const dateOf = (second: number) => Math.max(1, Math.round(startMs + 1000 * second));
    const tap = ({ viewer, cameS, sawS, saysS = sawS, kind, count }: Tap): void => {
      const like = {
        kind,
        count,
        user: names.of(viewer, cameS),
        mediaTime: dateOf(sawS + liesShare * (saysS - sawS)),
      };
      publishers.publish(kind, count, JSON.stringify(like), nowMs());
    };
    const say = ({ viewer, sawS, text }: Remark): void => {
      const comment = { user: `fan-${viewer}`, text, mediaTime: dateOf(sawS) };
      publishers.publish("", 1, JSON.stringify(comment), nowMs());
    };
    const { taps, remarks } = match;
    let [nextTap, nextRemark, second] = [0, 0, 0];
    for (let lastMs = nowMs(); nextTap < taps.length || nextRemark < remarks.length; ) {
      const now = nowMs();
      // No node lets a crowd run away from it: the match stands still until what was tapped is answered.
      if (publishers.outstanding < underWayMax) second += (Math.min(now - lastMs, pauseMaxMs) / 1000) * speed;
      lastMs = now;
      for (; (taps[nextTap]?.cameS ?? Number.POSITIVE_INFINITY) <= second; nextTap++)
        tap(taps[nextTap] as Tap);
      for (; (remarks[nextRemark]?.cameS ?? Number.POSITIVE_INFINITY) <= second; nextRemark++) {
        say(remarks[nextRemark] as Remark);
      }
      at(second);
      await Bun.sleep(turnMs);
    }
    await publishers.finish(graceMs);
    return this.#settled(publishers);
  }

  async end(): Promise<void> {
    for (const { pool } of this.#nodes) pool.close();
    await this.#crew.dismiss();
  }

  async #settled(publishers: Publishers): Promise<Played> {
    const account = publishers.accounts.get(video);
    if (!account) throw new Error("nothing was published");
    const untilMs = performance.now() + graceMs;
    const ask = () => askAll(this.#nodes, new Map([[video, {}]]), publishers.accounts, "");
    let settled = await ask();
    while (
      (settled.lost > 0 || settled.doubled > 0 || settled.silent.length > 0) &&
      performance.now() < untilMs
    ) {
      await Bun.sleep(200);
      settled = await ask();
    }
    const truth = { totals: account.accepted, comments: account.comments };
    this.#crew.tell(() => ({ kind: "check", truths: [[video, truth]], waitMs: graceMs }));
    await this.#crew.until(() => this.#crew.finals.length + this.#crew.lost >= this.#crew.size, 2 * graceMs);
    return { publishers, settled, finals: this.#crew.finals };
  }
}

/** What a viewer calls himself: another name each time that he would be somebody new to a node. */
class Names {
  readonly #since = new Map<number, { readonly fromS: number; readonly n: number }>();

  of(viewer: number, cameS: number): string {
    const before = this.#since.get(viewer);
    if (before && cameS - before.fromS < limits.personMs / 1000) return `v${viewer}-${before.n}`;
    const n = (before?.n ?? 0) + 1;
    this.#since.set(viewer, { fromS: cameS, n });
    return `v${viewer}-${n}`;
  }
}
