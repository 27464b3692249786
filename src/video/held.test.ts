/** Comments held for review: moderators see them at once, everybody else in time or never. */
import { describe, expect, test } from "bun:test";
import { Reader } from "../asking/reader.ts";
import type { Entry } from "../core/entry.ts";
import { limits } from "../core/limits.ts";
import { type FakeViewer, kit, v, w } from "../frontend/frontend-kit.ts";
import { Held } from "./held.ts";

type Kit = Awaited<ReturnType<typeof kit>>;
const texts = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, i) => `t${from + i}`);
const held = (viewer: FakeViewer) => viewer.of("held").map(({ data }) => data.text);
const never = new AbortController().signal;

function polling({ frontend }: Pick<Kit, "frontend">) {
  return async (cursor?: string, waitMs = 0) => {
    const answer = await frontend.poll(v, cursor, waitMs, never);
    if ("rejected" in answer) throw new Error(answer.rejected);
    return answer;
  };
}

describe("a held comment", () => {
  test("is for moderators at once and without an id, for everybody when its time has come", async () => {
    const { log, open, rest, clock } = await kit();
    const [viewer, moderator] = [open(), open([v], undefined, false, true)];
    await rest();
    const nowMs = clock.date();
    const { seq } = await log.comment(v, "t1", 2_000);
    await rest(1_900);
    expect([viewer.texts, moderator.texts, held(moderator)]).toEqual([[], [], ["t1"]]);
    const [told] = moderator.of("held");
    expect(told).toMatchObject({ id: undefined, data: { video: "v", visibleAt: nowMs + 2_000 } });
    expect((told?.nowMs ?? 0) - nowMs).toBeLessThan(50);
    await rest(200);
    expect([viewer.texts, moderator.texts]).toEqual([["t1"], ["t1"]]);
    expect(viewer.of("comment")[0]).toMatchObject({ id: log.id(seq) });
    expect(viewer.of("held")).toEqual([]);
  });

  test("waits its whole time on every node, however far clocks are apart", async () => {
    const { log, open, rest } = await kit();
    const viewer = open();
    await rest();
    // As from a node whose clock is an hour behind, and one whose clock is an hour ahead.
    const stamps = [log.clock.date() - 3_600_000, log.clock.date() + 3_600_000];
    const entry = { type: "comment", video: v, user: undefined, holdMs: 1_000 } as const;
    log.publish({ ...entry, seq: 1, previous: 0, text: "t1", atMs: stamps[0] as number });
    log.publish({ ...entry, seq: 2, previous: 1, text: "t2", atMs: stamps[1] as number });
    await rest(900);
    expect(viewer.texts).toEqual([]);
    await rest(200);
    expect(viewer.texts).toEqual(["t1", "t2"]);
  });

  test("keeps those behind it waiting, so that the order stays", async () => {
    const { log, open, rest } = await kit();
    const viewer = open();
    await rest();
    await log.comment(v, "t1", 1_000);
    await log.comment(v, "t2");
    await rest(900);
    expect(viewer.texts).toEqual([]);
    await rest(200);
    expect(viewer.texts).toEqual(["t1", "t2"]);
  });

  test("is in no snapshot, poll, replay or listing before, and in each once after", async () => {
    const bench = await kit();
    const { log, hub, open, rest, clock, start } = bench;
    await log.comment(v, "t1");
    const first = await log.comment(v, "t2", 3_000);
    await log.comment(v, "t3", 3_000);
    const reader = new Reader(hub.connect());
    const list = async (after?: number, isHeld = false, limit = 10) => {
      const place =
        after === undefined ? undefined : { branch: log.ledger.lineage().newest.name, seq: after };
      const listing = await reader.listing(v, place, limit, { nowMs: clock.date(), held: isHeld });
      if ("rejected" in listing) throw new Error(listing.rejected);
      return { texts: listing.comments.map(({ text }) => text), more: listing.more };
    };
    // One node was there before, one begins now, in the middle of the hold.
    const other = await start("f2");
    const early = [open(), other.open(), other.open([v], log.id(0)), other.open([v], log.id(1))];
    await rest();
    expect(early.map(({ texts }) => texts)).toEqual([["t1"], ["t1"], ["t1"], []]);
    expect(early[0]?.of("snapshot")[0]?.id).toBe(log.id(first.seq - 1));
    const poll = polling(other);
    const polled = await poll();
    expect([polled.comments.map(({ text }) => text), polled.cursor]).toEqual([["t1"], `${log.id(1)}-0`]);
    const waiting = poll(polled.cursor, 20_000);
    expect(await list()).toEqual({ texts: ["t1"], more: false });
    expect(await list(0)).toEqual({ texts: ["t1"], more: false });
    expect(await list(1)).toEqual({ texts: [], more: false });
    expect(await list(0, false, 1)).toEqual({ texts: ["t1"], more: true });
    expect(await list(1, false, 1)).toEqual({ texts: [], more: false });
    expect(await list(undefined, true)).toEqual({ texts: ["t1", "t2", "t3"], more: false });
    expect(await list(1, true)).toEqual({ texts: ["t2", "t3"], more: false });
    await rest(3_100);
    const late = [open([v], log.id(1)), other.open(), other.open([v], log.id(2))];
    await rest();
    expect(early.map(({ texts }) => texts)).toEqual([texts(1, 3), texts(1, 3), texts(1, 3), texts(2, 3)]);
    expect(late.map(({ texts }) => texts)).toEqual([texts(2, 3), texts(1, 3), ["t3"]]);
    expect((await waiting).comments.map(({ text }) => text)).toEqual(["t2", "t3"]);
    expect(await list(1)).toEqual({ texts: ["t2", "t3"], more: false });
  });

  test("that is removed in time is never seen, and moderators hear of that at once", async () => {
    const { log, open, rest } = await kit();
    const [viewer, moderator] = [open(), open([v], undefined, false, true)];
    await rest();
    const { seq } = await log.comment(v, "t1", 1_000);
    await log.comment(v, "t2", 1_000);
    await rest();
    await log.retract(v, seq);
    await rest();
    expect(moderator.of("retract")).toMatchObject([{ id: undefined, data: { id: log.id(seq) } }]);
    expect(viewer.of("retract")).toEqual([]);
    const late = open([v], undefined, false, true);
    await rest();
    expect(held(late)).toEqual(["t2"]);
    await rest(2_000);
    expect([viewer, moderator, late].map(({ texts }) => texts)).toEqual([["t2"], ["t2"], ["t2"]]);
  });

  test("does not keep a removal of what all see already waiting", async () => {
    const bench = await kit();
    const { log, open, rest } = bench;
    const viewer = open();
    const { seq } = await log.comment(v, "t1");
    await rest();
    await log.comment(v, "t2", 10_000);
    await rest();
    await log.retract(v, seq);
    await rest();
    expect(viewer.of("retract")).toMatchObject([{ id: undefined, data: { id: log.id(seq) } }]);
    const late = open();
    await rest();
    expect(late.texts).toEqual([]);
    expect((await polling(bench)()).comments).toEqual([]);
  });

  test("of one video keeps a stream of two in the order of its ids, and its totals flow", async () => {
    const { log, open, rest } = await kit();
    const both = open([v, w]);
    const one = open([w]);
    await rest();
    await log.comment(v, "t1", 2_000);
    for (let i = 2; i <= 5; i++) await log.comment(w, `t${i}`);
    log.like(w);
    await rest(1_000);
    expect([both.texts, one.texts]).toEqual([[], texts(2, 5)]);
    expect([both.hearts.at(-1), one.hearts.at(-1)]).toEqual([10, 10]);
    await both.close();
    const back = open([v, w], both.lastEventId);
    const fresh = open([v, w]);
    await rest(1_500);
    expect(back.texts).toEqual(texts(1, 5));
    expect(fresh.of("comment").map(({ data }) => data.text)).toContain("t1");
    expect(back.of("reset")).toEqual([]);
  });

  test("is not passed over by who begins two videos meanwhile and comes back", async () => {
    const { log, open, rest } = await kit();
    await log.comment(v, "t1", 2_000);
    await log.comment(w, "t2");
    const fresh = open([v, w]);
    await rest();
    expect([fresh.texts, fresh.lastEventId]).toEqual([["t2"], log.id(0)]);
    await fresh.close();
    const back = open([v, w], fresh.lastEventId);
    await rest(2_500);
    expect(back.texts).toEqual(["t1", "t2"]);
  });

  test("makes nobody slow who waits for it behind another video's comments", async () => {
    const { log, open, rest } = await kit();
    const both = open([v, w]);
    await rest();
    await log.comment(v, "held", 5_000);
    const long = "x".repeat(limits.commentCharsMax);
    const count = Math.ceil((2 * limits.owedBytesMax) / long.length);
    for (let i = 1; i <= count; i++) {
      await log.comment(w, long);
      if (i % 50 === 0) await rest(40);
    }
    await rest();
    expect([both.texts, both.ended]).toEqual([[], false]);
    await rest(6_000);
    expect(both.texts).toHaveLength(count + 1);
  });

  test("of another log is forgotten with it", async () => {
    const { log, open, rest, bus } = await kit();
    const [viewer, moderator] = [open(), open([v], undefined, false, true)];
    await rest();
    await log.comment(v, "old", 5_000);
    await rest();
    log.replace();
    await log.comment(v, "new", 1_000);
    bus.cut();
    bus.heal();
    await rest(8_000);
    expect(viewer.texts).toEqual(["new"]);
    expect(held(moderator)).toEqual(["old", "new"]);
  });
});

