/** A recording wound to and fro: what is told is what was there at that picture, and little of it is kept. */
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { FakeOutside } from "./fakes.ts";
import { createRecording, type RecordingOptions } from "./recording.ts";
import { WINDOWS_MAX } from "./reel.ts";
import { type Media, type Replay, type ReplayOptions, replay } from "./replay.ts";
import type { Comment, Likes } from "./types.ts";

const START = 1_800_000_000_000;
const MATCH = { start: START, seconds: 600, likesPerSecond: 40, commentsPerSecond: 1 };

/** A film that plays by a clock moved by hand. */
class FakeMedia extends EventTarget implements Media {
  paused = true;
  seeking = false;
  #rate = 1;
  #at = 0;
  #since = 0;
  constructor(readonly now: () => number) {
    super();
  }
  get playbackRate(): number {
    return this.#rate;
  }
  get currentTime(): number {
    return this.#at + (this.paused ? 0 : ((this.now() - this.#since) / 1000) * this.#rate);
  }
  set currentTime(at: number) {
    this.#set(() => {
      this.#at = at;
    });
    this.seeking = true;
    this.dispatchEvent(new Event("seeking"));
  }
  #set(change: () => void): void {
    this.#at = this.currentTime;
    this.#since = this.now();
    change();
  }
  seeked(): void {
    this.seeking = false;
    this.dispatchEvent(new Event("seeked"));
  }
  play(): void {
    this.#set(() => {
      this.paused = false;
    });
    this.dispatchEvent(new Event("play"));
  }
  pause(): void {
    this.#set(() => {
      this.paused = true;
    });
    this.dispatchEvent(new Event("pause"));
  }
  speed(rate: number): void {
    this.#set(() => {
      this.#rate = rate;
    });
    this.dispatchEvent(new Event("ratechange"));
  }
}

function watching(match: RecordingOptions = MATCH, options: Partial<ReplayOptions> = {}) {
  const outside = new FakeOutside();
  outside.nowMs = START + 86_400_000;
  const recording = createRecording(match);
  let failing = false;
  outside.answer = ({ url }) => {
    const text = failing ? undefined : recording.answer(url.slice("http://s/v1/videos/v/".length));
    return text === undefined ? new Response("", { status: 503 }) : new Response(text);
  };
  const media = new FakeMedia(() => outside.nowMs);
  const likes: Likes[] = [];
  let comments: Comment[] = [];
  const resets: string[] = [];
  const phases: string[] = [];
  const again: Replay = replay(
    "v",
    {
      ...{ media, url: "http://s/" },
      likes: (event) => likes.push(event),
      comment: (event) => comments.push(event),
      reset(event) {
        resets.push(event.reason);
        comments = [];
      },
      state: ({ phase }) => phases.push(phase),
      ...options,
    },
    outside,
  );
  return {
    ...{ outside, recording, media, likes, resets, phases, again },
    comments: () => comments,
    heart: () => likes.at(-1)?.totals.heart,
    fail: (fails: boolean) => {
      failing = fails;
    },
    async wind(to: number) {
      media.currentTime = to;
      media.seeked();
      await outside.pass(0);
    },
  };
}

