import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { seededPrng } from "../base/prng.ts";
import type { Kind, VideoId } from "../core/interaction.ts";
import { limits } from "../core/limits.ts";
import type { LikeGroup } from "../core/record.ts";
import { emptyCounts } from "../core/totals.ts";
import type { Timeline } from "./timeline.ts";
import { Block, slotsPerBlock } from "./timeline-block.ts";
import { type TimelineOptions, Timelines, timelineDefault } from "./timelines.ts";

const hour = 3_600_000;
const startS = 1_700_000_100;

function group(over: Partial<LikeGroup> = {}): LikeGroup {
  const none = { loose: 0, hi: [], lo: [], counts: [], by: [] };
  return { video: "v" as VideoId, kind: "heart" as Kind, ...none, people: 1, ...over };
}

/** A video that gets likes, and what its totals are by now. */
class Video {
  readonly timelines: Timelines;
  readonly totals = emptyCounts();
  readonly #video: VideoId;

  constructor(timelines: Timelines, video = "v") {
    this.timelines = timelines;
    this.#video = video as VideoId;
  }

  like(kind: string, added: number, removed: number, atMs: number, logMs: number, mediaS?: number): void {
    const one = group({ video: this.#video, kind: kind as Kind, ...(mediaS !== undefined && { mediaS }) });
    this.timelines.note(one, { added, removed }, { atMs, logMs, totals: { ...this.totals } });
    this.totals[kind] = (this.totals[kind] ?? 0) + added - removed;
  }

  get timeline(): Timeline | undefined {
    return this.timelines.videos.get(this.#video);
  }

  /** Before all time, and all time, by kind. */
  sums(stepS = 60): Record<string, number> {
    const sums: Record<string, number> = {};
    const add = (series: number, count: number): void => {
      const name = this.timelines.names[series] as string;
      const kind = name.replace(/^-/, "");
      if (name !== "*") sums[kind] = (sums[kind] ?? 0) + (name === kind ? count : -count);
    };
    const { timeline } = this;
    for (const [series, count] of timeline?.before ?? []) add(series, count);
    const bounds = timeline?.bounds();
    const { fromS = 0, toS = 0 } = bounds ?? {};
    const first = fromS - (fromS % stepS);
    for (const [series, counts] of timeline?.read({ fromS: first, toS, stepS }) ?? []) {
      for (const count of counts) add(series, count);
    }
    return sums;
  }
}

describe("a block", () => {
  test("is the same after it was sealed, opened again and told as bytes", () => {
    const count = fc.oneof(fc.integer({ min: 1, max: 2 ** 40 }), fc.integer({ min: 1, max: 2 ** 16 }));
    const add = fc.tuple(fc.nat(4), fc.nat(slotsPerBlock - 1), count);
    fc.assert(
      fc.property(fc.array(fc.oneof(add, fc.constant("seal" as const)), { maxLength: 300 }), (steps) => {
        const block = new Block(0, 7, 1);
        const model = new Map<string, number>();
        for (const step of steps) {
          if (step === "seal") block.seal();
          else {
            const [series, slot, count] = step;
            block.add(series, slot, count);
            model.set(`${series} ${slot}`, (model.get(`${series} ${slot}`) ?? 0) + count);
          }
        }
        const again = Block.of(0, 7, 1, block.bytes()) as Block;
        for (const one of [block, again]) {
          const held = new Map<string, number>();
          one.each((series, slot, count) => held.set(`${series} ${slot}`, count));
          expect(held).toEqual(model);
          expect(one.cells).toBe(model.size);
        }
      }),
    );
  });

  test("has room for the longest counts of every series there can be", () => {
    const block = new Block(0, 7, 1_000);
    const most = Number.MAX_SAFE_INTEGER;
    for (let series = 0; series < 255; series++) {
      for (let slot = 0; slot < slotsPerBlock; slot++) block.add(series, slot, most);
    }
    const again = Block.of(0, 7, 1_000, block.bytes());
    let all = 0;
    again?.each((_, __, count) => {
      if (count === most) all++;
    });
    expect(all).toBe(255 * slotsPerBlock);
  });

  test("of bytes that are none is none", () => {
    for (const bytes of [
      [1],
      [1, 0],
      [1, 0, 0],
      [1, 0, 0xff, 0xff, 0x7f],
      [1, 255, 255, 255, 255, 255, 255, 255, 255],
    ]) {
      expect(Block.of(0, 0, 0, Uint8Array.from(bytes))).toBeUndefined();
    }
    fc.assert(fc.property(fc.uint8Array({ maxLength: 60 }), (bytes) => void Block.of(0, 0, 0, bytes)));
  });
});

describe("a timeline", () => {
  test("holds each like in its second, and in the end all of them, whatever was merged", () => {
    const step = fc.record({
      kind: fc.constantFrom("heart", "clap", "wow"),
      added: fc.nat(50),
      removed: fc.nat(3),
      forwardMs: fc.constantFrom(0, 200, 1_500, 300_000, hour, 30 * hour, 800 * hour),
      behindS: fc.option(fc.integer({ min: -9, max: 119 })),
    });
    fc.assert(
      fc.property(
        fc.array(step, { minLength: 1, maxLength: 60 }),
        fc.constantFrom(1, 7, 60),
        (steps, stepS) => {
          const video = new Video(new Timelines(timelineDefault));
          video.totals.heart = 1_000;
          let atMs = startS * 1_000;
          for (const { kind, added, removed, forwardMs, behindS } of steps) {
            atMs += forwardMs;
            const back = Math.min(removed, (video.totals[kind] ?? 0) + added);
            const mediaS = behindS === null ? undefined : Math.floor(atMs / 1000) - behindS;
            if (added + back === 0) continue;
            video.like(kind, added, back, atMs, atMs, mediaS);
            const spread = (video.timeline?.bounds()?.toS ?? 0) - (video.timeline?.bounds()?.fromS ?? 0);
            if (spread / stepS < 100_000)
              expect({ ...emptyCounts(), ...video.sums(stepS) }).toMatchObject(video.totals);
          }
        },
      ),
      { numRuns: 60 },
    );
  });

  test("of a busy match takes less than 64 KB an hour, sealed, with five kinds and all its people", () => {
    const timelines = new Timelines(timelineDefault);
    const video = new Video(timelines);
    const prng = seededPrng(5);
    const kinds = ["heart", "clap", "laugh", "wow", "fire"];
    for (let second = 0; second < 3_600; second++) {
      const atMs = (startS + second) * 1000;
      for (const kind of kinds) video.like(kind, prng.between(100, 3_000), 0, atMs, atMs);
    }
    let bytes = 0;
    for (const block of video.timeline?.blocks() ?? []) bytes += 100 + block.bytes().length;
    expect(bytes).toBeLessThan(64 * 1024);
    expect(video.sums(1)).toEqual({ ...video.totals });
  });

  test("keeps seconds for two hours, tens for a day, minutes for a month, and then a number", () => {
    const video = new Video(new Timelines(timelineDefault));
    const steps = (): number[] => (video.timeline?.resolution() ?? []).map(({ stepS }) => stepS);
    const at = (ms: number): void => video.like("heart", 1, 0, startS * 1000 + ms, startS * 1000 + ms);
    at(0);
    at(1.9 * hour);
    expect(steps()).toEqual([1]);
    at(2.5 * hour);
    expect(steps()).toEqual([10, 1]);
    at(24.5 * hour);
    expect(steps()).toEqual([10, 1]);
    at(28 * hour);
    expect(steps()).toEqual([60, 10, 1]);
    expect(video.timeline?.before.size).toBe(0);
    at(760 * hour);
    expect([...(video.timeline?.before ?? [])]).toEqual([[0, 5]]);
    expect(video.sums()).toEqual({ heart: 6 });
  });

  test("that weighs too much is merged before its time, and stays exact", () => {
    const video = new Video(new Timelines(timelineDefault));
    // Within two hours by the log's own time, whatever the dates say, and of more kinds than anybody has.
    const kinds = Array.from({ length: 60 }, (_, i) => `k${i}`);
    for (let second = 0; second < 9_600; second++) {
      const atMs = (startS + second) * 1000;
      for (const kind of kinds) video.like(kind, 1, 0, atMs, startS * 1000 + second);
      expect(video.timeline?.weight).toBeLessThanOrEqual(limits.timelineOfOneBytesMax + 100_000);
    }
    expect((video.timeline?.resolution() ?? []).map(({ stepS }) => stepS)).toEqual([10, 1]);
    expect(video.sums(60).k3).toBe(9_600);
  });

  test("goes by what viewers saw, and by the median delay where nobody says so", () => {
    const timelines = new Timelines(timelineDefault);
    const video = new Video(timelines);
    for (let i = 0; i < 20; i++) {
      const atMs = (startS + i) * 1000;
      video.like("heart", 1, 0, atMs, atMs, startS + i - 8);
    }
    video.like("clap", 1, 0, (startS + 100) * 1000, (startS + 100) * 1000);
    // Somebody who lies: counted, where it would be if nothing had been said.
    video.like("wow", 1, 0, (startS + 100) * 1000, (startS + 100) * 1000, startS - 10_000);
    const read = video.timeline?.read({ fromS: startS - 10, toS: startS + 110, stepS: 1 });
    const seconds = (name: string): number[] =>
      (read?.get(timelines.series(name) as number) ?? []).flatMap((count, i) => (count > 0 ? [i - 10] : []));
    expect(seconds("heart")).toEqual(Array.from({ length: 20 }, (_, i) => i - 8));
    expect(seconds("clap")).toEqual([92]);
    expect(seconds("wow")).toEqual([92]);
  });

  test("takes a time that is none for no place, and counts all the same", () => {
    const video = new Video(new Timelines(timelineDefault));
    for (const atMs of [-5_000, 1e300, 8.64e15, 0]) video.like("heart", 2, 0, atMs, 1);
    expect(video.sums()).toEqual({ heart: 8 });
  });
});

describe("timelines", () => {
  const small: TimelineOptions = { ...timelineDefault, bytesMax: 8_000 };

  test("weigh no more than they may: the quietest lose their place in time, and no like", () => {
    const timelines = new Timelines(small);
    const videos = Array.from({ length: 300 }, (_, i) => new Video(timelines, `v${i}`));
    for (let round = 0; round < 3; round++) {
      for (const [i, video] of videos.entries()) {
        const ms = startS * 1000 + round * 400_000 + i * 1_000;
        video.like("heart", 3, 0, ms, ms);
        expect(timelines.weight).toBeLessThanOrEqual(small.bytesMax);
      }
    }
    for (const video of videos) {
      if (video.timeline) expect(video.sums()).toEqual({ heart: 9 });
    }
    let weight = 0;
    for (const timeline of timelines.videos.values()) weight += timeline.weight;
    expect(timelines.weight).toBe(weight);
    expect(videos.at(-1)?.timeline).toBeDefined();
    expect(videos[0]?.timeline).toBeUndefined();
  });

  test("hold no more open than they may", () => {
    const timelines = new Timelines(timelineDefault);
    for (let i = 0; i < limits.timelinesOpenMax + 50; i++) {
      new Video(timelines, `v${i}`).like("heart", 1, 0, startS * 1000, i);
    }
    const open = [...timelines.videos.values()].filter((timeline) => timeline.open);
    expect(open).toHaveLength(limits.timelinesOpenMax);
    expect(timelines.videos.get("v0" as VideoId)?.open).toBe(false);
  });

  test("count likes of more kinds than they have series without a place", () => {
    const timelines = new Timelines(timelineDefault);
    const video = new Video(timelines);
    for (let i = 0; i < 300; i++) video.like(`k${i}`, 1, 0, startS * 1000, 1);
    expect(timelines.names.length).toBe(255);
    expect(video.sums().k100).toBe(1);
  });
});
