/** Alignment on clocks moved by hand: nothing before its picture, nothing twice, nothing lost unsaid. */
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { createAligned, HELD_MAX, HELD_MS } from "./align.ts";
import { createClient } from "./client.ts";
import { createOff } from "./dates.ts";
import { FakeOutside } from "./fakes.ts";
import { createFeed, type Message } from "./feed.ts";
import type { Comment, Likes, Passed } from "./types.ts";

const START = 1_800_000_000_000;
/** A viewer is believed ten seconds before most, who are six behind the first of them. */
const AHEAD_AND_SPREAD_MS = 16_100;
const take = (fields: object) => ({ video: "v", ...fields }) as Message;

/** A viewer `behindMs` behind the server, whose clock is his. */
function viewer(behindMs: number | null, skew: () => number | null = () => null) {
  const outside = new FakeOutside();
  outside.nowMs = START;
  const picture = { at: behindMs === null ? null : START - behindMs, rate: 1, ms: START };
  const playhead = () => {
    if (picture.at === null) return null;
    return picture.at + (outside.nowMs - picture.ms) * picture.rate;
  };
  const feed = createFeed(() => outside.now());
  outside.answer = () => Response.json({ skewMs: skew() });
  const off = createOff(outside, "http://s/v1/videos/v/", undefined);
  const aligned = createAligned(outside, feed, "v", playhead, off);
  const likes: (Likes & { shownAt: number | null })[] = [];
  const comments: (Comment & { shownAt: number | null })[] = [];
  const passed: Passed[] = [];
  aligned.listen("v", {
    likes: (event) => likes.push({ ...event, shownAt: playhead() }),
    comment: (event) => comments.push({ ...event, shownAt: playhead() }),
    passed: (event) => passed.push(event),
  });
  feed.take("snapshot", take({ totals: { heart: 10 }, version: 1, viewers: 1, comments: [], now: START }));
  let version = 1;
  return {
    ...{ outside, feed, aligned, likes, comments, passed, playhead },
    asked: () => outside.calls.length,
    like(heart: number) {
      feed.take("likes", take({ totals: { heart }, version: ++version, at: outside.nowMs }));
    },
    say(id: string, more: object = {}) {
      feed.take("comment", take({ id, text: id, at: outside.nowMs, ...more }));
    },
    /** Moves the picture, and sets how fast it runs. */
    seek(at: number | null, rate = picture.rate) {
      Object.assign(picture, { at, rate, ms: outside.nowMs });
    },
  };
}

