import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { type CommentEntry, type Entry, holdOf } from "../core/entry.ts";
import { limits } from "../core/limits.ts";
import { Lineage } from "../core/lineage.ts";
import type { State, Tick } from "../core/wire.ts";
import { v } from "../frontend/frontend-kit.ts";
import { VideoState } from "./state.ts";

const tick = (version: number, over: Partial<Tick> = {}): Tick => ({
  video: v,
  region: "r",
  totals: { version, counts: { heart: 10 * version } },
  atMs: 1_000 + version,
  durableMs: 0,
  tickedMs: 0,
  by: [],
  ...over,
});
const entry = (seq: number, previous = seq - 1): CommentEntry => ({
  type: "comment",
  video: v,
  seq,
  previous,
  text: `t${seq}`,
  user: undefined,
  atMs: 0,
});
const state = (version: number, over: Partial<State["page"]> = {}, log = "abcd"): State => ({
  log,
  lineage: Lineage.begin(log),
  region: "r",
  totals: tick(version).totals,
  viewers: 0,
  page: { entries: [], floor: 0, head: 0, more: false, ...over },
});
const text = (bytes: Uint8Array | undefined) => new TextDecoder().decode(bytes);
/** Of the log's entries none is younger than its hold, by this clock. */
const dueAt = (entry: Entry): number => holdOf(entry);
const receive = (watch: VideoState, of: Entry) => watch.receive(of, 0, dueAt(of));
const live = (watch = new VideoState(v, 100, 500)): VideoState => {
  watch.begin(state(0), 0, dueAt);
  return watch;
};

describe("totals", () => {
  test("are the newest, whatever is lost, repeated or reordered, and never fall", () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 20 }), { maxLength: 40 }), (versions) => {
        const watch = live();
        let newest = 0;
        for (const version of versions) {
          expect(watch.tick(tick(version))).toBe(version > newest);
          newest = Math.max(newest, version);
          expect([watch.version, watch.likes]).toEqual([newest, 10 * newest]);
        }
      }),
    );
  });

  test("of several logs are summed; a stranger too many is ignored", () => {
    const watch = live();
    for (let i = 0; i < 64; i++) expect(watch.tick(tick(2, { log: `log${i}` }))).toBe(true);
    expect(watch.tick(tick(9, { log: "onetoomany" }))).toBe(false);
    expect(watch.tick(tick(3, { log: "log0" }))).toBe(true);
    expect([watch.version, watch.likes]).toEqual([64 * 2 + 1, 64 * 20 + 10]);
  });

  test("of one log are one, whatever its nodes call their region", () => {
    const watch = live();
    expect(watch.tick(tick(5, { log: "abcd", region: "a" }))).toBe(true);
    expect(watch.tick(tick(6, { log: "abcd", region: "b" }))).toBe(true);
    expect(watch.tick(tick(6, { log: "abcd", region: "a" }))).toBe(false);
    expect([watch.version, watch.likes]).toEqual([6, 60]);
  });

  test("that older nodes tell are of the one log there is, before and after it is named", () => {
    const watch = live();
    expect(watch.tick(tick(3))).toBe(true);
    expect(watch.tick(tick(3, { log: "abcd" }))).toBe(false);
    expect(watch.tick(tick(4, { log: "abcd" }))).toBe(true);
    expect(watch.tick(tick(5, { region: "b" }))).toBe(true);
    expect(watch.adopt({ ...state(4), log: "abcd" }, 0)).toBe(false);
    expect([watch.version, watch.likes]).toEqual([5, 50]);
    expect(watch.tick(tick(2, { log: "efgh" }))).toBe(true);
    expect([watch.version, watch.likes]).toEqual([7, 70]);
  });

  test("of a state count like those of a tick", () => {
    const watch = live();
    expect(watch.adopt(state(3), 77)).toBe(true);
    expect(watch.adopt(state(2), 78)).toBe(false);
    expect([watch.version, watch.oldestAfter(0)]).toEqual([3, 77]);
  });
});

