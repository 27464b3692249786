/** Seats: who is asked to leave when the rules change, and that nobody else waits for it. */
import { describe, expect, test } from "bun:test";
import { VirtualClock } from "../base/clock.ts";
import { anybody } from "../trust/identity.ts";
import { type Seat, Seats, type Verdict } from "./seats.ts";

function hall(count: number) {
  const clock = new VirtualClock();
  const seats = new Seats(clock);
  const gone: [number, Verdict][] = [];
  const all = Array.from({ length: count }, (_, i): Seat => {
    const seat: Seat = {
      ...{ who: anybody, address: `10.0.${i >> 8}.${i & 255}`, videos: () => [] },
      end: (verdict) => {
        gone.push([i, verdict]);
        seats.leave(seat);
      },
    };
    seats.take(seat);
    return seat;
  });
  return { clock, seats, gone, all };
}

describe("a review of all seats", () => {
  test("ends those who would not be let in any more, and no others", () => {
    const { clock, seats, gone, all } = hall(2_000);
    seats.review((seat) => (seat.address?.endsWith(".7") ? "banned" : undefined));
    expect(gone).toEqual([]);
    clock.advance(0);
    expect(gone.map(([i]) => i)).toEqual(all.map((_, i) => i).filter((i) => (i & 255) === 7));
    expect(new Set(gone.map(([, verdict]) => verdict))).toEqual(new Set(["banned"]));
    expect(seats.size).toBe(2_000 - gone.length);
  });

  test("looks at some hundred a turn", () => {
    const { seats } = hall(5_000);
    const turns: (() => void)[] = [];
    const slow = new Seats({ soon: (run) => turns.push(run) });
    const seat = { who: anybody, address: undefined, videos: () => [], end: () => {} };
    for (let i = 0; i < 5_000; i++) slow.take({ ...seat });
    let looked = 0;
    let most = 0;
    slow.review(() => {
      looked++;
      return undefined;
    });
    for (let run = turns.shift(); run; run = turns.shift()) {
      const before = looked;
      run();
      most = Math.max(most, looked - before);
    }
    expect([looked, most]).toEqual([5_000, 500]);
    expect(seats.size).toBe(5_000);
  });

  test("that is asked for during another is made too, from the beginning, by the newest rule", () => {
    const turns: (() => void)[] = [];
    const seats = new Seats({ soon: (run) => turns.push(run) });
    const gone = new Set<number>();
    for (let i = 0; i < 1_200; i++) {
      seats.take({ who: anybody, address: `${i}`, videos: () => [], end: () => void gone.add(i) });
    }
    seats.review(() => undefined);
    turns.shift()?.();
    seats.review((seat) => (seat.address === "3" ? "revoked" : undefined));
    // Who comes meanwhile is met too.
    seats.take({ who: anybody, address: "3", videos: () => [], end: () => void gone.add(-1) });
    for (let run = turns.shift(); run; run = turns.shift()) run();
    expect([...gone].sort((a, b) => a - b)).toEqual([-1, 3]);
  });
});
