/** History against a model that keeps everything: what it has it gives whole, what it has not it says. */

import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import type { CommentEntry, Entry } from "../core/entry.ts";
import type { VideoId } from "../core/interaction.ts";
import { Lineage } from "../core/lineage.ts";
import { entryFrame } from "../core/sse.ts";
import { History } from "./history.ts";

const abcd = Lineage.begin("abcd");

const v = "v" as VideoId;
const comment = (seq: number, previous: number): CommentEntry => ({
  type: "comment",
  video: v,
  seq,
  previous,
  text: `t${seq}`,
  user: undefined,
  atMs: seq,
});
const retract = (seq: number, previous: number, target: number): Entry => ({
  type: "retract",
  video: v,
  seq,
  previous,
  target,
});
const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);

describe("history", () => {
  test("begins where it is told to, and holds what comes", () => {
    const history = new History(abcd, 10, 5, 5);
    expect([history.floor, history.tip]).toEqual([5, 5]);
    history.append(comment(7, 5));
    history.append(comment(9, 7));
    expect([history.floor, history.tip]).toEqual([5, 9]);
    expect(text(history.bytes(5, 9))).toBe(entryFrame(abcd, comment(7, 5)) + entryFrame(abcd, comment(9, 7)));
    expect(text(history.bytes(7, 9))).toBe(entryFrame(abcd, comment(9, 7)));
    expect(history.bytes(9, 9)).toHaveLength(0);
    expect(history.bytes(9, 7)).toHaveLength(0);
    expect(() => history.append(comment(9, 7))).toThrow("in order");
  });

  test("makes each frame once: the same bytes for every viewer at the same place", () => {
    const history = new History(abcd, 10, 0, 0);
    for (let seq = 1; seq <= 3; seq++) history.append(comment(seq, seq - 1));
    expect(history.bytes(0, 3)).toBe(history.bytes(0, 3));
    expect(history.bytes(2, 3)).toBe(history.bytes(2, 3));
    expect([...history.frames(0, 3)][2]?.bytes).toBe([...history.frames(1, 3)][1]?.bytes as Uint8Array);
  });

  test("forgets bytes that hold a removed comment", () => {
    const history = new History(abcd, 10, 0, 0);
    history.append(comment(1, 0));
    history.append(comment(2, 1));
    expect(text(history.bytes(0, 2))).toContain("t1");
    history.remove(1);
    expect(text(history.bytes(0, 2))).toBe(entryFrame(abcd, comment(2, 1)));
  });

  test("lets a removed comment go, and keeps its removal, whichever came first", () => {
    const history = new History(abcd, 10, 2, 2);
    history.append(comment(3, 2));
    expect(history.bytes(2, 3).length).toBeGreaterThan(0);
    history.append(retract(4, 3, 3));
    history.append(retract(5, 4, 1));
    expect(text(history.bytes(2, 4))).toBe(entryFrame(abcd, retract(4, 3, 3)));
    expect(history.latest(5, 9)).toEqual([]);
    expect(history.changes(2, 9)).toEqual({ comments: [], retracted: [3, 1] });
    history.prepend([comment(1, 0), comment(2, 1)], 0);
    expect(history.latest(5, 9).map((one) => one.text)).toEqual(["t2"]);
  });

  interface Model {
    /** All entries there ever were, and which of them are removed. */
    all: Entry[];
    removed: Set<number>;
  }
  const command = fc.oneof(
    {
      weight: 6,
      arbitrary: fc.record({ do: fc.constant("comment" as const), gap: fc.integer({ min: 1, max: 3 }) }),
    },
    { weight: 2, arbitrary: fc.record({ do: fc.constant("retract" as const), pick: fc.nat() }) },
    {
      weight: 1,
      arbitrary: fc.record({ do: fc.constant("extend" as const), by: fc.integer({ min: 0, max: 30 }) }),
    },
    {
      weight: 1,
      arbitrary: fc.record({ do: fc.constant("burst" as const), count: fc.integer({ min: 1, max: 90 }) }),
    },
  );

  test("gives everything after any place at or above its floor, whatever happened", () => {
    fc.assert(
      fc.property(
        fc.array(command, { maxLength: 40 }),
        fc.integer({ min: 1, max: 20 }),
        fc.nat(40),
        (steps, max, old) => {
          const model: Model = { all: [], removed: new Set() };
          const last = () => model.all.at(-1)?.seq ?? 0;
          for (let seq = 1; seq <= old; seq++) model.all.push(comment(seq, seq - 1));
          const history = new History(abcd, max, old, old);
          const append = (entry: Entry): void => {
            model.all.push(entry);
            history.append(entry);
          };
          for (const step of steps) {
            if (step.do === "comment") append(comment(last() + step.gap, last()));
            else if (step.do === "retract" && model.all.length > 0) {
              const { seq: target, type } = model.all[step.pick % model.all.length] as Entry;
              if (type === "comment") model.removed.add(target);
              append(retract(last() + 1, last(), target));
            } else if (step.do === "extend") {
              const floor = Math.max(0, history.floor - step.by);
              history.prepend(
                model.all.filter(({ seq }) => seq > floor),
                floor,
              );
            } else if (step.do === "burst") {
              for (let i = 0; i < step.count; i++) append(comment(last() + 1, last()));
            }
            matches(history, model);
          }
        },
      ),
      { numRuns: 300 },
    );
  });

  function matches(history: History, { all, removed }: Model): void {
    const { floor, tip } = history;
    expect(tip).toBe(all.at(-1)?.seq ?? tip);
    const held = all.filter(({ seq }) => seq > floor);
    const shown = (entry: Entry) => (removed.has(entry.seq) ? "" : entryFrame(abcd, entry));
    const middle = held[held.length >> 1]?.seq ?? floor;
    for (const after of [floor, middle, tip]) {
      for (const upTo of [middle, tip]) {
        const wanted = held.filter(({ seq }) => seq > after && seq <= upTo);
        expect(text(history.bytes(after, upTo))).toBe(wanted.map(shown).join(""));
        const frames = [...history.frames(after, upTo)];
        expect(frames.map(({ seq }) => seq)).toEqual(wanted.map(({ seq }) => seq));
        expect(frames.map(({ bytes }) => text(bytes)).join("")).toBe(wanted.map(shown).join(""));
      }
    }
    const comments = held.filter((entry) => entry.type === "comment" && !removed.has(entry.seq));
    expect(history.latest(5, tip).map(({ at }) => at)).toEqual(comments.slice(-5).map(({ seq }) => seq));
    expect(history.changes(floor, tip).comments).toHaveLength(comments.length);
  }

  test("is bounded: the oldest go first, and raise the floor", () => {
    const history = new History(abcd, 20, 0, 0);
    for (let seq = 1; seq <= 10_000; seq++) history.append(comment(seq, seq - 1));
    const held = [...history.frames(0, 10_000)].length;
    expect(held).toBeGreaterThanOrEqual(20);
    expect(held).toBeLessThanOrEqual(20 + 64);
    expect(history.floor).toBe(10_000 - held);
  });
});