describe("a frame of state", () => {
  test("says what is new since what was shown, and is made once", () => {
    const watch = live();
    expect(watch.stateFrame(0, 0)).toBeUndefined();
    watch.tick(tick(1));
    watch.shownViewers = 5;
    watch.viewersVersion = 1;
    const both = watch.stateFrame(0, 0);
    expect(text(both).match(/event: \w+/g)).toEqual(["event: likes", "event: viewers"]);
    expect(watch.stateFrame(0, 0)).toBe(both as Uint8Array);
    expect(text(watch.stateFrame(0, 1)).match(/event: \w+/g)).toEqual(["event: likes"]);
    expect(text(watch.stateFrame(1, 0)).match(/event: \w+/g)).toEqual(["event: viewers"]);
    expect(watch.stateFrame(1, 1)).toBeUndefined();
    watch.tick(tick(2));
    expect(watch.stateFrame(0, 0)).not.toBe(both as Uint8Array);
  });

  test("is as old as the oldest like its viewer has not seen", () => {
    const watch = live();
    for (const version of [1, 2, 5]) watch.tick(tick(version));
    const at = (version: number) =>
      JSON.parse(text(watch.stateFrame(version, 0)).split("data: ")[1] ?? "").at;
    expect([0, 1, 2, 4].map(at)).toEqual([1_001, 1_002, 1_005, 1_005]);
    for (let version = 6; version < 200; version++) watch.tick(tick(version));
    expect(watch.oldestAfter(0)).toBe(1_000 + 200 - 64);
    expect(watch.oldestAfter(500)).toBe(1_199);
    expect(new VideoState(v, 10, 500).oldestAfter(0)).toBe(500);
  });
});

describe("a snapshot", () => {
  test("shows all up to a place, and says where the stream then stands", () => {
    const watch = live();
    watch.tick(tick(4));
    for (const seq of [3, 5, 8]) receive(watch, entry(seq, 0));
    watch.shownViewers = 2;
    const bytes = watch.snapshot(5, "abcd-7");
    expect(text(bytes)).toEndWith("\nid: abcd-7\n\n");
    expect(JSON.parse(/^data: (.*)$/m.exec(text(bytes))?.[1] ?? "")).toMatchObject({
      ...{ video: "v", totals: { heart: 40 }, viewers: 2, version: 4 },
      comments: [{ text: "t3" }, { text: "t5" }],
    });
    expect(watch.snapshot(5, "abcd-7")).toBe(bytes);
    expect(watch.snapshot(8, "abcd-8")).not.toBe(bytes);
  });
});

describe("entries", () => {
  test("are taken in order, known ones once, and a hole is seen", () => {
    const watch = live();
    expect(receive(watch, entry(1))).toBe("appended");
    expect(receive(watch, entry(1))).toBe("known");
    expect(receive(watch, entry(4, 1))).toBe("appended");
    expect(receive(watch, entry(6, 5))).toBe("hole");
    expect(watch.phase).toBe("filling");
    expect(receive(watch, entry(5, 4))).toBe("known");
    expect(watch.takeWaiting().map(({ seq }) => seq)).toEqual([5, 6]);
    expect(watch.takeWaiting()).toEqual([]);
  });

  test("wait in bounded number, and those let go are known to be missing", () => {
    const watch = new VideoState(v, 100, 0);
    for (let seq = 1; seq <= 1_000; seq++) expect(receive(watch, entry(seq))).toBe("known");
    expect(watch.missed).toBe(false);
    receive(watch, entry(1_001));
    expect(watch.missed).toBe(true);
    expect(watch.takeWaiting()).toHaveLength(1_000);
  });
});

describe("another log", () => {
  test("begins everything anew: no total, place or frame of the old one is left", () => {
    const watch = live();
    watch.tick(tick(5));
    receive(watch, entry(9, 0));
    watch.adopt(state(5, { head: 40 }), 0);
    const [before, frame] = [watch.snapshot(9, "abcd-9"), watch.stateFrame(0, 0)];
    watch.begin(state(0, { head: 3 }, "wxyz"), 0, dueAt);
    watch.adopt(state(0, { head: 3 }, "wxyz"), 0);
    expect([watch.version, watch.likes, watch.head, watch.whole]).toEqual([0, 0, 3, 3]);
    expect([watch.history.floor, watch.history.tip]).toEqual([0, 0]);
    expect(text(watch.snapshot(9, "abcd-9"))).not.toBe(text(before));
    watch.tick(tick(5, { totals: { version: 5, counts: { heart: 1 } } }));
    expect(text(watch.stateFrame(0, 0))).not.toBe(text(frame));
    expect(watch.likes).toBe(1);
  });

  test("that is the same one keeps the totals", () => {
    const watch = live();
    watch.tick(tick(5));
    watch.begin(state(0, { floor: 50, head: 60 }), 0, dueAt);
    expect([watch.version, watch.history.floor, watch.history.tip]).toEqual([5, 50, 50]);
  });
});