describe("moderators", () => {
  test("that come back or are behind are told what is held, not what all see", async () => {
    const { log, open, rest } = await kit();
    const stalled = open([v], undefined, true, true);
    await rest();
    for (let i = 1; i <= 300; i++) await log.comment(v, `t${i}`, i <= 100 ? 500 : 5_000);
    await rest(600);
    const late = open([v], log.id(100), false, true);
    await rest();
    expect(held(late)).toEqual(texts(101, 300));
    expect(late.texts).toEqual([]);
    stalled.resume();
    await rest(300);
    expect(held(stalled).slice(-200)).toEqual(texts(101, 300));
    await rest(5_000);
    expect(late.texts).toEqual(texts(101, 300));
    expect(late.of("reset")).toEqual([]);
  });

  test("hear nothing more of a video they have left", async () => {
    const { log, open, rest, frontend } = await kit();
    const moderator = open([v, w], undefined, false, true);
    await rest();
    await frontend.watch(moderator.hello.connection as string, v, false);
    await log.comment(v, "t1", 1_000);
    await log.comment(w, "t2", 1_000);
    await rest();
    expect(held(moderator)).toEqual(["t2"]);
    // Watching again by that call is watching as everybody does: it asked for no right to moderate.
    await frontend.watch(moderator.hello.connection as string, v, true);
    await log.comment(v, "t3", 1_000);
    await rest();
    expect(held(moderator)).toEqual(["t2"]);
  });
});

