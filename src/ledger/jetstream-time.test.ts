/**
 * Keys are remembered for their window of real time, whatever the clocks of servers and nodes are set to:
 * over a real nats-server whose stamps, and on nodes whose clocks, are set by the test.
 */
import { afterEach, describe, expect, test } from "bun:test";
import { type Clock, type Elapsed, systemClock, type UnixMs } from "../base/clock.ts";
import { systemPrng } from "../base/prng.ts";
import { connectBus, memoryLog, until } from "../bus/nats-kit.ts";
import { limits } from "../core/limits.ts";
import { openJetstreamLedger } from "./jetstream.ts";
import { closeAll, closers, likesAt, one, server } from "./jetstream-kit.ts";
import type { Ledger } from "./ledger.ts";
import { logStream } from "./partition.ts";
import type { Streams } from "./streams.ts";

afterEach(closeAll);

const stepMs = 180_000;

/** What the test sets: the server's wall, the node's wall, and how long the node has been running. */
class Times {
  serverMs = 0;
  wallMs = 0;
  ranMs = 0;
  /** What was added to the time of each message, as whoever reads it sees the same. */
  readonly #taken = new Map<string, number>();

  clock(): Clock {
    const real = systemClock();
    return {
      ...real,
      elapsed: () => (real.elapsed() + this.ranMs) as Elapsed,
      date: () => (real.date() + this.wallMs) as UnixMs,
    };
  }

  /** As if the server that leads the log had the wall that was set when it took a message in. */
  streams(streams: Streams): Streams {
    const taken = this.#taken;
    const shifted = <T extends { readonly seq: number; readonly subject: string; readonly atMs: number }>(
      stored: T,
    ): T => {
      const name = `${stored.subject} ${stored.seq}`;
      const shiftMs = taken.get(name) ?? this.serverMs;
      taken.set(name, shiftMs);
      return { ...stored, atMs: stored.atMs + shiftMs };
    };
    return new Proxy(streams, {
      get(target, name) {
        if (name === "read") {
          return (read: Parameters<Streams["read"]>[0]) =>
            target.read({ ...read, receive: (stored) => read.receive(shifted(stored)) });
        }
        const value = Reflect.get(target, name);
        return typeof value === "function" ? value.bind(target) : value;
      },
    });
  }
}

async function node(url: string, times: Times): Promise<Ledger> {
  const bus = await connectBus(url);
  const ledger = await openJetstreamLedger({
    streams: times.streams(bus.streams),
    clock: times.clock(),
    prng: systemPrng(),
    log: memoryLog(),
    partitions: 1,
    commentHistory: 10,
  });
  closers.push(async () => {
    await ledger.close();
    await bus.close();
  });
  return ledger;
}

/** Appends a like, and one that tells that it was folded everywhere. */
async function liked(ledgers: readonly Ledger[], by: number, key: string): Promise<void> {
  const marks = likesAt(ledgers[by] as Ledger, "mark");
  await ledgers[by]?.append(one("v", key));
  await ledgers[by]?.append(one("mark", crypto.randomUUID()));
  await until(() => ledgers.every((ledger) => likesAt(ledger, "mark") === marks + 1));
}

describe("a key counts once", () => {
  for (const [what, set] of [
    [
      "the server's wall steps forward",
      (t: Times) => {
        t.serverMs = stepMs;
      },
    ],
    [
      "the server's wall steps back",
      (t: Times) => {
        t.serverMs = -stepMs;
      },
    ],
    [
      "the nodes' walls step forward",
      (t: Times) => {
        t.wallMs = stepMs;
      },
    ],
    [
      "the nodes' walls step back",
      (t: Times) => {
        t.wallMs = -stepMs;
      },
    ],
  ] as const) {
    test(`although ${what} before its repeat`, async () => {
      const nats = await server();
      const times = new Times();
      const ledgers = [await node(nats.url, times), await node(nats.url, times)];
      await liked(ledgers, 0, "k");
      set(times);
      await liked(ledgers, 1, "k");
      await liked(ledgers, 0, "k");
      expect(ledgers.map((ledger) => likesAt(ledger, "v"))).toEqual([1, 1]);
      // One that starts later, with the wall as it is now, reads the same from the log, and goes on from it.
      const late = await node(nats.url, times);
      expect(likesAt(late, "v")).toBe(1);
      await liked([...ledgers, late], 2, "k");
      expect([...ledgers, late].map((ledger) => likesAt(ledger, "v"))).toEqual([1, 1, 1]);
    });
  }
});

test("a key counts again when its window has really passed, on all nodes, and only then", async () => {
  const nats = await server();
  const times = new Times();
  const ledgers = [await node(nats.url, times), await node(nats.url, times)];
  await liked(ledgers, 0, "k");
  times.ranMs += limits.keyWindowMs - 10_000;
  await liked(ledgers, 1, "k");
  expect(ledgers.map((ledger) => likesAt(ledger, "v"))).toEqual([1, 1]);
  times.ranMs += limits.keyWindowMs + 10_000;
  await liked(ledgers, 1, "k");
  expect(ledgers.map((ledger) => likesAt(ledger, "v"))).toEqual([2, 2]);
  // However long it was quiet: the window begins with the appearance.
  times.ranMs += 100 * limits.keyWindowMs;
  await liked(ledgers, 0, "k");
  await liked(ledgers, 1, "k");
  expect(ledgers.map((ledger) => likesAt(ledger, "v"))).toEqual([3, 3]);
  expect(likesAt(await node(nats.url, times), "v")).toBe(3);
});

test("a stamp that is nonsense forgets one window, and the log's time goes on", async () => {
  const nats = await server();
  const times = new Times();
  const ledgers = [await node(nats.url, times)];
  const bus = await connectBus(nats.url);
  closers.push(() => bus.close());
  await liked(ledgers, 0, "k");
  const { lastSeq } = await bus.streams.state(logStream(0).name);
  const held = await bus.streams.at(logStream(0).name, lastSeq - 1);
  const wrong = { "Ovation-Log-Ms": "9e300" };
  await bus.streams.append(logStream(0).subject, held?.payload as Uint8Array, 1_000, undefined, wrong);
  await liked(ledgers, 0, "k");
  await liked(ledgers, 0, "k");
  expect(likesAt(ledgers[0] as Ledger, "v")).toBe(2);
  times.ranMs += limits.keyWindowMs + 1_000;
  await liked(ledgers, 0, "k");
  expect(likesAt(ledgers[0] as Ledger, "v")).toBe(3);
});
