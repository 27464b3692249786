/**
 * The shard as an actor: what is in its mailbox, and what each step does for readers that read and that do
 * not.
 */
import { describe, expect, test } from "bun:test";
import { VirtualClock } from "../base/clock.ts";
import { createMetrics } from "../base/metrics.ts";
import type { CommentEntry } from "../core/entry.ts";
import type { VideoId } from "../core/interaction.ts";
import { limits } from "../core/limits.ts";
import { Lineage } from "../core/lineage.ts";
import type { State } from "../core/wire.ts";
import { FakeViewer, v, w } from "../frontend/frontend-kit.ts";
import { VideoState } from "../video/state.ts";
import { Connection, type EndReason } from "./connection.ts";
import { Shard } from "./shard.ts";
import { type Slot, Viewer } from "./slot.ts";

const zero = { version: 0, counts: {} };

const settle = () => new Promise<void>((resolve) => setImmediate(resolve));

function bench() {
  const clock = new VirtualClock();
  const ends: EndReason[] = [];
  const passed: string[] = [];
  const slots = new Map<VideoState, Slot>();
  const shard = new Shard(clock, createMetrics(), {
    left: (_, reason) => ends.push(reason),
    opened: (slot) => slots.set(slot.watch, slot),
    closed: (slot) => slots.delete(slot.watch),
    passed: (slot) => passed.push(slot.watch.video),
  });
  const watching = (video: VideoId, history = 1_000): VideoState => {
    const watch = new VideoState(video, history, 0);
    const page: State["page"] = { entries: [], floor: 0, head: 0, more: false };
    watch.begin(
      { log: "abcd", lineage: Lineage.begin("abcd"), region: "r", totals: zero, viewers: 0, page },
      0,
      () => 0,
    );
    return watch;
  };
  /** A viewer that watches, has been welcomed, and reads or does not. */
  const join = (watches: readonly VideoState[], stalled = false) => {
    const viewer = new Viewer(Connection, shard, 15_000, clock.elapsed());
    const { connection } = viewer;
    viewer.watches = [...watches];
    shard.add(viewer);
    const reader = new FakeViewer(connection.stream(undefined), stalled);
    for (const watch of watches) shard.join(viewer, watch);
    return { viewer, reader, connection };
  };
  let seq = 0;
  const comment = (watch: VideoState, text = `${watch.video}${seq + 1}`): number => {
    const { tip } = watch.history;
    const place = { video: watch.video, seq: ++seq, previous: tip, user: undefined, atMs: 0 };
    watch.history.append({ type: "comment", text, ...place } satisfies CommentEntry);
    return seq;
  };
  const mail = (watch: VideoState): void => {
    const slot = slots.get(watch);
    if (slot) shard.mail(slot);
  };
  /** Serves those who are behind, once. */
  const sweep = (): void => {
    shard.serveBehind();
    while (shard.waits("aside")) shard.step("aside", 512);
  };
  const like = (watch: VideoState, version = watch.version + 1): void => {
    const times = { atMs: 0, durableMs: 0, tickedMs: 0 };
    const totals = { version, counts: { heart: 10 * version } };
    watch.tick({ video: watch.video, region: "r", totals, ...times, by: [] });
    mail(watch);
  };
  return { clock, shard, slots, ends, passed, watching, join, comment, mail, like, sweep };
}

