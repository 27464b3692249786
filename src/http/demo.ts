/**
 * A simulated crowd, for showing: with `--demo`, fans inside the server who like and comment as people do.
 *
 * They stand where real publishers stand (the ingest), so what a visitor sees travelled the whole road.
 * They are few requests, not many sockets: each turn draws how many fans tapped meanwhile and hands those
 * likes over as one batch, so the cost is bounded whatever the number of fans. They only visit videos that
 * somebody looks at and that are not over, and go quiet when there are none.
 * Not viewers: the viewer count stays true.
 */
import type { Clock, Timer } from "../base/clock.ts";
import type { Prng } from "../base/prng.ts";
import type { Ingest } from "../core/ingest.ts";
import { type Kind, type Like, parseComment, type VideoId } from "../core/interaction.ts";
import { names, phrases } from "./demo-words.ts";
import type { Crowd } from "./doors.ts";

/** Fans of one node. */
export const crowdFansMax = 20_000;
/** Fans there from the start: enough that whoever opens the page first finds it alive. */
export const crowdFansFirst = 400;
/** Videos the crowd visits at once; more have enough people of their own. */
const videosMax = 16;
/** How often the crowd acts, in ms. */
const turnMs = 100;
/** Likes handed over in one turn, all videos together. */
const likesPerTurnMax = 500;
/** Comments a second, all videos together: more than anyone can read. */
const commentsPerSecondMax = 6;
/** A fan taps once in this time, in ms, in a quiet moment and in an exciting one. */
const quietTapMs = 16_000;
const excitedTapMs = 1_500;
/** Where each fan likes once: the share of taps that take a like back. */
const unlikeShare = 0.3;
/** A fan writes once in this time, in seconds. */
const commentEveryS = 240;

export interface CrowdParts {
  readonly clock: Clock;
  readonly prng: Prng;
  readonly ingest: Ingest;
  readonly kinds: readonly string[];
  /** Each fan likes a kind of a video once, and sometimes takes it back. */
  readonly once?: boolean;
  /** What is watched on this node now, and is not over. */
  readonly watched: () => Iterable<VideoId>;
}

export class DemoCrowd implements Crowd {
  readonly #parts: CrowdParts;
  readonly #timer: Timer;
  #fans = crowdFansFirst;
  /** 0 quiet … 1 a goal has just been scored; falls by itself. */
  #excitement = 0;
  #busy = false;

  constructor(parts: CrowdParts) {
    this.#parts = parts;
    this.#timer = parts.clock.every(turnMs, () => void this.#turn());
  }

  get fans(): number {
    return this.#fans;
  }

  set(fans: number): void {
    // More fans than before arrive cheering: the visitor who moved the slider sees it at once.
    if (fans > this.#fans) this.#excitement = Math.max(this.#excitement, 0.6);
    this.#fans = Math.min(fans, crowdFansMax);
  }

  close(): void {
    this.#timer.cancel();
    this.#fans = 0;
  }

  /** One turn: skipped while the last one is not durable, so a slow log meets a patient crowd. */
  async #turn(): Promise<void> {
    const { prng, ingest, watched } = this.#parts;
    this.#excitement *= 0.97;
    if (prng.next() < turnMs / 20_000) this.#excitement = 0.4 + 0.6 * prng.next();
    if (this.#fans === 0 || this.#busy) return;
    const videos = [...take(watched(), videosMax)];
    this.#busy = true;
    try {
      const likes: Like[] = [];
      const comments: Promise<unknown>[] = [];
      const fans = this.#fans / videos.length;
      const commentsMax = commentsPerSecondMax / videos.length;
      for (const video of videos) {
        this.#tap(video, fans, Math.floor(likesPerTurnMax / videos.length), likes);
        const perTurn = Math.min(fans / commentEveryS, commentsMax) * (turnMs / 1000);
        if (prng.next() < perTurn) comments.push(this.#say(video));
      }
      if (likes.length > 0) await ingest.likes(likes);
      await Promise.all(comments);
    } finally {
      this.#busy = false;
    }
  }

  #tap(video: VideoId, fans: number, room: number, likes: Like[]): void {
    const { prng } = this.#parts;
    const tapMs = quietTapMs + (excitedTapMs - quietTapMs) * this.#excitement;
    const expected = (fans * turnMs) / tapMs;
    for (let i = poisson(expected, room, prng); i > 0; i--) {
      const tap = { video, kind: this.#kind(), user: this.#name(), key: undefined };
      likes.push(
        this.#parts.once
          ? { ...tap, count: 1, viewer: this.#fan(), unlike: prng.next() < unlikeShare }
          : { ...tap, count: prng.between(1, 4) },
      );
    }
  }

  /** One of the fans of this node, as a viewer. */
  #fan(): string {
    return `demo-${this.#parts.prng.between(1, this.#fans)}`;
  }

  async #say(video: VideoId): Promise<unknown> {
    const { clock, ingest } = this.#parts;
    const body = { text: this.#of(phrases), user: this.#name() };
    const draft = parseComment(video, body, null, clock.date());
    return "rejected" in draft ? undefined : ingest.comment(draft);
  }

  #kind(): Kind {
    const { kinds, prng } = this.#parts;
    // The first kind is the heart of the matter: half of all taps.
    return (prng.next() < 0.5 ? kinds[0] : this.#of(kinds)) as Kind;
  }

  #name(): string {
    return this.#of(names);
  }

  #of<T>(words: readonly T[]): T {
    return words[this.#parts.prng.between(0, words.length - 1)] as T;
  }
}

/**
 * How many of many rare events fell into this turn, at most `max`: Knuth's product method for small means,
 * the normal approximation above.
 */
export function poisson(mean: number, max: number, prng: Prng): number {
  if (mean > 30) {
    const normal = Math.sqrt(-2 * Math.log(1 - prng.next())) * Math.cos(2 * Math.PI * prng.next());
    return Math.max(0, Math.min(max, Math.round(mean + Math.sqrt(mean) * normal)));
  }
  const floor = Math.exp(-mean);
  let count = 0;
  for (let product = prng.next(); product > floor && count < max; product *= prng.next()) count++;
  return count;
}

function* take<T>(items: Iterable<T>, max: number): Generator<T> {
  let taken = 0;
  for (const item of items) {
    if (taken++ === max) return;
    yield item;
  }
}
