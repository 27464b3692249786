/** The memory bus: the suite of every bus, and what only a network in one process can show. */
import { describe, expect, test } from "bun:test";
import { VirtualClock } from "../base/clock.ts";
import { seededPrng } from "../base/prng.ts";
import { BusUnavailable } from "./bus.ts";
import { describeBus } from "./contract.ts";
import { type MemoryBus, memoryBus, memoryHub } from "./memory.ts";

const one = new Uint8Array([1]);

describeBus("memory bus", async () => {
  const clock = new VirtualClock();
  const hub = memoryHub({ clock });
  const members: MemoryBus[] = [];
  return {
    leaseMs: 3_000,
    async connect() {
      const member = hub.connect();
      members.push(member);
      return member;
    },
    settle: () => clock.run(1),
    pass: (ms) => clock.run(ms, 10),
    async until(true_) {
      for (let waited = 0; !true_(); waited += 10) {
        if (waited > 60_000) throw new Error("it never became true");
        await clock.run(10, 10);
      }
    },
    async close() {
      for (const member of members) await member.close();
    },
  };
});

describe("a hub", () => {
  test("a member that is cut off refuses, hears nothing, and is passed over", async () => {
    const clock = new VirtualClock();
    const hub = memoryHub({ clock });
    const [a, b, c] = [hub.connect(), hub.connect(), hub.connect()];
    const story: string[] = [];
    a.onConnected((connected) => story.push(`connected ${connected}`));
    a.subscribe("v", () => story.push("a"));
    b.subscribe("v", () => story.push("b"));
    a.serve("s", () => one);
    b.serve("s", () => new Uint8Array([2]));
    const asked = a.request("silent", one, 1000).catch((error) => error);
    a.cut();
    a.cut();
    expect(await asked).toBeInstanceOf(BusUnavailable);
    expect(a.publish("v", one)).toBe(false);
    expect(a.refused).toBe(1);
    c.publish("v", one);
    expect(await a.request("s", one, 1000).catch((error) => error)).toBeInstanceOf(BusUnavailable);
    for (let i = 0; i < 4; i++) expect((await c.request("s", one, 1000))[0]).toBe(2);
    a.heal();
    c.publish("v", one);
    expect(story).toEqual(["connected false", "b", "connected true", "a", "b"]);
  });

  test("a request under way fails when the asker is cut off, and in time when the server is", async () => {
    const clock = new VirtualClock();
    const hub = memoryHub({ clock });
    const [a, b] = [hub.connect(), hub.connect()];
    b.serve("silent", () => new Promise(() => {}));
    const story: string[] = [];
    const ask = (): Promise<unknown> =>
      a.request("silent", one, 100).catch((error: BusUnavailable) => story.push(error.message));
    const first = ask();
    a.cut();
    await first;
    a.heal();
    const second = ask();
    b.cut();
    clock.advance(100);
    await second;
    expect(story).toEqual(["cut off", "no answer in time"]);
  });

  test("a healed watch is told what went and what came meanwhile, once", async () => {
    const clock = new VirtualClock();
    const hub = memoryHub({ clock });
    const [a, b] = [hub.connect(), hub.connect()];
    const [ta, tb] = [await a.table("t", { leaseMs: 1000 }), await b.table("t", { leaseMs: 1000 })];
    const story: string[] = [];
    await tb.put("stays", "1");
    await tb.put("goes", "1");
    await tb.put("changes", "1");
    ta.watch(
      (key, value) => story.push(`${key}=${value}`),
      () => story.push("synced"),
    );
    a.cut();
    await tb.remove("goes");
    await tb.put("changes", "2");
    await tb.put("comes", "1");
    expect(await ta.put("x", "1").catch((error) => error)).toBeInstanceOf(BusUnavailable);
    a.heal();
    expect(story.splice(0, 4)).toEqual(["stays=1", "goes=1", "changes=1", "synced"]);
    expect(story.sort()).toEqual(["changes=2", "comes=1", "goes=undefined", "synced"]);
  });

  test("rows run out at a watch that cannot hear of renewals", async () => {
    const clock = new VirtualClock();
    const hub = memoryHub({ clock });
    const [a, b] = [hub.connect(), hub.connect()];
    const [ta, tb] = [await a.table("t", { leaseMs: 1000 }), await b.table("t", { leaseMs: 1000 })];
    const story: string[] = [];
    await tb.put("k", "1");
    ta.watch((key, value) => story.push(`${key}=${value}`));
    a.cut();
    clock.advance(900);
    await tb.put("k", "1");
    clock.advance(200);
    a.heal();
    expect(story).toEqual(["k=1", "k=undefined", "k=1"]);
  });

  test("a receiver that throws is reported after the others got the message", () => {
    const bus = memoryBus({ clock: new VirtualClock() });
    const got: string[] = [];
    bus.subscribe("v", () => {
      throw new Error("bug");
    });
    bus.subscribe("v", () => got.push("exact"));
    bus.subscribe("v", () => got.push("second"));
    expect(() => bus.publish("v", one)).toThrow("bug");
    expect(got).toEqual(["exact", "second"]);
  });

  test("faults drop, repeat and reorder, the same way for the same seed", () => {
    const run = (seed: number): string => {
      const clock = new VirtualClock();
      const hub = memoryHub({
        clock,
        faults: { prng: seededPrng(seed), drop: 0.2, duplicate: 0.2, delayMaxMs: 50 },
      });
      const [a, b] = [hub.connect(), hub.connect()];
      const got: number[] = [];
      b.subscribe("n", (payload) => got.push(payload[0] ?? -1));
      for (let i = 0; i < 200; i++) {
        a.publish("n", new Uint8Array([i]));
        clock.advance(1);
      }
      clock.advance(100);
      hub.disturb(undefined);
      a.publish("n", new Uint8Array([250]));
      expect(got.at(-1)).toBe(250);
      expect(new Set(got).size).toBeLessThan(200);
      expect(got.length).toBeGreaterThan(new Set(got).size);
      expect([...got].sort((x, y) => x - y)).not.toEqual(got);
      return got.join();
    };
    expect(run(7)).toBe(run(7));
    expect(run(7)).not.toBe(run(8));
  });
});
