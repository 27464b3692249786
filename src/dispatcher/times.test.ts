/** A video's own time as a dispatcher tells it, over a ledger in memory. */
import { describe, expect, test } from "bun:test";
import { VirtualClock } from "../base/clock.ts";
import type { Kind, Like, VideoId } from "../core/interaction.ts";
import { limits } from "../core/limits.ts";
import { RecordBuilder } from "../core/record.ts";
import {
  decodeTimes,
  type MomentsReply,
  type ReplayReply,
  readMoments,
  readReplay,
  readTimeline,
  type TimelineReply,
  type TimesRequest,
} from "../core/times.ts";
import { encodeJson } from "../core/wire.ts";
import { openMemoryLedger } from "../ledger/memory.ts";
import { Times } from "./times.ts";
import { ViewerSamples } from "./viewer-samples.ts";

const v = "v" as VideoId;
const startMs = 1_700_000_000_000;

function bench({
  history = 100_000,
  ...more
}: {
  history?: number;
  onceMax?: number;
  timeline?: "off";
} = {}) {
  const clock = new VirtualClock(startMs);
  const ledger = openMemoryLedger({ clock, commentHistory: history, ...more });
  const viewers = new ViewerSamples();
  const times = new Times({ ledger, clock, viewers });
  const like = async (atMs: number, over: Partial<Like> = {}): Promise<void> => {
    const builder = new RecordBuilder();
    const one = { video: v, kind: "heart" as Kind, count: 1, user: undefined, key: undefined };
    builder.add({ ...one, ...over }, startMs + atMs);
    await ledger.append({ likes: [builder.take()], comments: [] });
  };
  const say = async (atMs: number, text: string, over: object = {}): Promise<number> => {
    const draft = { video: v, text, user: undefined, key: undefined, atMs: startMs + atMs, ...over };
    const [placed] = await ledger.append({ likes: [], comments: [draft] });
    return placed?.seq ?? 0;
  };
  const ask = async <T extends object>(
    request: Omit<TimesRequest, "video">,
    read: (m: Record<string, unknown>) => T | undefined,
  ): Promise<T> => {
    const told = decodeTimes(await clock.during(times.serve(encodeJson({ video: v, ...request }))), read);
    if (!told) throw new Error("not an answer");
    return told as T;
  };
  const timeline = (over: object = {}): Promise<TimelineReply> =>
    ask({ want: "timeline", ...over }, readTimeline);
  const replay = (over: object = {}): Promise<ReplayReply> => ask({ want: "replay", ...over }, readReplay);
  const moments = (over: object = {}): Promise<MomentsReply> =>
    ask({ want: "moments", ...over }, readMoments);
  return { clock, ledger, viewers, times, like, say, timeline, replay, moments };
}

