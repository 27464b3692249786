/** Coming back: a contiguous replay or a reset that says why, never a hole and never a repeat. */
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import type { VideoId } from "../core/interaction.ts";
import { limits } from "../core/limits.ts";
import { kit, v, w } from "./frontend-kit.ts";

const texts = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, i) => `t${from + i}`);

/** A kit whose log holds t1…t`count` of v at seqs 1…`count`. */
async function talked(count: number, options: Parameters<typeof kit>[0] = {}) {
  const bench = await kit(options);
  bench.log.live = false;
  for (let i = 1; i <= count; i++) await bench.log.comment(v, `t${i}`);
  bench.log.live = true;
  return bench;
}

describe("a stream that resumes", () => {
  test("gets what it missed, in order, then where the totals stand, and no snapshot", async () => {
    const { log, open, rest } = await talked(30);
    log.like(v);
    const viewer = open([v], log.id(10));
    await rest();
    expect(viewer.seen.map(({ event }) => event)).toEqual([
      "hello",
      ...Array(20).fill("comment"),
      "likes",
      "viewers",
    ]);
    expect(viewer.texts).toEqual(texts(11, 30));
    expect(viewer.hearts).toEqual([10]);
  });

  test("at the newest place gets nothing again", async () => {
    const { log, open, rest } = await talked(5);
    const viewer = open([v], log.id(5));
    await rest();
    expect(viewer.texts).toEqual([]);
    await log.comment(v, "t6");
    await rest();
    expect(viewer.texts).toEqual(["t6"]);
  });

  test("from before what this node holds is served from the log", async () => {
    const { log, open, rest, metrics } = await talked(300, { history: 50 });
    const first = open();
    await rest();
    const viewers = [open([v], log.id(100)), open([v], log.id(40)), open([v], log.id(200))];
    await rest(500);
    expect(viewers.map(({ texts: all }) => all.length)).toEqual([200, 260, 100]);
    expect(viewers[1]?.texts).toEqual(texts(41, 300));
    expect(first.texts).toEqual(texts(281, 300));
    // Read once for all who came at once, and again only for the one that needed more.
    expect(log.read).toBeLessThanOrEqual(3);
    expect(await metrics.registry.metrics()).not.toContain("ovation_resets_total{");
  });

  test("each from one place further back has the log read a few times, not once each", async () => {
    const { log, open, rest } = await talked(600, { history: 50 });
    open();
    await rest();
    for (let seq = 540; seq > 40; seq -= 4) {
      const viewer = open([v], log.id(seq));
      await rest(50);
      expect(viewer.texts).toHaveLength(600 - seq);
    }
    expect(log.read).toBeLessThan(10);
  });

  test("from a place further on than this node has seen is not told twice", async () => {
    const { log, open, rest } = await talked(5);
    const first = open();
    await rest();
    log.live = false;
    const late = await log.comment(v, "t6");
    const viewer = open([v], log.id(6));
    await rest();
    log.publish(late);
    log.live = true;
    await log.comment(v, "t7");
    await rest();
    expect(viewer.texts).toEqual(["t7"]);
    expect(first.texts).toEqual(texts(1, 7));
  });

  test.each([
    ["unknown-id", () => "garbage"],
    ["unknown-id", () => "x".repeat(8_192)],
    ["unknown-id", () => ""],
    ["unknown-id", () => "abcd-5\nevent: bye"],
    ["epoch", () => "zzzz-5"],
    ["future", (id: (seq: number) => string) => id(31)],
    ["future", (id: (seq: number) => string) => id(Number.MAX_SAFE_INTEGER)],
    ["history", (id: (seq: number) => string) => id(3)],
    ["history", (id: (seq: number) => string) => id(0)],
  ])("is told %s and begins anew where its place means nothing", async (reason, lastEventId) => {
    const { log, open, rest, metrics } = await talked(30, { logHistory: 20 });
    const viewer = open(
      [v],
      lastEventId((seq) => log.id(seq)),
    );
    await rest();
    expect(viewer.seen.map(({ event }) => event)).toEqual(["hello", "reset", "snapshot"]);
    expect(viewer.of("reset")[0]?.data.reason).toBe(reason);
    expect(viewer.texts).toEqual(texts(11, 30));
    expect(viewer.lastEventId).toBe(log.id(30));
    expect(await metrics.registry.metrics()).toContain(`ovation_resets_total{reason="${reason}"} 1`);
  });

  test("is told so when nobody can say whether its place is right", async () => {
    const { log, open, rest, clock } = await talked(5);
    open();
    await rest();
    log.beforeAnswer = () => new Promise(() => {});
    const viewer = open([v], log.id(9));
    await clock.run(limits.requestMs + 100, 10);
    expect(viewer.of("reset")[0]?.data.reason).toBe("unavailable");
    expect(viewer.texts).toEqual(texts(1, 5));
  });

  test("is not told a removed comment, and is told of the removal", async () => {
    const { log, open, rest } = await talked(5);
    open();
    await rest();
    await log.retract(v, 3);
    await rest();
    const viewer = open([v], log.id(1));
    await rest();
    expect(viewer.texts).toEqual(["t2", "t4", "t5"]);
    expect(viewer.of("retract")).toHaveLength(1);
  });
});