describe("a picture that lags", () => {
  test("two viewers ten seconds apart see the same at the same picture", async () => {
    const seen = await Promise.all(
      [2000, 12_000].map(async (behind) => {
        const { like, say, outside, likes, comments } = viewer(behind);
        for (let n = 0; n < 40; n++) {
          like(11 + n);
          say(`c${n}`);
          await outside.pass(333);
        }
        await outside.pass(13_000);
        expect(comments.map(({ id }) => id)).toEqual(Array.from({ length: 40 }, (_, n) => `c${n}`));
        return [...likes.slice(1), ...comments].map(({ at, shownAt }) => (shownAt ?? 0) - (at ?? 0));
      }),
    );
    for (const late of seen.flat()) {
      expect(late).toBeGreaterThanOrEqual(0);
      expect(late).toBeLessThanOrEqual(16);
    }
    expect(seen.flat().length).toBe(160);
  });

  test("a comment waits for the picture its writer saw, not for when it came", async () => {
    const { say, outside, comments } = viewer(10_000);
    say("late", { mediaTime: START - 4000 });
    await outside.pass(5900);
    expect(comments).toEqual([]);
    await outside.pass(200);
    expect(comments).toMatchObject([{ id: "late", history: false }]);
  });

  test("a comment that says a far later picture waits ten seconds longer, and no more", async () => {
    const { say, outside, comments } = viewer(10_000);
    say("lies", { mediaTime: START + 3_600_000 });
    await outside.pass(19_900);
    expect(comments).toEqual([]);
    await outside.pass(200);
    expect(comments.map(({ id }) => id)).toEqual(["lies"]);
  });

  test("history that this picture has not come to is not told before it", async () => {
    const { feed, outside, comments } = viewer(10_000);
    const said = (id: string, at: number) => ({ id, text: id, at });
    const comments2 = [said("old", START - 60_000), said("goal", START - 3000)];
    feed.take("snapshot", take({ totals: { heart: 10 }, version: 1, viewers: 1, comments: comments2 }));
    expect(comments).toMatchObject([{ id: "old", history: true }]);
    await outside.pass(7100);
    // What has waited happens now, for this viewer.
    expect(comments).toMatchObject([{}, { id: "goal", history: false }]);
  });

  test("at half and at double speed all is told at its picture", async () => {
    for (const rate of [0.5, 2]) {
      const { like, seek, outside, likes } = viewer(20_000);
      seek(START - 20_000, rate);
      like(11);
      await outside.pass(45_000);
      expect(Math.abs((likes.at(-1)?.shownAt ?? 0) - START)).toBeLessThanOrEqual(16 * rate);
    }
  });

  test("without a date, and when it is lost, all is told at once and in order", async () => {
    const undated = viewer(null);
    undated.like(11);
    undated.say("a", { history: true });
    expect(undated.likes.at(-1)?.totals).toEqual({ heart: 11 });
    expect(undated.comments).toMatchObject([{ id: "a", history: true }]);
    const lost = viewer(5000);
    lost.say("a");
    lost.say("b");
    lost.seek(null);
    await lost.outside.pass(300);
    expect(lost.comments.map(({ id }) => id)).toEqual(["a", "b"]);
    expect(lost.passed).toEqual([]);
  });

  test("after a reset the server's word counts at once, even if it is less", () => {
    const { feed, like, say, likes, comments } = viewer(5000);
    like(20);
    say("a");
    feed.take("reset", take({ reason: "epoch" }));
    feed.take("snapshot", take({ totals: { heart: 3 }, version: 1, viewers: 1, comments: [] }));
    expect(likes.at(-1)?.totals).toEqual({ heart: 3 });
    expect(comments).toEqual([]);
  });

  test.each([
    ["an hour behind", 3_600_000],
    ["an hour ahead", -3_600_000],
    ["ahead by as much as a relay is", -60_000],
  ])("dates that are %s are so for everybody: hearts rise, and none before its picture", async (_, offMs) => {
    // The first of them tapped; he is two seconds behind, most are eight.
    for (const behindMs of [2000, 8000, 20_000]) {
      const { like, say, outside, likes, comments, passed, asked } = viewer(
        offMs + behindMs,
        () => offMs + 8000,
      );
      await outside.pass(1);
      const tappedAt = START + 1 - offMs - 2000;
      like(11);
      say("undated");
      say("goal", { mediaTime: tappedAt });
      await outside.pass(40_000);
      const shown = [likes.at(-1), ...comments];
      expect(shown.map((event) => event?.shownAt)).toHaveLength(3);
      for (const event of shown) {
        const lateMs = (event?.shownAt ?? 0) - tappedAt;
        expect(lateMs).toBeGreaterThanOrEqual(0);
        expect(lateMs).toBeLessThanOrEqual(AHEAD_AND_SPREAD_MS);
      }
      expect(comments.at(0)?.id).toBe("goal");
      expect(passed).toEqual([]);
      // Some hundred ticks later it was asked once a minute, and no more.
      for (let n = 0; n < 300; n++) {
        like(12 + n);
        await outside.pass(1000);
      }
      expect(asked()).toBeGreaterThanOrEqual(3);
      expect(asked()).toBeLessThanOrEqual(10);
    }
  });

  test("the first who are there wait too, until one of them has said what they see", async () => {
    let known: number | null = null;
    const ahead = viewer(-3_600_000 + 8000, () => known);
    await ahead.outside.pass(1000);
    ahead.like(11);
    await ahead.outside.pass(5900);
    // The one who tapped is six seconds before this one.
    expect(ahead.likes).toHaveLength(1);
    await ahead.outside.pass(5000);
    expect(ahead.likes).toHaveLength(2);
    const behind = viewer(3_600_000 + 8000, () => known);
    await behind.outside.pass(1000);
    behind.like(11);
    known = 3_605_000;
    await behind.outside.pass(20_000);
    expect(behind.likes).toHaveLength(2);
    expect(behind.passed).toEqual([]);
    known = null;
    const nobody = viewer(3_600_000, () => known);
    for (let n = 0; n < 600; n++) {
      nobody.like(11 + n);
      await nobody.outside.pass(1000);
    }
    expect(nobody.asked()).toBeGreaterThan(5);
    expect(nobody.asked()).toBeLessThan(15);
  });

  test("a viewer who is far behind alone waits as ever; nobody asks about dates that can be", async () => {
    const far = viewer(45_000, () => 5000);
    far.like(11);
    await far.outside.pass(44_000);
    expect(far.likes).toHaveLength(1);
    await far.outside.pass(1100);
    expect(far.likes).toHaveLength(2);
    const near = viewer(12_000, () => 3_600_000);
    near.like(11);
    await near.outside.pass(13_000);
    expect([near.asked(), near.likes.length]).toEqual([0, 2]);
  });

  test("a total that does not say when waits from when it came", async () => {
    const { feed, outside, likes } = viewer(10_000);
    feed.take("poll", take({ totals: { heart: 12 }, version: 2, viewers: 1, comments: [] }));
    await outside.pass(9900);
    expect(likes).toHaveLength(1);
    await outside.pass(200);
    expect(likes.at(-1)?.totals).toEqual({ heart: 12 });
  });

  test("dates that are right again, or that nobody knows, are taken as they are", async () => {
    let known: number | null = 3_600_000;
    const { like, seek, outside, likes } = viewer(3_605_000, () => known);
    await outside.pass(1);
    seek(outside.nowMs - 5000);
    like(11);
    await outside.pass(4900);
    expect(likes).toHaveLength(1);
    await outside.pass(200);
    expect(likes).toHaveLength(2);
    known = null;
    const unknown = viewer(3_605_000, () => known);
    unknown.like(11);
    await unknown.outside.pass(61_000);
    expect(unknown.passed).toMatchObject([{ why: "full" }]);
  });

  test("a player that throws, or says 1970, knows no date", () => {
    const outside = new FakeOutside();
    const feed = createFeed(() => START);
    const says = [
      () => {
        throw new Error("not yet");
      },
      () => 12_000,
      () => Number.NaN,
      () => undefined,
      () => Number.POSITIVE_INFINITY,
      () => 1e17,
    ];
    for (const playhead of says)
      expect(createAligned(outside, feed, "v", playhead, () => 0).picture()).toBeUndefined();
  });
});

