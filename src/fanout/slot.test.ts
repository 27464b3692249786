/** Walks: whoever comes and goes meanwhile, nobody is skipped and nobody is served twice. */
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { v } from "../frontend/frontend-kit.ts";
import { VideoState } from "../video/state.ts";
import { Round } from "./round.ts";
import { Slot, type Viewer } from "./slot.ts";

/** A slot stores viewers and never looks at them. */
const viewer = (name: number) => ({ name }) as unknown as Viewer & { name: number };

const step = fc.oneof(
  { weight: 4, arbitrary: fc.record({ do: fc.constant("join" as const) }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constant("leave" as const), pick: fc.nat() }) },
  { weight: 6, arbitrary: fc.record({ do: fc.constant("step" as const), walk: fc.nat(1) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("begin" as const), walk: fc.nat(1) }) },
);

interface Walk {
  readonly end: number;
  position: number;
  readonly meant: Set<number>;
  readonly served: number[];
}

describe("a slot", () => {
  test("is walked by two at a time, past leavers and joiners, each exactly once", () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 120 }), (steps) => {
        const slot = new Slot(new VideoState(v, 10, 0));
        const here = new Map<number, Viewer>();
        const walks: (Walk | undefined)[] = [undefined, undefined];
        let names = 0;
        const finish = (index: number): void => {
          const walk = walks[index] as Walk;
          walks[index] = undefined;
          slot.endWalk();
          expect(walk.served.toSorted((a, b) => a - b)).toEqual([...walk.meant].sort((a, b) => a - b));
        };
        const advance = (index: number): void => {
          const walk = walks[index];
          if (!walk) return;
          const met = slot.viewers[walk.position++] as (Viewer & { name: number }) | undefined;
          if (met) walk.served.push(met.name);
          if (walk.position >= walk.end) finish(index);
        };
        for (const one of steps) {
          if (one.do === "join") {
            here.set(names, viewer(names));
            slot.add(here.get(names++) as Viewer);
          } else if (one.do === "leave") {
            const name = [...here.keys()][one.pick % Math.max(1, here.size)];
            if (name === undefined) continue;
            expect(slot.remove(here.get(name) as Viewer)).toBe(true);
            here.delete(name);
            for (const walk of walks) {
              if (walk && !walk.served.includes(name)) walk.meant.delete(name);
            }
          } else if (one.do === "begin" && !walks[one.walk] && here.size > 0) {
            walks[one.walk] = {
              end: slot.viewers.length,
              position: 0,
              meant: new Set(here.keys()),
              served: [],
            };
            slot.beginWalk();
          } else if (one.do === "step") advance(one.walk);
          expect(slot.count).toBe(here.size);
        }
        for (const index of [0, 1]) while (walks[index]) advance(index);
        // With no walk under way there are no holes left.
        expect(new Set(slot.viewers)).toEqual(new Set(here.values()));
        expect(slot.viewers).toHaveLength(here.size);
        for (const one of here.values()) slot.remove(one);
        expect(slot.count).toBe(0);
      }),
      { numRuns: 500 },
    );
  });

  test("tells a stranger from a viewer", () => {
    const slot = new Slot(new VideoState(v, 10, 0));
    expect(slot.remove(viewer(1))).toBe(false);
    expect(slot.count).toBe(0);
  });

  test("knows whom the pass under way has not come to", () => {
    const slot = new Slot(new VideoState(v, 10, 0));
    const [early, late, joiner] = [viewer(1), viewer(2), viewer(3)];
    slot.add(early);
    slot.add(late);
    expect(slot.passAwaits(late)).toBe(false);
    const bytes = new Uint8Array(1);
    const shown = { version: 1, viewersVersion: 0, likes: 0, oldestMs: 0 };
    slot.pass = { bytes, ...shown, end: 2, position: 1, round: undefined };
    slot.add(joiner);
    expect([early, late, joiner].map((one) => slot.passAwaits(one))).toEqual([false, true, false]);
  });

  test("knows whom a round has not come to", () => {
    const slot = new Slot(new VideoState(v, 10, 0));
    const [early, late, joiner] = [1, 2, 3].map((order) => ({ order }) as Viewer) as [Viewer, Viewer, Viewer];
    slot.add(early);
    slot.add(late);
    const round = new Round([slot], [].values(), 2);
    const shown = { version: 1, viewersVersion: 0, likes: 0 };
    slot.pass = { bytes: new Uint8Array(1), ...shown, end: 2, position: 0, round };
    slot.add(joiner);
    round.reached = 1;
    expect([early, late, joiner].map((one) => slot.passAwaits(one))).toEqual([false, true, false]);
    // Came back during the round, and was shown the newest state then.
    slot.remove(late);
    slot.add(late);
    expect(slot.passAwaits(late)).toBe(false);
  });
});
