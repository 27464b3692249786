/** The wheel of streams that end: each in its time, never before, however many, and nothing left behind. */
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { VirtualClock } from "../base/clock.ts";
import { Connection } from "../fanout/connection.ts";
import { Expiry } from "./expiry.ts";

function setUp() {
  const clock = new VirtualClock(1_700_000_000_123);
  const ended: [Connection, number][] = [];
  const expiry = new Expiry(clock, (connection) => {
    ended.push([connection, clock.date()]);
    expiry.left(connection);
  });
  const connection = () => new Connection({ ended: () => {} }, 15_000, clock.elapsed());
  return { clock, expiry, ended, connection };
}

describe("expiry", () => {
  test("end each stream within a second after its time, and not before", () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: -2_000, max: 200_000 }), { maxLength: 50 }), (offsets) => {
        const { clock, expiry, ended, connection } = setUp();
        const until = new Map(offsets.map((offset) => [connection(), clock.date() + offset]));
        for (const [one, untilMs] of until) expiry.until(one, untilMs);
        const start = clock.date();
        clock.advance(203_000);
        expect(ended.length).toBe(offsets.length);
        for (const [one, atMs] of ended) {
          const dueMs = Math.max(start, until.get(one) ?? 0);
          expect(atMs).toBeGreaterThanOrEqual(dueMs);
          expect(atMs - dueMs).toBeLessThanOrEqual(1_000);
        }
      }),
      { numRuns: 50 },
    );
  });

  test("can be shortened and not lengthened", () => {
    const { clock, expiry, ended, connection } = setUp();
    const one = connection();
    expiry.until(one, clock.date() + 60_000);
    expiry.until(one, clock.date() + 90_000);
    expiry.until(one, clock.date() + 5_000);
    clock.advance(6_000);
    expect(ended.length).toBe(1);
    const free = connection();
    expiry.until(free, clock.date() + 1_000);
    clock.advance(2_000);
    expect(ended.length).toBe(2);
  });

  test("a stream that left ends no more", () => {
    const { clock, expiry, ended, connection } = setUp();
    const one = connection();
    expiry.until(one, clock.date() + 1_000);
    expiry.left(one);
    expiry.left(one);
    clock.advance(10_000);
    expect(ended.length).toBe(0);
  });

  test("is by the wall for a permission, and by time that passed for age", () => {
    const { clock, expiry, ended, connection } = setUp();
    const [permitted, old] = [connection(), connection()];
    expiry.until(permitted, clock.date() + 60_000);
    expiry.age(old, 60_000);
    clock.setWall(-3_600_000);
    clock.advance(61_000);
    expect(ended.map(([one]) => one)).toEqual([old]);
    const another = connection();
    expiry.age(another, 60_000);
    clock.setWall(7_200_000);
    clock.advance(1_000);
    expect(ended.map(([one]) => one)).toEqual([old, permitted]);
    clock.advance(60_000);
    expect(ended.map(([one]) => one)).toEqual([old, permitted, another]);
  });

  test("of ten thousand at once keeps no turn for all of them", () => {
    const { clock, expiry, ended, connection } = setUp();
    let turns = 0;
    const soon = clock.soon.bind(clock);
    clock.soon = (run) => {
      turns++;
      soon(run);
    };
    const untilMs = clock.date() + 5_000;
    for (let i = 0; i < 10_000; i++) expiry.until(connection(), untilMs);
    clock.advance(6_000);
    expect(ended.length).toBe(10_000);
    expect(turns).toBeGreaterThan(50);
  });

  test("a process that slept ends those whose time went by", () => {
    const { clock, expiry, ended, connection } = setUp();
    expiry.until(connection(), clock.date() + 86_400_000);
    clock.advance(90_000_000);
    expect(ended.length).toBe(1);
  });
});