describe("likes", () => {
  test("that come while a slot waits ride along: one write shows the newest", async () => {
    const { shard, watching, join, like, passed } = bench();
    const watch = watching(v);
    const { reader } = join([watch]);
    for (let i = 0; i < 100; i++) like(watch);
    expect(shard.step("small", 512)).toBe(1);
    expect(shard.waits("small")).toBe(false);
    expect(passed).toEqual(["v"]);
    await settle();
    expect(reader.hearts).toEqual([1_000]);
  });

  test("of a large slot are written in parts of at most the budget, to each once", async () => {
    const { shard, watching, join, like, passed } = bench();
    const watch = watching(v);
    const readers = Array.from({ length: 300 }, () => join([watch]).reader);
    like(watch);
    expect([shard.waits("small"), shard.waits("large")]).toEqual([false, true]);
    expect([120, 120, 120].map((budget) => shard.step("large", budget))).toEqual([120, 120, 60]);
    expect(passed).toEqual(["v"]);
    await settle();
    for (const reader of readers) expect(reader.hearts).toEqual([10]);
  });

  test("that come during a pass are left to the next one: its viewers all see the same", async () => {
    const { shard, watching, join, like } = bench();
    const watch = watching(v);
    const readers = Array.from({ length: 300 }, () => join([watch]).reader);
    like(watch);
    shard.step("large", 150);
    like(watch);
    shard.step("large", 150);
    await settle();
    for (const reader of readers) expect(reader.hearts).toEqual([10]);
  });

  test("are not waited for by a slot that everybody left", () => {
    const { shard, slots, watching, join, like, passed } = bench();
    const watch = watching(v);
    const { viewer } = join([watch]);
    like(watch);
    expect(shard.leave(viewer, v)).toBe(true);
    expect(passed).toEqual(["v"]);
    expect(slots.size).toBe(0);
    expect(shard.step("small", 10)).toBe(1);
    expect(passed).toEqual(["v"]);
  });

  test("never go back for a viewer that was served from history in the middle of a pass", async () => {
    const { shard, watching, join, like, clock, sweep } = bench();
    const watch = watching(v);
    const others = Array.from({ length: 290 }, () => join([watch]));
    const { reader, connection } = join([watch], true);
    while (connection.write(new TextEncoder().encode(": fill\n\n"), clock.elapsed()) === "ok");
    like(watch);
    shard.step("large", 400);
    reader.resume();
    await settle();
    like(watch);
    shard.step("large", 20);
    // Totals move on while the pass is under way, and the reader is back.
    like(watch);
    sweep();
    shard.step("large", 400);
    sweep();
    await settle();
    expect(reader.hearts).toEqual(reader.hearts.toSorted((a, b) => a - b));
    expect(reader.hearts.at(-1)).toBe(30);
    for (const other of others) expect(other.reader.hearts).toEqual([10, 20]);
  });
});

describe("comments", () => {
  test("of one video in a row go out in one write", async () => {
    const { shard, watching, join, comment, mail } = bench();
    const watch = watching(v);
    const readers = [join([watch]).reader, join([watch]).reader];
    for (let i = 0; i < 5; i++) {
      comment(watch);
      mail(watch);
    }
    expect(shard.step("small", 100)).toBe(2);
    expect(shard.waits("small")).toBe(false);
    await settle();
    for (const { texts } of readers) expect(texts).toEqual(["v1", "v2", "v3", "v4", "v5"]);
  });

  test("of several videos keep the order of the mailbox for who watches both", async () => {
    const { shard, watching, join, comment, mail } = bench();
    const [a, b] = [watching(v), watching(w)];
    const { reader } = join([a, b]);
    const only = join([b]).reader;
    for (const watch of [a, b, b, a, b]) {
      comment(watch);
      mail(watch);
    }
    while (shard.waits("small")) shard.step("small", 1);
    await settle();
    expect(reader.texts).toEqual(["v1", "w2", "w3", "v4", "w5"]);
    expect(only.texts).toEqual(["w2", "w3", "w5"]);
  });

  test("wait for a reader that is behind, in bounded bytes, then its stream is closed", async () => {
    const { shard, watching, join, comment, mail, ends } = bench();
    const watch = watching(v);
    const { reader, viewer } = join([watch], true);
    const other = join([watch]).reader;
    let owed = 0;
    while (ends.length === 0) {
      comment(watch, "x".repeat(400));
      mail(watch);
      shard.step("small", 10);
      await settle();
      owed = Math.max(owed, viewer.own?.owedBytes ?? 0);
    }
    expect(ends).toEqual(["slow"]);
    expect(owed).toBeGreaterThan(limits.owedBytesMax - 1_000);
    expect(other.texts.length).toBeGreaterThan(100);
    reader.resume();
    await settle();
    expect(reader.ended).toBe(true);
    expect(shard.behind).toBe(0);
  });

  test("skipped by a reader that was behind come to it in order, then the newest totals once", async () => {
    const { shard, watching, join, comment, mail, like, sweep } = bench();
    const watch = watching(v);
    const { reader } = join([watch], true);
    const neighbour = join([watch]).reader;
    for (let i = 0; i < 30; i++) {
      comment(watch);
      mail(watch);
      shard.step("small", 10);
      like(watch);
      shard.step("small", 10);
      sweep();
      await settle();
    }
    expect(neighbour.texts).toHaveLength(30);
    expect(neighbour.hearts).toHaveLength(30);
    expect(shard.behind).toBe(1);
    reader.resume();
    await settle();
    sweep();
    await settle();
    expect(reader.texts).toEqual(neighbour.texts);
    expect(reader.hearts.length).toBeLessThan(10);
    expect(reader.hearts.at(-1)).toBe(300);
    expect(shard.behind).toBe(0);
  });

  test("no longer held close the stream of the one who is owed them", async () => {
    const { shard, watching, join, comment, mail, ends, sweep } = bench();
    const watch = watching(v, 20);
    const { reader } = join([watch], true);
    for (let i = 0; i < 200; i++) {
      comment(watch);
      mail(watch);
      shard.step("small", 10);
    }
    reader.resume();
    await settle();
    sweep();
    expect(ends).toEqual(["slow"]);
  });
});

