import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { later, VirtualClock } from "../base/clock.ts";
import { BusUnavailable, type Table } from "../bus/bus.ts";
import type { VideoId } from "../core/interaction.ts";
import { limits } from "../core/limits.ts";
import { v, w } from "../frontend/frontend-kit.ts";
import { History } from "./history.ts";
import { Interest } from "./interest.ts";
import type { VideoState } from "./state.ts";

function bench() {
  const clock = new VirtualClock();
  const rows = new Map<string, string>();
  const story: string[] = [];
  const table = { away: false, writes: 0 };
  const change = async (apply: () => void) => {
    table.writes++;
    if (table.away) throw new BusUnavailable("away");
    apply();
  };
  const routes: Table = {
    put: (key, value) => change(() => rows.set(key, value)),
    remove: (key) => change(() => rows.delete(key)),
    watch: () => ({ end: () => {} }),
  };
  const interest = new Interest({
    ...{ clock, routes, node: "f1", incarnation: "one", commentHistory: 10 },
    began: (watch) => story.push(`began ${watch.video}`),
    ended: (watch) => story.push(`ended ${watch.video}`),
  });
  const rest = (ms: number) => clock.run(ms, 100);
  return { clock, rows, table, interest, rest, told: () => story.splice(0) };
}

const words = { text: "t", user: undefined, atMs: 0 };

/** Somebody has liked it. */
function like(watch: VideoState): VideoState {
  const times = { atMs: 0, durableMs: 0, tickedMs: 0 };
  const totals = { version: 1, counts: { heart: 1 } };
  watch.tick({ video: watch.video, region: "r", log: "epoch", totals, ...times, by: [] });
  return watch;
}

