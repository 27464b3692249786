/** Everything at once, a bit at a time: bounded turns, and nothing lost that was refused. */
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { VirtualClock } from "./clock.ts";
import { Sweep } from "./sweep.ts";

const settle = () => new Promise<void>((resolve) => setImmediate(resolve));

/** A virtual clock whose turns come one by one. */
class TurnClock extends VirtualClock {
  turns: (() => void)[] = [];

  override soon(run: () => void): void {
    this.turns.push(run);
  }

  /** Runs one turn. False when none waits. */
  turn(): boolean {
    const due = this.turns.splice(0);
    for (const run of due) run();
    return due.length > 0;
  }
}

describe("a sweep", () => {
  test("does so many a turn, each once, whatever is added twice", () => {
    const clock = new TurnClock();
    const done: number[] = [];
    const sweep = new Sweep<number>({ clock, turnMax: 10, act: (one) => done.push(one) > 0 });
    sweep.addAll(Array.from({ length: 25 }, (_, i) => i));
    sweep.addAll(Array.from({ length: 25 }, (_, i) => i));
    expect(done).toEqual([]);
    const perTurn: number[] = [];
    for (let before = 0; clock.turn(); before = done.length) perTurn.push(done.length - before);
    expect(perTurn.filter((count) => count > 0)).toEqual([10, 10, 5]);
    expect(done).toEqual(Array.from({ length: 25 }, (_, i) => i));
    expect(sweep.size).toBe(0);
  });

  test("gives the loop back when what it does takes long", () => {
    const clock = new TurnClock();
    let done = 0;
    const act = (): boolean => {
      clock.advance(3);
      return ++done > 0;
    };
    const sweep = new Sweep<number>({ clock, turnMax: 1_000, act });
    sweep.addAll([1, 2, 3, 4, 5, 6]);
    clock.turn();
    expect(done).toBe(2);
    while (clock.turn());
    expect(done).toBe(6);
  });

  test("keeps what was refused, and pauses before it goes on", () => {
    const clock = new TurnClock();
    let room = 3;
    const done: number[] = [];
    const sweep = new Sweep<number>({ clock, turnMax: 10, act: (one) => room-- > 0 && done.push(one) > 0 });
    sweep.addAll([1, 2, 3, 4, 5]);
    while (clock.turn());
    expect([done, sweep.size]).toEqual([[1, 2, 3], 2]);
    clock.advance(10);
    expect(clock.turn()).toBe(false);
    room = 10;
    clock.advance(100);
    while (clock.turn());
    expect([done.toSorted(), sweep.size]).toEqual([[1, 2, 3, 4, 5], 0]);
  });

  test("has at most so many under way, and acts on one again only after it has acted on it", async () => {
    const clock = new VirtualClock();
    const ends: (() => void)[] = [];
    const begun: string[] = [];
    const act = (one: string): Promise<boolean> => {
      begun.push(one);
      return new Promise((resolve) => ends.push(() => resolve(true)));
    };
    const sweep = new Sweep<string>({ clock, turnMax: 10, underWayMax: 2, act });
    sweep.addAll(["a", "b", "c"]);
    clock.advance(0);
    sweep.add("a");
    clock.advance(0);
    expect(begun).toEqual(["a", "b"]);
    ends[1]?.();
    await settle();
    clock.advance(0);
    expect(begun).toEqual(["a", "b", "c"]);
    ends[0]?.();
    await settle();
    clock.advance(0);
    expect(begun).toEqual(["a", "b", "c", "a"]);
    const idle = sweep.idle();
    for (const end of ends) end();
    await idle;
    expect(sweep.size).toBe(0);
  });

  test("reads very many turn by turn, as they are by then, and once more from the start", () => {
    const clock = new TurnClock();
    const there = new Map(Array.from({ length: 100 }, (_, i) => [i, true]));
    let read = 0;
    const all = {
      *[Symbol.iterator]() {
        for (const key of there.keys()) {
          read++;
          yield key;
        }
      },
    };
    const done: number[] = [];
    let room = 45;
    const sweep = new Sweep<number>({ clock, turnMax: 10, act: (one) => room-- > 0 && done.push(one) > 0 });
    sweep.each(all);
    clock.turn();
    expect([read, done.length]).toEqual([10, 10]);
    clock.turn();
    sweep.each(all);
    there.delete(50);
    there.set(100, true);
    while (clock.turn());
    expect(done).toEqual([...Array(20).keys(), ...Array(25).keys()]);
    room = 1_000;
    clock.advance(50);
    while (clock.turn());
    expect(new Set(done)).toEqual(new Set(there.keys()));
    expect(sweep.size).toBe(0);
  });

  test("ends up having acted on the last word about each, whatever is refused", async () => {
    const step = fc.record({ one: fc.nat(5), word: fc.nat(1_000), gapMs: fc.nat(80), refuse: fc.boolean() });
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 40, size: "max" }), async (steps) => {
        const clock = new VirtualClock();
        const words = new Map<number, number>();
        const told = new Map<number, number>();
        let refuse = false;
        const act = async (one: number): Promise<boolean> => {
          const word = words.get(one) ?? 0;
          await new Promise<void>((resolve) => clock.after(30, resolve));
          if (refuse) return false;
          told.set(one, word);
          return true;
        };
        const sweep = new Sweep<number>({ clock, turnMax: 3, underWayMax: 2, act });
        for (const { one, word, gapMs, refuse: now } of steps) {
          refuse = now;
          words.set(one, word);
          sweep.add(one);
          await clock.run(gapMs, 10);
        }
        refuse = false;
        await clock.run(1_000, 10);
        expect([sweep.size, told]).toEqual([0, words]);
      }),
      { numRuns: 50 },
    );
  });

  test("that is closed does nothing more, and nobody waits for it", async () => {
    const clock = new VirtualClock();
    let acted = 0;
    const sweep = new Sweep<number>({ clock, turnMax: 1, act: () => ++acted > 9 });
    sweep.addAll([1, 2]);
    clock.advance(0);
    const idle = sweep.idle();
    sweep.close();
    await idle;
    clock.advance(1_000);
    expect([acted, clock.next()]).toEqual([1, undefined]);
  });
});