describe("a reader", () => {
  test("that takes no byte for a minute is closed, whether something is owed to it or not", async () => {
    const { shard, watching, join, like, clock, ends, sweep } = bench();
    const watch = watching(v);
    const idle = join([watch], true);
    const behind = join([watch], true);
    const bytes = new TextEncoder().encode(": beat\n\n");
    for (const { connection } of [idle, behind]) while (connection.write(bytes, clock.elapsed()) === "ok");
    behind.viewer.own = undefined;
    clock.advance(3 * 15_000 + 1);
    shard.beat(bytes, false);
    shard.step("aside", 512);
    expect(ends).toEqual(["idle", "idle"]);
    const late = join([watch], true);
    while (late.connection.write(bytes, clock.elapsed()) === "ok");
    like(watch);
    shard.step("small", 10);
    expect(shard.behind).toBe(1);
    clock.advance(3 * 15_000 + 1);
    sweep();
    expect(ends).toEqual(["idle", "idle", "idle"]);
    expect(shard.size).toBe(0);
  });

  test("that leaves in the middle of a pass and a run is missed by nobody", async () => {
    const { shard, watching, join, like, comment, mail } = bench();
    const watch = watching(v);
    const all = Array.from({ length: 300 }, () => join([watch]));
    like(watch);
    shard.step("large", 20);
    for (const index of [5, 19, 20, 21, 40, 59]) await all[index]?.reader.close();
    comment(watch);
    shard.step("large", 400);
    mail(watch);
    shard.step("large", 400);
    await settle();
    const stayed = all.filter(({ reader }) => !reader.ended);
    expect(stayed).toHaveLength(294);
    for (const { reader } of stayed) expect([reader.hearts, reader.texts]).toEqual([[10], ["v1"]]);
    expect(shard.size).toBe(294);
  });
});

describe("a slot that begins anew", () => {
  test("drops what waited of the old history, and goes on from the new one", async () => {
    const { shard, slots, watching, join, like, comment, mail, sweep } = bench();
    const watch = watching(v);
    const all = Array.from({ length: 290 }, (_, i) => join([watch], i === 7));
    for (let i = 0; i < 9; i++) comment(watch);
    mail(watch);
    like(watch, 50);
    shard.step("large", 10);
    const page: State["page"] = { entries: [], floor: 0, head: 0, more: false };
    watch.begin(
      { log: "wxyz", lineage: Lineage.begin("wxyz"), region: "r", totals: zero, viewers: 0, page },
      0,
      () => 0,
    );
    const slot = slots.get(watch);
    if (slot) shard.restart(slot, "epoch");
    while (shard.waits("large")) shard.step("large", 400);
    sweep();
    all[7]?.reader.resume();
    await settle();
    watch.history.append({
      type: "comment",
      video: v,
      seq: 1,
      previous: 0,
      text: "new",
      user: undefined,
      atMs: 0,
    });
    mail(watch);
    like(watch, 1);
    shard.step("small", 100);
    shard.step("large", 400);
    sweep();
    await settle();
    for (const { reader } of all) {
      expect(reader.of("reset")).toHaveLength(1);
      const after = reader.seen.findIndex(({ event }) => event === "reset");
      expect(reader.seen.slice(after).flatMap(({ data }) => data.text ?? [])).toEqual(["new"]);
      expect(reader.hearts.slice(-2)).toEqual([0, 10]);
    }
  });
});