describe("one id resumes several videos", () => {
  test("each from that place, together in order", async () => {
    const { log, open, rest } = await kit();
    for (let i = 1; i <= 20; i++) await log.comment(i % 3 === 0 ? w : v, `t${i}`);
    const viewer = open([v, w], log.id(8));
    await rest();
    expect(viewer.texts).toEqual(texts(9, 20));
    expect(viewer.lastEventId).toBe(log.id(20));
  });

  test("where one must begin anew, the other's replay is not skipped when the stream breaks", async () => {
    const { log, open, rest } = await kit({ logHistory: 20 });
    await log.comment(w, "w1");
    await log.comment(w, "w2");
    for (let i = 3; i <= 60; i++) await log.comment(v, `t${i}`);
    await log.comment(w, "w61");
    const viewer = open([v, w], log.id(1), true);
    await rest();
    viewer.resume();
    await rest(5);
    expect(viewer.of("reset").map(({ data }) => data.video)).toEqual(["v"]);
    // Its snapshot of v must not claim that w2 and w61 were seen.
    const ids = viewer.seen.flatMap(({ event, id }) => (event === "snapshot" ? [id] : []));
    expect(ids).toEqual([log.id(1)]);
    expect(viewer.of("comment").map(({ data }) => data.text)).toEqual(["w2", "w61"]);
  });

  test("and where a node has not come so far with one, all begin anew: none is ahead of the id", async () => {
    const { log, open, rest, clock } = await kit();
    open([v, w]);
    await log.comment(v, "v1");
    await log.comment(w, "w2");
    await rest();
    // What a viewer was shown by another node.
    log.live = false;
    await log.comment(v, "v3");
    await log.comment(w, "w4");
    let asked = 0;
    log.beforeAnswer = () => (++asked === 1 ? undefined : new Promise(() => {}));
    const viewer = open([v, w], log.id(4));
    await clock.run(limits.requestMs + 100, 10);
    expect(viewer.of("reset").map(({ data }) => [data.video, data.reason])).toEqual([
      ["v", "unavailable"],
      ["w", "unavailable"],
    ]);
    expect(viewer.texts).toEqual(["v1", "w2"]);
    expect(viewer.lastEventId).toBe(log.id(2));
  });

  test("and a video watched later on is shown whole, though the stream was ahead of this node", async () => {
    const { log, open, rest, frontend } = await kit();
    for (let i = 1; i <= 3; i++) await log.comment(v, `t${i}`);
    open([v]);
    open([w]);
    await rest();
    log.live = false;
    const late = await log.comment(w, "w4");
    await log.comment(v, "t5");
    const viewer = open([v], log.id(5));
    await rest();
    await frontend.watch(viewer.hello.connection as string, w, true);
    await rest();
    log.publish(late);
    await rest();
    expect(viewer.texts).toEqual(["w4"]);
  });
});

