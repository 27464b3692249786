/**
 * What the micro-benchmarks work on: seeded, so that two revisions are given the same likes, names and
 * comments, and shaped like a crowd: few loud videos and many quiet ones, short names, text in many scripts.
 *
 * fixtures.test.ts holds them to what they claim. A fixture that a parser refused would make a fast
 * benchmark.
 */

import { type Clock, type Elapsed, type Timer, type UnixMs, unixMs } from "../src/base/clock.ts";
import { type Prng, seededPrng } from "../src/base/prng.ts";
import type { CommentEntry } from "../src/core/entry.ts";
import type { Kind, Like, VideoId } from "../src/core/interaction.ts";
import { Lineage } from "../src/core/lineage.ts";
import { type By, type LikeRecord, RecordBuilder } from "../src/core/record.ts";
import { emptyCounts, type Totals } from "../src/core/totals.ts";
import type { Tick } from "../src/core/wire.ts";
import type { Connection } from "../src/fanout/connection.ts";

/** Any number; this one is a date. */
const seed = 20_200_304;
export const startMs = 1_700_000_000_000;
export const kindNames = ["heart", "clap", "laugh", "wow", "fire"] as const;
export const lineage = Lineage.begin("bench0");

const words =
  "goal what a save no way again YES come on ref ⚽ ゴール ¡vamos! ура गोल 🎉 offside never".split(" ");

export function prngOf(name: string): Prng {
  let mixed = seed;
  for (const letter of name) mixed = Math.imul(mixed ^ letter.charCodeAt(0), 16_777_619);
  return seededPrng(mixed);
}

export function videoIds(count: number): VideoId[] {
  return Array.from({ length: count }, (_, index) => `match-${index + 1}` as VideoId);
}

/** Index of a video out of `count`, the first ones far more often: Zipf's law with exponent 1, roughly. */
export function popular(prng: Prng, count: number): number {
  return Math.min(count - 1, Math.floor((count + 1) ** prng.next()) - 1);
}

/** Likes as they are after parsing; a tenth carries no key. */
export function likes(count: number, videos: readonly VideoId[]): Like[] {
  const prng = prngOf("likes");
  return Array.from({ length: count }, (_, index) => ({
    video: videos[popular(prng, videos.length)] as VideoId,
    kind: kindOf(prng),
    count: prng.next() < 0.7 ? 1 : prng.between(2, 50),
    user: userOf(prng),
    key: prng.next() < 0.1 ? undefined : keyOf(index),
  }));
}

/** Bodies of `POST …/likes`, as text. */
export function likeBodies(count: number): string[] {
  return likes(count, videoIds(1)).map(({ kind, count, user, key }) =>
    JSON.stringify({ kind, count, user, key }),
  );
}

/** Bodies of `POST …/comments`, as text. */
export function commentBodies(count: number): string[] {
  const prng = prngOf("bodies");
  return Array.from({ length: count }, (_, index) =>
    JSON.stringify({ text: textOf(prng), user: userOf(prng), key: keyOf(index) }),
  );
}

/** Records of `keys` likes each, over few videos; no key appears twice. */
export function records(count: number, keys: number): LikeRecord[] {
  const videos = videoIds(20);
  const all = likes(count * keys, videos);
  return Array.from({ length: count }, (_, index) => {
    const builder = new RecordBuilder();
    for (const like of all.slice(index * keys, (index + 1) * keys)) builder.add(like, startMs + index);
    return builder.take();
  });
}

/** One video's comments in order, with the gaps that other videos leave. */
export function entries(count: number, video: VideoId): CommentEntry[] {
  const prng = prngOf("entries");
  let seq = 0;
  return Array.from({ length: count }, (_, index) => {
    const previous = seq;
    seq += prng.between(1, 9);
    const atMs = startMs + index * 20;
    return { type: "comment", video, seq, previous, text: textOf(prng), user: userOf(prng), atMs };
  });
}

/** Totals in which all kinds have been liked `version` times, more or less. */
export function totals(version: number): Totals {
  const counts = emptyCounts();
  for (const [index, kind] of kindNames.entries()) counts[kind] = version * (index + 1) * 37;
  return { version, counts };
}

/** A tick as a dispatcher publishes it, with the names it may carry. */
export function tick(version: number, video: VideoId): Tick {
  const atMs = startMs + version * 50;
  const by = byNames();
  return {
    video,
    region: "main",
    totals: totals(version),
    atMs,
    durableMs: atMs + 2,
    tickedMs: atMs + 3,
    by,
  };
}

export function byNames(): By[] {
  const prng = prngOf("by");
  return Array.from({ length: 5 }, () => ({
    user: userOf(prng),
    kind: kindOf(prng),
    count: prng.between(1, 9),
  }));
}

function kindOf(prng: Prng): Kind {
  return kindNames[prng.between(0, kindNames.length - 1)] as string as Kind;
}

function userOf(prng: Prng): string {
  return `fan-${prng.between(1, 99_999)}`;
}

/** As long as the keys that clients make: 20 characters. */
function keyOf(index: number): string {
  const mixed = Math.imul(index + 1, 0x9e3779b1) >>> 0;
  return `k${String(mixed).padStart(10, "0")}-${String(index).padStart(8, "0")}`;
}

function textOf(prng: Prng): string {
  const count = prng.between(1, 14);
  return Array.from({ length: count }, () => words[prng.between(0, words.length - 1)]).join(" ");
}

/** A clock that stands until it is moved, and runs what is due when it is told to. */
export class StandingClock implements Clock {
  #nowMs = startMs;
  #soon: (() => void)[] = [];

  elapsed(): Elapsed {
    return this.#nowMs as Elapsed;
  }

  date(): UnixMs {
    return unixMs(this.#nowMs);
  }

  after(_: number, run: () => void): Timer {
    this.#soon.push(run);
    return { cancel: () => {} };
  }

  every(): Timer {
    return { cancel: () => {} };
  }

  soon(run: () => void): void {
    this.#soon.push(run);
  }

  move(ms: number): void {
    this.#nowMs += ms;
  }

  /** Runs turns until nothing is due; how many. */
  run(): number {
    let turns = 0;
    for (; this.#soon.length > 0; turns++) {
      const due = this.#soon;
      this.#soon = [];
      for (const run of due) run();
    }
    return turns;
  }
}

/** Where the bytes of fake connections go: counted, not kept. */
export class Sink {
  frames = 0;
  bytes = 0;
}

/** `connection`, which is not begun yet, with a reader that takes everything at once. */
export function started<One extends Connection>(connection: One, sink: Sink): One {
  connection.start({
    desiredSize: 8,
    enqueue(bytes?: Uint8Array) {
      sink.frames++;
      sink.bytes += bytes?.length ?? 0;
    },
    close() {},
    error() {},
  });
  return connection;
}