describe("seeking and pausing", () => {
  test("what a seek jumps over goes into the total, its comments are history, and it is said", async () => {
    const { like, say, seek, outside, likes, comments, passed } = viewer(20_000);
    for (let n = 0; n < 10; n++) {
      like(20 + n);
      say(`c${n}`);
      await outside.pass(1000);
    }
    seek(outside.nowMs - 2500);
    await outside.pass(300);
    expect(passed).toEqual([{ video: "v", why: "jump", likes: 16, comments: 7 }]);
    expect(likes.find(({ quiet }) => quiet)?.totals).toEqual({ heart: 26 });
    expect(comments.filter(({ history }) => history).map(({ id }) => id)).toEqual(
      Array.from({ length: 7 }, (_, n) => `c${n}`),
    );
    await outside.pass(3000);
    expect(comments.map(({ id }) => id)).toEqual(Array.from({ length: 10 }, (_, n) => `c${n}`));
    expect(likes.at(-1)?.totals).toEqual({ heart: 29 });
  });

  test("a seek back shows nothing twice, and holds what is new", async () => {
    const { say, seek, outside, comments } = viewer(1000);
    say("a");
    await outside.pass(1100);
    seek(START - 20_000);
    say("b");
    await outside.pass(18_000);
    expect(comments.map(({ id }) => id)).toEqual(["a"]);
    await outside.pass(5000);
    expect(comments.map(({ id }) => id)).toEqual(["a", "b"]);
  });

  test("paused: nothing for a minute, then what is older goes into the total, and it is said", async () => {
    const { like, say, seek, outside, likes, comments, passed } = viewer(1000);
    seek(START - 1000, 0);
    like(15);
    say("a");
    await outside.pass(HELD_MS - 1000);
    expect(likes.length).toBe(1);
    await outside.pass(2000);
    expect(likes.at(-1)).toMatchObject({ totals: { heart: 15 }, quiet: true });
    expect(comments).toEqual([]);
    expect(passed).toMatchObject([{ why: "full", likes: 5, comments: 1 }]);
  });

  test("more than can wait is collapsed, the earliest first", async () => {
    const { say, seek, outside, comments, passed } = viewer(1000);
    seek(START - 1000, 0);
    for (let n = 0; n < HELD_MAX + 7; n++) say(`c${n}`);
    expect(passed.reduce((all, { comments }) => all + comments, 0)).toBe(7);
    seek(START + 1, 1);
    await outside.pass(300);
    expect(comments[0]?.id).toBe("c7");
    expect(comments.length).toBe(HELD_MAX);
  });

  test("whatever comes, however the picture moves: totals never fall, nothing goes unsaid", async () => {
    const step = fc.oneof(
      fc.record({ do: fc.constant("like" as const), by: fc.integer({ min: 1, max: 9 }) }),
      fc.record({ do: fc.constant("say" as const), by: fc.integer({ min: -9000, max: 9000 }) }),
      fc.record({ do: fc.constant("pass" as const), by: fc.integer({ min: 1, max: 9000 }) }),
      fc.record({ do: fc.constant("seek" as const), by: fc.integer({ min: -30_000, max: 30_000 }) }),
      fc.record({ do: fc.constant("lose" as const), by: fc.constant(0) }),
      fc.record({ do: fc.constant("rate" as const), by: fc.integer({ min: 0, max: 2 }) }),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 50 }), async (steps) => {
        const { like, say, seek, outside, likes, comments, passed, playhead } = viewer(8000);
        let heart = 10;
        let said = 0;
        for (const { do: what, by } of steps) {
          if (what === "like") {
            heart += by;
            like(heart);
          }
          if (what === "say") say(`c${said++}`, { mediaTime: outside.nowMs + by });
          else if (what === "pass") await outside.pass(by);
          else if (what === "seek") seek(outside.nowMs + by);
          else if (what === "lose") seek(null);
          else seek(playhead(), by);
        }
        await outside.pass(HELD_MS + 1000);
        const totals = likes.map((event) => event.totals.heart ?? 0);
        expect(totals).toEqual([...totals].sort((a, b) => a - b));
        expect(totals.at(-1)).toBe(heart);
        const untold = passed.filter(({ why }) => why === "full").reduce((all, one) => all + one.comments, 0);
        expect(new Set(comments.map(({ id }) => id)).size).toBe(comments.length);
        expect(comments.length + untold).toBe(said);
        for (const { at, mediaTime, shownAt, history } of comments) {
          // Half a millisecond: pictures are dated to the next whole one.
          if (shownAt !== null && !history) expect(shownAt + 0.5).toBeGreaterThanOrEqual(mediaTime ?? at);
        }
      }),
      { numRuns: 60 },
    );
  });
});