describe("a stream of several videos", () => {
  test("waits with one while another has a hole: its id never counts as seen what was not", async () => {
    const { log, open, rest } = await kit();
    const [both, one] = [open([v, w]), open([v])];
    await rest();
    let answer = () => {};
    log.beforeAnswer = () => new Promise<void>((resolve) => (answer = resolve));
    log.live = false;
    await log.comment(w, "w1");
    log.live = true;
    await log.comment(w, "w2");
    await log.comment(v, "v3");
    await rest();
    expect([both.texts, one.texts]).toEqual([[], ["v3"]]);
    answer();
    await rest();
    expect(both.texts).toEqual(["w1", "w2", "v3"]);
  });

  test("waits so when the bus was away, too, until every video has been asked for", async () => {
    const { log, open, rest, bus, clock } = await kit();
    const both = open([v, w]);
    await rest();
    bus.cut();
    await log.comment(w, "w1");
    // Answers come one after the other, and live comments at once.
    let answers = 0;
    log.beforeAnswer = () => new Promise((resolve) => clock.after(150 * ++answers, resolve));
    bus.heal();
    await log.comment(v, "v2");
    await rest(170);
    await log.comment(v, "v3");
    await rest(50);
    expect(both.texts).toEqual([]);
    await rest(300);
    expect(both.texts).toEqual(["w1", "v2", "v3"]);
    expect(both.lastEventId).toBe(log.id(3));
  });
});

describe("a slow reader", () => {
  test("that watches one more video during its replay has lost nothing when it breaks off", async () => {
    const { log, open, rest, frontend } = await talked(0);
    log.live = false;
    for (let i = 1; i <= 900; i++) await log.comment(v, `t${i}${"x".repeat(400)}`);
    const viewer = open([v], log.id(0), true);
    await rest();
    await log.comment(w, "w901");
    const connection = viewer.hello.connection;
    expect(connection).toBeUndefined();
    viewer.resume();
    await rest(1);
    viewer.stall();
    await frontend.watch(viewer.hello.connection as string, w, true);
    await rest(200);
    viewer.resume();
    let seen = 0;
    // Wherever it breaks, its id stands at the last comment of v that came before.
    while (viewer.of("comment").length < 900) {
      await rest(50);
      for (const { event, id, data } of viewer.seen.slice(seen)) {
        if (event === "comment" && data.video === "v")
          expect(id).toBe(log.id(Number(/\d+/.exec(data.text ?? ""))));
        if (event === "snapshot") {
          const before = viewer.seen.filter(
            (one) => one.event === "comment" && one.data.video === "v",
          ).length;
          expect(Number(id?.split("-")[1])).toBeLessThanOrEqual(before);
        }
      }
      seen = viewer.seen.length;
    }
    expect(viewer.of("snapshot").map(({ data }) => data.video)).toEqual(["w"]);
  });
});

