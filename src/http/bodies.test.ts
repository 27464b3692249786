/** Bodies on their way: how many bytes at once, of whom, and how long. */
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { VirtualClock } from "../base/clock.ts";
import { limits } from "../core/limits.ts";
import { fakeDoors, posted } from "../system/fake-doors.ts";
import { payerAt } from "../trust/payer.ts";
import { Bodies, late } from "./bodies.ts";
import { createServer } from "./server.ts";

/** A body of `payer` that is on its way until `end`. */
function opened(bodies: Bodies, payer: ReturnType<typeof payerAt>, bytes: number) {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  void bodies.read(payer, bytes, promise, () => {});
  return { end: (breaks = false) => (breaks ? reject(new Error("broken off")) : resolve()) };
}

const [one, two] = [payerAt("192.0.2.1"), payerAt("192.0.2.2")];

describe("bodies on their way", () => {
  test("of one caller are so many bytes at once, of others as before, and of all so many", async () => {
    const bodies = new Bodies(new VirtualClock());
    const size = limits.batchBodyBytesMax;
    const of = (payer: typeof one) => bodies.refuses(payer, size) ?? opened(bodies, payer, size);
    const rooms = Array.from({ length: limits.bodiesOfOneBytesMax / size }, () => of(one));
    expect(of(one)).toMatchObject({ rejected: "work-rate" });
    expect(of(two)).toHaveProperty("end");
    const [first] = rooms;
    if (first && "end" in first) first.end();
    await Promise.resolve();
    expect(of(one)).toHaveProperty("end");
    while (!("rejected" in of(undefined)));
    expect(of(undefined)).toMatchObject({ rejected: "busy", retryAfterS: 1 });
    expect(bodies.bytes).toBeLessThanOrEqual(limits.bodiesBytesMax);
  });

  test("are counted right, whoever sends and ends how many in which order", async () => {
    const step = fc.record({
      who: fc.constantFrom(one, two, undefined),
      bytes: fc.integer({ min: 0, max: limits.batchBodyBytesMax }),
      ends: fc.option(fc.nat(20)),
      breaks: fc.boolean(),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 100 }), async (steps) => {
        const bodies = new Bodies(new VirtualClock());
        const open: { who: typeof one; bytes: number; end: (breaks?: boolean) => void }[] = [];
        for (const { who, bytes, ends, breaks } of steps) {
          if (!bodies.refuses(who, bytes)) open.push({ who, bytes, ...opened(bodies, who, bytes) });
          const [ended] = ends === null ? [] : open.splice(ends % Math.max(1, open.length), 1);
          ended?.end(breaks);
          await Promise.resolve();
          expect(bodies.bytes).toBe(open.reduce((sum, each) => sum + each.bytes, 0));
          for (const payer of [one, two]) {
            const own = open.filter((each) => each.who === payer).reduce((sum, each) => sum + each.bytes, 0);
            expect(own).toBeLessThanOrEqual(limits.bodiesOfOneBytesMax);
          }
        }
        for (const each of open) each.end();
        await Promise.resolve();
        expect(bodies.bytes).toBe(0);
      }),
    );
  });

  test("are late after their time, and only those", async () => {
    const clock = new VirtualClock();
    const bodies = new Bodies(clock);
    const read = (reading: Promise<string>) => bodies.read(undefined, 1, reading, (what) => what);
    const gone = read(new Promise<string>(() => {}));
    clock.advance(limits.bodyMs / 2);
    const { promise, resolve } = Promise.withResolvers<string>();
    const second = read(promise);
    clock.advance(limits.bodyMs / 2 + 500);
    expect(await gone).toBe(late);
    resolve("here");
    expect(await second).toBe("here");
    expect(await read(Promise.reject(new Error("gone")))).toBeUndefined();
    expect(bodies.bytes).toBe(0);
    clock.advance(1_000);
    // Nothing is looked at while nothing is read.
    expect(clock.next()).toBeUndefined();
  });

  test("that were late and come after all are neither used nor given back again", async () => {
    const clock = new VirtualClock();
    const bodies = new Bodies(clock);
    const { promise, resolve } = Promise.withResolvers<string>();
    const used: unknown[] = [];
    void bodies.read(one, 7, promise, (what) => used.push(what));
    clock.advance(limits.bodyMs + 500);
    void bodies.read(one, 5, new Promise(() => {}), () => {});
    resolve("here");
    await promise;
    expect([used, bodies.bytes]).toEqual([[late], 5]);
  });

  test("that drip are answered 408 and their room is given back", async () => {
    const { doors, asked } = fakeDoors();
    const clock = doors.clock as VirtualClock;
    const body = new ReadableStream<Uint8Array>({ pull: () => new Promise<void>(() => {}) });
    const { path, ...init } = posted("/v1/videos/v/likes", "");
    const request = new Request(`http://localhost${path}`, { ...init, body, duplex: "half" } as RequestInit);
    const answer = createServer(doors).fetch(request);
    await clock.run(1);
    expect(doors.bodies.bytes).toBe(limits.bodyBytesMax);
    await clock.run(limits.bodyMs + 500, 500);
    const { status, headers } = await answer;
    expect([status, headers.get("connection"), doors.bodies.bytes]).toEqual([408, "close", 0]);
    expect(asked.likes).toEqual([]);
  });
});