describe("interest", () => {
  test("is one row and one watch per video, however many hold it", async () => {
    const { interest, rows, table, told, rest } = bench();
    const held = Array.from({ length: 50 }, () => interest.hold(v));
    expect(new Set(held).size).toBe(1);
    await rest(100);
    expect([...rows]).toEqual([["v.f1", "one"]]);
    expect([table.writes, told(), interest.size]).toEqual([1, ["began v"], 1]);
    for (const watch of held.slice(1)) interest.release(watch);
    await rest(limits.lingerMs * 2);
    expect(told()).toEqual([]);
  });

  test("lingers after the last, so that flocks cost nothing", async () => {
    const { interest, rows, table, told, rest } = bench();
    like(interest.hold(v));
    interest.release(interest.find(v) as VideoState);
    for (let i = 0; i < 20; i++) {
      const watch = interest.hold(v);
      await rest(1_000);
      interest.release(watch);
      await rest(limits.lingerMs - 2_000);
    }
    expect([table.writes, told()]).toEqual([1, ["began v"]]);
    await rest(4_000);
    expect([rows.size, interest.size, told()]).toEqual([0, 0, ["ended v"]]);
  });

  test("in what only one viewer says there is ends with that viewer", async () => {
    const { interest, rows, told, rest } = bench();
    for (let i = 0; i < 100; i++) interest.release(interest.hold(`made-up-${i}` as VideoId));
    await rest(100);
    expect([interest.size, rows.size]).toEqual([0, 0]);
    told();
    // Two at once, a like, a comment, somebody elsewhere: each says that there is such a video.
    const two = interest.hold("two" as VideoId);
    interest.hold("two" as VideoId);
    const said = interest.hold("said" as VideoId);
    said.history = new History(said.lineage, 10, 0, 0);
    said.history.append({ type: "comment", video: said.video, seq: 1, previous: 0, ...words });
    const elsewhere = interest.hold("elsewhere" as VideoId);
    elsewhere.shownViewers = 2;
    for (const watch of [two, two, said, elsewhere, like(interest.hold(v))]) interest.release(watch);
    await rest(limits.lingerMs - 2_000);
    expect([interest.size, told().filter((what) => what.startsWith("ended"))]).toEqual([4, []]);
    await rest(4_000);
    expect([interest.size, rows.size]).toEqual([0, 0]);
  });

  test("goes on with one who comes before a watch of nobody has ended", async () => {
    const { interest, rows, told, rest } = bench();
    interest.release(interest.hold(v));
    const watch = interest.hold(v);
    await rest(1_000);
    expect([interest.find(v) === watch, rows.size, told()]).toEqual([true, 1, ["began v"]]);
  });

  test("stays with whoever comes back before it is over", async () => {
    const { interest, table, told, rest } = bench();
    interest.release(like(interest.hold(v)));
    await rest(limits.lingerMs / 2);
    const watch = interest.hold(v);
    await rest(limits.lingerMs * 2);
    expect([interest.find(v) === watch, table.writes, told()]).toEqual([true, 1, ["began v"]]);
  });

  test("is written again until the table has it, and so is its end", async () => {
    const { interest, rows, table, told, rest } = bench();
    table.away = true;
    const watch = interest.hold(v);
    await rest(5_000);
    expect(table.writes).toBeGreaterThan(3);
    table.away = false;
    await rest(2_000);
    expect(rows.size).toBe(1);
    table.away = true;
    interest.release(watch);
    await rest(limits.lingerMs + 3_000);
    expect(told()).toEqual(["began v", "ended v"]);
    table.away = false;
    await rest(2_000);
    expect(rows.size).toBe(0);
    const { writes } = table;
    await rest(10_000);
    expect(table.writes).toBe(writes);
  });

  test("is written anew when the table may have lost it", async () => {
    const { interest, rows, rest } = bench();
    interest.hold(v);
    interest.hold(w);
    await rest(10);
    rows.clear();
    interest.rewrite();
    await rest(10);
    expect([...rows.keys()]).toEqual(["v.f1", "w.f1"]);
  });

  test("is written anew after a stop so long that its lease has ended", async () => {
    const { clock, interest, rows, rest } = bench();
    interest.hold(v);
    await rest(2_000);
    rows.clear();
    await rest(20_000);
    expect(rows.size).toBe(0);
    // A process that was stopped finds its timers due all at once.
    clock.after(10, () => clock.advance(0));
    const stopped = clock.elapsed.bind(clock);
    clock.elapsed = () => later(stopped(), limits.leaseMs + 1_000);
    await rest(1_000);
    expect([...rows.keys()]).toEqual(["v.f1"]);
    rows.clear();
    await rest(2 * limits.requestMs + 100);
    expect([...rows.keys()]).toEqual(["v.f1"]);
  });

  test("that is closed takes its rows back and leaves no timer", async () => {
    const { clock, interest, rows, told, rest } = bench();
    interest.release(interest.hold(v));
    interest.hold(w);
    await rest(10);
    await interest.close();
    expect([rows.size, interest.size, told()]).toEqual([0, 0, ["began v", "began w", "ended v", "ended w"]]);
    expect(clock.next()).toBeUndefined();
  });

  test("is in the table just as long as it is held and a while longer, whatever happens", async () => {
    const step = fc.record({
      do: fc.constantFrom("hold", "release", "away", "back"),
      video: fc.constantFrom<VideoId>(v, w),
      gapMs: fc.integer({ min: 0, max: 9_000 }),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 30 }), async (steps) => {
        const { interest, rows, table, rest } = bench();
        const held = new Map<VideoId, VideoState[]>([
          [v, []],
          [w, []],
        ]);
        for (const { do: what, video, gapMs } of steps) {
          const watches = held.get(video) as VideoState[];
          if (what === "hold") watches.push(interest.hold(video));
          else if (what === "release" && watches.length > 0) interest.release(watches.pop() as VideoState);
          else table.away = what === "away" || (what !== "back" && table.away);
          await rest(gapMs);
          for (const [each, list] of held)
            if (list.length > 0) expect(interest.find(each)).toBe(list[0] as VideoState);
        }
        table.away = false;
        await rest(2_000);
        for (const [each, list] of held) if (list.length > 0) expect(rows.has(`${each}.f1`)).toBe(true);
        for (const watches of held.values()) for (const watch of watches) interest.release(watch);
        await rest(limits.lingerMs + 3_000);
        expect([rows.size, interest.size]).toEqual([0, 0]);
      }),
      { numRuns: 40 },
    );
  });
});