describe("replay", () => {
  test("begins with what was there, and follows to the end, to the like and the comment", async () => {
    const { outside, recording, media, likes, comments, heart, again } = watching();
    await outside.pass(0);
    expect(again.at()).toBe(START);
    expect(likes.at(-1)).toMatchObject({ totals: { heart: 5 }, quiet: true });
    media.play();
    await outside.pass(MATCH.seconds * 1000 + 500);
    expect(heart()).toBe(recording.likesUpTo(MATCH.seconds - 1));
    const all = Array.from({ length: MATCH.seconds }, (_, second) => recording.comments(second)).flat();
    // Only what stands at the very beginning is history.
    expect(comments().map(({ id }) => id)).toEqual(all.map(({ id }) => id));
    expect(comments().filter(({ history, at }) => history && at > START)).toEqual([]);
    expect(again.kept()).toBeLessThanOrEqual(WINDOWS_MAX);
    again.close();
  });

  test("stands while paused, and goes at the film's speed", async () => {
    const { outside, recording, media, likes, heart } = watching();
    await outside.pass(0);
    media.play();
    await outside.pass(10_000);
    expect(heart()).toBe(recording.likesUpTo(9));
    media.pause();
    const told = likes.length;
    await outside.pass(60_000);
    expect(likes.length).toBe(told);
    media.speed(2);
    media.play();
    await outside.pass(20_000);
    expect(heart()).toBe(recording.likesUpTo(49));
    expect(likes.filter(({ quiet }) => quiet).length).toBe(1);
  });

  test("wherever it is wound: the totals of that picture, the comments before it as history", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.integer({ min: 1, max: 599 }), { minLength: 1, maxLength: 8 }),
        async (to) => {
          const { outside, recording, heart, comments, wind, again } = watching();
          await outside.pass(0);
          for (const second of to) {
            await wind(second);
            expect(heart()).toBe(recording.likesUpTo(second - 1));
            const before = Array.from({ length: second }, (_, n) => recording.comments(n)).flat();
            const now = recording.comments(second).filter(({ at }) => at <= START + second * 1000);
            const recent = [...before, ...now]
              .filter(({ at }) => at > START + second * 1000 - 60_000)
              .slice(-20);
            expect(comments().map(({ id }) => id)).toEqual(
              recent.map(({ id }) => id).slice(-comments().length),
            );
            expect(comments().length).toBeGreaterThanOrEqual(Math.min(20, recent.length));
            expect(comments().every(({ history }) => history)).toBe(true);
            expect(again.kept()).toBeLessThanOrEqual(WINDOWS_MAX);
          }
          again.close();
        },
      ),
      { numRuns: 25 },
    );
  });

  test("while seeking nothing is told, however long the picture takes", async () => {
    const { outside, media, likes } = watching();
    await outside.pass(0);
    media.play();
    await outside.pass(3000);
    const told = likes.length;
    media.currentTime = 400;
    await outside.pass(5000);
    expect(likes.length).toBe(told);
    media.seeked();
    await outside.pass(0);
    expect(likes.at(-1)?.quiet).toBe(true);
  });

  test("a page of a window that ends early is gone on with", async () => {
    const { outside, recording, comments, wind } = watching({ ...MATCH, commentsPerSecond: 90 });
    await outside.pass(0);
    await wind(119);
    const last = recording.comments(118).at(-1)?.id;
    expect(comments().some(({ id }) => id === last)).toBe(true);
    expect(outside.calls.some(({ url }) => /from=\d+[1-9]\d{3}&to/.test(url))).toBe(true);
  });

  test("the start may be said, and dates that do not run evenly come from a playhead", async () => {
    const said = watching(MATCH, { startsAt: START + 60_000 });
    await said.outside.pass(0);
    expect(said.heart()).toBe(said.recording.likesUpTo(59));
    let at: number | null = null;
    const dated = watching(MATCH, { playhead: () => at });
    await dated.outside.pass(1000);
    expect(dated.outside.calls).toEqual([]);
    at = START + 100_000;
    dated.media.play();
    await dated.outside.pass(200);
    expect(dated.heart()).toBe(dated.recording.likesUpTo(99));
    const resets = dated.resets.length;
    // Back by a date alone: the film itself says nothing of it.
    at = START + 70_000;
    await dated.outside.pass(200);
    expect(dated.heart()).toBe(dated.recording.likesUpTo(69));
    expect(dated.resets.length).toBe(resets + 1);
    at = START + 100_000;
    await dated.outside.pass(200);
    dated.again.seek(START + 130_000);
    expect(dated.media.currentTime).toBeCloseTo(30.6, 5);
  });

  test("a server that does not answer is said, asked less and less, and then followed", async () => {
    const { outside, phases, fail, heart, recording, media } = watching();
    fail(true);
    await outside.pass(60_000);
    expect(phases).toEqual(["loading", "failed"]);
    expect(outside.calls.length).toBeLessThan(20);
    fail(false);
    media.play();
    await outside.pass(30_000);
    expect(phases.at(-1)).toBe("following");
    const second = Math.floor(media.currentTime);
    expect(heart()).toBeGreaterThanOrEqual(recording.likesUpTo(second - 2));
  });

  test.each([
    ["from the first second", {}],
    ["from a date", { startsAt: new Date(START) }],
  ])(
    "of nothing, %s, it says so, looks less and less, and begins once there is something",
    async (_, from) => {
      const { outside, media, phases, likes, comments, again, recording, heart } = watching(MATCH, from);
      const full = outside.answer;
      const nothing = { from: 0, to: 0, step: 1, likes: {}, before: { heart: 3 }, viewers: [] };
      outside.answer = ({ url }) =>
        new Response(url.endsWith("/timeline") ? JSON.stringify(nothing) : '{"next":null}\n');
      await outside.pass(600_000);
      expect(phases).toEqual(["loading", "empty"]);
      expect(outside.calls.length).toBeLessThan(50);
      expect(outside.calls.filter(({ url }) => /[=]-|NaN/.test(url))).toEqual([]);
      // What has no place in time is all there is to tell.
      expect(likes.map(({ totals, quiet }) => [totals, quiet])).toEqual([[{ heart: 3 }, true]]);
      expect(comments()).toEqual([]);
      outside.answer = full;
      await outside.pass(31_000);
      expect(again.at()).toBe(START);
      expect(phases.at(-1)).toBe("following");
      media.play();
      await outside.pass(20_000);
      expect(heart()).toBe(recording.likesUpTo(19));
    },
  );

  test("dates that are none, and from before anything, are no reason to ask for nonsense", async () => {
    const odd = [Number.NaN, Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY, -5, 0, 1, undefined, null];
    let n = -1;
    const { outside, media, phases } = watching(MATCH, {
      playhead: () => {
        if (++n % 9 === 8) throw new Error("no picture yet");
        return odd[n % 9] as number;
      },
    });
    media.play();
    await outside.pass(5000);
    expect(outside.calls.filter(({ url }) => /[=]-|NaN|Infinity/.test(url))).toEqual([]);
    expect(phases).not.toContain("failed");
  });

  test("what was not followed for a while is not told all at once", async () => {
    const { outside, media, comments, resets, fail, heart, recording } = watching({
      ...MATCH,
      commentsPerSecond: 8,
    });
    await outside.pass(0);
    media.play();
    await outside.pass(10_000);
    fail(true);
    // The next window is not here; then the server is there again.
    await outside.pass(170_000);
    fail(false);
    await outside.pass(15_000);
    expect(resets.length).toBe(2);
    const [first] = comments();
    expect(first?.history).toBe(true);
    expect(comments().filter(({ history }) => history).length).toBe(20);
    expect(heart()).toBeGreaterThanOrEqual(recording.likesUpTo(Math.floor(media.currentTime) - 1));
  });

  test("a server that never answers is one that is away", async () => {
    const { outside, phases, heart, recording, wind } = watching();
    await outside.pass(0);
    const full = outside.answer;
    outside.answer = () => new Promise<Response>(() => {});
    // More places than are read at once.
    for (const second of [100, 200, 300, 400, 500]) await wind(second);
    expect(phases.at(-1)).toBe("loading");
    await outside.pass(21_000);
    expect(phases.at(-1)).toBe("failed");
    outside.answer = full;
    await outside.pass(60_000);
    expect(phases.at(-1)).toBe("following");
    expect(heart()).toBe(recording.likesUpTo(499));
  });

  test("half a page is none: it is asked for again", async () => {
    const { outside, phases, heart, recording, wind } = watching();
    await outside.pass(0);
    const full = outside.answer;
    outside.answer = async (call) =>
      new Response((await (await full(call)).text()).split("\n").slice(0, 40).join("\n"));
    await wind(300);
    expect(phases.at(-1)).toBe("failed");
    outside.answer = full;
    await outside.pass(11_000);
    expect(phases.at(-1)).toBe("following");
    expect(heart()).toBe(recording.likesUpTo(299));
  });

  test("a token that has ended is renewed", async () => {
    const asked: boolean[] = [];
    const token = (refresh: boolean) => {
      asked.push(refresh);
      return refresh ? "new" : "old";
    };
    const { outside, phases } = watching(MATCH, { token });
    const full = outside.answer;
    outside.answer = (call) =>
      call.headers.authorization === "Bearer new" ? full(call) : new Response("", { status: 401 });
    await outside.pass(0);
    expect(phases).toEqual(["loading", "following"]);
    expect(asked.slice(0, 2)).toEqual([false, true]);
    outside.answer = () => new Response("", { status: 401 });
    const before = asked.length;
    outside.nowMs += 60_000;
    await expect(Promise.resolve(outside.pass(0))).resolves.toBeUndefined();
    expect(asked.length - before).toBeLessThanOrEqual(4);
  });

  test("of a closed video pages of its edition are asked for, once", async () => {
    const { outside, recording, wind } = watching();
    outside.answer = ({ url }) => {
      const path = url.slice("http://s/v1/videos/v/".length);
      const text = recording.answer(path) as string;
      return new Response(path === "timeline" ? text.replace("{", '{"edition":"9-4",') : text);
    };
    // Its last minute, as if it were now.
    outside.nowMs = START + MATCH.seconds * 1000;
    await outside.pass(0);
    await wind(599);
    await outside.pass(10_000);
    await wind(590);
    await outside.pass(10_000);
    const pages = outside.calls.filter(({ url }) => url.includes("replay?"));
    expect(pages.length).toBeGreaterThan(2);
    expect(pages.every(({ url }) => url.endsWith("&edition=9-4"))).toBe(true);
    expect(new Set(pages.map(({ url }) => url)).size).toBe(pages.length);
  });

  test.each([
    [-3_600_000, "an hour ahead"],
    [3_600_000, "an hour behind"],
  ])(
    "a stream whose dates are off by %p ms (%s): its newest minute is read again, others are not",
    async (skewMs) => {
      const { outside, recording, wind } = watching();
      outside.answer = ({ url }) => {
        const path = url.slice("http://s/v1/videos/v/".length);
        const text = recording.answer(path) as string;
        return new Response(path === "timeline" ? text.replace("{", `{"skewMs":${skewMs},`) : text);
      };
      outside.nowMs = START + MATCH.seconds * 1000 + skewMs - 5000;
      await outside.pass(0);
      const asked = async (second: number): Promise<number> => {
        await wind(second);
        const before = outside.calls.length;
        for (let n = 0; n < 5; n++) {
          await outside.pass(3000);
          await wind(second);
        }
        return outside.calls.slice(before).filter(({ url }) => url.includes("replay?")).length;
      };
      expect(await asked(200)).toBe(0);
      expect(await asked(595)).toBeGreaterThanOrEqual(5);
    },
  );

  test("closed, it asks and tells nothing more", async () => {
    const { outside, media, again, likes } = watching();
    again.close();
    await outside.pass(0);
    media.play();
    await outside.pass(5000);
    expect(likes).toEqual([]);
  });
});