describe("more than a node keeps", () => {
  test("is asked for again: late, never early, and none lost", async () => {
    const { log, open, rest } = await kit({ logHistory: 20_000 });
    const viewer = open();
    await rest();
    const count = limits.heldEntriesMax + 1_500;
    for (let i = 1; i <= count; i++) await log.comment(v, `t${i}`, 5_000);
    await rest(4_900);
    expect(viewer.texts).toEqual([]);
    await rest(20_000);
    expect(viewer.texts).toEqual(texts(1, count));
    expect(viewer.of("reset")).toEqual([]);
  }, 60_000);

  test("of those that the newest page holds is looked for further back", async () => {
    const { log, open, rest, clock, hub } = await kit({ logHistory: 20_000 });
    for (let i = 1; i <= 3_000; i++) await log.comment(v, `t${i}`, i <= 30 ? 0 : 5_000);
    const reader = new Reader(hub.connect());
    const viewer = open();
    const listing = await reader.listing(v, undefined, 10, { nowMs: clock.date(), held: false });
    expect("comments" in listing && listing.comments.map(({ text }) => text)).toEqual(texts(21, 30));
    await rest();
    expect(viewer.texts).toEqual(texts(11, 30));
    await rest(12_000);
    expect(viewer.texts).toEqual(texts(11, 3_000));
    expect(viewer.of("reset")).toEqual([]);
  }, 60_000);

  test("is no part of what a node keeps", () => {
    const stretch = new Held();
    const entry = (seq: number, over: Partial<Entry> = {}) =>
      ({
        type: "comment",
        video: v,
        seq,
        previous: 0,
        text: "t",
        user: undefined,
        atMs: 0,
        ...over,
      }) as Entry;
    for (let seq = 1; seq <= limits.heldEntriesMax; seq++) stretch.add(entry(seq), 100 - seq);
    expect([stretch.full, stretch.roomy, stretch.first, stretch.tip]).toEqual([
      true,
      false,
      1,
      limits.heldEntriesMax,
    ]);
    // Times never fall along the stretch.
    expect(stretch.take(98, 10)).toEqual({ passed: 0, entries: [] });
    expect(stretch.take(99, 10).entries.map(({ seq }) => seq)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
  });
});
