/**
 * Publishers and viewers for tests of weather, which share no code with the program: likes under keys at a
 * steady rate, a tenth of them repeated, each sent until it is accepted; and viewers who note what they were
 * shown and when. Afterwards the two are compared.
 */
import { expect } from "bun:test";
import { likeTimed } from "./cluster.ts";
import type { Viewer } from "./events.ts";

export interface TappingOptions {
  /** Asked in turn. */
  readonly urls: readonly string[];
  readonly video: string;
  readonly perSecond: number;
  /** Names the keys: the video's by default. */
  readonly name?: string;
}

/** Repeats come so much later, in ms, at most: across any step of a wall. */
const repeatMaxMs = 10_000;
const againMs = 200;
const everyTenth = 10;

/** Likes of one publisher. */
export class Tapping {
  /** When each like was accepted first, `performance.now()`, in that order. */
  readonly acceptedMs: number[] = [];
  /** Answers by status; 0: none. */
  readonly answers = new Map<number, number>();
  readonly #options: TappingOptions;
  readonly #underWay = new Set<Promise<void>>();
  readonly #timer: Timer;
  #sent = 0;
  #turn = 0;
  #ended = false;

  constructor(options: TappingOptions) {
    this.#options = options;
    this.#timer = setInterval(() => this.#tap(), 1_000 / options.perSecond);
  }

  /** Sends nothing new; resolves when everything sent was accepted, repeats too. */
  async end(): Promise<void> {
    clearInterval(this.#timer);
    this.#ended = true;
    while (this.#underWay.size > 0) await Promise.all(this.#underWay);
  }

  #tap(): void {
    const { video, name = video } = this.#options;
    const nth = this.#sent++;
    const key = `${name}-${nth}`;
    this.#keep(this.#until(key).then(() => void this.acceptedMs.push(performance.now())));
    if (nth % everyTenth !== 0) return;
    const untilMs = performance.now() + ((nth * 97) % repeatMaxMs);
    this.#keep(this.#repeat(key, untilMs));
  }

  async #repeat(key: string, atMs: number): Promise<void> {
    while (!this.#ended && performance.now() < atMs) await Bun.sleep(againMs);
    await this.#until(key);
  }

  /** Sends a like until it is accepted. */
  async #until(key: string): Promise<void> {
    const { urls, video } = this.#options;
    for (;;) {
      const { status } = await likeTimed(urls[this.#turn++ % urls.length] as string, video, key);
      this.answers.set(status, (this.answers.get(status) ?? 0) + 1);
      if (status === 202) return;
      await Bun.sleep(againMs);
    }
  }

  #keep(work: Promise<void>): void {
    this.#underWay.add(work);
    void work.finally(() => this.#underWay.delete(work));
  }
}

/** What one stream was shown of a video's likes. */
export class Shown {
  /** Totals in the order they came, and when, `performance.now()`. */
  readonly told: { readonly atMs: number; readonly likes: number }[] = [];
  readonly fell: string[] = [];

  constructor(viewer: Viewer) {
    viewer.onHeard = ({ event, says }) => {
      if (event !== "likes" && event !== "snapshot") return;
      const likes = Object.values(says.totals as Record<string, number>).reduce((all, one) => all + one, 0);
      const before = this.likes;
      if (likes < before) this.fell.push(`${before} to ${likes}`);
      this.told.push({ atMs: performance.now(), likes });
    };
  }

  get likes(): number {
    return this.told.at(-1)?.likes ?? 0;
  }

  /** The longest that an accepted like waited until this stream showed as many, in ms. */
  slowestMs(acceptedMs: readonly number[]): number {
    let slowestMs = 0;
    let at = 0;
    for (const [index, atMs] of acceptedMs.entries()) {
      while (at < this.told.length && (this.told[at]?.likes ?? 0) <= index) at++;
      const shown = this.told[at];
      slowestMs = Math.max(slowestMs, shown ? shown.atMs - atMs : Number.POSITIVE_INFINITY);
    }
    return slowestMs;
  }
}

/** Everything accepted was counted once, and every stream has shown it. */
export function expectShown(tapping: Tapping, shown: readonly Shown[]): void {
  expect(shown.map(({ fell }) => fell)).toEqual(shown.map(() => []));
  expect(shown.map(({ likes }) => likes)).toEqual(shown.map(() => tapping.acceptedMs.length));
}