describe("the client", () => {
  function watching() {
    const outside = new FakeOutside();
    outside.nowMs = START;
    const client = createClient({ url: "http://s/", share: false }, outside);
    outside.answer = () => new Response(JSON.stringify({ id: "own" }), { status: 202 });
    return { outside, client };
  }
  const bodies = (outside: FakeOutside) => outside.calls.map(({ body }) => JSON.parse(body));

  test("says which picture a like and a comment are about, of the first tap of a batch", async () => {
    const { outside, client } = watching();
    let shown = START - 5000.4;
    const live = client.watch("v", { playhead: () => shown });
    const done = live.like("heart");
    shown += 200;
    void live.like("heart");
    await outside.pass(400);
    await done;
    await live.comment("hi");
    expect(bodies(outside)).toEqual([
      { kind: "heart", count: 2, mediaTime: START - 5000 },
      { text: "hi", mediaTime: START - 4800 },
    ]);
  });

  test("without a date, or without a playhead, says nothing of it", async () => {
    const { outside, client } = watching();
    await client.watch("v", { playhead: () => null }).comment("a");
    await client.watch("v").comment("b");
    expect(bodies(outside)).toEqual([{ text: "a" }, { text: "b" }]);
  });

  test("an own comment is told at once, whether its answer or it comes first", async () => {
    for (const answered of [true, false]) {
      const { outside, client } = watching();
      const heard: string[] = [];
      const live = client.watch("v", {
        playhead: () => START - 30_000,
        comment: ({ id }) => heard.push(id),
      });
      await outside.pass(0);
      const come = (id: string) => outside.source.say("comment", { video: "v", id, text: id, at: START });
      outside.source.say("snapshot", { video: "v", totals: {}, version: 1, viewers: 1, comments: [] });
      come("other");
      if (answered) await live.comment("hi");
      come("own");
      if (!answered) await live.comment("hi");
      expect(heard).toEqual(["own"]);
      live.close();
    }
  });

  test("a listener that comes late is told what this picture has come to, and no more", async () => {
    const { outside, client } = watching();
    const live = client.watch("v", { playhead: () => outside.nowMs - 4000 });
    await outside.pass(0);
    outside.source.say("snapshot", {
      video: "v",
      totals: { heart: 1 },
      version: 1,
      viewers: 1,
      comments: [],
    });
    outside.source.say("likes", { video: "v", totals: { heart: 2 }, version: 2, at: START });
    const totals: unknown[] = [];
    live.on("likes", (event) => totals.push(event.totals));
    await outside.pass(4100);
    expect(totals).toEqual([{ heart: 1 }, { heart: 2 }]);
    live.close();
    expect(outside.source.readyState).toBe(2);
  });
});
