/**
 * The one suite that every bus passes: whatever bus.ts promises is asked for here, of one bus by another.
 *
 * A test says what must become true and the harness says how time passes (a virtual clock for memory.ts, real
 * servers for nats.ts), so no test here knows which bus it runs on.
 */
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { BusUnavailable, NobodyServes } from "./bus.ts";
import { bytes, network, type Open, rejection, text, watched } from "./contract-kit.ts";
import { tabling } from "./contract-tables.ts";

/** Runs the suite against the network that `open` gives; each test gets a fresh one. */
export function describeBus(name: string, open: Open): void {
  describe(`${name}: publish and subscribe`, () => publishing(open));
  describe(`${name}: subjects`, () => subjecting(open));
  describe(`${name}: request and serve`, () => requesting(open));
  describe(`${name}: tables`, () => tabling(open));
  describe(`${name}: close`, () => closing(open));
}

function publishing(open: Open): void {
  const at = network(open);

  test("every subscriber gets a message once, its publisher too", async () => {
    const got: string[] = [];
    at.a.subscribe("tick.v1", (payload, subject) => got.push(`a ${subject} ${text(payload)}`));
    at.b.subscribe("tick.v1", (payload, subject) => got.push(`b ${subject} ${text(payload)}`));
    at.b.subscribe("tick.v1", (payload) => got.push(`b2 ${text(payload)}`));
    at.b.subscribe("tick.v2", () => got.push("other"));
    await at.net.settle();
    expect(at.a.publish("tick.v1", bytes("x"))).toBe(true);
    await at.net.settle();
    expect(got.sort()).toEqual(["a tick.v1 x", "b tick.v1 x", "b2 x"]);
  });

  test("a last token * stands for exactly one token", async () => {
    const got: string[] = [];
    at.a.subscribe("tick.*", (_payload, subject) => got.push(subject));
    await at.net.settle();
    for (const subject of ["tick.v1", "tick.v2", "tick", "tick.v1.deep", "tock.v1"]) {
      at.b.publish(subject, bytes(""));
    }
    await at.net.settle();
    expect(got).toEqual(["tick.v1", "tick.v2"]);
  });

  test("a position travels with its message, and is absent when none was given", async () => {
    const got: unknown[] = [];
    at.a.subscribe("comment.v", (_payload, _subject, position) => got.push(position));
    await at.net.settle();
    at.b.publish("comment.v", bytes("1"), { seq: 9_007_199_254_740_991, previous: 7 });
    at.b.publish("comment.v", bytes("2"));
    await at.net.settle();
    expect(got).toEqual([{ seq: 9_007_199_254_740_991, previous: 7 }, undefined]);
  });

  test("messages of one publisher arrive in order, bytes unchanged", async () => {
    const got: number[] = [];
    at.a.subscribe("n", (payload) => got.push(new DataView(payload.slice().buffer).getUint32(0)));
    const sizes: number[] = [];
    at.a.subscribe("size", (payload) => sizes.push(payload.length, payload.at(-1) ?? -1));
    await at.net.settle();
    for (let i = 0; i < 2000; i++) {
      const payload = new Uint8Array(4);
      new DataView(payload.buffer).setUint32(0, i);
      expect(at.b.publish("n", payload)).toBe(true);
    }
    at.b.publish("size", new Uint8Array(0));
    at.b.publish("size", new Uint8Array(512 * 1024).fill(7));
    await at.net.until(() => got.length >= 2000 && sizes.length >= 4);
    expect(got).toEqual(Array.from({ length: 2000 }, (_, i) => i));
    expect(sizes).toEqual([0, -1, 512 * 1024, 7]);
  });

  test("an ended subscription gets nothing; ending it again does nothing", async () => {
    const got: string[] = [];
    const ended = at.a.subscribe("v", () => got.push("ended"));
    at.a.subscribe("v", () => got.push("kept"));
    await at.net.settle();
    ended.end();
    ended.end();
    await at.net.settle();
    at.b.publish("v", bytes(""));
    await at.net.settle();
    expect(got).toEqual(["kept"]);
  });

  test("receivers may subscribe and end while they receive", async () => {
    const got: string[] = [];
    const one = (): void => {
      got.push("early");
      for (const subscription of both) subscription.end();
      at.a.subscribe("v", () => got.push("late"));
    };
    const both = [at.a.subscribe("v", one), at.a.subscribe("v", one)];
    await at.net.settle();
    at.b.publish("v", bytes(""));
    await at.net.settle();
    expect(got).toEqual(["early"]);
    at.b.publish("v", bytes(""));
    await at.net.settle();
    expect(got).toEqual(["early", "late"]);
  });
}

const illegal = [
  "",
  ".",
  "a.",
  ".a",
  "a..b",
  "a b",
  "a\tb",
  "a\r\nPUB evil 1\r\nx",
  "ä",
  "a.>",
  ">",
  "*",
  "a\0",
];