describe("a video is whole here", () => {
  test("up to the head of an answer that held all of it", () => {
    const watch = live();
    watch.adopt(state(0, { head: 7 }), 0);
    watch.adopt(state(0, { head: 9, more: true }), 0);
    expect([watch.head, watch.whole]).toEqual([9, 7]);
  });

  test("that did not fit are not taken for known, whatever was read of the log", () => {
    const watch = live();
    const held = (seq: number) => ({ ...entry(seq), holdMs: 1_000 });
    for (let seq = 1; seq <= limits.heldEntriesMax; seq++) expect(receive(watch, held(seq))).toBe("held");
    expect([receive(watch, held(limits.heldEntriesMax + 1)), watch.missed]).toEqual(["known", true]);
    watch.adopt(state(0, { head: 50_000 }), 0);
    expect(watch.whole).toBe(0);
    expect(watch.release(999, 9_999)).toBe(0);
    expect(watch.release(1_000, 9_999)).toBe(limits.heldEntriesMax);
    expect(watch.whole).toBeLessThanOrEqual(limits.heldEntriesMax);
  });
});

describe("a deletion", () => {
  const clearing = (seq: number, previous = seq - 1): Entry => ({
    ...{ type: "retract", video: v, seq, previous, target: 0 },
  });
  const seen = (watch: VideoState) => watch.history.latest(10, watch.tip).map(({ text: said }) => said);
  const cleared = (): VideoState => {
    const watch = live();
    for (const seq of [1, 2]) receive(watch, entry(seq));
    expect(receive(watch, clearing(5))).toBe("cleared");
    return watch;
  };

  test("begins the history anew behind it, whatever before it never came", () => {
    const watch = cleared();
    expect([watch.clearedAt, watch.tip, watch.history.floor, watch.phase]).toEqual([5, 5, 5, "live"]);
    expect(seen(watch)).toEqual([]);
    expect(receive(watch, entry(4))).toBe("known");
    expect(receive(watch, clearing(5))).toBe("known");
    expect(receive(watch, entry(6))).toBe("appended");
    expect(seen(watch)).toEqual(["t6"]);
  });

  test("takes with it what was held, and that it was over", () => {
    const watch = live();
    Object.assign(watch.over, { byRules: true, byLog: true });
    receive(watch, { ...entry(1), holdMs: 10_000 });
    expect(watch.held.first).toBe(1);
    receive(watch, clearing(2));
    expect([watch.held.first, watch.over.now]).toEqual([undefined, false]);
    expect(watch.release(20_000, 10)).toBe(0);
    expect(seen(watch)).toEqual([]);
  });

  test("far beyond all that is known is asked for, and while something is asked for it waits", () => {
    const far = live();
    expect(receive(far, clearing(limits.leapMax + 1))).toBe("hole");
    expect([far.clearedAt, far.phase]).toEqual([0, "filling"]);
    const filling = live();
    expect(receive(filling, entry(3, 2))).toBe("hole");
    expect(receive(filling, clearing(4))).toBe("known");
    expect(filling.clearedAt).toBe(0);
    expect(filling.takeWaiting().map(({ seq }) => seq)).toEqual([3, 4]);
  });

  test("in a page that a history begins from is known from there on; not in the next log", () => {
    const watch = new VideoState(v, 100, 500);
    watch.begin(state(0, { entries: [clearing(3), entry(4)], floor: 2, head: 4 }), 0, dueAt);
    expect([watch.clearedAt, watch.history.floor, seen(watch)]).toEqual([3, 3, ["t4"]]);
    watch.begin(state(0, { entries: [entry(1)], head: 1 }, "other"), 0, dueAt);
    expect([watch.clearedAt, seen(watch)]).toEqual([0, ["t1"]]);
  });
});
