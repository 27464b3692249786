/** One receiver's events on a virtual clock: batches, pauses, what is refused, what is bounded. */
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { type Timer, VirtualClock } from "../base/clock.ts";
import { createMetrics } from "../base/metrics.ts";
import { seededPrng } from "../base/prng.ts";
import { outboxLimits as l, Outbox } from "./outbox.ts";
import { listening } from "./receiver-kit.ts";

interface Sent {
  readonly atMs: number;
  readonly id: string;
  readonly timestamp: string;
  readonly events: readonly number[];
}

type Answer = (sent: Sent) => Response | "away" | "never";

/** As a runtime's timers: none fires at once. */
class CoarseClock extends VirtualClock {
  override after(ms: number, run: () => void): Timer {
    return super.after(Math.max(ms, 1), run);
  }
}

/** `fraction`: what the source of randomness draws for every pause. */
function bench(answer: Answer = () => new Response(), fraction?: number, clock = new VirtualClock(0)) {
  const metrics = createMetrics();
  const sent: Sent[] = [];
  const startAt = clock.elapsed();
  const { log, lines } = listening();
  const fetch = async (_: string, { headers, body, signal }: RequestInit): Promise<Response> => {
    const { "webhook-id": id = "", "webhook-timestamp": timestamp = "" } = headers as Record<string, string>;
    const one = {
      atMs: clock.elapsed() - startAt,
      id,
      timestamp,
      events: JSON.parse(String(body)) as number[],
    };
    sent.push(one);
    const what = answer(one);
    if (what === "away") throw Object.assign(new Error("http://secret.example"), { code: "ECONNREFUSED" });
    if (what !== "never") return what;
    return new Promise((_, reject) => signal?.addEventListener("abort", () => reject(new Error("aborted"))));
  };
  const prng = fraction === undefined ? seededPrng(1) : { ...seededPrng(1), next: () => fraction };
  const bodyOf = (events: readonly string[]) => `[${events.join()}]`;
  const secrets = () => [new Uint8Array(32)];
  const url = "http://127.0.0.1:1/path?token=secret-in-the-url";
  const outbox = new Outbox({ url, fetch, clock, prng, metrics, log, bodyOf, secrets, agent: "ovation/1" });
  const add = (from: number, to = from) => {
    for (let n = from; n <= to; n++) outbox.add(String(n));
  };
  const counted = async (name: string) => {
    const text = await metrics.registry.getSingleMetricAsString(`ovation_${name}`);
    return text.split("\n").filter((line) => line !== "" && !line.startsWith("#"));
  };
  return { clock, outbox, add, sent, lines, counted };
}

const numbers = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, i) => from + i);