function subjecting(open: Open): void {
  const at = network(open);

  test("what is not a subject throws, everywhere one is taken", async () => {
    const table = await at.a.table("t");
    for (const subject of [...illegal, "a.*", "*.a", "x".repeat(256)]) {
      expect(() => at.a.publish(subject, bytes(""))).toThrow("illegal subject");
      expect(() => at.a.serve(subject, (payload) => payload)).toThrow("illegal subject");
      expect(() => at.a.request(subject, bytes(""), 10)).toThrow("illegal subject");
      expect(String(await rejection(table.put(subject, "")))).toContain("illegal subject");
      expect(String(await rejection(table.remove(subject)))).toContain("illegal subject");
    }
    for (const subject of [...illegal, "*.a", "a.*.b", "a.b*"]) {
      expect(() => at.a.subscribe(subject, () => {})).toThrow("illegal subject");
    }
  });

  test("no text reaches a subject other than the one it names", async () => {
    const got: string[] = [];
    for (const pattern of ["v.*", "v.evil.*"])
      at.b.subscribe(pattern, (_payload, subject) => got.push(subject));
    await at.net.settle();
    const sent: string[] = [];
    const hostile = fc.oneof(
      fc.string({ unit: "binary" }),
      fc.constantFrom("x 1\r\ny\r\nPUB v.evil", "*", ">", "evil.*", "a\nb", "ok", "evil.a"),
    );
    fc.assert(
      fc.property(hostile, (token) => {
        try {
          if (at.a.publish(`v.${token}`, bytes("x"))) sent.push(`v.${token}`);
        } catch (error) {
          expect(String(error)).toContain("illegal subject");
        }
      }),
      { numRuns: 300 },
    );
    await at.net.settle();
    expect(got).toEqual(sent.filter((subject) => /^v(\.evil)?\.[^.]+$/.test(subject)));
  });
}

function requesting(open: Open): void {
  const at = network(open);

  test("a request is answered, at once or later", async () => {
    at.a.serve("now", (payload) => bytes(`now ${text(payload)}`));
    at.a.serve("later", async (payload) => {
      await Promise.resolve();
      return bytes(`later ${text(payload)}`);
    });
    await at.net.settle();
    expect(text(await at.b.request("now", bytes("x"), 1000))).toBe("now x");
    expect(text(await at.b.request("later", bytes("y"), 1000))).toBe("later y");
    expect(text(await at.a.request("now", bytes("self"), 1000))).toBe("now self");
  });

  test("without a server a request is refused, long before its time is up", async () => {
    expect(await rejection(at.a.request("nobody", bytes(""), 60_000))).toBeInstanceOf(NobodyServes);
    const served = at.b.serve("gone", (payload) => payload);
    await at.net.settle();
    served.end();
    await at.net.settle();
    expect(await rejection(at.a.request("gone", bytes(""), 60_000))).toBeInstanceOf(NobodyServes);
  });

  test("a server that throws or never answers makes the request fail, not the server", async () => {
    let asked = 0;
    at.b.serve("throws", () => {
      asked++;
      throw new Error("bug");
    });
    at.b.serve("rejects", async () => {
      asked++;
      throw new Error("bug");
    });
    at.b.serve("silent", () => {
      asked++;
      return new Promise(() => {});
    });
    await at.net.settle();
    const thrown = await rejection(at.a.request("throws", bytes(""), 60_000));
    expect(thrown).toBeInstanceOf(BusUnavailable);
    expect(thrown).not.toBeInstanceOf(NobodyServes);
    expect(await rejection(at.a.request("rejects", bytes(""), 60_000))).toBeInstanceOf(BusUnavailable);
    const silent = rejection(at.a.request("silent", bytes(""), 50));
    await at.net.pass(100);
    expect(await silent).toBeInstanceOf(BusUnavailable);
    expect(asked).toBe(3);
  });

  test("several servers share the requests, one each", async () => {
    const c = await at.net.connect();
    const served = [0, 0, 0];
    const ends = [at.a, at.b, c].map((bus, i) =>
      bus.serve("work", (payload) => {
        served[i] = (served[i] ?? 0) + 1;
        return payload;
      }),
    );
    await at.net.settle();
    const answers = await Promise.all(
      Array.from({ length: 90 }, async (_, i) => text(await at.a.request("work", bytes(`${i}`), 2000))),
    );
    expect(answers).toEqual(Array.from({ length: 90 }, (_, i) => `${i}`));
    expect(served.reduce((sum, n) => sum + n, 0)).toBe(90);
    for (const n of served) expect(n).toBeGreaterThan(5);
    ends[1]?.end();
    await at.net.settle();
    const before = served[1];
    for (let i = 0; i < 20; i++) await at.b.request("work", bytes(""), 2000);
    expect(served[1]).toBe(before);
  });
}

function closing(open: Open): void {
  const at = network(open);

  test("a closed bus delivers nothing and takes nothing", async () => {
    const got: string[] = [];
    const table = await at.a.table("t");
    const seen = watched(table);
    at.a.subscribe("v", () => got.push("delivered"));
    at.a.serve("s", (payload) => payload);
    at.a.onConnected((connected) => got.push(`connected ${connected}`));
    at.b.serve("silent", () => new Promise(() => {}));
    await at.net.until(() => seen.synced === 1);
    await at.net.settle();
    const waiting = rejection(at.a.request("silent", bytes(""), 60_000));
    await at.a.close();
    await at.a.close();
    expect(at.a.connected()).toBe(false);
    expect(await waiting).toBeInstanceOf(BusUnavailable);
    expect(at.a.publish("v", bytes(""))).toBe(false);
    expect(await rejection(at.a.request("s", bytes(""), 1000))).toBeInstanceOf(BusUnavailable);
    expect(await rejection(table.put("k", "v"))).toBeInstanceOf(BusUnavailable);
    expect(await rejection(table.remove("k"))).toBeInstanceOf(BusUnavailable);
    at.b.publish("v", bytes(""));
    await (await at.b.table("t")).put("k", "v");
    await at.net.settle();
    expect(await rejection(at.b.request("s", bytes(""), 1000))).toBeInstanceOf(BusUnavailable);
    expect(got).toEqual([]);
    expect(seen.story).toEqual([]);
  });
}
