import { describe, expect, test } from "bun:test";
import { VirtualClock } from "../base/clock.ts";
import { memoryHub } from "../bus/memory.ts";
import { limits } from "../core/limits.ts";
import { decodeViewers, encodeJson, subjects, type ViewerCount } from "../core/wire.ts";
import { v } from "../frontend/frontend-kit.ts";
import { Counts } from "./counts.ts";
import { VideoState } from "./state.ts";

function bench() {
  const clock = new VirtualClock();
  const hub = memoryHub({ clock });
  const wire = hub.connect();
  const told: (ViewerCount | undefined)[] = [];
  wire.subscribe(subjects.allViewers, (payload) => told.push(decodeViewers(payload)));
  const node = (name: string) => {
    const bus = hub.connect();
    const shown: number[] = [];
    const changed = (watch: VideoState) => shown.push(watch.shownViewers);
    const counts = new Counts({ bus, clock, node: name, incarnation: "one", changed });
    const watch = new VideoState(v, 10, 0);
    counts.follow(watch);
    return { bus, counts, watch, shown };
  };
  const numbers = () => told.splice(0).map((count) => count?.viewers);
  return { clock, wire, node, numbers };
}

describe("viewer counts", () => {
  test("are told at once after quiet, then at most once a second, to others and to viewers", () => {
    const { clock, node, numbers } = bench();
    const { counts, watch, shown } = node("f1");
    for (let i = 0; i < 500; i++) {
      counts.moved(watch, 1);
      clock.advance(10);
    }
    expect(watch.viewers).toBe(500);
    expect(shown.length).toBeGreaterThanOrEqual(5);
    expect(shown.length).toBeLessThanOrEqual(6);
    expect(numbers().length).toBeLessThanOrEqual(6);
    expect(shown[0]).toBe(1);
    clock.advance(1_200);
    expect(shown.at(-1)).toBe(500);
  });

  test("are the sum over nodes, and one's own are not counted twice", () => {
    const { clock, node } = bench();
    const [a, b] = [node("f1"), node("f2")];
    a.counts.moved(a.watch, 1);
    b.counts.moved(b.watch, 1);
    b.counts.moved(b.watch, 1);
    clock.advance(2_500);
    expect([a.watch.shownViewers, b.watch.shownViewers]).toEqual([3, 3]);
    b.counts.moved(b.watch, -1);
    clock.advance(2_500);
    expect([a.watch.shownViewers, b.watch.shownViewers]).toEqual([2, 2]);
  });

  test("are repeated, so that a late or deaf node learns them, and forgotten when they are not", () => {
    const { clock, node, numbers } = bench();
    const a = node("f1");
    a.counts.moved(a.watch, 1);
    clock.advance(1);
    numbers();
    const b = node("f2");
    b.counts.moved(b.watch, 1);
    clock.advance(limits.viewersRepeatMs + 1_000);
    expect(b.watch.shownViewers).toBe(2);
    a.bus.cut();
    clock.advance(limits.viewersExpireMs + limits.viewersRepeatMs + 1_000);
    expect(b.watch.shownViewers).toBe(1);
    a.bus.heal();
    clock.advance(limits.viewersRepeatMs + 1_000);
    expect([a.watch.shownViewers, b.watch.shownViewers]).toEqual([2, 2]);
  });

  test("of a video that is let go become zero for the others at once", () => {
    const { clock, node, numbers } = bench();
    const { counts, watch } = node("f1");
    counts.moved(watch, 1);
    clock.advance(100);
    counts.unfollow(watch);
    expect(numbers()).toEqual([1, 0]);
    clock.advance(60_000);
    expect(numbers()).toEqual([]);
  });

  test("that nobody could have sent are ignored", () => {
    const { clock, wire, node } = bench();
    const { watch, shown } = node("f1");
    for (const viewers of [-1, 1.5, "9", null]) {
      wire.publish(subjects.viewers(v), encodeJson({ node: "f9", incarnation: "one", viewers }));
    }
    clock.advance(2_000);
    expect([watch.shownViewers, shown]).toEqual([0, []]);
  });

  test("leave no timer when closed, and say that nobody is here", () => {
    const { clock, node, numbers } = bench();
    const { counts, watch } = node("f1");
    counts.moved(watch, 1);
    counts.close();
    clock.advance(20_000);
    expect(numbers()).toEqual([1, 0]);
    expect(clock.next()).toBeUndefined();
  });
});
