/** The fold on the viewer's side: repetition, reordering and late listeners change nothing. */
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { createFeed, type Message } from "./feed.ts";
import type { Comment, Likes } from "./types.ts";

const message = (fields: object) => fields as Message;
const snapshot = (fields: object = {}) =>
  message({ video: "v", totals: { heart: 1 }, version: 1, viewers: 3, comments: [], ...fields });
const comment = (id: string) => message({ video: "v", id, user: "Ada", text: `text ${id}`, at: 5 });

function listening(now = () => 0) {
  const feed = createFeed(now);
  const likes: Likes[] = [];
  const comments: Comment[] = [];
  const other: [string, unknown][] = [];
  feed.listen("v", {
    likes: (event) => likes.push(event),
    comment: (event) => comments.push(event),
    viewers: (event) => other.push(["viewers", event.viewers]),
    reset: (event) => other.push(["reset", event.reason]),
    retract: (event) => other.push(["retract", event.id]),
  });
  return { feed, likes, comments, other };
}

describe("totals", () => {
  test("lost, repeated and reordered ticks end at the newest and never step back", () => {
    const ticks = fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 60 });
    fc.assert(
      fc.property(ticks, (versions) => {
        const { feed, likes } = listening();
        for (const version of versions) {
          feed.take("likes", message({ video: "v", totals: { heart: version * 10 }, version }));
        }
        const shown = likes.map((event) => event.totals.heart ?? 0);
        expect(shown).toEqual([...shown].sort((a, b) => a - b));
        expect(shown.at(-1)).toBe(Math.max(...versions) * 10);
      }),
    );
  });

  test("after a reset the server's word counts, even if it is less", () => {
    const { feed, likes, other } = listening();
    feed.take("snapshot", snapshot({ totals: { heart: 90 }, version: 9 }));
    feed.take("reset", message({ video: "v", reason: "epoch" }));
    feed.take("snapshot", snapshot({ totals: { heart: 2 }, version: 1 }));
    expect(likes.at(-1)?.totals).toEqual({ heart: 2 });
    expect(other).toContainEqual(["reset", "epoch"]);
  });

  test("other videos are other videos", () => {
    const { feed, likes } = listening();
    feed.take("likes", message({ video: "w", totals: { heart: 1 }, version: 5 }));
    expect(likes).toEqual([]);
  });
});

test("a video that is over says so, once, also to who comes late, and when it is opened again", () => {
  const { feed, other } = listening();
  const heard: boolean[] = [];
  const stop = feed.listen("v", { closed: ({ closed }) => heard.push(closed) });
  feed.take("snapshot", snapshot());
  feed.take("state", message({ video: "v", state: "closed" }));
  feed.take("state", message({ video: "v", state: "closed" }));
  feed.take("poll", snapshot({ version: 2 }));
  feed.listen("v", { closed: ({ closed }) => other.push(["closed", closed]) });
  feed.take("state", message({ video: "v", state: "open" }));
  feed.take("snapshot", snapshot({ state: "closed" }));
  stop();
  expect(heard).toEqual([true, false, true]);
  expect(other.filter(([name]) => name === "closed").map(([, closed]) => closed)).toEqual([
    true,
    false,
    true,
  ]);
});

describe("comments", () => {
  test("any run with any repeats: each once, in order", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 60 }), fc.array(fc.nat(59), { maxLength: 20 }), (count, cuts) => {
        const { feed, comments } = listening();
        let next = 0;
        for (const cut of [...cuts, count]) {
          // A resumed stream starts somewhere before what was heard.
          for (let id = Math.max(0, next - cut); id < Math.min(count, next + 7); id++) {
            feed.take("comment", comment(String(id)));
          }
          next = Math.min(count, next + 7);
        }
        expect(comments.map((said) => said.id)).toEqual(Array.from({ length: next }, (_, id) => String(id)));
      }),
    );
  });

  test("history is marked, polled ones are live, repeats of either are dropped", () => {
    const { feed, comments } = listening();
    feed.take("snapshot", snapshot({ comments: [comment("1")] }));
    feed.take("poll", snapshot({ comments: [comment("1"), comment("2")] }));
    expect(comments.map((said) => [said.id, !!said.history])).toEqual([
      ["1", true],
      ["2", false],
    ]);
  });

  test("a removed comment is not brought back by a history that still holds it", () => {
    const { feed, comments, other } = listening();
    feed.take("retract", message({ video: "v", id: "7" }));
    feed.take("snapshot", snapshot({ comments: [comment("7")] }));
    expect(comments).toEqual([]);
    expect(other).toContainEqual(["retract", "7"]);
  });
});

describe("listeners", () => {
  test("one that comes late hears what is known", () => {
    const { feed } = listening();
    feed.take("snapshot", snapshot({ comments: [comment("1")], totals: { heart: 4 }, version: 4 }));
    const heard: unknown[] = [];
    feed.listen("v", {
      likes: (event) => heard.push(event.totals.heart),
      viewers: (event) => heard.push(event.viewers),
      comment: (event) => heard.push([event.id, event.history]),
    });
    expect(heard).toEqual([4, 3, ["1", true]]);
  });

  test("with the last listener the video is forgotten", () => {
    const feed = createFeed(() => 0);
    const stop = feed.listen("v", {});
    feed.take("snapshot", snapshot());
    expect(feed.known("v")).toBe(true);
    stop();
    expect(feed.videos()).toEqual([]);
    expect(feed.known("v")).toBe(false);
  });
});

describe("clock", () => {
  test("latency is measured on the server's clock, by the least delayed sample", () => {
    let now = 0;
    const { feed, likes } = listening(() => now);
    // The server is 10 s ahead; three messages travel 80, 20 and 50 ms.
    for (const [at, travelMs] of [
      [0, 80],
      [1000, 20],
      [2000, 50],
    ] as const) {
      now = at + travelMs;
      feed.take("hello", message({ now: at + 10_000 }));
    }
    now = 3000;
    feed.take("likes", message({ video: "v", totals: { heart: 1 }, version: 1, at: 12_800 }));
    expect(likes[0]?.latencyMs).toBeGreaterThan(150);
    expect(likes[0]?.latencyMs).toBeLessThan(201);
    expect(feed.latencyMs()).toBe(likes[0]?.latencyMs as number);
  });

  test("without a sample there is no latency, and never a negative one", () => {
    const { feed, likes } = listening(() => 0);
    feed.take("likes", message({ video: "v", totals: {}, version: 1, at: 5 }));
    expect(likes[0]?.latencyMs).toBeUndefined();
    feed.take("hello", message({ now: 3 }));
    feed.take("likes", message({ video: "v", totals: {}, version: 2, at: 5 }));
    expect(likes[1]?.latencyMs).toBe(0);
  });
});