describe("an outbox", () => {
  test("lets a lone event wait for others, and sends it then", async () => {
    const { clock, add, sent, outbox, counted } = bench();
    add(1);
    await clock.run(l.batchMs - 100, 50);
    add(2);
    expect(sent).toEqual([]);
    await clock.run(100, 50);
    expect(sent.map(({ atMs, events }) => [atMs, events])).toEqual([[l.batchMs, [1, 2]]]);
    expect(outbox.size).toBe(0);
    expect(await counted("webhook_events_delivered_total")).toEqual([
      "ovation_webhook_events_delivered_total 2",
    ]);
  });

  test("sends a full batch at once, and the rest behind it", async () => {
    const { clock, add, sent } = bench();
    add(1, 2 * l.batchMax + 1);
    await clock.run(3);
    expect(sent.map(({ events }) => events)).toEqual([
      numbers(1, l.batchMax),
      numbers(l.batchMax + 1, 2 * l.batchMax),
    ]);
    await clock.run(l.batchMs, 50);
    expect(sent.at(-1)?.events).toEqual([2 * l.batchMax + 1]);
  });

  test("has one batch on its way at a time, and repeats it under its id, signed anew", async () => {
    let down = true;
    const { clock, add, sent, outbox, counted } = bench(
      () => new Response(null, { status: down ? 503 : 200 }),
      0.99,
    );
    add(1);
    await clock.run(l.batchMs, 50);
    add(2, 200);
    await clock.run(5_000, 50);
    expect(sent.length).toBeGreaterThan(2);
    for (const { events, id } of sent) expect([events, id]).toEqual([[1], sent[0]?.id as string]);
    expect(sent.at(-1)?.timestamp).not.toBe(sent[0]?.timestamp as string);
    down = false;
    await clock.run(20_000, 50);
    expect(sent.slice(-4).map(({ events }) => events.length)).toEqual([
      l.batchMax,
      l.batchMax,
      l.batchMax,
      49,
    ]);
    expect(new Set(sent.map(({ id }) => id)).size).toBe(5);
    expect(outbox.size).toBe(0);
    expect((await counted("webhook_retries_total"))[0]).toMatch(/ [34]$/);
  });

  test("pauses longer each time, up to a bound, drawn from zero up", async () => {
    const gaps = async (fraction: number) => {
      const { clock, add, sent } = bench(() => "away", fraction);
      add(1);
      await clock.run(6 * 60_000, 250);
      return sent.slice(1).map(({ atMs }, i) => atMs - (sent[i]?.atMs ?? 0));
    };
    expect((await gaps(1)).slice(0, 9)).toEqual([500, 1000, 2000, 4000, 8000, 16000, 32000, 60000, 60000]);
    expect((await gaps(0.5)).slice(0, 4)).toEqual([250, 500, 1000, 2000]);
  });

  test.each([
    ["in seconds", "7", 7_000],
    ["as a date", new Date(9_000).toUTCString(), 8_500],
    ["for longer than anybody should", "999999", l.askedMaxMs],
    ["for nonsense", "soon", 0],
  ])("waits as long as Retry-After asks %s", async (_, asks, pauseMs) => {
    const { clock, add, sent } = bench(
      () => new Response(null, { status: 429, headers: { "retry-after": asks } }),
      0,
    );
    add(1);
    await clock.run(l.batchMs, 50);
    await clock.run(Math.max(pauseMs - 10, 0), 1_000);
    expect(sent.length).toBe(1);
    await clock.run(20);
    expect(sent.length).toBeGreaterThan(1);
  });

  test.each([
    [200, "taken"],
    [204, "taken"],
    [302, "refused"],
    [400, "refused"],
    [410, "refused"],
    [413, "refused"],
    [408, "again"],
    [429, "again"],
    [500, "again"],
    [503, "again"],
  ])("%d is %s", async (status, meaning) => {
    const { clock, add, sent, outbox, counted } = bench(() => new Response(null, { status }), 1);
    add(1, 3);
    await clock.run(l.batchMs + 700, 50);
    expect(sent.length).toBe(meaning === "again" ? 2 : 1);
    expect(outbox.size).toBe(meaning === "again" ? 3 : 0);
    expect(await counted("webhook_events_dropped_total")).toEqual(
      meaning === "refused" ? ['ovation_webhook_events_dropped_total{reason="refused"} 3'] : [],
    );
  });

  test("holds so many and drops the oldest beyond, counted; what is on its way stays", async () => {
    let stuck = true;
    const { clock, add, sent, outbox, counted } = bench(() => (stuck ? "never" : new Response()), 0);
    add(1);
    await clock.run(l.batchMs, 50);
    add(2, l.waitingMax + 11);
    expect(outbox.size).toBe(l.waitingMax + 1);
    expect(await counted("webhook_events_dropped_total")).toEqual([
      'ovation_webhook_events_dropped_total{reason="full"} 10',
    ]);
    stuck = false;
    await clock.run(l.attemptMs + 500, 1);
    const taken = sent.slice(1).flatMap(({ events }) => events);
    expect(taken).toEqual([1, ...numbers(12, l.waitingMax + 11)]);
  });

  test("states of one thing are merged to the newest, and go first when too many wait", async () => {
    let away = true;
    const { add, outbox, clock, sent, counted } = bench(() => (away ? "away" : new Response()));
    add(0);
    await clock.run(l.batchMs + 1);
    for (let i = 1; i <= 100; i++) outbox.add(String(i), undefined);
    for (let i = 0; i < l.waitingMax - 200; i++) outbox.add(String(1_000 + i), `video ${i}`);
    for (const n of [20_001, 20_002]) outbox.add(String(n), "video 7");
    for (let i = 101; i <= 400; i++) outbox.add(String(i), undefined);
    expect(await counted("webhook_events_dropped_total")).toEqual([
      'ovation_webhook_events_dropped_total{reason="merged"} 2',
      'ovation_webhook_events_dropped_total{reason="full"} 200',
    ]);
    away = false;
    await clock.run(120_000, 50);
    const told = sent.flatMap(({ events }) => events).slice(1);
    const comments = told.filter((n) => n >= 1 && n <= 400);
    expect([...new Set(comments)]).toEqual(Array.from({ length: 400 }, (_, i) => i + 1));
    expect(told.filter((n) => n > 20_000 || n === 1_007)).toEqual([20_002]);
    // The oldest of the states were the ones that went.
    expect(Math.min(...told.filter((n) => n >= 1_000))).toBe(1_201);
  });

  test("ends an attempt that takes too long, and gives a batch up after long", async () => {
    const { clock, add, sent, outbox, counted } = bench(() => "never", 1);
    add(1);
    await clock.run(l.batchMs, 50);
    add(2);
    await clock.run(l.attemptMs - 10, 500);
    expect(sent.length).toBe(1);
    await clock.run(600, 10);
    expect(sent.length).toBe(2);
    await clock.run(l.giveUpMs + l.pauseMaxMs + l.attemptMs, 1_000);
    expect(sent.at(-1)?.events).toEqual([2]);
    expect(outbox.size).toBe(1);
    expect(await counted("webhook_events_dropped_total")).toEqual([
      'ovation_webhook_events_dropped_total{reason="gave-up"} 1',
    ]);
  });

  test("is not kept from sending by a flood that never pauses", async () => {
    const { clock, add, sent } = bench(undefined, undefined, new CoarseClock(0));
    for (let n = 0; n < 400; n++) {
      add(n);
      clock.advance(0.5);
      await Promise.resolve();
    }
    expect(sent.length).toBeGreaterThan(2);
  });

  test("tells the log when it begins to fail and when it is over, and no more", async () => {
    let down = true;
    const { clock, add, lines } = bench(() => (down ? "away" : new Response()));
    add(1);
    await clock.run(60_000, 100);
    down = false;
    await clock.run(120_000, 100);
    expect(lines.map((line) => JSON.parse(line))).toMatchObject([
      { event: "webhooks are not taken", to: "http://127.0.0.1:1", why: "ECONNREFUSED" },
      { event: "webhooks are taken again", to: "http://127.0.0.1:1" },
    ]);
    expect(lines.join("")).not.toContain("secret");
  });

  test("closing sends what is left once, in order, and takes nothing more", async () => {
    const { clock, add, sent, outbox, counted } = bench();
    add(1, 120);
    await outbox.close();
    expect(sent.map(({ events }) => events.length)).toEqual([50, 50, 20]);
    add(121);
    await clock.run(2 * l.batchMs, 50);
    expect(sent.length).toBe(3);
    expect(await counted("webhook_events_dropped_total")).toEqual([
      'ovation_webhook_events_dropped_total{reason="shutdown"} 1',
    ]);
  });

  test("closing tries a paused batch once more, and stops where that fails", async () => {
    const { clock, add, sent, outbox, counted } = bench(() => "away", 1);
    add(1, 51);
    await clock.run(100, 50);
    const tries = sent.length;
    await outbox.close();
    expect(sent.length).toBe(tries + 1);
    expect(await counted("webhook_events_dropped_total")).toEqual([
      'ovation_webhook_events_dropped_total{reason="shutdown"} 51',
    ]);
    expect(clock.next()).toBeUndefined();
  });

  test("closing ends in time although nobody answers", async () => {
    const { clock, add, outbox } = bench(() => "never");
    add(1, 51);
    await clock.run(100, 50);
    let closed = false;
    const closing = outbox.close().then(() => {
      closed = true;
    });
    await clock.run(l.lastMs - 10, 50);
    expect(closed).toBe(false);
    await clock.run(20);
    await closing;
  });

  test("whatever a receiver answers that is no refusal, it takes all events once, in order", async () => {
    const steps = fc.array(fc.tuple(fc.nat(80), fc.nat(2_000)), { minLength: 1, maxLength: 12 });
    const answers = fc.array(fc.constantFrom(200, 200, 500, 503, 429, 408, 0), { maxLength: 20 });
    await fc.assert(
      fc.asyncProperty(steps, answers, async (adds, statuses) => {
        const taken: number[] = [];
        const left = [...statuses];
        const { clock, add } = bench(({ events }) => {
          const status = left.shift() ?? 200;
          if (status === 0) return "away";
          if (status === 200) taken.push(...events);
          return new Response(null, { status });
        });
        let next = 0;
        for (const [count, ms] of adds) {
          for (let i = 0; i < count; i++) add(next++);
          await clock.run(ms, 100);
        }
        await clock.run(30 * l.pauseMaxMs, 5_000);
        expect(taken).toEqual(numbers(0, next - 1));
      }),
      { numRuns: 40 },
    );
  });
});
