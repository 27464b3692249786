import { describe, expect, test } from "bun:test";
import { VirtualClock } from "../base/clock.ts";
import { createLog } from "../base/log.ts";
import type { VideoId } from "../core/interaction.ts";
import { type AwayVideos, LedgerUnavailable } from "../ledger/ledger.ts";
import { PutAway } from "./put-away.ts";

const v = "v" as VideoId;
const w = "w" as VideoId;

/** A ledger that puts away what it is told to, and says what was asked of it. */
function bench(afterMs = 10_000) {
  const clock = new VirtualClock();
  const log = createLog({ level: "error", format: "json", write: () => {}, now: () => 0 });
  const gone = new Set<VideoId>();
  const opened: VideoId[] = [];
  const watched = new Set<VideoId>();
  const others = new Set<VideoId>();
  const back = new Set<VideoId>();
  const holding = { stream: "s", videos: 5, videosMax: 100, away: 0, forgotten: 0 };
  let answer: () => Promise<boolean> = async () => true;
  const away: AwayVideos = {
    isClosed: (video) => gone.has(video),
    back: () => back,
    from: () => gone,
    put: async (video) => (await answer()) && !!gone.add(video),
    open: async (video) => !!opened.push(video),
    read: async () => {},
  };
  const keeper = new PutAway({
    ...{ ledger: { away, holdings: () => [holding] }, clock, log, afterMs },
    watched: (video) => watched.has(video),
    owns: (video) => !others.has(video),
  });
  const left: VideoId[] = [];
  keeper.left = (video) => void left.push(video);
  const pass = async (ms: number): Promise<void> => {
    for (let s = 0; s < ms; s += 1_000) {
      clock.advance(1_000);
      await Bun.sleep(0);
    }
  };
  const answers = (how: () => Promise<boolean>): void => {
    answer = how;
  };
  return { clock, keeper, gone, opened, watched, others, back, holding, left, pass, answers };
}

describe("a closed video leaves memory", () => {
  test("when nobody has used it for a while, and is told of once", async () => {
    const { keeper, gone, left, pass } = bench();
    keeper.turn(v, true);
    await pass(9_000);
    expect([...gone]).toEqual([]);
    keeper.used(v);
    keeper.used(w);
    await pass(9_000);
    expect([...gone]).toEqual([]);
    await pass(5_000);
    expect([[...gone], left]).toEqual([[v], [v]]);
  });

  test("not while somebody watches it, another dispatcher owns it, or once it is open again", async () => {
    const { keeper, gone, watched, others, pass } = bench();
    for (const video of [v, w, "x" as VideoId]) keeper.turn(video, true);
    watched.add(v);
    others.add(w);
    keeper.turn("x" as VideoId, false);
    await pass(15_000);
    expect([...gone]).toEqual([]);
    watched.clear();
    others.clear();
    await pass(15_000);
    expect([...gone].sort()).toEqual([v, w]);
  });

  test("soon, where memory is nearly full of videos", async () => {
    const { keeper, gone, holding, pass } = bench(3_600_000);
    keeper.turn(v, true);
    await pass(5_000);
    expect([...gone]).toEqual([]);
    holding.videos = 90;
    await pass(1_000);
    expect([...gone]).toEqual([v]);
    keeper.turn(w, true);
    await keeper.look();
    expect([...gone]).toEqual([v]);
    await pass(2_000);
    expect([...gone]).toEqual([v, w]);
  });

  test("again, when something of it was still under way", async () => {
    const { keeper, gone, back, left, pass } = bench();
    keeper.turn(v, true);
    await pass(11_000);
    back.add(v);
    gone.clear();
    await pass(12_000);
    expect([[...gone], left]).toEqual([[v], [v, v]]);
  });

  test("later, when the log cannot now", async () => {
    const { keeper, gone, left, pass, answers } = bench();
    keeper.turn(v, true);
    answers(async () => {
      throw new LedgerUnavailable("away");
    });
    await pass(12_000);
    answers(async () => false);
    await pass(2_000);
    expect(left).toEqual([]);
    answers(async () => true);
    await pass(12_000);
    expect([[...gone], left]).toEqual([[v], [v]]);
  });

  test("and is open where it was opened meanwhile", async () => {
    const { keeper, opened, left, pass, answers } = bench();
    keeper.turn(v, true);
    const wait = Promise.withResolvers<boolean>();
    answers(() => wait.promise);
    await pass(11_000);
    keeper.turn(v, false);
    wait.resolve(true);
    await Bun.sleep(0);
    expect([opened, left]).toEqual([[v], []]);
  });

  test("a bounded number in a second", async () => {
    const { keeper, gone, pass } = bench();
    for (let n = 0; n < 2_500; n++) keeper.turn(`v${n}` as VideoId, true);
    await pass(10_000);
    expect(gone.size).toBe(1_000);
    await pass(1_000);
    expect(gone.size).toBe(2_000);
    expect(gone.has("v0" as VideoId) && !gone.has("v2400" as VideoId)).toBe(true);
  });
});