describe("a timeline", () => {
  test("holds all there is, in the steps that make a picture, and its sum is the totals", async () => {
    const { like, say, timeline } = bench();
    await like(0, { count: 3 });
    await like(1_500, { kind: "clap" as Kind });
    await like(3_999, { count: 5 });
    await say(2_000, "hi");
    await say(4_500, "last");
    expect(await timeline()).toEqual({
      ...{ fromMs: startMs, toMs: startMs + 5_000, stepS: 1, skewMs: null },
      ...{ totals: { heart: 8, clap: 1 }, before: {} },
      likes: { heart: [3, 0, 0, 5, 0], clap: [0, 1, 0, 0, 0] },
      people: [1, 1, 0, 1, 0],
      ...{ comments: [0, 0, 1, 0, 1], commentsFromMs: null },
      viewers: [null, null, null, null, null],
      resolution: [{ fromMs: startMs - (startMs % 300_000), stepS: 1 }],
      edition: "3-2",
    } as never);
    await like(3_600_000);
    const wide = await timeline();
    expect([wide.stepS, wide.people.length]).toEqual([10, 361]);
    expect(wide.likes.heart?.reduce((a, b) => a + b)).toBe(9);
  });

  test("of a stretch is aligned to its steps, and holds nothing else", async () => {
    const { like, timeline } = bench();
    for (let i = 0; i < 100; i++) await like(i * 1_000);
    const { fromMs, toMs, likes } = await timeline({
      fromMs: startMs + 15_000,
      toMs: startMs + 31_000,
      stepS: 10,
    });
    expect([fromMs - startMs, toMs - startMs, likes.heart]).toEqual([10_000, 40_000, [10, 10, 10]]);
  });

  test("is refused when it has more steps than one answer holds", async () => {
    const { like, timeline } = bench();
    await like(0);
    const most = 1_000 * limits.timelinePointsMax;
    expect(await timeline({ fromMs: startMs, toMs: startMs + most, stepS: 1 })).toMatchObject({ stepS: 1 });
    expect(await timeline({ fromMs: startMs, toMs: startMs + most + 1, stepS: 1 })).toEqual({
      refused: "too-much",
    } as never);
  });

  test("of all time there ever is holds what there is, unless a step says what is wanted", async () => {
    const { like, say, timeline } = bench();
    await like(0, { count: 3 });
    await like(1_500);
    await say(3_999, "last");
    const whole = { fromMs: startMs, toMs: startMs + 4_000, stepS: 1 };
    for (const asked of [{ fromMs: 0 }, { fromMs: 0, toMs: 999_999_999_999_999 }, { toMs: 1e15 - 1 }]) {
      const told = await timeline(asked);
      expect(told).toMatchObject(whole);
      expect(told.likes.heart).toEqual([3, 1, 0, 0]);
    }
    // What is not there is not found by looking for longer.
    expect(await timeline({ fromMs: 0, toMs: 1e12 })).toMatchObject({ people: [] });
    expect(await bench().timeline({ fromMs: 0, toMs: 1e15 - 1 })).toMatchObject({ people: [], totals: {} });
    expect(await timeline({ fromMs: 0, stepS: 86_400 })).toEqual({ refused: "too-much" } as never);
  });

  test("of nothing is empty, and where none are kept it is not there", async () => {
    expect(await bench().timeline()).toMatchObject({
      fromMs: 0,
      toMs: 0,
      people: [],
      totals: {},
      before: {},
    });
    expect(await bench({ timeline: "off" }).timeline()).toEqual({ refused: "off" } as never);
  });

  test("tells likes taken back in rows of their own", async () => {
    const { like, timeline } = bench({ onceMax: 10 });
    await like(0, { viewer: "ada" });
    await like(0, { viewer: "bob" });
    await like(2_000, { viewer: "ada", unlike: true });
    const { likes, unlikes, totals } = await timeline();
    expect({ likes, unlikes, totals }).toEqual({
      likes: { heart: [2, 0, 0] },
      unlikes: { heart: [0, 0, 1] },
      totals: { heart: 1 },
    } as never);
  });

  test("tells of comments that are not there any more, each once, until their video goes", async () => {
    const { ledger, say, timeline, replay } = bench({ history: 10 });
    const seqs: number[] = [];
    for (let i = 0; i < 35; i++) {
      seqs.push(await say(100 * i, `${i}`));
      // What is asked for meanwhile is remembered, and let go of later.
      if (i % 7 === 0) await timeline();
    }
    await ledger.retract(v, seqs.at(-1) as number);
    const { comments, commentsFromMs, fromMs, toMs } = await timeline();
    expect([comments, commentsFromMs, fromMs - startMs, toMs - startMs]).toEqual([
      ...[[10, 10, 10, 5], null, 0, 4_000],
    ]);
    expect((await replay()).lines.filter((line) => "text" in line).length).toBeLessThan(10);
    await ledger.deletions.delete(v);
    expect((await timeline()).comments).toEqual([]);
    await say(5_000, "anew");
    expect((await timeline()).comments).toEqual([1]);
  });

  test("tells in how long steps comments are kept, and how many have none any more", async () => {
    const { clock, like, say, timeline } = bench();
    await say(0, "first");
    clock.advance(100 * 3_600_000);
    await say(100 * 3_600_000, "second");
    await like(100 * 3_600_000);
    const { comments, resolution, ...told } = await timeline({ stepS: 3_600 });
    expect([comments.length, comments.reduce((a, b) => a + b), told.commentsBefore]).toEqual([
      ...[101, 2, undefined],
    ]);
    expect(resolution.map(({ stepS }) => stepS)).toEqual([60, 1]);
    clock.advance(2_000 * 3_600_000);
    for (let i = 0; i < 3; i++) await say(2_000 * 3_600_000 + 400_000 * i, "late");
    clock.advance(2_000 * 3_600_000);
    await say(4_000 * 3_600_000, "last");
    const last = await timeline({ stepS: 86_400 });
    expect(last.comments.reduce((a, b) => a + b, last.commentsBefore ?? 0)).toBe(6);
    expect(last.commentsBefore).toBeGreaterThan(0);
  });

  test("tells how many watched, as they were sampled", async () => {
    const { like, timeline, viewers } = bench();
    await like(0);
    await like(39_999);
    for (let s = 0; s < 40; s += 2) viewers.note(v, startMs + 1000 * s, () => 100 + s);
    const { viewers: told } = await timeline({ stepS: 10 });
    expect(told).toEqual([100, 110, 120, 130]);
    expect((await timeline()).viewers.slice(8, 12)).toEqual([100, 100, 110, 110]);
  });
});