describe("joining while comments pour in", () => {
  test("never loses and never repeats one, fresh or resumed, of one video or two", async () => {
    const plan = fc.record({
      joins: fc.array(
        fc.record({
          atMs: fc.integer({ min: 0, max: 400 }),
          both: fc.boolean(),
          /** How long it stays before it breaks off and resumes; 0: it stays. */
          stayMs: fc.constantFrom(0, 0, 30, 120),
          late: fc.boolean(),
        }),
        { minLength: 1, maxLength: 8 },
      ),
      history: fc.constantFrom(20, 1_000),
      late: fc.integer({ min: 0, max: 40 }),
    });
    await fc.assert(
      fc.asyncProperty(plan, async ({ joins, history, late }) => {
        const { log, open, clock } = await kit({ history });
        log.beforeAnswer = () => new Promise((resolve) => clock.after(late, resolve));
        const written = new Map<VideoId, string[]>([
          [v, []],
          [w, []],
        ]);
        const stories: { videos: VideoId[]; told: () => string[] }[] = [];
        for (let ms = 0; ms < 500; ms += 5) {
          for (const { atMs, both, stayMs } of joins.filter(
            (join) => join.atMs >= ms && join.atMs < ms + 5,
          )) {
            const videos = both ? [v, w] : [v];
            let viewer = open(videos);
            const earlier: string[] = [];
            stories.push({ videos, told: () => [...earlier, ...viewer.texts] });
            if (stayMs > 0) {
              clock.after(stayMs, () => {
                const id = viewer.lastEventId;
                void viewer.close();
                earlier.push(...viewer.texts);
                viewer = open(videos, id);
              });
            }
            expect(atMs).toBeGreaterThanOrEqual(ms);
          }
          const video = ms % 3 === 0 ? w : v;
          const text = `${video}${ms}`;
          written.get(video)?.push(text);
          await log.comment(video, text);
          await clock.run(5, 1);
        }
        await clock.run(2_000, 10);
        for (const { videos, told } of stories) {
          for (const video of videos) {
            const all = written.get(video) as string[];
            const heard = told().filter((text) => text.startsWith(video));
            // One id stands for both: what one snapshot showed beyond the other's place is told again.
            const mine = videos.length === 1 ? heard : [...new Set(heard)];
            const from = all.indexOf(mine[0] ?? "");
            expect(mine).toEqual(all.slice(from));
            expect(mine.length).toBeGreaterThan(10);
          }
        }
      }),
      { numRuns: 25 },
    );
  }, 30_000);
});

describe("behind a deletion", () => {
  const resets = (viewer: { of(event: string): { data: { reason?: string; video?: string } }[] }) =>
    viewer.of("reset").map(({ data }) => `${data.video} ${data.reason}`);

  test.each([
    ["is watched", true],
    ["is not watched yet", false],
  ])(
    "whoever comes from before it begins anew, whoever from behind it goes on: the video %s",
    async (_, watched) => {
      const { log, open, rest } = await talked(5);
      if (watched) open();
      await rest();
      const { seq } = await log.deleteVideo(v);
      await log.comment(v, "new");
      const [before, at, fresh] = [open([v], log.id(3)), open([v], log.id(seq)), open()];
      await rest(500);
      expect([resets(before), resets(at), resets(fresh)]).toEqual([["v deleted"], [], []]);
      expect([before.texts, at.texts, fresh.texts]).toEqual([["new"], ["new"], ["new"]]);
      expect(at.of("snapshot")).toHaveLength(0);
    },
  );

  test("further back than a node holds it is found in the log", async () => {
    const { log, open, rest } = await talked(5, { history: 20 });
    const { seq } = await log.deleteVideo(v);
    for (let i = 1; i <= 40; i++) await log.comment(v, `n${i}`);
    const [before, at] = [open([v], log.id(2)), open([v], log.id(seq))];
    await rest(1_000);
    expect([resets(before), resets(at)]).toEqual([["v deleted"], []]);
    expect(at.texts).toHaveLength(40);
    const again = open([v], log.id(4));
    await rest(500);
    expect(resets(again)).toEqual(["v deleted"]);
  });

  test("of one video the others of a stream go on", async () => {
    const { log, open, rest } = await talked(2);
    const { seq } = await log.comment(w, "w1");
    await rest();
    await log.deleteVideo(v);
    await log.comment(w, "w2");
    const viewer = open([v, w], log.id(seq));
    await rest(500);
    expect(resets(viewer)).toEqual(["v deleted"]);
    expect(viewer.of("snapshot").map(({ data }) => data.video)).toEqual(["v"]);
    expect(viewer.texts).toEqual(["w2"]);
  });
});
