/** Seats: who is asked to leave when the rules change, and that nobody else waits for it. */
import { describe, expect, test } from "bun:test";
import { longAgo, VirtualClock } from "../base/clock.ts";
import type { VideoId } from "../core/interaction.ts";
import { limits } from "../core/limits.ts";
import { anybody } from "../trust/identity.ts";
import { payerAt } from "../trust/payer.ts";
import { type Seat, Seats, type Verdict } from "./seats.ts";

function hall(count: number) {
  const clock = new VirtualClock();
  const seats = new Seats(clock);
  const gone: [number, Verdict][] = [];
  const all = Array.from({ length: count }, (_, i): Seat => {
    const seat: Seat = {
      ...{ at: -1, who: anybody, address: `10.0.${i >> 8}.${i & 255}`, payer: undefined, videos: () => [] },
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
    expect(gone.map(([i]) => i).sort((a, b) => a - b)).toEqual(
      all.map((_, i) => i).filter((i) => (i & 255) === 7),
    );
    expect(new Set(gone.map(([, verdict]) => verdict))).toEqual(new Set(["banned"]));
    expect(seats.size).toBe(2_000 - gone.length);
  });

  test("looks at some hundred a turn", () => {
    const { seats } = hall(5_000);
    const turns: (() => void)[] = [];
    const slow = new Seats({ soon: (run) => turns.push(run), elapsed: () => longAgo });
    const seat = {
      at: -1,
      who: anybody,
      address: undefined,
      payer: undefined,
      videos: () => [],
      end: () => {},
    };
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
    const seats = new Seats({ soon: (run) => turns.push(run), elapsed: () => longAgo });
    const gone = new Set<number>();
    for (let i = 0; i < 1_200; i++) {
      seats.take({
        at: -1,
        who: anybody,
        address: `${i}`,
        payer: undefined,
        videos: () => [],
        end: () => void gone.add(i),
      });
    }
    seats.review(() => undefined);
    turns.shift()?.();
    seats.review((seat) => (seat.address === "3" ? "revoked" : undefined));
    // Who comes meanwhile is met too.
    seats.take({
      at: -1,
      who: anybody,
      address: "3",
      payer: undefined,
      videos: () => [],
      end: () => void gone.add(-1),
    });
    for (let run = turns.shift(); run; run = turns.shift()) run();
    expect([...gone].sort((a, b) => a - b)).toEqual([-1, 3]);
  });
});

describe("what one caller watches", () => {
  const most = limits.watchesOfOneMax;
  const many = (count: number) => Array.from({ length: count }, (_, i) => `v${i}` as VideoId);
  const sit = (seats: Seats, address: string, count: number): Seat => {
    const videos = many(count);
    const seat: Seat = {
      at: -1,
      who: anybody,
      address,
      payer: payerAt(address),
      videos: () => videos,
      end: () => {},
    };
    seats.take(seat);
    return seat;
  };

  test("is bounded, whatever was added later, by whom it counts as", () => {
    const clock = new VirtualClock();
    const seats = new Seats(clock);
    const over = (address: string, more = 1) => seats.over(payerAt(address), more)?.rejected;
    const first = sit(seats, "192.0.2.1", most - 10);
    expect([over("192.0.2.1", 10), over("192.0.2.1", 11)]).toEqual([undefined, "stream-rate"]);
    expect([over("192.0.2.2"), over("127.0.0.1", most * 2)]).toEqual([undefined, undefined]);
    (first.videos() as VideoId[]).push(...many(10));
    clock.advance(1_000);
    expect(over("192.0.2.1")).toBe("stream-rate");
    seats.leave(first);
    clock.advance(1_000);
    expect(over("192.0.2.1", most)).toBeUndefined();
  });

  test("is bounded for the networks of one site together", () => {
    const seats = new Seats(new VirtualClock());
    const at = (network: number) => `2001:db8:1:${network.toString(16)}::/64`;
    for (let network = 0; network < 4; network++) sit(seats, at(network * 256), most);
    expect(seats.over(payerAt(at(0)), 1)?.rejected).toBe("stream-rate");
    expect(seats.over(payerAt(at(5 * 256)), 1)?.rejected).toBe("stream-rate");
    expect(seats.over(payerAt("2001:db8:2:0::/64"), most)).toBeUndefined();
  });
});