describe("a replay", () => {
  test("is likes by the second and comments by the picture their writers saw, in order", async () => {
    const { like, say, replay } = bench();
    await like(1_200, { count: 2 });
    await say(1_000, "first");
    await say(9_000, "seen", { mediaMs: startMs + 1_600, user: "Ada" });
    const gone = await say(2_000, "gone");
    await like(5_000);
    const b = bench();
    expect(gone).toBeGreaterThan(0);
    const { lines, nextMs } = await replay();
    expect(nextMs).toBeNull();
    expect(lines.map((line) => ("text" in line ? line.text : line.likes)) as unknown[]).toEqual([
      { heart: 2 },
      "first",
      "seen",
      "gone",
      { heart: 1 },
    ]);
    expect((await b.replay()).lines).toEqual([]);
  });

  test("holds no comment that was removed, or is held", async () => {
    const { ledger, clock, say, replay } = bench();
    await say(0, "a");
    const removed = await say(1, "b");
    await say(2, "c", { holdMs: 5_000 });
    const texts = async (): Promise<string[]> =>
      (await replay()).lines.map((line) => ("text" in line ? line.text : ""));
    expect(await texts()).toEqual(["a", "b"]);
    await ledger.retract(v, removed);
    expect(await texts()).toEqual(["a"]);
    clock.advance(6_000);
    expect(await texts()).toEqual(["a", "c"]);
  });

  test("comes in pages that hold everything once, however many come at the same moment", async () => {
    const { like, say, replay } = bench();
    const wanted: string[] = [];
    for (let i = 0; i < 5_000; i++) {
      const atMs = Math.floor(i / 7) * 400;
      if (i % 10 === 0) await like(atMs);
      await say(atMs, `c${i}`);
      wanted.push(`c${i}`);
    }
    const texts: string[] = [];
    let likes = 0;
    let pages = 0;
    for (let fromMs: number | null | undefined; fromMs !== null; pages++) {
      const { lines, nextMs }: ReplayReply = await replay({ fromMs });
      expect(lines.length).toBeLessThanOrEqual(limits.replayLinesMax + 8);
      for (const line of lines) {
        if ("text" in line) texts.push(line.text);
        else likes += line.likes.heart ?? 0;
      }
      fromMs = nextMs;
    }
    expect(pages).toBeGreaterThan(2);
    expect(texts).toEqual(wanted);
    expect(likes).toBe(500);
  });

  test("has no page too big to be told, however much is said of one picture", async () => {
    const { say, replay, timeline } = bench();
    const wanted: string[] = [];
    for (let i = 0; i < 1_200; i++) {
      wanted.push(`${i} ${"界".repeat(limits.commentCharsMax - 10)}`);
      // A picture's date may have a fraction; a place in time has none.
      await say(i, wanted[i] as string, { mediaMs: startMs + 0.5 });
    }
    const texts: string[] = [];
    let lastMs = 0;
    for (let fromMs: number | null | undefined; fromMs !== null; ) {
      const { lines, nextMs }: ReplayReply = await replay({ fromMs });
      for (const line of lines) {
        if ("text" in line) texts.push(line.text);
        expect(Number.isInteger(line.atMs)).toBe(true);
        lastMs = line.atMs;
      }
      fromMs = nextMs;
    }
    expect(texts).toEqual(wanted);
    expect(lastMs - startMs).toBe(Math.ceil(1_200 / limits.commentsTogetherMax) - 1);
    expect((await timeline()).comments).toEqual([1_200]);
  });

  test("names its edition: another with every like, and with every comment that comes or goes", async () => {
    const { ledger, like, say, replay, timeline, moments } = bench();
    const editions = new Set<string | undefined>([(await timeline()).edition]);
    const first = await say(0, "a");
    editions.add((await timeline()).edition);
    await like(0);
    editions.add((await replay()).edition);
    await ledger.retract(v, first);
    const { edition } = await moments();
    editions.add(edition);
    expect(editions.size).toBe(4);
    expect([(await timeline()).edition, (await replay()).edition]).toEqual([edition, edition]);
  });

  test("of long comments has shorter pages", async () => {
    const { say, replay } = bench();
    for (let i = 0; i < 1_000; i++) await say(i * 10, "é".repeat(limits.commentCharsMax));
    let told = 0;
    for (let fromMs: number | null | undefined; fromMs !== null; ) {
      const page: ReplayReply = await replay({ fromMs });
      told += page.lines.length;
      fromMs = page.nextMs;
    }
    expect(told).toBe(1_000);
  });
});

test("moments are told with what was liked then, and the comments that stand nearest", async () => {
  const { like, say, moments } = bench();
  for (let s = 0; s < 600; s++) {
    for (let i = 0; i < 3; i++) await like(s * 1_000);
    if (s % 20 === 0) await say(s * 1_000, `at ${s}`);
    if (s >= 400 && s < 405) for (let i = 0; i < 60; i++) await like(s * 1_000, { kind: "wow" as Kind });
  }
  await say(402_500, "GOAL");
  const { moments: found } = await moments();
  expect(found).toHaveLength(1);
  const [moment] = found;
  expect(Math.abs((moment?.peakMs ?? 0) - startMs - 402_000)).toBeLessThanOrEqual(2_000);
  expect(moment?.likes.wow).toBe(300);
  expect(moment?.comments.map(({ text }) => text)).toEqual(["at 400", "GOAL"]);
  expect((await moments({ most: 0 })).moments).toEqual([]);
});

test("what is no question is none, and nothing is told of it", async () => {
  const { times } = bench();
  for (const bad of ["", "{}", '{"video":"v","want":"all"}', '{"video":"v w","want":"replay"}']) {
    await expect(times.serve(new TextEncoder().encode(bad))).rejects.toThrow("not a question");
  }
  const odd = { video: v, want: "timeline", stepS: 0.5 };
  await expect(times.serve(encodeJson(odd))).rejects.toThrow("not a question");
});
