/**
 * Coefficients out of what `ovation calibrate` has seen: each is what was used for a thing, less what is
 * known to be of others, over how often it was done. Held by calibrate.test.ts.
 */
import { limits } from "../core/limits.ts";
import { type Coefficients, shipped } from "./coefficients.ts";
import { batchesOf } from "./model.ts";
import { names, type Slice } from "./site.ts";

/** Slices of each thing. */
export interface Seen {
  /** `first` quiet viewers of a video; then `viewers` more: told often, five names to a frame; comments. */
  readonly small: readonly Slice[];
  readonly often: readonly Slice[];
  readonly talk: readonly Slice[];
  /** The same, seldom and without names; and not at all. */
  readonly slow: readonly Slice[];
  readonly idle: readonly Slice[];
  /** Requests with one like each, ten milliseconds apart, and forty times as many. */
  readonly seldom: readonly Slice[];
  readonly flood: readonly Slice[];
  /** Likes of many videos in few requests, each video with one viewer, and liked once a second. */
  readonly ticks: readonly Slice[];
  readonly first: number;
  readonly viewers: number;
}

/** Coefficients out of what was seen; no cost is below a tenth of a microsecond, or a byte. */
export function costsOf(seen: Seen): Coefficients {
  const idleUs = middle([...seen.small, ...seen.idle], ({ coreS, ms }) => (1e9 * coreS) / ms);
  const usedUs = ({ coreS, ms }: Slice): number => 1e6 * coreS - (idleUs * ms) / 1_000;
  const { likeUs, batchUs } = takingOf(seen, usedUs);
  const batches = ({ rise }: Slice): number => rise(names.commits) * batchUs + rise(names.likes) * likeUs;
  const frames = ({ rise }: Slice): number => rise(names.likesFrames) + rise(names.commentFrames);
  const write = (slice: Slice): number => (usedUs(slice) - batches(slice)) / frames(slice);
  const slowWriteUs = atLeast(0.1, middle(seen.slow, write));
  // Whoever is told something once a second has heard nothing for long.
  const tick = (slice: Slice): number =>
    (usedUs(slice) - slice.rise(names.commits) * batchUs - frames(slice) * slowWriteUs) /
    slice.rise(names.ticks);
  const perFrame = (slice: Slice): number => slice.rise(names.bytes) / frames(slice);
  const frameBytes = middle(seen.slow, perFrame);
  const memory = (slices: readonly Slice[]): number => middle(slices, ({ bytes }) => bytes);
  const viewerBytes = atLeast(1, (memory(seen.slow) - memory(seen.small)) / seen.viewers);
  return {
    of: `this machine, measured with ${seen.viewers} viewers`,
    processBytes: atLeast(1, memory(seen.small) - seen.first * viewerBytes),
    viewerBytes,
    videoBytes: shipped.videoBytes,
    keyBytes: shipped.keyBytes,
    spareBytes: shipped.spareBytes,
    idleUs: atLeast(0.1, idleUs),
    writeUs: atLeast(0.1, middle([...seen.often, ...seen.talk], write)),
    slowWriteUs,
    tickUs: atLeast(0.1, middle(seen.ticks, tick)),
    likeUs: atLeast(0.1, likeUs),
    batchUs: atLeast(0.1, batchUs),
    busUs: shipped.busUs,
    frameBytes: atLeast(1, frameBytes),
    nameBytes: atLeast(1, (middle(seen.often, perFrame) - frameBytes) / limits.bySizeMax),
    commentBytes: atLeast(1, middle(seen.talk, perFrame)),
  };
}

/**
 * What a request costs by itself, and what those that are put into the log together cost once: of few, each
 * is put there alone; of many as many together as the plan counts on.
 */
function takingOf({ seldom, flood }: Seen, usedUs: (slice: Slice) => number) {
  const likes = ({ rise }: Slice): number => rise(names.likes);
  const fewUs = middle(seldom, (slice) => usedUs(slice) / slice.rise(names.commits));
  const fewLikes = middle(seldom, (slice) => likes(slice) / slice.rise(names.commits));
  const manyUs = middle(flood, (slice) => usedUs(slice) / likes(slice));
  const batches = middle(flood, (slice) => {
    const perS = (1_000 * likes(slice)) / slice.ms;
    return batchesOf(perS) / perS;
  });
  // Two equations: fewUs = fewLikes × likeUs + batchUs, manyUs = likeUs + batches × batchUs.
  const likeUs = (manyUs - batches * fewUs) / (1 - batches * fewLikes);
  return { likeUs, batchUs: fewUs - fewLikes * likeUs };
}

/** The middle of what slices say; one in which the thing did not happen says nothing. */
function middle(slices: readonly Slice[], of: (slice: Slice) => number): number {
  const sorted = slices
    .map(of)
    .filter(Number.isFinite)
    .sort((a, b) => a - b);
  const upper = sorted[Math.floor(sorted.length / 2)];
  const lower = sorted[Math.floor((sorted.length - 1) / 2)];
  if (upper === undefined || lower === undefined) throw new Error("too little happened to be measured");
  return (lower + upper) / 2;
}

/** Three digits: what is measured for seconds has no more. */
function atLeast(least: number, value: number): number {
  return Math.max(least, Number(value.toPrecision(3)));
}
